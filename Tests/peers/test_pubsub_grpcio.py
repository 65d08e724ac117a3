"""grpcio on the sandbox's Pub/Sub door, with stubs made from our proto file; fastavro reads what comes."""

import base64
import hashlib
import io
import json
import queue
import re
import threading

import fastavro
import grpc
import pytest
import requests

import programs
from pubsub_client import WAIT_SECONDS, Decoder, Subscription, check_error

ERROR_PREFIX = "sfdc.platform.eventbus.grpc."
# Codes that no source names: the sandbox's own, see docs/sandbox/events.md.
OURS = {
    "unknown topic": "topic.not.found", "unknown schema": "schema.validation.failed",
    "another topic": "subscription.fetch.topic.changed", "a topic of the org's own": "permission.denied",
}
UNKNOWN_TOPICS = ["/data/NothingChangeEvent", "/data/casechangeevent", "/event/Nothing__e", "", "CaseChangeEvent"]


@pytest.fixture
def pubsub(channel, stubs):
    return stubs[1].PubSubStub(channel)


@pytest.fixture(scope="module")
def contact(org):
    return org.create_contact("Bus")


@pytest.fixture
def subscribe(pubsub, stubs, org):
    return lambda topic_name=programs.CASES, **first: Subscription(
        pubsub, stubs[0], org.metadata, topic_name=topic_name, **first)


def canonical_form(schema, known=None):
    """Avro's parsing canonical form, written from the specification, independent of the code under test."""
    order = ["name", "type", "fields", "symbols", "items", "values", "size"]
    primitive = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

    def form(value, namespace):
        if isinstance(value, str):
            return json.dumps(value if value in primitive or "." in value or not namespace else f"{namespace}.{value}",
                              ensure_ascii=False)
        if isinstance(value, list):
            return "[" + ",".join(form(branch, namespace) for branch in value) + "]"
        if value["type"] in primitive and set(value) & set(order) == {"type"}:
            return json.dumps(value["type"])
        parts = []
        name = value.get("name")
        if name is not None and "." not in name:
            namespace = value.get("namespace", namespace)
            name = f"{namespace}.{name}" if namespace else name
        elif name is not None:
            namespace = name.rsplit(".", 1)[0]
        for key in order:
            if key not in value:
                continue
            if key == "name":
                text = json.dumps(name, ensure_ascii=False)
            elif key == "fields":
                text = "[" + ",".join(
                    "{" + f'"name":{json.dumps(field["name"])},"type":{form(field["type"], namespace)}' + "}"
                    for field in value["fields"]) + "]"
            elif key in ("type", "items", "values"):
                inner = value[key]
                text = json.dumps(inner) if key == "type" and isinstance(inner, str) else form(inner, namespace)
            else:
                text = json.dumps(value[key], separators=(",", ":"), ensure_ascii=False)
            parts.append(f"{json.dumps(key)}:{text}")
        return "{" + ",".join(parts) + "}"

    return form(schema, None)


def schema_id(text):
    digest = hashlib.md5(canonical_form(json.loads(text)).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def decode(pubsub, stubs, org):
    return Decoder(pubsub, stubs[0], org.metadata)


# Topics and schemas

def test_a_topic_of_one_object_has_its_schema(pubsub, stubs, org):
    topic = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=WAIT_SECONDS)
    assert topic.topic_name == programs.CASES
    assert (topic.can_subscribe, topic.can_publish) == (True, False)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", topic.schema_id)
    assert topic.tenant_guid and topic.rpc_id
    info = pubsub.GetSchema(stubs[0].SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
    assert info.schema_id == topic.schema_id
    assert schema_id(info.schema_json) == topic.schema_id, "the id is the digest of the canonical form"
    schema = json.loads(info.schema_json)
    assert "\n" not in info.schema_json
    assert list(schema) == ["name", "namespace", "type", "fields", "uuid"] and schema["uuid"] == topic.schema_id
    assert (schema["name"], schema["fields"][0]["name"]) == ("CaseChangeEvent", "ChangeEventHeader")


def test_trap_12_a_channel_has_no_schema_of_its_own(pubsub, stubs, org):
    topic = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.ALL), metadata=org.metadata, timeout=WAIT_SECONDS)
    assert topic.schema_id == ""


