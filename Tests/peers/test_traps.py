"""The traps of the protocols that no other module shows through them, one test each; its number is in the test's name.

The others: 5 and 30 in test_cometd, 7, 8, 9 and 12 in test_pubsub_grpcio, 19 and 29 in test_rest_simple_salesforce, 25 in
test_pubsub_publish, 27 in test_bulk, 28 in test_oauth_flows, 31 in test_odata; 6, 16, 17 and 20 to 26 also in Swift, where the test
moves the clock or the limits."""

import base64
import hashlib
import io
import json
import uuid

import fastavro
import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Decoder, Subscription
from push_client import PushClient
from test_cometd import Bayeux
from test_faults import Control
from test_pubsub_grpcio import canonical_form

ACCOUNTS = "/data/AccountChangeEvent"
REPLAY_REFUSED = "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"


@pytest.fixture(scope="module")
def org(directories):
    """With person accounts, whose names are a union of three."""
    org = programs.start_sandbox(directories("traps"), ports=[*programs.PORT_OPTIONS, "--person-accounts"])
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def pubsub(org, stubs):
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=options) as channel:
        yield stubs[1].PubSubStub(channel)


@pytest.fixture
def control(org):
    control = Control(org)
    yield control
    control.clear()


def waits(control, count):
    """So many streams have read up to the head and wait."""
    programs.until(lambda: control.get("/overview")["waiting_streams"] == count, what=f"{count} waiting streams")


@pytest.fixture
def subscribe(org, pubsub, stubs):
    return lambda topic=ACCOUNTS, **first: Subscription(
        pubsub, stubs[0], org.metadata, topic_name=topic, **{"num_requested": 100, **first})


@pytest.fixture
def decode(org, pubsub, stubs):
    return Decoder(pubsub, stubs[0], org.metadata)


def replayed(subscribe, stubs, decode, wanted, topic=ACCOUNTS, **start):
    """The retained events, decoded, up to the one that is wanted."""
    found = []
    with subscribe(topic, **(start or {"replay_preset": stubs[0].EARLIEST})) as stream:
        while True:
            response = stream.response()
            for event in response.events:
                found.append((event, decode(event)))
                if wanted(found[-1][1]):
                    return found
            stream.ask(num_requested=max(1, len(response.events)))


def last_of(subscribe, stubs, decode, record, kind="UPDATE", topic=ACCOUNTS):
    def is_it(value):
        header = value["ChangeEventHeader"]
        return record in header["recordIds"] and header["changeType"] == kind
    return replayed(subscribe, stubs, decode, is_it, topic)[-1]


def next_of(stream, decode, record):
    """The next event of a record on a stream."""
    while True:
        for event in stream.response().events:
            value = decode(event)
            if record in value["ChangeEventHeader"]["recordIds"]:
                return event, value


