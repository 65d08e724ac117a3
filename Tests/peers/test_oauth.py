"""The JWT bearer flow, with PyJWT and cryptography: success, and each refusal in an org's own words."""

import time

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import programs


def foreign_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def test_a_login_gives_what_salesforce_gives(org):
    answer = org.login()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["access_token"].startswith(org.connection["org_id"][:15] + "!")
    assert body["instance_url"] == org.connection["instance_url"]
    assert f"/id/{org.connection['org_id']}/005" in body["id"]
    assert isinstance(body["issued_at"], str) and abs(int(body["issued_at"]) / 1000 - time.time()) < 60
    assert "expires_in" not in body and "refresh_token" not in body


def test_the_token_opens_the_rest_api(org):
    assert org.rest("GET", "/sobjects", expected=200).headers["Sforce-Limit-Info"].startswith("api-usage=")


@pytest.mark.parametrize("how", ["http", "https"])
def test_the_login_works_on_both_doors(org, how):
    answer = requests.post(
        f"{org.connection[how + '_url']}/services/oauth2/token",
        data={"grant_type": programs.JWT_BEARER, "assertion": org.assertion()}, timeout=programs.CALL_SECONDS,
        verify=org.connection["ca_file"], proxies={"http": None, "https": None})
    assert answer.status_code == 200, answer.text


REFUSALS = {
    "wrong audience": (dict(aud="https://elsewhere.example"), "invalid_grant", "audience is invalid"),
    "expired": (dict(exp=int(time.time()) - 3600), "invalid_grant", "expired authorization code"),
    "without an end": (dict(exp=None), "invalid_grant", "invalid assertion"),
    "too long a life": (dict(exp=int(time.time()) + 86400), "invalid_grant", "invalid assertion"),
    "unknown app": (dict(iss="3MVG9unknown"), "invalid_client_id", "client identifier invalid"),
    "unknown user": (dict(sub="nobody@example.com"), "invalid_grant", "user hasn't approved this consumer"),
    "without a user": (dict(sub=None), "invalid_grant", "invalid assertion"),
    "foreign key": (dict(key=foreign_key()), "invalid_grant", "invalid assertion"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_bad_assertion_is_refused(org, case):
    changes, error, description = REFUSALS[case]
    answer = org.login(org.assertion(**changes))
    assert (answer.status_code, answer.json()) == (400, {"error": error, "error_description": description})


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "a.b", "é.ü.ö"])
def test_what_is_no_assertion_is_refused(org, assertion):
    answer = org.login(assertion=assertion or " ")
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_grant", "invalid_request")


def test_other_grants_are_refused(org):
    assert org.login(grant_type="client_magic").json()["error"] == "unsupported_grant_type"
    assert org.login(grant_type=None).json()["error"] == "invalid_request"
    password = org.login(
        grant_type="password", username=org.connection["username"], password=org.connection["password"])
    assert (password.status_code, password.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("token", ["", "00D000000000000!wrong"])
def test_a_bad_session_is_refused_in_the_rest_form(org, token):
    answer = requests.get(
        f"{org.connection['http_url']}/services/data/v{programs.API_VERSION}/sobjects", timeout=programs.CALL_SECONDS,
        headers={"Authorization": f"Bearer {token}"} if token else {}, proxies={"http": None})
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_userinfo_names_the_user_and_the_org(org):
    body = org.call("GET", "/services/oauth2/userinfo").json()
    assert body["preferred_username"] == org.connection["username"]
    assert body["organization_id"] == org.connection["org_id"]
