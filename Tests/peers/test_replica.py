"""Replicated objects: `millrace run` with `objects` beside a sandbox, whose records are compared with the tables field by field.

The tables are read with Python's own sqlite3, the org's records with simple-salesforce: neither is ours."""

import concurrent.futures
import datetime
import decimal
import itertools
import json
import random
import re
import sqlite3
import threading

import psycopg
import pytest
import requests
from simple_salesforce import Salesforce

import postgres
import programs

FIELDS = ["CaseNumber", "Subject", "Status", "Priority", "Description", "ContactId", "IsClosed", "ClosedDate"]
ALWAYS = ["CreatedDate", "LastModifiedDate"]
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("replica-org"))
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def server(directories):
    if not postgres.binaries():
        pytest.skip(postgres.ABSENCE)
    server = postgres.Server(directories("postgres"))
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request):
    """The address of a new database; None: a file."""
    if request.param == "sqlite":
        return None
    number = next(NUMBERS)
    return request.getfixturevalue("server").new_database(f"replica{number}")


@pytest.fixture
def gateway(directories, org, database):
    gateway = programs.Gateway(
        directories("replica"), org, objects={"Case": {"fields": FIELDS}, "Account": {"fields": "all"}}, database=database)
    yield gateway
    gateway.program.stop()


def client(org):
    session = requests.Session()
    session.trust_env = False
    session.verify = org.connection["ca_file"]
    return Salesforce(
        session_id=org.access["access_token"], instance_url=org.connection["https_url"], version=programs.API_VERSION,
        session=session)


def sync(gateway, *arguments):
    return programs.millrace("sync", *arguments, "--config", gateway.directory / "millrace.yaml", "--url", gateway.url)


