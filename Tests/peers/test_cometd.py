"""The CometD door by raw requests: the exchange, its cookies, limits and every error that a client codes against."""

import time

import pytest
import requests

import programs

VERSION = "66.0"
ADVICE_HANDSHAKE = {"interval": 0, "reconnect": "handshake"}
ADVICE_NONE = {"interval": 0, "reconnect": "none"}


class Bayeux:
    """A client that does nothing by itself."""

    def __init__(self, org, token=None, version=VERSION):
        self.org = org
        self.url = f"{org.connection['http_url']}/cometd/{version}"
        self.http = requests.Session()
        self.http.trust_env = False
        self.token = token or org.login().json()["access_token"]
        self.client = None

    def post(self, *messages, path="", headers=None, body=None):
        headers = {"Authorization": f"Bearer {self.token}"} if headers is None else headers
        return self.http.post(self.url + path, json=list(messages) if body is None else None, data=body, headers=headers,
                              timeout=150)

    def send(self, channel, path="", **message):
        if self.client and "clientId" not in message:
            message["clientId"] = self.client
        answer = self.post({"channel": channel, "id": "1", **message}, path=path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def handshake(self, **message):
        reply = self.send("/meta/handshake", version="1.0", minimumVersion="1.0",
                          supportedConnectionTypes=["long-polling"], **{"ext": {"replay": True}, **message})[0]
        self.client = reply.get("clientId")
        return reply

    def connect(self, timeout=0, **message):
        advice = {} if timeout is None else {"advice": {"timeout": timeout}}
        return self.send("/meta/connect", connectionType="long-polling", **{**advice, **message})

    def subscribe(self, channel, replay=None, **message):
        ext = {} if replay is None else {"ext": {"replay": {channel: replay}}}
        return self.send("/meta/subscribe", subscription=channel, **ext, **message)[0]

    def open(self):
        assert self.handshake()["successful"]
        self.connect()
        return self

    def events(self, count, seconds=programs.CALL_SECONDS):
        """Connects until so many events are there."""
        found = []
        deadline = time.monotonic() + seconds
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} events came"
            answer = self.connect()
            assert answer[-1]["channel"] == "/meta/connect" and answer[-1]["successful"], answer
            found += answer[:-1]
        return found


@pytest.fixture
def bayeux(org):
    return Bayeux(org)


def test_the_exchange_is_salesforces(bayeux):
    reply = bayeux.handshake()
    assert reply == {
        "channel": "/meta/handshake", "id": "1", "clientId": bayeux.client, "version": "1.0", "minimumVersion": "1.0",
        "supportedConnectionTypes": ["long-polling"], "ext": {"replay": True, "payload.format": True}, "successful": True}
    assert bayeux.connect() == [{
        "channel": "/meta/connect", "id": "1", "clientId": bayeux.client, "successful": True,
        "advice": {"interval": 0, "timeout": 110000, "reconnect": "retry"}}]
    reply = bayeux.subscribe(programs.ALL, -1)
    assert (reply["successful"], reply["subscription"], reply["clientId"]) == (True, programs.ALL, bayeux.client)
    assert bayeux.send("/meta/unsubscribe", subscription=programs.ALL)[0]["successful"]
    assert not bayeux.send("/meta/unsubscribe", subscription=programs.ALL)[0]["successful"]
    assert bayeux.send("/meta/disconnect")[0]["successful"]
    assert bayeux.connect()[0]["error"] == "403::Unknown client"


def test_clients_append_the_channel_to_the_address(bayeux):
    assert bayeux.send("/meta/handshake", path="/handshake", supportedConnectionTypes=["long-polling"])[0]["successful"]


def test_a_connect_is_held_until_an_event_comes(bayeux, org):
    bayeux.open()
    bayeux.subscribe("/data/AccountChangeEvent")
    import threading
    answers = []
    thread = threading.Thread(target=lambda: answers.append(bayeux.connect(None)))
    thread.start()
    account = org.create("Account", Name="Held", BillingStreet="1 Way", BillingCity="Kiel")
    thread.join(programs.CALL_SECONDS)
    event, reply = answers[0]
    assert reply["channel"] == "/meta/connect" and reply["successful"]
    assert event["channel"] == "/data/AccountChangeEvent"
    payload = event["data"]["payload"]
    assert payload["ChangeEventHeader"]["recordIds"] == [account]
    assert payload["ChangeEventHeader"]["changeType"] == "CREATE"
    assert "nulledFields" not in payload["ChangeEventHeader"] and "diffFields" not in payload["ChangeEventHeader"]
    assert payload["Name"] == "Held" and payload["BillingAddress"] == {"Street": "1 Way", "City": "Kiel"}
    assert payload["CreatedDate"].endswith("Z") and payload["CreatedDate"][10] == "T"
    assert "Phone" not in payload
    assert list(event["data"]["event"]) == ["replayId"] and isinstance(event["data"]["event"]["replayId"], int)
    assert len(event["data"]["schema"]) == 22


