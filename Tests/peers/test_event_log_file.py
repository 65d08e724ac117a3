"""EventLogFile: the calls that were really made, read as monitoring tools read them, with simple-salesforce."""

import csv
import io

import pytest
import requests
from simple_salesforce import Salesforce

import programs
from test_soap_records import SOAP, Fault, VERSION as SOAP_VERSION

HOUR_SECONDS = 3600
CLASSIC_VERSION = "65.0"


@pytest.fixture(scope="module")
def watched(directories):
    """An org of its own: its clock is moved. It begins with an hour: nothing below is cut in two by the end of one."""
    org = programs.start_sandbox(directories("watched"))
    assert org.access, "a session: an assertion with this machine's time would be too old for the org's"
    now = org.call("GET", "/sandbox/clock").json()["milliseconds"] // 1000
    pass_seconds(org, HOUR_SECONDS - now % HOUR_SECONDS)
    yield org
    org.program.stop()


def pass_seconds(org, seconds):
    answer = org.call("POST", "/sandbox/clock", {"advance": seconds})
    if answer.status_code == 404:
        pytest.skip("the clock cannot be moved")
    assert answer.status_code == 200, answer.text


def test_the_hours_calls_are_in_its_file(watched):
    org = watched
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    salesforce = Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=session)
    account = salesforce.Account.create({"Name": "Watched"}, headers={"Sforce-Call-Options": "client=peer"})["id"]
    salesforce.query("SELECT Id FROM Account LIMIT 1")
    refused = org.rest("GET", "/sobjects/Nobody/001000000000000AAA")
    assert refused.status_code == 404
    other_apis(org)
    pass_seconds(org, HOUR_SECONDS)

    files = salesforce.query(
        "SELECT Id, EventType, LogDate, LogFileLength, Interval, Sequence, LogFile FROM EventLogFile "
        "WHERE EventType = 'ApiTotalUsage' AND Interval = 'Hourly' ORDER BY LogDate")["records"]
    assert [(file["EventType"], file["Interval"], file["Sequence"]) for file in files] == [("ApiTotalUsage", "Hourly", 1)]
    file = files[0]
    assert file["LogFile"].endswith(f"/sobjects/EventLogFile/{file['Id']}/LogFile")
    content = org.call("GET", file["LogFile"])
    assert content.status_code == 200 and content.headers["Content-Type"].startswith("text/csv")
    assert len(content.content) == file["LogFileLength"]

    rows = list(csv.DictReader(io.StringIO(content.text)))
    created = next(row for row in rows if row["HTTP_METHOD"] == "POST" and row["ENTITY_NAME"] == "Account")
    assert created["EVENT_TYPE"] == "ApiTotalUsage"
    assert (created["API_FAMILY"], created["API_VERSION"], created["CLIENT_NAME"]) == ("REST", programs.API_VERSION, "peer")
    assert created["API_RESOURCE"] == f"/v{programs.API_VERSION}/sobjects/Account"
    assert (created["STATUS_CODE"], created["COUNTS_AGAINST_API_LIMIT"], created["CLIENT_IP"]) == ("201", "1", "127.0.0.1")
    assert created["USER_NAME"] == org.connection["username"]
    assert created["TIMESTAMP_DERIVED"].endswith("Z") and "." in created["TIMESTAMP"]
    assert created["ORGANIZATION_ID"] == org.connection["org_id"][:15]
    assert any(row["API_RESOURCE"].endswith("/query") for row in rows)
    assert any(row["STATUS_CODE"] == "404" and row["ENTITY_NAME"] == "Nobody" for row in rows)
    assert account.startswith("001")

    [job] = [row for row in rows if row["API_RESOURCE"] == f"/v{programs.API_VERSION}/jobs/query"]
    assert (job["API_FAMILY"], job["HTTP_METHOD"], job["STATUS_CODE"], job["CLIENT_NAME"]) == ("Bulk", "POST", "200", "loader")
    [classic] = [row for row in rows if row["API_RESOURCE"].endswith("/job")]
    assert (classic["API_FAMILY"], classic["API_VERSION"], classic["STATUS_CODE"]) == ("Bulk", CLASSIC_VERSION, "201")
    [soap] = [row for row in rows if row["API_FAMILY"] == "SOAP"]
    assert (soap["API_VERSION"], soap["API_RESOURCE"], soap["STATUS_CODE"], soap["CLIENT_NAME"]) == (SOAP_VERSION, "query", "200", "mirror")
    for row in (job, classic, soap):
        assert (row["COUNTS_AGAINST_API_LIMIT"], row["USER_NAME"]) == ("1", org.connection["username"])
    assert {row["API_FAMILY"] for row in rows} == {"REST", "Bulk", "SOAP"}