@pytest.mark.parametrize("name", UNKNOWN_TOPICS)
def test_an_unknown_topic_is_refused(pubsub, stubs, org, name):
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.GetTopic(stubs[0].TopicRequest(topic_name=name), metadata=org.metadata, timeout=WAIT_SECONDS)
    check_error(refused.value, grpc.StatusCode.NOT_FOUND, ERROR_PREFIX + OURS["unknown topic"])


@pytest.mark.parametrize("name", ["", "AAAAAAAAAAAAAAAAAAAAAA"])
def test_an_unknown_schema_is_refused(pubsub, stubs, org, name):
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.GetSchema(stubs[0].SchemaRequest(schema_id=name), metadata=org.metadata, timeout=WAIT_SECONDS)
    check_error(refused.value, grpc.StatusCode.INVALID_ARGUMENT, ERROR_PREFIX + OURS["unknown schema"])
    assert "Schema validation failed" in refused.value.details()
    if not name:
        assert "The schema ID can't be blank" in refused.value.details()


# What the events hold

def test_the_life_of_a_case_in_events(subscribe, decode, org, contact, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=100) as subscription:
        case_id = org.create_case(contact, "Bus", Priority="Low")
        org.update("Case", case_id, Status="Working", Description="More")
        org.update("Case", case_id, Description=None)
        org.delete("Case", case_id)
        found = []
        asked = 100
        while len(found) < 4:
            response = subscription.response()
            for event in response.events:
                value = decode(event)
                if case_id in value["ChangeEventHeader"]["recordIds"]:
                    found.append((event, value))
            asked -= len(response.events)
            if asked < 50:
                subscription.ask(topic_name=programs.CASES, num_requested=50)
                asked += 50
    (created, create), (updated, update), (nulled, null), (_, delete) = found

    header = create["ChangeEventHeader"]
    assert [value["ChangeEventHeader"]["changeType"] for _, value in found] == ["CREATE", "UPDATE", "UPDATE", "DELETE"]
    assert (header["entityName"], header["recordIds"], header["sequenceNumber"]) == ("Case", [case_id], 1)
    assert header["changeOrigin"].startswith(f"com/salesforce/api/rest/{programs.API_VERSION}")
    assert header["commitUser"].startswith("005") and header["commitTimestamp"] % 1000 == 0
    assert header["changedFields"] == header["nulledFields"] == header["diffFields"] == []
    assert (create["Subject"], create["Priority"], create["ContactId"], create["Status"]) == ("Bus", "Low", contact, "New")
    assert create["CaseNumber"].isdigit()

    changed = decode.bits(updated, update)
    # Times have whole seconds: a second change within one does not change LastModifiedDate.
    assert {"Status", "Description"} <= set(changed) <= {"Status", "Description", "LastModifiedDate"}
    assert (update["Status"], update["Description"], update["Subject"]) == ("Working", "More", None)
    assert decode.bits(nulled, null, "nulledFields") == ["Description"]
    assert "Description" in decode.bits(nulled, null)
    assert all(value is None for name, value in delete.items() if name != "ChangeEventHeader")

    numbers = [value["ChangeEventHeader"]["commitNumber"] for _, value in found]
    assert numbers == sorted(numbers) and len(set(numbers)) == 4
    keys = {value["ChangeEventHeader"]["transactionKey"] for _, value in found}
    assert len(keys) == 4 and all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key) for key in keys)
    places = [event.replay_id for event, _ in found]
    assert all(len(place) == 10 and place.endswith(b"\0\0") for place in places)
    assert places == sorted(places)
    assert len({event.event.id for event, _ in found}) == 4
    for event, value in found:
        again = io.BytesIO()
        fastavro.schemaless_writer(again, decode.schemas[event.event.schema_id], value)
        assert again.getvalue() == event.event.payload, "fastavro writes the same bytes"


