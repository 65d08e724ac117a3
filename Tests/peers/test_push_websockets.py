"""The push door as an app of somebody else's sees it: `websockets` for WebSocket, `requests` for Server-Sent Events, and bare
sockets for those who misbehave."""

import json
import pathlib
import struct
import time

import jwt
import pytest
import requests
from websockets.exceptions import InvalidStatus, NegotiationError

import programs
from bare_socket import BareSocket
from event_stream import EventStream
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
        assert client.wait_closed()[0] == 4401


def test_a_token_that_allows_nothing_ends_the_connection(gateway):
    with PushClient(gateway, gateway.token([])) as client:
        assert client.wait_closed()[0] == 4403


def test_the_end_of_a_token_ends_the_connection(gateway):
    with PushClient(gateway, gateway.token(claims={"exp": int(time.time()) + 3})) as client:
        client.wait_for("welcome")
        assert client.wait_closed()[0] == 4401


def test_a_fresh_token_keeps_the_connection(gateway, org, customers):
    with PushClient(gateway, gateway.token(claims={"exp": int(time.time()) + 8})) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.send(type="authenticate", id="fresh", token=gateway.token())
        assert client.answer("fresh")["type"] == "authenticated"
        end = time.monotonic() + 9  # Past the first token's end.
        while time.monotonic() < end:
            case_id = org.create_case(customers[0])
            client.event(case_id)


def test_a_narrower_token_takes_effect_at_once(gateway, org, customers):
    with PushClient(gateway, gateway.token(claims={"sub": "narrowed"})) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.send(type="authenticate", id=7, token=gateway.token(f"ContactId = '{customers[0]}'", claims={"sub": "narrowed"}))
        assert client.answer(7)["type"] == "authenticated"
        foreign = org.create_case(customers[1], "not for this token")
        marker = org.create_case(customers[0], "for this token")
        before = client.nothing_until(lambda message: marker in ids(message))
        # With the wider token there may have come what other tests had made.
        assert [message for message in before if foreign in ids(message)] == []


def test_a_query_token_is_refused_unless_allowed(gateway):
    answer = requests.get(
        f"{gateway.url}/events", params={"channel": programs.CASES, "access_token": gateway.token()}, stream=True,
        timeout=programs.CALL_SECONDS)
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
    assert requests.get(f"{gateway.url}/push", timeout=programs.CALL_SECONDS).status_code in (400, 426)


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


class Bounded(programs.Gateway):
    def write_configuration(self):
        super().write_configuration()
        path = self.directory / "millrace.yaml"
        path.write_text(path.read_text().replace("\npush:\n", "\npush:\n  connections_per_address_max: 2\n"))


def test_an_address_has_its_number_of_connections(directories, org):
    gateway = Bounded(directories("bounded"), org)
    token = gateway.token()
    third = lambda: requests.get(
        gateway.events_url, params={"channel": programs.CASES}, headers={"Authorization": f"Bearer {token}"}, stream=True,
        timeout=programs.CALL_SECONDS)
    with PushClient(gateway, token) as first:
        with PushClient(gateway, token) as second:
            first.wait_for("welcome")
            second.wait_for("welcome")
            refused = third()
            assert refused.status_code == 429 and "address" in refused.text
        programs.until(lambda: third().status_code == 200, what="the place of the one that has gone")
    gateway.program.stop()


