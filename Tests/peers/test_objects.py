"""An org with a schema file, seen by simple-salesforce: custom objects, external ids, roll-ups, formulas; and the file's mistakes."""

import subprocess

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


def test_the_files_mistakes_are_listed_with_their_lines(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("objects:\n  Account:\n    fields:\n      A__c: {type: Text}\n      B__c: {type: Txt}\nevent: {}\n")
    done = subprocess.run(
        [programs.BINARY, "sandbox", "--data", str(tmp_path / "org"), "--schema", str(file)], capture_output=True,
        text=True, timeout=programs.START_SECONDS, check=False)
    assert done.returncode != 0
    for line in (4, 5, 6):
        assert f"wrong.yaml:{line}: " in done.stderr, done.stderr
