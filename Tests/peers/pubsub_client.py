"""What the tests of the Pub/Sub door share: streams of grpcio, read with a deadline, and payloads read by fastavro."""

import io
import json
import pathlib
import queue
import re
import shutil
import threading

import certifi
import fastavro
import grpc

WAIT_SECONDS = 120


class Subscription:
    """A Subscribe stream: what it asks for is put into a queue, what comes is read with a deadline."""

    END = object()

    def __init__(self, pubsub, pb2, metadata, managed=False, **first):
        self.make = pb2.ManagedFetchRequest if managed else pb2.FetchRequest
        self.requests = queue.Queue()
        self.responses = queue.Queue()
        self.ask(**first)
        method = pubsub.ManagedSubscribe if managed else pubsub.Subscribe
        self.call = method(iter(self.requests.get, self.END), metadata=metadata)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.pending = None

    def read(self):
        try:
            for response in self.call:
                self.responses.put(response)
            self.responses.put(None)
        except grpc.RpcError as error:
            self.responses.put(error)

    def ask(self, **fields):
        self.requests.put(self.make(**fields))

    def response(self, seconds=WAIT_SECONDS):
        got = self.responses.get(timeout=seconds)
        if isinstance(got, grpc.RpcError):
            raise got
        assert got is not None, "the stream ended"
        return got

    def events(self, count, seconds=WAIT_SECONDS):
        found = []
        while len(found) < count:
            found += self.response(seconds).events
        return found

    def error(self):
        while True:
            got = self.responses.get(timeout=WAIT_SECONDS)
            if isinstance(got, grpc.RpcError):
                return got
            assert got is not None, "the stream ended without an error"

    def close(self):
        """Closes our side and waits for the server to end its own."""
        self.requests.put(self.END)
        self.reader.join(WAIT_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.requests.put(self.END)
        self.call.cancel()
        self.reader.join(WAIT_SECONDS)


class Decoder:
    """Payloads as Python values, by the schema that each event names."""

    def __init__(self, pubsub, pb2, metadata):
        self.ask = lambda name: pubsub.GetSchema(pb2.SchemaRequest(schema_id=name), metadata=metadata, timeout=WAIT_SECONDS)
        self.schemas = {}

    def __call__(self, event):
        name = event.event.schema_id
        if name not in self.schemas:
            self.schemas[name] = fastavro.parse_schema(json.loads(self.ask(name).schema_json))
        stream = io.BytesIO(event.event.payload)
        value = fastavro.schemaless_reader(stream, self.schemas[name], None)
        assert stream.read() == b"", "bytes are left behind the value"
        return value

    @staticmethod
    def record(fields, field):
        """The record in a field's union; where it is only named, as it stands at its first use."""
        for branch in field["type"]:
            if isinstance(branch, dict):
                return branch
        named = [branch for branch in field["type"] if branch not in ("null", "string")]
        return next(branch for other in fields if isinstance(other["type"], list) for branch in other["type"]
                    if isinstance(branch, dict) and branch["name"] == named[0])

    def bits(self, event, value, bitmap="changedFields"):
        """The names behind a bitmap of the header."""
        fields = self.schemas[event.event.schema_id]["fields"]
        names = []
        for element in value["ChangeEventHeader"][bitmap]:
            parent, _, mask = element.rpartition("-")
            if not parent:
                listed, prefix = fields, ""
            else:
                field = fields[int(parent)]
                listed, prefix = self.record(fields, field)["fields"], field["name"] + "."
            names += [prefix + field["name"] for bit, field in enumerate(listed) if int(mask, 16) >> bit & 1]
        return names


def check_error(error, status, code):
    assert error.code() == status, error
    trailers = dict(error.trailing_metadata())
    assert trailers.get("error-code") == code, trailers
    assert re.search(r" rpcId: [0-9a-f-]{36}$", error.details()), error.details()


def certifi_with(ca_file, directory):
    """A copy of certifi whose bundle ends with our authority, as a user would append it; for PYTHONPATH. Libraries that take their
    roots from certifi alone then trust the sandbox without being told."""
    copy = pathlib.Path(directory) / "certifi"
    shutil.copytree(pathlib.Path(certifi.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with open(copy / "cacert.pem", "ab") as bundle:
        bundle.write(b"\n" + pathlib.Path(ca_file).read_bytes())
    return directory