def test_an_update_shows_what_changed_by_name(bayeux, org):
    account = org.create("Account", Name="Before", Phone="1", BillingCity="Kiel")
    bayeux.open()
    bayeux.subscribe("/data/AccountChangeEvent")
    org.update("Account", account, Phone=None, BillingCity="Ulm")
    payload = bayeux.events(1)[0]["data"]["payload"]
    changed = payload["ChangeEventHeader"]["changedFields"]
    assert {"Phone", "BillingAddress.City"} <= set(changed)
    assert payload["Phone"] is None and payload["BillingAddress"] == {"City": "Ulm"} and "Name" not in payload
    org.delete("Account", account)
    payload = bayeux.events(1)[0]["data"]["payload"]
    assert payload["ChangeEventHeader"]["changeType"] == "DELETE" and list(payload) == ["ChangeEventHeader"]


@pytest.mark.parametrize("write", [int, str])
def test_trap_05_replay_ids_are_numbers_here_and_ten_bytes_there(bayeux, org, channel, stubs, write):
    """One stored number serves both protocols; strings are taken as old clients send them."""
    first = org.create("Account", Name="First")
    second = org.create("Account", Name="Second")
    bayeux.open()
    assert bayeux.subscribe(programs.ALL, write(-2))["successful"]
    seen = []
    while not any(second in event["data"]["payload"]["ChangeEventHeader"]["recordIds"] for event in seen):
        seen += bayeux.events(1)
    at = {record: event["data"]["event"]["replayId"] for event in seen
          for record in event["data"]["payload"]["ChangeEventHeader"]["recordIds"]}
    other = Bayeux(org).open()
    assert other.subscribe(programs.ALL, write(at[first]))["successful"]
    assert other.events(1)[0]["data"]["event"]["replayId"] == at[second]
    pb2, pb2_grpc = stubs
    request = pb2.FetchRequest(
        topic_name=programs.ALL, replay_preset=pb2.CUSTOM, replay_id=at[first].to_bytes(8, "big"), num_requested=1)
    stream = pb2_grpc.PubSubStub(channel).Subscribe(iter([request]), metadata=org.metadata, timeout=programs.CALL_SECONDS)
    fetched = next(answer for answer in stream if answer.events)
    assert fetched.events[0].replay_id == at[second].to_bytes(8, "big") + b"\0\0"
    stream.cancel()


def test_without_the_replay_extension_places_are_ignored(bayeux):
    bayeux.handshake(ext={"replay": False})
    bayeux.connect()
    reply = bayeux.subscribe(programs.ALL, -2)
    assert reply["successful"] and "ext" not in reply
    assert len(bayeux.connect()) == 1


@pytest.mark.parametrize("replay", [1, 99999999999, -3, "x", 1.5, True])
def test_a_place_that_is_not_there_is_told(bayeux, replay):
    bayeux.open()
    reply = bayeux.subscribe(programs.ALL, replay)
    assert not reply["successful"] and reply["subscription"] == programs.ALL
    assert reply["error"].startswith("400::The replayId {") and reply["error"].endswith(
        "} you provided was invalid. Please provide a valid ID, -2 to replay all events, or -1 to replay only new events.")


CHANNELS = {
    "/data/NoSuchChangeEvent": "400::The channel you requested", "/event/No_Such__e": "400::The channel you requested",
    "/u/None": "400::", "/topic/None": "400::", "data/ChangeEvents": "400::The channel data/ChangeEvents must start with",
    "/other/Thing": "403::Cannot create channel /other/Thing", "/meta/connect": "403:/meta/connect:Restricted channel",
    "/data/*": "403:/data/*:Restricted channel", "": "400::Channel name not specified",
}


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_that_cannot_be_subscribed_to(bayeux, name):
    bayeux.open()
    reply = bayeux.subscribe(name)
    assert not reply["successful"] and reply["error"].startswith(CHANNELS[name]), reply


def test_publishing_is_not_supported(bayeux):
    bayeux.open()
    reply = bayeux.send(programs.ALL, data={"x": 1})[0]
    assert not reply["successful"] and reply["error"].startswith("403::")


def test_trap_30_the_cookie_must_come_back(bayeux):
    assert {"BAYEUX_BROWSER", "sfdc-stream"} <= set(bayeux.open().http.cookies.keys())
    bayeux.http.cookies.clear()
    reply = bayeux.connect()[0]
    assert reply["error"] == f"400::Client {bayeux.client} has established a session, but no BAYEUX_BROWSER cookie present"
    bayeux.http.cookies.set("BAYEUX_BROWSER", "another", domain="127.0.0.1")
    assert bayeux.connect()[0]["error"] == "403::Unknown client"


