"""EventLogFile: the calls that were really made, read as monitoring tools read them, with simple-salesforce."""

import csv
import io

import pytest
import requests
from simple_salesforce import Salesforce

import programs

HOUR_SECONDS = 3600


@pytest.fixture(scope="module")
def watched(directories):
    """An org of its own: its clock is moved."""
    org = programs.start_sandbox(directories("watched"))
    yield org
    org.program.stop()


def pass_an_hour(org):
    answer = org.call("POST", "/sandbox/clock", {"advance": HOUR_SECONDS})
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
    pass_an_hour(org)

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
