"""The programs of a run: an org, one gateway or two, their ways to one another, and a database."""

import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import psycopg
import requests

import programs
from torture.schedule import OBJECTS, STANDARD_CHANNEL, STREAM_TOPIC
from torture.wire import Wire

HASTE = 100
POLL = "60s"
"""The gateway's pauses are so much shorter than in service."""
ANSWER_SECONDS = 2
"""A gateway whose database is locked answers later: it is asked again, and the workload goes on."""
SCHEMA = pathlib.Path(__file__).parent / "org.yaml"
DATABASE = itertools.count(1)


class Failure(AssertionError):
    """What the torture looks for."""


def make_template(directory):
    """An org that every run begins as a copy of: made once, as founding one takes longer than a run's first second."""
    org = programs.start_sandbox(directory, [*programs.PORT_OPTIONS, "--schema", SCHEMA])
    for name in OBJECTS:
        if name not in STANDARD_CHANNEL:
            event = event_of(name)
            org.rest("POST", "/tooling/sobjects/PlatformEventChannelMember", {
                "FullName": f"ChangeEvents_{event.replace(chr(95) * 2, chr(95))}",
                "Metadata": {"eventChannel": "ChangeEvents", "selectedEntity": event}}, expected=201)
    org.program.stop()
    for name in ("sandbox.out", "sandbox.err"):
        (pathlib.Path(directory) / name).unlink()


def event_of(name):
    return f"{name[:-3]}__ChangeEvent" if name.endswith("__c") else f"{name}ChangeEvent"


class TorturedOrg(programs.Org):
    """A sandbox in a copy of the template. `programs.Org` logs in; here a session is opened through the control door, which no
    fault strikes."""

    def __init__(self, directory, keepalive):
        self.directory = pathlib.Path(directory)
        self.keepalive = keepalive
        self.start(programs.PORT_OPTIONS)

    def start(self, ports):
        org = programs.start_sandbox(self.directory, [*ports, "--keepalive", self.keepalive])
        super().__init__(org.connection, org.program)

    @property
    def access(self):
        if self._access is None:
            self._access = self.control("POST", "/session", {})
        return self._access

    def control(self, method, path, body=None):
        answer = self.http.request(
            method, f"{self.connection['http_url']}/sandbox{path}", json=body, timeout=programs.CALL_SECONDS)
        if answer.status_code >= 400:
            raise Failure(f"the control door refuses {method} {path} {body}: {answer.text}")
        return answer.json() if answer.content else None

    def deselect(self, name):
        """Its changes make no events any more."""
        query = "/tooling/query?q=SELECT+Id,SelectedEntity+FROM+PlatformEventChannelMember"
        [member] = [found["Id"] for found in self.rest("GET", query, expected=200).json()["records"]
                    if found["SelectedEntity"] == event_of(name)]
        self.rest("DELETE", f"/tooling/sobjects/PlatformEventChannelMember/{member}", expected=204)

    def restart(self):
        """kill -9, and again at the same addresses."""
        ports = programs.ports_of(self)
        self.program.kill()
        self.http.close()
        self.start(ports)


