"""What records were: `history` beside a sandbox, read by sqlite3 and psycopg as an application reads it."""

import json
import sqlite3
import time

import psycopg
import pytest
import requests

import programs
from test_replica import client, database, server, settled, sync, table, until_same  # noqa: F401
from test_soap_records import SOAP

FIELDS = ["Subject", "Status", "Priority"]
OBJECTS = {"Case": {"fields": FIELDS, "history": True}, "Contact": {"fields": ["LastName"], "history": "2h"},
           "Account": {"fields": ["Name"]}}


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("history-org"), programs.PORT_OPTIONS)
    yield org
    org.program.stop()


@pytest.fixture
def gateway(directories, org, database):
    gateway = programs.Gateway(directories("history"), org, objects=OBJECTS, database=database)
    yield gateway
    gateway.program.stop()


def select(gateway, sql, *values):
    """Rows as dictionaries; `{case}` is the history of cases, wherever the store has it."""
    if gateway.database:
        with psycopg.connect(gateway.database, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(sql.format(case="salesforce_history.case"), values).fetchall()
    connection = sqlite3.connect(f"file:{gateway.directory / 'millrace.sqlite'}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        found = [dict(row) for row in connection.execute(
            sql.format(case="history_case").replace("%s", "?"), values)]
    finally:
        connection.close()
    for row in found:
        for name in ("record", "changes"):
            if name in row:
                row[name] = json.loads(row[name])
    return found


def versions(gateway, record):
    return select(gateway, "SELECT * FROM {case} WHERE sfid = %s ORDER BY id", record)


def until_versions(gateway, record, count):
    programs.until(lambda: len(versions(gateway, record)) >= count, programs.CALL_SECONDS, what=f"{count} versions of {record}")
    found = versions(gateway, record)
    assert len(found) == count, found
    return found


def milliseconds(value):
    return value if isinstance(value, int) else int(round(value.timestamp() * 1000))


def test_who_changed_what_and_when(gateway, org):
    settled(gateway)
    before = time.time() * 1000 - 5_000
    case = org.create("Case", Subject="Pump – é", Status="New", Priority="Low")
    until_same(gateway, org, "Case", FIELDS)
    assert versions(gateway, case) == []
    org.update("Case", case, Status="Working", Priority="High")
    org.update("Case", case, Status="Closed")
    org.delete("Case", case)
    first, second, third = until_versions(gateway, case, 3)
    assert first["changes"]["Status"] == {"old": "New", "new": "Working"}
    assert first["changes"]["Priority"] == {"old": "Low", "new": "High"}
    assert {name: first["record"][name] for name in FIELDS} == {
        "Subject": "Pump – é", "Status": "New", "Priority": "Low"}
    assert second["changes"]["Status"] == {"old": "Working", "new": "Closed"} and "Priority" not in second["changes"]
    assert [row["change"] for row in (first, second, third)] == ["UPDATE", "UPDATE", "DELETE"]
    assert third["record"]["Status"] == "Closed" and not third["isdeleted"]
    user = client(org).query("SELECT LastModifiedById FROM Case ORDER BY LastModifiedDate DESC LIMIT 1")
    assert user["totalSize"] == 0 or first["commit_user"] == user["records"][0]["LastModifiedById"]
    assert first["commit_user"].startswith("005") and first["position"] < second["position"] < third["position"]
    times = [milliseconds(row[name]) for row in (first, second, third) for name in ("valid_from", "valid_to")]
    assert times == sorted(times) and times[1] == times[2] and times[3] == times[4]
    assert before < times[0] and times[-1] < time.time() * 1000 + 5_000

    assert SOAP(org).ids("undelete", case)[0]["success"] == "true"
    back = until_versions(gateway, case, 4)[-1]
    assert back["change"] == "UNDELETE" and back["isdeleted"]


def test_what_the_table_was(gateway, org):
    settled(gateway)
    case = org.create("Case", Subject="As it was", Status="New")
    until_same(gateway, org, "Case", FIELDS)
    for status in ("Working", "Escalated", "Closed"):
        time.sleep(1.1)
        org.update("Case", case, Status=status)
    found = until_versions(gateway, case, 3)
    until_same(gateway, org, "Case", FIELDS)
    for index, status in enumerate(("New", "Working", "Escalated")):
        at = milliseconds(found[index]["valid_to"]) - 1
        moment = "to_timestamp(%s / 1000.0)" if gateway.database else "%s"
        rows = select(
            gateway, f"SELECT record FROM {{case}} WHERE sfid = %s AND valid_to > {moment} ORDER BY id LIMIT 1", case, at)
        assert rows[0]["record"]["Status"] == status
    if gateway.database:
        # As docs/replication.md has it.
        sql = """
            SELECT sfid, record FROM (
                SELECT DISTINCT ON (sfid) sfid, record, valid_from, isdeleted FROM (
                    SELECT sfid, id, valid_from, valid_to, isdeleted, record FROM salesforce_history.case
                    UNION ALL
                    SELECT sfid, NULL, coalesce(lastmodifieddate, createddate), NULL, isdeleted, to_jsonb(c)
                    FROM salesforce.case c
                ) v WHERE valid_to > %(at)s OR valid_to IS NULL ORDER BY sfid, id NULLS LAST
            ) w WHERE valid_from <= %(at)s AND NOT isdeleted"""
        with psycopg.connect(gateway.database) as connection:
            was = dict(connection.execute(sql, {"at": found[1]["valid_from"]}).fetchall())
            now = dict(connection.execute(sql, {"at": "2100-01-01T00:00Z"}).fetchall())
        assert was[case]["Status"] == "Working" and now[case]["status"] == "Closed"


