"""`millrace doctor`: what it finds where everything is there, and where something is not."""

import json
import os
import time

import pytest

import programs

OBJECTS = {"Case": {"fields": ["Subject", "Status"]}, "Account": {"fields": "all"}}


@pytest.fixture(scope="module")
def org(directories):
    """One whose allowances nobody has used."""
    org = programs.start_sandbox(directories("doctor-org"))
    yield org
    org.program.stop()


@pytest.fixture(scope="module")
def discreet_org(directories):
    """One with fields that its users do not see."""
    hidden = [part for name in ("Case.VIN__c", "Case.Mileage__c", "Account.BillingAddress") for part in ("--hide-field", name)]
    org = programs.start_sandbox(directories("doctor-discreet"), ports=[*programs.PORT_OPTIONS, *hidden])
    yield org
    org.program.stop()


def diagnosis(gateway, change=lambda text: text):
    """The doctor's answer, and its findings by subject."""
    file = gateway.directory / "millrace.yaml"
    file.write_text(change(file.read_text()))
    answer = programs.millrace("doctor", "--config", file, "--json")
    assert answer.stdout, answer.stderr
    findings = {}
    for finding in json.loads(answer.stdout):
        findings.setdefault(finding["subject"], []).append(finding)
    return answer, findings


def of_weight(weight, findings):
    return [finding for found in findings.values() for finding in found if finding["weight"] == weight]


@pytest.fixture
def configured(directories, org):
    """Makes a configuration and asks the doctor: its answer, its findings by subject."""
    def ask(objects=OBJECTS, change=lambda text: text, org=org):
        return diagnosis(programs.Gateway(directories("doctor"), org, port=1, objects=objects, starts=False), change)
    return ask


def test_all_is_well(configured):
    answer, findings = configured()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert {finding["weight"] for found in findings.values() for finding in found} == {"ok"}, findings
    assert findings.keys() == {"store", "retention", "gateway", "lag", "login", "allowances", "clock", "objects", "fields",
                               "capture", "permissions"}
    assert "does not run" in findings["gateway"][0]["message"]
    assert "nothing was heard yet" in findings["lag"][0]["message"]


def test_objects_of_every_shape_are_well(configured, org):
    """Compound names and addresses, values of other records: nothing is taken for hidden. An org captures five objects."""
    objects = ["Account", "Case", "Contact", "Lead", "User"]
    for name in objects[3:]:
        answer = org.rest("POST", "/tooling/sobjects/PlatformEventChannelMember", {
            "FullName": f"ChangeEvents_{name}ChangeEvent",
            "Metadata": {"eventChannel": "ChangeEvents", "selectedEntity": f"{name}ChangeEvent"}})
        assert answer.status_code == 201, answer.text
    answer, findings = configured({name: {"fields": "all"} for name in objects})
    assert answer.returncode == 0 and not of_weight("warning", findings), answer.stdout
    for subject in ("objects", "fields", "capture", "permissions"):
        assert len(findings[subject]) == len(objects), findings[subject]


def test_a_field_that_the_user_does_not_see(configured):
    answer, findings = configured({"Case": {"fields": ["Subject", "Secret__c"]}})
    assert answer.returncode == 1
    assert findings["objects"][0]["weight"] == "error" and "Secret__c" in findings["objects"][0]["message"]
    assert "field-level security" in findings["objects"][0]["advice"]
    assert "fields" not in findings


def test_hidden_fields_that_nobody_has_named(configured, discreet_org):
    answer, findings = configured(org=discreet_org)
    assert answer.returncode == 0, "it works: " + answer.stdout
    of_case, of_account = findings["fields"]
    assert of_case["weight"] == "ok", "the configuration names none of them"
    assert of_account["weight"] == "warning"
    assert "hides BillingAddress of Account" in of_account["message"] and "null in events" in of_account["message"]
    assert "permission set" in of_account["advice"]

    answer, findings = configured({"Case": {"fields": "all"}}, org=discreet_org)
    assert answer.returncode == 0
    assert [finding["weight"] for finding in findings["fields"]] == ["warning"]
    assert "hides VIN__c, Mileage__c of Case" in findings["fields"][0]["message"]


def test_a_hidden_field_that_the_configuration_names(configured, discreet_org):
    answer, findings = configured({"Case": {"fields": ["Subject", "VIN__c", "VIM__c"]}}, org=discreet_org)
    assert answer.returncode == 1
    hidden, unknown = findings["objects"]
    assert hidden["weight"] == "error" and "field-level security hides VIN__c of Case" in hidden["message"]
    assert unknown["weight"] == "error" and "Case has no VIM__c" in unknown["message"]
    assert "fields" not in findings

    answer, findings = configured({"Case": {"fields": ["Subject", "Priority"]}}, org=discreet_org)
    assert answer.returncode == 0 and not of_weight("warning", findings), answer.stdout


