"""`permessage-deflate` of the push door, spoken by the `websockets` package."""

import json
import struct
import time
import zlib

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.sync.client import connect

import programs
from push_client import SUBPROTOCOL, WAIT_SECONDS, PushClient


def opened(gateway, **factory):
    return connect(gateway.push_url, subprotocols=[SUBPROTOCOL], compression=None, proxy=None, open_timeout=WAIT_SECONDS,
                   extensions=[ClientPerMessageDeflateFactory(**factory)], max_size=None)


def until(socket, wanted):
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        message = json.loads(socket.recv(timeout=max(0.01, deadline - time.monotonic())))
        if message["type"] == wanted:
            return message


def marked(payload):
    """A text frame whose first reserved bit is set, masked with zeros: no library sends it unasked."""
    return bytes([0xC1, 0x80 | 127]) + struct.pack("!Q", len(payload)) + bytes(4) + payload


@pytest.mark.parametrize("factory", [{}, {"client_max_window_bits": True}, {"server_no_context_takeover": True, "client_no_context_takeover": True}])
def test_the_same_events_come_compressed(gateway, org, factory):
    contact = org.create_contact("Deflated")
    token = gateway.token(f"ContactId = '{contact}'")
    with opened(gateway, **factory) as socket, PushClient(gateway, token) as plain:
        [extension] = socket.protocol.extensions
        assert extension.name == "permessage-deflate"
        assert extension.remote_no_context_takeover and extension.local_no_context_takeover
        # What the client says is compressed too.
        socket.send(json.dumps({"type": "authenticate", "token": token}))
        for client in (lambda **message: socket.send(json.dumps(message)), plain.send):
            client(type="subscribe", id=1, channel=programs.CASES, form="record")
        assert until(socket, "subscribed") and plain.wait_for("subscribed")
        for number in range(3):
            org.create_case(contact, f"{number} " + "a long subject " * 15)
            assert until(socket, "event")["data"] == plain.wait_for("event")["data"]


def test_frames_are_smaller_on_the_wire(gateway, org):
    contact = org.create_contact("Smaller")
    token = gateway.token(f"ContactId = '{contact}'")
    sizes = []
    with opened(gateway) as socket:
        [extension] = socket.protocol.extensions
        decode = extension.decode

        def seen(frame, **options):
            sizes.append((frame.rsv1, len(frame.data)))
            return decode(frame, **options)

        extension.decode = seen
        socket.send(json.dumps({"type": "authenticate", "token": token}))
        socket.send(json.dumps({"type": "subscribe", "id": 1, "channel": programs.CASES, "form": "record"}))
        until(socket, "subscribed")
        org.create_case(contact, "compressed " * 20)
        event = until(socket, "event")
    whole = len(json.dumps(event, separators=(",", ":")))
    assert any(marked and size < whole / 2 for marked, size in sizes), (whole, sizes)


def test_an_offer_that_limits_the_servers_window_is_declined(gateway):
    with opened(gateway, server_max_window_bits=9) as socket:
        assert socket.protocol.extensions == []


def test_a_bomb_closes_its_connection_only(gateway):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(b'{"type":"' + b"a" * (50 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert len(bomb) < 60_000
    with PushClient(gateway, gateway.token()) as other, opened(gateway) as socket:
        other.wait_for("welcome")
        until(socket, "welcome")
        # As it is, past the library's own compression.
        socket.socket.sendall(marked(bomb[:-4]))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=WAIT_SECONDS)
        assert closed.value.rcvd.code == 1009
        assert other.subscribe()["type"] == "subscribed"


def test_a_mark_that_was_not_agreed_on_is_a_protocol_error(gateway):
    with connect(gateway.push_url, subprotocols=[SUBPROTOCOL], compression=None, proxy=None) as socket:
        socket.recv(timeout=WAIT_SECONDS)
        socket.socket.sendall(marked(b"x"))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=WAIT_SECONDS)
        assert closed.value.rcvd.code == 1002