class TorturedGateway(programs.Gateway):
    """A gateway whose process comes and goes, without anybody waiting for it."""

    def __init__(self, directory, org, wire, database, schedule):
        objects = {name: {"fields": "all"} for name in OBJECTS}
        if schedule.get("polls"):
            objects[schedule["polls"]]["poll"] = POLL
        if schedule.get("history"):
            for settings in objects.values():
                settings["history"] = True
        chunk_rows = schedule.get("chunk_rows")
        super().__init__(directory, org, topics=(STREAM_TOPIC,), objects=objects, database=database, starts=False)
        text = (self.directory / "millrace.yaml").read_text()
        address = org.connection["grpc_plaintext_address"]
        assert address in text
        text = text.replace(address, f"127.0.0.1:{wire.port}")
        if chunk_rows:
            text += f"\nsync: {{chunk_rows: {chunk_rows}}}\n"
        (self.directory / "millrace.yaml").write_text(text)
        self.program = None
        self.starts = 0
        self.ends = []

    def launch(self, crash=None):
        self.starts += 1
        environment = {"MILLRACE_HASTE": str(HASTE)}
        if crash:
            environment["MILLRACE_CRASH_AT"] = crash
        self.crash = crash
        self.port = 0
        self.program = programs.Program(
            self.directory, "run", "--config", self.directory / "millrace.yaml", name=f"run-{self.starts:02}",
            environment=environment)

    @property
    def is_running(self):
        return self.program is not None and self.program.process.poll() is None

    @property
    def address(self):
        """None: it does not listen yet, as a standby does not."""
        if not self.port:
            found = re.search(r"(?:https?|wss?)://127\.0\.0\.1:(\d+)", self.program.output)
            if not found:
                return None
            self.port = int(found[1])
        return self.url

    def ask(self, method, path, body=None):
        """The answer of the running gateway; None: it does not answer now."""
        if not self.is_running or not self.address:
            return None
        try:
            return requests.request(
                method, f"{self.address}{path}", json=body, headers={"Authorization": f"Bearer {self.ADMIN_SECRET}"},
                timeout=ANSWER_SECONDS)
        except requests.RequestException:
            return None

    def end(self, with_signal=signal.SIGKILL):
        if self.is_running:
            self.program.process.send_signal(with_signal)
        if self.program is not None:
            try:
                self.program.process.wait(programs.STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.program.kill()
                raise Failure("the gateway did not end after SIGTERM") from None


class World:
    """Everything of one run, in a directory of its own. `server`: the port of PostgreSQL; None: SQLite."""

    def __init__(self, directory, template, schedule, server):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.log = []
        self.org = self.stream = self.database_wire = self.direct = None
        self.gateways = []
        self.active = 0
        try:
            shutil.copytree(template, self.directory / "org")
            # The same org, with its keys and certificates, at addresses of its own.
            self.org = TorturedOrg(self.directory / "org", schedule["keepalive"])
            self.stream = Wire(int(self.org.connection["grpc_plaintext_address"].rsplit(":", 1)[1]))
            database = None
            if schedule["engine"] == "postgres":
                name = f"t{os.getpid()}_{next(DATABASE)}"
                with psycopg.connect(f"postgres://postgres@127.0.0.1:{server}/postgres", autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name} STRATEGY FILE_COPY")
                self.direct = f"postgres://postgres@127.0.0.1:{server}/{name}"
                self.database_wire = Wire(server)
                database = f"postgres://postgres@127.0.0.1:{self.database_wire.port}/{name}"
            polled = schedule.get("polls")
            if polled:
                self.org.deselect(polled)
            self.gateways.append(TorturedGateway(self.directory / "gateway", self.org, self.stream, database, schedule))
            if any(fault["kind"] == "standby" for fault in schedule["faults"]):
                self.gateways.append(TorturedGateway(self.directory / "standby", self.org, self.stream, database, schedule))
        except BaseException:
            self.close()
            raise

    @property
    def gateway(self):
        """The one that works: which of two gets the database first, a takeover decides."""
        for number, gateway in enumerate(self.gateways):
            if number != self.active and gateway.is_running and gateway.address and not (
                    self.gateways[self.active].is_running and self.gateways[self.active].address):
                self.active = number
                break
        return self.gateways[self.active]

    def note(self, text):
        self.log.append(f"{time.time():.3f} {text}")

    def connect(self):
        """To the database of a run on PostgreSQL, past the wire."""
        return psycopg.connect(self.direct, autocommit=True)

    def close(self):
        for gateway in self.gateways:
            if gateway.is_running:
                gateway.program.kill()
        if self.org is not None and self.org.program.process.poll() is None:
            self.org.program.kill()
        for wire in (self.stream, self.database_wire):
            if wire:
                wire.close()
        (self.directory / "run.log").write_text("\n".join(self.log) + "\n")

    def drop(self):
        """What a run that succeeded leaves nobody to look at."""
        if self.direct:
            base, name = self.direct.rsplit("/", 1)
            with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        shutil.rmtree(self.directory)
