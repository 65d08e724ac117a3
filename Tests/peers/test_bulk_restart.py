"""kill -9 in the middle of a bulk job: the job goes on behind the last row that counts, and no row comes twice or not at all."""

import csv
import io

import pytest

import programs

ROWS = 6_000
KILLS = 2
JOB_SECONDS = 240


@pytest.fixture
def org(directories):
    org = programs.start_sandbox(directories("bulk-restart"))
    yield org
    # The last run of it; the earlier ones were killed.
    if org.program.process.poll() is None:
        org.program.stop()


def job(org, identifier):
    return org.rest("GET", f"/jobs/ingest/{identifier}", None, 200).json()


def test_a_killed_org_goes_on_with_its_jobs(org, directories):
    made = org.rest("POST", "/jobs/ingest", {"object": "Account", "operation": "insert"}, 200).json()["id"]
    rows = "".join(f"Row {number}\n" for number in range(ROWS))
    answer = org.http.put(
        f"{org.connection['http_url']}/services/data/v{programs.API_VERSION}/jobs/ingest/{made}/batches",
        data=("Name\n" + rows).encode(), timeout=programs.CALL_SECONDS,
        headers={"Authorization": f"Bearer {org.access['access_token']}", "Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.text
    org.rest("PATCH", f"/jobs/ingest/{made}", {"state": "UploadComplete"}, 200)
    ports = programs.ports_of(org)
    done = 0
    for number in range(KILLS):
        # Some more rows than before, and then the end without a word.
        info = programs.until(
            lambda: next((info for info in [job(org, made)] if info["numberRecordsProcessed"] > done), None),
            JOB_SECONDS, what="more rows")
        org.program.kill()
        done = info["numberRecordsProcessed"]
        restarted = programs.start_sandbox(org.program.directory, ports, name=f"sandbox-{number}")
        org.program, org.connection = restarted.program, restarted.connection
        assert job(org, made)["numberRecordsProcessed"] >= done
    info = programs.until(
        lambda: next((info for info in [job(org, made)] if info["state"] not in ("UploadComplete", "InProgress")), None),
        JOB_SECONDS, what="the end of the job")
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", ROWS, 0)
    results = org.rest("GET", f"/jobs/ingest/{made}/successfulResults", None, 200)
    made_rows = list(csv.DictReader(io.StringIO(results.content.decode())))
    assert [row["Name"] for row in made_rows] == [f"Row {number}" for number in range(ROWS)]
    query = org.rest("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Account WHERE Name LIKE 'Row %'"}, 200)
    path = f"/jobs/query/{query.json()['id']}"
    programs.until(
        lambda: org.rest("GET", path, None, 200).json()["state"] == "JobComplete", JOB_SECONDS, what="the end of the query")
    found = org.rest("GET", path + "/results", None, 200).content.decode().splitlines()[1:]
    assert sorted(found) == sorted(f"\"{row['sf__Id']}\"" for row in made_rows)
