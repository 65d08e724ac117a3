"""simple-salesforce, unchanged, against the sandbox: Bulk API 2.0 and 1.0; and what its users do by hand, with requests."""

import concurrent.futures
import csv
import gzip
import http.client
import io

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

import programs

WAIT_SECONDS = 0.1
JOB_SECONDS = 120


@pytest.fixture(scope="module")
def secure(org):
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    return session


@pytest.fixture(scope="module")
def salesforce(org, secure):
    return Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=secure)


@pytest.fixture(scope="module")
def jobs(org, secure):
    """Calls of the jobs resources by hand."""
    base = f"{org.connection['https_url']}/services/data/v{programs.API_VERSION}/jobs/"
    token = {"Authorization": f"Bearer {org.access['access_token']}"}

    def call(method, path, headers=None, **arguments):
        return secure.request(method, base + path, headers={**token, **(headers or {})}, timeout=programs.CALL_SECONDS, **arguments)

    return call


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def ended(jobs, path):
    def look():
        info = jobs("GET", path).json()
        return info if info["state"] in ("JobComplete", "Failed", "Aborted") else None
    return programs.until(look, JOB_SECONDS, every=0.05, what=f"the end of {path}")


def queried(salesforce, soql, **arguments):
    return [row for page in salesforce.bulk2.Account.query(soql, wait=WAIT_SECONDS, **arguments) for row in rows(page)]


def test_a_large_volume_goes_in_and_comes_out(salesforce):
    count = 5_000
    names = [f"Large {number:05} \"Ж\", 漢字" for number in range(count)]
    results = salesforce.bulk2.Account.insert(
        records=[{"Name": name, "NumberOfEmployees": str(index)} for index, name in enumerate(names)], wait=WAIT_SECONDS)
    assert results[0]["numberRecordsProcessed"] == count and results[0]["numberRecordsFailed"] == 0
    made = rows(salesforce.bulk2.Account.get_successful_records(results[0]["job_id"]))
    assert [row["Name"] for row in made] == names
    assert all(row["sf__Created"] == "true" and len(row["sf__Id"]) == 18 for row in made)
    found = queried(salesforce, "SELECT Id, Name, NumberOfEmployees FROM Account WHERE Name LIKE 'Large %'", max_records=700)
    assert {row["Id"]: row["Name"] for row in found} == {row["sf__Id"]: row["Name"] for row in made}


def test_records_live_their_lives_in_bulk(salesforce):
    made = salesforce.bulk2.Account.insert(
        records=[{"Name": f"Life {number}", "Phone": "1"} for number in range(3)], wait=WAIT_SECONDS)
    ids = [row["sf__Id"] for row in rows(salesforce.bulk2.Account.get_successful_records(made[0]["job_id"]))]
    changed = salesforce.bulk2.Account.update(
        records=[{"Id": ids[0], "Site": "here", "Phone": ""}, {"Id": ids[1], "Site": "there", "Phone": "#N/A"}], wait=WAIT_SECONDS)
    assert changed[0]["numberRecordsFailed"] == 0
    first, second = salesforce.Account.get(ids[0]), salesforce.Account.get(ids[1])
    assert (first["Site"], first["Phone"]) == ("here", "1")
    assert (second["Site"], second["Phone"]) == ("there", None)
    again = salesforce.bulk2.Account.upsert(
        records=[{"Id": ids[2], "Name": "Life, upserted"}], external_id_field="Id", wait=WAIT_SECONDS)
    assert again[0]["numberRecordsFailed"] == 0
    assert salesforce.Account.get(ids[2])["Name"] == "Life, upserted"
    gone = salesforce.bulk2.Account.delete(records=[{"Id": id} for id in ids], wait=WAIT_SECONDS)
    assert gone[0]["numberRecordsFailed"] == 0
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.Account.get(ids[0])
    deleted = [row for page in salesforce.bulk2.Account.query_all(
        f"SELECT Id, IsDeleted FROM Account WHERE Id = '{ids[0]}'", wait=WAIT_SECONDS) for row in rows(page)]
    assert deleted == [{"Id": ids[0], "IsDeleted": "true"}]