# Where a subscription starts

def test_latest_gives_only_what_comes(subscribe, decode, org, contact, stubs):
    org.create_case(contact, "before")
    with subscribe(replay_preset=stubs[0].LATEST, num_requested=100) as subscription:
        started(org, subscription, decode, contact)


def test_trap_09_an_absent_preset_means_latest(subscribe, decode, org, contact):
    with subscribe(num_requested=100) as subscription:
        started(org, subscription, decode, contact)


def started(org, subscription, decode, contact):
    """A LATEST subscription begins at some moment after the call: creates cases until one of them comes."""
    made = []
    for number in range(50):
        made.append(org.create_case(contact, f"after {number}"))
        try:
            response = subscription.response(seconds=0.5)
        except queue.Empty:
            continue
        if response.events:
            first = decode(response.events[0])["ChangeEventHeader"]["recordIds"][0]
            assert first in made, "an event from before the subscription came"
            return first
    raise AssertionError("nothing came")


def test_custom_starts_after_the_given_place(subscribe, decode, org, contact, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=3) as subscription:
        first, second, third = subscription.events(3)
    for place in (first.replay_id, first.replay_id[:8]):  # The bare counter is accepted as well.
        with subscribe(replay_preset=stubs[0].CUSTOM, replay_id=place, num_requested=2) as subscription:
            again = subscription.events(2)
        assert [event.event.id for event in again] == [second.event.id, third.event.id]


def test_the_latest_replay_id_of_a_response_is_good_to_resume_from(subscribe, decode, org, contact, stubs):
    case_id = org.create_case(contact, "the newest")
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=100) as subscription:
        latest = b""
        while True:
            response = subscription.response()
            latest = response.latest_replay_id
            subscription.ask(num_requested=len(response.events) or 1)
            if any(case_id in decode(event)["ChangeEventHeader"]["recordIds"] for event in response.events):
                break
    next_id = org.create_case(contact, "after it")
    with subscribe(replay_preset=stubs[0].CUSTOM, replay_id=latest, num_requested=10) as subscription:
        [event] = subscription.events(1)
        assert decode(event)["ChangeEventHeader"]["recordIds"] == [next_id]


def test_all_changes_come_on_one_channel_in_order(subscribe, decode, org, stubs):
    contact = org.create_contact("Channel")
    case_id = org.create_case(contact, "On one channel")
    seen = []
    with subscribe(programs.ALL, replay_preset=stubs[0].EARLIEST, num_requested=100) as subscription:
        while case_id not in [record for _, record in seen]:
            response = subscription.response()
            for event in response.events:
                value = decode(event)["ChangeEventHeader"]
                seen += [(value["entityName"], record) for record in value["recordIds"]]
            subscription.ask(num_requested=max(1, len(response.events)))
    kinds = [kind for kind, record in seen if record in (contact, case_id)]
    assert kinds == ["Contact", "Case"]


# Flow control

def test_never_more_than_asked_and_the_count_is_right(subscribe, org, contact, stubs):
    for number in range(12):
        org.create_case(contact, f"flow {number}")
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=3) as subscription:
        outstanding, received, rpc_ids = 3, [], set()
        for more in (2, 4, 1):
            while outstanding > 0:
                response = subscription.response()
                assert len(response.events) <= outstanding
                outstanding -= len(response.events)
                assert response.pending_num_requested == outstanding
                received += response.events
                rpc_ids.add(response.rpc_id)
            with pytest.raises(queue.Empty):
                subscription.responses.get(timeout=0.3)  # Nothing is outstanding: nothing may come.
            subscription.ask(num_requested=more)
            outstanding += more
        assert len(received) == 3 + 2 + 4
        assert len(rpc_ids) == 1
        places = [event.replay_id for event in received]
        assert places == sorted(set(places))


