"""Clients written for an org, pointed at the gateway instead: the Pub/Sub API by grpcio and pysfpubsub's own way, CometD by
aiosfstream-ng. Same tokens and same rules as on the push hub."""

import asyncio
import io
import json
import time
import uuid

import aiosfstream_ng
import fastavro
import grpc
import pytest
import requests
from aiosfstream_ng import Client, ReplayOption
from aiosfstream_ng.auth import AuthenticatorBase

import programs
from programs import CASES
from pubsub_client import WAIT_SECONDS, Decoder, Subscription
from push_client import PushClient

SECONDS = 180
ESCALATED = "/data/EscalatedCases__chn"
TOLD = "/event/Told__e"


class WithPubSub(programs.Gateway):
    """A gateway that serves the Pub/Sub API, with the certificate of the org's development authority."""

    def write_configuration(self):
        super().write_configuration()
        tls = self.org.program.directory / "tls"
        with open(self.directory / "millrace.yaml", "a") as file:
            file.write(f"""\
pubsub:
  port: 0
  certificate_file: {tls / "server.pem"}
  private_key_file: {tls / "server-key.pem"}
track: [Case, Contact, Account]
channels:
  {ESCALATED}:
    - selected_entity: CaseChangeEvent
      filter_expression: Status = 'Escalated'
""")

    @property
    def pubsub_address(self):
        return self.program.wait_for_output(r"The Pub/Sub API is served on (\S+:\d+)\.")[1]


@pytest.fixture(scope="module")
def doors(directories, org):
    # Made anew in the middle of a run, where other modules' tests of one transport come between; the org stays.
    if org.rest("GET", "/sobjects/Told__e/describe").status_code == 404:
        org.rest("POST", "/tooling/sobjects/CustomObject", {"FullName": "Told__e", "Metadata": {
            "label": "Told", "pluralLabel": "Told", "publishBehavior": "PublishImmediately"}}, 201)
        org.rest("POST", "/tooling/sobjects/CustomField", {"FullName": "Told__e.Text__c", "Metadata": {
            "type": "Text", "label": "Text", "length": 40}}, 201)
    gateway = WithPubSub(directories("salesforce-doors"), org, topics=(programs.ALL, TOLD))
    yield gateway
    gateway.program.stop()


@pytest.fixture(scope="module")
def stub(doors, stubs):
    with connected(doors) as channel:
        yield stubs[1].PubSubStub(channel)


def connected(doors):
    roots = open(doors.org.connection["ca_file"], "rb").read()
    return grpc.secure_channel(doors.pubsub_address, grpc.ssl_channel_credentials(roots), options=[("grpc.enable_http_proxy", 0)])


def metadata(token):
    return (("accesstoken", token), ("instanceurl", "https://any.example"), ("tenantid", "any"))


@pytest.fixture
def subscribe(stub, stubs):
    return lambda token, topic_name=CASES, **first: Subscription(stub, stubs[0], metadata(token), topic_name=topic_name, **first)


@pytest.fixture
def decoder(stub, stubs):
    return lambda token: Decoder(stub, stubs[0], metadata(token))


def test_an_event_comes_with_the_orgs_own_bytes(doors, org, subscribe, channel, stubs, decoder):
    pubsub = stubs[1].PubSubStub(channel)
    contact = org.create_contact("Doors")
    case_id = org.create_case(contact, "the org's own bytes")
    token = doors.token()

    def event_of(subscription, decode):
        while True:
            response = subscription.response()
            for event in response.events:
                if case_id in decode(event)["ChangeEventHeader"]["recordIds"]:
                    return event, response
            subscription.ask(num_requested=max(1, len(response.events)))

    with Subscription(pubsub, stubs[0], org.metadata, topic_name=CASES, replay_preset=stubs[0].EARLIEST,
                      num_requested=100) as upstream:
        ours, _ = event_of(upstream, Decoder(pubsub, stubs[0], org.metadata))
    with subscribe(token, replay_preset=stubs[0].EARLIEST, num_requested=100) as subscription:
        theirs, _ = event_of(subscription, decoder(token))
    assert theirs == ours, "payload, schema id, event id and replay id"


