"""Objects that the org's change events do not tell of, and formulas: `poll` and `refresh_formulas` beside a sandbox, compared with
what simple-salesforce reads from it."""

import json
import time

import psycopg
import pytest
import requests

import programs
from test_faults import Control
from test_replica import client, database, same, server, settled, sync, table, until_same  # noqa: F401
from test_soap_records import SOAP

SCHEMA = """
objects:
  Gauge__c:
    label: Gauge
    nameField: {type: AutoNumber, displayFormat: "G-{0000}"}
    fields:
      Level__c: {type: Number, precision: 8, scale: 2}
      Account__c: {type: Lookup, referenceTo: Account, relationshipName: Gauges}
      Double__c: {type: Number, precision: 8, scale: 2, formula: Level__c * 2}
      Owner_City__c: {type: Text, formula: Account__r.BillingCity}
"""
FIELDS = ["Name", "Level__c", "Account__c", "SystemModstamp", "LastModifiedDate"]
FORMULAS = ["Double__c", "Owner_City__c"]
LEAD = ["LastName", "Company", "Status", "SystemModstamp"]
# A second of the file is a tenth of one to the gateway.
OBJECTS = {
    "Lead": {"fields": LEAD[:3], "poll": "10s"},
    "Gauge__c": {"fields": "all", "poll": "20s", "refresh_formulas": "30s"},
    "Case": {"fields": ["Subject"]},
}
HASTE = 10


@pytest.fixture(scope="module")
def org(directories):
    directory = directories("polled-org")
    (directory / "schema.yaml").write_text(SCHEMA)
    org = programs.start_sandbox(directory, [*programs.PORT_OPTIONS, "--schema", directory / "schema.yaml"])
    yield org
    org.program.stop()


@pytest.fixture
def gateway(directories, org, database):
    gateway = programs.Gateway(directories("polling"), org, objects=OBJECTS, database=database, haste=HASTE)
    yield gateway
    gateway.program.stop()


def test_changes_without_events_arrive(gateway, org):
    settled(gateway)
    leads = [org.create("Lead", LastName=f"Lead {number} é", Company="Sluice") for number in range(5)]
    until_same(gateway, org, "Lead", LEAD)
    assert set(leads) <= set(table(gateway, "Lead", LEAD))
    salesforce = client(org)
    for number in range(3):
        salesforce.Lead.update(leads[0], {"Company": f"Weir {number}"})
        time.sleep(0.7)
    salesforce.Lead.delete(leads[1])
    until_same(gateway, org, "Lead", LEAD)
    assert leads[1] not in table(gateway, "Lead", LEAD)
    # Back from the recycle bin.
    salesforce.Lead.delete(leads[2])
    until_same(gateway, org, "Lead", LEAD)
    assert SOAP(org).ids("undelete", leads[2])[0]["success"] == "true"
    until_same(gateway, org, "Lead", LEAD)
    assert leads[2] in table(gateway, "Lead", LEAD)


def test_a_kill_9_and_a_time_without_a_gateway(gateway, org):
    settled(gateway)
    kept = org.create("Lead", LastName="Kept", Company="Race")
    until_same(gateway, org, "Lead", LEAD)
    gateway.program.kill()
    made = [org.create("Lead", LastName=f"Unheard {number}", Company="Race") for number in range(30)]
    org.delete("Lead", kept)
    gateway.start()
    until_same(gateway, org, "Lead", LEAD)
    assert set(made) <= set(table(gateway, "Lead", LEAD))
    status = json.loads(sync(gateway, "status", "--json").stdout)["status"]
    # The polls found it: no second load.
    assert [found["reason"] for found in status["snapshots"] if found["query"]["object"] == "Lead"] == ["firstLoad"]


def test_formulas_follow_and_say_how_old_they_are(gateway, org):
    settled(gateway)
    account = org.create("Account", Name="Mill", BillingCity="Ulm")
    gauges = [org.create("Gauge__c", Level__c=number, Account__c=account) for number in range(4)]
    until_same(gateway, org, "Gauge__c", FIELDS + FORMULAS)
    stamp = table(gateway, "Gauge__c", FIELDS)[gauges[0]]["SystemModstamp"]
    # A change of another record, which moves no stamp of these.
    org.update("Account", account, BillingCity="Wien")
    until_same(gateway, org, "Gauge__c", FIELDS + FORMULAS)
    found = table(gateway, "Gauge__c", FIELDS + FORMULAS)[gauges[0]]
    assert found["Owner_City__c"] == "Wien" and found["SystemModstamp"] == stamp

    status = sync(gateway, "status")
    assert status.returncode == 0, status.stderr
    assert "refreshed every 3s, as of 20" in status.stdout and "polled every 1s, as of 20" in status.stdout
    assert "live, by events: " in status.stdout
    gauge, case = (next(found for found in json.loads(sync(gateway, "status", "--json").stdout)["status"]["objects"]
                        if found["name"] == name) for name in ("Gauge__c", "Case"))
    columns = {group["source"]: set(group["columns"]) for group in gauge["freshness"]}
    assert columns["refresh"] == set(FORMULAS) and set(FIELDS) <= columns["poll"] and len(columns) == 2
    assert "Subject" in next(group["columns"] for group in case["freshness"] if group["source"] == "events")
    for group in gauge["freshness"]:
        assert time.time() * 1000 - 60_000 < group["asOf"] <= time.time() * 1000
    metrics = requests.get(f"{gateway.url}/metrics", timeout=programs.CALL_SECONDS).text
    assert 'millrace_poll_last_success_seconds{object="Lead"}' in metrics
    assert 'millrace_api_calls_total{purpose="polling"}' in metrics


