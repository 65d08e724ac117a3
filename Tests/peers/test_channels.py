"""Custom channels made over the Tooling API and read with grpcio: filters, enrichment, large texts as differences."""

import hashlib
import re

import grpc
import pytest

import programs
from pubsub_client import WAIT_SECONDS, Decoder, Subscription
from test_cometd import Bayeux

CHANNEL = "/data/Sales__chn"


@pytest.fixture(scope="module")
def channel_org(directories):
    org = programs.start_sandbox(directories("channels"))
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def pubsub(channel_org, stubs):
    options = [("grpc.enable_http_proxy", 0)]
    with grpc.insecure_channel(channel_org.connection["grpc_plaintext_address"], options=options) as channel:
        yield stubs[1].PubSubStub(channel)


def tooling(org, method, path, body=None):
    return org.rest(method, f"/tooling/sobjects/{path}", body)


def member(name, event, channel="Sales__chn", **metadata):
    return {"FullName": name, "Metadata": {"eventChannel": channel, "selectedEntity": event, **metadata}}


@pytest.fixture(scope="module")
def sales(channel_org):
    """A channel with two members: filtered, and enriched."""
    answer = tooling(channel_org, "POST", "PlatformEventChannel",
                     {"FullName": "Sales__chn", "Metadata": {"channelType": "data", "label": "Sales"}})
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert document.pop("id").startswith("0YL")
    assert document == {"success": True, "errors": [], "warnings": [], "infos": []}
    for body in (
        member("Sales_chn_AccountChangeEvent", "AccountChangeEvent", filterExpression="Industry='Energy'",
               enrichedFields=[{"name": "Phone"}, {"name": "BillingAddress"}]),
        member("Sales_chn_ContactChangeEvent", "ContactChangeEvent"),
    ):
        answer = tooling(channel_org, "POST", "PlatformEventChannelMember", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["id"].startswith("0v8")
    return channel_org


@pytest.fixture
def decode(pubsub, stubs, channel_org):
    return Decoder(pubsub, stubs[0], channel_org.metadata)


def test_a_channel_is_filtered_and_enriched(sales, pubsub, stubs, decode):
    """Over gRPC, and over CometD, which has no empty values."""
    listener = Bayeux(sales).open()
    assert listener.subscribe(CHANNEL)["successful"]
    with Subscription(pubsub, stubs[0], sales.metadata, topic_name=CHANNEL, num_requested=100,
                      replay_preset=stubs[0].EARLIEST) as subscription:
        energy = sales.create("Account", Name="E", Industry="Energy", Phone="1", BillingCity="Oslo")
        bare = sales.create("Account", Name="B", Industry="Energy")
        retail = sales.create("Account", Name="R", Industry="Retail")
        sales.update("Account", retail, Phone="2")
        sales.update("Account", energy, Fax="3")
        sales.update("Account", bare, Fax="4")
        case = sales.create("Case", Subject="never here")
        contact = sales.create("Contact", LastName="Last", AccountId=energy)
        seen = []
        while contact not in [one for value in seen for one in value["ChangeEventHeader"]["recordIds"]]:
            seen += [decode(event) for event in subscription.events(1)]

    def update(values, record):
        return next(value for value in values if value["ChangeEventHeader"]["recordIds"] == [record]
                    and value["ChangeEventHeader"]["changeType"] == "UPDATE")

    ids = [one for value in seen for one in value["ChangeEventHeader"]["recordIds"]]
    assert retail not in ids and case not in ids
    rich, poor = update(seen, energy), update(seen, bare)
    assert (rich["Fax"], poor["Fax"]) == ("3", "4")
    # Unchanged, and there all the same: the enriched fields, and the filter's.
    assert (rich["Phone"], rich["Industry"], rich["BillingAddress"]["City"]) == ("1", "Energy", "Oslo")
    assert rich["Name"] is None
    assert (poor["Phone"], poor["Industry"]) == (None, "Energy")

    heard = []
    while contact not in [one for value in heard for one in value["ChangeEventHeader"]["recordIds"]]:
        heard += [message["data"]["payload"] for message in listener.events(1)]
    ids = [one for value in heard for one in value["ChangeEventHeader"]["recordIds"]]
    assert retail not in ids and case not in ids
    rich, poor = update(heard, energy), update(heard, bare)
    for value in (rich, poor):
        assert set(value["ChangeEventHeader"]["changedFields"]) <= {"Fax", "LastModifiedDate"}
        assert "Fax" in value["ChangeEventHeader"]["changedFields"] and "Name" not in value
    assert (rich["Phone"], rich["Industry"], rich["BillingAddress"]) == ("1", "Energy", {"City": "Oslo"})
    assert poor["Industry"] == "Energy" and not {"Phone", "BillingAddress"} & set(poor), "an empty one is left out"


def test_the_channel_has_no_schema(sales, pubsub, stubs):
    topic = pubsub.GetTopic(stubs[0].TopicRequest(topic_name=CHANNEL), metadata=sales.metadata, timeout=WAIT_SECONDS)
    assert topic.schema_id == "" and topic.can_subscribe and not topic.can_publish


@pytest.mark.parametrize("metadata, code", [
    ({"filterExpression": "Industry IN ('A')"}, "FIELD_INTEGRITY_EXCEPTION"),
    ({"filterExpression": "NumberOfEmployees > 2147483648"}, "FIELD_INTEGRITY_EXCEPTION"),
    ({"filterExpression": "BillingCity = 'X'"}, "FIELD_INTEGRITY_EXCEPTION"),
    ({"enrichedFields": [{"name": "Description"}]}, "FIELD_INTEGRITY_EXCEPTION"),
    ({"color": "blue"}, "INVALID_FIELD"),
])
def test_bad_members_are_refused(sales, metadata, code):
    name = f"Bad_{abs(hash(str(metadata)))}"
    answer = tooling(sales, "POST", "PlatformEventChannelMember",
                     member(name, "CaseChangeEvent" if "color" in metadata else "AccountChangeEvent", "ChangeEvents", **metadata))
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] in (code, "DUPLICATE_VALUE")


