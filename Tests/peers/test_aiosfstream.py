"""Streaming by aiosfstream-ng and aiocometd-ng, unmodified: change events, replay, a new handshake after a lost session,
and the legacy kinds of events.

aiohttp keeps no cookies of bare addresses, so these clients call the sandbox by the name localhost."""

import asyncio
import contextlib
import json
import uuid

import aiocometd_ng
import aiosfstream_ng
import pytest
from aiocometd_ng import ConnectionType
from aiosfstream_ng import Client, ReplayOption
from aiosfstream_ng.auth import AuthenticatorBase
from aiosfstream_ng.exceptions import AuthenticationError, ServerError

import programs

SECONDS = 180


def local(org):
    return org.connection["http_url"].replace("127.0.0.1", "localhost")


class ByAssertion(AuthenticatorBase):
    """The way its users add a grant: the JWT bearer flow, at the sandbox's address."""

    def __init__(self, org):
        super().__init__()
        self.org = org

    async def _authenticate(self):
        form = {"grant_type": programs.JWT_BEARER, "assertion": self.org.assertion()}
        answer = await asyncio.to_thread(
            self.org.http.post, f"{local(self.org)}/services/oauth2/token", data=form, timeout=programs.CALL_SECONDS)
        self.answer = answer.json()
        return answer.status_code, self.answer


class ByRefreshToken(aiosfstream_ng.RefreshTokenAuthenticator):
    """The library's own, but for the address, which is a constant of its module."""

    def __init__(self, org, refresh_token):
        super().__init__(org.connection["client_id"], org.connection["client_secret"], refresh_token)
        self._address = f"{local(org)}/services/oauth2/token"

    @property
    def _token_url(self):
        return self._address


def run(test):
    """One event loop per test, and an end to every wait."""
    asyncio.run(asyncio.wait_for(test, SECONDS))


async def receive(client, wanted):
    """The first message that is the wanted one."""
    while True:
        message = await client.receive()
        if wanted(message):
            return message


def of_record(record):
    return lambda message: record in message["data"]["payload"]["ChangeEventHeader"]["recordIds"]


async def create(org, kind, **fields):
    return await asyncio.to_thread(lambda: org.create(kind, **fields))


def test_change_events_arrive(org):
    async def test():
        async with Client(ByAssertion(org), replay=ReplayOption.NEW_EVENTS) as client:
            await client.subscribe("/data/AccountChangeEvent")
            account = await create(org, "Account", Name="aiosfstream")
            message = await receive(client, of_record(account))
            assert message["channel"] == "/data/AccountChangeEvent"
            assert message["data"]["payload"]["Name"] == "aiosfstream"
            assert message["data"]["payload"]["ChangeEventHeader"]["changeType"] == "CREATE"
            await client.unsubscribe("/data/AccountChangeEvent")
    run(test())