def test_the_tokens_condition_and_fields_decide(doors, org, subscribe, stubs, decoder):
    mine, other = org.create_contact("Mine"), org.create_contact("Other")
    token = doors.token([{"channel": CASES, "where": f"ContactId = '{mine}'", "fields": ["Status", "CaseNumber"]}])
    org.create_case(other, "not mine")
    case_id = org.create_case(mine, "a secret subject")
    org.update("Case", case_id, Status="Working", Subject="another secret subject")
    org.update("Case", case_id, ContactId=other, Status="On Hold")
    org.update("Case", case_id, Status="Escalated")
    org.update("Case", case_id, ContactId=mine)
    decode = decoder(token)
    seen = []
    with subscribe(token, replay_preset=stubs[0].EARLIEST, num_requested=50) as subscription:
        while len(seen) < 3:
            response = subscription.response()
            for event in response.events:
                assert b"secret" not in event.event.payload
                value = decode(event)
                seen.append((value["ChangeEventHeader"]["recordIds"], value["ChangeEventHeader"]["changeType"], value["Status"]))
    assert seen == [([case_id], "CREATE", "New"), ([case_id], "UPDATE", "Working"), ([case_id], "UPDATE", None)]


def test_custom_starts_after_the_place_and_flow_control_holds(doors, org, subscribe, stubs, decoder):
    contact = org.create_contact("Places")
    token = doors.token(f"ContactId = '{contact}'")
    made = [org.create_case(contact, f"place {number}") for number in range(5)]
    decode = decoder(token)
    with subscribe(token, replay_preset=stubs[0].EARLIEST, num_requested=2) as subscription:
        first = subscription.events(2)
        subscription.ask(num_requested=3)
        rest = subscription.events(3)
    assert [decode(event)["ChangeEventHeader"]["recordIds"] for event in first + rest] == [[case_id] for case_id in made]
    with subscribe(token, replay_preset=stubs[0].CUSTOM, replay_id=first[1].replay_id, num_requested=10) as subscription:
        assert [event.event.id for event in subscription.events(3)] == [event.event.id for event in rest]
    with subscribe(token, replay_preset=stubs[0].CUSTOM, replay_id=b"\0\0\0\0\0\x0f\x42\x40\0\0", num_requested=1) as subscription:
        error = subscription.error()
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert dict(error.trailing_metadata())["error-code"] == "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"


@pytest.mark.parametrize("token, topic, status", [
    ("wrong", CASES, grpc.StatusCode.UNAUTHENTICATED),
    ("expired", CASES, grpc.StatusCode.UNAUTHENTICATED),
    ("good", "/data/AccountChangeEvent", grpc.StatusCode.PERMISSION_DENIED),
    ("good", "/data/NoSuchThing", grpc.StatusCode.NOT_FOUND),
])
def test_refusals_are_those_of_the_api(doors, stub, stubs, token, topic, status):
    token = {"wrong": "not a token", "expired": doors.token(claims={"exp": int(time.time()) - 60}), "good": doors.token()}[token]
    for call in (
            lambda: stub.GetTopic(stubs[0].TopicRequest(topic_name=topic), metadata=metadata(token), timeout=WAIT_SECONDS),
            lambda: next(iter(stub.Subscribe(
                iter([stubs[0].FetchRequest(topic_name=topic, num_requested=1)]), metadata=metadata(token), timeout=WAIT_SECONDS)))):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert refused.value.code() == status, refused.value.details()


# Publishing

def may_publish(doors, *allow, topic=TOLD):
    return metadata(doors.token([{"channel": channel} for channel in allow], claims={"publish": [topic]}))


