"""Faults, injected at the steps that a schedule names, and healed at its end."""

import signal
import sqlite3

import programs
from torture import oracle
from torture.world import Failure

PREFIXES = {"Account": "001", "Contact": "003", "Case": "500", "Lead": "00Q"}


class Faults:
    """What is broken now, and what is to be mended when."""

    def __init__(self, world, workload, schedule):
        self.world = world
        self.workload = workload
        self.schedule = schedule
        self.step = 0
        self.struck = {}
        """How often each kind of fault came about, for the report."""
        self.starts_at = {}
        """Step at which a gateway comes back, by its number."""
        self.endings = []
        """(step, what to do then)"""
        self.snapshots = []
        """That nobody has taken the order of yet."""
        self.may_end = schedule["engine"] == "postgres"
        """Whether a gateway may end by itself: one that has lost its database's session to another does."""
        self.first_crash = None

    def count(self, name):
        self.struck[name] = self.struck.get(name, 0) + 1

    def before(self, step):
        """Everything that is due before a step."""
        self.step = step
        for ending in [ending for ending in self.endings if ending[0] <= step]:
            self.endings.remove(ending)
            ending[1]()
        for fault in self.schedule["faults"]:
            if fault["at"] == step:
                self.world.note(f"step {step}: {fault}")
                getattr(self, fault["kind"].replace("-", "_"))(fault)
        self.supervise()
        self.order()

    def after(self, fault, what):
        """At the end of a fault that lasts some steps."""
        self.endings.append((self.step + fault.get("for", 1), what))

    # MARK: Processes

    def supervise(self, is_over=False):
        """Starts what is to run: as a supervisor of services does, and at once."""
        for number, gateway in enumerate(self.world.gateways):
            due = self.starts_at.get(number)
            if due is not None:
                if is_over or self.step >= due:
                    del self.starts_at[number]
                    self.world.note(f"gateway {number} starts")
                    gateway.launch()
                continue
            if gateway.program is None or gateway.is_running:
                continue
            status = gateway.program.process.returncode
            if status == -signal.SIGKILL and gateway.crash:
                self.count(f"crash {gateway.crash.split(':')[0]}")
                self.world.note(f"gateway {number} died at {gateway.crash}")
            elif status > 0 and self.may_end and gateway.starts < 40:
                self.count("ended by itself")
                self.world.note(f"gateway {number} ended with {status}")
            else:
                raise Failure(f"gateway {number} ended with {status}:\n{gateway.program.output[-3000:]}")
            gateway.launch()

    def kill(self, fault):
        self.count("kill -9")
        self.down(self.world.active, fault["down"], signal.SIGKILL)

    def stop(self, fault):
        self.count("stop")
        self.down(self.world.active, fault["down"], signal.SIGTERM)

    def down(self, number, steps, with_signal):
        self.world.gateways[number].end(with_signal)
        self.starts_at[number] = self.step + steps

    def crash(self, fault):
        """From now on it dies when it comes by the place; until then, that it was killed for it is a fault as well."""
        gateway = self.world.gateway
        # (Which may have become another's work just now.)
        self.starts_at.pop(self.world.active, None)
        gateway.end()
        gateway.launch(f"{fault['point']}:{fault['time']}")

    def standby(self, fault):
        """The other gateway is, or becomes, the writer."""
        self.count("standby")
        other = 1 - self.world.active
        if not self.world.gateways[other].is_running:
            self.starts_at.pop(other, None)
            self.world.gateways[other].launch()
        self.down(self.world.active, 0, signal.SIGKILL)
        self.world.active = other

    def kill_org(self, fault):
        self.count("org killed")
        self.world.org.restart()

    # MARK: The org

    def fault(self, fault):
        document = fault["fault"]
        self.count(f"{document['kind']} of {document.get('topic') or document.get('rpc') or document.get('path') or document.get('object') or 'all'}")
        made = self.world.org.control("POST", "/faults", document)
        if fault.get("cuts"):
            # So that it subscribes again.
            self.world.stream.cut()
        if "for" in fault:
            self.after(fault, lambda: self.mend(made["id"]))

    def mend(self, name):
        # After a restart the org knows of no faults.
        answer = self.world.org.http.delete(f"{self.world.org.connection['http_url']}/sandbox/faults/{name}", timeout=programs.CALL_SECONDS)
        assert answer.status_code in (204, 404), answer.text

    def gap(self, fault):
        document = {"kind": fault["gap"], "object": fault["object"]}
        if fault["gap"] not in ("GAP_OVERFLOW", "conversion"):
            ids = self.named(fault)
            if not ids:
                return
            document["ids"] = ids
        self.count(f"{fault['gap']} {fault['records']}" if "ids" in document else fault["gap"])
        self.world.org.control("POST", "/gaps", document)

    def named(self, fault):
        """Records of the kind that a gap is about. An org never says of a live record that it was deleted."""
        kind = fault["records"]
        if kind == "present" and fault["gap"] == "GAP_DELETE":
            kind = "deleted"
        ids = [one for key, one in self.workload.ids.items() if key.rsplit("-", 1)[0] == fault["object"]]
        # Through the control door, which no fault strikes.
        live = oracle.truth(self.world.org, fault["object"]).keys()
        if kind == "unknown":
            prefix = PREFIXES.get(fault["object"]) or next(iter(live or ids), "")[:3]
            return [with_checksum(f"{prefix}0000000ZZ{number:03}") for number in range(fault["count"])] if prefix else []
        return [one for one in ids if (one in live) == (kind == "present")][:fault["count"]]

    def clock(self, fault):
        self.count("clock")
        self.world.org.control("POST", "/clock", {"advance": fault["seconds"]})

    # MARK: Ways

    def wire(self, fault):
        self.count(f"wire {fault['what']}")
        wire = self.world.stream
        if fault["what"] == "cut":
            wire.cut()
            return
        wire.mode = fault["what"]
        if fault["what"] == "refuse":
            wire.cut()
        self.after(fault, wire.heal)

    # MARK: The database

    def database(self, fault):
        self.count(f"database {fault['what']}")
        wire = self.world.database_wire
        if fault["what"] == "cut":
            wire.cut()
        elif fault["what"] == "terminate":
            with self.world.connect() as connection:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                   "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        else:
            wire.commits = (fault["what"].split("-")[0], fault["time"])

    def lock(self, fault):
        """Another session holds an object's table."""
        self.count("lock")
        connection = self.world.connect()
        connection.autocommit = False
        try:
            connection.execute("SET lock_timeout = '300ms'")
            connection.execute(f"LOCK TABLE salesforce.{fault['object'].lower()} IN ACCESS EXCLUSIVE MODE")
        except Exception as error:
            # The table is not there yet, or in use: there is nothing to wait for.
            self.world.note(f"no lock: {error}")
            connection.close()
            return
        self.after(fault, connection.close)

    def reader(self, fault):
        """Another program reads for long."""
        self.count("reader")
        path = self.world.gateway.directory / "millrace.sqlite"
        if not path.exists():
            return
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.OperationalError as error:
            self.world.note(f"no reader: {error}")
            connection.close()
            return
        self.after(fault, connection.close)

    # MARK: Snapshots

    def snapshot(self, fault):
        document = {"object": fault["object"]}
        if "where" in fault:
            document["where"] = fault["where"]
        self.snapshots.append(document)

    def order(self):
        """What is to be read; again until it was taken: a gateway may be away, or have no table yet."""
        for document in list(self.snapshots):
            answer = self.world.gateway.ask("POST", "/admin/sync/snapshots", document)
            if answer is not None and answer.status_code == 202:
                self.snapshots.remove(document)
                self.count("snapshot")
                self.world.note(f"snapshot {answer.json()} of {document}")

    # MARK: The end

    def heal(self):
        """Nothing is broken any more, and everything that is to run does."""
        for _, end in self.endings:
            end()
        self.endings = []
        self.world.org.control("DELETE", "/faults")
        self.world.stream.heal()
        if self.world.database_wire:
            self.world.database_wire.heal()
        self.supervise(is_over=True)


def with_checksum(text):
    """The 18 characters of an id of 15."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    return text + "".join(
        letters[sum(1 << place for place, letter in enumerate(text[start:start + 5]) if letter.isupper())] for start in (0, 5, 10))
