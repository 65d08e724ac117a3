"""salesforce-bulk (heroku's client of Bulk API 1.0), unchanged, against the sandbox: CSV, XML and JSON batches, queries and
their results, PK chunking."""

import csv
import io
import json

import pytest
from salesforce_bulk import BulkApiError, SalesforceBulk
from salesforce_bulk.salesforce_bulk import BulkBatchFailed

import programs

JOB_SECONDS = 120


@pytest.fixture(scope="module")
def bulk(org):
    # Plain HTTP on loopback: the client takes any address, and no environment has to be changed for it.
    return SalesforceBulk(
        sessionId=org.access["access_token"], host=org.connection["http_url"], API_version=programs.API_VERSION)


def finish(bulk, job, batch):
    programs.until(lambda: bulk.is_batch_done(batch, job), JOB_SECONDS, every=0.05, what="the end of the batch")


def table(records):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=records[0].keys())
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


@pytest.fixture(scope="module", autouse=True)
def direct(monkeypatch_module):
    monkeypatch_module.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_rows_go_in_and_come_out_as_csv(bulk):
    job = bulk.create_insert_job("Account", contentType="CSV", concurrency="Parallel")
    batches = [
        bulk.post_batch(job, table([{"Name": f"Heroku {part}-{row}", "Phone": "1"} for row in range(50)])) for part in range(3)]
    bulk.close_job(job)
    for batch in batches:
        finish(bulk, job, batch)
    results = [result for batch in batches for result in bulk.get_batch_results(batch, job)]
    assert len(results) == 150 and all(result.success == "true" and result.created == "true" for result in results)
    status = bulk.job_status(job)
    assert (status["state"], status["numberBatchesCompleted"], status["numberRecordsProcessed"]) == ("Closed", "3", "150")

    question = bulk.create_query_job("Account", contentType="CSV")
    batch = bulk.query(question, "SELECT Id, Name FROM Account WHERE Name LIKE 'Heroku %'")
    bulk.close_job(question)
    finish(bulk, question, batch)
    rows = [
        row for result in bulk.get_all_results_for_query_batch(batch, question)
        for row in csv.DictReader(io.TextIOWrapper(result, "utf-8"))]
    assert {row["Id"] for row in rows} == {result.id for result in results}
    assert bulk.get_query_batch_request(batch, question).startswith("SELECT Id, Name")


def test_pk_chunking_makes_batches_of_ranges(bulk):
    job = bulk.create_query_job("Account", contentType="CSV", pk_chunking=100)
    first = bulk.query(job, "SELECT Id FROM Account WHERE Name LIKE 'Heroku %'")
    assert bulk.batch_state(first, job) == "NotProcessed"
    chunks = [batch["id"] for batch in bulk.get_batch_list(job) if batch["id"] != first]
    assert len(chunks) >= 2
    found = []
    for batch in chunks:
        finish(bulk, job, batch)
        for result in bulk.get_all_results_for_query_batch(batch, job):
            found += [row["Id"] for row in csv.DictReader(io.TextIOWrapper(result, "utf-8"))]
    assert len(found) == len(set(found)) == 150


def test_json_and_xml_batches(bulk):
    job = bulk.create_insert_job("Contact", contentType="JSON")
    batch = bulk.post_batch(job, json.dumps([{"LastName": "J"}, {"FirstName": "nameless"}]))
    finish(bulk, job, batch)
    good, bad = bulk.get_batch_results(batch, job)
    assert good.success and good.created and not bad.success
    assert bad.error[0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    job = bulk.create_insert_job("Contact", contentType="XML")
    batch = bulk.post_batch(job, f'<sObjects xmlns="{bulk.jobNS}"><sObject><LastName>X</LastName></sObject><sObject/></sObjects>')
    finish(bulk, job, batch)
    good, bad = bulk.get_batch_results(batch, job)
    assert good.success and not bad.success and bad.error[0]["fields"] == ["LastName"]


def test_what_cannot_be_is_told(bulk):
    with pytest.raises(BulkApiError) as refused:
        bulk.create_insert_job("Spaceship")
    assert refused.value.status_code == 400 and "InvalidEntity" in str(refused.value)
    job = bulk.create_query_job("Account")
    batch = bulk.query(job, "SELECT Nonsense FROM Account")
    with pytest.raises(BulkBatchFailed) as failed:
        bulk.is_batch_done(batch, job)
    assert "INVALID_FIELD" in failed.value.state_message
    bulk.abort_job(job)
    assert bulk.job_state(job) == "Aborted"
    stranger = SalesforceBulk(sessionId="nobody", host=bulk.endpoint.split("/services")[0], API_version=programs.API_VERSION)
    with pytest.raises(BulkApiError) as refused:
        stranger.job_status(job)
    assert "InvalidSessionId" in str(refused.value)