def test_messages_before_a_handshake(bayeux):
    for channel in ("/meta/connect", "/meta/subscribe", "/meta/disconnect"):
        reply = bayeux.send(channel, connectionType="long-polling", subscription=programs.ALL)[0]
        assert (reply["successful"], reply["error"]) == (False, "403::Client has not completed handshake")
        reply = bayeux.send(channel, clientId="nobody", connectionType="long-polling", subscription=programs.ALL)[0]
        assert (reply["error"], reply["advice"]) == ("403::Unknown client", ADVICE_HANDSHAKE)


def test_a_bad_token_opens_nothing(org):
    reply = Bayeux(org, "00D000000000000!wrong").handshake()
    assert reply["error"] == "403::Handshake denied" and reply["advice"] == ADVICE_NONE
    assert reply["ext"]["sfdc"]["failureReason"] == "401::Authentication invalid"
    answer = Bayeux(org).post({"channel": "/meta/handshake"}, headers={})
    assert answer.status_code == 401
    assert answer.json()[0]["error"] == "401::Request requires authentication"


def test_a_revoked_session_is_noticed_at_the_next_connect(bayeux, org):
    bayeux.open()
    assert requests.post(f"{org.connection['http_url']}/services/oauth2/revoke", data={"token": bayeux.token},
                         proxies={"http": None}, timeout=programs.CALL_SECONDS).status_code == 200
    reply = bayeux.connect()[0]
    assert (reply["error"], reply["advice"]) == ("401::Authentication invalid", ADVICE_NONE)


def test_a_session_belongs_to_its_user(bayeux, org):
    bayeux.open()
    other = org.login(org.assertion(sub="mara.lindqvist@" + org.connection["username"].split("@")[1])).json()
    bayeux.token = other["access_token"]
    assert bayeux.connect()[0]["error"] == "400::Authenticated user id does not match the session's user id"
    bayeux.token = org.login().json()["access_token"]
    assert bayeux.connect()[0]["successful"]


def test_only_long_polling(bayeux):
    reply = bayeux.send("/meta/handshake", supportedConnectionTypes=["websocket", "callback-polling"])[0]
    assert reply["error"] == "400::Invalid connection type websocket,callback-polling"
    bayeux.open()
    assert bayeux.send("/meta/connect", connectionType="websocket")[0]["error"] == "400::Invalid connection type websocket"


def test_a_second_connect_ends_the_first(bayeux):
    import threading
    bayeux.open()
    bayeux.subscribe(programs.ALL)
    first = []
    message = {"channel": "/meta/connect", "id": "9", "clientId": bayeux.client, "connectionType": "long-polling"}
    thread = threading.Thread(target=lambda: first.append(bayeux.post(message)))
    thread.start()
    # The first may not be there yet: the second is sent again until it has ended it.
    programs.until(lambda: bayeux.connect()[-1]["successful"] and first, what="the first connect's end")
    thread.join(programs.CALL_SECONDS)
    assert first[0].status_code == 408


def test_several_messages_in_one_request(bayeux, org):
    bayeux.open()
    account = org.create("Account", Name="Batch")
    answer = bayeux.post(
        {"channel": "/meta/connect", "id": "1", "clientId": bayeux.client, "connectionType": "long-polling",
         "advice": {"timeout": 0}},
        {"channel": "/meta/subscribe", "id": "2", "clientId": bayeux.client, "subscription": "/data/AccountChangeEvent",
         "ext": {"replay": {"/data/AccountChangeEvent": -2}}}).json()
    assert [message["id"] for message in answer if "id" in message] == ["2", "1"]
    assert answer[0]["channel"] == "/data/AccountChangeEvent" and answer[-1]["channel"] == "/meta/connect"
    del account


def test_bodies_have_their_bound(bayeux):
    head, tail = b'[{"channel":"/meta/handshake","id":"', b'"}]'
    headers = {"Authorization": f"Bearer {bayeux.token}"}
    for size, status in ((32768, 200), (32769, 413)):
        body = head + b"x" * (size - len(head) - len(tail)) + tail
        answer = bayeux.post(body=body, headers=headers)
        assert answer.status_code == status
        assert status == 200 or "Maximum Request Size Exceeded" in answer.text
    for body in (b"", b"x", b"[1]", b'"a"', b"[{]"):
        assert bayeux.post(body=body, headers=headers).status_code == 400
    assert bayeux.http.get(bayeux.url, timeout=programs.CALL_SECONDS).status_code == 405


@pytest.mark.parametrize("path, error", [
    ("", "400::API version in the URI is mandatory"), ("/36.0", "400::API version in the URI is not supported"),
    ("/connect", "400::API version in the URI is mandatory")])
def test_the_version_stands_in_the_address(org, path, error):
    client = Bayeux(org)
    client.url = org.connection["http_url"] + "/cometd" + path
    answer = client.post({"channel": "/meta/handshake"})
    assert answer.status_code == 400 and answer.json()[0]["error"].startswith(error)