def told(stub, pb2, metadata, *texts):
    """Events by the schema that the gateway names."""
    info = stub.GetTopic(pb2.TopicRequest(topic_name=TOLD), metadata=metadata, timeout=WAIT_SECONDS)
    schema = stub.GetSchema(pb2.SchemaRequest(schema_id=info.schema_id), metadata=metadata, timeout=WAIT_SECONDS)
    parsed = fastavro.parse_schema(json.loads(schema.schema_json))

    def event(text):
        out = io.BytesIO()
        fastavro.schemaless_writer(
            out, parsed, {"CreatedDate": int(time.time() * 1000), "CreatedById": "005000000000001AAA", "Text__c": text})
        return pb2.ProducerEvent(id=str(uuid.uuid4()), schema_id=info.schema_id, payload=out.getvalue())

    return info, [event(text) for text in texts]


def test_what_is_published_here_is_published_at_the_org(doors, org, stub, subscribe, channel, stubs):
    pb2, pubsub = stubs[0], stubs[1].PubSubStub(channel)
    publisher = may_publish(doors, TOLD)
    info, events = told(stub, pb2, publisher, "first", "second")
    at_org = pubsub.GetTopic(pb2.TopicRequest(topic_name=TOLD), metadata=org.metadata, timeout=WAIT_SECONDS)
    assert info.can_publish and info.can_subscribe and info.schema_id == at_org.schema_id
    accepted = doors.metric(r'millrace_published_events_total\{outcome="accepted"\}')
    refused = doors.metric(r'millrace_published_events_total\{outcome="refused"\}')
    wrong = pb2.ProducerEvent(id="wrong", schema_id=info.schema_id, payload=b"\0")
    answer = stub.Publish(pb2.PublishRequest(topic_name=TOLD, events=[events[0], wrong, events[1]]), metadata=publisher, timeout=WAIT_SECONDS)
    assert [result.correlation_key for result in answer.results] == [events[0].id, "wrong", events[1].id]
    assert [bool(result.error.msg) for result in answer.results] == [False, True, False]
    assert answer.schema_id == info.schema_id
    assert doors.metric(r'millrace_published_events_total\{outcome="accepted"\}') == accepted + 2
    assert doors.metric(r'millrace_published_events_total\{outcome="refused"\}') == refused + 1
    places = [result.replay_id for result in answer.results if result.replay_id]
    expected = [(place, event.id, event.payload) for place, event in zip(places, events)]

    def seen(stream):
        found = []
        while len(found) < len(expected):
            found += [(event.replay_id, event.event.id, event.event.payload) for event in stream.response().events
                      if event.event.id in {event.id for event in events}]
        return found

    with Subscription(pubsub, pb2, org.metadata, topic_name=TOLD, replay_preset=pb2.EARLIEST, num_requested=100) as stream:
        assert seen(stream) == expected, "at the org"
    with subscribe(publisher[0][1], TOLD, replay_preset=pb2.EARLIEST, num_requested=100) as stream:
        assert seen(stream) == expected, "and back"


def test_publish_stream_is_handed_on_too(doors, stub, stubs):
    pb2 = stubs[0]
    publisher = may_publish(doors)
    _, events = told(stub, pb2, publisher, "streamed", "streamed too")
    answers = list(stub.PublishStream(
        iter([pb2.PublishRequest(topic_name=TOLD, events=[event]) for event in events]), metadata=publisher, timeout=WAIT_SECONDS))
    assert [result.correlation_key for answer in answers for result in answer.results if result.replay_id] == [event.id for event in events]


