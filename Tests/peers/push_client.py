"""A small client of the push protocol on the `websockets` package: what an app of somebody else's would do."""

import contextlib
import json
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SUBPROTOCOL = "millrace.v1"
WAIT_SECONDS = 60


class PushClient:
    """Messages are kept in the order in which they came; waiting for one looks through what came already, once."""

    def __init__(self, gateway, token=None, origin=None, in_subprotocol=False, in_header=False, **options):
        subprotocols = [SUBPROTOCOL]
        headers = {}
        if in_subprotocol:
            subprotocols.append(f"bearer.{token}")
        if in_header:
            headers["Authorization"] = f"Bearer {token}"
        options.setdefault("proxy", None)
        self.stack = contextlib.ExitStack()
        self.socket = self.stack.enter_context(connect(
            gateway.push_url, subprotocols=subprotocols, origin=origin, additional_headers=headers, open_timeout=WAIT_SECONDS,
            close_timeout=2, compression=None, **options))
        self.messages = []
        self.unseen = []
        self.next_id = 0
        if token is not None and not in_subprotocol and not in_header:
            self.send(type="authenticate", token=token)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stack.close()

    def send(self, **message):
        self.socket.send(json.dumps(message))

    def receive(self, seconds=WAIT_SECONDS):
        message = json.loads(self.socket.recv(timeout=seconds))
        self.messages.append(message)
        return message

    def wait_for(self, type=None, where=lambda message: True, seconds=WAIT_SECONDS):
        """The first message not yet waited for that fits; those before it are passed over."""
        deadline = time.monotonic() + seconds
        while True:
            while self.unseen:
                message = self.unseen.pop(0)
                if (type is None or message["type"] == type) and where(message):
                    return message
            left = deadline - time.monotonic()
            assert left > 0, f"no {type} came; the last were {self.messages[-5:]}"
            try:
                self.unseen.append(self.receive(left))
            except TimeoutError:
                raise AssertionError(f"no {type} came in {seconds} s; the last were {self.messages[-5:]}") from None

    def subscribe(self, channel="/data/CaseChangeEvent", **options):
        """The answer, `subscribed` or `error`."""
        self.next_id += 1
        self.send(type="subscribe", id=self.next_id, channel=channel, **options)
        return self.answer(self.next_id)

    def answer(self, request_id):
        """The answer to a request; events that come before it stay to be waited for."""
        passed = []
        deadline = time.monotonic() + WAIT_SECONDS
        try:
            while True:
                message = self.unseen.pop(0) if self.unseen else self.receive(max(0.01, deadline - time.monotonic()))
                if message.get("id") == request_id:
                    return message
                passed.append(message)
        finally:
            self.unseen = passed + self.unseen

    def event(self, record_id=None, type="event", seconds=WAIT_SECONDS, where=lambda message: True):
        """The next event (or `left`) of a record."""
        fits = lambda message: (record_id is None or record_id in ids(message)) and where(message)
        return self.wait_for(type, fits, seconds)

    def nothing_until(self, marker):
        """What came before the message that `marker` accepts, which comes for certain: so nothing else is on its way."""
        before = []
        self.wait_for(where=lambda message: marker(message) or before.append(message))
        return before

    def wait_closed(self, seconds=WAIT_SECONDS):
        """Reads until the server closes; gives code and reason."""
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.receive(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, f"the connection ended without a close frame: {closed}"
            return closed.rcvd.code, closed.rcvd.reason
        except TimeoutError:
            pass
        raise AssertionError(f"the server did not close in {seconds} s; the last messages were {self.messages[-5:]}")


def header(message):
    return message["data"]["payload"]["ChangeEventHeader"]


def ids(message):
    return header(message)["recordIds"] if message["type"] in ("event", "left") else []


def place(message):
    return message["data"]["event"]["replayId"] if "data" in message else message["replayId"]