def report(gateway):
    answer = requests.get(
        f"{gateway.url}/admin/sync", headers={"Authorization": f"Bearer {gateway.ADMIN_SECRET}"}, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 200, answer.text
    return answer.json()["status"]


def settled(gateway):
    def is_settled():
        status = report(gateway)
        return (all("loadedAt" in found and found["inDoubt"] == 0 for found in status["objects"])
                and all(found["phase"] in ("done", "failed") for found in status["snapshots"]))
    programs.until(is_settled, programs.START_SECONDS, what="the replica's rest")


def table(gateway, name, fields):
    """Live rows by id, values as SQLite has them."""
    columns = ", ".join(f'"{field.lower()}"' for field in fields)
    if gateway.database:
        with psycopg.connect(gateway.database) as connection:
            rows = connection.execute(f"SELECT sfid, {columns} FROM salesforce.{name.lower()} WHERE NOT isdeleted").fetchall()
    else:
        with sqlite3.connect(f"file:{gateway.directory / 'millrace.sqlite'}?mode=ro", uri=True) as database:
            rows = database.execute(f"SELECT sfid, {columns} FROM salesforce_{name.lower()} WHERE isdeleted = 0").fetchall()
    return {row[0]: {field: plain(value) for field, value in zip(fields, row[1:])} for row in rows}


def plain(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, datetime.date):
        return round(datetime.datetime.combine(value, datetime.time(), datetime.timezone.utc).timestamp() * 1000)
    return value


def normal(value):
    """A value of the org's REST API as SQLite has it: times in milliseconds, a checkbox as a number."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return plain(datetime.date.fromisoformat(value))
    if isinstance(value, str) and value.endswith("+0000") and value[10:11] == "T":
        return round(datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000)
    return value


def truth(org, name, fields):
    records = client(org).query_all(f"SELECT Id, {', '.join(fields)} FROM {name}")["records"]
    return {record["Id"]: {field: normal(record[field]) for field in fields} for record in records}


def same(gateway, org, name="Case", fields=tuple(FIELDS + ALWAYS)):
    return table(gateway, name, fields) == truth(org, name, fields)


def until_same(gateway, org, name="Case", fields=tuple(FIELDS + ALWAYS)):
    try:
        programs.until(lambda: same(gateway, org, name, fields), programs.START_SECONDS, what=f"the replica of {name}")
    except Exception:
        found, wanted = table(gateway, name, fields), truth(org, name, fields)
        for record in found.keys() | wanted.keys():
            assert found.get(record) == wanted.get(record), record
        raise


def test_the_tables_are_the_org(gateway, org):
    settled(gateway)
    assert same(gateway, org)
    # Everything that the org describes and a table can have.
    described = client(org).Account.describe()["fields"]
    fields = [field["name"] for field in described
              if field["type"] not in ("address", "location", "base64") and field["name"] not in ("Id", "IsDeleted", "SystemModstamp")]
    assert len(fields) > 20
    assert same(gateway, org, "Account", fields)


def test_changes_arrive(gateway, org):
    settled(gateway)
    salesforce = client(org)
    case = salesforce.Case.create({"Subject": "é – a replica", "Priority": "High", "Description": "long " * 400})["id"]
    salesforce.Case.update(case, {"Status": "Working", "Description": "long " * 401, "Priority": None})
    gone = salesforce.Case.create({"Subject": "to be deleted"})["id"]
    salesforce.Case.delete(gone)
    until_same(gateway, org)
    assert table(gateway, "Case", ["Subject"])[case] == {"Subject": "é – a replica"}


def test_status_and_snapshots_by_command(gateway, org):
    settled(gateway)
    status = sync(gateway, "status")
    assert status.returncode == 0, status.stderr
    assert "Case" in status.stdout and "first load" in status.stdout and "API calls within 24 hours" in status.stdout
    document = json.loads(sync(gateway, "status", "--json").stdout)
    assert {found["name"] for found in document["status"]["objects"]} == {"Case", "Account"}
    assert document["budget"]["orgUsed"] > 0

    again = sync(gateway, "snapshot", "Case")
    assert again.returncode == 0, again.stderr
    assert "done (asked for)" in again.stdout and "(100 %)" in again.stdout
    part = sync(gateway, "snapshot", "Case", "--where", "Status = 'New'", "--field", "Priority")
    assert part.returncode == 0 and "where Status = 'New'" in part.stdout, part.stderr
    assert same(gateway, org)


@pytest.mark.parametrize("arguments, reason", [
    (["Lead"], "Lead is not among the objects that are replicated"),
    (["Case", "--field", "Nothing__c"], "Case has no column for Nothing__c"),
])
def test_what_cannot_be_read_is_refused(gateway, arguments, reason):
    settled(gateway)
    answer = sync(gateway, "snapshot", *arguments)
    assert answer.returncode != 0 and reason in answer.stderr, answer.stderr


def test_a_wrong_condition_fails_with_the_orgs_words(gateway):
    settled(gateway)
    answer = sync(gateway, "snapshot", "Case", "--where", "Nothing__c = 1")
    assert answer.returncode != 0 and "failed" in answer.stdout and "Nothing__c" in answer.stdout, answer.stdout + answer.stderr


def test_the_account_of_calls_outlives_the_process(gateway):
    settled(gateway)
    def calls():
        return sum(json.loads(sync(gateway, "status", "--json").stdout)["budget"]["calls"].values())
    before = calls()
    assert before > 0
    gateway.program.stop()
    gateway.start()
    assert calls() >= before


def test_nobody_else_may_ask(gateway):
    for method, path in (("get", "/admin/sync"), ("post", "/admin/sync/snapshots")):
        answer = getattr(requests, method)(f"{gateway.url}{path}", timeout=programs.CALL_SECONDS)
        assert answer.status_code == 401, answer.text


@pytest.mark.parametrize("objects, complaint", [
    ({"Case": {"fields": ["Nothing__c"]}}, None),
    ({"Ca se": {"fields": "all"}}, "Ca se is not the API name of an object"),
    ({"Case": {}}, "Case must have fields"),
    ({"Case": {"fields": []}}, "Case.fields must be all or a list"),
    ({"Case": {"fields": ["Subject", "Subject"]}}, "Case.fields has Subject twice"),
])
def test_configuration_mistakes(directories, org, objects, complaint):
    gateway = programs.Gateway(directories("mistakes"), org, objects=objects, starts=False)
    answer = programs.millrace("run", "--check", "--config", gateway.directory / "millrace.yaml")
    if complaint is None:
        # Which fields an object has, the org knows.
        assert answer.returncode == 0, answer.stderr
    else:
        assert answer.returncode != 0 and f"objects: {complaint}" in answer.stderr, answer.stderr


def test_kill_9_while_everything_changes(directories, org, database):
    """A first load, killed again and again, beside changes that never stop: at the end the table is the org."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    salesforce = client(org)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = list(pool.map(
            lambda number: salesforce.Case.create({"Subject": f"case {number}", "Priority": "Low"})["id"], range(120)))
    stop = threading.Event()

    def change():
        own = client(org)
        alive = list(made)
        while not stop.is_set():
            number = choose.random()
            if number < 0.15:
                alive.append(own.Case.create({"Subject": f"new {number}", "Description": "text " * 300})["id"])
            elif number < 0.25 and len(alive) > 20:
                own.Case.delete(alive.pop(choose.randrange(len(alive))))
            else:
                own.Case.update(choose.choice(alive), {
                    "Status": choose.choice(["New", "Working", "Escalated"]), "Priority": choose.choice(["High", None]),
                    "Description": f"text {number} " * choose.choice([1, 300])})

    writer = threading.Thread(target=change)
    writer.start()
    gateway = None
    try:
        for attempt in range(6):
            if gateway is None:
                gateway = programs.Gateway(directories("killed"), org, objects={"Case": {"fields": FIELDS}}, database=database)
            else:
                gateway.start()
            stop.wait(choose.uniform(0, 1.2))
            gateway.program.kill()
    finally:
        stop.set()
        writer.join()
    gateway.start()
    try:
        settled(gateway)
        until_same(gateway, org)
        settled(gateway)
        assert same(gateway, org)
    finally:
        gateway.program.stop()


