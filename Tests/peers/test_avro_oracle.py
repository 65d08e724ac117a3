"""The Avro codec against fastavro, in both directions.

Drives the executable `avro-oracle` (target Tests/AvroOracle) over JSON lines: random schemas and values that fastavro
encodes and Millrace decodes and encodes again, random ones that Millrace makes and fastavro decodes, and random change
events whose CometD form is worked out here a second time. The seed is printed; MILLRACE_ORACLE_SEED repeats a run,
MILLRACE_ORACLE_ROUNDS changes its length.
"""

import base64
import hashlib
import io
import json
import math
import os
import random
import struct
import subprocess
import threading
from datetime import datetime, timedelta, timezone

import fastavro
from fastavro.schema import to_parsing_canonical_form

import programs

ROUNDS = int(os.environ.get("MILLRACE_ORACLE_ROUNDS", "10000"))
SEED = int(os.environ.get("MILLRACE_ORACLE_SEED", random.SystemRandom().getrandbits(48)))

# Besides the primitive types: what a schema may be made of. A recursive record holds itself.
KINDS = {"array", "map", "fixed", "enum", "bytes", "union", "record", "recursive record"}


def ask(requests):
    """Sends all requests to one oracle process and returns its answers in order."""
    process = subprocess.Popen([str(programs.ORACLE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        for request in requests:
            process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    answers = [json.loads(line) for line in process.stdout]
    feeder.join()
    assert process.wait(timeout=programs.STOP_SECONDS) == 0
    assert len(answers) == len(requests)
    return answers


def canonical(schema):
    return to_parsing_canonical_form(fastavro.parse_schema(schema, _write_hint=False))


def schema_id(text):
    return base64.urlsafe_b64encode(hashlib.md5(text.encode()).digest()).rstrip(b"=").decode()


def encode(schema, value):
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, value)
    return buffer.getvalue()


def decode(schema, payload):
    buffer = io.BytesIO(payload)
    value = fastavro.schemaless_reader(buffer, schema, None)
    assert buffer.read() == b"", "fastavro reads to the last byte"
    return value


def report(value):
    """A value as avro-oracle reports it: exact floats and bytes in a form that JSON can carry."""
    if isinstance(value, float):
        return {"$f": "nan" if math.isnan(value) else format(struct.unpack(">Q", struct.pack(">d", value))[0], "x")}
    if isinstance(value, bytes):
        return {"$b": value.hex()}
    if isinstance(value, dict):
        return {key: report(item) for key, item in value.items()}
    if isinstance(value, list):
        return [report(item) for item in value]
    return value


class Maker:
    """Random schemas, and values that fit them."""

    TEXT = "abcXYZ019 \"\\/\n\r\t\x00\x01\x7fäß€漢字🚗\u2028"

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.made = 0
        self.complete = []
        self.open = []

    def schema(self):
        return self.type(0) if self.random.random() < 0.3 else self.record(0)

    def named(self, kind):
        self.made += 1
        name = f"{kind}{self.made}"
        choice = self.random.randrange(4)
        if choice == 0:
            return {"name": name, "namespace": "space.inner"}, f"space.inner.{name}"
        if choice == 1:
            return {"name": f"dotted.{name}", "namespace": "ignored"}, f"dotted.{name}"
        # With the enclosing namespace: referred to by nobody, since its full name is not known here.
        return {"name": name, "aliases": ["Old"], "doc": 'a "doc" – ü'}, None

    def type(self, depth, in_union=False):
        choice = self.random.randrange(9 if depth > 4 else 17)
        if choice < 9:
            plain = ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "string"][choice]
            return {"type": plain, "x-note": [1, 2.5, None]} if self.random.random() < 0.2 else plain
        if choice == 9:
            attributes, full = self.named("Fixed")
            self.complete += [full] if full else []
            return {"type": "fixed", **attributes, "size": self.random.randrange(9)}
        if choice == 10:
            attributes, full = self.named("Enum")
            self.complete += [full] if full else []
            return {"symbols": [f"S{i}" for i in range(self.random.randrange(1, 6))], "type": "enum", **attributes}
        if choice == 11:
            return {"type": "array", "items": self.type(depth + 1)}
        if choice == 12:
            return {"values": self.type(depth + 1), "type": "map"}
        if choice == 13:
            return self.record(depth + 1)
        if choice == 14 and self.complete:
            return self.random.choice(self.complete)
        if in_union:
            return "string"
        if self.open and self.random.random() < 0.3:
            return ["null", self.random.choice(self.open)]
        branches, kinds = [], set()
        for _ in range(self.random.randrange(1, 5)):
            known = list(self.complete)
            branch = self.type(depth + 1, in_union=True)
            kind = branch if isinstance(branch, str) else branch["type"]
            # fastavro chooses the branch of a Python value itself; kinds that it could confuse stand alone.
            kind = {"int": "number", "long": "number", "float": "number", "double": "number", "fixed": "bytes", "enum": "string",
                    "record": "dict", "map": "dict"}.get(kind, kind)
            if "." in str(kind):
                kind = "named"
            if kind in kinds or "named" in kinds or (kind == "named" and kinds):
                # Dropped, and with it the types that it defines.
                self.complete = known
                continue
            kinds.add(kind)
            branches.append(branch)
        return branches or ["null"]

    def record(self, depth):
        attributes, full = self.named("Record")
        if full:
            self.open.append(full)
        fields = [
            {"type": self.type(depth + 1), "doc": "Data:Text", "name": f"f{index}"} for index in range(self.random.randrange(6))
        ]
        if full:
            self.open.remove(full)
            self.complete.append(full)
        return {"fields": fields, "type": "record", **attributes}

    def text(self):
        return "".join(self.random.choice(self.TEXT) for _ in range(self.random.randrange(24)))

    def value(self, schema, names, depth=0):
        if isinstance(schema, list):
            return self.value(schema[0] if depth > 12 else self.random.choice(schema), names, depth + 1)
        if isinstance(schema, str) and schema in names:
            schema = names[schema]
        kind = schema["type"] if isinstance(schema, dict) else schema
        pick = self.random.randrange
        few = range(pick(2 if depth > 10 else 3 if depth > 3 else 6))
        if kind == "null":
            return None
        if kind == "boolean":
            return pick(2) == 0
        if kind == "int":
            return self.random.choice([0, -1, 63, 64, -64, -65, 2**31 - 1, -(2**31), pick(-(2**31), 2**31)])
        if kind == "long":
            return self.random.choice([0, 2**63 - 1, -(2**63), pick(-(2**63), 2**63) >> pick(64)])
        if kind == "float":
            return struct.unpack("<f", struct.pack("<f", self.random.choice([0.0, -0.0, 0.1, math.inf, self.random.gauss(0, 1e6)])))[0]
        if kind == "double":
            return self.random.choice([0.0, -0.0, 0.1, 1e300, -math.inf, self.random.gauss(0, 1e6), round(self.random.gauss(0, 1e3), 2)])
        if kind == "bytes":
            return self.random.randbytes(pick(20))
        if kind == "string":
            return self.text()
        if kind == "fixed":
            return self.random.randbytes(schema["size"])
        if kind == "enum":
            return self.random.choice(schema["symbols"])
        if kind == "array":
            return [self.value(schema["items"], names, depth + 1) for _ in few]
        if kind == "map":
            return {f"{i}{self.text()}": self.value(schema["values"], names, depth + 1) for i in few}
        assert kind in ("record", "error"), kind
        return {field["name"]: self.value(field["type"], names, depth + 1) for field in schema["fields"]}


def names_of(schema, names):
    """The named types of a parsed schema (whose names are full names) by name."""
    if isinstance(schema, list):
        for branch in schema:
            names_of(branch, names)
    elif isinstance(schema, dict):
        if "name" in schema:
            names[schema["name"]] = schema
        for key in ("items", "values"):
            if key in schema:
                names_of(schema[key], names)
        for field in schema.get("fields", []):
            names_of(field["type"], names)
        if isinstance(schema["type"], (dict, list)):
            names_of(schema["type"], names)
    return names


def kinds_of(schema, surrounding=frozenset()):
    """What a parsed schema is made of."""
    if isinstance(schema, str):
        return {"recursive record"} if schema in surrounding else {schema}
    if isinstance(schema, list):
        return {"union"}.union(*(kinds_of(branch, surrounding) for branch in schema))
    kind = schema["type"]
    if kind == "record":
        surrounding = surrounding | {schema["name"]}
    found = {kind} if isinstance(kind, str) else kinds_of(kind, surrounding)
    inner = [schema[key] for key in ("items", "values") if key in schema] + [field["type"] for field in schema.get("fields", [])]
    return found.union(*(kinds_of(part, surrounding) for part in inner))


def test_what_fastavro_encodes_is_read_and_written_identically():
    print(f"seed {SEED}, {ROUNDS} rounds")
    cases = []
    for round in range(ROUNDS):
        maker = Maker(SEED + round)
        schema = maker.schema()
        parsed = fastavro.parse_schema(schema, _write_hint=False)
        value = maker.value(parsed, names_of(parsed, {}))
        cases.append((schema, parsed, encode(parsed, value)))
    assert KINDS <= set().union(*(kinds_of(parsed) for _, parsed, _ in cases)), "the schemas made cover the types"
    answers = ask([{"op": "decode", "schema": json.dumps(s), "payload": p.hex()} for s, _, p in cases])
    for round, ((schema, parsed, payload), answer) in enumerate(zip(cases, answers)):
        where = f"seed {SEED + round}: {json.dumps(schema)} {payload.hex()}"
        assert "error" not in answer, (answer, where)
        form = canonical(schema)
        assert answer["canonical"] == form, where
        assert answer["id"] == schema_id(form), where
        assert answer["payload"] == payload.hex(), where
        assert answer["value"] == report(decode(parsed, payload)), where
        if "raw" in answer:
            assert_raw(json.loads(answer["raw"]), decode(parsed, payload), where)


def assert_raw(written, value, where):
    """The compiled program's plain JSON against the value."""
    if isinstance(value, float):
        if math.isfinite(value):
            # A float is written with the digits that tell it from other floats, not other doubles.
            assert written == value or struct.pack("<f", written) == struct.pack("<f", value), where
        else:
            assert written is None, where
    elif isinstance(value, bytes):
        assert written.encode("latin-1") == value, where
    elif isinstance(value, dict):
        assert written.keys() == value.keys(), where
        for key in value:
            assert_raw(written[key], value[key], where)
    elif isinstance(value, list):
        assert len(written) == len(value), where
        for left, right in zip(written, value):
            assert_raw(left, right, where)
    else:
        assert written == value and type(written) is type(value), where


def test_what_millrace_encodes_is_read_by_fastavro():
    print(f"seed {SEED}, {ROUNDS} rounds")
    answers = ask([{"op": "generate", "seed": SEED + round} for round in range(ROUNDS)])
    kinds = set()
    for round, answer in enumerate(answers):
        assert "error" not in answer, (answer, f"seed {SEED + round}")
        where = f"seed {SEED + round}: {answer['schema']} {answer['payload']}"
        schema = json.loads(answer["schema"])
        parsed = fastavro.parse_schema(schema, _write_hint=False)
        form = canonical(schema)
        assert answer["canonical"] == form, where
        assert answer["id"] == schema_id(form), where
        value = decode(parsed, bytes.fromhex(answer["payload"]))
        assert report(value) == answer["value"], where
        if "raw" in answer:
            assert_raw(json.loads(answer["raw"]), value, where)
        kinds |= kinds_of(parsed)
    assert KINDS <= kinds, "the schemas made cover the types"


# Change events. What follows works out the CometD form from fastavro's value, the slow way.

STRINGS = {"type": "array", "items": "string"}
HEADER = {
    "type": "record", "name": "ChangeEventHeader", "fields": [
        {"name": "entityName", "type": "string"}, {"name": "recordIds", "type": STRINGS},
        {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": [
            "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW",
            "SNAPSHOT"]}},
        {"name": "changeOrigin", "type": "string"}, {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"}, {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"}, {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": STRINGS}, {"name": "diffFields", "type": STRINGS}, {"name": "changedFields", "type": STRINGS}]}
ADDRESS = ["Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode", "Latitude", "Longitude", "GeocodeAccuracy"]
SIMPLE = [("string", "Data:Text"), ("string", "Data:DynamicEnum"), ("string", "Data:StringPlusClob"), ("boolean", "Data:Boolean"),
          ("int", "Data:Integer"), ("double", "Data:Currency"), ("long", "Data:DateTime"), ("long", "Data:DateOnly"),
          ("long", "Data:TimeOnly"), ("string", "ForeignKey:EntityId"), (STRINGS, "")]


def nullable(name, kind, doc=""):
    return {"name": name, "type": ["null", kind], "default": None, "doc": doc}


def event_schema(maker):
    pick = maker.random.randrange
    fields = [{"name": "ChangeEventHeader", "type": HEADER, "doc": "Data:ComplexValueType"}]
    address, location = None, None
    for index in range(1, pick(2, 120)):
        choice = pick(12)
        if choice == 0:
            parts = [nullable(c, "double" if c in ("Latitude", "Longitude") else "string") for c in ADDRESS[: pick(1, 11)]]
            address = "Address" if address else {"type": "record", "name": "Address", "fields": parts}
            fields.append(nullable(f"F{index}Address", address, "Data:Address"))
        elif choice == 1:
            parts = [nullable(c, "double") for c in ("Latitude", "Longitude")]
            location = "Location" if location else {"type": "record", "name": "Location", "fields": parts}
            fields.append(nullable(f"Loc{index}__c", location, "Data:Location:00Nxx0000000001"))
        else:
            kind, doc = maker.random.choice(SIMPLE)
            custom = pick(2)
            fields.append(nullable(f"F{index}" + ("__c" if custom else ""), kind, doc + (":00Nxx0000000002" if custom and doc else "")))
    return {"type": "record", "name": "ThingChangeEvent", "namespace": "com.sforce.eventbus", "fields": fields}


def components(field, parsed_names):
    kind = field["type"][1] if isinstance(field["type"], list) else field["type"]
    kind = parsed_names.get(kind, kind) if isinstance(kind, str) else kind
    if field["name"] == "ChangeEventHeader" or not isinstance(kind, dict) or kind["type"] != "record":
        return []
    return kind["fields"]


def hexadecimal(bits):
    number = sum(1 << bit for bit in bits)
    return "0x" + number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big").hex().upper()


def bitmap(names, schema, parsed_names):
    simple = [i for i, field in enumerate(schema["fields"]) if field["name"] in names]
    result = [hexadecimal(simple)] if simple else []
    for index, field in enumerate(schema["fields"]):
        bits = [i for i, part in enumerate(components(field, parsed_names)) if f"{field['name']}.{part['name']}" in names]
        if bits:
            result.append(f"{index}-{hexadecimal(bits)}")
    return result


def shown(value, doc):
    if value is None or isinstance(value, (bool, str, list)):
        return value
    kind = doc.split(":")[1] if ":" in doc else ""
    if kind == "DateTime":
        return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=value)).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (value % 1000)
    if kind == "DateOnly":
        return (datetime(1970, 1, 1) + timedelta(milliseconds=value)).strftime("%Y-%m-%d")
    if kind == "TimeOnly":
        return "%02d:%02d:%02d.%03dZ" % (value // 3600000, value // 60000 % 60, value // 1000 % 60, value % 1000)
    return value


def flat_name(field, part):
    if field.endswith("__c"):
        return f"{field[:-3]}__{part}__s"
    return field[: -len("Address")] + part


def random_event(maker, schema, names):
    pick, chance = maker.random.randrange, maker.random.random
    kind = maker.random.choice(["CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE"])

    def leaf(part):
        form, doc = part["type"][1], part.get("doc", "")
        if "TimeOnly" in doc:
            return pick(86_400_000)
        if "DateOnly" in doc:
            return pick(-30_000, 60_000) * 86_400_000
        if form == "long":
            return pick(-2**40, 2**42)
        if form == "double":
            return maker.random.choice([0.0, 37.793113, -1e-9, 1e22, maker.random.gauss(0, 1e5)])
        return maker.value(form, names)

    value, changed, nulled, diffs = {}, [], [], []
    for field in schema["fields"][1:]:
        parts = components(field, names)
        density = {"CREATE": 0.5, "UNDELETE": 0.5, "UPDATE": 0.2}.get(kind, 0.02)
        if not parts:
            present = chance() < density
            value[field["name"]] = leaf(field) if present else None
            if kind == "UPDATE" and (present and chance() < 0.9 or chance() < 0.05):
                changed.append(field["name"])
                if not present:
                    nulled.append(field["name"])
                elif "Clob" in field["doc"] and chance() < 0.5:
                    diffs.append(field["name"])
            continue
        inner = {part["name"]: leaf(part) if chance() < density else None for part in parts}
        value[field["name"]] = inner if any(v is not None for v in inner.values()) else None
        for part in parts:
            present = inner[part["name"]] is not None
            if kind == "UPDATE" and (present and chance() < 0.9 or chance() < 0.05):
                changed.append(f"{field['name']}.{part['name']}")
                if not present:
                    nulled.append(f"{field['name']}.{part['name']}")
    value["ChangeEventHeader"] = {
        "entityName": "Thing__c", "recordIds": [f"a00xx000000000{i}AAA" for i in range(pick(1, 4))], "changeType": kind,
        "changeOrigin": maker.text(), "transactionKey": "0000-k", "sequenceNumber": pick(1, 2**31), "commitTimestamp": pick(2**42),
        "commitNumber": pick(2**63), "commitUser": "005xx000001X8UzAAK", "nulledFields": bitmap(nulled, schema, names),
        "diffFields": bitmap(diffs, schema, names), "changedFields": bitmap(changed, schema, names)}
    ordered = [n for n in changed if "." not in n] + [n for n in changed if "." in n]
    return value, ordered, nulled, diffs


def expected_payload(schema, names, value, changed, diffs, mask):
    header = dict(value["ChangeEventHeader"])
    is_update = header["changeType"] == "UPDATE"
    allowed = lambda name: mask is None or name in mask
    flat = lambda name: flat_name(*name.split(".")) if "." in name else name
    del header["nulledFields"], header["diffFields"]
    header["changedFields"] = [name for name in changed if allowed(flat(name))]
    result = {"ChangeEventHeader": header}
    for field in schema["fields"][1:]:
        parts = components(field, names)
        if not parts:
            item = value[field["name"]]
            if allowed(field["name"]) and (item is not None or is_update and field["name"] in changed):
                item = shown(item, field["doc"])
                result[field["name"]] = {"diff": item} if field["name"] in diffs else item
            continue
        inner = {}
        for part in parts:
            item = (value[field["name"]] or {}).get(part["name"])
            if allowed(flat_name(field["name"], part["name"])) and (
                    item is not None or is_update and f"{field['name']}.{part['name']}" in changed):
                inner[part["name"]] = item
        if inner:
            result[field["name"]] = inner
    return result


def test_change_events_have_the_cometd_form():
    print(f"seed {SEED}")
    cases = []
    for round in range(max(1, ROUNDS // 8)):
        maker = Maker(SEED ^ round)
        schema = event_schema(maker)
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema)), _write_hint=False)
        names = names_of(schema, {})
        value, changed, nulled, diffs = random_event(maker, schema, names)
        mask = None
        if maker.random.random() < 0.4:
            flat = [f["name"] for f in schema["fields"][1:] if not components(f, names)]
            flat += [flat_name(f["name"], p["name"]) for f in schema["fields"][1:] for p in components(f, names)]
            mask = maker.random.sample(flat, maker.random.randrange(len(flat) + 1))
        cases.append((schema, names, value, changed, nulled, diffs, mask, encode(parsed, value)))
    answers = ask([
        {"op": "event", "schema": json.dumps(case[0]), "payload": case[-1].hex(), **({"mask": case[6]} if case[6] is not None else {})}
        for case in cases])
    for (schema, names, value, changed, nulled, diffs, mask, payload), answer in zip(cases, answers):
        where = f"seed {SEED}: {json.dumps(schema)} {payload.hex()} {mask}"
        assert "error" not in answer, (answer, where)
        assert json.loads(answer["json"]) == expected_payload(schema, names, value, changed, diffs, mask), where
        assert answer["changed"] == changed, where
        assert sorted(answer["nulled"]) == sorted(nulled) and sorted(answer["diffs"]) == sorted(diffs), where
        assert answer["bitmap"] == value["ChangeEventHeader"]["changedFields"], where
        assert answer["payload"] == payload.hex(), where


def test_damaged_payloads_are_refused_or_read_as_fastavro_reads_them():
    print(f"seed {SEED}")
    cases = []
    for round in range(max(1, ROUNDS // 5)):
        maker = Maker(SEED + 7 * round)
        schema = maker.record(0)
        parsed = fastavro.parse_schema(schema, _write_hint=False)
        payload = bytearray(encode(parsed, maker.value(parsed, names_of(parsed, {}))))
        for _ in range(maker.random.randrange(1, 4)):
            if payload:
                payload[maker.random.randrange(len(payload))] = maker.random.randrange(256)
        cases.append((schema, parsed, bytes(payload)))
    answers = ask([{"op": "decode", "schema": json.dumps(s), "payload": p.hex()} for s, _, p in cases])
    read = refused = 0
    for (schema, parsed, payload), answer in zip(cases, answers):
        if "error" in answer:
            refused += 1
            assert answer["offset"] >= 0, answer
        else:
            read += 1
            assert answer["value"] == report(decode(parsed, payload)), f"{json.dumps(schema)} {payload.hex()}"
    assert read > 0 and refused > 0