def test_half_a_frame_and_silence_is_ended_and_disturbs_nobody(gateway, observer, org, customers):
    with BareSocket(gateway) as half:
        half.send(type="authenticate", token=gateway.token())
        half.read_until(b"welcome")
        half.socket.sendall(half.frame('{"type":"ping"}')[:7])
        observer.event(org.create_case(customers[0]))
        assert half.wait_closed(programs.CALL_SECONDS)
    with BareSocket(gateway) as half:  # Before any token, too.
        half.socket.sendall(half.frame('{"type":"authenticate"}')[:3])
        assert half.wait_closed(programs.CALL_SECONDS)
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
    """It asks and asks and shows that it lives, so only its slowness can end it; the one who reads notices nothing."""
    closes = r'millrace_push_closes_total\{code="4408"\}'
    with BareSocket(gateway, receive_buffer=4096) as deaf:
        deaf.send(type="authenticate", token=gateway.token())
        deaf.read_until(b"welcome")
        before = gateway.metric(closes)
        deaf.send(type="subscribe", id=1, channel=programs.CASES, form="record", replay=-2)
        number = 0
        while gateway.metric("millrace_push_frames_queued ") < 8:  # The system takes some hundred kilobytes for it.
            assert number < 1000
            deaf.send(type="ping")
            for _ in range(10):
                number += 1
                case_id = org.create_case(customers[0], f"loud {number}", Description="x" * 30_000)
                observer.event(case_id)
        asked = 0

        def is_ended():
            nonlocal asked
            if gateway.metric(closes) > before:
                return True
            try:
                for _ in range(30):
                    deaf.send(type="ping")
                asked += 30
            except (BrokenPipeError, ConnectionResetError):
                pass  # The metric says why.
            return False

        # 50 messages a second are allowed, those of the loop above among them where the machine is fast.
        programs.until(is_ended, 30, every=1.1, what="4408 for the deaf connection")
        assert gateway.metric(closes) == before + 1
        assert asked > 256, "so many answers may wait"
        observer.event(org.create_case(customers[0]))
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


def test_checkpoints_move_the_place_of_one_who_gets_nothing(gateway, observer, org, customers):
    with PushClient(gateway, gateway.token("ContactId = '003000000000000AAA'")) as client:
        client.wait_for("welcome")
        standing = client.subscribe()["replayId"]
        case_id = org.create_case(customers[0])
        reached = place(observer.event(case_id))
        # Of events before this one there may be checkpoints as well.
        checkpoint = client.wait_for("checkpoint", lambda message: message["replayId"] >= reached)
        assert checkpoint["replayId"] > standing
        assert checkpoint["channel"] == programs.CASES
    with PushClient(gateway, gateway.token()) as late:
        late.wait_for("welcome")
        late.subscribe(replay=checkpoint["replayId"])
        after = org.create_case(customers[0], "after the checkpoint")
        before = late.nothing_until(lambda message: after in ids(message))
        assert all(case_id not in ids(message) for message in before), "the checkpoint stands behind it"


def test_conflating_skips_states_and_gives_the_newest(gateway, org, customers):
    """A client that stops reading for a while gets a state later or not at all, never an older one, and the newest for certain."""
    skipped = lambda: gateway.metric("millrace_push_conflated_total ")
    case_id = org.create_case(customers[0], "0")
    with BareSocket(gateway, receive_buffer=4096) as slow:
        slow.send(type="authenticate", token=gateway.token(f"ContactId = '{customers[0]}'"))
        assert slow.read_message()["type"] == "welcome"
        slow.send(type="subscribe", id=1, channel=programs.CASES, form="record", slow="conflate")
        assert slow.read_message()["type"] == "subscribed"
        before, made = skipped(), 0

        def change(times):
            nonlocal made
            for _ in range(times):
                made += 1
                org.update("Case", case_id, Subject=str(made), Description=f"{made}" + "x" * 30_000)
            slow.send_pong()

        def is_behind():  # The system takes some megabytes for it; how many is its own affair.
            change(20)
            return gateway.metric("millrace_push_connections_behind ")

        programs.until(is_behind, 300, every=0, what="a client that is behind")
        change(20)
        seen = []
        while not seen or seen[-1] < made:
            message = slow.read_message()
            if message["type"] == "event" and case_id in ids(message):
                payload = message["data"]["payload"]
                assert payload["ContactId"] == customers[0], "whole states"
                assert payload["Description"].startswith(payload["Subject"]), "of one moment"
                seen.append(int(payload["Subject"]))
            assert message["type"] != "gap"
        assert seen == sorted(set(seen)), "never back"
        assert 1 < len(seen) < made, "some states were skipped"
        assert skipped() - before >= made - len(seen) > 0


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