def test_requests_add_up(subscribe, org, contact, stubs):
    for number in range(6):
        org.create_case(contact, f"sum {number}")
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=1) as subscription:
        subscription.ask(num_requested=2)
        subscription.ask(num_requested=3)
        count, response = 0, None
        while count < 6:
            response = subscription.response()
            count += len(response.events)
        assert (count, response.pending_num_requested) == (6, 0)


def test_at_most_100_are_outstanding(subscribe, stubs):
    with subscribe(replay_preset=stubs[0].LATEST, num_requested=1000) as subscription:
        subscription.ask(num_requested=1000)
        # The sandbox answers a request on an idle topic with events or, in time, a keepalive: its arithmetic shows the bound.
        with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=250) as other:
            response = other.response()
            assert response.pending_num_requested + len(response.events) == 100


def test_trap_08_later_requests_do_not_move_the_place(subscribe, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=2) as subscription:
        first = subscription.events(2)
        subscription.ask(replay_preset=stubs[0].EARLIEST, num_requested=2)
        second = subscription.events(2)
    assert len({event.event.id for event in first + second}) == 4


def test_the_client_may_end_the_stream(subscribe, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=1) as subscription:
        subscription.events(1)
        subscription.requests.put(Subscription.END)
        while (got := subscription.responses.get(timeout=WAIT_SECONDS)) is not None:
            assert not isinstance(got, grpc.RpcError), got


# Errors

def bad_metadata(org):
    good = dict(org.metadata)
    yield "no token", {name: value for name, value in good.items() if name != "accesstoken"}
    yield "wrong token", {**good, "accesstoken": "00D000000000000!wrong"}
    yield "a bearer prefix", {**good, "accesstoken": f"Bearer {good['accesstoken']}"}
    yield "wrong instance", {**good, "instanceurl": "https://other.my.salesforce.com"}
    yield "wrong tenant", {**good, "tenantid": "00D000000000001AAA"}
    yield "no tenant", {name: value for name, value in good.items() if name != "tenantid"}


def test_bad_credentials_are_refused_on_every_call(pubsub, stubs, org):
    for name, metadata in bad_metadata(org):
        metadata = tuple(metadata.items())
        calls = [
            lambda: pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.CASES), metadata=metadata, timeout=WAIT_SECONDS),
            lambda: pubsub.GetSchema(stubs[0].SchemaRequest(schema_id="x"), metadata=metadata, timeout=WAIT_SECONDS),
            lambda: next(pubsub.Subscribe(
                iter([stubs[0].FetchRequest(topic_name=programs.CASES, num_requested=1)]), metadata=metadata, timeout=WAIT_SECONDS)),
        ]
        for call in calls:
            with pytest.raises(grpc.RpcError) as refused:
                call()
            check_error(refused.value, grpc.StatusCode.UNAUTHENTICATED, ERROR_PREFIX + "service.auth.error")


@pytest.mark.parametrize("tenant", [15, 18])
def test_the_organization_id_may_have_15_or_18_characters(pubsub, stubs, org, tenant):
    metadata = tuple({**dict(org.metadata), "tenantid": org.connection["org_id"][:tenant]}.items())
    assert pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.CASES), metadata=metadata, timeout=WAIT_SECONDS).can_subscribe


SUBSCRIBE_ERRORS = {
    "custom without an id": (dict(replay_preset=2, num_requested=1), "subscription.fetch.replayid.validation.failed"),
    "an id of 3 bytes": (dict(replay_preset=2, replay_id=b"abc", num_requested=1), "subscription.fetch.replayid.corrupted"),
    "an id of the future": (
        dict(replay_preset=2, replay_id=(2**62).to_bytes(8, "big") + b"\0\0", num_requested=1),
        "subscription.fetch.replayid.corrupted"),
    "an id whose end is not zero": (
        dict(replay_preset=2, replay_id=(1).to_bytes(8, "big") + b"\1\0", num_requested=1),
        "subscription.fetch.replayid.corrupted"),
    "nothing asked for": (dict(num_requested=0), "subscription.fetch.requested.events.invalid"),
    "less than nothing": (dict(num_requested=-5), "subscription.fetch.requested.events.invalid"),
}


