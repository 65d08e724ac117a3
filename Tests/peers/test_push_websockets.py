"""The push door as an app of somebody else's sees it: `websockets` for WebSocket, `requests` for Server-Sent Events, and bare
sockets for those who misbehave."""

import base64
import json
import os
import socket
import struct
import threading
import time

import jwt
import pytest
import requests
from websockets.exceptions import InvalidStatus, NegotiationError

import programs
from push_client import PushClient, header, ids, place

ALLOW_ALL_CASES = [{"channel": programs.CASES}]


@pytest.fixture(scope="module")
def customers(org):
    """Two contacts."""
    return org.create_contact("Ada"), org.create_contact("Grace")


@pytest.fixture
def client(gateway, customers):
    """A customer's connection: the first contact's cases."""
    with PushClient(gateway, gateway.token(f"ContactId = '{customers[0]}'")) as client:
        client.wait_for("welcome")
        yield client


@pytest.fixture
def observer(gateway):
    """Sees every case."""
    with PushClient(gateway, gateway.token()) as observer:
        observer.wait_for("welcome")
        assert observer.subscribe()["type"] == "subscribed"
        yield observer


# Tokens

def test_welcome_names_the_heartbeat(gateway):
    with PushClient(gateway, gateway.token()) as client:
        assert client.wait_for("welcome") == {"type": "welcome", "heartbeat": gateway.HEARTBEAT_SECONDS}
        assert client.socket.subprotocol == "millrace.v1"


@pytest.mark.parametrize("how", ["in_subprotocol", "in_header"])
def test_the_token_may_come_with_the_upgrade(gateway, how):
    with PushClient(gateway, gateway.token(), **{how: True}) as client:
        assert client.socket.subprotocol == "millrace.v1"
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"


def bad_tokens(gateway):
    seconds = int(time.time())
    return {
        "garbage": "not a token",
        "three parts of nothing": "a.b.c",
        "expired": gateway.token(claims={"exp": seconds - 3600}),
        "not yet valid": gateway.token(claims={"nbf": seconds + 3600}),
        "other audience": gateway.token(claims={"aud": "somebody-else"}),
        "other issuer": gateway.token(claims={"iss": "https://elsewhere.example"}),
        "other secret": gateway.token(secret="another secret that is long enough to be one"),
        "no algorithm": jwt.encode({"sub": "x"}, None, algorithm="none"),
        "other algorithm": gateway.token(algorithm="HS512"),
        "no end": jwt.encode(
            {"iss": gateway.ISSUER, "aud": gateway.AUDIENCE, "sub": "x", "allow": ALLOW_ALL_CASES}, gateway.SECRET, "HS256"),
        "a broken condition": gateway.token("Status ="),
    }


BAD_TOKENS = ["garbage", "three parts of nothing", "expired", "not yet valid", "other audience", "other issuer", "other secret",
              "no algorithm", "other algorithm", "no end", "a broken condition"]


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_a_bad_token_ends_the_connection(gateway, case):
    token = bad_tokens(gateway)[case]
    with PushClient(gateway, token) as client:
        code, reason = client.wait_closed()
        assert code == 4401 and reason
        assert token not in reason
        assert all(message["type"] != "subscribed" for message in client.messages)


@pytest.mark.parametrize("case", ["expired", "other audience", "other secret"])
def test_a_bad_token_at_the_upgrade_is_refused(gateway, case):
    try:
        with PushClient(gateway, bad_tokens(gateway)[case], in_subprotocol=True) as client:
            assert client.wait_closed()[0] == 4401
    except InvalidStatus as refused:
        assert refused.response.status_code == 401


def test_no_token_in_time_ends_the_connection(gateway):
    with PushClient(gateway) as client:
        client.send(type="subscribe", id=1, channel=programs.CASES)
        assert client.answer(1)["code"] == "unauthorized"
        assert client.wait_closed(20)[0] == 4401


def test_a_token_that_allows_nothing_ends_the_connection(gateway):
    with PushClient(gateway, gateway.token([])) as client:
        assert client.wait_closed()[0] == 4403


def test_the_end_of_a_token_ends_the_connection(gateway):
    with PushClient(gateway, gateway.token(claims={"exp": int(time.time()) + 1})) as client:
        client.wait_for("welcome")
        assert client.wait_closed(20)[0] == 4401