def test_patch_takes_the_whole_body(sales):
    rows = tooling(sales, "POST", "PlatformEventChannel", {"FullName": "Other__chn", "Metadata": {
        "channelType": "data", "label": "Other"}}).json()
    half = tooling(sales, "PATCH", f"PlatformEventChannel/{rows['id']}", {"FullName": "Other__chn"})
    assert half.status_code == 400 and half.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    whole = tooling(sales, "PATCH", f"PlatformEventChannel/{rows['id']}", {"FullName": "Other__chn", "Metadata": {
        "channelType": "data", "label": "Renamed"}})
    assert whole.status_code == 204, whole.text
    assert tooling(sales, "GET", f"PlatformEventChannel/{rows['id']}").json()["Metadata"]["label"] == "Renamed"
    assert tooling(sales, "DELETE", f"PlatformEventChannel/{rows['id']}").status_code == 204
    assert tooling(sales, "GET", f"PlatformEventChannel/{rows['id']}").status_code == 404


def test_a_field_that_a_channel_needs_cannot_be_deleted(sales):
    """The filter of one member and the enrichment of another hold their fields; without the members they go."""
    for name in ("Filtered__c", "Enriched__c", "Free__c"):
        body = {"FullName": f"Account.{name}", "Metadata": {"type": "Text", "length": 20, "label": name[:-3]}}
        assert tooling(sales, "POST", "CustomField", body).status_code == 201
    assert tooling(sales, "POST", "PlatformEventChannel", {
        "FullName": "Held__chn", "Metadata": {"channelType": "data", "label": "Held"}}).status_code == 201
    answer = tooling(sales, "POST", "PlatformEventChannelMember", member(
        "Held_chn_AccountChangeEvent", "AccountChangeEvent", channel="Held__chn", filterExpression="Filtered__c = 'x'",
        enrichedFields=[{"name": "Enriched__c"}]))
    assert answer.status_code == 201, answer.text
    holder = answer.json()["id"]
    query = "/tooling/query?q=SELECT+Id,DeveloperName+FROM+CustomField"
    ids = {row["DeveloperName"]: row["Id"] for row in sales.rest("GET", query, expected=200).json()["records"]}
    for name in ("Filtered", "Enriched"):
        refused = tooling(sales, "DELETE", f"CustomField/{ids[name]}")
        assert refused.status_code == 400, name
        assert "Held_chn_AccountChangeEvent" in refused.json()[0]["message"]
        assert f"{name}__c" in [field["name"] for field in sales.rest("GET", "/sobjects/Account/describe").json()["fields"]]
    assert tooling(sales, "DELETE", f"CustomField/{ids['Free']}").status_code == 204
    assert tooling(sales, "DELETE", f"PlatformEventChannelMember/{holder}").status_code == 204
    for name in ("Filtered", "Enriched"):
        assert tooling(sales, "DELETE", f"CustomField/{ids[name]}").status_code == 204