def test_trap_27_a_complete_job_may_have_failed_rows(salesforce):
    results = salesforce.bulk2.Contact.insert(
        records=[{"LastName": "Trap", "FirstName": "A"}, {"LastName": "", "FirstName": "B"}], wait=WAIT_SECONDS)
    assert (results[0]["numberRecordsProcessed"], results[0]["numberRecordsFailed"]) == (2, 1)
    failed = rows(salesforce.bulk2.Contact.get_failed_records(results[0]["job_id"]))
    assert failed[0]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert failed[0]["FirstName"] == "B"
    assert rows(salesforce.bulk2.Contact.get_unprocessed_records(results[0]["job_id"])) == []


def test_a_download_goes_to_files(salesforce, tmp_path):
    salesforce.bulk2.Account.insert(records=[{"Name": f"File {number}"} for number in range(7)], wait=WAIT_SECONDS)
    files = list(salesforce.bulk2.Account.download(
        "SELECT Name FROM Account WHERE Name LIKE 'File %'", path=str(tmp_path), max_records=3, wait=WAIT_SECONDS))
    assert [file["number_of_records"] for file in files] == [3, 3, 1]
    names = [row["Name"] for file in files for row in rows(open(file["file"], encoding="utf-8").read())]
    assert sorted(names) == [f"File {number}" for number in range(7)]


@pytest.mark.parametrize("soql", [
    "SELECT COUNT(Id) FROM Account", "SELECT Name FROM Account GROUP BY Name", "SELECT BillingAddress FROM Account",
    "SELECT Id FROM Account OFFSET 3", "SELECT Id, (SELECT Id FROM Contacts) FROM Account", "SELECT Nonsense FROM Account"])
def test_trap_27_bulk_refuses_what_it_does_not_take(salesforce, soql):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        list(salesforce.bulk2.Account.query(soql, wait=WAIT_SECONDS))
    assert refused.value.content[0]["errorCode"]


