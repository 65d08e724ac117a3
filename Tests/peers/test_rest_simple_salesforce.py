"""simple-salesforce, unchanged, against the sandbox's REST API: upsert, replication, collections through `restful`, limits."""

import datetime

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceGeneralError, SalesforceMalformedRequest, SalesforceResourceNotFound

import programs
from test_faults import Control


@pytest.fixture(scope="module")
def salesforce(org):
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    return Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=session)


@pytest.fixture(scope="module")
def key(salesforce):
    """A field of accounts that is an external id, made through the Tooling API as a person would."""
    try:
        made = salesforce.toolingexecute("sobjects/CustomField", method="POST", data={
            "FullName": "Account.Peer_Key__c",
            "Metadata": {"type": "Text", "label": "Peer Key", "length": 40, "externalId": True, "unique": True},
        })
    except SalesforceResourceNotFound:
        pytest.skip("there is no Tooling API")
    assert made["success"] is True
    return "Peer_Key__c"


def test_upsert_creates_then_updates(salesforce, key):
    assert salesforce.Account.upsert(f"{key}/one", {"Name": "Upserted"}) == 201
    assert salesforce.Account.upsert(f"{key}/one", {"Name": "Upserted again"}) == 200
    found = salesforce.Account.get_by_custom_id(key, "one")
    assert (found["Name"], found[key]) == ("Upserted again", "one")
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Account.get_by_custom_id(key, "nobody")
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Account.upsert("Phone/1", {"Name": "No external id"})


def test_two_records_cannot_have_one_key(salesforce, key):
    salesforce.Account.create({"Name": "First", key: "same"})
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Account.create({"Name": "Second", key: "same"})
    assert refused.value.content[0]["errorCode"] == "DUPLICATE_VALUE"


def test_trap_19_replication_finds_what_changed_and_what_went(salesforce):
    """What events may miss, `updated` and `deleted` tell."""
    kept = salesforce.Account.create({"Name": "Kept"})["id"]
    gone = salesforce.Account.create({"Name": "Gone"})["id"]
    salesforce.Account.delete(gone)
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = now - datetime.timedelta(hours=1), now + datetime.timedelta(minutes=2)
    updated = salesforce.Account.updated(start, end)
    assert kept in updated["ids"] and gone not in updated["ids"]
    assert updated["latestDateCovered"].endswith("+0000")
    deleted = salesforce.Account.deleted(start, end)
    assert gone in [record["id"] for record in deleted["deletedRecords"]]
    assert set(deleted) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


