"""BulkApi2JobEvent by grpcio and fastavro, and the results that it points at, read while the job goes on: all by hand."""

import csv
import io
import json

import fastavro
import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Subscription

TOPIC = "/event/BulkApi2JobEvent"
ROWS = 12


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("bulk-job-events"), [*programs.PORT_OPTIONS, "--bulk-job-events"])
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def pubsub(org, stubs):
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield stubs[1].PubSubStub(channel)


def test_a_query_job_is_told_to_its_end(org, pubsub, stubs):
    pb2 = stubs[0]
    info = pubsub.GetTopic(pb2.TopicRequest(topic_name=TOPIC), metadata=org.metadata, timeout=WAIT_SECONDS)
    assert info.can_subscribe and not info.can_publish
    schema = fastavro.parse_schema(json.loads(pubsub.GetSchema(
        pb2.SchemaRequest(schema_id=info.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS).schema_json))
    for number in range(ROWS):
        org.create("Product2", Name=f"Told {number}")
    with Subscription(pubsub, pb2, org.metadata, topic_name=TOPIC, num_requested=10, replay_preset=pb2.EARLIEST) as stream:
        job = org.rest("POST", "/jobs/query", {"operation": "query", "query": "SELECT Name FROM Product2 WHERE Name LIKE 'Told %'"}, 200)
        events = [fastavro.schemaless_reader(io.BytesIO(event.event.payload), schema) for event in stream.events(3)]
    assert {event["JobIdentifier"] for event in events} == {job.json()["id"]}
    assert [(event["Type"], event["JobState"], event["ResultType"]) for event in events] == [
        ("JOB_STATE", "InProgress", None), ("JOB_STATE", "JobComplete", None), ("RESULT", "JobComplete", "FINAL")]
    assert events[0]["CreatedDate"] > 1_700_000_000_000 and events[0]["CreatedById"].startswith("005")
    answer = org.http.get(
        events[-1]["ResultUrl"], headers={"Authorization": f"Bearer {org.access['access_token']}"}, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 200 and answer.headers["Sforce-Locator"] == "null"
    assert sorted(row["Name"] for row in csv.DictReader(io.StringIO(answer.text))) == sorted(f"Told {n}" for n in range(ROWS))


def test_it_is_the_orgs_own_to_publish(org, pubsub, stubs):
    pb2 = stubs[0]
    refused = org.rest("POST", "/sobjects/BulkApi2JobEvent", {"Type": "JOB_STATE"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    with pytest.raises(grpc.RpcError) as error:
        pubsub.Publish(pb2.PublishRequest(topic_name=TOPIC, events=[pb2.ProducerEvent(id="1", payload=b"")]),
                       metadata=org.metadata, timeout=WAIT_SECONDS)
    assert error.value.code() == grpc.StatusCode.PERMISSION_DENIED
    described = org.rest("GET", "/sobjects/BulkApi2JobEvent/describe", expected=200).json()
    assert not described["createable"] and {field["name"] for field in described["fields"]} >= {"Type", "ResultUrl"}