def test_a_fresh_token_keeps_the_connection(gateway, org, customers):
    with PushClient(gateway, gateway.token(claims={"exp": int(time.time()) + 2})) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.send(type="authenticate", id="fresh", token=gateway.token())
        assert client.answer("fresh")["type"] == "authenticated"
        end = time.monotonic() + 9  # Past the first token's end and the tolerance for clocks.
        while time.monotonic() < end:
            case_id = org.create_case(customers[0])
            client.event(case_id)


def test_a_narrower_token_takes_effect_at_once(gateway, org, customers):
    with PushClient(gateway, gateway.token(claims={"sub": "narrowed"})) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.send(type="authenticate", id=7, token=gateway.token(f"ContactId = '{customers[0]}'", claims={"sub": "narrowed"}))
        assert client.answer(7)["type"] == "authenticated"
        org.create_case(customers[1], "not for this token")
        marker = org.create_case(customers[0], "for this token")
        before = client.nothing_until(lambda message: marker in ids(message))
        assert [message for message in before if message["type"] == "event"] == []


def test_a_query_token_is_refused_unless_allowed(gateway):
    answer = requests.get(
        f"{gateway.url}/events", params={"channel": programs.CASES, "access_token": gateway.token()}, timeout=10, stream=True)
    assert answer.status_code in (400, 401)


# Origins and the upgrade

def test_a_foreign_origin_is_refused(gateway):
    for origin in ("https://evil.example", "null", gateway.ORIGIN + ".evil.example", gateway.ORIGIN.replace("https", "http")):
        with pytest.raises(InvalidStatus) as refused:
            PushClient(gateway, gateway.token(), origin=origin)
        assert refused.value.response.status_code == 403


def test_a_known_origin_may_come(gateway):
    with PushClient(gateway, gateway.token(), origin=gateway.ORIGIN) as client:
        client.wait_for("welcome")


def test_an_upgrade_without_the_subprotocol_is_not_accepted(gateway):
    from websockets.sync.client import connect
    with pytest.raises((InvalidStatus, NegotiationError)):
        connect(gateway.push_url, subprotocols=["something.else"], proxy=None)


def test_a_plain_request_is_told_what_is_expected(gateway):
    assert requests.get(f"{gateway.url}/push", timeout=10).status_code in (400, 426)


# Requests that are refused; the connection stays

