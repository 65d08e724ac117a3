"""`millrace sync reconcile`: rows that others have falsified in the replica's tables are found, named and put right.

Python's own sqlite3 (the gateway is stopped for it) and psycopg (while it runs) write into the tables past Millrace; what the org
holds is asked with simple-salesforce."""

import contextlib
import json
import sqlite3

import psycopg
import pytest
import requests

import programs
from test_replica import FIELDS, client, database, org, report, same, server, settled, sync, until_same

OBJECTS = {"Case": {"fields": FIELDS}, "Account": {"fields": "all"}}
ADDED = "5003000000D8cuIAAR"
"""An id that no org of these tests gives."""


@pytest.fixture
def gateway(directories, org, database):
    gateway = programs.Gateway(
        directories("reconciled"), org, objects=OBJECTS, database=database, reconcile={"settle": "1s"})
    yield gateway
    gateway.program.stop()


@contextlib.contextmanager
def table(gateway):
    """Runs statements in the database, `TABLE` and `?` as that one writes them."""
    if gateway.database:
        with psycopg.connect(gateway.database) as connection:
            yield lambda text, *values: connection.execute(text.replace("TABLE", "salesforce.case").replace("?", "%s"), values)
        return
    gateway.program.stop()
    connection = sqlite3.connect(gateway.directory / "millrace.sqlite")
    try:
        yield lambda text, *values: connection.execute(text.replace("TABLE", "salesforce_case"), values)
        connection.commit()
    finally:
        connection.close()
        gateway.start()


def reconcile(gateway, *arguments):
    """The exit status and, of each object, what differed: record to cause and fields."""
    answer = sync(gateway, "reconcile", *arguments, "--json")
    assert answer.stdout, answer.stderr
    reports = json.loads(answer.stdout)
    return answer.returncode, {
        found["reconciliation"]["object"]: {
            difference["record"]: (difference["cause"], set(difference["fields"])) for difference in found["differences"]}
        for found in reports}, [found["reconciliation"] for found in reports]


def cases(org, count):
    salesforce = client(org)
    return [salesforce.Case.create({"Subject": f"to be compared {number}", "Priority": "Low"})["id"] for number in range(count)]


def test_what_others_have_written_is_found_and_put_right(gateway, org):
    settled(gateway)
    made = cases(org, 8)
    until_same(gateway, org)
    settled(gateway)
    status, found, runs = reconcile(gateway)
    assert status == 0 and found == {"Case": {}, "Account": {}}, runs

    old, removed, buried, falsified, right = made[:5]
    with table(gateway) as execute:
        if gateway.database:
            execute("UPDATE TABLE SET lastmodifieddate = lastmodifieddate - interval '90 days' WHERE sfid = ?", old)
            execute("UPDATE TABLE SET isdeleted = true WHERE sfid = ?", buried)
            execute("INSERT INTO TABLE (sfid, subject, lastmodifieddate) VALUES (?, 'not of the org', now())", ADDED)
        else:
            execute("UPDATE TABLE SET lastmodifieddate = lastmodifieddate - 7776000000 WHERE sfid = ?", old)
            execute("UPDATE TABLE SET isdeleted = 1 WHERE sfid = ?", buried)
            execute("INSERT INTO TABLE (sfid, isdeleted, _needs_refetch, _commit_timestamp, subject, lastmodifieddate) "
                    "VALUES (?, 0, 0, 0, 'not of the org', 1780000000000)", ADDED)
        execute("DELETE FROM TABLE WHERE sfid = ?", removed)
        execute("UPDATE TABLE SET subject = 'falsified', priority = NULL WHERE sfid = ?", falsified)
    settled(gateway)
    wrong = {old: ("stale", {"LastModifiedDate"}), removed: ("missing", set()), buried: ("undeleted", set()),
             ADDED: ("gone", set())}

    # First only looking: nothing is put right.
    status, found, runs = reconcile(gateway, "Case", "--dry-run")
    assert (status, found) == (1, {"Case": wrong}), runs
    assert not same(gateway, org, fields=("Subject",))

    status, found, runs = reconcile(gateway, "Case")
    assert (status, found) == (1, {"Case": wrong}), runs
    assert runs[0]["calls"] <= 6 and runs[0]["drift"] == {"gone": 1, "missing": 1, "stale": 1, "undeleted": 1}, runs

    # A value under the right stamp takes a look at every value.
    status, found, runs = reconcile(gateway, "Case", "--deep")
    assert (status, found) == (1, {"Case": {falsified: ("values", {"Subject", "Priority"})}}), runs
    assert same(gateway, org)

    for arguments in ([], ["--deep"]):
        status, found, runs = reconcile(gateway, *arguments)
        assert status == 0 and found == {"Case": {}, "Account": {}}, runs
    assert right not in wrong


