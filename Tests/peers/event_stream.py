"""Server-Sent Events by `requests`, read in a thread so that waiting has a deadline."""

import contextlib
import json
import threading

import requests
import urllib3

import programs
from push_client import ids

PART_BYTES = 64 * 1024


class EventStream:
    """What came is kept in the order in which it came."""

    def __init__(self, events_url, token, last_event_id=None, **parameters):
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.answer = requests.get(
            events_url, params={"channel": programs.CASES, **parameters}, headers=headers, stream=True,
            timeout=programs.CALL_SECONDS)
        self.events = []
        self.comments = 0
        self.ended = threading.Event()
        """Set when the server has ended the stream, or the test."""
        if self.answer.status_code == 200:
            threading.Thread(target=self.read, daemon=True).start()

    def lines(self):
        """As they come, in pieces as large as what has come: a byte at a time would make a slow reader of it."""
        rest = b""
        while part := self.answer.raw.read1(PART_BYTES):
            *whole, rest = (rest + part).split(b"\n")
            yield from (line.decode() for line in whole)

    def read(self):
        fields = {}
        try:
            for line in self.lines():
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif fields:
                    self.events.append(fields)
                    fields = {}
        except UnicodeDecodeError:
            raise
        except (urllib3.exceptions.HTTPError, OSError, AttributeError, ValueError):
            pass  # Closed by the test.
        finally:
            self.ended.set()

    def wait_for(self, type, record_id=None):
        def find():
            for event in self.events:
                if event.get("event") == type:
                    message = json.loads(event["data"])
                    if record_id is None or record_id in ids(message):
                        return event, message
            return None
        return programs.until(find, what=f"{type} in the event stream")

    def wait_ended(self):
        """The last event, once the server has ended the stream."""
        assert self.ended.wait(programs.CALL_SECONDS), "the stream goes on"
        return self.events[-1]

    def wait_closed(self):
        """Code and reason, as a close frame would have them; nothing comes behind it."""
        last = self.wait_ended()
        assert last.get("event") == "close", last
        message = json.loads(last["data"])
        assert set(message) == {"type", "code", "reason"} and message["type"] == "close", message
        return message["code"], message["reason"]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        # The reader waits in it, and closing waits for the reader. What has ended already cannot be shut down.
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self.answer.raw.shutdown()
        self.answer.close()