def test_server_sent_events_resume_by_last_event_id(gateway, org, customers):
    token = gateway.token(f"ContactId = '{customers[0]}'")
    with EventStream(gateway.events_url, token) as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        stream.wait_for("subscribed")
        case_id = org.create_case(customers[0], "streamed")
        event, message = stream.wait_for("event", case_id)
        assert message["data"]["payload"]["Subject"] == "streamed"
    org.update("Case", case_id, Subject="while away")
    org.create_case(customers[1], "not mine")
    with EventStream(gateway.events_url, token, last_event_id=event["id"], form="record") as stream:
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
    with EventStream(gateway.events_url, gateway.token(), **parameters) as stream:
        assert stream.answer.status_code == status
        assert stream.answer.json()


def test_an_event_stream_without_a_good_token_is_refused(gateway):
    for case in ("expired", "other audience", "other secret"):
        with EventStream(gateway.events_url, bad_tokens(gateway)[case]) as stream:
            assert stream.answer.status_code == 401


def test_a_quiet_event_stream_that_is_cut_loses_nothing(gateway, org, customers):
    """As a browser's EventSource does it: it says the last `id:` that it has seen, and nothing where it has seen none."""
    token = gateway.token(f"ContactId = '{customers[0]}'")
    with EventStream(gateway.events_url, token) as stream:
        stream.wait_for("subscribed")
        last = next((event["id"] for event in reversed(stream.events) if "id" in event), None)
    missed = org.create_case(customers[0], "while away")
    with PushClient(gateway, token) as client:  # By now it is in the log.
        client.subscribe(replay=-2)
        client.event(missed)
    with EventStream(gateway.events_url, token, last_event_id=last) as stream:
        stream.wait_for("subscribed")
        marker = org.create_case(customers[0], "live")
        stream.wait_for("event", marker)
        came = [json.loads(event["data"]) for event in stream.events if event["event"] in ("event", "gap")]
        assert any(missed in ids(message) for message in came) or came[0]["type"] == "gap"


def test_the_end_of_a_token_ends_an_event_stream(gateway):
    with EventStream(gateway.events_url, gateway.token(claims={"exp": int(time.time()) + 2})) as stream:
        stream.wait_for("subscribed")
        assert stream.wait_closed() == (4401, "the token has expired")


def test_masked_fields_are_never_sent_over_an_event_stream(gateway, org, customers):
    allow = [{"channel": programs.CASES, "where": f"ContactId = '{customers[0]}'", "fields": ["CaseNumber", "Status"]}]
    token = gateway.token(allow)
    with EventStream(gateway.events_url, token, where="Subject = 'guess'") as stream:
        assert stream.answer.status_code == 403 and stream.answer.json()["code"] == "forbidden_field"
    for form in ("changes", "record"):
        with EventStream(gateway.events_url, token, form=form) as stream:
            _, subscribed = stream.wait_for("subscribed")
            case_id = org.create_case(customers[0], "Secret subject", Description="secret text")
            org.update("Case", case_id, Description="another secret", Status="Working")
            org.update("Case", case_id, ContactId=customers[1])
            stream.wait_for("left", case_id)
        # Live, and once more out of the log.
        with EventStream(gateway.events_url, token, form=form, last_event_id=str(subscribed["replayId"])) as again:
            again.wait_for("left", case_id)
        for events in (stream.events, again.events):
            messages = [json.loads(event["data"]) for event in events if event["event"] in ("event", "left")]
            messages = [message for message in messages if case_id in ids(message)]
            assert [message["type"] for message in messages] == ["event", "event", "left"]
            assert messages[0]["data"]["payload"]["Status"] == "New" and messages[1]["data"]["payload"]["Status"] == "Working"
            for message in messages:
                assert set(message["data"]["payload"]) <= {"ChangeEventHeader", "CaseNumber", "Status"}, message
                assert set(header(message)["changedFields"]) <= {"CaseNumber", "Status"}, message
            assert "ecret" not in json.dumps(events)


# Operations

