"""The OAuth flows beside JWT bearer: by requests, and by Authlib's client, unmodified."""

import base64
import json
import re
import urllib.parse

import jwt
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken

import programs

CALLBACK = "http://localhost:1717/OauthRedirect"


@pytest.fixture
def http():
    session = requests.Session()
    session.trust_env = False
    return session


def post(org, http, path, form, **options):
    return http.post(f"{org.connection['http_url']}{path}", data=form, timeout=programs.CALL_SECONDS,
                     allow_redirects=False, **options)


def credentials(org):
    return {"client_id": org.connection["client_id"], "client_secret": org.connection["client_secret"]}


def log_in_by_page(org, http, address, **changes):
    """What a person does: opens the page, fills the form, sends it."""
    page = http.get(address, timeout=programs.CALL_SECONDS)
    assert page.status_code == 200 and "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    import html
    form = {name: html.unescape(value) for name, value in
            re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)}
    form |= {"username": org.connection["username"], "password": org.connection["password"], "decision": "allow", **changes}
    return post(org, http, "/services/oauth2/authorize", form)


@pytest.fixture
def client(org):
    session = OAuth2Session(**credentials(org), redirect_uri=CALLBACK, scope="openid api refresh_token",
                            code_challenge_method="S256", token_endpoint_auth_method="client_secret_post")
    session.trust_env = False
    return session


def authorize(org, http, client, verifier="v" * 64):
    base = org.connection["http_url"]
    address, state = client.create_authorization_url(
        f"{base}/services/oauth2/authorize", code_verifier=verifier, nonce="n-0S6_WzA2Mj")
    answer = log_in_by_page(org, http, address)
    assert answer.status_code == 302, answer.text
    return client.fetch_token(f"{base}/services/oauth2/token", authorization_response=answer.headers["location"],
                              state=state, code_verifier=verifier, withhold_token=False)


def test_authlib_goes_the_whole_way(org, http, client):
    token = authorize(org, http, client)
    assert token["token_type"] == "Bearer" and token["scope"] == "openid api refresh_token"
    assert "expires_in" not in token and isinstance(token["issued_at"], str)
    info = client.get(f"{org.connection['http_url']}/services/oauth2/userinfo", timeout=programs.CALL_SECONDS).json()
    assert info["organization_id"] == org.connection["org_id"] and info["sub"] == token["id"]
    assert info["preferred_username"] == org.connection["username"]
    assert {"urls", "photos", "name", "email", "user_type", "updated_at", "zoneinfo"} <= set(info)
    first = token["access_token"]
    again = client.refresh_token(f"{org.connection['http_url']}/services/oauth2/token", refresh_token=token["refresh_token"])
    assert again["access_token"] != first
    assert client.revoke_token(f"{org.connection['http_url']}/services/oauth2/revoke", token=token["refresh_token"],
                               token_type_hint="refresh_token").status_code == 200
    assert client.get(f"{org.connection['http_url']}/services/oauth2/userinfo").status_code == 403


def test_the_identity_token_is_proved_by_the_keys(org, http, client):
    token = authorize(org, http, client)
    found = http.get(f"{org.connection['http_url']}/.well-known/openid-configuration", timeout=programs.CALL_SECONDS).json()
    keys = JsonWebKey.import_key_set(http.get(found["jwks_uri"], timeout=programs.CALL_SECONDS).json())
    claims = JsonWebToken(["RS256"]).decode(token["id_token"], keys)
    claims.validate()
    assert claims["iss"] == found["issuer"] and claims["aud"] == org.connection["client_id"]
    assert claims["sub"] == token["id"] and claims["nonce"] == "n-0S6_WzA2Mj"
    # PyJWT agrees.
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(token["id_token"])
    assert jwt.decode(token["id_token"], key, algorithms=["RS256"], audience=org.connection["client_id"])["sub"] == token["id"]


def test_the_identity_url_says_who(org, http):
    access = org.access
    path = urllib.parse.urlsplit(access["id"]).path
    bearer = {"Authorization": f"Bearer {access['access_token']}"}
    answer = http.get(org.connection["http_url"] + path, headers=bearer, timeout=programs.CALL_SECONDS)
    identity = answer.json()
    assert identity["id"] == access["id"] and identity["username"] == org.connection["username"]
    assert identity["organization_id"] == org.connection["org_id"] and identity["active"] is True
    for changed, headers, status, text in (
            (path, {}, 403, "Missing_OAuth_Token"), (path, {"Authorization": "Bearer x"}, 403, "Bad_OAuth_Token"),
            (path.replace("/00D", "/00E"), bearer, 403, "Wrong_Org"), (path[:-3] + "zzz", bearer, 404, "Bad_Id")):
        answer = http.get(org.connection["http_url"] + changed, headers=headers, timeout=programs.CALL_SECONDS)
        assert (answer.status_code, answer.text) == (status, text)


def test_client_credentials_by_form_and_by_header(org, http):
    by_form = post(org, http, "/services/oauth2/token", {"grant_type": "client_credentials", **credentials(org)})
    by_header = post(org, http, "/services/oauth2/token", {"grant_type": "client_credentials"},
                     auth=(org.connection["client_id"], org.connection["client_secret"]))
    for answer in (by_form, by_header):
        assert answer.status_code == 200, answer.text
        assert answer.json()["scope"] == "id api" and "refresh_token" not in answer.json()
    at_login = post(org, http, "/services/oauth2/token", {"grant_type": "client_credentials", **credentials(org)},
                    headers={"Host": "login.salesforce.com"})
    assert (at_login.status_code, at_login.json()) == (
        400, {"error": "invalid_grant", "error_description": "request not supported on this domain"})


