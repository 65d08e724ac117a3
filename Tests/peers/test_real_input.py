"""Events captured from real orgs go the whole way: injected as they are at the sandbox's Pub/Sub door, through the gateway, to a
WebSocket client, and come out with the values that the fixtures list.

The fixtures are read where they lie (MILLRACE_FIXTURES, or beside the checkout); without them these tests are skipped."""

import datetime
import json

import pytest

import programs
from push_client import PushClient, header, ids, place

ACCOUNTS = "/data/AccountChangeEvent"
EVENTS = programs.FIXTURES / "events" / "change-events.jsonl"
REPLAY_ID_OF_THE_ONE_WITHOUT = "00000000005619800000"
EVENT_ID_OF_THE_ONE_WITHOUT = "00000000-0000-4000-8000-000000000001"

pytestmark = pytest.mark.skipif(not EVENTS.exists(), reason=f"{programs.NO_EVENTS}: {EVENTS}")


def captured():
    return [json.loads(line) for line in EVENTS.read_text().splitlines()] if EVENTS.exists() else []


def schema_text(schema_id):
    found = list((programs.FIXTURES / "schemas").glob(f"*.{schema_id}.avsc"))
    return found[0].read_text() if found else None


@pytest.fixture(scope="module")
def world(directories):
    """An org and a gateway of their own: the injected replay ids are those of other orgs."""
    org = programs.start_sandbox(directories("real-org"))
    gateway = programs.Gateway(directories("real-gateway"), org)
    yield org, gateway
    gateway.program.stop()
    org.program.stop()


def header_of(event):
    return event.get("decoded_header_only") or event["decoded_non_null"]["ChangeEventHeader"]


@pytest.fixture(scope="module")
def received(world):
    """Injects all events, one after the other; gives what a client got for each."""
    org, gateway = world
    found = []
    with PushClient(gateway, gateway.token([{"channel": ACCOUNTS}])) as client:
        client.wait_for("welcome")
        assert client.subscribe(ACCOUNTS)["type"] == "subscribed"
        for event in captured():
            replay_id = event["replay_id_hex"] or REPLAY_ID_OF_THE_ONE_WITHOUT
            number = int(replay_id[:16], 16)
            answer = org.call("POST", "/sandbox/v1/events", {
                "schema_json": schema_text(event["schema_id"]), "topic": ACCOUNTS, "replay_id_hex": replay_id,
                "event_id": event["event_id"] or EVENT_ID_OF_THE_ONE_WITHOUT, "schema_id": event["schema_id"],
                "payload_hex": event["payload_hex"],
            })
            assert answer.status_code == 201, answer.text
            wanted = list(header_of(event)["recordIds"])
            if "decoded_non_null" not in event:
                wanted.append("the gap")  # Its schema was never published.
            messages = []
            for _ in wanted:  # One message per record: a merged event is split.
                messages.append(client.wait_for(
                    where=lambda message: message["type"] in ("event", "left", "gap") and place(message) == number))
            found.append((event, messages))
    return found


def shown(value, field):
    """A value of the fixtures as CometD shows it."""
    kind = field.get("doc", "").split(":")[1] if ":" in field.get("doc", "") else ""
    if kind == "DateTime":
        moment = datetime.datetime.fromtimestamp(value / 1000, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value % 1000:03d}Z"
    if kind == "DateOnly":
        return datetime.datetime.fromtimestamp(value / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if part is not None}
    return value


def test_all_of_them_came(received):
    assert len(received) == 10