def test_trap_01_changed_fields_are_bitmaps_here_and_names_there(org, pubsub, subscribe, decode, stubs):
    """The first element may be a nested one, bitmaps exceed 64 bits, and bit 0 is the header."""
    def fields():
        topic = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata, timeout=WAIT_SECONDS)
        info = pubsub.GetSchema(
            stubs[0].SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
        return json.loads(info.schema_json)["fields"]
    for number in range(66 - len(fields())):
        org.rest("POST", "/tooling/sobjects/CustomField", {
            "FullName": f"Account.Bit_{number}__c", "Metadata": {"type": "Text", "length": 5, "label": "Bit"}}, 201)
    far = fields()[-1]["name"]
    account = org.create("Account", Name="Bits", BillingCity="Kiel")
    listener = Bayeux(org).open()
    assert listener.subscribe(ACCOUNTS)["successful"]
    org.update("Account", account, BillingCity="Ulm", **{far: "x"})
    event, value = last_of(subscribe, stubs, decode, account)
    elements = value["ChangeEventHeader"]["changedFields"]
    names = set(decode.bits(event, value))
    assert {"BillingAddress.City", far} <= names
    plain = [element for element in elements if "-" not in element]
    assert len(plain) == 1 and plain[0].startswith("0x") and int(plain[0], 16).bit_length() > 64
    assert not int(plain[0], 16) & 1, "no event says that its header changed"
    there = listener.events(1)[0]["data"]["payload"]["ChangeEventHeader"]
    assert set(there["changedFields"]) == names
    # A reference that is emptied moves no LastModifiedDate; a component alone leaves a nested element alone.
    fields = decode.schemas[event.event.schema_id]["fields"]
    nested = [element for element in elements if "-" in element]
    assert [fields[int(element.split("-")[0])]["name"] for element in nested] == ["BillingAddress"]


def test_trap_02_the_bits_belong_to_the_schema_of_the_event(org, pubsub, subscribe, decode, stubs):
    """A field is added between two updates: each event is read with its own schema, also when both are replayed."""
    account = org.create("Account", Name="Schema")
    org.update("Account", account, Phone="1")
    answer = org.rest("POST", "/tooling/sobjects/CustomField", {
        "FullName": "Account.Early__c", "Metadata": {"type": "Text", "length": 20, "label": "Early"}}, 201)
    assert answer.json()["success"]
    org.update("Account", account, Early__c="new", Website="w")
    events = [(event, value) for event, value in replayed(
        subscribe, stubs, decode, lambda value: value.get("Early__c") == "new")
        if account in value["ChangeEventHeader"]["recordIds"]][-2:]
    old, new = (event.event.schema_id for event, _ in events)
    assert old != new
    assert "Phone" in decode.bits(*events[0]) and {"Early__c", "Website"} <= set(decode.bits(*events[1]))
    newest = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata, timeout=WAIT_SECONDS).schema_id
    assert newest == new, "the topic names the newest; the replayed event says its own"


def test_trap_03_null_means_unchanged_unless_the_bitmap_says_otherwise(org, subscribe, decode, stubs):
    account = org.create("Account", Name="Nulls", Phone="1", Fax="2", ShippingCity="Kiel", ShippingStreet="1 Way")
    org.update("Account", account, Phone=None, ShippingCity=None)
    event, value = last_of(subscribe, stubs, decode, account)
    names = decode.bits(event, value)
    assert value["Phone"] is None and value["Fax"] is None, "both are null in the payload"
    assert "Phone" in names and "Fax" not in names
    assert "ShippingAddress.City" in names and "ShippingAddress.Street" not in names, "within a compound per component"
    assert set(decode.bits(event, value, "nulledFields")) == {"Phone", "ShippingAddress.City"}


def test_trap_04_a_schema_id_is_the_digest_of_the_canonical_form(org, pubsub, stubs):
    """`doc` is not in that form: a label, which stands there, changes nothing of the id."""
    def schema():
        topic = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=ACCOUNTS), metadata=org.metadata, timeout=WAIT_SECONDS)
        info = pubsub.GetSchema(
            stubs[0].SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS)
        return topic.schema_id, json.loads(info.schema_json)
    name, document = schema()
    computed = lambda document: base64.urlsafe_b64encode(
        hashlib.md5(canonical_form(document).encode()).digest()).rstrip(b"=").decode()
    assert computed(document) == name
    for field in document["fields"]:
        field["doc"] = "something else"
    assert computed(document) == name
    document["fields"].pop()
    assert computed(document) != name


def test_trap_10_expired_malformed_and_foreign_places_have_one_code(org, subscribe, stubs, control):
    """The cure is a snapshot and EARLIEST: that works where the place does not."""
    account = org.create("Account", Name="Old")
    with subscribe(replay_preset=stubs[0].EARLIEST) as stream:
        old = stream.response().events[0].replay_id
    control.call("POST", "/clock", {"advance": 73 * 3600})
    try:
        org._access = control.call("POST", "/session", {}).json()
        foreign = (int.from_bytes(old[:8], "big") + 10_000_000).to_bytes(8, "big") + b"\0\0"
        for place in (old, b"not a place", foreign):
            with subscribe(replay_preset=stubs[0].CUSTOM, replay_id=place) as stream:
                error = stream.error()
            assert dict(error.trailing_metadata())["error-code"] == REPLAY_REFUSED
        org.update("Account", account, Phone="after")
        with subscribe(replay_preset=stubs[0].EARLIEST) as stream:
            assert stream.events(1)
    finally:
        control.call("POST", "/clock", {"advance": -73 * 3600})
        org.forget_session()


