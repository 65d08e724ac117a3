"""`POST /admin/revoke`: connections end, tokens are refused, also after the gateway was killed."""

import time

import pytest
import requests

import programs
from event_stream import EventStream
from push_client import PushClient


@pytest.fixture
def guarded(directories, org):
    gateway = programs.Gateway(directories("guarded"), org)
    yield gateway
    gateway.program.stop()


def revoke(gateway, secret=programs.Gateway.ADMIN_SECRET, **body):
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return requests.post(f"{gateway.url}/admin/revoke", json=body, headers=headers, timeout=programs.CALL_SECONDS)


def connected(gateway, subject, **claims):
    client = PushClient(gateway, gateway.token(claims={"sub": subject, **claims}))
    assert client.subscribe()["type"] == "subscribed"
    return client


def assert_open(client):
    client.send(type="ping")
    client.wait_for("pong")


def is_refused(gateway, token):
    answer = requests.get(
        f"{gateway.url}/events", params={"channel": programs.CASES}, headers={"Authorization": f"Bearer {token}"}, stream=True,
        timeout=programs.CALL_SECONDS)
    answer.close()
    return answer.status_code == 401


def test_a_subject_a_token_and_everybody(guarded):
    def seconds_of_revoking(subject):
        client = connected(guarded, subject)
        started = time.monotonic()
        assert revoke(guarded, subject=subject).status_code == 204
        assert client.wait_closed()[0] == 4401
        return time.monotonic() - started

    grace, second = connected(guarded, "grace", jti="t-1"), connected(guarded, "grace", jti="t-2")
    # Of several: a machine that stands still for a moment spoils one.
    assert min(map(seconds_of_revoking, ("ada", "hedy", "joan"))) < 1, "revocation takes effect within a second"
    assert revoke(guarded, tokenId="t-1").status_code == 204
    assert grace.wait_closed()[0] == 4401
    assert_open(second)
    assert is_refused(guarded, guarded.token(claims={"sub": "grace", "jti": "t-1"}))
    assert revoke(guarded, issuedUpTo=int(time.time())).status_code == 204
    assert second.wait_closed()[0] == 4401
    later = guarded.token(claims={"sub": "ada", "iat": int(time.time()) + 5})
    assert not is_refused(guarded, later), "a token issued after it is good"
    assert guarded.metric("millrace_push_revocations_total") == 5


def test_an_event_stream_is_told_why_it_ends(guarded):
    """`event: close`, with what a WebSocket would have got; the others' streams go on."""
    stream = lambda subject, **claims: EventStream(guarded.events_url, guarded.token(claims={"sub": subject, **claims}))
    with stream("ada") as ada, stream("grace", jti="t-1") as grace, stream("hedy") as hedy, connected(guarded, "ada") as socket:
        for each in (ada, grace, hedy):
            each.wait_for("subscribed")
        assert revoke(guarded, subject="ada").status_code == 204
        closed = ada.wait_closed()
        assert closed[0] == 4401 and "revoked" in closed[1]
        assert closed == socket.wait_closed(), "as on a WebSocket"
        assert revoke(guarded, tokenId="t-1").status_code == 204
        assert grace.wait_closed() == closed
        heartbeats = hedy.comments
        programs.until(lambda: hedy.ended.is_set() or hedy.comments > heartbeats, what="a sign of life of the third")
        assert not hedy.ended.is_set(), hedy.events


def test_a_killed_gateway_remembers(guarded):
    token = guarded.token(claims={"sub": "ada"})
    assert not is_refused(guarded, token)
    assert revoke(guarded, subject="ada").status_code == 204
    guarded.program.kill()
    guarded.start()
    assert is_refused(guarded, token)


@pytest.mark.parametrize("secret", [None, "", "guess", programs.Gateway.ADMIN_SECRET + "x"])
def test_without_the_secret_nothing_is_revoked(guarded, secret):
    with connected(guarded, "ada") as ada:
        answer = revoke(guarded, secret, subject="ada")
        assert answer.status_code == 401
        assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"
        assert_open(ada)
        assert guarded.metric("millrace_admin_refused_total") >= 1


@pytest.mark.parametrize("body, word", [
    ({}, "subject"), ({"subject": 7}, "string"), ({"issuedUpTo": "now"}, "seconds"), ({"tokenId": "t", "subject": "ada"}, "alone"),
    ({"subject": "x" * 300}, "256"), ({"subject": "x" * 20_000}, "16384"),
])
def test_mistakes_are_explained(guarded, body, word):
    answer = revoke(guarded, **body)
    assert answer.status_code in (400, 413)
    assert word in answer.json()[0]["message"]


def test_no_secret_no_door(directories, org):
    class Unguarded(programs.Gateway):
        ADMIN_SECRET = None

    gateway = Unguarded(directories("unguarded"), org)
    try:
        assert revoke(gateway, "anything", subject="ada").status_code == 404
    finally:
        gateway.program.stop()
