"""The push door behind TLS of its own: everything that it does in the clear, once more, on NIO's channels instead of the hub's own
sockets; and what only TLS has."""

import pathlib
import socket
import ssl

import pytest
import requests

import chromium
import programs
from event_stream import EventStream
from push_client import PushClient
from test_push_websockets import *  # noqa: F401,F403: the same tests, with the gateway below


@pytest.fixture(scope="module")
def certificates(org):
    return pathlib.Path(org.connection["ca_file"]).parent


@pytest.fixture(scope="module")
def gateway(directories, org, certificates):
    with pytest.MonkeyPatch.context() as environment:
        # What `requests` and `ssl` trust, and with it every client of these tests.
        environment.setenv("REQUESTS_CA_BUNDLE", str(certificates / "ca.pem"))
        environment.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
        gateway = programs.Gateway(directories("gateway-tls"), org, certificates=certificates)
        assert "https://" in gateway.program.output
        yield gateway
        gateway.program.stop()


def test_everybody_is_told_goodbye_when_the_gateway_stops(directories, org, certificates, gateway):
    other = programs.Gateway(directories("gateway-tls-stopped"), org, certificates=certificates)
    with PushClient(other, other.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        stream = EventStream(other.events_url, other.token())
        stream.wait_for("subscribed")
        other.program.stop()
        code, reason = client.wait_closed()
        assert code == 1001 and reason.startswith("retry-after-ms=")
        stream.wait_ended()


def test_a_connection_that_was_used_for_requests_can_become_an_event_stream(gateway):
    """HTTP keeps connections: the request for the stream is the second on its own."""
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", gateway.port), programs.CALL_SECONDS) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            seen = b""
            while b"\r\n\r\n" not in seen:
                seen += connection.recv(4096)
            connection.sendall((
                f"GET /events?channel={programs.CASES} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n"
                f"Authorization: Bearer {gateway.token()}\r\n\r\n").encode())
            while b"event: subscribed" not in seen and b'"type":"subscribed"' not in seen:
                part = connection.recv(4096)
                assert part, seen
                seen += part
            assert b"text/event-stream" in seen


def test_what_is_no_tls_and_what_breaks_off_harms_nobody(gateway, org):
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        for junk in (b"", b"GET /push HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"\xff" * 600):
            with socket.create_connection(("127.0.0.1", gateway.port), programs.CALL_SECONDS) as broken:
                broken.sendall(junk)
        # In the middle of an open connection, without a goodbye and with garbage for ciphertext.
        with PushClient(gateway, gateway.token()) as victim:
            victim.wait_for("welcome")
            raw = victim.socket.socket
            raw_plain = socket.socket(fileno=raw.detach())
            raw_plain.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
            raw_plain.close()
        client.event(org.create_case(org.create_contact("Broken"), "after the broken ones"))


@chromium.needed
def test_a_page_listens_over_tls(directories, org, certificates, gateway):
    """Chromium's own WebSocket, from a page of the gateway's address, with a certificate that it is told to accept."""
    own = programs.Gateway(directories("gateway-tls-page"), org, certificates=certificates)
    own.program.stop()
    own.ORIGIN = own.url  # Known now, and kept: it starts again at its port.
    own.start()
    browser = chromium.start("--ignore-certificate-errors")
    try:
        browser.get(f"{own.url}/health")
        browser.execute_script("""
            const [url, token, channel] = [...arguments];
            window.seen = [];
            const socket = new WebSocket(url, ["millrace.v1", "bearer." + token]);
            socket.onmessage = event => {
                const message = JSON.parse(event.data);
                window.seen.push(event.data);
                if (message.type === "welcome") socket.send(JSON.stringify({type: "subscribe", id: 1, channel}));
            };
            socket.onclose = event => window.seen.push("closed " + event.code);
        """, own.push_url, own.token(), programs.CASES)
        seen = lambda: "\n".join(browser.execute_script("return window.seen"))
        programs.until(lambda: '"subscribed"' in seen(), what="a subscribed page")
        case_id = org.create_case(org.create_contact("Chromium"), "seen by a page over TLS")
        programs.until(lambda: case_id in seen(), what="the event in the page")
    finally:
        browser.quit()
    own.program.stop()