def test_all_events_are_replayed(org):
    async def test():
        account = await create(org, "Account", Name="Before anybody listened")
        async with Client(ByAssertion(org), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe("/data/ChangeEvents")
            await receive(client, of_record(account))
    run(test())


def test_a_stored_place_continues(org):
    """What comes while nobody listens is there afterwards, and nothing twice."""
    async def test():
        places = {}
        names = [f"Number {number}" for number in range(6)]
        heard = []
        async with Client(ByAssertion(org), replay=places) as client:
            await client.subscribe("/data/AccountChangeEvent")
            for name in names[:2]:
                await create(org, "Account", Name=name)
            while len(heard) < 2:
                heard.append((await client.receive())["data"]["payload"].get("Name"))
        for name in names[2:]:
            await create(org, "Account", Name=name)
        async with Client(ByAssertion(org), replay=places) as client:
            await client.subscribe("/data/AccountChangeEvent")
            while len(heard) < 6:
                heard.append((await client.receive())["data"]["payload"].get("Name"))
        assert heard == names
        assert isinstance(places["/data/AccountChangeEvent"].replay_id, int)
    run(test())


def test_a_place_too_old_falls_back(org):
    async def test():
        places = {"/data/AccountChangeEvent": aiosfstream_ng.ReplayMarker(date="0", replay_id=12)}
        client = Client(ByAssertion(org), replay=places)
        async with client:
            with pytest.raises(ServerError) as refused:
                await client.subscribe("/data/AccountChangeEvent")
            assert "The replayId {12} you provided was invalid" in refused.value.error
        places = {"/data/AccountChangeEvent": aiosfstream_ng.ReplayMarker(date="0", replay_id=12)}
        async with Client(ByAssertion(org), replay=places, replay_fallback=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe("/data/AccountChangeEvent")
            assert await client.receive()
    run(test())


def test_a_lost_session_is_opened_again(org):
    """The session is ended behind the client's back: it logs in anew, shakes hands and subscribes by itself."""
    async def test():
        async with Client(ByAssertion(org), replay={}) as client:
            await client.subscribe("/data/AccountChangeEvent")
            first = await create(org, "Account", Name="First")
            await receive(client, of_record(first))
            lost = client._transport.client_id
            await asyncio.to_thread(disconnect, org, client, lost)
            while client._transport.client_id == lost:
                await asyncio.sleep(0.05)
            # Made before it has subscribed again, or after: the stored place finds it.
            second = await create(org, "Account", Name="Second")
            await receive(client, of_record(second))
    run(test())


def disconnect(org, client, client_id):
    cookies = {cookie.key: cookie.value for cookie in client._http_session.cookie_jar}
    answer = org.http.post(
        f"{local(org)}/cometd/45.0", json=[{"channel": "/meta/disconnect", "clientId": client_id}], cookies=cookies,
        headers={"Authorization": f"Bearer {client.auth.access_token}"}, timeout=programs.CALL_SECONDS)
    assert answer.json()[0]["successful"], answer.text


def test_the_librarys_own_refresh_token_flow(org, directories):
    async def test():
        connection = org.connection
        form = {"response_type": "code", "client_id": connection["client_id"], "redirect_uri": "http://localhost:1717/",
                "username": connection["username"], "password": connection["password"], "decision": "allow"}
        answer = org.http.post(f"{local(org)}/services/oauth2/authorize", data=form, allow_redirects=False,
                               timeout=programs.CALL_SECONDS)
        code = answer.headers["location"].split("code=")[1]
        token = org.http.post(f"{local(org)}/services/oauth2/token", timeout=programs.CALL_SECONDS, data={
            "grant_type": "authorization_code", "code": code, "redirect_uri": "http://localhost:1717/",
            "client_id": connection["client_id"], "client_secret": connection["client_secret"]}).json()
        async with Client(ByRefreshToken(org, token["refresh_token"])) as client:
            await client.subscribe("/data/ContactChangeEvent")
        with pytest.raises(AuthenticationError):
            await Client(ByRefreshToken(org, "wrong")).open()
    run(test())


def test_aiocometd_speaks_the_same(org):
    async def test():
        class Bearer(aiocometd_ng.AuthExtension):
            async def outgoing(self, payload, headers=None):
                headers["Authorization"] = f"Bearer {org.access['access_token']}"

            async def incoming(self, payload, headers=None):
                pass

            async def authenticate(self):
                org.forget_session()

        await asyncio.to_thread(lambda: org.access)
        client = aiocometd_ng.Client(f"{local(org)}/cometd/66.0", ConnectionType.LONG_POLLING, auth=Bearer())
        async with client:
            await client.subscribe("/data/ContactChangeEvent")
            contact = await asyncio.to_thread(org.create_contact, "Cometd")
            await receive(client, of_record(contact))
            with pytest.raises(aiocometd_ng.exceptions.ServerError):
                await client.publish("/data/ContactChangeEvent", {"x": 1})
            with pytest.raises(aiocometd_ng.exceptions.ServerError):
                await client.subscribe("/data/NoSuchChangeEvent")
    run(test())


def push(org, channel_id, *events):
    answer = org.rest("POST", f"/sobjects/StreamingChannel/{channel_id}/push", {"pushEvents": list(events)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_generic_events(org):
    async def test():
        name = f"/u/peer/{uuid.uuid4().hex[:8]}"
        channel = await create(org, "StreamingChannel", Name=name)
        assert push(org, channel, {"payload": "nobody hears"}) == [{"fanoutCount": 0, "userOnlineStatus": {}}]
        user = (await asyncio.to_thread(lambda: org.access))["id"].rsplit("/", 1)[1]
        async with Client(ByAssertion(org), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(name)
            answer = await asyncio.to_thread(
                push, org, channel, {"payload": "to \"all\" ✓", "userIds": []}, {"payload": "to me", "userIds": [user]},
                {"payload": "to another", "userIds": ["005000000000001AAA"]})
            assert answer == [
                {"fanoutCount": 1, "userOnlineStatus": {}}, {"fanoutCount": 1, "userOnlineStatus": {user: True}},
                {"fanoutCount": 0, "userOnlineStatus": {"005000000000001AAA": False}}]
            heard = [await client.receive() for _ in range(3)]
            assert [message["data"]["payload"] for message in heard] == ["nobody hears", "to \"all\" ✓", "to me"]
            event = heard[0]["data"]["event"]
            assert isinstance(event["replayId"], int) and event["createdDate"].endswith("Z")
            assert heard[0]["channel"] == name and "sobject" not in heard[0]["data"]
    run(test())


def topic(org, query, **fields):
    name = f"t{uuid.uuid4().hex[:12]}"
    org.create("PushTopic", Name=name, Query=query, ApiVersion=66.0, **fields)
    return f"/topic/{name}"


def test_push_topic_events(org):
    async def test():
        name = topic(org, "SELECT Id, Name, Phone FROM Account WHERE Phone LIKE '07%'")
        async with Client(ByAssertion(org), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(name)
            account = await create(org, "Account", Name="Watched", Phone="0731")
            await create(org, "Account", Name="Unwatched", Phone="0900")
            await asyncio.to_thread(lambda: org.update("Account", account, Website="https://x.example"))
            await asyncio.to_thread(lambda: org.update("Account", account, Name="Renamed"))
            await asyncio.to_thread(lambda: org.update("Account", account, Phone="0900"))
            await asyncio.to_thread(lambda: org.update("Account", account, Phone="0732"))
            await asyncio.to_thread(lambda: org.delete("Account", account))
            heard = [(await client.receive())["data"] for _ in range(4)]
            assert [message["event"]["type"] for message in heard] == ["created", "updated", "updated", "deleted"]
            assert heard[0]["sobject"] == {"Id": account, "Name": "Watched", "Phone": "0731"}
            assert heard[1]["sobject"]["Name"] == "Renamed" and heard[2]["sobject"]["Phone"] == "0732"
            assert heard[3]["sobject"] == {"Id": account}
            numbers = [message["event"]["replayId"] for message in heard]
            assert numbers == sorted(numbers) and all(isinstance(number, int) for number in numbers)
    run(test())


@pytest.mark.parametrize("notify, expected", [
    ("All", ["Website", "Name", "Phone"]), ("Referenced", ["Name", "Phone"]), ("Select", ["Name"]), ("Where", ["Phone"])])
def test_push_topics_say_which_fields_count(org, notify, expected):
    async def test():
        name = topic(org, "SELECT Id, Name FROM Account WHERE Phone != null", NotifyForFields=notify,
                     NotifyForOperationCreate=False, NotifyForOperationDelete=False)
        account = await create(org, "Account", Name="0", Phone="0")
        changes = [("Website", "https://x.example"), ("Name", "1"), ("Phone", "1")]
        async with Client(ByAssertion(org), replay=ReplayOption.ALL_EVENTS) as client:
            await client.subscribe(name)
            heard = 0
            for field, value in changes:
                await asyncio.to_thread(lambda: org.update("Account", account, **{field: value}))
                if field in expected:
                    await client.receive()
                    heard += 1
            assert heard == len(expected)
            with contextlib.suppress(asyncio.TimeoutError):
                extra = await asyncio.wait_for(client.receive(), 0.5)
                raise AssertionError(f"not expected: {extra}")
    run(test())


@pytest.mark.parametrize("fields, code", [
    (dict(Query="SELECT Name FROM Account"), "MALFORMED_QUERY"), (dict(Query="SELECT Id FROM Nothing"), "INVALID_TYPE"),
    (dict(Query="SELECT Id, Nothing FROM Account"), "INVALID_FIELD"), (dict(Query="DELETE"), "MALFORMED_QUERY"),
    (dict(Query="SELECT Id FROM Account WHERE Nothing = 1"), "INVALID_FIELD"),
    (dict(Query="SELECT Id FROM Account LIMIT 1"), "MALFORMED_QUERY"), (dict(Query="SELECT Id FROM Account WHERE"), "MALFORMED_QUERY"),
    (dict(Name="has/slash"), "INVALID_FIELD"), (dict(NotifyForFields="Sometimes"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")])
def test_bad_push_topics_are_refused(org, fields, code):
    answer = org.rest("POST", "/sobjects/PushTopic", {
        "Name": f"b{uuid.uuid4().hex[:12]}", "Query": "SELECT Id FROM Account", "ApiVersion": 66.0, **fields})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code), json.dumps(answer.json())


def test_bad_channels_and_pushes_are_refused(org):
    for name in ("peer", "/u/", "/u/ä", "/topic/x", "/u/a/"):
        assert org.rest("POST", "/sobjects/StreamingChannel", {"Name": name}).status_code == 400
    name = f"/u/{uuid.uuid4().hex[:8]}"
    channel = org.create("StreamingChannel", Name=name)
    assert org.rest("POST", "/sobjects/StreamingChannel", {"Name": name.upper()}).status_code == 400
    path = f"/sobjects/StreamingChannel/{channel}/push"
    for body in ({}, {"pushEvents": 1}, {"pushEvents": [{}]}, {"pushEvents": [{"payload": 1}]}, []):
        assert org.rest("POST", path, body).status_code == 400
    assert org.rest("POST", path, {"pushEvents": [{"payload": "x" * 3001}]}).json()[0]["errorCode"] == "STRING_TOO_LONG"
    assert org.rest("POST", path, {"pushEvents": [{"payload": "x" * 3000}]}).status_code == 200
    assert org.rest("POST", "/sobjects/StreamingChannel/0M6000000000001AAA/push", {"pushEvents": []}).status_code == 404
