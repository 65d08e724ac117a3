"""kill -9 during traffic, of the gateway and of the org: nothing that was acknowledged is lost, every change reaches the client at
least once."""

import signal
import struct
import threading
import time

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidHandshake

import programs
from bare_socket import BareSocket
from event_stream import EventStream
from push_client import PushClient, ids, place
from test_faults import Control

SECOND_SIGNAL_STATUS = 130
KILLS = 3
CHANGES_BETWEEN = 15
SETTLE_SECONDS = 180
TRIES = 3
"""Of what has to be in time: a machine that stands still spoils one."""
NOTICE_SECONDS = 25
"""Less than the 30 s that a call of the gateway to the org may take, and its stop."""


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
            self.thread.join(programs.CALL_SECONDS)
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
    assert follower.subscribed.wait(programs.CALL_SECONDS)
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
    assert follower.subscribed.wait(programs.CALL_SECONDS)
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
    writer.join(programs.CALL_SECONDS)
    org.program = programs.start_sandbox(org.program.directory, ports).program
    org.forget_session()
    for case_id in made:
        assert org.get("Case", case_id)["ContactId"] == contact
    with PushClient(gateway, gateway.token(f"ContactId = '{contact}'")) as client:
        client.wait_for("welcome")
        client.subscribe(replay=-2)
        last = org.create_case(contact, "after the cut")
        client.event(last)
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
        code, reason = client.wait_closed()
        stopper.join(programs.STOP_SECONDS)
    assert code == 1001 and "retry-after-ms=" in reason
    assert gateway.program.process.returncode == 0


def test_a_graceful_stop_tells_event_streams_when_to_come_back(world):
    org, gateway = world
    with EventStream(gateway.events_url, gateway.token()) as stream:
        stream.wait_for("subscribed")
        gateway.program.stop()
        last = stream.wait_ended()
        assert set(last) == {"retry"} and 500 <= int(last["retry"]) <= 5000, last


def test_a_stop_under_traffic_loses_nothing_and_doubles_nothing(world):
    """SIGTERM in the middle of changes; the org goes on, the client resumes, each change comes once."""
    org, gateway = world
    contact = org.create_contact("Stopped")
    cases = [org.create_case(contact, "start") for _ in range(3)]
    follower = Follower(gateway)
    assert follower.subscribed.wait(programs.CALL_SECONDS)
    acknowledged, failures = [], []
    ends = threading.Event()

    def write():
        try:
            while not ends.is_set():
                change(org, cases, len(acknowledged), acknowledged)
        except BaseException as failure:
            failures.append(failure)

    def flows(count):
        wanted = len(acknowledged) + count
        programs.until(lambda: failures or len(acknowledged) >= wanted, what="some traffic")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            flows(CHANGES_BETWEEN)
            gateway.program.stop()
            flows(CHANGES_BETWEEN)
            gateway.start()
        flows(CHANGES_BETWEEN)
    finally:
        ends.set()
        writer.join(programs.CALL_SECONDS)
    assert failures == []
    follower.wait_for(acknowledged)
    mine = [seen for seen in follower.seen if seen in set(acknowledged)]
    assert len(mine) == len(set(mine)) == len(acknowledged), "nothing came twice to one who resumed"
    with PushClient(gateway, gateway.token(f"ContactId = '{contact}'")) as client:
        client.wait_for("welcome")
        client.subscribe(replay=-2)
        last = org.create_case(contact, "the last")
        client.event(last)
        logged = [(ids(message)[0], message["data"]["payload"].get("Subject")) for message in client.messages
                  if message["type"] == "event"]
        assert [seen for seen in logged if seen in set(acknowledged)] == acknowledged, "and each stands in the log once"


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_a_second_signal_ends_at_once(world, first, second):
    """A client that never says goodbye holds a stop up; the operator insists."""
    org, gateway = world

    def insisted():
        with BareSocket(gateway) as rude:
            rude.send(type="authenticate", token=gateway.token())
            rude.read_until(b"welcome")
            gateway.program.process.send_signal(first)
            rude.read_until(struct.pack("!H", 1001))
            gateway.program.process.send_signal(second)
            return gateway.program.process.wait(programs.STOP_SECONDS)

    for _ in range(TRIES):
        status = insisted()
        gateway.start()
        if status:  # Else the test stood still for the 5 s after which the stop waits no more.
            break
    assert status == SECOND_SIGNAL_STATUS
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.event(org.create_case(org.create_contact("Insisted")))