def test_a_hidden_field_is_in_no_answer(discreet_org):
    """The org that the tests above look at hides what it says it hides."""
    case = discreet_org.create("Case", Subject="Discreet")
    assert "VIN__c" not in discreet_org.get("Case", case)
    query = discreet_org.rest("GET", "/query", params={"q": "SELECT VIN__c FROM Case"})
    assert query.status_code == 400 and query.json()[0]["errorCode"] == "INVALID_FIELD"
    write = discreet_org.rest("PATCH", f"/sobjects/Case/{case}", {"VIN__c": "1"})
    assert write.status_code == 400 and write.json()[0]["errorCode"] == "INVALID_FIELD"
    truth = discreet_org.call("GET", "/sandbox/truth/Case", params={"limit": 1}).json()
    assert "VIN__c" in truth["records"][0]


def test_a_field_that_cannot_be_hidden(tmp_path):
    answer = programs.millrace("sandbox", "--data", tmp_path, *programs.PORT_OPTIONS, "--hide-field", "Case.Colour__c")
    assert answer.returncode != 0 and "Case.Colour__c cannot be hidden: Case has no field Colour__c" in answer.stderr


def test_changes_that_the_user_may_not_receive(configured, org):
    def access(**rights):
        answer = org.call("POST", "/sandbox/event-access", {"username": org.connection["username"], **rights})
        assert answer.ok, answer.text

    access(views_all_data=False, views_all_records_of=["Account"])
    try:
        answer, findings = configured()
        assert answer.returncode == 1
        of_case, of_account = findings["permissions"]
        assert of_case["weight"] == "error" and "changes of Case" in of_case["message"]
        assert "View All on Case" in of_case["advice"]
        assert of_account["weight"] == "ok"
    finally:
        access()
    answer, findings = configured()
    assert answer.returncode == 0, answer.stdout


def test_an_event_bus_that_is_not_there(configured, org):
    address = org.connection["grpc_plaintext_address"]
    answer, findings = configured(change=lambda text: text.replace(f"pubsub_address: {address}", "pubsub_address: 127.0.0.1:9"))
    assert answer.returncode == 1
    assert findings["login"][0]["weight"] == "ok"
    assert len(findings["events"]) == 1 and "127.0.0.1:9" in findings["events"][0]["message"]
    assert "permissions" not in findings


def test_an_object_that_is_not_there_or_not_captured(configured):
    answer, findings = configured({"Nobody__c": {"fields": "all"}, "Product2": {"fields": "all"}})
    assert answer.returncode == 1
    errors = [finding["message"] for subject in ("objects", "capture") for finding in findings[subject] if finding["weight"] == "error"]
    assert any("Nobody__c is not there" in message for message in errors), errors
    assert any("Nobody__c" in message or "Product2" in message for message in errors)


def test_a_login_that_is_refused(configured, org):
    answer, findings = configured(change=lambda text: text.replace(org.connection["client_id"], "3MVG9.nobody"))
    assert answer.returncode == 1
    assert findings["login"][0]["weight"] == "error" and "org.client_id" in findings["login"][0]["advice"]
    assert "objects" not in findings


def test_an_org_that_is_not_there(configured, org):
    answer, findings = configured(change=lambda text: text.replace(org.connection["http_url"], "http://127.0.0.1:9"))
    assert answer.returncode == 1 and findings["login"][0]["weight"] == "error"


def test_short_retention_is_a_warning(configured):
    answer, findings = configured(change=lambda text: text.replace("store:", "store:\n  retention: 24h"))
    assert answer.returncode == 0 and findings["retention"][0]["weight"] == "warning"


def test_a_gateway_that_runs(directories, org):
    gateway = programs.Gateway(directories("doctor-gateway"), org)
    file = gateway.directory / "millrace.yaml"
    file.write_text(file.read_text().replace("  port: 0", f"  port: {gateway.port}"))
    answer = programs.millrace("doctor", "--config", file)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"ok       gateway: runs at {gateway.url} and is ready" in answer.stdout
    assert "ok       lag: " in answer.stdout and "store was last written" not in answer.stdout
    # It goes on running.
    assert gateway.is_ready()
    gateway.program.stop()


def test_a_gateway_that_has_been_stopped_for_long(directories, org):
    gateway = programs.Gateway(directories("doctor-late"), org)
    gateway.program.stop()
    for hours, status, weight, words in (
        (0, 0, "ok", "last written to less than a minute ago"), (30, 0, "warning", "will be lost in 41 hours"),
        (65, 1, "error", "will be lost in 6 hours"), (80, 1, "error", "events have been lost"),
    ):
        then = time.time() - hours * 3600
        for path in gateway.directory.glob("millrace.sqlite*"):
            os.utime(path, (then, then))
        answer, findings = diagnosis(gateway)
        assert answer.returncode == status, answer.stdout
        assert findings["lag"][0]["weight"] == weight and words in findings["lag"][0]["message"], findings["lag"]
        assert hours == 0 or "Start the gateway" in findings["lag"][0]["advice"]
    # Looking has changed nothing: it goes on where it was.
    gateway.start()
    assert gateway.metric("millrace_upstream_gaps_total") == 0
    gateway.program.stop()


def test_the_configuration_comes_first(tmp_path):
    (tmp_path / "bad.yaml").write_text("org: {}")
    answer = programs.millrace("doctor", "--config", tmp_path / "bad.yaml")
    assert answer.returncode == 78 and "org.login_url is missing" in answer.stderr