def other_apis(org):
    """A call of each other API."""
    job = {"operation": "query", "query": "SELECT Id FROM Account LIMIT 1"}
    org.rest("POST", "/jobs/query", job, 200, headers={"Sforce-Call-Options": "client=loader"})
    classic = org.http.post(
        f"{org.connection['http_url']}/services/async/{CLASSIC_VERSION}/job", timeout=programs.CALL_SECONDS,
        headers={"X-SFDC-Session": org.access["access_token"], "Content-Type": "application/json"},
        json={"operation": "query", "object": "Account", "contentType": "JSON"})
    assert classic.status_code == 201, classic.text
    SOAP(org).call("query", "<urn:queryString>SELECT Id FROM Account LIMIT 1</urn:queryString>",
                   "<urn:CallOptions><urn:client>mirror</urn:client></urn:CallOptions>")


def call_rest(org, token):
    answer = org.call("GET", f"/services/data/v{programs.API_VERSION}/limits", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def call_classic(org, token):
    answer = org.http.get(f"{org.connection['http_url']}/services/async/{CLASSIC_VERSION}/job/750000000000000AAA",
                          headers={"X-SFDC-Session": token}, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 400


def call_soap(org, token):
    stranger = SOAP(org)
    stranger.org = type("Stranger", (), {"access": {"access_token": token}, "http": org.http})
    with pytest.raises(Fault) as refused:
        stranger.query("SELECT Id FROM Account")
    assert refused.value.code == "sf:INVALID_SESSION_ID"


@pytest.mark.parametrize("family, call", [
    ("REST", call_rest), ("Bulk", call_classic), ("SOAP", call_soap)])
def test_a_call_without_a_session_is_noted_and_does_not_count(watched, family, call):
    """Whether it counts is known when it has been counted, not before."""
    call(watched, "nobody")
    pass_seconds(watched, HOUR_SECONDS)
    files = watched.rest("GET", "/query", expected=200, params={
        "q": "SELECT LogFile FROM EventLogFile WHERE Interval = 'Hourly' ORDER BY LogDate DESC"}).json()["records"]
    rows = list(csv.DictReader(io.StringIO(watched.call("GET", files[0]["LogFile"]).text)))
    refused = [row for row in rows if row["API_FAMILY"] == family and not row["USER_NAME"]]
    assert [row["COUNTS_AGAINST_API_LIMIT"] for row in refused] == ["0"]


def test_calls_survive_a_kill(directories):
    """They were written at a graceful end only: a killed org forgot how many calls it had answered."""
    org = programs.start_sandbox(directories("killed"))
    used = lambda: int(org.rest("GET", "/limits", expected=200).headers["Sforce-Limit-Info"].split("=")[1].split("/")[0])
    for _ in range(5):
        used()
    before = used()
    # Calls are written down every second: a row that is there after a restart says that they were.
    database = org.program.directory / "org.sqlite"
    programs.until(lambda: counted(database) >= before, what="the calls to be written down")
    org.program.kill()
    org = programs.start_sandbox(org.program.directory)
    assert used() >= before + 1
    org.program.stop()


def counted(database):
    import json
    import sqlite3
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        row = connection.execute("SELECT value FROM state WHERE key = 'sandbox.apiUsage.byApp'").fetchone()
    if row is None:
        return 0
    return json.loads(row[0])["total"]