def test_the_report_in_words_and_where_it_shows(gateway, org):
    settled(gateway)
    case, = cases(org, 1)
    until_same(gateway, org)
    settled(gateway)
    with table(gateway) as execute:
        execute("DELETE FROM TABLE WHERE sfid = ?", case)
    settled(gateway)
    answer = sync(gateway, "reconcile", "Case")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"{case} was missing here" in answer.stdout and "1 differed (1 missing), put right" in answer.stdout, answer.stdout
    assert "to be compared" not in answer.stdout
    again = sync(gateway, "reconcile", "Case")
    assert again.returncode == 0 and "no drift" in again.stdout, again.stdout

    standing = next(found for found in report(gateway)["objects"] if found["name"] == "Case")["reconciled"]
    assert standing["runs"] == 2 and standing["drift"] == {"missing": 1} and standing["lastDrift"] == 0, standing
    assert "compared" in sync(gateway, "status").stdout
    def shown():
        metrics = requests.get(f"{gateway.url}/metrics", timeout=programs.CALL_SECONDS).text
        return ('millrace_reconciled_rows_total{cause="missing",object="Case"} 1' in metrics
                and 'millrace_reconciliation_last_success_seconds{object="Case"}' in metrics
                and 'millrace_api_calls_total{purpose="reconcile"}' in metrics)
    programs.until(shown, programs.CALL_SECONDS, what="the metrics of reconciliations")


def test_a_schedule(directories, org):
    """The last one's time is in the store; a gateway that is started again does not begin anew."""
    gateway = programs.Gateway(
        directories("scheduled"), org, objects=OBJECTS, reconcile={"settle": "1s", "every": "60s"})
    try:
        settled(gateway)
        assert all(found.get("reconciled") is None for found in report(gateway)["objects"])
        def is_compared():
            return all((found.get("reconciled") or {}).get("runs") == 1 for found in report(gateway)["objects"])
        programs.until(is_compared, 90, what="the first of the schedule")
        gateway.program.stop()
        gateway.start()
        assert is_compared()
        assert {run["trigger"] for run in report(gateway)["reconciliations"]} == {"schedule"}
    finally:
        gateway.program.stop()


def test_what_cannot_be_compared(gateway):
    settled(gateway)
    answer = sync(gateway, "reconcile", "Lead")
    assert answer.returncode == 64 and "Lead is not among the objects that are replicated" in answer.stderr, answer.stderr
    for method, path in (("get", "/admin/sync/reconciliations/1"), ("post", "/admin/sync/reconciliations")):
        refused = getattr(requests, method)(f"{gateway.url}{path}", timeout=programs.CALL_SECONDS)
        assert refused.status_code == 401, refused.text
    unknown = requests.get(
        f"{gateway.url}/admin/sync/reconciliations/999", headers={"Authorization": f"Bearer {gateway.ADMIN_SECRET}"},
        timeout=programs.CALL_SECONDS)
    assert unknown.status_code == 404, unknown.text


def test_a_gateway_that_does_not_run(gateway):
    """Cron must not take it for either answer."""
    settled(gateway)
    gateway.program.stop()
    answer = sync(gateway, "reconcile", "Case")
    assert answer.returncode not in (0, 1) and "cannot be reached" in answer.stderr, answer.stderr
    gateway.start()