def test_what_no_event_has_told_of(gateway, org):
    settled(gateway)
    case = org.create("Case", Subject="Unheard", Status="New")
    until_same(gateway, org, "Case", FIELDS)
    gateway.program.stop()
    # Behind the gateway's back: as an application that writes where it should not.
    if gateway.database:
        with psycopg.connect(gateway.database) as connection:
            connection.execute("UPDATE salesforce.case SET status = 'Wrong' WHERE sfid = %s", (case,))
    else:
        with sqlite3.connect(gateway.directory / 'millrace.sqlite') as connection:
            connection.execute("UPDATE salesforce_case SET status = 'Wrong' WHERE sfid = ?", (case,))
        connection.close()
    gateway.start()
    settled(gateway)
    assert sync(gateway, "snapshot", "Case").returncode == 0
    [version] = until_versions(gateway, case, 1)
    assert version["change"] == "READ" and version["changes"]["Status"] == {"old": "Wrong", "new": "New"}
    assert version["commit_user"] is None and version["position"] is None


def test_kill_9_between_changes(gateway, org):
    settled(gateway)
    case = org.create("Case", Subject="Killed", Status="New", Priority="Low")
    until_same(gateway, org, "Case", FIELDS)
    for number in range(12):
        org.update("Case", case, Subject=f"Killed {number}")
        if number % 4 == 3:
            gateway.program.kill()
            gateway.start()
    found = until_versions(gateway, case, 12)
    assert [row["record"]["Subject"] for row in found] == ["Killed"] + [f"Killed {number}" for number in range(11)]
    assert [row["changes"]["Subject"]["new"] for row in found] == [f"Killed {number}" for number in range(12)]
    until_same(gateway, org, "Case", FIELDS)


def test_the_command(gateway, org):
    settled(gateway)
    case = org.create("Case", Subject="Told", Status="New")
    until_same(gateway, org, "Case", FIELDS)
    assert sync(gateway, "history", "Case", case).stdout.strip() == "nothing is known of what the record was before"
    org.update("Case", case, Status="Closed")
    until_versions(gateway, case, 1)
    told = sync(gateway, "history", "Case", case)
    assert told.returncode == 0 and " UPDATE by 005" in told.stdout and 'Status "New" → "Closed"' in told.stdout
    document = json.loads(sync(gateway, "history", "Case", case, "--json").stdout)
    [version] = document["versions"]
    assert version["record"]["Status"] == "New" and version["changes"]["Status"] == {"old": "New", "new": "Closed"}
    assert version["validTo"].endswith("Z") and version["change"] == "UPDATE"


@pytest.mark.parametrize("arguments, status, complaint", [
    (("Account", "001000000000001AAA"), 64, "Account has no history"),
    (("Nothing", "001000000000001AAA"), 64, "Nothing has no history"),
    (("Case", "12"), 64, "12 is no record id"),
    (("Case", "500000000000001AAA", "--limit", "0"), 64, "limit is a number from 1 to"),
])
def test_what_cannot_be_told(gateway, org, arguments, status, complaint):
    refused = sync(gateway, "history", *arguments)
    assert refused.returncode == status and complaint in refused.stderr, (refused.returncode, refused.stderr)


def test_nobody_else_may_ask(gateway, org):
    answer = requests.get(
        f"{gateway.url}/admin/sync/history/Case/500000000000001AAA", timeout=programs.CALL_SECONDS)
    assert answer.status_code == 401


@pytest.mark.parametrize("objects, complaint", [
    ({"Case": {"fields": "all", "history": "5"}}, "Case.history must be true, or a duration from 1h to 36500d"),
    ({"Case": {"fields": "all", "history": "10m"}}, "Case.history must be true, or a duration from 1h to 36500d"),
    ({"Case": {"fields": "all", "history": ["1d"]}}, "Case.history must be true"),
    ({"Case": {"fields": "all", "histori": True}}, "Case.histori is not known: did you mean history?"),
])
def test_configuration_mistakes(directories, org, objects, complaint):
    gateway = programs.Gateway(directories("mistaken-history"), org, objects=objects, starts=False)
    answer = programs.millrace("run", "--check", "--config", gateway.directory / "millrace.yaml")
    assert answer.returncode == 78 and f"objects: {complaint}" in answer.stderr, (answer.returncode, answer.stderr)