def test_the_publish_claim_decides(doors, stub, subscribe, stubs):
    pb2 = stubs[0]
    info, events = told(stub, pb2, may_publish(doors), "no")
    assert info.can_publish and not info.can_subscribe, "who may publish may not read"
    with subscribe(may_publish(doors)[0][1], TOLD, num_requested=1) as stream:
        assert stream.error().code() == grpc.StatusCode.PERMISSION_DENIED
    for publisher in (metadata(doors.token()), may_publish(doors, TOLD, topic="/event/Other__e"), metadata("no token")):
        with pytest.raises(grpc.RpcError) as refused:
            stub.Publish(pb2.PublishRequest(topic_name=TOLD, events=events), metadata=publisher, timeout=WAIT_SECONDS)
        assert refused.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
    # Of a topic that the org does not have, the org says so; nothing but platform events is published.
    with pytest.raises(grpc.RpcError) as refused:
        stub.Publish(pb2.PublishRequest(topic_name="/event/Other__e", events=events),
                     metadata=may_publish(doors, topic="/event/Other__e"), timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED and "sfdc.platform.eventbus" in refused.value.details()
    with pytest.raises(grpc.RpcError) as refused:
        stub.GetTopic(pb2.TopicRequest(topic_name=CASES), metadata=may_publish(doors, topic=CASES), timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_publishing_while_the_org_is_away_is_unavailable(directories, stubs):
    org = programs.start_sandbox(directories("away-org"))
    doors = WithPubSub(directories("away"), org)
    org.program.stop()
    with connected(doors) as channel, pytest.raises(grpc.RpcError) as refused:
        stubs[1].PubSubStub(channel).Publish(stubs[0].PublishRequest(
            topic_name=TOLD, events=[stubs[0].ProducerEvent(id="1", schema_id="x", payload=b"")]),
            metadata=may_publish(doors), timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE, refused.value.details()
    doors.program.stop()


def test_a_revoked_subjects_stream_ends(doors, org, subscribe, stubs, decoder):
    contact = org.create_contact("Revocation")
    token = doors.token(f"ContactId = '{contact}'", claims={"sub": "a subject that is revoked"})
    with subscribe(token, replay_preset=stubs[0].EARLIEST, num_requested=50) as subscription:
        org.create_case(contact, "seen")
        assert subscription.events(1)
        answer = requests.post(
            f"{doors.url}/admin/revoke", json={"subject": "a subject that is revoked"}, timeout=programs.CALL_SECONDS,
            headers={"Authorization": f"Bearer {doors.ADMIN_SECRET}"})
        assert answer.ok, answer.text
        org.create_case(contact, "not seen")
        assert subscription.error().code() == grpc.StatusCode.UNAUTHENTICATED


# CometD

class WithToken(AuthenticatorBase):
    """The way its users add a grant of their own: the token is there already."""

    def __init__(self, gateway, token):
        super().__init__()
        self.gateway = gateway
        self.token = token

    async def _authenticate(self):
        return 200, {"access_token": self.token, "token_type": "Bearer",
                     "instance_url": self.gateway.url.replace("127.0.0.1", "localhost")}


def run(test):
    asyncio.run(asyncio.wait_for(test, SECONDS))


def test_aiosfstream_takes_the_gateway_for_an_org(doors, org):
    mine, other = org.create_contact("Streaming"), org.create_contact("Streamed")
    token = doors.token([{"channel": CASES, "where": f"ContactId = '{mine}'", "fields": ["Status", "Subject"]}])

    async def live():
        places = {}
        async with Client(WithToken(doors, token), replay=places) as client:
            await client.subscribe(CASES)
            await asyncio.to_thread(org.create_case, other, "not mine")
            case_id = await asyncio.to_thread(org.create_case, mine, "live")
            message = await client.receive()
            payload = message["data"]["payload"]
            assert payload["ChangeEventHeader"]["recordIds"] == [case_id]
            assert payload["Subject"] == "live" and "ContactId" not in payload and "CaseNumber" not in payload
            assert message["channel"] == CASES
        return case_id, message["data"]["event"]["replayId"], places

    async def resumed(first, places):
        second = await asyncio.to_thread(org.create_case, mine, "while nobody listened")
        async with Client(WithToken(doors, token), replay=places) as client:
            await client.subscribe(CASES)
            payload = (await client.receive())["data"]["payload"]
            assert payload["ChangeEventHeader"]["recordIds"] == [second]
        async with Client(WithToken(doors, token), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(CASES)
            again = [(await client.receive())["data"]["payload"]["ChangeEventHeader"]["recordIds"] for _ in range(2)]
            assert again == [[first], [second]]

    async def test():
        first, _, places = await live()
        await resumed(first, places)

    run(test())


def test_cometd_refuses_what_the_token_does_not_allow(doors):
    async def test():
        async with Client(WithToken(doors, doors.token())) as client:
            with pytest.raises(aiosfstream_ng.exceptions.ServerError, match="no entry for /data/ContactChangeEvent"):
                await client.subscribe(programs.CONTACTS)
            with pytest.raises(aiosfstream_ng.exceptions.ServerError, match="does not exist"):
                await client.subscribe("/topic/Anything")
        with pytest.raises(aiosfstream_ng.exceptions.ServerError, match="Authentication invalid"):
            async with Client(WithToken(doors, "not a token")):
                pass

    run(test())


# A channel of the gateway's own, from every door

def test_a_virtual_channel_is_the_same_at_every_door(doors, org, subscribe, stubs, decoder):
    contact = org.create_contact("Virtual")
    token = doors.token([{"channel": ESCALATED, "where": f"ContactId = '{contact}'"}])
    quiet = org.create_case(contact, "stays quiet")
    loud = org.create_case(contact, "is escalated")
    org.update("Case", quiet, Priority="High")
    org.update("Case", loud, Status="Escalated")
    with subscribe(token, ESCALATED, replay_preset=stubs[0].EARLIEST, num_requested=10) as subscription:
        [event] = subscription.events(1)
    value = decoder(token)(event)
    assert value["ChangeEventHeader"]["recordIds"] == [loud] and value["Status"] == "Escalated"

    async def cometd():
        async with Client(WithToken(doors, token), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(ESCALATED)
            message = await client.receive()
            assert message["channel"] == ESCALATED
            assert message["data"]["payload"]["ChangeEventHeader"]["recordIds"] == [loud]

    run(cometd())
    with PushClient(doors, token) as client:
        client.subscribe(ESCALATED, replay=-2)
        event = client.wait_for("event")
        assert event["channel"] == ESCALATED
        assert event["data"]["payload"]["ChangeEventHeader"]["recordIds"] == [loud]
        org.update("Case", loud, Status="Closed")
        assert client.wait_for("left")["data"]["payload"]["ChangeEventHeader"]["recordIds"] == [loud]


# Configuration

@pytest.mark.parametrize("section, complaint", [
    ("pubsub: {certificate_file: secret.txt}", "pubsub.certificate_file needs pubsub.private_key_file beside it"),
    ("pubsub: {port: 0, private_key_file: secret.txt}", "pubsub.private_key_file needs pubsub.certificate_file beside it"),
    ("pubsub: {certificate_file: secret.txt, private_key_file: secret.txt}",
     "pubsub.certificate_file is for nothing without pubsub.port"),
    ("pubsub: {port: 70000}", "pubsub.port"),
    ("pubsub: {porch: 1}", "pubsub.porch"),
])
def test_a_wrong_section_is_said_with_its_line(doors, tmp_path, section, complaint):
    file = tmp_path / "wrong.yaml"
    text = "".join(
        line for line in (doors.directory / "millrace.yaml").read_text().splitlines(keepends=True)
        if not line.startswith(("pubsub:", "  port: 0\n", "  certificate_file", "  private_key_file: " + str(doors.org.program.directory / "tls"))))
    file.write_text(text + section + "\n")
    (tmp_path / "secret.txt").write_text(doors.SECRET)
    done = programs.millrace("run", "--check", "--config", file, cwd=tmp_path)
    assert done.returncode == programs.CONFIGURATION_MISTAKE
    assert complaint in done.stderr and f"wrong.yaml:{text.count(chr(10)) + 1}" in done.stderr, done.stderr