REFUSALS = {
    "no grant": ({}, "invalid_request", None),
    "unknown grant": (dict(grant_type="magic"), "unsupported_grant_type", "grant type not supported"),
    "wrong secret": (dict(grant_type="client_credentials", client_secret="x"), "invalid_client", "invalid client credentials"),
    "unknown app": (dict(grant_type="client_credentials", client_id="x"), "invalid_client_id", "client identifier invalid"),
    "wrong code": (dict(grant_type="authorization_code", code="x", redirect_uri=CALLBACK), "invalid_grant",
                   "expired authorization code"),
    "no code": (dict(grant_type="authorization_code", redirect_uri=CALLBACK), "invalid_request", None),
    "wrong refresh token": (dict(grant_type="refresh_token", refresh_token="x"), "invalid_grant",
                            "expired access/refresh token"),
    "no refresh token": (dict(grant_type="refresh_token"), "invalid_request", None),
    "password": (dict(grant_type="password", username="x", password="y"), "invalid_grant", "authentication failure"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_have_an_orgs_words(org, http, case):
    form, error, description = REFUSALS[case]
    answer = post(org, http, "/services/oauth2/token", credentials(org) | form)
    assert answer.status_code == 400 and answer.json()["error"] == error
    assert description is None or answer.json()["error_description"] == description


def test_trap_28_a_jwt_answer_has_no_end_and_no_refresh_token(org):
    answer = org.login().json()
    assert "expires_in" not in answer and "refresh_token" not in answer
    assert isinstance(answer["issued_at"], str) and answer["issued_at"].isdigit()
    refused = org.login(org.assertion(aud=org.connection["instance_url"] + "/elsewhere"))
    assert refused.json() == {"error": "invalid_grant", "error_description": "audience is invalid"}
    assert org.login(org.assertion(aud="https://test.salesforce.com")).status_code == 200


def test_introspection(org, http):
    token = org.login().json()["access_token"]
    answer = post(org, http, "/services/oauth2/introspect", {"token": token, "token_type_hint": "access_token", **credentials(org)})
    body = answer.json()
    assert body["active"] is True and body["username"] == org.connection["username"]
    assert body["exp"] > body["iat"] and body["token_type"] == "access_token"
    assert post(org, http, "/services/oauth2/introspect", {"token": "x", **credentials(org)}).json() == {"active": False}
    refused = post(org, http, "/services/oauth2/introspect", {"token": token, "client_id": org.connection["client_id"]})
    assert refused.json()["error"] == "invalid_client"


def test_a_revoked_token_is_over(org, http):
    token = org.login().json()["access_token"]
    assert post(org, http, "/services/oauth2/revoke", {"token": token}).status_code == 200
    assert post(org, http, "/services/oauth2/revoke", {"token": token}).json()["error"] == "invalid_token"
    assert post(org, http, "/services/oauth2/revoke", {}).json()["error"] == "invalid_request"
    answer = http.get(f"{org.connection['http_url']}/services/data/v66.0/sobjects",
                      headers={"Authorization": f"Bearer {token}"}, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 401


def page_address(org, **changes):
    parameters = {"response_type": "code", "client_id": org.connection["client_id"], "redirect_uri": CALLBACK,
                  "state": "s<&>", **changes}
    return f"{org.connection['http_url']}/services/oauth2/authorize?" + urllib.parse.urlencode(parameters)


def test_a_wrong_password_shows_the_page_again(org, http):
    answer = log_in_by_page(org, http, page_address(org), password="wrong")
    assert answer.status_code == 401 and "Please check your username and password." in answer.text
    assert 'value="s&lt;&amp;&gt;"' in answer.text and "location" not in answer.headers


def test_a_person_may_deny(org, http):
    answer = log_in_by_page(org, http, page_address(org), decision="deny", username="", password="")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["location"]).query))
    assert answer.status_code == 302
    assert query == {"error": "access_denied", "error_description": "end-user denied authorization", "state": "s<&>"}


@pytest.mark.parametrize("changes, error", [
    (dict(client_id="x"), "invalid_client_id"), (dict(redirect_uri="https://evil.example"), "redirect_uri_mismatch"),
    (dict(redirect_uri=""), "invalid_request")])
def test_nobody_is_sent_to_an_address_the_app_has_not_named(org, http, changes, error):
    answer = http.get(page_address(org, **changes), timeout=programs.CALL_SECONDS, allow_redirects=False)
    assert answer.status_code == 400 and f"error={error}" in answer.text and "location" not in answer.headers


def test_other_mistakes_go_back_to_the_app(org, http):
    answer = http.get(page_address(org, response_type="token"), timeout=programs.CALL_SECONDS, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(CALLBACK + "?error=unsupported_response_type&")


def test_a_broken_basic_header_is_refused(org, http):
    for value in ("x", base64.b64encode(b"no colon").decode(), base64.b64encode(b"\xff:x").decode()):
        answer = post(org, http, "/services/oauth2/token", {"grant_type": "client_credentials"},
                      headers={"Authorization": "Basic " + value})
        assert answer.json()["error"] == "invalid_client", json.dumps(answer.json())