# Large texts

def apply(diff, old):
    """A unified diff without context lines on a text, written from the protocol's description alone."""
    head, hunks = diff.split("\n")[:2], diff.split("\n")[2:]
    assert head[0] == "--- " and re.fullmatch(r"\+\+\+ [0-9a-f]{64}", head[1])
    breaks = "\r\n" if "\r\n" in old else "\n"
    lines, new, place = old.splitlines(), [], 0
    while hunks:
        start, count, _, added = map(int, re.fullmatch(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@", hunks.pop(0)).groups())
        first = start - 1 if count else start
        new += lines[place:first]
        removed = [hunks.pop(0) for _ in range(count)]
        assert removed == ["-" + line for line in lines[first:first + count]]
        place = first + count
        new += [hunks.pop(0)[1:] for _ in range(added)]
    text = breaks.join(new + lines[place:])
    assert hashlib.sha256(text.encode()).hexdigest() == head[1][4:]
    return text


@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
def test_a_large_text_comes_as_a_difference(channel_org, pubsub, stubs, decode, breaks):
    lines = [f"Paragraph {number}: the vehicle was towed and looked at again." for number in range(60)]
    old = breaks.join(lines)
    account = channel_org.create("Account", Name="Text", Description=old)
    lines[7] = "Paragraph 7 has a new end."
    del lines[20]
    lines.insert(40, "Paragraph 40½ is new.")
    new = breaks.join(lines)
    with Subscription(pubsub, stubs[0], channel_org.metadata, topic_name="/data/AccountChangeEvent", num_requested=100) as stream:
        stream.ask(num_requested=1)
        # A subscription from now needs a moment to be there: every update is one more chance.
        programs.until(lambda: channel_org.update("Account", account, Phone=str(stream.responses.qsize())) or stream.responses.qsize(),
                       every=0.2)
        channel_org.update("Account", account, Description=new)
        found = []
        while not found:  # A response may bring several.
            found = [(event, value) for event in stream.events(1) if "Description" in decode.bits(event, value := decode(event))]
    [(event, value)] = found
    assert decode.bits(event, value, "diffFields") == ["Description"]
    assert value["Description"] != new
    assert apply(value["Description"], old) == new


# Schemas over REST

def test_event_schemas_over_rest(channel_org, pubsub, stubs):
    request = stubs[0].TopicRequest(topic_name="/data/AccountChangeEvent")
    topic = pubsub.GetTopic(request, metadata=channel_org.metadata, timeout=WAIT_SECONDS)
    compact = channel_org.rest("GET", f"/event/eventSchema/{topic.schema_id}?payloadFormat=COMPACT", expected=200).json()
    assert compact["name"] == "AccountChangeEvent" and compact["uuid"] == topic.schema_id
    by_name = channel_org.rest("GET", "/sobjects/AccountChangeEvent/eventSchema?payloadFormat=COMPACT", expected=200).json()
    assert by_name == compact
    expanded = channel_org.rest("GET", "/sobjects/AccountChangeEvent/eventSchema", expected=200).json()
    assert expanded["type"] == "expanded-record"
    assert [field["name"] for field in expanded["fields"]] == ["data", "channel"]
    assert channel_org.rest("GET", "/event/eventSchema/AAAAAAAAAAAAAAAAAAAAAA").status_code == 404
    assert channel_org.rest("GET", "/sobjects/AccountChangeEvent/eventSchema?payloadFormat=WIDE").status_code == 400
