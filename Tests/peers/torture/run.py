"""One run of a schedule, from the start of its programs to the comparison."""

import time
import traceback

from torture import oracle
from torture.faults import Faults
from torture.workload import Workload
from torture.world import Failure, World

QUIET_SECONDS = 60
LATE_SECONDS = 5
WRONG_MAX = 12
CALLS_MAX_PER_START = 400
"""API calls that a start of the gateway, a snapshot or a fault may cost at most: more is a loop."""


def run(directory, template, schedule, server):
    """{"failure": None or text, …figures}. The directory is left where it failed."""
    began = time.monotonic()
    result = {"seed": schedule["seed"], "engine": schedule["engine"], "failure": None, "directory": str(directory),
              "reads": schedule["reads"]}
    world = None
    try:
        world = World(directory, template, schedule, server)
        Run(world, schedule, result).go()
    except Failure as failure:
        result["failure"] = str(failure)
    except Exception:
        result["failure"] = traceback.format_exc()
    finally:
        if world is not None:
            world.note(f"failure: {result['failure']}")
            world.close()
    if world is not None and result["failure"] is None:
        world.drop()
    result["seconds"] = round(time.monotonic() - began, 2)
    return result


class Run:
    def __init__(self, world, schedule, result):
        self.world = world
        self.schedule = schedule
        self.result = result
        self.workload = Workload(world)
        self.faults = Faults(world, self.workload, schedule)
        self.place = None
        result["struck"] = self.faults.struck

    def go(self):
        steps = self.schedule["steps"]
        self.world.gateway.launch()
        if self.schedule["loads_first"]:
            self.until_loaded()
        for number, step in enumerate(steps):
            self.faults.before(number)
            self.workload.do(step)
            if number % 8 == 0:
                self.look_at_place()
            time.sleep(step["pause"])
        for number in range(len(steps), max([fault["at"] for fault in self.schedule["faults"]] + [0]) + 1):
            self.faults.before(number)
        self.faults.heal()
        self.world.note("healed")
        self.until_quiet()
        self.compare()
        self.result |= {"changes": self.workload.done, "refused": self.workload.refused}

    # MARK: Invariants on the way

    def look_at_place(self):
        """The cursor never goes back: not at a crash, not at a takeover. (An org's replay ids are opaque; a sandbox's count.)"""
        place = oracle.cursor(self.world)
        if self.place is not None and (place is None or place < self.place) and not self.may_step_back:
            raise Failure(f"the cursor went back from {self.place} to {place}")
        self.place = place

    @property
    def may_step_back(self):
        """After a refused place the stream begins again at the oldest event."""
        return any(fault.get("fault", {}).get("kind", "").startswith("replay-") for fault in self.schedule["faults"])

    # MARK: Waiting

    def status(self):
        answer = self.world.gateway.ask("GET", "/admin/sync")
        return answer.json() if answer is not None and answer.status_code == 200 else None

    def has_answered(self):
        self.faults.supervise()
        self.answer = self.status()
        return self.answer is not None

    def until_loaded(self):
        def is_loaded():
            self.faults.supervise()
            status = self.status()
            return status and all("loadedAt" in found for found in status["status"]["objects"])
        self.until(is_loaded, "the first load")

    def until(self, question, what):
        end = time.monotonic() + QUIET_SECONDS
        while not question():
            if time.monotonic() > end:
                status = self.status()
                raise Failure(f"not quiet after {QUIET_SECONDS} s, waited for {what}; status: {status}\n"
                              f"{self.world.gateway.program.output[-1500:] if self.world.gateway.program else ''}")
            time.sleep(0.03)

    def until_quiet(self):
        """Everything that the org has told has arrived, and nothing is left to be done."""
        self.until(self.has_ordered, "the gateway to take the order of a snapshot")
        marks = self.mark()
        head = int(self.world.org.control("GET", "/truth")["log"]["replay_id"], 16)
        # Events come in their order, and a snapshot may bring the last records before them.
        self.until(lambda: self.has_followed(head), "the last events to arrive")
        self.until(lambda: self.have_arrived(marks), "the last records to arrive")
        self.until(self.is_settled, "an end of reading")

    def has_ordered(self):
        self.faults.supervise()
        self.faults.order()
        return not self.faults.snapshots

    def mark(self):
        marks = []
        account = self.world.org.create("Account", Name="the last account")
        marks.append(("Account", account))
        marks.append(("Contact", self.world.org.create("Contact", LastName="the last contact")))
        marks.append(("Case", self.world.org.create("Case", Subject="the last case")))
        marks.append(("Lead", self.world.org.create("Lead", LastName="the last lead", Company="Last")))
        marks.append(("Part__c", self.world.org.create("Part__c", Account__c=account)))
        return marks

    def has_followed(self, head):
        self.faults.supervise()
        place = oracle.cursor(self.world)
        return place is not None and place >= head

    def have_arrived(self, marks):
        self.faults.supervise()
        for name, key in list(marks):
            found = oracle.rows(self.world, name)
            if found is not None and any(row["sfid"] == key for row in found):
                marks.remove((name, key))
        return not marks

    def is_settled(self):
        self.faults.supervise()
        status = self.status()
        if status is None:
            return False
        status = status["status"]
        for snapshot in status["snapshots"]:
            if snapshot["phase"] == "failed":
                raise Failure(f"a snapshot failed: {snapshot}")
        return (all("loadedAt" in found and found["inDoubt"] == 0 and not found.get("message") for found in status["objects"])
                and all(found["phase"] == "done" for found in status["snapshots"]))

    # MARK: The end

    def compare(self):
        wrong, compared = oracle.differences(self.world)
        if wrong:
            # A column that has just been made is being read: once more, and then it counts.
            end = time.monotonic() + LATE_SECONDS
            while wrong and time.monotonic() < end:
                time.sleep(0.2)
                self.until(self.is_settled, "an end of reading")
                wrong, compared = oracle.differences(self.world)
            if not wrong:
                self.result["late"] = True
        self.result["compared"] = compared
        self.result["wrong"] = len({(name, key) for name, key, *_ in wrong})
        if wrong:
            lines = [f"  {name} {key} {column}: ours {ours!r:.200}, theirs {theirs!r:.200}" for name, key, column, ours, theirs in wrong[:WRONG_MAX]]
            raise Failure(f"{self.result['wrong']} wrong rows, {len(wrong)} differences:\n" + "\n".join(lines))
        if self.schedule.get("history"):
            faults = oracle.history_faults(self.world)
            self.result["versions"] = sum(len(oracle.versions(self.world, name)) for name in oracle.OBJECTS)
            if faults:
                raise Failure("\n".join(["the history is wrong:"] + [f"  {' '.join(fault)}" for fault in faults[:WRONG_MAX]]))
        # A place to crash at may be reached this late.
        self.until(self.has_answered, "an answer")
        budget = self.answer["budget"]
        calls = sum(count for purpose, count in budget["calls"].items() if purpose != "polling")
        self.result["calls"] = calls
        starts = sum(gateway.starts for gateway in self.world.gateways)
        allowed = CALLS_MAX_PER_START * (starts + len(self.schedule["faults"]))
        if self.schedule.get("chunk_rows"):
            # Every chunk is a job of its own.
            allowed *= 6
        if calls > allowed:
            raise Failure(f"{calls} API calls, more than {allowed}: {budget}")
        self.look_at_place()
