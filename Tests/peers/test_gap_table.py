"""The table of gaps: what was missed, why, and when it was mended, as an operator finds it with sqlite3 or psql, `millrace sync
gaps`, the admin door and the metrics, while the real gateway follows a sandbox that misbehaves."""

import contextlib
import json
import sqlite3

import psycopg
import pytest
import requests

import programs
from test_faults import Control
from test_replica import (FIELDS, client, database, gateway, org, report, same, server, settled, sync, table,  # noqa: F401
                          until_same)


@pytest.fixture
def control(org):  # noqa: F811
    control = Control(org)
    control.clear()
    yield control
    control.clear()


def select(gateway, sql):  # noqa: F811
    """Rows of a query that names the tables as SQLite does."""
    if gateway.database:
        with psycopg.connect(gateway.database) as connection:
            return connection.execute(sql.replace("gap_", "millrace.gap_")).fetchall()
    path = f"file:{gateway.directory / 'millrace.sqlite'}?mode=ro"
    with contextlib.closing(sqlite3.connect(path, uri=True)) as connection:
        return connection.execute(sql).fetchall()


def rows(gateway):  # noqa: F811
    columns = ["standing", "topic", "object", "reason", "scope", "record_count", "record_ids", "mend", "mended"]
    found = select(gateway, f"SELECT {', '.join(columns)} FROM gap_report ORDER BY id")
    return [dict(zip(columns, row)) for row in found]


def mended(gateway, reason):  # noqa: F811
    """The newest row with this reason, once nothing is open."""
    programs.until(lambda: any(reason in row["reason"] for row in rows(gateway)), programs.START_SECONDS, what=f"a row for {reason}")
    programs.until(lambda: all(row["standing"] != "open" for row in rows(gateway)), programs.START_SECONDS, what="mending")
    settled(gateway)
    assert select(gateway, "SELECT count(*) FROM gap_doubts") == [(0,)]
    programs.until(lambda: gateway.metric("millrace_open_gaps") == 0, what="the metric")
    return [row for row in rows(gateway) if reason in row["reason"]][-1]


def test_gap_events_are_rows(gateway, org, control):  # noqa: F811
    settled(gateway)
    contact = org.create_contact("Gaps")
    cases = [org.create_case(contact) for _ in range(3)]
    control.fault("gap", object="Case", times=1)
    org.update("Case", cases[0], Subject="told as a gap", Status="Working")
    row = mended(gateway, "GAP_UPDATE")
    assert (row["object"], row["scope"], row["record_count"], row["record_ids"]) == ("Case", "records", 1, cases[0])
    assert (row["standing"], row["mend"]) == ("mended", "refetch") and row["mended"]
    until_same(gateway, org)
    control.fault("gap", object="Case", times=1)
    org.delete("Case", cases[1])
    row = mended(gateway, "GAP_DELETE")
    assert (row["standing"], row["mend"]) == ("mended", "not needed")
    until_same(gateway, org)

    document = json.loads(sync(gateway, "gaps", "--json").stdout)
    assert document["openCount"] == 0 and document["open"] == []
    # A new gateway hears of what the org has kept, from before it.
    assert [entry["reason"] for entry in document["closed"]][:2] == ["GAP_DELETE", "GAP_UPDATE"]
    assert document["closed"][1]["recordIDs"] == [cases[0]] and document["closed"][1]["mendedAt"] > 0
    text = sync(gateway, "gaps").stdout
    assert "no gap is open" in text and "GAP_UPDATE" in text and cases[0] in text and "by reading the records by their ids" in text
    assert "GAP_DELETE" not in sync(gateway, "gaps", "--open").stdout
    assert "last closed gaps" in sync(gateway, "status").stdout


def test_a_lost_place_is_a_row_and_what_has_changed_is_read(gateway, org, control):  # noqa: F811
    settled(gateway)
    contact = org.create_contact("Lost")
    case = org.create_case(contact)
    until_same(gateway, org)
    gateway.program.stop()
    org.update("Case", case, Subject="while nobody listened", Status="Working")
    control.fault("replay-expired", times=1)
    gateway.start()
    row = mended(gateway, "replay")
    assert (row["object"], row["scope"], row["mend"]) == (None, "topic", "snapshot")
    until_same(gateway, org)
    snapshots = [found for found in report(gateway)["snapshots"] if found["reason"] == "gap"]
    assert {found["query"]["object"] for found in snapshots} == {"Case", "Account"}
    # Of every object, what has changed since the topic was last heard.
    assert all(found["query"]["since"] > 0 and found["query"]["includesDeleted"] for found in snapshots)
    assert select(gateway, "SELECT missed_from IS NOT NULL AND missed_from <= missed_until FROM gap_report")[0][0]


def test_an_overflow_leaves_no_row_in_doubt(gateway, org, control):  # noqa: F811
    settled(gateway)
    contact = org.create_contact("Overflow")
    case = org.create_case(contact)
    until_same(gateway, org)
    control.fault("overflow", object="Case", times=1)
    org.update("Case", case, Subject="too many changes", Status="Working")
    row = mended(gateway, "overflow")
    assert (row["object"], row["scope"], row["mend"]) == ("Case", "object", "snapshot")
    until_same(gateway, org)
    assert table(gateway, "Case", ["Subject"])[case] == {"Subject": "too many changes"}
    last = report(gateway)["snapshots"][-1]
    assert last["reason"] == "gap" and last["query"]["since"] > 0


def test_a_conversion_has_everything_read(gateway, org, control):  # noqa: F811
    settled(gateway)
    assert control.call("POST", "/gaps", {"kind": "conversion", "object": "Case"}).status_code == 201
    assert mended(gateway, "conversion")["mend"] == "snapshot"
    assert "since" not in report(gateway)["snapshots"][-1]["query"]
    assert same(gateway, org)


def test_a_gateway_that_replicates_nothing_has_the_rows_as_well(directories, org, control):  # noqa: F811
    gateway = programs.Gateway(directories("told"), org)
    try:
        case = org.create_case(org.create_contact("Told"))
        body = {"kind": "GAP_UPDATE", "object": "Case", "ids": [case]}
        assert control.call("POST", "/gaps", body).status_code == 201
        def told():
            return [row for row in rows(gateway) if row["record_ids"] == case]
        programs.until(told, what="the row")
        assert [(row["standing"], row["mend"], row["mended"]) for row in told()] == [("told", "nobody", None)]
        assert gateway.metric("millrace_open_gaps") == 0
        assert "listeners were told" in sync(gateway, "gaps").stdout
        for secret, limit, status in ((None, 1, 401), (gateway.ADMIN_SECRET, 0, 400), (gateway.ADMIN_SECRET, 1, 200)):
            headers = {"Authorization": f"Bearer {secret}"} if secret else {}
            answer = requests.get(
                f"{gateway.url}/admin/gaps", headers=headers, params={"limit": limit}, timeout=programs.CALL_SECONDS)
            assert answer.status_code == status, answer.text
    finally:
        gateway.program.stop()
