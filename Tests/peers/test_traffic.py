"""An org in which something happens (`--traffic`, `--seed`) and a large one (`--rows`), as those who connect to it see them."""

import collections
import contextlib
import pathlib
import re
import statistics
import time

import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Decoder, Subscription
from test_faults import Control

RATE = 50
COMPARED = 50
SECONDS_MEASURED = 5
ROWS = 20_000
RECORD_ID = re.compile(r"[0-9a-zA-Z]{15}[A-Z0-5]{3}")


class Busy:
    """An org in memory with traffic, and its events from the first on."""

    def __init__(self, directory, seed, rate=f"{RATE}/s"):
        self.program = programs.Program(
            directory, "sandbox", "--memory", *programs.PORT_OPTIONS, "--traffic", rate, "--seed", seed)

    @contextlib.contextmanager
    def reading(self, stubs, start="EARLIEST"):
        pb2, pb2_grpc = stubs
        found = self.program.wait_for_output(r"All of it for programs: (\S+)")
        org = programs.Org(self.program.wait_for_document(pathlib.Path(found[1])), self.program)
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=options) as channel:
            pubsub = pb2_grpc.PubSubStub(channel)
            decode = Decoder(pubsub, pb2, org.metadata)
            with Subscription(pubsub, pb2, org.metadata, topic_name=programs.ALL,
                              replay_preset=pb2.ReplayPreset.Value(start), num_requested=100) as stream:
                yield self.events(stream, decode)

    def events(self, stream, decode):
        """What the traffic did: header, values, names of changed fields."""
        samples = set()
        while True:
            response = stream.response(WAIT_SECONDS)
            for event in response.events:
                value = decode(event)
                header = value.pop("ChangeEventHeader")
                # The sample data come first, an account and all that belongs to it in a transaction; the traffic makes no accounts.
                if (header["entityName"], header["changeType"]) == ("Account", "CREATE"):
                    samples.add(header["transactionKey"])
                yield (header, value, decode.bits(event, {"ChangeEventHeader": header}),
                       header["transactionKey"] in samples)
            if response.events:
                stream.ask(num_requested=len(response.events))

    def comparable(self, events, count):
        """The first changes of the traffic without what differs between two orgs: times, and ids, for which their order stands.

        An update that changes nothing within a second of the last is no event, later it is one of `LastModifiedDate` alone: such
        updates are left out."""
        places = {}

        def told(value):
            if isinstance(value, dict):
                return {name: told(part) for name, part in value.items()}
            if isinstance(value, str) and RECORD_ID.fullmatch(value):
                return places.setdefault(value, len(places))
            return value

        found = []
        for header, value, changed, is_sample in events:
            changed = [name for name in changed if not name.endswith("Date")]
            values = {name: told(part) for name, part in value.items() if part is not None and not name.endswith("Date")}
            who = [told(one) for one in (*header["recordIds"], header["commitUser"])]
            if is_sample or not (changed or header["changeType"] == "CREATE"):
                continue
            found.append((header["entityName"], header["changeType"], who, changed, values))
            if len(found) == count:
                return found

    def stop(self):
        self.program.stop()


@pytest.fixture(scope="module")
def busy(directories):
    """Three of them, started together: two of the same seed."""
    orgs = [Busy(directories(f"busy-{index}"), seed) for index, seed in enumerate((7, 7, 8))]
    yield orgs
    for org in orgs:
        org.stop()


def test_the_same_seed_is_the_same_life(busy, stubs):
    lives = []
    for org in busy:
        with org.reading(stubs) as events:
            lives.append(org.comparable(events, COMPARED))
    assert lives[1] == lives[0]
    assert lives[2] != lives[0]
    assert sum(one == other for one, other in zip(lives[0], lives[2])) < COMPARED // 5


def test_cases_are_opened_worked_on_escalated_handed_on_and_closed(busy, stubs):
    kinds = collections.Counter()
    wanted = {"Case CREATE", "Case Working", "Case Escalated", "Case Closed", "Case OwnerId", "Contact CREATE", "Contact UPDATE",
              "Account UPDATE"}
    with busy[0].reading(stubs) as events:
        deadline = time.monotonic() + programs.START_SECONDS
        for header, value, changed, is_sample in events:
            assert time.monotonic() < deadline, f"only {kinds}"
            if is_sample:
                continue
            assert header["changeType"] in ("CREATE", "UPDATE") and header["changeOrigin"] == ""
            assert (header["sequenceNumber"], len(header["recordIds"])) == (1, 1), "each change is a transaction of its own"
            kinds[f"{header['entityName']} {header['changeType']}"] += 1
            if header["entityName"] == "Case" and header["changeType"] == "UPDATE":
                kinds.update(f"Case {name}" for name in changed if name == "OwnerId")
                kinds.update(f"Case {value[name]}" for name in changed if name == "Status")
                assert ("IsClosed" in changed) == (value["Status"] == "Closed")
            if wanted <= set(kinds):
                break


def test_the_rate_is_what_was_asked_for(busy, stubs):
    """In most seconds of the org's own time: it may stand still in one of them, and the reader whenever it likes."""
    counts = collections.Counter()
    with busy[1].reading(stubs, start="LATEST") as events:
        while len(counts) < SECONDS_MEASURED + 2:
            header, *_ = next(events)
            counts[header["commitTimestamp"]] += 1
    whole = sorted(counts)[1:-1]
    rate = statistics.median(counts[second] for second in whole)
    # Updates that change nothing are no events; and this machine may be busy.
    assert 0.5 * RATE < rate < 1.15 * RATE, counts


def test_a_large_org(directories):
    """Rows are there when the org says so, without events; who asks for a few more gets those."""
    directory = directories("large")

    @contextlib.contextmanager
    def large(rows):
        org = programs.start_sandbox(directory, [*programs.PORT_OPTIONS, "--rows", rows])
        try:
            org.program.wait_for_output(rf"rows {rows} of {rows}")
            yield lambda soql: org.rest(
                "GET", "/query", expected=200, params={"q": f"SELECT COUNT() FROM {soql}"}).json()["totalSize"], Control(org)
        finally:
            org.program.stop()

    families = ROWS // 10
    with large(ROWS) as (count, control):
        assert count("Account WHERE AccountNumber LIKE 'R-%'") == families
        assert count("Contact WHERE Account.AccountNumber LIKE 'R-%'") == 3 * families
        assert count("Case WHERE Account.AccountNumber LIKE 'R-%'") == 6 * families
        whole = [count(name) for name in ("Account", "Contact", "Case")]
        events = control.get("/events", after=0, limit=1000)["events"]
        assert 0 < len(events) <= sum(whole) - ROWS < 100, "those of the sample data, and no more"
    with large(ROWS + 10) as (count, _):
        assert [count(name) for name in ("Account", "Contact", "Case")] == [whole[0] + 1, whole[1] + 3, whole[2] + 6]
