"""An org with a schema file, seen by simple-salesforce: custom objects, external ids, roll-ups, formulas; and the file's mistakes."""

import csv as csv_module
import io

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceMoreThanOneRecord

import programs

SCHEMA = """
objects:
  Vehicle__c:
    label: Vehicle
    nameField: {type: AutoNumber, displayFormat: "V-{0000}"}
    fields:
      VIN__c: {type: Text, length: 17, unique: true, externalId: true}
      Account__c: {type: MasterDetail, referenceTo: Account, relationshipName: Vehicles}
      Price__c: {type: Currency, precision: 10, scale: 2}
      Gross__c: {type: Currency, precision: 12, scale: 2, formula: Price__c * 1.19}
      Extras__c: {type: MultiselectPicklist, values: [Roof, Tow, Heat]}
      Colour__c: {type: Text, length: 20, externalId: true}
  Account:
    fields:
      Fleet_Value__c:
        type: Summary
        summaryOperation: sum
        summaryForeignKey: Vehicle__c.Account__c
        summarizedField: Vehicle__c.Price__c
events:
  Low_Charge__e:
    publishBehavior: PublishImmediately
    fields:
      Level__c: {type: Number, precision: 3}
"""


@pytest.fixture(scope="module")
def garage(directories):
    directory = directories("objects")
    file = directory / "schema.yaml"
    file.write_text(SCHEMA)
    org = programs.start_sandbox(directory, ports=[*programs.PORT_OPTIONS, "--schema", file])
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def salesforce(garage):
    session = requests.Session()
    session.trust_env = False
    session.verify = garage.connection["ca_file"]
    return Salesforce(
        session_id=garage.access["access_token"], instance_url=garage.connection["https_url"],
        version=programs.API_VERSION, session=session)


@pytest.fixture(scope="module")
def account(salesforce):
    return salesforce.Account.create({"Name": "Peer Motors"})["id"]


def test_a_custom_object_is_described(salesforce):
    described = salesforce.Vehicle__c.describe()
    assert (described["label"], described["custom"], described["keyPrefix"]) == ("Vehicle", True, "a00")
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["VIN__c"]["externalId"] and fields["VIN__c"]["unique"] and fields["VIN__c"]["idLookup"]
    assert fields["Account__c"]["relationshipName"] == "Account__r" and fields["Account__c"]["cascadeDelete"]
    assert fields["Gross__c"]["calculatedFormula"] == "Price__c * 1.19"
    assert fields["Extras__c"]["type"] == "multipicklist"
    children = {child["childSObject"]: child for child in salesforce.Account.describe()["childRelationships"]}
    assert children["Vehicle__c"]["relationshipName"] == "Vehicles__r"
    names = {entry["name"]: entry for entry in salesforce.describe()["sobjects"]}
    assert {"Vehicle__c", "Vehicle__ChangeEvent", "Low_Charge__e"} <= set(names)
    assert not names["Low_Charge__e"]["queryable"] and names["Vehicle__c"]["replicateable"]


def test_records_are_upserted_by_external_id(salesforce, account):
    assert salesforce.Vehicle__c.upsert("VIN__c/W-1", {"Account__c": account, "Price__c": 100}) == 201
    assert salesforce.Vehicle__c.upsert("VIN__c/w-1", {"Price__c": 200, "Extras__c": "Heat;Roof"}) == 200
    vehicle = salesforce.Vehicle__c.get_by_custom_id("VIN__c", "W-1")
    assert (vehicle["Name"], vehicle["Price__c"], vehicle["Gross__c"]) == ("V-0001", 200.0, 238.0)
    assert vehicle["Extras__c"] == "Roof;Heat"
    assert salesforce.Account.get(account)["Fleet_Value__c"] == 200.0