def test_trap_11_who_resumes_at_latest_loses_events(org, subscribe, decode, stubs, control):
    account = org.create("Account", Name="Outage")
    waits(control, 0)  # Who has just gone would be taken for who is awaited.
    with subscribe(replay_preset=stubs[0].LATEST) as stream:
        waits(control, 1)
        org.update("Account", account, Phone="1")
        last, _ = next_of(stream, decode, account)
        control.fault("unavailable", topic=ACCOUNTS, times=1)
        assert stream.error().code() == grpc.StatusCode.UNAVAILABLE
    org.update("Account", account, Phone="2")
    waits(control, 0)
    with subscribe(replay_preset=stubs[0].LATEST) as stream:
        waits(control, 1)
        org.update("Account", account, Phone="3")
        assert next_of(stream, decode, account)[1]["Phone"] == "3", "the change in between is lost"
    with subscribe(replay_preset=stubs[0].CUSTOM, replay_id=last.replay_id) as stream:
        assert [next_of(stream, decode, account)[1]["Phone"] for _ in range(1)] == ["2"]


def test_trap_13_dates_are_longs_and_commit_numbers_exceed_doubles(org, subscribe, decode, stubs):
    contact = org.create("Contact", LastName="Dates", Birthdate="1990-05-17")
    event, value = last_of(subscribe, stubs, decode, contact, "CREATE", "/data/ContactChangeEvent")
    fields = {field["name"]: field for field in decode.schemas[event.event.schema_id]["fields"]}
    for name in ("Birthdate", "CreatedDate"):
        assert "long" in fields[name]["type"], "a plain long: no logical type"
    assert value["Birthdate"] == 642_902_400_000 and value["Birthdate"] % 86_400_000 == 0, "midnight UTC"
    assert isinstance(value["CreatedDate"], int)
    assert value["ChangeEventHeader"]["commitNumber"] > 2 ** 53


def test_trap_14_the_name_of_an_account_is_one_of_three(org, subscribe, decode, stubs):
    business = org.create("Account", Name="A business")
    person = org.create("Account", FirstName="Ada", LastName="Person")
    event, first = last_of(subscribe, stubs, decode, business, "CREATE")
    _, second = last_of(subscribe, stubs, decode, person, "CREATE")
    union = next(field for field in decode.schemas[event.event.schema_id]["fields"] if field["name"] == "Name")["type"]
    assert len(union) == 3 and union[:2] == ["null", "string"] and union[2]["type"] == "record"
    assert first["Name"] == "A business"
    assert (second["Name"]["FirstName"], second["Name"]["LastName"]) == ("Ada", "Person")
    address = next(field for field in decode.schemas[event.event.schema_id]["fields"] if field["name"] == "BillingAddress")
    assert 8 <= len(address["type"][1]["fields"]) <= 11


def test_trap_15_an_update_may_lack_its_date(org, subscribe, decode, stubs):
    parent = org.create("Account", Name="Parent")
    child = org.create("Account", Name="Child", ParentId=parent)
    org.delete("Account", parent)
    event, value = last_of(subscribe, stubs, decode, child)
    assert decode.bits(event, value) == ["ParentId"] and value["LastModifiedDate"] is None
    assert value["ChangeEventHeader"]["transactionKey"]


def test_trap_16_one_event_may_name_many_records_or_none(org, subscribe, decode, stubs, control):
    records = [{"attributes": {"type": "Account"}, "Name": "Merged"} for _ in range(3)]
    ids = [result["id"] for result in org.rest("POST", "/composite/sobjects", {"records": records}, 200).json()]
    _, value = last_of(subscribe, stubs, decode, ids[2], "CREATE")
    assert value["ChangeEventHeader"]["recordIds"] == ids
    control.fault("overflow", object="Account", times=1)
    org.update("Account", ids[0], Phone="1")
    is_overflow = lambda value: value["ChangeEventHeader"]["changeType"] == "GAP_OVERFLOW"
    _, value = replayed(subscribe, stubs, decode, is_overflow)[-1]
    assert value["ChangeEventHeader"]["recordIds"] == ["000000000000000AAA"]


