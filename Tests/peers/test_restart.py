"""kill -9 during traffic, of the gateway and of the org: nothing that was acknowledged is lost, every change reaches the client at
least once."""

import threading
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidHandshake

import programs
from push_client import PushClient, ids, place

KILLS = 3
CHANGES_BETWEEN = 15
SETTLE_SECONDS = 60


@pytest.fixture
def world(directories):
    org = programs.start_sandbox(directories("restart-org"))
    gateway = programs.Gateway(directories("restart-gateway"), org)
    yield org, gateway
    for program in (gateway.program, org.program):
        if program.process.poll() is None:
            program.stop()


class Follower:
    """A client that resumes from its place, as a page does."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.seen = []
        self.gaps = []
        self.place = None
        self.ends = threading.Event()
        self.failure = None
        self.subscribed = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ends.is_set():
            try:
                with PushClient(self.gateway, self.gateway.token()) as client:
                    client.wait_for("welcome")
                    answer = client.subscribe(replay=-1 if self.place is None else self.place)
                    assert answer["type"] == "subscribed", answer
                    if self.place is None:
                        self.place = answer["replayId"]
                    self.subscribed.set()
                    self.follow(client)
            except (OSError, ConnectionClosed, InvalidHandshake, EOFError, TimeoutError):
                time.sleep(0.05)  # Cut: once more. The loop ends with the test.
            except BaseException as error:
                self.failure = error
                return

    def follow(self, client):
        while not self.ends.is_set():
            while client.unseen:
                self.take(client.unseen.pop(0))
            try:
                self.take(client.receive(0.5))
            except TimeoutError:
                continue

    def take(self, message):
        if message["type"] in ("event", "left"):
            payload = message["data"]["payload"]
            self.seen.append((ids(message)[0], payload.get("Subject")))
        elif message["type"] == "gap":
            self.gaps.append(message)
        if message["type"] in ("event", "left", "gap", "checkpoint"):
            self.place = place(message)

    def wait_for(self, wanted):
        try:
            programs.until(lambda: self.failure or set(wanted) <= set(self.seen), SETTLE_SECONDS, what="every change")
        except AssertionError:
            missing = [change for change in wanted if change not in set(self.seen)]
            raise AssertionError(f"{len(missing)} of {len(wanted)} acknowledged changes never arrived: {missing[:5]}") from None
        finally:
            self.ends.set()
            self.thread.join(20)
        assert self.failure is None, self.failure
        assert self.gaps == [], "nothing was lost, so no gap may be told"
        in_order = [change for index, change in enumerate(self.seen) if change not in self.seen[:index]]
        per_record = {}
        for record, subject in in_order:
            per_record.setdefault(record, []).append(subject)
        for record in {record for record, _ in wanted}:
            expected = [subject for other, subject in wanted if other == record]
            got = [subject for subject in per_record[record] if subject in expected]
            assert got == expected, "the order of a record's changes is kept"


def change(org, cases, number, acknowledged):
    """One change; remembered only when the org has acknowledged it."""
    record = cases[number % len(cases)]
    subject = f"change {number}"
    org.update("Case", record, Subject=subject)
    acknowledged.append((record, subject))


def test_the_gateway_is_killed_again_and_again(world):
    org, gateway = world
    contact = org.create_contact("Killed")
    cases = [org.create_case(contact, "start") for _ in range(3)]
    follower = Follower(gateway)
    assert follower.subscribed.wait(20)
    acknowledged, number = [], 0
    for _ in range(KILLS):
        for _ in range(CHANGES_BETWEEN):
            change(org, cases, number, acknowledged)
            number += 1
        gateway.program.kill()
        for _ in range(CHANGES_BETWEEN):  # Nobody listens; the org keeps them.
            change(org, cases, number, acknowledged)
            number += 1
        gateway.start()
    follower.wait_for(acknowledged)


def test_the_org_is_killed_again_and_again(world):
    org, gateway = world
    contact = org.create_contact("Killed")
    cases = [org.create_case(contact, "start") for _ in range(3)]
    follower = Follower(gateway)
    assert follower.subscribed.wait(20)
    ports = programs.ports_of(org)
    acknowledged, number = [], 0
    for _ in range(KILLS):
        for _ in range(CHANGES_BETWEEN):
            change(org, cases, number, acknowledged)
            number += 1
        org.program.kill()
        restarted = programs.start_sandbox(org.program.directory, ports)
        assert restarted.connection == org.connection, "the same org at the same addresses"
        org.program = restarted.program
        org.forget_session()
        for record, subject in {record: subject for record, subject in acknowledged}.items():
            assert org.get("Case", record)["Subject"] == subject, "what was acknowledged is there"
    for _ in range(CHANGES_BETWEEN):
        change(org, cases, number, acknowledged)
        number += 1
    follower.wait_for(acknowledged)


def test_a_write_that_was_cut_is_whole_or_not_there(world):
    org, gateway = world
    contact = org.create_contact("Cut")
    ports = programs.ports_of(org)
    made, refused = [], 0

    def write():
        nonlocal refused
        while not stop.is_set():
            try:
                made.append(org.create_case(contact, f"cut {len(made)}"))
            except requests.RequestException:
                refused += 1
                return

    stop = threading.Event()
    writer = threading.Thread(target=write)
    writer.start()
    programs.until(lambda: len(made) >= 10, what="some traffic")
    org.program.kill()
    stop.set()
    writer.join(30)
    org.program = programs.start_sandbox(org.program.directory, ports).program
    org.forget_session()
    for case_id in made:
        assert org.get("Case", case_id)["ContactId"] == contact
    with PushClient(gateway, gateway.token(f"ContactId = '{contact}'")) as client:
        client.wait_for("welcome")
        client.subscribe(replay=-2)
        last = org.create_case(contact, "after the cut")
        client.event(last, seconds=60)
        seen = [ids(message)[0] for message in client.messages if message["type"] == "event"]
        assert set(made) <= set(seen)
        assert len(seen) == len(set(seen)), "nothing came twice on one connection"


def test_a_graceful_stop_tells_clients_when_to_come_back(world):
    org, gateway = world
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        stopper = threading.Thread(target=gateway.program.stop)
        stopper.start()
        code, reason = client.wait_closed(30)
        stopper.join(60)
    assert code == 1001 and "retry-after-ms=" in reason
    assert gateway.program.process.returncode == 0