def test_a_second_value_is_refused_with_the_others_id(salesforce, account):
    first = salesforce.Vehicle__c.create({"Account__c": account, "VIN__c": "D-1"})["id"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Vehicle__c.create({"Account__c": account, "VIN__c": "d-1"})
    error = refused.value.content[0]
    assert error["errorCode"] == "DUPLICATE_VALUE" and error["message"].endswith(first[:15])
    assert error["fields"] == ["VIN__c"]


def test_several_matches_are_told(salesforce, account):
    for _ in range(2):
        salesforce.Vehicle__c.create({"Account__c": account, "Colour__c": "red"})
    with pytest.raises(SalesforceMoreThanOneRecord) as several:
        salesforce.Vehicle__c.get_by_custom_id("Colour__c", "red")
    assert len(several.value.content) == 2
    assert all("/sobjects/Vehicle__c/a00" in path for path in several.value.content)


def bulk(garage, operation, csv, **job):
    """A job of Bulk API 2.0, to its end; its description and its failed rows."""
    path = "/jobs/ingest"
    job = garage.rest("POST", path, {"operation": operation, "lineEnding": "LF", **job}, 200).json()["id"]
    garage.rest("PUT", f"{path}/{job}/batches", None, 201, data=csv.encode(), headers={"Content-Type": "text/csv"})
    garage.rest("PATCH", f"{path}/{job}", {"state": "UploadComplete"}, 200)
    ended = lambda: (info := garage.rest("GET", f"{path}/{job}").json())["state"] in ("JobComplete", "Failed") and info
    info = programs.until(ended, 120, what="the job's end")
    results = lambda kind: list(csv_module.DictReader(io.StringIO(garage.rest("GET", f"{path}/{job}/{kind}/").text)))
    return info, results("successfulResults"), results("failedResults")


def test_bulk_upserts_by_a_custom_external_id(garage, salesforce, account):
    salesforce.Vehicle__c.create({"Account__c": account, "VIN__c": "BULK-1", "Price__c": 1})
    rows = f"VIN__c,Account__c,Price__c\nbulk-1,,10\nBULK-2,{account},20\nBULK-3,,30\n"
    info, done, failed = bulk(garage, "upsert", rows, object="Vehicle__c", externalIdFieldName="VIN__c")
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    assert info["externalIdFieldName"] == "VIN__c"
    assert [(row["VIN__c"], row["sf__Created"]) for row in done] == [("bulk-1", "false"), ("BULK-2", "true")]
    assert [row["VIN__c"] for row in failed] == ["BULK-3"], "a new detail needs its master"
    assert failed[0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING:")
    for vin, price in (("BULK-1", 10), ("BULK-2", 20)):
        assert salesforce.Vehicle__c.get_by_custom_id("VIN__c", vin)["Price__c"] == price
    # The field must be one that records are found by.
    answer = garage.rest("POST", "/jobs/ingest", {
        "object": "Vehicle__c", "operation": "upsert", "externalIdFieldName": "Price__c", "lineEnding": "LF"})
    assert answer.status_code == 400 and answer.json()[0]["errorCode"] == "INVALIDJOB"


def test_bulk_finds_a_custom_parent_by_its_external_id(garage, salesforce, account):
    garage.rest("POST", "/tooling/sobjects/CustomObject", {"FullName": "Repair__c", "Metadata": {
        "label": "Repair", "pluralLabel": "Repairs", "nameField": {"type": "Text", "label": "Name"}}}, 201)
    garage.rest("POST", "/tooling/sobjects/CustomField", {"FullName": "Repair__c.Car__c", "Metadata": {
        "type": "Lookup", "label": "Car", "referenceTo": "Vehicle__c", "relationshipName": "Repairs"}}, 201)
    vehicle = salesforce.Vehicle__c.create({"Account__c": account, "VIN__c": "PARENT-1"})["id"]
    rows = "Name,Car__r.VIN__c\nBrakes,PARENT-1\nTyres,PARENT-0\nWash,\n"
    info, done, failed = bulk(garage, "insert", rows, object="Repair__c")
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (3, 1)
    assert [row["Name"] for row in done] == ["Brakes", "Wash"]
    assert [(row["Name"], row["sf__Error"].split(":")[0]) for row in failed] == [("Tyres", "INVALID_FIELD")]
    found = salesforce.query("SELECT Name, Car__c, Car__r.VIN__c FROM Repair__c ORDER BY Name")["records"]
    assert [(record["Name"], record["Car__c"]) for record in found] == [("Brakes", vehicle), ("Wash", None)]
    assert found[0]["Car__r"]["VIN__c"] == "PARENT-1" and found[1]["Car__r"] is None


@pytest.fixture(scope="module")
def extras(salesforce, account):
    for letter, extras in (("A", "Roof"), ("B", "Tow;Roof"), ("C", "Tow;Heat"), ("D", None)):
        salesforce.Vehicle__c.create({"VIN__c": f"EXTRAS-{letter}", "Account__c": account, "Extras__c": extras})


@pytest.mark.parametrize("condition, vins", [
    ("INCLUDES ('Tow')", "BC"), ("INCLUDES ('Roof', 'Heat')", "ABC"), ("INCLUDES ('Roof;Tow')", "B"),
    ("INCLUDES ('Roof;Tow', 'Heat')", "BC"), ("INCLUDES ('Tow;Roof')", "B"), ("INCLUDES ('Ro')", ""),
    ("EXCLUDES ('Tow')", "AD"), ("EXCLUDES ('Roof;Tow')", "ACD"), ("EXCLUDES ('Roof', 'Heat')", "D"),
    ("= 'Roof;Tow'", "B"), ("!= null", "ABC"), ("= null", "D"),
])
def test_picklists_of_several_values_are_matched(salesforce, extras, condition, vins):
    """Commas are OR, semicolons AND; nothing at all includes nothing."""
    soql = f"SELECT VIN__c FROM Vehicle__c WHERE VIN__c LIKE 'EXTRAS-%' AND Extras__c {condition} ORDER BY VIN__c"
    assert "".join(record["VIN__c"][-1] for record in salesforce.query(soql)["records"]) == vins


@pytest.mark.parametrize("body, message", [
    ('{"Price__c":"dear"}', "currency from VALUE_STRING value dear or request may be missing a required field at [line:1, column:19]"),
    ('{\n  "VIN__c": "x",\n  "Price__c": true\n}',
     "currency from VALUE_TRUE value true or request may be missing a required field at [line:3, column:19]"),
    ('{"Account__c":7}', "reference from VALUE_NUMBER_INT value 7 or request may be missing a required field at [line:1, column:16]"),
    ('{"Price__c":{"a":1}}', "currency from START_OBJECT value { or request may be missing a required field at [line:1, column:14]"),
    ('{"Extras__c":["Roof"]}', "multipicklist from START_ARRAY value [line:1, column:15]"),
    ('{"Größe__c":1,"Price__c":"ä"}', None),
])
def test_a_value_of_the_wrong_type_is_told_with_its_place(garage, body, message):
    """The place is behind the value, as the org's own parser stands when it has read it."""
    answer = garage.rest("POST", "/sobjects/Vehicle__c", None, data=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    [error] = answer.json()
    if message is None:
        assert error["errorCode"] == "INVALID_FIELD"
    else:
        assert error == {"message": f"Cannot deserialize instance of {message}", "errorCode": "JSON_PARSER_ERROR"}


def test_the_files_mistakes_are_listed_with_their_lines(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("objects:\n  Account:\n    fields:\n      A__c: {type: Text}\n      B__c: {type: Txt}\nevent: {}\n")
    done = programs.millrace("sandbox", "--data", tmp_path / "org", "--schema", file)
    assert done.returncode != 0
    for line in (4, 5, 6):
        assert f"wrong.yaml:{line}: " in done.stderr, done.stderr