def test_trap_18_only_another_key_ends_a_transaction(org, subscribe, decode, stubs):
    record = lambda kind, **fields: {"attributes": {"type": kind}, **fields}
    answer = org.rest("POST", "/composite/sobjects", {"allOrNone": True, "records": [
        record("Account", Name="One"), record("Contact", LastName="Two"), record("Account", Name="Three")]}, 200).json()
    ids = [result["id"] for result in answer]
    after = org.create("Account", Name="After")
    seen = replayed(subscribe, stubs, decode, lambda value: after in value["ChangeEventHeader"]["recordIds"], programs.ALL)
    headers = [value["ChangeEventHeader"] for _, value in seen if set(value["ChangeEventHeader"]["recordIds"]) & {*ids, after}]
    assert [header["recordIds"] for header in headers] == [[ids[0]], [ids[1]], [ids[2]], [after]]
    assert [header["sequenceNumber"] for header in headers] == [1, 2, 3, 1]
    assert len({header["transactionKey"] for header in headers[:3]}) == 1
    assert headers[3]["transactionKey"] != headers[0]["transactionKey"], "nothing else says that it was over"


def test_trap_20_every_subscriber_counts(org, subscribe, control):
    """The allocation is the sum over all subscribers of either protocol."""
    remaining = lambda: org.rest("GET", "/limits", expected=200).json()["DailyDeliveredPlatformEvents"]["Remaining"]
    listener = Bayeux(org).open()
    assert listener.subscribe(ACCOUNTS)["successful"]
    waits(control, 0)
    with subscribe(replay_preset=0) as first, subscribe(replay_preset=0) as second:
        waits(control, 2)
        before = remaining()
        org.create("Account", Name="Counted")
        first.events(1), second.events(1), listener.events(1)
        programs.until(lambda: before - remaining() == 3, what="the count of three deliveries")
    # Forgotten after a while, it would change the count of clients in another test.
    assert listener.send("/meta/disconnect")[0]["successful"]


def test_trap_32_every_page_of_every_user_is_a_client(org):
    """What the browser's component does: one CometD session per user and page, each of them counted."""
    remaining = lambda: org.rest("GET", "/limits", expected=200).json()["StreamingApiConcurrentClients"]["Remaining"]
    before = remaining()
    pages = [Bayeux(org).open() for _ in range(3)]
    for page in pages:
        assert page.subscribe(ACCOUNTS)["successful"]
    assert before - remaining() == 3
    for page in pages:
        assert page.send("/meta/disconnect")[0]["successful"]
    programs.until(lambda: remaining() == before, what="the clients' end")


# Permissions

@pytest.fixture
def access(org, control):
    """Sets what the org's user may receive; everything again at the end."""
    def put(**access):
        answer = control.call("POST", "/event-access", {"username": org.connection["username"], **access})
        assert answer.status_code == 200, answer.text
    yield put
    put()


def test_trap_21_without_permission_events_are_missing_and_channels_refused(org, access, subscribe, stubs, decode):
    """Silence on a channel of several objects, a refusal on that of one: over both protocols."""
    access(views_all_data=False, views_all_records_of=["Case"])
    account = org.create("Account", Name="Unseen")
    case_id = org.create("Case", Subject="Seen")
    seen = replayed(subscribe, stubs, decode, lambda event: case_id in event["ChangeEventHeader"]["recordIds"], programs.ALL)
    ids = [record for _, event in seen for record in event["ChangeEventHeader"]["recordIds"]]
    assert case_id in ids and account not in ids
    with subscribe(ACCOUNTS, replay_preset=stubs[0].LATEST) as stream:
        assert stream.error().code() == grpc.StatusCode.PERMISSION_DENIED
    client = Bayeux(org)
    client.open()
    assert client.subscribe(ACCOUNTS)["error"] == "403::User not allowed to subscribe CDC without View All Data permissions"
    assert client.subscribe("/data/CaseChangeEvent")["successful"]
    access()
    assert client.subscribe(ACCOUNTS)["successful"]