def test_the_org_is_away(gateway, org):
    settled(gateway)
    fault = Control(org).fault("unavailable", path="/services/data/*/queryAll", times=4)
    made = org.create("Lead", LastName="Behind a fault", Company="Race")
    programs.until(lambda: Control(org).fired(fault) == 4, what="the fault")
    until_same(gateway, org, "Lead", LEAD)
    assert made in table(gateway, "Lead", LEAD)


def test_what_is_gone_for_good_is_found_by_a_reconciliation(gateway, org):
    settled(gateway)
    gone, late = (org.create("Lead", LastName=name, Company="Race") for name in ("Gone", "Late"))
    until_same(gateway, org, "Lead", LEAD)
    salesforce = client(org)
    salesforce.Lead.delete(gone)
    SOAP(org).ids("emptyRecycleBin", gone)
    salesforce.Lead.update(late, {"Company": "Sluice"})
    done = sync(gateway, "reconcile", "Lead", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1, done.stdout + done.stderr
    assert [found["reconciliation"]["drift"] for found in report] == [{"gone": 1}], report
    assert same(gateway, org, "Lead", LEAD)


def test_unchanged_rows_are_not_written_again(directories, org, server):
    """Every poll reads those of the last ten minutes; who listens to the tables hears of real changes alone."""
    database = server.new_database("unchanged")
    gateway = programs.Gateway(directories("polling"), org, objects=OBJECTS, database=database, haste=HASTE)
    try:
        settled(gateway)
        made = org.create("Lead", LastName="Once", Company="Race")
        until_same(gateway, org, "Lead", LEAD)

        def written():
            with psycopg.connect(database) as connection:
                return connection.execute("SELECT sfid, xmin::text FROM salesforce.lead ORDER BY sfid").fetchall()

        def polls():
            status = json.loads(sync(gateway, "status", "--json").stdout)["status"]
            return next(group["asOf"] for found in status["objects"] if found["name"] == "Lead"
                        for group in found["freshness"] if group["source"] == "poll")

        before, since = written(), polls()
        programs.until(lambda: polls() > since + 2500, what="more polls")
        assert written() == before and made in dict(before)
    finally:
        gateway.program.stop()


@pytest.mark.parametrize("objects, complaint", [
    ({"Lead": {"fields": "all", "poll": "5"}}, "Lead.poll must be a duration from 10s to 30d, such as 5m"),
    ({"Lead": {"fields": "all", "poll": "1s"}}, "Lead.poll must be a duration from 10s to 30d, such as 5m"),
    ({"Lead": {"fields": "all", "pol": "5m"}}, "Lead.pol is not known: did you mean poll?"),
    ({"Lead": {"poll": "5m"}}, "Lead must have fields, all or a list of names"),
    ({"Lead": {"fields": "all", "refresh_formulas": ["1h"]}}, "Lead.refresh_formulas must be a duration"),
])
def test_mistakes_of_the_configuration(directories, org, objects, complaint):
    gateway = programs.Gateway(directories("wrong"), org, objects=objects, starts=False)
    wrong = programs.millrace("run", "--check", "--config", gateway.directory / "millrace.yaml")
    assert wrong.returncode != 0 and complaint in wrong.stderr, wrong.stderr


def test_an_object_that_cannot_be_polled(directories, org):
    """No SystemModstamp: the status says so, and the others are polled."""
    gateway = programs.Gateway(
        directories("unpollable"), org, haste=HASTE,
        objects={"Lead": OBJECTS["Lead"], "Nothing__c": {"fields": "all", "poll": "10s"}})
    try:
        programs.until(lambda: "Nothing__c" in sync(gateway, "status").stdout and
                       "NOT_FOUND" in sync(gateway, "status").stdout, what="the reason")
        org.create("Lead", LastName="Beside", Company="Race")
        until_same(gateway, org, "Lead", LEAD)
    finally:
        gateway.program.stop()