REFUSED = {
    "no such channel": (dict(channel="/topic/Nothing"), "unknown_channel"),
    "a channel the token has not": (dict(channel=programs.CONTACTS), "forbidden_channel"),
    "a broken condition": (dict(where="Status = 'New' AND"), "invalid_where"),
    "a condition with garbage": (dict(where="Status == 'New'"), "invalid_where"),
    "another form": (dict(form="everything"), "bad_request"),
    "another policy": (dict(slow="explode"), "bad_request"),
    "a replay id that is none": (dict(replay="yesterday"), "invalid_replay"),
    "a replay id of the wrong type": (dict(replay={"at": 1}), "invalid_replay"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_subscription_is_answered(client, case):
    options, code = REFUSED[case]
    answer = client.subscribe(**options)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["message"]
    assert client.subscribe()["type"] == "subscribed"


@pytest.mark.parametrize("where, position", [
    ("Status = 'New' AND", 19), ("Status == 'New'", 9), ("Status = 'New", 10), ("(Status = 'New'", 16), ("Status LIKE 3", 13)])
def test_a_syntax_error_has_its_position(client, where, position):
    answer = client.subscribe(where=where)
    assert answer["code"] == "invalid_where"
    assert answer["position"] == position, answer


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"type":"explode"}', '{"type":3}', '{"no":"type"}'])
def test_what_is_no_message_is_answered(client, text):
    client.socket.send(text)
    assert client.wait_for("error")["code"] == "bad_request"
    client.send(type="ping")
    client.wait_for("pong")


def test_requests_repeat_their_id(client):
    for request_id in (0, -7, 1.5, "a string", "ü"):
        client.send(type="subscribe", id=request_id, channel=programs.CASES)
        assert client.answer(request_id)["type"] == "subscribed"


def test_unsubscribed_is_quiet(gateway, client, org, customers):
    assert client.subscribe()["type"] == "subscribed"
    client.send(type="unsubscribe", id="u", channel=programs.CASES)
    assert client.answer("u")["type"] == "unsubscribed"
    case_id = org.create_case(customers[0])
    with PushClient(gateway, gateway.token()) as other:
        other.wait_for("welcome")
        other.subscribe(replay=-2)
        other.event(case_id)  # By now it is in the log and was pushed.
    client.send(type="ping")
    before = client.nothing_until(lambda message: message["type"] == "pong")
    assert [message for message in before if message["type"] == "event"] == []
    client.send(type="unsubscribe", id="again", channel=programs.CASES)
    assert client.answer("again")["code"] == "not_subscribed"


# Those who misbehave

def test_a_message_of_2_megabytes_closes_with_1009(gateway, client, observer, org, customers):
    client.socket.send(json.dumps({"type": "ping", "padding": "x" * 2_000_000}))
    code, reason = client.wait_closed()
    assert code == 1009 and reason
    observer.event(org.create_case(customers[0]))


def test_a_binary_message_closes(client):
    client.socket.send(b"\x00\x01")
    assert client.wait_closed()[0] == 1003


def test_nothing_but_mistakes_closes_with_1008(client):
    for _ in range(50):
        try:
            client.socket.send("nonsense")
        except Exception:
            break
    assert client.wait_closed()[0] == 1008


class BareSocket:
    """A WebSocket by hand, for what no library lets one do."""

    def __init__(self, gateway, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", gateway.port))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET /push HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: millrace.v1\r\n\r\n").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(1)
        assert answer.startswith(b"HTTP/1.1 101"), answer

    @staticmethod
    def frame(text):
        payload = text.encode()
        assert len(payload) < 65_536
        length = struct.pack("!B", 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BH", 0x80 | 126, len(payload))
        return b"\x81" + length + b"\0\0\0\0" + payload  # A mask of zeros leaves the text as it is.

    def send(self, **message):
        self.socket.sendall(self.frame(json.dumps(message)))

    def read_until(self, text):
        seen = b""
        while text not in seen:
            part = self.socket.recv(4096)
            assert part, "closed too early"
            seen += part

    def wait_closed(self, seconds):
        """Whether the server ends the connection in time; what it sends meanwhile is taken and thrown away."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65_536):
                pass
            return True
        except (ConnectionResetError, BrokenPipeError):
            return True
        except TimeoutError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()


def test_half_a_frame_and_silence_is_ended_and_disturbs_nobody(gateway, observer, org, customers):
    with BareSocket(gateway) as half:
        half.send(type="authenticate", token=gateway.token())
        half.read_until(b"welcome")
        half.socket.sendall(half.frame('{"type":"ping"}')[:7])
        observer.event(org.create_case(customers[0]))
        assert half.wait_closed(30)
    with BareSocket(gateway) as half:  # Before any token, too.
        half.socket.sendall(half.frame('{"type":"authenticate"}')[:3])
        assert half.wait_closed(30)
    observer.event(org.create_case(customers[0]))


def test_frames_that_may_not_be_close_with_1002(gateway):
    for bad in (b"\x81\x05hello", b"\xc1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x09\x80\0\0\0\0"):
        with BareSocket(gateway) as rude:
            rude.socket.sendall(bad)
            seen = b""
            while part := rude.socket.recv(4096):
                seen += part
            assert struct.pack("!H", 1002) in seen, (bad, seen)


def test_a_client_that_never_reads_is_ended_and_disturbs_nobody(gateway, observer, org, customers):
    with BareSocket(gateway, receive_buffer=4096) as deaf:
        deaf.send(type="authenticate", token=gateway.token())
        deaf.read_until(b"welcome")
        deaf.send(type="subscribe", id=1, channel=programs.CASES, form="record", replay=-2)
        before = gateway.metric(r"millrace_push_connections\{")
        slowest = 0
        for number in range(40):
            started = time.monotonic()
            case_id = org.create_case(customers[0], f"loud {number}", Description="x" * 20_000)
            observer.event(case_id)
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 5
        programs.until(lambda: gateway.metric(r"millrace_push_connections\{") < before, 90, what="the end of the deaf connection")
    with PushClient(gateway, gateway.token()) as late:
        late.wait_for("welcome")
        late.subscribe(replay=-2)
        late.event(case_id)


# What arrives

def test_a_case_of_mine_arrives_in_the_shape_of_empapi(client, org, customers):
    assert client.subscribe()["type"] == "subscribed"
    case_id = org.create_case(customers[0], "Mine", Priority="High")
    event = client.event(case_id)
    assert set(event) == {"type", "channel", "data"} and set(event["data"]) == {"schema", "payload", "event"}
    assert event["channel"] == programs.CASES
    assert isinstance(place(event), int)
    payload = event["data"]["payload"]
    assert (payload["Subject"], payload["Priority"], payload["ContactId"]) == ("Mine", "High", customers[0])
    assert header(event)["changeType"] == "CREATE" and header(event)["entityName"] == "Case"
    assert "nulledFields" not in header(event) and "diffFields" not in header(event)
    assert payload["CreatedDate"].endswith("Z")

    org.update("Case", case_id, Status="Working", Description=None)
    payload = client.event(case_id)["data"]["payload"]
    assert payload["Status"] == "Working"
    assert "Subject" not in payload, "only what changed"
    assert "Status" in payload["ChangeEventHeader"]["changedFields"]

    org.delete("Case", case_id)
    assert header(client.event(case_id))["changeType"] == "DELETE"


def test_the_whole_record_arrives_when_asked_for(client, org, customers):
    case_id = org.create_case(customers[0], "Whole")
    assert client.subscribe(form="record", replay=-1)["type"] == "subscribed"
    org.update("Case", case_id, Priority="Low")
    # Its creation may still have been on its way when the subscription began.
    event = client.event(case_id, where=lambda message: header(message)["changeType"] == "UPDATE")
    payload = event["data"]["payload"]
    assert (payload["Subject"], payload["Priority"], payload["Status"]) == ("Whole", "Low", "New")
    assert "Priority" in header(event)["changedFields"] and "Subject" not in header(event)["changedFields"]


def test_nobody_sees_what_is_not_theirs(client, observer, org, customers):
    assert client.subscribe()["type"] == "subscribed"
    foreign = org.create_case(customers[1], "Not mine")
    org.update("Case", foreign, Status="Closed")
    mine = org.create_case(customers[0], "Mine")
    observer.event(foreign)
    before = client.nothing_until(lambda message: mine in ids(message))
    assert [message for message in before if message["type"] in ("event", "left")] == []


def test_own_conditions_narrow_the_token_and_never_widen_it(client, org, customers):
    assert client.subscribe(where="Priority = 'High' OR ContactId != null")["type"] == "subscribed"
    org.create_case(customers[1], "Not mine", Priority="High")
    mine = org.create_case(customers[0], "Mine", Priority="Low")
    assert [message for message in client.nothing_until(lambda message: mine in ids(message)) if message["type"] == "event"] == []
    assert client.subscribe(where="Priority = 'High'")["type"] == "subscribed"
    org.create_case(customers[0], "Low", Priority="Low")
    high = org.create_case(customers[0], "High", Priority="High")
    assert [message for message in client.nothing_until(lambda message: high in ids(message)) if message["type"] == "event"] == []


def test_a_reassigned_case_leaves_one_view_and_enters_the_other_whole(gateway, client, org, customers):
    case_id = org.create_case(customers[0], "Wanders", Priority="High")
    assert client.subscribe()["type"] == "subscribed"
    with PushClient(gateway, gateway.token(f"ContactId = '{customers[1]}'")) as other:
        other.wait_for("welcome")
        assert other.subscribe()["type"] == "subscribed"
        other.event(org.create_case(customers[1]))  # The creation above is in the log by now.
        org.update("Case", case_id, ContactId=customers[1])
        left = client.event(case_id, type="left")
        entered = other.event(case_id)
        assert set(left["data"]["payload"]) == {"ChangeEventHeader"}, "no values"
        assert header(left)["changedFields"] == [], "no names of fields either"
        assert place(left) == place(entered)
        assert entered["data"]["payload"]["Subject"] == "Wanders" and entered["data"]["payload"]["Priority"] == "High"
        org.update("Case", case_id, ContactId=customers[0])
        other.event(case_id, type="left")
        assert client.event(case_id)["data"]["payload"]["Subject"] == "Wanders"


def test_masked_fields_are_never_sent(gateway, org, customers):
    allow = [{"channel": programs.CASES, "where": f"ContactId = '{customers[0]}'", "fields": ["CaseNumber", "Status"]}]
    for form in ("changes", "record"):
        with PushClient(gateway, gateway.token(allow)) as client:
            client.wait_for("welcome")
            assert client.subscribe(form=form)["type"] == "subscribed"
            assert client.subscribe(where="Subject = 'guess'")["code"] == "forbidden_field"
            case_id = org.create_case(customers[0], "Secret subject", Description="secret text")
            org.update("Case", case_id, Description="another secret", Status="Working")
            org.update("Case", case_id, ContactId=customers[1])
            for message in (client.event(case_id), client.event(case_id), client.event(case_id, type="left")):
                payload = message["data"]["payload"]
                assert set(payload) <= {"ChangeEventHeader", "CaseNumber", "Status"}, message
                assert set(header(message)["changedFields"]) <= {"CaseNumber", "Status"}, message
                assert "ecret" not in json.dumps(message)


# Places

def test_resuming_brings_what_was_missed_once_and_in_order(gateway, client, org, customers):
    assert client.subscribe()["type"] == "subscribed"
    case_id = org.create_case(customers[0], "0")
    seen = place(client.event(case_id))
    client.socket.close()
    for number in range(1, 6):
        org.update("Case", case_id, Subject=str(number))
        org.create_case(customers[1], "between")
    with PushClient(gateway, gateway.token(f"ContactId = '{customers[0]}'")) as again:
        again.wait_for("welcome")
        assert again.subscribe(replay=seen)["type"] == "subscribed"
        org.update("Case", case_id, Subject="live")
        subjects = [again.event(case_id)["data"]["payload"]["Subject"] for _ in range(6)]
        assert subjects == ["1", "2", "3", "4", "5", "live"]


def test_a_place_may_be_sent_as_a_string(gateway, org, customers):
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        standing = client.subscribe()["replayId"]
        case_id = org.create_case(customers[0])
        assert client.subscribe(replay=str(standing))["type"] == "subscribed"
        client.event(case_id)


def test_everything_retained_comes_with_minus_2(gateway, org, customers):
    case_id = org.create_case(customers[0], "from the beginning")
    with PushClient(gateway, gateway.token(f"ContactId = '{customers[0]}'")) as client:
        client.wait_for("welcome")
        client.subscribe(replay=-2)
        client.event(case_id)
        places = [place(message) for message in client.messages if message["type"] in ("event", "left")]
        assert places == sorted(places)


def test_a_place_that_is_not_there_is_a_gap_never_a_silent_jump(gateway, org, customers):
    with PushClient(gateway, gateway.token(f"ContactId = '{customers[0]}'")) as client:
        client.wait_for("welcome")
        answer = client.subscribe(replay=1)
        if answer["type"] == "subscribed":
            assert client.wait_for("gap")["reason"] == "expired"
        else:
            assert answer["code"] == "invalid_replay"
        client.subscribe()
        client.event(org.create_case(customers[0]))


def test_checkpoints_move_the_place_of_one_who_gets_nothing(gateway, org, customers):
    with PushClient(gateway, gateway.token("ContactId = '003000000000000AAA'")) as client:
        client.wait_for("welcome")
        standing = client.subscribe()["replayId"]
        case_id = org.create_case(customers[0])
        checkpoint = client.wait_for("checkpoint", lambda message: message["replayId"] != standing, seconds=60)
        assert checkpoint["channel"] == programs.CASES
    with PushClient(gateway, gateway.token()) as late:
        late.wait_for("welcome")
        late.subscribe(replay=checkpoint["replayId"])
        after = org.create_case(customers[0], "after the checkpoint")
        before = late.nothing_until(lambda message: after in ids(message))
        assert all(case_id not in ids(message) for message in before), "the checkpoint stands behind it"


def test_conflating_gives_the_newest_state(gateway, org, customers):
    case_id = org.create_case(customers[0], "0")
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe(form="record", slow="conflate")["type"] == "subscribed"
        for number in range(1, 31):
            org.update("Case", case_id, Subject=str(number))
        last = client.event(case_id, where=lambda message: message["data"]["payload"]["Subject"] == "30")
        assert last["data"]["payload"]["Subject"] == "30"


def test_many_clients_see_each_change_once(gateway, org, customers):
    clients = [PushClient(gateway, gateway.token()) for _ in range(20)]
    try:
        for client in clients:
            client.wait_for("welcome")
            assert client.subscribe()["type"] == "subscribed"
        made = [org.create_case(customers[0], f"for all {number}") for number in range(5)]
        for client in clients:
            for case_id in made:
                client.event(case_id)
            seen = [ids(message)[0] for message in client.messages if message["type"] == "event" and ids(message)[0] in made]
            assert seen == made
    finally:
        for client in clients:
            client.stack.close()


def test_pings_come_and_go(gateway):
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        client.send(type="ping")
        client.wait_for("pong")
    with BareSocket(gateway) as bare:
        bare.send(type="authenticate", token=gateway.token())
        bare.read_until(b"welcome")
        bare.read_until(b"\x89")  # A ping frame, within the heartbeat.


# Server-Sent Events

class EventStream:
    """Server-Sent Events by `requests`, read in a thread so that waiting has a deadline."""

    def __init__(self, gateway, token, last_event_id=None, **parameters):
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.answer = requests.get(
            f"{gateway.url}/events", params={"channel": programs.CASES, **parameters}, headers=headers, stream=True, timeout=30)
        self.events = []
        self.comments = 0
        if self.answer.status_code == 200:
            threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        fields = {}
        try:
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif fields:
                    self.events.append(fields)
                    fields = {}
        except (requests.exceptions.RequestException, AttributeError):
            pass  # Closed by the test.

    def wait_for(self, type, record_id=None):
        def find():
            for event in self.events:
                if event.get("event") == type:
                    message = json.loads(event["data"])
                    if record_id is None or record_id in ids(message):
                        return event, message
            return None
        return programs.until(find, what=f"{type} in the event stream")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.answer.close()


def test_server_sent_events_resume_by_last_event_id(gateway, org, customers):
    token = gateway.token(f"ContactId = '{customers[0]}'")
    with EventStream(gateway, token) as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        stream.wait_for("subscribed")
        case_id = org.create_case(customers[0], "streamed")
        event, message = stream.wait_for("event", case_id)
        assert message["data"]["payload"]["Subject"] == "streamed"
    org.update("Case", case_id, Subject="while away")
    org.create_case(customers[1], "not mine")
    with EventStream(gateway, token, last_event_id=event["id"], form="record") as stream:
        _, message = stream.wait_for("event", case_id)
        assert message["data"]["payload"]["Subject"] == "while away"
        org.update("Case", case_id, ContactId=customers[1])
        stream.wait_for("left", case_id)
        programs.until(lambda: stream.comments > 0, what="a heartbeat comment")
        assert all(json.loads(event["data"])["data"]["payload"].get("Subject") != "not mine"
                   for event in stream.events if event["event"] == "event")


@pytest.mark.parametrize("parameters, status", [
    (dict(channel="/topic/Nothing"), 404), (dict(channel=programs.CONTACTS), 403), (dict(where="Status ="), 400),
    (dict(form="everything"), 400), (dict(replay="yesterday"), 400)])
def test_a_bad_event_stream_is_refused(gateway, parameters, status):
    with EventStream(gateway, gateway.token(), **parameters) as stream:
        assert stream.answer.status_code == status
        assert stream.answer.json()


def test_an_event_stream_without_a_good_token_is_refused(gateway):
    for case in ("expired", "other audience", "other secret"):
        with EventStream(gateway, bad_tokens(gateway)[case]) as stream:
            assert stream.answer.status_code == 401


# Operations

def test_health_readiness_and_metrics(gateway):
    assert requests.get(f"{gateway.url}/health", timeout=10).status_code == 200
    assert requests.get(f"{gateway.url}/ready", timeout=10).status_code == 200
    metrics = requests.get(f"{gateway.url}/metrics", timeout=10)
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "millrace_push_deliveries_total" in metrics.text


def test_no_token_is_ever_logged(gateway, org):
    token = gateway.token(claims={"exp": int(time.time()) - 3600})
    with PushClient(gateway, token) as client:
        client.wait_closed()
    for secret in (token, gateway.SECRET, org.access["access_token"]):
        assert secret not in gateway.program.output