def test_trap_27_the_last_locator_is_the_text_null(jobs):
    job = jobs("POST", "query", json={"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert (job["state"], job["object"], job["apiVersion"]) == ("UploadComplete", "Account", float(programs.API_VERSION))
    assert ended(jobs, f"query/{job['id']}")["jobType"] == "V2Query"
    answer = jobs("GET", f"query/{job['id']}/results", headers={"Accept": "text/csv", "Accept-Encoding": "gzip"})
    assert answer.headers["Sforce-Locator"] == "null"
    assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["Content-Type"].startswith("text/csv")
    assert int(answer.headers["Sforce-NumberOfRecords"]) == len(rows(answer.text))
    page = jobs("GET", f"query/{job['id']}/results?maxRecords=1", headers={"Accept-Encoding": "identity"})
    assert len(rows(page.text)) == 1 and page.headers["Sforce-Locator"] != "null"
    assert "Content-Encoding" not in page.headers
    for hostile in ("maxRecords=0", "maxRecords=x", "locator=nonsense"):
        assert jobs("GET", f"query/{job['id']}/results?{hostile}").status_code == 400
    pages = jobs("GET", f"query/{job['id']}/resultPages").json()
    assert pages["done"] is True and len(pages["resultPages"]) == 1
    assert jobs("DELETE", f"query/{job['id']}").status_code == 204
    assert jobs("GET", f"query/{job['id']}").status_code == 404


def test_a_multipart_request_is_a_whole_job(jobs):
    answer = jobs("POST", "ingest", files={
        "job": (None, '{"object":"Account","operation":"insert","contentType":"CSV"}', "application/json"),
        "content": ("content", "Name\nMultipart\n", "text/csv")})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    assert ended(jobs, f"ingest/{answer.json()['id']}")["numberRecordsProcessed"] == 1


def test_states_and_refusals(jobs):
    job = jobs("POST", "ingest", json={"object": "Account", "operation": "insert"}).json()
    assert job["state"] == "Open" and job["contentUrl"] == f"services/data/v{programs.API_VERSION}/jobs/ingest/{job['id']}/batches"
    path = f"ingest/{job['id']}"
    early = jobs("PATCH", path, json={"state": "UploadComplete"})
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert jobs("PUT", path + "/batches", data=b"Name\nx\n", headers={"Content-Type": "text/plain"}).status_code == 415
    assert jobs("PUT", path + "/batches", data=b"Name\nx\n", headers={"Content-Type": "text/csv"}).status_code == 201
    assert jobs("PUT", path + "/batches", data=b"Name\nx\n", headers={"Content-Type": "text/csv"}).status_code == 400
    assert jobs("PATCH", path, json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert jobs("GET", path + "/unprocessedrecords/").text == "Name\nx\n"
    assert jobs("DELETE", path).status_code == 204
    missing = jobs("GET", path)
    assert missing.status_code == 404
    assert missing.json() == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


@pytest.mark.parametrize("document,code", [
    ({}, "INVALIDJOB"), ({"object": "Account"}, "INVALIDJOB"), ({"object": "Account", "operation": "merge"}, "JSON_PARSER_ERROR"),
    ({"object": "Spaceship", "operation": "insert"}, "INVALIDENTITY"), ({"object": "Account", "operation": "query"}, "INVALIDJOB"),
    ({"object": "Account", "operation": "insert", "columnDelimiter": "SPACE"}, "JSON_PARSER_ERROR"),
    ({"object": "Account", "operation": "insert", "lineEnding": "EITHER"}, "JSON_PARSER_ERROR"),
    ({"object": "Account", "operation": "insert", "contentType": "JSON"}, "INVALIDJOB"),
    ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"), ([], "JSON_PARSER_ERROR"),
    ({"object": 3, "operation": "insert"}, "JSON_PARSER_ERROR")])
def test_a_job_that_cannot_be_is_refused(jobs, document, code):
    answer = jobs("POST", "ingest", json=document)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_more_than_a_job_takes_is_refused(org, jobs):
    job = jobs("POST", "ingest", json={"object": "Account", "operation": "insert"}).json()
    # By hand: requests would write the length that the body has.
    host, port = org.connection["http_url"].split("//")[1].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=programs.CALL_SECONDS)
    connection.putrequest("PUT", f"/services/data/v{programs.API_VERSION}/jobs/ingest/{job['id']}/batches")
    for name, value in {"Authorization": f"Bearer {org.access['access_token']}", "Content-Type": "text/csv",
                        "Content-Length": "150000001"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert jobs("GET", f"ingest/{job['id']}").json()["state"] == "Open"


def test_jobs_are_listed(jobs):
    made = jobs("POST", "ingest", json={"object": "Contact", "operation": "insert"}).json()
    listed = jobs("GET", "ingest?jobType=V2Ingest").json()
    assert listed["done"] is True and listed["nextRecordsUrl"] is None
    assert listed["records"][0]["id"] == made["id"]
    assert jobs("GET", "ingest?jobType=Nonsense").status_code == 400


def test_bulk_1_writes_and_reads(salesforce):
    made = salesforce.bulk.Contact.insert(
        [{"LastName": f"Classic {number}", "Email": None} for number in range(450)] + [{"LastName": None}],
        batch_size=200)
    assert [row["success"] for row in made] == [True] * 450 + [False]
    assert made[-1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING" and made[-1]["id"] is None
    ids = [row["id"] for row in made[:-1]]
    changed = salesforce.bulk.Contact.update([{"Id": id, "FirstName": "C"} for id in ids[:2]])
    assert all(row["success"] and not row["created"] for row in changed)
    upserted = salesforce.bulk.Contact.upsert([{"Id": ids[0], "FirstName": "D"}], "Id")
    assert upserted[0]["success"] and not upserted[0]["created"]
    found = salesforce.bulk.Contact.query(
        f"SELECT Id, FirstName, CreatedDate, Owner.Username FROM Contact WHERE Id = '{ids[0]}'", wait=WAIT_SECONDS)
    assert (found[0]["Id"], found[0]["FirstName"]) == (ids[0], "D")
    assert isinstance(found[0]["CreatedDate"], int) and found[0]["Owner"]["Username"]
    assert found[0]["attributes"]["type"] == "Contact"
    gone = salesforce.bulk.Contact.delete([{"Id": id} for id in ids[:3]])
    assert all(row["success"] for row in gone)
    left = salesforce.bulk.Contact.query("SELECT Id FROM Contact WHERE LastName LIKE 'Classic %'", wait=WAIT_SECONDS)
    assert len(left) == 447
    detailed = salesforce.bulk.Account.insert([{"Name": "Detailed"}], include_detailed_results=True)
    assert detailed[0]["Name"] == "Detailed" and detailed[0]["success"]


def test_bulk_1_in_xml_and_csv(org, secure):
    base = f"{org.connection['https_url']}/services/async/{programs.API_VERSION}/job"
    namespace = "http://www.force.com/2009/06/asyncapi/dataload"

    def call(method, path, body=None, content="application/xml", token=org.access["access_token"], **headers):
        return secure.request(
            method, base + path, data=body, timeout=programs.CALL_SECONDS,
            headers={"X-SFDC-Session": token, "Content-Type": content, **headers})

    def value(text, name):
        return text.split(f"<{name}>")[1].split(f"</{name}>")[0]

    def job(operation, content, **headers):
        made = call("POST", "", f'<?xml version="1.0" encoding="UTF-8"?><jobInfo xmlns="{namespace}"><operation>{operation}</operation>'
                    f"<object>Account</object><contentType>{content}</contentType></jobInfo>", **headers)
        assert made.status_code == 201, made.text
        return value(made.text, "id")

    def done(job, batch):
        def look():
            text = call("GET", f"/{job}/batch/{batch}").text
            return text if value(text, "state") in ("Completed", "Failed", "NotProcessed") else None
        return programs.until(look, JOB_SECONDS, every=0.05, what="the end of the batch")

    xml = job("insert", "XML")
    batch = value(call("POST", f"/{xml}/batch", f'<sObjects xmlns="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
                       "<sObject><Name>From XML &amp; more</Name><Phone xsi:nil='true'/></sObject><sObject><Site>x</Site></sObject>"
                       "</sObjects>").text, "id")
    assert value(done(xml, batch), "numberRecordsFailed") == "1"
    results = call("GET", f"/{xml}/batch/{batch}/result").text
    assert "<success>true</success>" in results and "<statusCode>REQUIRED_FIELD_MISSING</statusCode>" in results
    assert value(call("POST", f"/{xml}", f'<jobInfo xmlns="{namespace}"><state>Closed</state></jobInfo>').text, "state") == "Closed"

    table = job("insert", "CSV")
    batch = value(call("POST", f"/{table}/batch", "Name\r\nFrom CSV\r\n", content="text/csv").text, "id")
    done(table, batch)
    results = rows(call("GET", f"/{table}/batch/{batch}/result").text)
    assert (results[0]["Success"], results[0]["Created"]) == ("true", "true")
    assert call("GET", f"/{table}/batch/{batch}/request").text == "Name\r\nFrom CSV\r\n"

    packed = {"content": "text/csv", "Content-Encoding": "gzip"}
    batch = value(call("POST", f"/{table}/batch", gzip.compress(b"Name\nPacked\n"), **packed).text, "id")
    assert value(done(table, batch), "numberRecordsFailed") == "0"
    assert call("GET", f"/{table}/batch/{batch}/request").text == "Name\nPacked\n"
    broken = call("POST", f"/{table}/batch", b"Name\n", **packed)
    assert broken.status_code == 400 and "<exceptionCode>INVALID_REQUEST</exceptionCode>" in broken.text
    bomb = call("POST", f"/{table}/batch", gzip.compress(b"Name\n" + b"x\n" * (6 << 20)), **packed)
    assert bomb.status_code == 413 and "<exceptionCode>ClientInputError</exceptionCode>" in bomb.text

    question = job("query", "CSV", **{"Sforce-Enable-PKChunking": "chunkSize=100000"})
    batch = value(call("POST", f"/{question}/batch", "SELECT Id, Name FROM Account", content="text/csv").text, "id")
    assert value(done(question, batch), "state") == "NotProcessed"
    chunk = call("GET", f"/{question}/batch").text.split("<batchInfo>")[2]
    done(question, value(chunk, "id"))
    result = value(call("GET", f"/{question}/batch/{value(chunk, 'id')}/result").text, "result")
    names = [row["Name"] for row in rows(call("GET", f"/{question}/batch/{value(chunk, 'id')}/result/{result}").text)]
    assert "From CSV" in names and "From XML & more" in names

    for refused, code in [
            (call("GET", "/750000000000000AAA"), "InvalidJob"), (call("GET", f"/{xml}", token="nobody"), "InvalidSessionId"),
            (call("POST", "", "<jobInfo"), "InvalidJob"), (call("POST", f"/{xml}/batch", "x"), "InvalidBatch"),
            (call("POST", f"/{table}/batch", "\"x", content="text/csv"), "InvalidBatch"), (call("GET", "/x/y/z"), "InvalidUrl")]:
        assert (refused.status_code, value(refused.text, "exceptionCode")) == (400, code)


def test_what_a_json_job_refuses_is_json(org):
    """Whoever made it speaks JSON, whatever the headers of a later call say."""
    def call(method, path="", **body):
        url = f"{org.connection['http_url']}/services/async/{programs.API_VERSION}/job{path}"
        return org.http.request(
            method, url, headers={"X-SFDC-Session": org.access["access_token"]}, timeout=programs.CALL_SECONDS, **body)

    job = call("POST", json={"operation": "insert", "object": "Account", "contentType": "JSON"}).json()["id"]
    assert call("GET", f"/{job}/batch").json() == {"batchInfo": []}
    refused = call("GET", f"/{job}/batch/751000000000000AAA")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/json"), refused.text
    assert refused.json()["exceptionCode"] == "InvalidBatch"


# Columns and dialects

def finished(jobs, soql, **job):
    """A query job that has ended, by its path."""
    made = jobs("POST", "query", json={"operation": "query", "query": soql, **job})
    assert made.status_code == 200, made.text
    path = f"query/{made.json()['id']}"
    info = ended(jobs, path)
    assert info["state"] == "JobComplete", info
    return path


def ingested(jobs, kind, table, operation="insert", **job):
    """An ingest job of a table that has ended: what it says of itself, and its path."""
    made = jobs("POST", "ingest", json={"object": kind, "operation": operation, **job})
    assert made.status_code == 200, made.text
    path = f"ingest/{made.json()['id']}"
    upload = jobs("PUT", path + "/batches", data=table.encode(), headers={"Content-Type": "text/csv"})
    assert upload.status_code == 201, upload.text
    assert jobs("PATCH", path, json={"state": "UploadComplete"}).status_code == 200
    return ended(jobs, path), path


def test_a_query_speaks_the_dialect_of_its_job(org, jobs):
    """Pipes and CRLF; what stands in a value is not touched, and pages begin where rows begin."""
    names = ["Pipe | in it", "Quote \" in it", "Break\nin it", "CRLF\r\nin it"]
    for name in names:
        org.create("Account", Name="Dialect", Description=name)
    soql = "SELECT Name, Description, Phone FROM Account WHERE Name = 'Dialect' ORDER BY CreatedDate, Id"
    path = finished(jobs, soql, columnDelimiter="PIPE", lineEnding="CRLF")
    info = jobs("GET", path).json()
    assert (info["columnDelimiter"], info["lineEnding"]) == ("PIPE", "CRLF")
    head = b'"Name"|"Description"|"Phone"\r\n'
    rows = [f'"Dialect"|"{name.replace(chr(34), chr(34) * 2)}"|""\r\n'.encode() for name in names]
    assert jobs("GET", f"{path}/results").content == head + b"".join(rows)
    locator, pages = None, []
    while locator != "null":
        page = jobs("GET", f"{path}/results", params={"maxRecords": 3, **({"locator": locator} if locator else {})})
        locator = page.headers["Sforce-Locator"]
        pages.append(page.content)
    assert pages == [head + b"".join(rows[:3]), head + rows[3]]


def test_an_upload_speaks_the_dialect_of_its_job(jobs):
    table = 'LastName|Title\r\nPipes|"a | b"\r\n|none\r\n'
    info, path = ingested(jobs, "Contact", table, columnDelimiter="PIPE", lineEnding="CRLF")
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"]) == (2, 1)
    [head, made] = jobs("GET", path + "/successfulResults/").text.removesuffix("\r\n").split("\r\n")
    assert head == '"sf__Id"|"sf__Created"|"LastName"|"Title"' and made.endswith('|"true"|"Pipes"|"a | b"')
    [_, failed] = jobs("GET", path + "/failedResults/").text.removesuffix("\r\n").split("\r\n")
    assert failed.startswith('""|"REQUIRED_FIELD_MISSING:') and failed.endswith('|""|"none"')
    # The other line ending is not the job's.
    info, _ = ingested(jobs, "Contact", "LastName|Title\nx|y\n", columnDelimiter="PIPE", lineEnding="CRLF")
    assert (info["state"], info["errorMessage"]) == (
        "Failed", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF")


def test_a_relationship_is_a_column(org, jobs):
    """Records are found by a field of theirs; where they may be of several objects, the column says of which."""
    account = org.create("Account", Name="Related")
    contact = org.create("Contact", LastName="Related", Email="related@example.com", AccountId=account)
    lead = org.create("Lead", LastName="Related Lead", Company="L", Email="related@example.com")
    user = org.rest("GET", "/query", expected=200, params={"q": "SELECT Username, Name FROM User WHERE IsActive = true"}).json()["records"][1]

    info, path = ingested(jobs, "Case", f"Subject,Contact.Email,Owner.Username\nBy columns,related@example.com,{user['Username']}\n"
                                        f"Nobody's,nobody@example.com,{user['Username']}\n")
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 2, 1)
    [failed] = rows(jobs("GET", path + "/failedResults/").text)
    assert failed["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: nobody@example.com not found for field Email")
    info, path = ingested(jobs, "Task", "Subject,Lead:Who.Email,Contact:Who.Email,Account:What.Name\n"
                                        "For the lead,related@example.com,,\nFor the contact,,related@example.com,Related\n")
    assert info["numberRecordsFailed"] == 0, jobs("GET", path + "/failedResults/").text
    tasks = {row["Subject"]: row for row in org.rest("GET", "/query", expected=200, params={
        "q": "SELECT Subject, WhoId, WhatId FROM Task WHERE Subject LIKE 'For the %'"}).json()["records"]}
    assert (tasks["For the lead"]["WhoId"], tasks["For the lead"]["WhatId"]) == (lead, None)
    assert (tasks["For the contact"]["WhoId"], tasks["For the contact"]["WhatId"]) == (contact, account)
    for table in ("Subject,Who.Email\nx,related@example.com\n", "Subject,User:Who.Email\nx,related@example.com\n"):
        info, _ = ingested(jobs, "Task", table)
        assert (info["state"], info["errorMessage"]) == (
            "Failed", f"InvalidBatch : Field name not found : {table.split(',')[1].split(chr(10))[0]}")

    path = finished(jobs, "SELECT Subject, Owner.Name, Contact.Email, Contact.Account.Name FROM Case WHERE Subject = 'By columns'")
    [case] = rows(jobs("GET", f"{path}/results").text)
    assert case == {"Subject": "By columns", "Owner.Name": user["Name"], "Contact.Email": "related@example.com",
                    "Contact.Account.Name": "Related"}
    path = finished(jobs, "SELECT Subject, Who.Name, Who.Type, What.Name FROM Task WHERE Subject LIKE 'For the %' ORDER BY Subject")
    assert [list(row.values()) for row in rows(jobs("GET", f"{path}/results").text)] == [
        ["For the contact", "Related", "Contact", "Related"], ["For the lead", "Related Lead", "Lead", ""]]


# The list of jobs

def test_a_list_of_more_than_a_page(directories):
    """Pages go on where the last one ended, whatever is made meanwhile; filters hold for all of them."""
    count = 1_001
    hands = 8
    org = programs.start_sandbox(directories("jobs"))
    root = f"/services/data/v{programs.API_VERSION}/jobs"
    make = lambda _=None: org.call("POST", f"{root}/ingest", {"object": "Account", "operation": "insert"}).json()["id"]

    def classic(mode, **headers):
        answer = org.http.post(
            f"{org.connection['http_url']}/services/async/{programs.API_VERSION}/job", timeout=programs.CALL_SECONDS,
            headers={"X-SFDC-Session": org.access["access_token"], "Content-Type": "application/json", **headers},
            json={"operation": "query", "object": "Account", "contentType": "CSV", "concurrencyMode": mode})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def pages(path, **filters):
        answer = org.call("GET", f"{root}/{path}", params=filters).json()
        while True:
            yield answer
            assert answer["done"] == (answer["nextRecordsUrl"] is None)
            if answer["done"]:
                return
            assert all(f"{name}={text}" in answer["nextRecordsUrl"] for name, text in filters.items())
            answer = org.call("GET", answer["nextRecordsUrl"]).json()

    def listed(path="ingest", **filters):
        return [job["id"] for page in pages(path, **filters) for job in page["records"]]

    try:
        serial = classic("Serial")
        chunked = classic("Parallel", **{"Sforce-Enable-PKChunking": "chunkSize=100000"})
        question = org.call("POST", f"{root}/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()["id"]
        # Side by side: those that wait together are committed together.
        with concurrent.futures.ThreadPoolExecutor(hands) as pool:
            made = list(pool.map(make, range(count - 1)))
        made.append(make())
        listing = pages("ingest", jobType="V2Ingest")
        first = next(listing)
        made.append(make())
        second = next(listing)
        assert (len(first["records"]), first["done"], second["done"]) == (1_000, False, True)
        ids = [job["id"] for page in (first, second) for job in page["records"]]
        assert len(ids) == count and set(ids) == set(made[:-1]), "none twice, none left out"
        assert ids[0] == made[-2], "newest first"
        assert first["nextRecordsUrl"].startswith(f"{root}/ingest?queryLocator=")

        assert listed(jobType="Classic") == [chunked, serial]
        assert listed(concurrencyMode="serial") == [serial]
        assert listed(isPkChunkingEnabled="true") == [chunked]
        assert set(listed(isPkChunkingEnabled="false")) == {serial, *made}
        assert listed("query") == listed("query", jobType="V2Query") == [question]
        for parameter in ("queryLocator=nonsense", "concurrencyMode=both", "isPkChunkingEnabled=perhaps", "jobType=V3"):
            assert org.call("GET", f"{root}/ingest?{parameter}").status_code == 400, parameter
    finally:
        org.program.stop()
