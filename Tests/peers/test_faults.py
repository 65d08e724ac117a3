"""Faults on command, each shown through the real protocol, by clients that know nothing of them."""

import io
import json
import queue
import socket
import threading
import time

import fastavro
import grpc
import pytest
import requests

import programs
from pubsub_client import Decoder, Subscription, check_error
from test_cometd import Bayeux
from test_soap_records import SOAP, VERSION as SOAP_VERSION

WAIT_SECONDS = 60
ERROR_PREFIX = "sfdc.platform.eventbus.grpc."


class Control:
    """The control door, as a script uses it."""

    def __init__(self, org):
        self.url = f"{org.connection['http_url']}/sandbox"
        self.http = requests.Session()
        self.http.trust_env = False

    def call(self, method, path, body=None, **options):
        return self.http.request(method, f"{self.url}{path}", json=body, timeout=programs.CALL_SECONDS, **options)

    def get(self, path, **parameters):
        answer = self.call("GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind, **fields):
        answer = self.call("POST", "/faults", {"kind": kind, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def fired(self, fault):
        return self.get(f"/faults/{fault}")["fired"]

    def clear(self):
        assert self.call("DELETE", "/faults").status_code == 204


@pytest.fixture(scope="module")
def org(directories):
    """One of its own: the others must not suffer."""
    directory = directories("faulty-org")
    (directory / "schema.yaml").write_text("events: {Ping__e: {fields: {Number__c: {type: Number, precision: 6}}}}\n")
    org = programs.start_sandbox(directory, [*programs.PORT_OPTIONS, "--schema", directory / "schema.yaml"])
    yield org
    org.program.stop()


@pytest.fixture
def control(org):
    control = Control(org)
    control.clear()
    # Who has just gone would be taken for who is awaited: `waits`.
    programs.until(lambda: control.get("/overview")["waiting_streams"] == 0, what="the end of the last test's streams")
    yield control
    control.clear()


@pytest.fixture
def channel(org):
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        yield channel


@pytest.fixture
def pubsub(channel, stubs):
    return stubs[1].PubSubStub(channel)


class Stream:
    """A Subscribe stream that always asks for more."""

    def __init__(self, org, stub, pb2, **first):
        self.requests = queue.Queue()
        self.requests.put(pb2.FetchRequest(num_requested=100, **first))
        self.call = stub.Subscribe(iter(self.requests.get, None), metadata=org.metadata)
        self.got = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for response in self.call:
                for event in response.events:
                    self.got.put(event)
        except grpc.RpcError as error:
            self.got.put(error)

    def next(self, seconds=WAIT_SECONDS):
        return self.got.get(timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.requests.put(None)
        self.call.cancel()
        self.thread.join(WAIT_SECONDS)


@pytest.fixture
def subscribe(org, pubsub, stubs):
    return lambda **first: Stream(org, pubsub, stubs[0], topic_name=first.pop("topic_name", programs.CASES), **first)


def code_of(error):
    return dict(error.trailing_metadata() or ()).get("error-code", "")


def waits(control):
    """A stream has read up to the head and waits."""
    programs.until(lambda: control.get("/overview")["waiting_streams"] == 1, what="a waiting stream, and no other")


def test_an_outage_of_rest(org, control):
    control.fault("unavailable", path="/services/data/**", times=2)
    assert [org.rest("GET", "/limits").status_code == 503 for _ in range(3)] == [True, True, False]
    control.fault("unavailable", path="/services/data/**", method="GET", times=1, status=502)
    answer = org.rest("GET", "/sobjects")
    assert answer.status_code == 502
    assert answer.json()[0]["errorCode"] == "SERVER_UNAVAILABLE"


def test_a_storm_is_repeatable(org, control):
    def storm(seed):
        fault = control.fault("unavailable", path="/services/data/**", probability=0.4, seed=seed)
        answers = [org.rest("GET", "/sobjects/Case/describe").status_code for _ in range(30)]
        control.call("DELETE", f"/faults/{fault}")
        return answers

    first = storm(7)
    assert set(first) == {200, 503}
    assert storm(7) == first
    assert storm(8) != first


def test_the_connection_is_cut(org, control):
    fault = control.fault("cut", path="/services/data/*/sobjects/**", nth=2)
    org.rest("GET", "/sobjects/Case/describe", expected=200)
    with pytest.raises(requests.ConnectionError):
        org.rest("GET", "/sobjects/Case/describe")
    org.rest("GET", "/sobjects/Case/describe", expected=200)
    assert control.fired(fault) == 1


def test_the_answer_is_lost_after_the_write(org, control):
    control.fault("lost-answer", path="/services/data/**", method="POST", times=1)
    before = control.get("/truth/Account", limit=0)["count"]
    with pytest.raises(requests.ConnectionError):
        org.rest("POST", "/sobjects/Account", {"Name": "Written all the same"})
    assert control.get("/truth/Account", limit=0)["count"] == before + 1


def test_a_session_expires(org, control):
    control.fault("expired-token", path="/services/data/**", times=1)
    answer = org.rest("GET", "/limits")
    assert answer.status_code == 401
    assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"
    org.rest("GET", "/sobjects", expected=200)


def test_a_stall(org, control):
    control.fault("stall", path="/services/data/**", times=1, seconds=600)
    with pytest.raises(requests.ReadTimeout):
        org.http.get(f"{org.connection['http_url']}/services/data/", timeout=(WAIT_SECONDS, 0.5))
    # An org that stood still may read that request only now.
    control.clear()
    control.fault("stall", path="/services/data/**", times=1, seconds=0.2)
    assert org.http.get(f"{org.connection['http_url']}/services/data/", timeout=WAIT_SECONDS).status_code == 200


def test_half_open(org, control):
    fault = control.fault("half-open", path="/services/data/**", times=1)
    host, port = org.connection["http_url"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as connection:
        request = f"GET /services/data/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        connection.sendall(request)
        programs.until(lambda: control.fired(fault) == 1, what="the fault")
        connection.sendall(request)
        connection.settimeout(0.5)
        # Neither an answer nor an end.
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_row_locks(org, control):
    contact = org.create_contact("Locked")
    case = org.create_case(contact)
    control.fault("row-lock", object="Case", times=1)
    answer = org.rest("PATCH", f"/sobjects/Case/{case}", {"Status": "Working"})
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert org.get("Case", case)["Status"] == "New"
    org.update("Case", case, Status="Working")


def test_a_row_of_a_collection_is_locked(org, control):
    """It fails alone; with allOrNone all fail with it."""
    ids = [org.create("Account", Name=f"Collected {number}") for number in range(3)]
    save = lambda site, **options: org.rest("PATCH", "/composite/sobjects", {**options, "records": [
        {"attributes": {"type": "Account"}, "Id": one, "Site": site} for one in ids]}, 200).json()
    sites = lambda: [org.get("Account", one)["Site"] for one in ids]
    control.fault("row-lock", object="Account", nth=2)
    results = save("here")
    assert [result["success"] for result in results] == [True, False, True]
    assert results[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert sites() == ["here", None, "here"]
    control.clear()
    control.fault("row-lock", object="Account", nth=2)
    results = save("there", allOrNone=True)
    assert [result["errors"][0]["statusCode"] for result in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "UNABLE_TO_LOCK_ROW", "ALL_OR_NONE_OPERATION_ROLLED_BACK"]
    assert sites() == ["here", None, "here"]


def test_a_record_of_a_soap_call_is_locked(org, control):
    soap = SOAP(org)
    account = org.create("Account", Name="Locked for SOAP")
    update = lambda site: soap.save("update", [("type", "Account"), ("Id", account), ("Site", site)])[0]
    control.fault("row-lock", object="Account", times=1)
    refused = update("here")
    assert (refused["success"], refused["errors"]["statusCode"]) == ("false", "UNABLE_TO_LOCK_ROW")
    assert refused["errors"]["message"].startswith("unable to obtain exclusive access to this record")
    control.fault("row-lock", object="Account", times=1)
    assert soap.ids("delete", account)[0]["errors"]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert update("there")["success"] == "true" and org.get("Account", account)["Site"] == "there"


def test_a_row_of_a_bulk_job_is_locked(org, control):
    """The job is complete, and the row is among its failed ones."""
    control.fault("row-lock", object="Account", nth=3)
    job = bulk(org, "POST", "", {"object": "Account", "operation": "insert", "lineEnding": "LF"})["id"]
    bulk(org, "PUT", f"/{job}/batches", "Name\n" + "".join(f"Bulk lock {number}\n" for number in range(5)), 201)
    bulk(org, "PATCH", f"/{job}", {"state": "UploadComplete"})
    info = programs.until(
        lambda: (info := bulk(org, "GET", f"/{job}"))["state"] not in ("UploadComplete", "InProgress") and info, what="the job's end")
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 5, 1)
    [_, failed] = bulk(org, "GET", f"/{job}/failedResults/").splitlines()
    assert "UNABLE_TO_LOCK_ROW:" in failed and failed.endswith('"Bulk lock 2"')
    count = org.rest("GET", "/query?q=SELECT+COUNT()+FROM+Account+WHERE+Name+LIKE+'Bulk lock %25'", expected=200).json()["totalSize"]
    assert count == 4


def test_the_service_is_unavailable(org, control, pubsub, stubs):
    control.fault("unavailable", rpc="GetTopic", times=1)
    request = stubs[0].TopicRequest(topic_name=programs.CASES)
    with pytest.raises(grpc.RpcError) as refused:
        pubsub.GetTopic(request, metadata=org.metadata, timeout=WAIT_SECONDS)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert pubsub.GetTopic(request, metadata=org.metadata, timeout=WAIT_SECONDS).can_subscribe


def test_schemas_fail_so_often(org, control, pubsub, stubs):
    schema = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=WAIT_SECONDS).schema_id
    control.fault("schema", times=2)
    request = stubs[0].SchemaRequest(schema_id=schema)
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as refused:
            pubsub.GetSchema(request, metadata=org.metadata, timeout=WAIT_SECONDS)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert pubsub.GetSchema(request, metadata=org.metadata, timeout=WAIT_SECONDS).schema_json
    assert [call["schema"] for call in control.get("/faults/calls")["calls"] if call["place"] == "schema"] == [schema] * 3


def test_a_call_stalls(org, control, pubsub, stubs):
    call = lambda: pubsub.GetTopic(
        stubs[0].TopicRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=WAIT_SECONDS)
    fault = control.fault("stall", rpc="GetTopic", times=1, seconds=0.7)
    start = time.monotonic()
    assert call().can_subscribe, "late, and whole"
    assert time.monotonic() - start >= 0.7 and control.fired(fault) == 1
    control.fault("stall", rpc="GetTopic", times=1, seconds=600)
    with pytest.raises(grpc.RpcError) as late:
        pubsub.GetTopic(stubs[0].TopicRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=0.3)
    assert late.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    # An org that stood still may read that call only now.
    control.clear()
    assert call().can_subscribe


def test_a_stream_stalls(org, control, subscribe):
    """What happens meanwhile comes afterwards, in its order."""
    contact = org.create_contact("Stalled stream")
    with subscribe(replay_preset=0) as stream:
        waits(control)
        start = time.monotonic()
        fault = control.fault("stall", topic=programs.CASES, times=1, seconds=1.5)
        programs.until(lambda: control.fired(fault) == 1, what="the fault")
        org.create_case(contact)
        org.create_case(contact)
        first = stream.next()
        assert time.monotonic() - start >= 1.5
        assert stream.next().replay_id > first.replay_id


def test_the_answer_to_a_publish_is_lost(org, control, pubsub, stubs):
    """The event is on the bus all the same: who publishes again publishes twice."""
    pb2, topic = stubs[0], "/event/Ping__e"
    info = pubsub.GetTopic(pb2.TopicRequest(topic_name=topic), metadata=org.metadata, timeout=WAIT_SECONDS)
    schema = pubsub.GetSchema(pb2.SchemaRequest(schema_id=info.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(schema.schema_json)), {
        "CreatedDate": 0, "CreatedById": "005000000000001AAA", "Number__c": 1.0})
    publish = lambda key: pubsub.Publish(
        pb2.PublishRequest(topic_name=topic, events=[
            pb2.ProducerEvent(id=key, schema_id=info.schema_id, payload=out.getvalue())]),
        metadata=org.metadata, timeout=WAIT_SECONDS, wait_for_ready=True)
    fault = control.fault("lost-answer", rpc="Publish", times=1)
    with pytest.raises(grpc.RpcError) as lost:
        publish("lost")
    assert lost.value.code() == grpc.StatusCode.UNAVAILABLE and control.fired(fault) == 1
    assert publish("after").results[0].replay_id
    with Stream(org, pubsub, pb2, topic_name=topic, replay_preset=pb2.EARLIEST) as stream:
        assert [stream.next().event.id for _ in range(2)] == ["lost", "after"]


@pytest.mark.parametrize("kind, status", [
    ("unavailable", grpc.StatusCode.UNAVAILABLE), ("expired-token", grpc.StatusCode.UNAUTHENTICATED),
    ("cut", grpc.StatusCode.UNAVAILABLE),
])
def test_a_stream_ends_in_the_middle(org, control, subscribe, kind, status):
    contact = org.create_contact("Stream")
    with subscribe(replay_preset=0) as stream:
        waits(control)
        org.create_case(contact)
        last = stream.next()
        assert last.replay_id
        fault = control.fault(kind, topic=programs.CASES, times=1)
        error = stream.next()
        assert error.code() == status
        if kind == "expired-token":
            assert code_of(error).startswith(ERROR_PREFIX)
        assert control.fired(fault) == 1
    org.create_case(contact, "While nobody listened")
    with subscribe(replay_preset=2, replay_id=last.replay_id) as stream:
        assert stream.next().replay_id > last.replay_id


def test_goaway(org, control, subscribe, pubsub, stubs):
    with subscribe(replay_preset=0) as stream:
        waits(control)
        fault = control.fault("goaway", topic=programs.CASES, times=1)
        programs.until(lambda: control.fired(fault) == 1, what="the fault")
        # The streams of the connection end, new calls go to a new one.
        assert stream.next().code() == grpc.StatusCode.UNAVAILABLE
        topic = pubsub.GetTopic(
            stubs[0].TopicRequest(topic_name=programs.CASES), metadata=org.metadata, timeout=WAIT_SECONDS, wait_for_ready=True)
        assert topic.topic_name == programs.CASES


def test_a_silent_connection(org, control, subscribe, stubs):
    contact = org.create_contact("Silent")
    with subscribe(replay_preset=0) as silenced:
        waits(control)
        fault = control.fault("half-open", topic=programs.CASES, times=1)
        programs.until(lambda: control.fired(fault) == 1, what="the fault")
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=options) as channel:
            with Stream(org, stubs[1].PubSubStub(channel), stubs[0], topic_name=programs.CASES, replay_preset=1) as other:
                case = org.create_case(contact)
                # Others get it; on the silent connection there is neither an event nor an end.
                programs.until(lambda: case.encode()[:15] in other.next().event.payload, what="the event")
        with pytest.raises(queue.Empty):
            silenced.next(1)


@pytest.mark.parametrize("kind", ["replay-expired", "replay-corrupted"])
def test_replay_ids_are_refused(org, control, subscribe, kind):
    contact = org.create_contact("Replay")
    with subscribe(replay_preset=0) as stream:
        waits(control)
        org.create_case(contact)
        known = stream.next().replay_id
    control.fault(kind, times=1)
    with subscribe(replay_preset=2, replay_id=known) as stream:
        error = stream.next()
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert code_of(error) == ERROR_PREFIX + "subscription.fetch.replayid.corrupted"
    org.create_case(contact)
    with subscribe(replay_preset=2, replay_id=known) as stream:
        assert stream.next().replay_id > known


def test_an_event_comes_twice(org, control, subscribe):
    contact = org.create_contact("Twice")
    with subscribe(replay_preset=0) as stream:
        waits(control)
        control.fault("duplicate", topic=programs.CASES, times=1)
        org.create_case(contact)
        first, second = stream.next(), stream.next()
        assert first.replay_id == second.replay_id
        org.create_case(contact)
        assert stream.next().replay_id > first.replay_id


def bulk(org, method, path, body=None, expected=200, **options):
    if isinstance(body, str):
        options["headers"] = {"Content-Type": "text/csv"}
        options["data"], body = body, None
    answer = org.rest(method, f"/jobs/ingest{path}", body, expected, **options)
    return answer.json() if answer.content and answer.headers["Content-Type"].startswith("application/json") else answer.text


def test_a_bulk_job_fails_half_way(org, control):
    """What its batches had done stays, the rest of the file is unprocessed, and the job says why it failed."""
    fault = control.fault("bulk", object="Account", nth=2)
    job = bulk(org, "POST", "", {"object": "Account", "operation": "insert", "lineEnding": "LF"})["id"]
    bulk(org, "PUT", f"/{job}/batches", "Name\n" + "".join(f"Half {number}\n" for number in range(500)), 201)
    bulk(org, "PATCH", f"/{job}", {"state": "UploadComplete"})
    info = programs.until(lambda: (info := bulk(org, "GET", f"/{job}"))["state"] == "Failed" and info, what="the job's failure")
    assert control.fired(fault) == 1
    done = info["numberRecordsProcessed"]
    assert 0 < done < 500 and info["numberRecordsFailed"] == 0
    assert info["errorMessage"].startswith("InternalServerError")
    count = org.rest("GET", "/query?q=SELECT+COUNT()+FROM+Account+WHERE+Name+LIKE+'Half %25'", expected=200).json()["totalSize"]
    assert count == done
    assert len(bulk(org, "GET", f"/{job}/successfulResults/").splitlines()) == done + 1
    assert bulk(org, "GET", f"/{job}/unprocessedrecords/").splitlines()[1:] == [f"Half {number}" for number in range(done, 500)]
    # The next job meets no fault.
    job = bulk(org, "POST", "", {"object": "Account", "operation": "insert", "lineEnding": "LF"})["id"]
    bulk(org, "PUT", f"/{job}/batches", "Name\nWhole\n", 201)
    bulk(org, "PATCH", f"/{job}", {"state": "UploadComplete"})
    programs.until(lambda: bulk(org, "GET", f"/{job}")["state"] == "JobComplete", what="the next job's end")


def test_a_bulk_query_fails_half_way(org, control):
    """It had read its first 5,000 rows; what a failed job has read is not given away, and the next one reads all of it."""
    count, read = 5_001, 5_000
    job = bulk(org, "POST", "", {"object": "Lead", "operation": "insert", "lineEnding": "LF"})["id"]
    rows = "".join(f"Half,Lead {number}\n" for number in range(count))
    bulk(org, "PUT", f"/{job}/batches", "LastName,Company\n" + rows, 201)
    bulk(org, "PATCH", f"/{job}", {"state": "UploadComplete"})
    programs.until(lambda: bulk(org, "GET", f"/{job}")["state"] == "JobComplete", 120, what="the leads")

    def queried():
        query = {"operation": "query", "query": "SELECT Company FROM Lead WHERE LastName = 'Half'"}
        path = f"/jobs/query/{org.rest('POST', '/jobs/query', query, 200).json()['id']}"
        look = lambda: (info := org.rest("GET", path, None, 200).json())["state"] in ("Failed", "JobComplete") and info
        return path, programs.until(look, 120, what="the end of the query")

    fault = control.fault("bulk", object="Lead", nth=2)
    path, info = queried()
    assert (info["state"], info["numberRecordsProcessed"]) == ("Failed", read)
    assert info["errorMessage"].startswith("InternalServerError")
    assert control.fired(fault) == 1
    refused = org.rest("GET", f"{path}/results")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    path, info = queried()
    assert (info["state"], info["numberRecordsProcessed"]) == ("JobComplete", count)
    assert len(org.rest("GET", f"{path}/results", None, 200).text.splitlines()) == count + 1


def test_a_batch_of_bulk_1_fails_half_way(org, control):
    """It alone: what it had done stays, and the other batch of its job is worked on to its end."""
    def classic(method, path="", body=None, expected=200):
        answer = org.http.request(
            method, f"{org.connection['http_url']}/services/async/{programs.API_VERSION}/job{path}", json=body,
            timeout=programs.CALL_SECONDS,
            headers={"X-SFDC-Session": org.access["access_token"], "Content-Type": "application/json"})
        assert answer.status_code == expected, answer.text
        return answer.json()

    fault = control.fault("bulk", object="Account", nth=2)
    job = classic("POST", body={"operation": "insert", "object": "Account", "contentType": "JSON"}, expected=201)["id"]
    batches = [classic("POST", f"/{job}/batch", [{"Name": f"{name} {number}"} for number in range(500)], 201)["id"]
               for name in ("Broken batch", "Whole batch")]

    def ended(batch):
        look = lambda: (info := classic("GET", f"/{job}/batch/{batch}"))["state"] in ("Failed", "Completed") and info
        return programs.until(look, 120, what="the end of the batch")

    broken, whole = (ended(batch) for batch in batches)
    assert control.fired(fault) == 1
    done = broken["numberRecordsProcessed"]
    assert broken["state"] == "Failed" and 0 < done < 500 and broken["numberRecordsFailed"] == 0
    assert broken["stateMessage"].startswith("InternalServerError")
    assert classic("GET", f"/{job}/batch/{batches[0]}/result", expected=400)["exceptionCode"] == "InvalidBatch"
    assert (whole["state"], whole["numberRecordsProcessed"], whole["numberRecordsFailed"]) == ("Completed", 500, 0)
    info = classic("GET", f"/{job}")
    assert (info["state"], info["numberBatchesFailed"], info["numberBatchesCompleted"]) == ("Open", 1, 1)
    count = lambda name: org.rest(
        "GET", f"/query?q=SELECT+COUNT()+FROM+Account+WHERE+Name+LIKE+'{name} %25'", expected=200).json()["totalSize"]
    assert (count("Broken batch"), count("Whole batch")) == (done, 500)


def test_a_cometd_stream_is_cut(org, control):
    """A held connect loses its connection; the session is still there, and nothing was lost."""
    client = Bayeux(org).open()
    assert client.subscribe(programs.CASES)["successful"]
    answers = []

    def held():
        try:
            answers.append(client.connect(None))
        except requests.ConnectionError as error:
            answers.append(error)

    thread = threading.Thread(target=held)
    thread.start()
    waits(control)
    fault = control.fault("cut", topic=programs.CASES, times=1)
    thread.join(WAIT_SECONDS)
    assert isinstance(answers[0], requests.ConnectionError), answers
    assert control.fired(fault) == 1
    org.create_case(org.create_contact("Cut"), "Cut")
    [event] = client.events(1)
    assert event["data"]["payload"]["Subject"] == "Cut"


def test_a_cometd_stream_stalls(org, control):
    """The answer is late, and whole."""
    client = Bayeux(org).open()
    assert client.subscribe(programs.CASES)["successful"]
    fault = control.fault("stall", topic=programs.CASES, times=1, seconds=0.7)
    org.create_case(org.create_contact("Stalled"), "Stalled")
    start = time.monotonic()
    answer = client.connect()
    assert time.monotonic() - start >= 0.7
    assert control.fired(fault) == 1
    assert [message["channel"] for message in answer] == [programs.CASES, "/meta/connect"]


@pytest.mark.parametrize("kind, error", [
    ("unavailable", "503::Server is too busy. Please try your request again later."),
    ("expired-token", "401::Authentication invalid")])
def test_a_cometd_stream_is_refused(org, control, kind, error):
    client = Bayeux(org).open()
    assert client.subscribe(programs.CASES)["successful"]
    control.fault(kind, topic=programs.CASES, times=1)
    reply = client.connect()[-1]
    assert not reply["successful"]
    assert error in (reply["error"], reply.get("ext", {}).get("sfdc", {}).get("failureReason")), reply


def test_events_come_late(org, control, subscribe):
    contact = org.create_contact("Late")
    with subscribe(replay_preset=0) as stream:
        waits(control)
        fault = control.fault("delay", topic=programs.CASES, seconds=3600)
        org.create_case(contact)
        programs.until(lambda: control.fired(fault) > 0, what="the fault")
        assert stream.got.empty()
        control.call("POST", "/clock", {"advance": 3601})
        assert stream.next().replay_id


def test_a_cometd_event_comes_twice(org, control):
    client = Bayeux(org, org.access["access_token"]).open()
    assert client.subscribe(programs.CASES)["successful"]
    contact = org.create_contact("Twice over CometD")
    control.fault("duplicate", topic=programs.CASES, times=1)
    org.create_case(contact, "Twice")
    first, second = client.events(2)
    assert first == second and first["data"]["payload"]["Subject"] == "Twice"
    org.create_case(contact, "Once")
    [event] = client.events(1)
    assert event["data"]["payload"]["Subject"] == "Once"
    assert event["data"]["event"]["replayId"] > first["data"]["event"]["replayId"]


def test_cometd_events_come_late(org, control):
    """By less than the 40 s after which a client that does not connect is forgotten: they are of the same clock. Half of them, as
    the test takes its time as well."""
    client = Bayeux(org, org.access["access_token"]).open()
    assert client.subscribe(programs.CASES)["successful"]
    fault = control.fault("delay", topic=programs.CASES, seconds=20)
    org.create_case(org.create_contact("Late over CometD"), "Late")
    assert [message["channel"] for message in client.connect()] == ["/meta/connect"]
    assert control.fired(fault) > 0
    control.call("POST", "/clock", {"advance": 21})
    [event] = client.events(1)
    assert event["data"]["payload"]["Subject"] == "Late"


def change_case(org, case):
    org.update("Case", case, Subject="Changed", Status="Working")


def delete_case(org, case):
    org.delete("Case", case)


def undelete_case(org, case):
    org.delete("Case", case)
    assert SOAP(org).ids("undelete", case)[0]["success"] == "true"


@pytest.mark.parametrize("write, change, origin", [
    (change_case, "UPDATE", f"com/salesforce/api/rest/{programs.API_VERSION}"),
    (delete_case, "DELETE", f"com/salesforce/api/rest/{programs.API_VERSION}"),
    (undelete_case, "UNDELETE", f"com/salesforce/api/soap/{SOAP_VERSION}")])
def test_gaps_of_every_kind(org, control, subscribe, pubsub, stubs, write, change, origin):
    """The header says which record; the body is empty, and so are the lists of fields."""
    contact = org.create_contact("Gap")
    cases = [org.create_case(contact) for _ in range(2)]
    # Of an undelete, the delete before it is not struck.
    control.fault("gap", object="Case", nth=2 if change == "UNDELETE" else 1)
    decode = Decoder(pubsub, stubs[0], org.metadata)
    found = []
    with subscribe(replay_preset=0) as stream:
        waits(control)
        for case in cases:
            write(org, case)
        while len(found) < 2:
            value = decode(stream.next())
            header = value.pop("ChangeEventHeader")
            if header["changeType"] in (change, f"GAP_{change}"):
                found.append((header, value))
    (gap, body), (whole, _) = found
    assert (gap["changeType"], gap["recordIds"]) == (f"GAP_{change}", [cases[0]])
    assert (whole["changeType"], whole["recordIds"]) == (change, [cases[1]])
    assert set(body.values()) == {None}
    assert gap["changedFields"] == gap["nulledFields"] == gap["diffFields"] == []
    assert gap["changeOrigin"] == whole["changeOrigin"] == origin
    assert gap["transactionKey"].startswith("000") and gap["transactionKey"] != whole["transactionKey"]


@pytest.mark.parametrize("kind, change", [("gap", "GAP_CREATE"), ("overflow", "GAP_OVERFLOW")])
def test_changes_become_gaps(org, control, kind, change):
    contact = org.create_contact("Gap")
    place = control.get("/events")["next"]
    control.fault(kind, object="Case", times=1)
    org.create_case(contact)
    org.create_case(contact)
    changes = [event["change"] for event in control.get("/events", after=place)["events"]]
    assert changes == [change, "CREATE"]


@pytest.mark.parametrize("kind, change, ids", [
    ("GAP_CREATE", "GAP_CREATE", None), ("GAP_UPDATE", "GAP_UPDATE", None), ("GAP_DELETE", "GAP_DELETE", None),
    ("GAP_UNDELETE", "GAP_UNDELETE", None), ("GAP_OVERFLOW", "GAP_OVERFLOW", ["000000000000000AAA"]),
    ("conversion", "UPDATE", ["500*"])])
def test_gaps_without_a_change(org, control, subscribe, pubsub, stubs, kind, change, ids):
    """An event of the org itself, without a body; the records are as they were. `ids`: None for those that the call names."""
    cases = [org.create_case(org.create_contact("Untold")) for _ in range(2)]
    decode = Decoder(pubsub, stubs[0], org.metadata)
    with subscribe(replay_preset=0) as stream:
        waits(control)
        digest = control.get("/truth/Case", limit=0)["digest"]
        answer = control.call("POST", "/gaps", {"kind": kind, "object": "Case", **({} if ids else {"ids": cases})})
        assert (answer.status_code, answer.json()) == (201, {"kind": kind, "object": "Case"})
        value = decode(stream.next())
        header = value.pop("ChangeEventHeader")
        assert control.get("/truth/Case", limit=0)["digest"] == digest
        # What comes next is the next change: there was one event.
        org.update("Case", cases[0], Subject="Told")
        assert decode(stream.next())["Subject"] == "Told"
    assert (header["changeType"], header["recordIds"], header["entityName"]) == (change, ids or cases, "Case")
    assert set(value.values()) == {None}
    assert header["changedFields"] == header["nulledFields"] == header["diffFields"] == []
    assert (header["changeOrigin"], header["sequenceNumber"]) == ("", 1) and header["transactionKey"].startswith("000")


CASE_ID = "500000000000001AAA"


@pytest.mark.parametrize("path, body, status, field", [
    ("/gaps", {"kind": "GAP", "object": "Case", "ids": [CASE_ID]}, 400, "kind"),
    ("/gaps", {"object": "Case", "ids": [CASE_ID]}, 400, "kind"),
    ("/gaps", {"kind": "GAP_OVERFLOW"}, 400, "object"),
    ("/gaps", {"kind": "GAP_OVERFLOW", "object": "Spaceship__c"}, 400, "object"),
    ("/gaps", {"kind": "GAP_UPDATE", "object": "Case"}, 400, "ids"),
    ("/gaps", {"kind": "GAP_UPDATE", "object": "Case", "ids": []}, 400, "ids"),
    ("/gaps", {"kind": "GAP_UPDATE", "object": "Case", "ids": [CASE_ID, "none"]}, 400, "ids"),
    ("/gaps", {"kind": "conversion", "object": "Case", "ids": [CASE_ID]}, 400, "ids"),
    ("/gaps", {"kind": "conversion", "object": "Case", "field": "Status"}, 400, "field"),
    ("/managed-holds", {}, 400, "subscription"),
    ("/managed-holds", {"subscription": "Nobody"}, 404, "subscription")])
def test_gaps_and_holds_that_cannot_be(org, control, path, body, status, field):
    """The field is named, and nothing is published."""
    place = control.get("/events")["next"]
    refused = control.call("POST", path, body)
    assert (refused.status_code, refused.json()["error"]["field"]) == (status, field), refused.text
    assert control.get("/events")["next"] == place


@pytest.fixture
def managed(org, pubsub, stubs):
    """Makes a managed subscription of two pings; gives what opens a stream of it."""
    def make(name):
        made = org.rest("POST", "/tooling/sobjects/ManagedEventSubscription", {"FullName": name, "Metadata": {
            "label": name, "topicName": "/event/Ping__e", "state": "RUN", "defaultReplay": "EARLIEST",
            "errorRecoveryReplay": "LATEST"}})
        assert made.status_code == 201, made.text
        for number in (1, 2):
            org.create("Ping__e", Number__c=number)
        return lambda count=100: Subscription(
            pubsub, stubs[0], org.metadata, managed=True, developer_name=name, num_requested=count)

    return make


def hold(control, name):
    answer = control.call("POST", "/managed-holds", {"subscription": name})
    assert (answer.status_code, answer.json()) == (201, {"subscription": name})


def test_trap_24_a_dead_client_keeps_its_slot_for_a_quarter_of_an_hour(control, managed, stubs):
    """Its stream is lost, and nobody gets in until then; who comes afterwards goes on where it had committed."""
    opened = managed("Mirror")

    def refused():
        with opened() as stream:
            check_error(stream.error(), grpc.StatusCode.ALREADY_EXISTS, ERROR_PREFIX + "managed.subscription.already.active")

    def passes(seconds):
        assert control.call("POST", "/clock", {"advance": seconds}).status_code == 200

    with opened() as stream:
        first, second = stream.events(2)[:2]
        stream.ask(commit_replay_id_request=stubs[0].CommitReplayRequest(commit_request_id="first", replay_id=first.replay_id))
        programs.until(lambda: stream.response().HasField("commit_response"), what="the answer to the commit")
        hold(control, "Mirror")
        check_error(stream.error(), grpc.StatusCode.UNAVAILABLE, ERROR_PREFIX + "service.unavailable")
    refused()
    passes(840)  # Less, by what the test itself may take.
    try:
        refused()
        passes(60)
        with opened() as stream:
            assert stream.events(1)[0].event.id == second.event.id
    finally:
        passes(-900)


def test_a_stream_that_has_all_it_asked_for_is_lost_when_it_asks_again(control, managed):
    opened = managed("Sated")
    with opened(1) as stream:
        stream.events(1)
        hold(control, "Sated")
        stream.ask(num_requested=1)
        error = stream.responses.get(timeout=WAIT_SECONDS)
        check_error(error, grpc.StatusCode.UNAVAILABLE, ERROR_PREFIX + "service.unavailable")


def test_only_this_machine_and_no_foreign_page(org, control):
    assert control.call("GET", "/faults", headers={"Origin": "https://evil.example"}).status_code == 403
    assert control.call("GET", "/faults", headers={"Host": "evil.example"}).status_code == 403
    refused = control.call("POST", "/faults", {"kind": "explode"})
    assert refused.status_code == 400
    assert refused.json()["error"]["field"] == "kind"
    assert control.http.post(f"{control.url}/faults", data="{", timeout=WAIT_SECONDS).json()["error"]["reason"].startswith("The body is not JSON")
    assert control.call("POST", "/faults", {"kind": "cut", "path": "/" + "x" * 100_000}).status_code == 413
    assert control.call("GET", "/truth/Spaceship").status_code == 404
    assert control.call("DELETE", "/faults/f0").status_code == 404


def test_a_replica_is_compared_with_the_truth(org, control):
    import hashlib
    org.create("Account", Name="Größe & Söhne", NumberOfEmployees=7)
    page = control.get("/truth/Account", fields="Id,Name,NumberOfEmployees", limit=2000)
    replica = sorted(
        ({"Id": record["Id"], "Name": record["Name"], "NumberOfEmployees": record["NumberOfEmployees"]}
         for record in page["records"]), key=lambda record: record["Id"])
    lines = "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in replica)
    assert hashlib.sha256(lines.encode()).hexdigest() == page["digest"]


def test_the_clock_ends_sessions(org, control):
    org.rest("GET", "/sobjects", expected=200)
    now = control.get("/clock")["milliseconds"]
    assert control.call("POST", "/clock", {"advance": 3 * 3600}).json()["milliseconds"] >= now + 3 * 3_600_000
    assert org.rest("GET", "/sobjects").status_code == 401
    org.forget_session()
    control.call("POST", "/clock", {"set": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())})