def test_a_standby_takes_over(directories, org, server):
    """Two gateways, one database: the second waits, and goes on where the first was killed."""
    database = server.new_database(f"replica{next(NUMBERS)}")
    first = programs.Gateway(directories("first"), org, objects={"Case": {"fields": FIELDS}}, database=database)
    settled(first)
    second = programs.Gateway(directories("second"), org, objects=first.objects, database=database, starts=False)
    second.program = programs.Program(second.directory, "run", "--config", second.directory / "millrace.yaml", name="standby")
    second.program.wait_for_output("standing by")
    case = client(org).Case.create({"Subject": "before the fall"})["id"]
    first.program.kill()
    found = second.program.wait_for_output(r"http://127\.0\.0\.1:(\d+)")
    second.port = int(found[1])
    try:
        other = client(org).Case.create({"Subject": "after it"})["id"]
        programs.until(second.is_ready, programs.START_SECONDS, what="the standby's readiness")
        until_same(second, org)
        assert {case, other} <= table(second, "Case", ["Subject"]).keys()
    finally:
        second.program.stop()


@pytest.mark.parametrize("fields", [["Name", "FirstName", "LastName"], ["Name", "Phone"]])
def test_names_of_persons(directories, org, database, fields):
    """No event has a person's Name: its parts make it, or, where they are not wanted, it is read."""
    gateway = programs.Gateway(directories("names"), org, objects={"Contact": {"fields": fields}}, database=database)
    try:
        settled(gateway)
        ada = org.create("Contact", FirstName="Ada", LastName="Weir", Salutation="Ms.")
        until_same(gateway, org, "Contact", fields)
        org.update("Contact", ada, LastName="Sluice")
        until_same(gateway, org, "Contact", fields)
        assert table(gateway, "Contact", ["Name"])[ada] == {"Name": "Ada Sluice"}
        settled(gateway)
    finally:
        gateway.program.stop()