@pytest.mark.parametrize("case", SUBSCRIBE_ERRORS)
def test_a_bad_request_ends_the_stream_with_its_code(subscribe, case):
    first, code = SUBSCRIBE_ERRORS[case]
    with subscribe(**first) as subscription:
        check_error(subscription.error(), grpc.StatusCode.INVALID_ARGUMENT, ERROR_PREFIX + code)


def test_a_bad_later_request_ends_the_stream(subscribe, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=1) as subscription:
        subscription.events(1)
        subscription.ask(num_requested=0)
        check_error(subscription.error(), grpc.StatusCode.INVALID_ARGUMENT,
                    ERROR_PREFIX + "subscription.fetch.requested.events.invalid")


def test_the_topic_cannot_change(subscribe, stubs):
    with subscribe(replay_preset=stubs[0].EARLIEST, num_requested=1) as subscription:
        subscription.events(1)
        subscription.ask(topic_name=programs.CONTACTS, num_requested=1)
        check_error(subscription.error(), grpc.StatusCode.INVALID_ARGUMENT, ERROR_PREFIX + OURS["another topic"])


@pytest.mark.parametrize("name", UNKNOWN_TOPICS)
def test_an_unknown_topic_cannot_be_subscribed(subscribe, name):
    with subscribe(name, num_requested=1) as subscription:
        check_error(subscription.error(), grpc.StatusCode.NOT_FOUND, ERROR_PREFIX + OURS["unknown topic"])


def test_publishing_to_change_events_is_not_served(pubsub, stubs, org):
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.Publish(stubs[0].PublishRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=WAIT_SECONDS)
    check_error(refused.value, grpc.StatusCode.PERMISSION_DENIED, ERROR_PREFIX + OURS["a topic of the org's own"])


def test_http2_keepalive_pings_are_answered(org, stubs):
    """An idle stream with pings of the client stays open: no GOAWAY for too many pings."""
    # Three pings, and time for the answer to the first from an org that stands still for seconds; with a fourth so soon the client
    # would be told that it pings too often.
    options = [("grpc.keepalive_time_ms", 5000), ("grpc.keepalive_timeout_ms", 8000), ("grpc.http2.max_pings_without_data", 0),
               ("grpc.keepalive_permit_without_calls", 1), ("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=options) as channel:
        stub = stubs[1].PubSubStub(channel)
        with Subscription(stub, stubs[0], org.metadata, topic_name=programs.CASES, replay_preset=0, num_requested=5) as idle:
            with pytest.raises(queue.Empty):
                idle.responses.get(timeout=15)


def test_a_stream_outlives_its_token(directories, stubs):
    """As in an org: the token is looked at when a stream opens. The next call is refused."""
    org = programs.start_sandbox(directories("outlived"))
    try:
        pb2, pb2_grpc = stubs
        with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
            pubsub = pb2_grpc.PubSubStub(channel)
            old = org.metadata
            with Subscription(pubsub, pb2, old, topic_name=programs.CASES, num_requested=10) as stream:
                programs.until(
                    lambda: requests.get(f"{org.connection['http_url']}/sandbox/subscribers", timeout=WAIT_SECONDS).json()["subscribers"],
                    what="the stream")
                moved = requests.post(f"{org.connection['http_url']}/sandbox/clock", json={"advance": 3 * 3600}, timeout=WAIT_SECONDS)
                assert moved.status_code == 200
                # An assertion with this machine's time would be too old for the org's.
                org._access = requests.post(f"{org.connection['http_url']}/sandbox/session", json={}, timeout=WAIT_SECONDS).json()
                org.create_case(org.create_contact("Late"))
                assert len(stream.events(1)) == 1
                with pytest.raises(grpc.RpcError) as refused:
                    pubsub.GetTopic(pb2.TopicRequest(topic_name=programs.CASES), metadata=old, timeout=WAIT_SECONDS)
                assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
    finally:
        org.program.stop()
