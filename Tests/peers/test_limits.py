"""What an edition allows is refused beyond it, over every protocol, and free again when its window has passed."""

import io
import json
import re
import socket
import threading

import fastavro
import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Subscription, check_error
from test_cometd import ADVICE_NONE, Bayeux
from test_faults import Control
from test_soap_records import SOAP, Fault

HOUR = 3600
TOPIC = "/event/Ping__e"
CLIENTS = 20
DELIVERIES = 10_000
PUBLISHED = 50_000
CALLS = 300
APP_CALLS = 3
LONG_CALLS = 5
EVENT_DEFINITIONS = 5
RESPONSE_EVENTS = 100
CONNECTIONS = 4
INTEGRATION_USER = "integration@electric-motors.example"
SCHEMA = """\
events:
  Ping__e:
    fields:
      Number__c: {type: Number, precision: 6}
"""
APPS = """\
- {name: Portal, client_id: portal-key, client_secret: portal-secret, run_as: USERNAME}
- {name: Meter, client_id: meter-key, client_secret: meter-secret, run_as: USERNAME, api_calls_max: 3}
"""


@pytest.fixture(scope="module")
def shared(directories):
    directory = directories("limits")
    (directory / "schema.yaml").write_text(SCHEMA)
    (directory / "apps.yaml").write_text(APPS.replace("USERNAME", INTEGRATION_USER))
    org = programs.start_sandbox(
        directory, [*programs.PORT_OPTIONS, "--schema", directory / "schema.yaml", "--apps", directory / "apps.yaml", "--api-calls", str(CALLS)],
        edition="developer")
    assert org.connection["username"] == INTEGRATION_USER
    yield org
    org.program.stop()


@pytest.fixture
def control(shared):
    return Control(shared)


@pytest.fixture
def pass_hours(shared, control):
    def pass_hours(hours):
        assert control.call("POST", "/clock", {"advance": hours * HOUR}).status_code == 200
        # An assertion with this machine's time would be of yesterday.
        shared._access = control.call("POST", "/session", {}).json()
    return pass_hours


@pytest.fixture
def org(shared, pass_hours):
    """The org on a day of its own: nothing is used up yet."""
    pass_hours(25)
    return shared


def limit(org, name):
    return org.rest("GET", "/limits", expected=200).json()[name]


# CometD clients

def test_one_client_too_many_is_refused(org):
    clients = [Bayeux(org, org.access["access_token"]) for _ in range(CLIENTS + 1)]
    *admitted, last = clients
    for client in admitted:
        assert client.handshake()["successful"]
    assert limit(org, "StreamingApiConcurrentClients") == {"Max": CLIENTS, "Remaining": 0}
    reply = last.handshake()
    assert (reply["successful"], reply["error"], reply["advice"]) == (False, "403::Handshake denied", ADVICE_NONE)
    assert reply["ext"]["sfdc"]["failureReason"] == "403::Organization concurrent user limit exceeded"
    assert admitted[0].send("/meta/disconnect")[0]["successful"]
    assert last.handshake()["successful"], "there is room again"
    for client in [last, *admitted[1:]]:
        assert client.send("/meta/disconnect")[0]["successful"]


# Events

@pytest.fixture(scope="module")
def pubsub(shared, stubs):
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(shared.connection["grpc_plaintext_address"], options=options) as channel:
        yield stubs[1].PubSubStub(channel)


@pytest.fixture
def publish(org, pubsub, stubs):
    pb2 = stubs[0]
    topic = pubsub.GetTopic(pb2.TopicRequest(topic_name=TOPIC), metadata=org.metadata, timeout=WAIT_SECONDS)
    answer = pubsub.GetSchema(pb2.SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(answer.schema_json)), {
        "CreatedDate": 0, "CreatedById": "005000000000001AAA", "Number__c": 1.0})
    event = pb2.ProducerEvent(schema_id=topic.schema_id, payload=out.getvalue())

    def publish(count):
        request = pb2.PublishRequest(topic_name=TOPIC, events=[event] * count)
        return pubsub.Publish(request, metadata=org.metadata, timeout=WAIT_SECONDS).results
    return publish


def test_more_events_than_an_hour_takes_are_refused(org, stubs, publish, pass_hours):
    """Each of them in its own result: what was left is published."""
    part = PUBLISHED // 2
    for count in (part, PUBLISHED - part - 5):
        assert not any(result.HasField("error") for result in publish(count))
    assert limit(org, "HourlyPublishedPlatformEvents") == {"Max": PUBLISHED, "Remaining": 5}
    results = publish(8)
    assert [result.HasField("error") for result in results] == [False] * 5 + [True] * 3
    assert all(result.replay_id for result in results[:5]) and not any(result.replay_id for result in results[5:])
    text = "You have exceeded the hourly event publishing limit for your org."
    assert {(result.error.code, result.error.msg) for result in results[5:]} == {(stubs[0].PUBLISH, text)}

    refused = org.rest("POST", "/sobjects/Ping__e", {"Number__c": 1})
    assert (refused.status_code, refused.json()) == (400, [{"message": text, "errorCode": "LIMIT_EXCEEDED", "fields": []}])
    [saved] = SOAP(org).save("create", [("type", "Ping__e"), ("Number__c", "1")])
    assert (saved["success"], saved["errors"]["statusCode"]) == ("false", "LIMIT_EXCEEDED")
    # Change events have no such limit.
    org.create("Account", Name="Unlimited")
    assert limit(org, "HourlyPublishedPlatformEvents")["Remaining"] == 0

    pass_hours(1)
    org.rest("POST", "/sobjects/Ping__e", {"Number__c": 1}, 201)
    assert limit(org, "HourlyPublishedPlatformEvents")["Remaining"] == PUBLISHED - 1