class HastyGateway(programs.Gateway):
    """One whose stop waits for nobody for long: less than the 5 s that a client has for its answer to a close."""

    DRAIN_SECONDS = 1

    def write_configuration(self):
        super().write_configuration()
        with open(self.directory / "millrace.yaml", "a") as file:
            file.write(f"shutdown: {{ drain_timeout: {self.DRAIN_SECONDS}s }}\n")


@pytest.fixture
def hasty(org, directories):
    gateway = HastyGateway(directories("hasty"), org)
    yield gateway
    if gateway.program.process.poll() is None:
        gateway.program.kill()


def test_a_stop_waits_as_long_as_the_configuration_says(hasty):
    """For a client that never says goodbye; then it ends by itself, as one that nobody held up."""
    def seconds_of_a_stop():
        with BareSocket(hasty) as rude:
            rude.send(type="authenticate", token=hasty.token())
            rude.read_until(b"welcome")
            start = time.monotonic()
            hasty.program.process.send_signal(signal.SIGTERM)
            rude.read_until(struct.pack("!H", 1001))
            status = hasty.program.process.wait(programs.STOP_SECONDS)
            took = time.monotonic() - start
        assert status == 0, hasty.program.output[-4000:]
        return took

    took = seconds_of_a_stop()
    for _ in range(TRIES - 1):
        if took >= hasty.DRAIN_SECONDS + 2:  # Perhaps the machine stood still.
            hasty.start()
            took = seconds_of_a_stop()
    assert hasty.DRAIN_SECONDS * 0.9 < took < hasty.DRAIN_SECONDS + 2


class LameGateway(programs.Gateway):
    def write_configuration(self):
        super().write_configuration()
        with open(self.directory / "millrace.yaml", "a") as file:
            file.write("shutdown: { lame_duck: 10m }\n")


def test_a_lame_duck_serves_on_and_wants_nobody(org, directories):
    gateway = LameGateway(directories("lame"), org)
    contact = org.create_contact("Lame")
    ready = lambda: requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS)
    with PushClient(gateway, gateway.token()) as early:
        early.wait_for("welcome")
        early.subscribe()
        gateway.program.process.send_signal(signal.SIGTERM)
        programs.until(lambda: ready().status_code == 503, what="a load balancer to be told")
        assert [check["name"] for check in ready().json()["checks"] if not check["ready"]] == ["push"]
        with PushClient(gateway, gateway.token()) as late:
            late.wait_for("welcome")
            late.subscribe()
            case = org.create_case(contact)
            early.event(case)
            late.event(case)
    gateway.program.process.send_signal(signal.SIGTERM)
    assert gateway.program.process.wait(programs.STOP_SECONDS) == SECOND_SIGNAL_STATUS


def test_an_expired_place_is_told_as_a_gap(world):
    """The org refuses the place that the gateway has stored: what was lost is said, and nothing that is retained is left out."""
    org, gateway = world
    control = Control(org)
    contact = org.create_contact("Expired")
    case = org.create_case(contact, "0")
    token = gateway.token(f"ContactId = '{contact}'")
    with PushClient(gateway, token) as client:
        client.wait_for("welcome")
        client.subscribe(replay=-2)
        kept = place(client.event(case))
    gateway.program.stop()
    for number in range(1, 4):
        org.update("Case", case, Subject=str(number))
    fault = control.fault("replay-expired", times=1)
    gateway.start()
    assert control.fired(fault) == 1
    with PushClient(gateway, token) as client:
        client.wait_for("welcome")
        assert client.subscribe(replay=kept)["type"] == "subscribed"
        org.update("Case", case, Subject="live")
        client.event(case, where=lambda message: message["data"]["payload"].get("Subject") == "live")
        came = [(message["type"], message.get("reason") or message["data"]["payload"]["Subject"])
                for message in client.messages if message["type"] in ("event", "left", "gap")]
        assert came == [("gap", "upstream")] + [("event", subject) for subject in ("1", "2", "3", "live")]
        gap = next(message for message in client.messages if message["type"] == "gap")
        assert gap["channel"] == programs.CASES and gap["replayId"]
    assert gateway.metric("millrace_upstream_gaps_total") == 1


