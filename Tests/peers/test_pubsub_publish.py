"""Platform events by grpcio and REST: Publish, PublishStream, ManagedSubscribe, and pysfpubsub as it is."""

import io
import json
import subprocess
import sys
import time

import fastavro
import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Decoder, Subscription, certifi_with, check_error

TOPIC = "/event/Low_Charge__e"
SCHEMA = """\
events:
  Low_Charge__e:
    publishBehavior: PublishImmediately
    fields:
      Level__c: {type: Number, precision: 3}
      VIN__c: {type: Text, length: 17}
  Repair_Done__e:
    fields:
      Case__c: {type: Text, length: 18}
  Tow_Ordered__e:
    fields:
      Place__c: {type: Text, length: 40}
"""


@pytest.fixture(scope="module")
def event_org(directories):
    directory = directories("events")
    path = directory / "schema.yaml"
    path.write_text(SCHEMA)
    org = programs.start_sandbox(directory, ports=[*programs.PORT_OPTIONS, "--schema", path])
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def pubsub(event_org, stubs):
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_send_message_length", 32 << 20)]
    with grpc.insecure_channel(event_org.connection["grpc_plaintext_address"], options=options) as channel:
        yield stubs[1].PubSubStub(channel)


class Topic:
    def __init__(self, org, pubsub, pb2):
        self.pb2, self.metadata = pb2, org.metadata
        self.info = pubsub.GetTopic(pb2.TopicRequest(topic_name=TOPIC), metadata=org.metadata, timeout=WAIT_SECONDS)
        schema = pubsub.GetSchema(pb2.SchemaRequest(schema_id=self.info.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
        self.schema = fastavro.parse_schema(json.loads(schema.schema_json))

    def event(self, key="", **fields):
        out = io.BytesIO()
        values = {"CreatedDate": int(time.time() * 1000), "CreatedById": "005000000000001AAA", "Level__c": None, "VIN__c": None}
        fastavro.schemaless_writer(out, self.schema, {**values, **fields})
        return self.pb2.ProducerEvent(id=key, schema_id=self.info.schema_id, payload=out.getvalue())

    def request(self, *events, topic=TOPIC):
        return self.pb2.PublishRequest(topic_name=topic, events=events)


@pytest.fixture
def topic(event_org, pubsub, stubs):
    return Topic(event_org, pubsub, stubs[0])


@pytest.fixture
def decode(pubsub, stubs, event_org):
    return Decoder(pubsub, stubs[0], event_org.metadata)


def test_published_events_come_back(event_org, pubsub, stubs, topic, decode):
    assert topic.info.can_publish and topic.info.can_subscribe
    response = pubsub.Publish(topic.request(topic.event("key-1", Level__c=7.0), topic.event(VIN__c="W")),
                              metadata=topic.metadata, timeout=WAIT_SECONDS)
    assert [result.correlation_key == "key-1" for result in response.results] == [True, False]
    assert all(len(result.replay_id) == 10 and not result.HasField("error") for result in response.results)
    assert response.schema_id == topic.info.schema_id
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name=TOPIC, num_requested=100, replay_preset=1) as stream:
        found = {}
        while response.results[1].correlation_key not in found:
            found.update((event.event.id, event) for event in stream.events(1))
    assert decode(found["key-1"])["Level__c"] == 7.0
    assert found["key-1"].replay_id == response.results[0].replay_id


def test_one_bad_event_leaves_the_others(pubsub, topic):
    bad = topic.pb2.ProducerEvent(id="bad", schema_id=topic.info.schema_id, payload=b"\x00")
    foreign = topic.pb2.ProducerEvent(id="foreign", schema_id="AAAAAAAAAAAAAAAAAAAAAA", payload=topic.event().payload)
    large = topic.event("large", VIN__c="x" * (1 << 20))
    response = pubsub.Publish(topic.request(topic.event("a"), bad, foreign, large, topic.event("b")),
                              metadata=topic.metadata, timeout=WAIT_SECONDS)
    assert [result.HasField("error") for result in response.results] == [False, True, True, True, False]
    assert {result.error.code for result in response.results if result.HasField("error")} == {topic.pb2.PUBLISH}
    assert [result.correlation_key for result in response.results] == ["a", "bad", "foreign", "large", "b"]


def test_a_request_above_four_megabytes_is_reset(pubsub, topic):
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.Publish(topic.request(*[topic.event(VIN__c="x" * 900_000) for _ in range(5)]),
                       metadata=topic.metadata, timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert refused.value.details().startswith("upstream connect error or disconnect/reset before headers")


def test_nobody_publishes_change_events(pubsub, topic):
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.Publish(topic.request(topic.event(), topic=programs.CASES), metadata=topic.metadata, timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED


def test_a_publish_stream_answers_each_request(pubsub, topic):
    requests = [topic.request(topic.event("1"), topic.event("2")), topic.request(topic.event("3"), topic="")]
    responses = list(pubsub.PublishStream(iter(requests), metadata=topic.metadata, timeout=WAIT_SECONDS))
    assert [[result.correlation_key for result in response.results] for response in responses] == [["1", "2"], ["3"]]
    assert len({response.rpc_id for response in responses}) == 1


def test_a_publish_stream_keeps_its_topic(pubsub, topic):
    requests = [topic.request(topic.event("1")), topic.request(topic.event("2"), topic="/event/Repair_Done__e")]
    with pytest.raises(grpc.RpcError) as refused:
        list(pubsub.PublishStream(iter(requests), metadata=topic.metadata, timeout=WAIT_SECONDS))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_trap_25_rest_publishes_and_says_so_in_errors(event_org, pubsub, stubs, topic, decode):
    answer = event_org.rest("POST", "/sobjects/Low_Charge__e", {"Level__c": 3}, 201).json()
    assert answer["success"] is True and answer["id"].startswith("e0")
    assert [error["statusCode"] for error in answer["errors"]] == ["OPERATION_ENQUEUED"]
    uuid = answer["errors"][0]["message"]
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name=TOPIC, num_requested=100, replay_preset=1) as stream:
        while True:
            event = stream.events(1)[-1]
            if event.event.id == uuid:
                break
    assert decode(event)["Level__c"] == 3.0
    refused = event_org.rest("POST", "/sobjects/Low_Charge__e", {"Level__c": 1000})
    assert refused.status_code == 400 and refused.json()[0]["errorCode"] == "NUMBER_OUTSIDE_VALID_RANGE"


def test_a_failed_composite_publishes_only_what_is_immediate(event_org, pubsub, stubs, topic):
    version = f"/services/data/v{programs.API_VERSION}"
    parts = [("Low_Charge__e", {"VIN__c": "COMPOSITE"}), ("Repair_Done__e", {"Case__c": "COMPOSITE"}), ("Account", {})]
    answer = event_org.rest("POST", "/composite", {"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"{version}/sobjects/{name}", "referenceId": name, "body": body} for name, body in parts]})
    assert answer.status_code == 200, answer.text
    marker = pubsub.Publish(topic.request(topic.event("after")), metadata=topic.metadata, timeout=WAIT_SECONDS).results[0]
    decode = Decoder(pubsub, stubs[0], topic.metadata)
    seen = []
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name=TOPIC, num_requested=100, replay_preset=1) as stream:
        while not any(event.replay_id == marker.replay_id for event in seen):
            seen += stream.events(1)
    assert "COMPOSITE" in [decode(event)["VIN__c"] for event in seen]
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name="/event/Repair_Done__e", num_requested=5, replay_preset=1) as stream:
        # The answer to a client that closes its side is all there is.
        stream.close()
        assert not [event for response in list(stream.responses.queue) if response is not None for event in response.events]


def test_events_of_a_collection(event_org, pubsub, stubs, topic, decode):
    """Among records, in their order. With allOrNone a record that fails takes along those that wait for the commit."""
    def tows(*places):
        return [{"attributes": {"type": "Tow_Ordered__e"}, "Place__c": place} for place in places]

    def save(*records, **options):
        return event_org.rest("POST", "/composite/sobjects", {**options, "records": records}, 200).json()

    first, last = tows("first", "last")
    nameless = {"attributes": {"type": "Account"}}
    saved = save(first, nameless, last)
    assert [result["success"] for result in saved] == [True, False, True]
    assert saved[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert all(saved[index]["id"].startswith("e0") for index in (0, 2))
    assert [saved[index]["errors"][0]["statusCode"] for index in (0, 2)] == ["OPERATION_ENQUEUED"] * 2
    undone = save(*tows("undone"), {"attributes": {"type": "Low_Charge__e"}, "VIN__c": "COLLECTED"}, nameless, allOrNone=True)
    assert [result["errors"][0]["statusCode"] for result in undone] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    [after] = save(*tows("after"))
    name = "/event/Tow_Ordered__e"
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name=name, num_requested=100, replay_preset=1) as stream:
        events = stream.events(3)
    assert [decode(event)["Place__c"] for event in events] == ["first", "last", "after"]
    assert [event.event.id for event in events] == [result["errors"][0]["message"] for result in (saved[0], saved[2], after)]
    # What is published immediately waits for nothing.
    with Subscription(pubsub, stubs[0], topic.metadata, topic_name=TOPIC, num_requested=100, replay_preset=1) as stream:
        while decode(stream.events(1)[-1])["VIN__c"] != "COLLECTED":
            continue


# ManagedSubscribe

@pytest.fixture(scope="module")
def mirror(event_org):
    answer = event_org.rest("POST", "/tooling/sobjects/ManagedEventSubscription", {"FullName": "Mirror", "Metadata": {
        "label": "Mirror", "topicName": TOPIC, "state": "RUN", "defaultReplay": "EARLIEST", "errorRecoveryReplay": "LATEST"}})
    assert answer.status_code == 201, answer.text
    assert answer.json()["id"].startswith("18x")
    return answer.json()["id"]


def managed(pubsub, topic, count, **name):
    return Subscription(pubsub, topic.pb2, topic.metadata, managed=True, num_requested=count, **name)


def test_a_managed_subscription_goes_on_where_it_committed(mirror, pubsub, topic):
    pubsub.Publish(topic.request(*[topic.event(f"m-{number}") for number in range(3)]), metadata=topic.metadata, timeout=WAIT_SECONDS)
    with managed(pubsub, topic, 100, developer_name="Mirror") as stream:
        events = []
        while "m-2" not in [event.event.id for event in events]:
            events += stream.events(1)
        place = next(event.replay_id for event in events if event.event.id == "m-1")
        stream.ask(commit_replay_id_request=topic.pb2.CommitReplayRequest(commit_request_id="one", replay_id=place))
        answer = stream.response()
        while not answer.HasField("commit_response"):
            answer = stream.response()
        assert answer.commit_response.commit_request_id == "one" and answer.commit_response.replay_id == place
        assert not answer.commit_response.HasField("error") and answer.commit_response.process_time > 0
        # Nobody else gets in meanwhile.
        with managed(pubsub, topic, 1, subscription_id=mirror) as second:
            check_error(second.error(), grpc.StatusCode.ALREADY_EXISTS,
                        "sfdc.platform.eventbus.grpc.managed.subscription.already.active")
        stream.close()

    def again():
        with managed(pubsub, topic, 100, subscription_id=mirror) as stream:
            try:
                return stream.response().events
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.ALREADY_EXISTS
                return None
    assert programs.until(again, every=0.2)[0].event.id == "m-2"


def test_an_unknown_managed_subscription_is_refused(pubsub, topic):
    with managed(pubsub, topic, 1, developer_name="Nothing") as stream:
        assert stream.error().code() == grpc.StatusCode.NOT_FOUND


# pysfpubsub

PYSFPUBSUB = """\
import json, sys, time
from pysfpubsub import Client

options = json.loads(sys.argv[1])

client = Client(url=options["url"], username=options["username"], password=options["password"],
                grpc_host=options["host"], grpc_port=options["port"])
client.auth()
topic = client.get_topic(options["topic"])
schema = client.get_schema_json(topic.schema_id)
payload = {"CreatedDate": int(time.time() * 1000), "CreatedById": "005000000000001AAA", "Level__c": 42.0, "VIN__c": "PYSFPUBSUB"}
answer = client.publish(options["topic"], [client.format_payload(schema, topic.schema_id, payload)])
assert answer.results[0].replay_id, answer


class Found(Exception):
    pass


def take(response, client):
    if response.events and response.pending_num_requested == 0:
        client.release_subscription_semaphore()
    for event in response.events:
        value = client.decode(client.get_schema_json(event.event.schema_id), event.event.payload)
        if value["VIN__c"] == "PYSFPUBSUB":
            print(json.dumps(value))
            raise Found


try:
    client.subscribe(options["topic"], "EARLIEST", b"", 5, take)
except Found:
    pass
"""


def test_pysfpubsub_publishes_and_subscribes(event_org, topic, tmp_path):
    """As it is, from its login on; what it trusts is certifi's bundle, so our authority stands at the end of that."""
    host, port = event_org.connection["grpc_address"].rsplit(":", 1)
    options = {
        "url": event_org.connection["https_url"], "host": host, "port": int(port),
        "username": event_org.connection["username"], "password": event_org.connection["password"], "topic": TOPIC,
    }
    roots = certifi_with(event_org.connection["ca_file"], tmp_path)
    done = subprocess.run([sys.executable, "-c", PYSFPUBSUB, json.dumps(options)], capture_output=True, text=True,
                          timeout=120, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(roots), "no_proxy": "*"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Level__c"] == 42.0