def test_more_deliveries_than_a_day_has_are_refused(org, pubsub, stubs, publish, pass_hours):
    """Of both protocols together. Who was refused goes on where he was when the window has moved on."""
    publish(DELIVERIES + RESPONSE_EVENTS)
    pb2 = stubs[0]
    subscribe = lambda **first: Subscription(
        pubsub, pb2, org.metadata, topic_name=TOPIC, num_requested=RESPONSE_EVENTS, **first)
    # An older test's events may be retained: their places are as good as any.
    with subscribe(replay_preset=pb2.EARLIEST) as stream:
        left = DELIVERIES - RESPONSE_EVENTS
        while left:
            response = stream.response()
            left -= len(response.events)
            asked = min(left, len(response.events))
            if asked:
                stream.ask(num_requested=asked)
        place = response.events[-1].replay_id
    assert limit(org, "DailyDeliveredPlatformEvents") == {"Max": DELIVERIES, "Remaining": RESPONSE_EVENTS}

    listener = Bayeux(org, org.access["access_token"]).open()
    assert listener.subscribe(TOPIC, -2)["successful"]
    seen = []
    while True:
        *events, reply = listener.connect()
        seen += events
        if not reply["successful"]:
            break
    assert len(seen) == RESPONSE_EVENTS, "what was left, and no more"
    assert (reply["error"], reply["advice"]) == ("403::Organization total events daily limit exceeded", ADVICE_NONE)
    assert limit(org, "DailyDeliveredPlatformEvents")["Remaining"] == 0

    def refused():
        with subscribe(replay_preset=pb2.CUSTOM, replay_id=place) as stream:
            error = stream.error()
        check_error(error, grpc.StatusCode.RESOURCE_EXHAUSTED, "sfdc.platform.eventbus.grpc.subscription.limit.exceeded")
        assert error.details().startswith("You have exceeded the event delivery limit for your org.")
    refused()
    pass_hours(23)
    refused()
    pass_hours(1)
    with subscribe(replay_preset=pb2.CUSTOM, replay_id=place) as stream:
        assert stream.events(1)[0].replay_id > place
    listener = Bayeux(org, org.access["access_token"]).open()
    assert listener.subscribe(TOPIC, -2)["successful"] and listener.events(1)


# API calls

