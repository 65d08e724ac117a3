"""The SOAP API's calls on records by raw envelopes of the partner API: what only this API has (merge, undelete, conversion, the
recycle bin), and the calls that clients which log in by SOAP go on with."""

import datetime
import xml.etree.ElementTree as tree

import pytest

import programs
from pubsub_client import Decoder, Subscription

VERSION = "64.0"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com"
  xmlns:urn1="urn:sobject.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <soapenv:Header><urn:SessionHeader><urn:sessionId>{session}</urn:sessionId></urn:SessionHeader>{headers}</soapenv:Header>
  <soapenv:Body>{body}</soapenv:Body>
</soapenv:Envelope>"""
ALL_OR_NONE = "<urn:AllOrNoneHeader><urn:allOrNone>true</urn:allOrNone></urn:AllOrNoneHeader>"


def local(element):
    return element.tag.rpartition("}")[2]


def value(element):
    """An element as Python has it: text, None, or a dictionary; what stands there twice is a list."""
    if element.get(f"{XSI}nil") == "true":
        return None
    if not len(element):
        return element.text or ""
    found = {}
    for child in element:
        found.setdefault(local(child), []).append(value(child))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


class Fault(Exception):
    def __init__(self, element):
        self.code = element.find("faultcode").text
        self.text = element.find("faultstring").text
        [self.detail] = list(element.find("detail"))


class SOAP:
    """Calls with the session of a REST client, as clients mix them."""

    def __init__(self, org):
        self.org = org
        self.url = f"{org.connection['http_url']}/services/Soap/u/{VERSION}"

    def call(self, operation, body="", headers=""):
        text = ENVELOPE.format(session=self.org.access["access_token"], headers=headers,
                               body=f"<urn:{operation}>{body}</urn:{operation}>")
        answer = self.org.http.post(self.url, data=text.encode(), timeout=programs.CALL_SECONDS, headers={
            "Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'})
        [content] = tree.fromstring(answer.content).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
        if local(content) == "Fault":
            assert answer.status_code == 500
            raise Fault(content)
        assert answer.status_code == 200 and local(content) == f"{operation}Response"
        return [value(result) for result in content]

    def save(self, operation, *records, before="", headers=""):
        body = "".join(
            "<urn:sObjects>" + "".join(f"<urn1:{name}>{text}</urn1:{name}>" for name, text in record) + "</urn:sObjects>"
            for record in records)
        return self.call(operation, before + body, headers)

    def ids(self, operation, *ids, headers=""):
        return self.call(operation, "".join(f"<urn:ids>{one}</urn:ids>" for one in ids), headers)

    def query(self, soql, operation="query"):
        [page] = self.call(operation, f"<urn:queryString>{soql}</urn:queryString>")
        records = page.get("records", [])
        page["records"] = records if isinstance(records, list) else [records]
        return page


@pytest.fixture(scope="module")
def soap(org):
    return SOAP(org)


def test_records_are_created_changed_and_deleted(soap, org):
    good, bad = soap.save("create", [("type", "Account"), ("Name", "Soap &amp; Sons"), ("NumberOfEmployees", "7")],
                          [("type", "Account"), ("Phone", "1")])
    assert good["success"] == "true" and bad["success"] == "false" and bad["id"] is None
    assert bad["errors"] == {"fields": "Name", "message": "Required fields are missing: [Name]", "statusCode": "REQUIRED_FIELD_MISSING"}
    record = org.get("Account", good["id"])
    assert (record["Name"], record["NumberOfEmployees"]) == ("Soap & Sons", 7)

    [saved] = soap.save("update", [("type", "Account"), ("fieldsToNull", "NumberOfEmployees"), ("Id", good["id"]), ("Phone", "2")])
    assert saved == {"id": good["id"], "success": "true"}
    record = org.get("Account", good["id"])
    assert (record["NumberOfEmployees"], record["Phone"]) == (None, "2")

    assert soap.ids("delete", good["id"])[0]["success"] == "true"
    [again] = soap.ids("delete", good["id"])
    assert again["errors"]["statusCode"] == "ENTITY_IS_DELETED"
    [unknown] = soap.save("update", [("type", "Account"), ("Id", "001000000000000AAA"), ("Phone", "2")])
    assert unknown["errors"]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"


def test_all_or_none(soap, org):
    results = soap.save("create", [("type", "Account"), ("Name", "Rolled back")], [("type", "Account")], headers=ALL_OR_NONE)
    assert [result["errors"]["statusCode"] for result in results] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert soap.query("SELECT Id FROM Account WHERE Name = 'Rolled back'")["size"] == "0"


def test_a_value_of_the_wrong_type(soap):
    [result] = soap.save("create", [("type", "Account"), ("Name", "Typed"), ("NumberOfEmployees", "many")])
    assert result["errors"] == {"fields": "NumberOfEmployees", "statusCode": "INVALID_TYPE_ON_FIELD_IN_RECORD",
                                "message": "NumberOfEmployees: value not of required type: many"}
    [result] = soap.save("create", [("type", "Nothing__c"), ("Name", "x")])
    assert result["errors"]["statusCode"] == "INVALID_TYPE"


def test_queries_and_their_pages(soap, org):
    account = org.create("Account", Name="Paged", BillingCity="Kiel")
    for number in range(3):
        org.create("Contact", LastName=f"Page {number}", AccountId=account)
    page = soap.query("SELECT Id, Name, CreatedDate, Phone, BillingAddress, Owner.Name, (SELECT LastName FROM Contacts) "
                      f"FROM Account WHERE Id = '{account}'")
    assert (page["done"], page["queryLocator"], page["size"]) == ("true", None, "1")
    [record] = page["records"]
    assert record["type"] == "Account" and record["Id"] == [account, account], "the id stands first, and in its place"
    assert record["CreatedDate"].endswith(".000Z") and record["Phone"] is None
    assert record["BillingAddress"]["city"] == "Kiel"
    assert record["Owner"]["type"] == "User" and record["Owner"]["Id"] is None and record["Owner"]["Name"]
    assert [child["LastName"] for child in record["Contacts"]["records"]] == ["Page 0", "Page 1", "Page 2"]
    assert soap.query("SELECT COUNT() FROM Account")["records"] == []
    [row] = soap.query(f"SELECT COUNT(Id) n, MAX(CreatedDate) d FROM Contact WHERE AccountId = '{account}'")["records"]
    assert row["type"] == "AggregateResult" and row["n"] == "3" and row["d"].endswith("Z")

    soap.ids("delete", org.create("Account", Name="Paged and deleted"))
    live = "SELECT Id FROM Account WHERE Name = 'Paged and deleted'"
    assert (soap.query(live)["size"], soap.query(live, "queryAll")["size"]) == ("0", "1")
    with pytest.raises(Fault) as refused:
        soap.query("SELECT Nothing FROM Account")
    assert refused.value.code == "sf:INVALID_FIELD" and local(refused.value.detail) == "InvalidFieldFault"
    places = {local(part): part.text for part in refused.value.detail}
    assert (places["row"], places["column"]) == ("1", "8")


def test_more_than_a_page(soap, org):
    headers = "<urn:QueryOptions><urn:batchSize>200</urn:batchSize></urn:QueryOptions>"
    for _ in range(2):
        soap.save("create", *([("type", "Account"), ("Name", "Many")] for _ in range(150)))
    [page] = soap.call("query", "<urn:queryString>SELECT Id FROM Account WHERE Name = 'Many'</urn:queryString>", headers)
    assert (page["done"], len(page["records"])) == ("false", 200)
    [rest] = soap.call("queryMore", f"<urn:queryLocator>{page['queryLocator']}</urn:queryLocator>", headers)
    assert (rest["done"], rest["queryLocator"], len(rest["records"])) == ("true", None, int(page["size"]) - 200)


def test_retrieve_and_what_changed(soap, org):
    account = org.create("Account", Name="Retrieved")
    fields = "<urn:fieldList>Id, Name</urn:fieldList><urn:sObjectType>Account</urn:sObjectType>"
    found, missing = soap.call("retrieve", f"{fields}<urn:ids>{account}</urn:ids><urn:ids>001000000000000AAA</urn:ids>")
    assert found["Name"] == "Retrieved" and missing is None
    [now] = soap.call("getServerTimestamp")
    moment = datetime.datetime.fromisoformat(now["timestamp"])
    start, end = (f"{moment + datetime.timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-1, 1))
    window = (f"<urn:sObjectType>Account</urn:sObjectType><urn:startDate>{start}</urn:startDate>"
              f"<urn:endDate>{end}</urn:endDate>")
    org.delete("Account", account)
    [updated] = soap.call("getUpdated", window)
    assert updated["latestDateCovered"].endswith("Z")
    [deleted] = soap.call("getDeleted", window)
    gone = deleted["deletedRecords"]
    assert account in [record["id"] for record in (gone if isinstance(gone, list) else [gone])]


def test_descriptions(soap):
    [globally] = soap.call("describeGlobal")
    assert "Account" in [one["name"] for one in globally["sobjects"]] and globally["maxBatchSize"] == "200"
    [account] = soap.call("describeSObject", "<urn:sObjectType>Account</urn:sObjectType>")
    assert account["keyPrefix"] == "001" and "urls" not in account
    assert {field["name"]: field["type"] for field in account["fields"]}["NumberOfEmployees"] == "int"
    assert len(soap.call("describeSObjects", "<urn:sObjectType>Account</urn:sObjectType><urn:sObjectType>Case</urn:sObjectType>")) == 2
    with pytest.raises(Fault) as refused:
        soap.call("describeSObject", "<urn:sObjectType>Nothing__c</urn:sObjectType>")
    assert refused.value.code == "sf:INVALID_TYPE"


def test_undelete_brings_back_what_went_with_it(soap, org, stubs):
    account = org.create("Account", Name="Undeleted")
    contact = org.create("Contact", LastName="Fell", AccountId=account)
    org.delete("Account", account)
    assert org.rest("GET", f"/sobjects/Contact/{contact}").status_code == 404
    assert soap.ids("undelete", account) == [{"id": account, "success": "true"}]
    assert org.get("Contact", contact)["AccountId"] == account
    [again] = soap.ids("undelete", account)
    assert again["errors"]["statusCode"] == "UNDELETE_FAILED"


def test_the_recycle_bin_is_emptied(soap, org):
    account, live = org.create("Account", Name="Purged"), org.create("Account", Name="Alive")
    org.delete("Account", account)
    gone, refused, unknown = soap.ids("emptyRecycleBin", account, live, "001000000000000AAA")
    assert gone == {"id": account, "success": "true"}
    assert refused["errors"]["statusCode"] == "DELETE_FAILED"
    assert unknown["errors"]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert soap.query(f"SELECT Id FROM Account WHERE Id = '{account}'", "queryAll")["size"] == "0"
    assert soap.ids("undelete", account)[0]["success"] == "false"


def test_a_merge(soap, org, channel, stubs):
    """One transaction: what referred to the loser refers to the master, the loser is deleted, the master takes its values."""
    master, loser = org.create("Account", Name="Master"), org.create("Account", Name="Loser", Phone="7")
    contact = org.create("Contact", LastName="Moved", AccountId=loser)
    request = lambda ids, values="": (
        f"<urn:request><urn:masterRecord><urn1:type>Account</urn1:type><urn1:Id>{master}</urn1:Id>{values}</urn:masterRecord>"
        + "".join(f"<urn:recordToMergeIds>{one}</urn:recordToMergeIds>" for one in ids) + "</urn:request>")
    [refused] = soap.call("merge", request([master]))
    assert refused["success"] == "false" and refused["errors"]["statusCode"] == "INVALID_OPERATION"
    [merged] = soap.call("merge", request([loser], "<urn1:Phone>7</urn1:Phone>"))
    assert merged == {"id": master, "mergedRecordIds": loser, "success": "true", "updatedRelatedIds": contact}
    assert org.get("Contact", contact)["AccountId"] == master and org.get("Account", master)["Phone"] == "7"
    [record] = soap.query(f"SELECT IsDeleted, MasterRecordId FROM Account WHERE Id = '{loser}'", "queryAll")["records"]
    assert (record["IsDeleted"], record["MasterRecordId"]) == ("true", master)

    pb2, pb2_grpc = stubs
    pubsub = pb2_grpc.PubSubStub(channel)
    decode = Decoder(pubsub, pb2, org.metadata)
    seen = []
    with Subscription(pubsub, pb2, org.metadata, topic_name=programs.ALL, replay_preset=pb2.EARLIEST, num_requested=100) as stream:
        while not any(header["changeType"] == "DELETE" and loser in header["recordIds"] for header in seen):
            events = stream.response().events
            seen += [decode(event)["ChangeEventHeader"] for event in events]
            stream.ask(num_requested=max(1, len(events)))
    deleted = seen[-1] if seen[-1]["changeType"] == "DELETE" else next(h for h in seen if h["changeType"] == "DELETE" and loser in h["recordIds"])
    mates = {(h["entityName"], h["changeType"]) for h in seen if h["transactionKey"] == deleted["transactionKey"]}
    assert {("Contact", "UPDATE"), ("Account", "DELETE")} <= mates
    assert deleted["changeOrigin"] == f"com/salesforce/api/soap/{VERSION}"


def test_an_event_names_the_client_of_the_call(soap, org, channel, stubs):
    """By it a replicator knows what it has written itself."""
    pb2, pb2_grpc = stubs
    pubsub = pb2_grpc.PubSubStub(channel)
    decode = Decoder(pubsub, pb2, org.metadata)
    account = org.create("Account", Name="Replicated")
    tries = []

    def update(client):
        header = f"<urn:CallOptions><urn:client>{client}</urn:client></urn:CallOptions>" if client else ""
        tries.append(client)
        [saved] = soap.save("update", [("type", "Account"), ("Id", account), ("Phone", str(len(tries)))], headers=header)
        assert saved["success"] == "true"

    with Subscription(pubsub, pb2, org.metadata, topic_name="/data/AccountChangeEvent", num_requested=100) as stream:
        # A subscription from now needs a moment to be there: every update is one more chance.
        programs.until(lambda: update("mirror") or stream.responses.qsize(), every=0.1, what="an event")
        update(None)
        origins = {}
        while len(origins) < 2:
            for value in map(decode, stream.response().events):
                if value["ChangeEventHeader"]["recordIds"] == [account]:
                    origins[tries[int(value["Phone"]) - 1]] = value["ChangeEventHeader"]["changeOrigin"]
    assert origins == {"mirror": f"com/salesforce/api/soap/{VERSION};client=mirror", None: f"com/salesforce/api/soap/{VERSION}"}


def test_leads_are_converted(soap, org):
    described = org.rest("GET", "/sobjects/LeadStatus/describe", expected=200).json()
    assert "IsConverted" in [field["name"] for field in described["fields"]]
    statuses = soap.query("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")["records"]
    status = statuses[0]["MasterLabel"]
    convert = lambda lead, *more: soap.call("convertLead", "<urn:leadConverts>" + "".join(
        f"<urn:{name}>{text}</urn:{name}>" for name, text in
        [*more, ("leadId", lead)]) + "</urn:leadConverts>")[0]
    lead = org.create("Lead", LastName="Nakamura", FirstName="Jo", Company="Volt AG", LeadSource="Web")
    refused = convert(lead, ("convertedStatus", "Closed - Not Converted"))
    assert refused["errors"]["statusCode"] == "INVALID_STATUS"
    done = convert(lead, ("convertedStatus", status), ("opportunityName", "Fleet"))
    assert done["success"] == "true" and done["leadId"] == lead
    assert org.get("Account", done["accountId"])["Name"] == "Volt AG"
    assert org.get("Opportunity", done["opportunityId"])["Name"] == "Fleet"
    assert org.get("Lead", lead)["ConvertedContactId"] == done["contactId"]
    assert convert(lead, ("convertedStatus", status))["errors"]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"

    # Into what is there: nothing that it has is lost, and what it lacks is filled.
    account = org.create("Account", Name="Known", Phone="1")
    contact = org.create("Contact", LastName="Known", AccountId=account, LeadSource="Other")
    lead = org.create("Lead", LastName="New", Company="New AG", Phone="2", Website="new.example", LeadSource="Web")
    done = convert(lead, ("accountId", account), ("contactId", contact), ("convertedStatus", status),
                   ("doNotCreateOpportunity", "true"), ("overwriteLeadSource", "true"))
    assert (done["accountId"], done["contactId"], done["opportunityId"]) == (account, contact, None)
    kept = org.get("Account", account)
    assert (kept["Name"], kept["Phone"], kept["Website"]) == ("Known", "1", "new.example")
    assert (org.get("Contact", contact)["LastName"], org.get("Contact", contact)["LeadSource"]) == ("Known", "Web")
    stranger = org.create("Contact", LastName="Stranger", AccountId=org.create("Account", Name="Elsewhere"))
    lead = org.create("Lead", LastName="Wrong", Company="W")
    refused = convert(lead, ("accountId", account), ("contactId", stranger), ("convertedStatus", status))
    assert refused["errors"]["statusCode"] == "INVALID_CROSS_REFERENCE_KEY"
    assert org.get("Lead", lead)["IsConverted"] is False


def test_calls_without_a_session_and_unknown_ones(soap, org):
    stranger = SOAP(org)
    stranger.org = type("Stranger", (), {"access": {"access_token": "wrong"}, "http": org.http})
    with pytest.raises(Fault) as refused:
        stranger.query("SELECT Id FROM Account")
    assert refused.value.code == "sf:INVALID_SESSION_ID"
    with pytest.raises(Fault) as refused:
        soap.call("process")
    assert refused.value.code == "sf:INVALID_OPERATION"
    with pytest.raises(Fault) as refused:
        soap.ids("delete", *["001000000000000AAA"] * 201)
    assert refused.value.code == "sf:EXCEEDED_ID_LIMIT"
