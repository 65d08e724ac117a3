"""A WebSocket by hand, for what no library lets one do."""

import base64
import json
import os
import socket
import ssl
import struct

import programs

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class BareSocket:
    def __init__(self, gateway, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(programs.CALL_SECONDS)
        self.socket.connect(("127.0.0.1", gateway.port))
        if gateway.certificates:
            self.socket = ssl.create_default_context().wrap_socket(self.socket, server_hostname="127.0.0.1")
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

    def send_pong(self):
        """Unasked, as a sign of life of one who does not read."""
        self.socket.sendall(b"\x8a\x80\0\0\0\0")

    def read_exactly(self, count):
        found = bytearray()
        while len(found) < count:
            part = self.socket.recv(count - len(found))
            assert part, "closed too early"
            found += part
        return bytes(found)

    def read_frame(self):
        """The next frame: its kind and what is in it."""
        first, length = self.read_exactly(2)
        assert first & 0x80 and length < 0x80, "whole frames, without a mask"
        if length == 126:
            [length] = struct.unpack("!H", self.read_exactly(2))
        elif length == 127:
            [length] = struct.unpack("!Q", self.read_exactly(8))
        return first & 0x0F, self.read_exactly(length)

    def read_message(self):
        """The next message; what the protocol beneath says is passed over."""
        while True:
            kind, content = self.read_frame()
            assert kind in (TEXT, PING, PONG), (kind, content)
            if kind == TEXT:
                return json.loads(content)

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