@pytest.mark.parametrize("body, status, field", [
    ({}, 400, "username"),
    ({"username": "nobody@example.com"}, 404, "username"),
    ({"views_all_data": "yes"}, 400, "views_all_data"),
    ({"views_all_records_of": ["Nothing"]}, 400, "views_all_records_of"),
    ({"views_all": True}, 400, "views_all"),
])
def test_access_that_cannot_be_is_refused(org, control, body, status, field):
    if field != "username":
        body = {"username": org.connection["username"], **body}
    answer = control.call("POST", "/event-access", body)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["field"] == field, answer.text


# Two events of one record in one transaction: this org makes one, so they are put on its bus as another org's would come

def test_trap_15_one_record_may_be_told_twice_in_one_transaction(directories, stubs):
    org = programs.start_sandbox(directories("twice"))
    gateway = programs.Gateway(directories("twice-gateway"), org)
    try:
        with grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)]) as channel, \
                PushClient(gateway, gateway.token([{"channel": ACCOUNTS}])) as client:
            pubsub = stubs[1].PubSubStub(channel)
            decode = Decoder(pubsub, stubs[0], org.metadata)
            subscribe = lambda topic=ACCOUNTS, **first: Subscription(
                pubsub, stubs[0], org.metadata, topic_name=topic, **{"num_requested": 100, **first})
            client.wait_for("welcome")
            assert client.subscribe(ACCOUNTS, form="record")["type"] == "subscribed"
            account = org.create("Account", Name="Told twice", Phone="1", Website="a.example")
            org.update("Account", account, Phone="2")
            event, value = last_of(subscribe, stubs, decode, account)
            schema_text = pubsub.GetSchema(
                stubs[0].SchemaRequest(schema_id=event.event.schema_id), metadata=org.metadata, timeout=WAIT_SECONDS).schema_json
            schema = fastavro.parse_schema(json.loads(schema_text))
            names = [field["name"] for field in json.loads(schema_text)["fields"]]

            def inject(number, **changed):
                header = {**value["ChangeEventHeader"], "transactionKey": "0000aaaa-0000-0000-0000-000000000015", "sequenceNumber": number,
                          "changedFields": [hex(sum(1 << names.index(name) for name in changed)).upper().replace("X", "x")]}
                payload = io.BytesIO()
                fastavro.schemaless_writer(
                    payload, schema, {**dict.fromkeys(names), "ChangeEventHeader": header, **changed})
                place = int.from_bytes(event.replay_id[:8], "big") + number
                answer = org.call("POST", "/sandbox/v1/events", {
                    "schema_json": schema_text, "schema_id": event.event.schema_id, "topic": ACCOUNTS, "event_id": str(uuid.uuid4()),
                    "replay_id_hex": place.to_bytes(8, "big").hex() + "0000", "payload_hex": payload.getvalue().hex()})
                assert answer.status_code == 201, answer.text
                return place

            first = inject(1, Phone="3")
            second = inject(2, Website="b.example")
            told = [found for found in replayed(
                subscribe, stubs, decode, lambda found: found["Website"] == "b.example") if found[1]["ChangeEventHeader"]["changeType"] == "UPDATE"]
            assert [decode.bits(*found) for found in told[-2:]] == [["Phone"], ["Website"]]
            assert len({found[1]["ChangeEventHeader"]["transactionKey"] for found in told[-2:]}) == 1
            # Neither is lost on the way, and the record has what both say.
            for place, wanted in ((first, ("3", "a.example")), (second, ("3", "b.example"))):
                message = client.wait_for("event", where=lambda message: message["data"]["event"]["replayId"] == place)
                payload = message["data"]["payload"]
                assert (payload["Phone"], payload["Website"]) == wanted
    finally:
        gateway.program.stop()
        org.program.stop()
