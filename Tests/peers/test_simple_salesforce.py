"""simple-salesforce, unchanged, against the sandbox: records and their errors, over TLS with the development authority."""

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceMalformedRequest, SalesforceResourceNotFound

import programs


@pytest.fixture(scope="module")
def salesforce(org):
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    return Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=session)


@pytest.fixture(scope="module")
def contact(org):
    return org.create_contact("Simple")


def test_a_case_lives_its_life(salesforce, contact):
    made = salesforce.Case.create({"Subject": "Made by simple-salesforce", "ContactId": contact, "Origin": "Web"})
    assert (made["success"], made["errors"]) == (True, [])
    case_id = made["id"]
    assert len(case_id) == 18 and case_id.startswith("500")
    assert len(contact) == 18 and contact.startswith("003")

    case = salesforce.Case.get(case_id)
    assert case["attributes"] == {"type": "Case", "url": f"/services/data/v{programs.API_VERSION}/sobjects/Case/{case_id}"}
    assert case["Subject"] == "Made by simple-salesforce"
    assert (case["Status"], case["IsClosed"]) == ("New", False)
    assert case["CaseNumber"].isdigit() and len(case["CaseNumber"]) == 8
    assert case["CreatedDate"].endswith("+0000")

    assert salesforce.Case.update(case_id, {"Status": "Closed", "Priority": "High"}) == 204
    case = salesforce.Case.get(case_id)
    assert (case["Status"], case["Priority"], case["IsClosed"]) == ("Closed", "High", True)
    assert case["ClosedDate"] is not None

    assert salesforce.Case.delete(case_id) == 204
    with pytest.raises(SalesforceResourceNotFound) as gone:
        salesforce.Case.get(case_id)
    assert gone.value.status == 404


def test_case_numbers_count_up(salesforce, contact):
    numbers = [
        int(salesforce.Case.get(salesforce.Case.create({"Subject": str(n), "ContactId": contact})["id"])["CaseNumber"])
        for n in range(3)
    ]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3


def test_texts_come_back_as_they_were(salesforce, contact):
    text = "Ж 漢字 🚗 \"quoted\" \\ back\nslash & <b>"
    case_id = salesforce.Case.create({"Subject": text.replace("\n", " "), "Description": text, "ContactId": contact})["id"]
    case = salesforce.Case.get(case_id)
    assert (case["Subject"], case["Description"]) == (text.replace("\n", " "), text)


def test_a_15_character_id_is_the_same_record(salesforce, contact):
    assert salesforce.Contact.get(contact[:15])["Id"] == contact


def test_describe_is_what_clients_read(salesforce):
    described = salesforce.Case.describe()
    assert (described["name"], described["keyPrefix"], described["label"]) == ("Case", "500", "Case")
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["CaseNumber"]["autoNumber"] is True and fields["CaseNumber"]["createable"] is False
    assert fields["ContactId"]["referenceTo"] == ["Contact"]
    assert "Escalated" in [value["value"] for value in fields["Status"]["picklistValues"]]
    names = {entry["name"] for entry in salesforce.describe()["sobjects"]}
    assert {"Account", "Contact", "Case"} <= names


ERRORS = {
    "unknown field": (dict(Colour="red"), "INVALID_FIELD"),
    "read-only field": (dict(CaseNumber="00000001"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
    "too long": (dict(Subject="x" * 256), "STRING_TOO_LONG"),
    "picklist": (dict(Priority="Whatever"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    "no id": (dict(ContactId="hello"), "MALFORMED_ID"),
    "nobody's id": (dict(ContactId="003000000000000AAA"), "INVALID_CROSS_REFERENCE_KEY"),
    "wrong type": (dict(IsEscalated="perhaps"), "JSON_PARSER_ERROR"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_bad_value_is_refused_and_changes_nothing(salesforce, contact, case):
    fields, code = ERRORS[case]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Case.create({"Subject": "refused", **fields})
    assert refused.value.content[0]["errorCode"] == code
    assert refused.value.content[0]["message"]
    case_id = salesforce.Case.create({"Subject": "kept", "ContactId": contact})["id"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Case.update(case_id, {"Subject": "lost", **fields})
    assert refused.value.content[0]["errorCode"] == code
    assert salesforce.Case.get(case_id)["Subject"] == "kept"


def test_a_required_field_is_named(salesforce):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.Contact.create({"FirstName": "Only"})
    assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert refused.value.content[0]["fields"] == ["LastName"]


def test_what_is_not_there_is_not_found(salesforce):
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Case.get("500000000000000AAA")
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Spaceship.get("500000000000000AAA")
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Case.update("500000000000000AAA", {"Subject": "x"})


def test_an_ended_session_is_told(salesforce, org):
    stranger = Salesforce(
        session_id="00D000000000000!expired", instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=salesforce.session)
    with pytest.raises(SalesforceExpiredSession) as ended:
        stranger.Case.get("500000000000000AAA")
    assert ended.value.content[0]["errorCode"] == "INVALID_SESSION_ID"


def test_without_the_authority_the_certificate_is_not_trusted(org):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{org.connection['https_url']}/services/data", timeout=programs.CALL_SECONDS, proxies={"https": None})