@pytest.mark.parametrize("index", range(10))
def test_an_event_comes_out_with_its_values(received, index):
    event, messages = received[index]
    if "decoded_non_null" not in event:
        # Its schema was never published: its header comes out, record by record, and that its values are lost is said.
        events = [message for message in messages if message["type"] == "event"]
        gaps = [message for message in messages if message["type"] == "gap"]
        wanted = event["decoded_header_only"]
        assert sorted(sum((ids(message) for message in events), [])) == sorted(wanted["recordIds"])
        for message in events:
            for name in ("entityName", "changeType", "changeOrigin", "transactionKey", "sequenceNumber", "commitTimestamp",
                         "commitNumber", "commitUser"):
                assert header(message)[name] == wanted[name], name
            assert list(message["data"]["payload"]) == ["ChangeEventHeader"]
        assert [gap["reason"] for gap in gaps] == ["upstream"]
        return
    expected = event["decoded_non_null"]
    wanted = expected["ChangeEventHeader"]
    fields = {field["name"]: field for field in json.loads(schema_text(event["schema_id"]))["fields"]}
    assert sorted(sum((ids(message) for message in messages), [])) == sorted(wanted["recordIds"])
    for message in messages:
        payload = message["data"]["payload"]
        assert message["data"]["schema"] == event["schema_id"]
        for name in ("entityName", "changeType", "changeOrigin", "transactionKey", "sequenceNumber", "commitTimestamp",
                     "commitNumber", "commitUser"):
            assert header(message)[name] == wanted[name], name
        assert sorted(header(message)["changedFields"]) == sorted(event["changed_field_names"])
        values = {name: value for name, value in payload.items() if name != "ChangeEventHeader"}
        for name, value in expected.items():
            if name == "ChangeEventHeader":
                continue
            got = values.pop(name)
            if isinstance(got, dict):
                got = {part: inner for part, inner in got.items() if inner is not None}
            assert got == shown(value, fields[name]), name
        # What else is there was set to null by this change.
        assert all(value is None for value in values.values()), values
        assert set(values) <= set(event["changed_field_names"])


def test_they_are_in_the_log_and_can_be_replayed(world, received):
    org, gateway = world
    with PushClient(gateway, gateway.token([{"channel": ACCOUNTS}])) as client:
        client.wait_for("welcome")
        client.subscribe(ACCOUNTS, replay=-2)
        last, messages = received[-1]
        client.wait_for(where=lambda message: message["type"] == "event" and place(message) == place(messages[-1]))
        # A merged event comes as one message per record, all with its place.
        replayed = list(dict.fromkeys(
            place(message) for message in client.messages if message["type"] in ("event", "gap")))
        assert [place(messages[0]) for _, messages in received] == [
            number for number in replayed if number in {place(messages[0]) for _, messages in received}]


def test_a_damaged_event_is_told_as_a_gap_and_the_next_one_comes(world, received):
    org, gateway = world
    event = captured()[0]
    with PushClient(gateway, gateway.token([{"channel": ACCOUNTS}])) as client:
        client.wait_for("welcome")
        assert client.subscribe(ACCOUNTS)["type"] == "subscribed"
        answer = org.call("POST", "/sandbox/v1/events", {
            "schema_json": None, "topic": ACCOUNTS, "replay_id_hex": "00000000ffff00000000", "event_id": event["event_id"],
            "schema_id": event["schema_id"], "payload_hex": event["payload_hex"][:100]})
        assert answer.status_code == 201, answer.text
        assert client.wait_for("gap")["reason"] == "upstream"
        account = org.create("Account", Name="After the damage")
        client.event(account)
    assert gateway.metric("millrace_push_gaps_total") > 0


@pytest.mark.parametrize("change", [
    dict(payload_hex="zz"), dict(replay_id_hex=""), dict(replay_id_hex="0"), dict(schema_json="{"), dict(payload_hex=None)])
def test_what_is_no_event_is_not_injected(world, change):
    org, _ = world
    event = captured()[0]
    body = {"schema_json": schema_text(event["schema_id"]), "topic": ACCOUNTS, "replay_id_hex": "00000000000000010000",
            "event_id": event["event_id"], "schema_id": event["schema_id"], "payload_hex": event["payload_hex"], **change}
    assert org.call("POST", "/sandbox/v1/events", body).status_code == 400
    answer = org.http.post(f"{org.connection['http_url']}/sandbox/v1/events", json=body, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 401