def test_health_readiness_and_metrics(gateway):
    assert requests.get(f"{gateway.url}/health", timeout=programs.CALL_SECONDS).status_code == 200
    assert requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS).status_code == 200
    metrics = requests.get(f"{gateway.url}/metrics", timeout=programs.CALL_SECONDS)
    assert metrics.headers["content-type"].startswith("text/plain")
    assert "millrace_push_deliveries_total" in metrics.text


class TalkativeGateway(programs.Gateway):
    """A gateway that logs all it can, and takes tokens in the query."""

    def write_configuration(self):
        super().write_configuration()
        path = self.directory / "millrace.yaml"
        text = path.read_text().replace("push:\n", "push:\n  access_token_in_query: true\n")
        path.write_text(text + "log: { level: trace }\n")


@pytest.fixture
def talkative(directories, org):
    gateway = TalkativeGateway(directories("talkative"), org)
    yield gateway
    if gateway.program.process.poll() is None:
        gateway.program.stop()


def test_no_token_is_ever_logged(talkative, org, customers):
    """At the most talkative level: tokens that are good and bad, on every way in, and the gateway's own secrets."""
    gateway = talkative
    secrets = {"the tokens' key": gateway.SECRET, "the administrator's secret": gateway.ADMIN_SECRET}

    def token(name, **claims):
        """A token of its own, whose signature and claims are secrets from now on."""
        made = gateway.token(claims={"jti": name, **claims})
        _, secrets[f"{name}: claims"], secrets[f"{name}: signature"] = made.split(".")
        return made

    for how in ("message", "in_subprotocol", "in_header"):
        options = {} if how == "message" else {how: True}
        with PushClient(gateway, token(f"good {how}"), **options) as client:
            client.wait_for("welcome")
            assert client.subscribe()["type"] == "subscribed"
            client.send(type="authenticate", id="fresh", token=token(f"fresh {how}"))
            assert client.answer("fresh")["type"] == "authenticated"
            client.event(org.create_case(customers[0]))
        try:
            with PushClient(gateway, token(f"bad {how}", exp=int(time.time()) - 3600), **options) as client:
                assert client.wait_closed()[0] == 4401
        except InvalidStatus as refused:
            assert how == "in_header" and refused.response.status_code == 401

    def stream(access_token=None, header=None):
        answer = requests.get(
            gateway.events_url, params={"channel": programs.CASES, "access_token": access_token}, stream=True,
            headers={"Authorization": f"Bearer {header}"} if header else {}, timeout=programs.CALL_SECONDS)
        answer.close()
        return answer.status_code

    assert stream(access_token=token("good query")) == 200
    assert stream(access_token=token("bad query", aud="somebody-else")) == 401
    assert stream(header=token("good stream")) == 200
    assert stream(header=token("bad stream", iss="https://elsewhere.example")) == 401
    misplaced = requests.get(f"{gateway.url}/push", params={"access_token": token("misplaced")}, timeout=programs.CALL_SECONDS)
    assert misplaced.status_code in (400, 426)
    for secret, status in ((gateway.ADMIN_SECRET, 204), ("a guess at the administrator's secret", 401)):
        secrets[f"sent to /admin, {status}"] = secret
        assert requests.post(f"{gateway.url}/admin/revoke", json={"tokenId": "nobody's"}, timeout=programs.CALL_SECONDS,
                             headers={"Authorization": f"Bearer {secret}"}).status_code == status
    for number, line in enumerate(pathlib.Path(org.connection["private_key_file"]).read_text().splitlines()):
        if len(line) > 40 and not line.startswith("-----"):
            secrets[f"line {number} of the org's key"] = line
    # The gateway's own session of the org: its token is not known here, but what each begins with.
    secrets["a session of the org"] = org.access["access_token"].split("!")[0] + "!"
    secrets |= {"a JWT": "eyJhbGciOi", "another JWT": "eyJ0eXAiOi"}

    gateway.program.stop()
    output = gateway.program.output
    assert " trace " in output and " debug " in output, "it did say all it can"
    assert "logged in to the org" in output
    assert [name for name, secret in secrets.items() if secret in output] == []
