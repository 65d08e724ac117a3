"""Push tokens checked with keys from a JWKS address: an issuer in Python (`http.server`, PyJWT, cryptography), the gateway as it
is. Nothing of the gateway's own signing is involved."""

import base64
import hmac
import http.server
import json
import threading
import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import programs
from push_client import PushClient

ALLOW = [{"channel": programs.CASES}]
# A token of an unknown key causes one fetch at once and another after half a minute at the earliest.
ROTATION_SECONDS = 120


def new_key(algorithm):
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def as_jwk(key, kid, **members):
    maker = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    found = json.loads(maker.to_jwk(key.public_key()))
    found.pop("key_ops", None)
    return {**found, "kid": kid, "use": "sig", **members}


def signed_with_public_key(token, public):
    """The claims of a token under an HMAC whose secret is what everybody has. By hand: PyJWT rightly refuses to."""
    encode = lambda content: base64.urlsafe_b64encode(content).rstrip(b"=")
    signed = encode(b'{"alg":"HS256","kid":"one"}') + b"." + token.split(".")[1].encode()
    return (signed + b"." + encode(hmac.digest(public, signed, "sha256"))).decode()


class Issuer:
    """Serves what `answer` holds (status and body) at `/jwks.json`, and counts who asks."""

    def __init__(self):
        self.answer = (503, b"")
        self.count = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.count += 1
                status, body = issuer.answer
                self.send_response(status)
                self.send_header("content-type", "application/jwk-set+json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/jwks.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, *keys):
        self.answer = (200, json.dumps({"keys": list(keys)}).encode())

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class KeySetGateway(programs.Gateway):
    """A gateway that knows where the keys are, and none of them. It need not become ready to count as started."""

    def __init__(self, directory, org, issuer, algorithm):
        self.issuer = issuer
        self.algorithm = algorithm
        super().__init__(directory, org)

    def write_configuration(self):
        super().write_configuration()
        path = self.directory / "millrace.yaml"
        text = path.read_text()
        secret = f"    algorithm: HS256\n    secret_file: {self.directory / 'secret.txt'}\n"
        assert secret in text
        path.write_text(text.replace(secret, f"    algorithm: {self.algorithm}\n    jwks_url: {self.issuer.url}\n"))

    def is_ready(self):
        self.program.check_running()
        try:
            checks = requests.get(f"{self.url}/ready", timeout=programs.CALL_SECONDS).json()["checks"]
        except requests.ConnectionError:
            return False
        return all(check["ready"] for check in checks if check["name"] != "tokens")

    def tokens_check(self):
        checks = requests.get(f"{self.url}/ready", timeout=programs.CALL_SECONDS).json()["checks"]
        return next(check for check in checks if check["name"] == "tokens")

    def token_of(self, key, kid, algorithm=None):
        now = int(time.time())
        claims = {"iss": self.ISSUER, "aud": self.AUDIENCE, "sub": "peer", "iat": now, "exp": now + 600, "allow": ALLOW}
        return jwt.encode(claims, key, algorithm=algorithm or self.algorithm, headers={"kid": kid} if kid else None)

    def refusal(self, token, code=4401):
        """Why the gateway refuses a token, closing with the code; None where it serves."""
        with PushClient(self) as client:
            client.send(type="authenticate", id="first", token=token)
            answer = client.answer("first")
            if answer["type"] == "authenticated":
                return None
            assert answer["type"] == "error" and client.wait_closed()[0] == code
            return answer["message"]


@pytest.fixture(params=["RS256", "ES256"])
def scene(request, org, directories):
    issuer = Issuer()
    gateway = None
    try:
        gateway = KeySetGateway(directories(f"jwks-{request.param}"), org, issuer, request.param)
        yield gateway, issuer
    finally:
        if gateway:
            gateway.program.stop()
        issuer.stop()


def test_the_issuers_keys_from_start_to_rotation_and_outage(scene):
    gateway, issuer = scene
    first, second, foreign = (new_key(gateway.algorithm) for _ in range(3))
    other = new_key("ES256" if gateway.algorithm == "RS256" else "RS256")

    # The issuer is down at start: nobody gets in, and the gateway says so.
    assert requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS).status_code == 503
    assert gateway.tokens_check()["detail"].startswith("not ready")
    # That is no fault of the token: clients are told to come back, not to get another one.
    early = gateway.token_of(first, "one")
    assert "have not been received" in gateway.refusal(early, code=1001)
    answer = requests.get(f"{gateway.url}/events", params={"channel": ALLOW[0]["channel"]},
                          headers={"Authorization": f"Bearer {early}"}, timeout=programs.CALL_SECONDS)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) >= 1 and answer.json()["code"] == "unavailable"
    issuer.publish(as_jwk(first, "one"), as_jwk(other, "other"))
    programs.until(lambda: gateway.tokens_check()["ready"], what="the keys")
    assert requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS).status_code == 200

    # One key that can be used: with its name or without one.
    assert gateway.refusal(gateway.token_of(first, "one")) is None
    assert gateway.refusal(gateway.token_of(first, None)) is None
    assert "signature" in gateway.refusal(gateway.token_of(foreign, "one"))
    assert "signed with" in gateway.refusal(gateway.token_of(other, "other", "ES256" if gateway.algorithm == "RS256" else "RS256"))
    public = first.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert "signed with" in gateway.refusal(signed_with_public_key(gateway.token_of(first, "one"), public))

    # Rotation: a token of the new key is what makes the gateway look.
    issuer.publish(as_jwk(first, "one"), as_jwk(second, "two"))
    new = gateway.token_of(second, "two")
    programs.until(lambda: gateway.refusal(new) is None, ROTATION_SECONDS, every=0.5, what="the new key")
    assert gateway.refusal(gateway.token_of(first, "one")) is None
    assert "must name its key" in gateway.refusal(gateway.token_of(first, None))

    # The issuer fails: the keys stay. Unknown keys make the gateway ask, but not each time.
    asked = issuer.count
    issuer.answer = (500, b"")
    for _ in range(20):
        assert "not known" in gateway.refusal(gateway.token_of(foreign, "three"))
    assert gateway.refusal(new) is None
    assert issuer.count - asked <= 20 // 2
    assert gateway.tokens_check()["ready"]


def test_an_open_connection_survives_the_outage(scene, org):
    gateway, issuer = scene
    key = new_key(gateway.algorithm)
    issuer.publish(as_jwk(key, "one"))
    programs.until(lambda: gateway.tokens_check()["ready"], what="the keys")
    contact = org.create_contact("Jwks")
    with PushClient(gateway, gateway.token_of(key, "one")) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        issuer.answer = (404, b"")
        case = org.create_case(contact)
        client.event(case)
    assert gateway.metric("millrace_token_keys ") == 1