def call_much(org, count):
    """So many calls, as fast as they go: all requests are sent before the first answer is read."""
    host, port = org.connection["http_url"].removeprefix("http://").split(":")
    request = (f"GET /services/data/v{programs.API_VERSION}/nothing HTTP/1.1\r\nHost: {host}\r\n"
               f"Authorization: Bearer {org.access['access_token']}\r\n\r\n").encode()
    answered = []

    def share(count):
        with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as connection:
            sender = threading.Thread(target=connection.sendall, args=(request * count,))
            sender.start()
            found, tail = 0, b""
            while found < count:
                got = connection.recv(1 << 20)
                assert got, "the connection ended"
                found += (tail + got).count(b"HTTP/1.1 404 ")
                # Shorter than what is looked for: nothing is counted twice.
                tail = (tail + got)[-12:]
            sender.join()
            answered.append(found)

    shares = [threading.Thread(target=share, args=(count // CONNECTIONS + (index < count % CONNECTIONS),))
              for index in range(CONNECTIONS)]
    for thread in shares:
        thread.start()
    for thread in shares:
        thread.join()
    assert sum(answered) == count


def test_calls_are_told_by_app(org):
    """Of an app in the file of `--apps` as of the one that the org was founded with. Neither has a limit of its own: 0."""
    answer = org.http.post(f"{org.connection['http_url']}/services/oauth2/token", timeout=programs.CALL_SECONDS, data={
        "grant_type": "client_credentials", "client_id": "portal-key", "client_secret": "portal-secret"})
    assert answer.status_code == 200, answer.text
    assert set(limit(org, "DailyApiRequests")) == {"Max", "Remaining", "Millrace Sandbox"}
    call = lambda: org.rest("GET", "/limits", None, 200, headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    first = call()
    assert "per-app-api-usage" not in first.headers["Sforce-Limit-Info"]
    assert first.json()["DailyApiRequests"]["Portal"] == {"Max": 0, "Remaining": 0}
    assert first.json()["DailyApiRequests"]["Remaining"] - call().json()["DailyApiRequests"]["Remaining"] == 1, "one allowance for all"


def test_an_app_may_have_a_limit_of_its_own(org):
    answer = org.http.post(f"{org.connection['http_url']}/services/oauth2/token", timeout=programs.CALL_SECONDS, data={
        "grant_type": "client_credentials", "client_id": "meter-key", "client_secret": "meter-secret"})
    assert answer.status_code == 200, answer.text
    call = lambda: org.rest("GET", "/limits", headers={"Authorization": f"Bearer {answer.json()['access_token']}"})
    for used in range(1, APP_CALLS + 1):
        told = call()
        assert told.status_code == 200
        assert told.headers["Sforce-Limit-Info"].endswith(f"; per-app-api-usage={used}/{APP_CALLS}(appName=Meter)")
    assert told.json()["DailyApiRequests"]["Meter"] == {"Max": APP_CALLS, "Remaining": 0}
    refused = call()
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    org.rest("GET", "/limits", expected=200)


def test_more_long_calls_than_an_org_takes_are_refused(org, control, pass_hours):
    """Calls that wait for their bodies run for as long as they wait; an hour of the org's clock goes by meanwhile."""
    host, port = org.connection["http_url"].removeprefix("http://").split(":")
    body = b'{"Name": "Late"}'

    def begin():
        """All but the body."""
        connection = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
        connection.sendall(
            f"POST /services/data/v{programs.API_VERSION}/sobjects/Account HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {org.access['access_token']}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        return connection

    begun = lambda: CALLS - org.rest("GET", "/limits", expected=200).json()["DailyApiRequests"]["Remaining"]
    first = begun()
    calls = [begin() for _ in range(LONG_CALLS)]
    asked = iter(range(1, CALLS))
    programs.until(lambda: begun() - first - next(asked) == LONG_CALLS, what="all calls to have begun")
    pass_hours(1)
    refused = org.rest("GET", "/limits")
    assert (refused.status_code, refused.json()) == (403, [
        {"message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    with pytest.raises(Fault) as fault:
        SOAP(org).query("SELECT Id FROM Account")
    assert fault.value.code == "sf:REQUEST_LIMIT_EXCEEDED"

    # One comes to its end, another's client goes away; what is free is free for others.
    calls[0].sendall(body)
    assert b" 201 Created" in calls[0].recv(1 << 16)
    org.rest("GET", "/limits", expected=200)
    calls[1].close()
    for connection in calls[2:]:
        connection.sendall(body)
        assert b" 201 Created" in connection.recv(1 << 16)
        connection.close()
    calls[0].close()
    for _ in range(2 * LONG_CALLS):
        org.rest("GET", "/limits", expected=200)


def test_more_platform_events_than_an_edition_has_are_refused(org):
    define = lambda number: org.rest("POST", "/tooling/sobjects/CustomObject", {"FullName": f"Event{number}__e", "Metadata": {
        "label": "Event", "pluralLabel": "Events", "publishBehavior": "PublishImmediately"}})
    made = [define(number) for number in range(EVENT_DEFINITIONS - 1)]
    assert [answer.status_code for answer in made] == [201] * len(made), made[0].text
    refused = define(EVENT_DEFINITIONS)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    for answer in made:
        org.rest("DELETE", f"/tooling/sobjects/CustomObject/{answer.json()['id']}", expected=204)


def test_more_calls_than_a_day_has_are_refused(org, pass_hours):
    """In the words of each API. Failed calls have counted, refused ones have not."""
    used = lambda answer: re.match(r"api-usage=(\d+)/(\d+)$", answer.headers["Sforce-Limit-Info"])
    first = used(org.rest("GET", "/limits", expected=200))
    assert int(first[2]) == CALLS
    call_much(org, CALLS - int(first[1]) - 2)
    answer = org.rest("GET", "/limits", expected=200)
    assert (int(used(answer)[1]), answer.json()["DailyApiRequests"]["Remaining"]) == (CALLS - 1, 1)
    assert int(used(org.rest("GET", "/sobjects/Account/describe", expected=200))[1]) == CALLS

    for path in ("/limits", "/sobjects/Account/describe", "/jobs/ingest", "/tooling/sobjects"):
        refused = org.rest("GET", path)
        assert refused.status_code == 403, path
        assert refused.json() == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], path
    classic = org.http.post(
        f"{org.connection['http_url']}/services/async/{programs.API_VERSION}/job", timeout=programs.CALL_SECONDS, data="<jobInfo/>",
        headers={"X-SFDC-Session": org.access["access_token"], "Content-Type": "application/xml"})
    assert classic.status_code == 403
    assert "<exceptionCode>REQUEST_LIMIT_EXCEEDED</exceptionCode>" in classic.text
    assert "<exceptionMessage>TotalRequests Limit exceeded.</exceptionMessage>" in classic.text
    with pytest.raises(Fault) as fault:
        SOAP(org).query("SELECT Id FROM Account")
    assert (fault.value.code, fault.value.text) == (
        "sf:REQUEST_LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.")
    # These are no calls of an API.
    assert org.call("GET", "/services/data").status_code == 200
    assert org.call("GET", "/services/oauth2/userinfo").status_code == 200

    pass_hours(25)
    assert int(used(org.rest("GET", "/limits", expected=200))[1]) == 1