def readiness(gateway):
    """The status of /ready, which checks are ready, and what the one of upstream says."""
    answer = requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS)
    document = answer.json()
    assert document["ready"] == (answer.status_code == 200)
    checks = {check["name"]: check for check in document["checks"]}
    return answer.status_code, {name: check["ready"] for name, check in checks.items()}, checks["upstream"]["detail"]


def test_readiness_says_that_the_org_is_away(world):
    org, gateway = world

    def is_healthy():
        return requests.get(f"{gateway.url}/health", timeout=programs.CALL_SECONDS).status_code == 200

    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.event(org.create_case(org.create_contact("There")))  # By now it knows the schemas.
        assert readiness(gateway)[:2] == (200, {"upstream": True, "store": True, "push": True})
        ports = programs.ports_of(org)
        org.program.kill()
        programs.until(lambda: readiness(gateway)[0] == 503, what="a gateway that is not ready")
        status, checks, detail = readiness(gateway)
        assert (status, checks) == (503, {"upstream": False, "store": True, "push": True})
        assert programs.ALL in detail, "the topic that is not live is named"
        assert is_healthy(), "nobody should restart the gateway for it"
        org.program = programs.start_sandbox(org.program.directory, ports).program
        org.forget_session()
        programs.until(lambda: readiness(gateway)[0] == 200, what="a gateway that is ready again")
        assert is_healthy()
        client.event(org.create_case(org.create_contact("Back")))


def test_a_connection_that_went_dead_is_left(directories):
    """By all of its streams: another stream on it would hear as little."""
    org = programs.start_sandbox(directories("dying-org"), [*programs.PORT_OPTIONS, "--keepalive", 1])
    # A stream is dead after three seconds without a word.
    gateway = programs.Gateway(directories("impatient"), org, haste=100)
    control = Control(org)
    contact = org.create_contact("Dead")
    try:
        with PushClient(gateway, gateway.token()) as client:
            client.wait_for("welcome")
            client.subscribe()
            client.event(org.create_case(contact))
            fault = control.fault("half-open", topic=programs.ALL, times=1)
            programs.until(lambda: control.fired(fault) == 1, what="the fault")
            client.event(org.create_case(contact))
    finally:
        for program in (gateway.program, org.program):
            program.stop()


@pytest.fixture
def unschooled(directories):
    """A gateway that has got its first events, whose schemas the org does not give."""
    org = programs.start_sandbox(directories("schemaless-org"))
    Control(org).fault("schema")
    gateway = programs.Gateway(directories("unschooled"), org)
    gateway.program.wait_for_output("schema not available")
    yield org, gateway
    for program in (gateway.program, org.program):
        if program.process.poll() is None:
            program.kill()


def test_readiness_sees_the_org_go_while_a_schema_is_awaited(unschooled):
    org, gateway = unschooled
    org.program.kill()
    programs.until(lambda: readiness(gateway)[0] == 503, NOTICE_SECONDS, what="a gateway that is not ready")


def test_a_stop_does_not_wait_for_a_schema(unschooled):
    org, gateway = unschooled
    gateway.program.process.send_signal(signal.SIGTERM)
    programs.until(lambda: gateway.program.process.poll() is not None, NOTICE_SECONDS, what="the end of the gateway")
    assert gateway.program.process.returncode == 0
