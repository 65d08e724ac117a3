"""simple-salesforce, unchanged, asking the sandbox in SOQL: query, query_all, query_all_iter, queryAll, and queries made from describe."""

import pytest
import requests
from simple_salesforce import Salesforce, format_soql
from simple_salesforce.exceptions import SalesforceMalformedRequest

import programs

CASES = 204


@pytest.fixture(scope="module")
def salesforce(org):
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    # simple-salesforce hands every header of its own on: the batch size comes with each query.
    session.headers["Sforce-Query-Options"] = "batchSize=200"
    return Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=session)


@pytest.fixture(scope="module")
def contact(org, salesforce):
    contact = org.create_contact("Queries")
    for number in range(CASES):
        salesforce.Case.create({"Subject": f"soql {number}", "ContactId": contact, "Priority": "High" if number % 2 else "Low"})
    return contact


def test_a_query_answers_records_with_parents(salesforce, contact):
    answer = salesforce.query(
        format_soql("SELECT Id, Subject, Contact.LastName, Contact.Id FROM Case WHERE ContactId = {} AND Subject = {}",
                    contact, "soql 7"))
    assert (answer["totalSize"], answer["done"]) == (1, True)
    case = answer["records"][0]
    assert case["attributes"]["type"] == "Case"
    assert case["attributes"]["url"].endswith(case["Id"])
    assert case["Contact"]["Id"] == contact
    assert case["Contact"]["attributes"]["type"] == "Contact"


def test_pages_are_followed_to_the_end(salesforce, contact):
    soql = f"SELECT Id, Subject FROM Case WHERE ContactId = '{contact}' ORDER BY CaseNumber"
    first = salesforce.query(soql)
    assert (first["totalSize"], first["done"], len(first["records"])) == (CASES, False, 200)
    assert first["nextRecordsUrl"].startswith(f"/services/data/v{programs.API_VERSION}/query/01g")
    rest = salesforce.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert (len(rest["records"]), rest["done"]) == (CASES - 200, True)
    everything = salesforce.query_all(soql)
    assert [case["Subject"] for case in everything["records"]] == [f"soql {number}" for number in range(CASES)]
    assert sum(1 for _ in salesforce.query_all_iter(soql)) == CASES


def test_what_is_deleted_is_seen_by_query_all_only(salesforce, contact):
    case = salesforce.Case.create({"Subject": "to be deleted", "ContactId": contact})["id"]
    salesforce.Case.delete(case)
    soql = f"SELECT Id, IsDeleted FROM Case WHERE Id = '{case}'"
    assert salesforce.query(soql)["totalSize"] == 0
    found = salesforce.query(soql, include_deleted=True)
    assert [record["IsDeleted"] for record in found["records"]] == [True]


def test_aggregates_and_counts(salesforce, contact):
    groups = salesforce.query(
        f"SELECT Priority, COUNT(Id) n, MAX(Subject) FROM Case WHERE ContactId = '{contact}' GROUP BY Priority ORDER BY Priority")
    assert [(group["Priority"], group["n"]) for group in groups["records"]] == [("High", CASES // 2), ("Low", CASES // 2)]
    assert groups["records"][0]["attributes"] == {"type": "AggregateResult"}
    assert groups["records"][0]["expr0"].startswith("soql")
    count = salesforce.query(f"SELECT COUNT() FROM Case WHERE ContactId = '{contact}' AND CreatedDate = LAST_N_DAYS:1")
    assert (count["totalSize"], count["records"]) == (CASES, [])


def test_children_are_nested(salesforce, contact):
    found = salesforce.query(
        f"SELECT Id, (SELECT Subject FROM Cases WHERE Subject LIKE 'soql 1%' ORDER BY Subject LIMIT 3) FROM Contact "
        f"WHERE Id = '{contact}'")
    cases = found["records"][0]["Cases"]
    assert (cases["totalSize"], cases["done"]) == (3, True)
    assert [case["Subject"] for case in cases["records"]] == ["soql 1", "soql 10", "soql 100"]


# What a record of an object needs that the sample data do not hold.
NEEDED = {
    "Lead": {"LastName": "Asked", "Company": "Asked"},
    "Opportunity": {"Name": "Asked", "StageName": "Prospecting", "CloseDate": "2026-12-31"},
    "Task": {"Subject": "Asked", "Status": "Not Started", "Priority": "Normal"},
    "Product2": {"Name": "Asked"},
    "Campaign": {"Name": "Asked"},
    "Order": {"EffectiveDate": "2026-12-01", "Status": "Draft"},
}


@pytest.mark.parametrize("name", ["Account", "Contact", "Case", "User", *NEEDED])
def test_every_field_that_describe_names_can_be_asked_for(salesforce, contact, name):
    if name in NEEDED:
        needed = dict(NEEDED[name])
        if name == "Order":
            needed["AccountId"] = salesforce.Account.create({"Name": "Asked"})["id"]
        assert getattr(salesforce, name).create(needed)["success"]
    described = getattr(salesforce, name).describe()
    fields = [field["name"] for field in described["fields"]]
    found = salesforce.query(f"SELECT {', '.join(fields)} FROM {name} LIMIT 5")
    assert found["totalSize"] > 0
    for record in found["records"]:
        assert set(record) == {"attributes", *fields}
    for field in described["fields"]:
        if field["filterable"]:
            salesforce.query(f"SELECT Id FROM {name} WHERE {field['name']} = null LIMIT 1")
        if field["sortable"]:
            salesforce.query(f"SELECT Id FROM {name} ORDER BY {field['name']} DESC NULLS LAST LIMIT 1")


def test_quotes_in_values_stay_values(salesforce, contact):
    for value in ["x' OR Subject != '", "\\", "%", "'; DROP TABLE log; --", "\u00e9\n\t\""]:
        found = salesforce.query(format_soql("SELECT Id FROM Case WHERE Subject = {}", value))
        assert found["totalSize"] == 0


@pytest.mark.parametrize("soql, code, text", [
    ("SELECT Nme FROM Account", "INVALID_FIELD", "\nSELECT Nme FROM Account\n       ^\nERROR at Row:1:Column:8\n"),
    ("SELECT Id FROM Acount", "INVALID_TYPE", "sObject type 'Acount' is not supported."),
    ("SELECT Id FORM Account", "MALFORMED_QUERY", "unexpected token: 'Account'"),
    ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
])
def test_a_mistake_is_said_where_it_is(salesforce, soql, code, text):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.query(soql)
    assert refused.value.content[0]["errorCode"] == code
    assert text in refused.value.content[0]["message"]


def test_an_unknown_locator_is_refused(salesforce):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.query_more("01g5g00000000001AAA-2000")
    assert refused.value.content[0]["errorCode"] == "INVALID_QUERY_LOCATOR"