@pytest.mark.parametrize("start, end", [
    (datetime.timedelta(days=31), datetime.timedelta()), (datetime.timedelta(), datetime.timedelta(hours=1)),
])
def test_windows_that_are_none(salesforce, start, end):
    now = datetime.datetime.now(datetime.timezone.utc)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Account.updated(now - start, now - end)
    assert refused.value.content[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_queries_page(salesforce):
    for number in range(3):
        salesforce.restful("composite/sobjects", method="POST", json={
            "records": [{"attributes": {"type": "Account"}, "Name": f"Page {number} {n}"} for n in range(100)]})
    query = "SELECT Id, Name FROM Account WHERE Name LIKE 'Page %'"
    first = salesforce.query(query, headers={"Sforce-Query-Options": "batchSize=200"})
    assert (first["totalSize"], first["done"], len(first["records"])) == (300, False, 200)
    rest = salesforce.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert (rest["done"], len(rest["records"])) == (True, 100)
    everything = salesforce.query_all(query)
    assert everything["totalSize"] == len(everything["records"]) == 300
    assert len({record["Id"] for record in salesforce.query_all_iter(query)}) == 300
    with pytest.raises(SalesforceMalformedRequest):
        salesforce.query("SELECT Id FROM")


def test_a_composite_request_refers_to_its_parts(salesforce):
    root = f"/services/data/v{programs.API_VERSION}"
    answer = salesforce.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"{root}/sobjects/Account", "referenceId": "account", "body": {"Name": "Composite"}},
        {"method": "POST", "url": f"{root}/sobjects/Contact", "referenceId": "contact",
         "body": {"LastName": "Part", "AccountId": "@{account.id}"}},
        {"method": "GET", "url": f"{root}/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{{contact.id}}'",
         "referenceId": "found"},
    ]})
    parts = {part["referenceId"]: part for part in answer["compositeResponse"]}
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [201, 201, 200]
    assert parts["found"]["body"]["records"][0]["Account"]["Name"] == "Composite"

    # What was not committed is not there.
    refused = salesforce.restful("composite", method="POST", json={"allOrNone": True, "compositeRequest": [
        {"method": "POST", "url": f"{root}/sobjects/Account", "referenceId": "account", "body": {"Name": "Undone"}},
        {"method": "POST", "url": f"{root}/sobjects/Contact", "referenceId": "contact", "body": {"FirstName": "No name"}},
    ]})
    codes = [part["body"][0]["errorCode"] for part in refused["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING"]
    assert salesforce.query("SELECT COUNT() FROM Account WHERE Name = 'Undone'")["totalSize"] == 0


def test_each_graph_is_all_or_nothing(salesforce, org):
    """The one that fails is undone whole, with its events; the other one of the same call stays."""
    root = f"/services/data/v{programs.API_VERSION}/sobjects"

    def graph(name, *parts):
        return {"graphId": name, "compositeRequest": [
            {"method": "POST", "url": f"{root}/{kind}", "referenceId": kind.lower(), "body": body} for kind, body in parts]}

    def of(name):
        """Records of a graph, by object."""
        query = "SELECT Id, {} FROM {} WHERE {} = '{}'"
        return {kind: salesforce.query(query.format(field, kind, field, name))["records"]
                for kind, field in (("Account", "Name"), ("Contact", "LastName"), ("Case", "Subject"))}

    control = Control(org)
    place = control.get("/events")["next"]
    answer = salesforce.restful("composite/graph", method="POST", json={"graphs": [
        graph("good", ("Contact", {"LastName": "Graph", "AccountId": "@{account.id}"}),
              ("Case", {"Subject": "Graph", "ContactId": "@{contact.id}"}), ("Account", {"Name": "Graph"})),
        graph("bad", ("Account", {"Name": "Undone graph"}),
              ("Contact", {"LastName": "Undone graph", "AccountId": "@{account.id}"}),
              ("Case", {"Subject": "Undone graph", "Status": "Nobody's status", "ContactId": "@{contact.id}"}))]})
    good, bad = answer["graphs"]
    assert (good["graphId"], good["isSuccessful"]) == ("good", True)
    parts = good["graphResponse"]["compositeResponse"]
    assert [part["httpStatusCode"] for part in parts] == [201, 201, 201]
    assert [part["referenceId"] for part in parts] == ["contact", "case", "account"], "in the order of the request"
    ids = {part["referenceId"]: part["body"]["id"] for part in parts}
    assert {kind.lower(): [record["Id"] for record in records] for kind, records in of("Graph").items()} == {
        name: [one] for name, one in ids.items()}
    assert salesforce.Contact.get(ids["contact"])["AccountId"] == ids["account"]
    assert salesforce.Case.get(ids["case"])["ContactId"] == ids["contact"]

    assert (bad["graphId"], bad["isSuccessful"]) == ("bad", False)
    codes = [part["body"][0]["errorCode"] for part in bad["graphResponse"]["compositeResponse"]]
    assert codes == ["PROCESSING_HALTED", "PROCESSING_HALTED", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]
    assert of("Undone graph") == {"Account": [], "Contact": [], "Case": []}
    events = control.get("/events", after=place)["events"]
    # The parts ran in the order of their references.
    assert [(event["change"], event["records"]) for event in events] == [
        ("CREATE", [ids[name]]) for name in ("account", "contact", "case")]


def test_trap_29_collections_use_another_key_for_their_codes(salesforce):
    """Single calls answer an array with `errorCode`, collections `statusCode`; dates have no colon in the offset."""
    results = salesforce.restful("composite/sobjects", method="POST", json={"records": [
        {"attributes": {"type": "Contact"}, "LastName": "Good"}, {"attributes": {"type": "Contact"}, "FirstName": "Bad"}]})
    assert results[0]["success"] is True
    assert results[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Contact.create({"FirstName": "Bad"})
    assert isinstance(refused.value.content, list) and refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert salesforce.Contact.get(results[0]["id"])["CreatedDate"].endswith("+0000")


def test_a_tree_of_records(salesforce):
    answer = salesforce.restful("composite/tree/Account", method="POST", json={"records": [{
        "attributes": {"type": "Account", "referenceId": "root"}, "Name": "Tree",
        "Contacts": {"records": [{"attributes": {"type": "Contact", "referenceId": "leaf"}, "LastName": "Leaf"}]}}]})
    ids = {result["referenceId"]: result["id"] for result in answer["results"]}
    assert answer["hasErrors"] is False
    assert salesforce.Contact.get(ids["leaf"])["AccountId"] == ids["root"]
    children = salesforce.restful(f"sobjects/Account/{ids['root']}/Contacts")
    assert [record["Id"] for record in children["records"]] == [ids["leaf"]]
    assert salesforce.restful(f"sobjects/Contact/{ids['leaf']}/Account")["Name"] == "Tree"


def test_a_search_finds_words(salesforce):
    account = salesforce.Account.create({"Name": "Quillwort & Daughters 100%"})["id"]
    found = salesforce.search("FIND {quillwort} IN NAME FIELDS RETURNING Account(Id, Name)")
    assert [record["Id"] for record in found["searchRecords"]] == [account]
    assert salesforce.quick_search("nobodyhasthisname")["searchRecords"] == []
    with pytest.raises(SalesforceMalformedRequest):
        salesforce.search("FIND {a OR b} RETURNING Account")


def test_trap_28_a_bearer_token_has_no_end_of_its_own(org):
    """No `expires_in` and no refresh token; `issued_at` is a string; `aud` is the login host, not the instance."""
    answer = org.login()
    assert answer.status_code == 200
    document = answer.json()
    assert "expires_in" not in document and "refresh_token" not in document
    assert isinstance(document["issued_at"], str) and document["issued_at"].isdigit()
    wrong = org.login(org.assertion(aud="https://elsewhere.my.salesforce.com"))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


def test_limits_count_the_calls(salesforce):
    """Every call is one less."""
    before = salesforce.limits()["DailyApiRequests"]
    after = salesforce.limits()["DailyApiRequests"]
    assert before["Max"] == after["Max"] and after["Remaining"] == before["Remaining"] - 1
    assert salesforce.api_usage["api-usage"].used == after["Max"] - after["Remaining"]
    assert {"DailyDeliveredPlatformEvents", "HourlyPublishedPlatformEvents", "DailyBulkV2QueryJobs"} <= set(salesforce.limits())


def test_conditions_guard_a_write(salesforce, org):
    account = salesforce.Account.create({"Name": "Guarded"})["id"]
    modified = salesforce.Account.get(account)["LastModifiedDate"]
    at = datetime.datetime.strptime(modified, "%Y-%m-%dT%H:%M:%S.%f%z")
    header = lambda moment: {"If-Unmodified-Since": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    earlier = at - datetime.timedelta(seconds=1)
    with pytest.raises(SalesforceGeneralError) as refused:
        salesforce.Account.update(account, {"Name": "Lost"}, headers=header(earlier))
    assert refused.value.status == 412
    assert salesforce.Account.update(account, {"Name": "Kept"}, headers=header(at)) == 204
    read = org.rest("GET", f"/sobjects/Account/{account}", expected=200)
    tag = read.headers["ETag"]
    assert org.rest("GET", f"/sobjects/Account/{account}", headers={"If-None-Match": tag}).status_code == 304
    assert org.rest("PATCH", f"/sobjects/Account/{account}", {"Name": "x"}, headers={"If-Match": '"other"'}).status_code == 412


def test_the_place_of_a_mistake_is_told(salesforce, org):
    answer = org.call("POST", f"/services/data/v{programs.API_VERSION}/sobjects/Case", headers={"Content-Type": "application/json"},
                      data='{\n  "Subject": "x",\n  "IsEscalated": "perhaps"\n}')
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert answer.json()[0]["message"].endswith("at [line:3, column:27]")


@pytest.mark.parametrize("path", ["/sobjects/Account", "/limits", "/tooling/sobjects"])
def test_who_takes_no_json_is_told(org, path):
    for accept in ("application/xml", "application/json;q=0"):
        refused = org.rest("GET", path, headers={"Accept": accept})
        assert refused.status_code == 406, refused.text[:200]
        assert refused.json()[0]["errorCode"] == "NOT_ACCEPTABLE"


def test_calls_are_compressed_both_ways(org):
    import gzip
    import json
    body = gzip.compress(json.dumps({"Name": "Packed"}).encode())
    answer = org.call("POST", f"/services/data/v{programs.API_VERSION}/sobjects/Account", data=body,
                      headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert answer.status_code == 201, answer.text
    described = org.rest("GET", "/sobjects/Account/describe", expected=200, headers={"Accept-Encoding": "gzip"})
    assert described.headers["Content-Encoding"] == "gzip" and described.json()["name"] == "Account"
