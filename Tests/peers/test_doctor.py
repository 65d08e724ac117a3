"""`millrace doctor`: what it finds where everything is there, and where something is not."""

import json

import pytest

import programs

OBJECTS = {"Case": {"fields": ["Subject", "Status"]}, "Account": {"fields": "all"}}


@pytest.fixture(scope="module")
def org(directories):
    """One whose allowances nobody has used."""
    org = programs.start_sandbox(directories("doctor-org"))
    yield org
    org.program.stop()


@pytest.fixture
def configured(directories, org):
    """Makes a configuration and asks the doctor: its answer, its findings by subject."""
    def ask(objects=OBJECTS, change=lambda text: text):
        gateway = programs.Gateway(directories("doctor"), org, port=1, objects=objects, starts=False)
        file = gateway.directory / "millrace.yaml"
        file.write_text(change(file.read_text()))
        answer = programs.millrace("doctor", "--config", file, "--json")
        findings = {}
        for finding in json.loads(answer.stdout):
            findings.setdefault(finding["subject"], []).append(finding)
        return answer, findings
    return ask


def test_all_is_well(configured):
    answer, findings = configured()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert {finding["weight"] for found in findings.values() for finding in found} == {"ok"}, findings
    assert findings.keys() >= {"store", "retention", "gateway", "login", "allowances", "clock", "objects", "capture"}
    assert "does not run" in findings["gateway"][0]["message"]


def test_a_field_that_the_user_does_not_see(configured):
    answer, findings = configured({"Case": {"fields": ["Subject", "Secret__c"]}})
    assert answer.returncode == 1
    assert findings["objects"][0]["weight"] == "error" and "Secret__c" in findings["objects"][0]["message"]
    assert "field-level security" in findings["objects"][0]["advice"]


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
    # It goes on running.
    assert gateway.is_ready()
    gateway.program.stop()


def test_the_configuration_comes_first(tmp_path):
    (tmp_path / "bad.yaml").write_text("org: {}")
    answer = programs.millrace("doctor", "--config", tmp_path / "bad.yaml")
    assert answer.returncode == 78 and "org.login_url is missing" in answer.stderr
