"""Starts the real programs and talks to them as their users do. Every wait here has a deadline; nothing is slept away."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import jwt
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILT = pathlib.Path(os.environ.get("MILLRACE_BIN_DIR", ROOT / ".build" / "debug"))
BINARY = BUILT / "millrace"
ORACLE = BUILT / "avro-oracle"
ECHO = BUILT / "websocket-echo"
FIXTURES = pathlib.Path(os.environ.get("MILLRACE_FIXTURES", ROOT.parent / "shared" / "reference" / "fixtures"))
EVENTS = FIXTURES / "events" / "change-events.jsonl"
"""Captured from real orgs."""
NO_EVENTS = "the captured events are not here"
AUTOBAHN = ROOT / ".venv27"
"""The environment of Autobahn's test suite."""
AUTOBAHN_STAMP = AUTOBAHN / ".requirements"
"""There once the environment is whole."""
NO_AUTOBAHN = "Autobahn's test suite is not here: scripts/setup installs it where there is a Python 2.7"

# Bounds of what never comes, not of what is slow: another machine may be several times slower, and stand still for seconds.
START_SECONDS = 180
STOP_SECONDS = 60
CALL_SECONDS = 60
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
API_VERSION = "66.0"
CASES = "/data/CaseChangeEvent"
CONTACTS = "/data/ContactChangeEvent"
ALL = "/data/ChangeEvents"
# What the commands end with (sysexits.h).
USAGE = 64
UNAVAILABLE = 69
CONFIGURATION_MISTAKE = 78


def until(question, seconds=CALL_SECONDS, every=0.02, what="the condition"):
    """Asks again and again until the answer is true, and gives it; fails past the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not come about in {seconds} s"
        time.sleep(every)


def metric(url, pattern):
    """The sum of all samples at `url`/metrics whose name and labels match."""
    text = requests.get(f"{url}/metrics", timeout=CALL_SECONDS).text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if not line.startswith("#") and re.match(pattern, line))


def read_document(path):
    """A JSON document that a program writes; None until it is there whole."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def millrace(*arguments, **options):
    """Runs a command to its end."""
    return subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=3 * CALL_SECONDS, **options)


class Program:
    """A running `millrace` command. Its output is kept in the directory it works in."""

    def __init__(self, directory, *arguments, name=None, environment=None):
        """`environment`: what it has besides ours."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        name = name or arguments[0]
        self.out_path = self.directory / f"{name}.out"
        self.err_path = self.directory / f"{name}.err"
        self.arguments = [str(argument) for argument in arguments]
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.process = subprocess.Popen(
                [BINARY, *self.arguments], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env={**os.environ, **(environment or {})}, start_new_session=True)

    @property
    def output(self):
        return self.out_path.read_text() + self.err_path.read_text()

    def check_running(self):
        status = self.process.poll()
        assert status is None, f"millrace {' '.join(self.arguments)} ended with {status}:\n{self.output[-4000:]}"

    def wait_for_document(self, path):
        """A JSON document that the program writes once it is ready."""
        def read():
            self.check_running()
            return read_document(path)
        return until(read, START_SECONDS, what=f"{path.name} of millrace {self.arguments[0]}")

    def wait_for_output(self, pattern):
        def search():
            self.check_running()
            return re.search(pattern, self.output)
        return until(search, START_SECONDS, what=f"output matching {pattern!r}")

    def kill(self):
        """kill -9: no last words."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """SIGTERM, and then it must end by itself with status 0."""
        self.check_running()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"millrace {self.arguments[0]} did not end after SIGTERM:\n{self.output[-4000:]}") from None
        assert status == 0, f"millrace {self.arguments[0]} ended with {status} after SIGTERM:\n{self.output[-4000:]}"


class Org:
    """A sandbox, reached over its protocols: REST and OAuth."""

    def __init__(self, connection, program=None):
        self.connection = connection
        self.program = program
        self.http = requests.Session()
        self.http.trust_env = False
        self._access = None

    def assertion(self, **changes):
        key = changes.pop("key", None) or pathlib.Path(self.connection["private_key_file"]).read_text()
        claims = {
            "iss": self.connection["client_id"], "sub": self.connection["username"], "aud": self.connection["login_url"],
            "exp": int(time.time()) + 180, **changes,
        }
        return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm="RS256")

    def login(self, assertion=None, **form):
        form = {"grant_type": JWT_BEARER, "assertion": assertion or self.assertion(), **form}
        form = {name: value for name, value in form.items() if value is not None}
        return self.http.post(f"{self.connection['http_url']}/services/oauth2/token", data=form, timeout=CALL_SECONDS)

    @property
    def access(self):
        if self._access is None:
            answer = self.login()
            assert answer.status_code == 200, answer.text
            self._access = answer.json()
        return self._access

    def forget_session(self):
        self._access = None

    def metric(self, pattern):
        return metric(self.connection["http_url"], pattern)

    @property
    def metadata(self):
        return (("accesstoken", self.access["access_token"]), ("instanceurl", self.access["instance_url"]),
                ("tenantid", self.connection["org_id"]))

    def call(self, method, path, body=None, **options):
        headers = {"Authorization": f"Bearer {self.access['access_token']}", **options.pop("headers", {})}
        return self.http.request(
            method, f"{self.connection['http_url']}{path}", json=body, headers=headers, timeout=CALL_SECONDS, **options)

    def rest(self, method, path, body=None, expected=None, **options):
        answer = self.call(method, f"/services/data/v{API_VERSION}{path}", body, **options)
        if expected is not None:
            assert answer.status_code == expected, answer.text
        return answer

    def create(self, kind, **fields):
        return self.rest("POST", f"/sobjects/{kind}", fields, 201).json()["id"]

    def update(self, kind, record_id, **fields):
        self.rest("PATCH", f"/sobjects/{kind}/{record_id}", fields, 204)

    def delete(self, kind, record_id):
        self.rest("DELETE", f"/sobjects/{kind}/{record_id}", None, 204)

    def get(self, kind, record_id):
        return self.rest("GET", f"/sobjects/{kind}/{record_id}", None, 200).json()

    def create_contact(self, last_name="Peer"):
        account = self.create("Account", Name=f"{last_name} Ltd")
        return self.create("Contact", LastName=last_name, AccountId=account)

    def create_case(self, contact, subject="A peer's case", **fields):
        return self.create("Case", Subject=subject, ContactId=contact, **fields)


PORT_OPTIONS = [part for name in ("http", "https", "grpc", "grpc-plaintext") for part in (f"--{name}-port", "0")]


def start_sandbox(directory, ports=PORT_OPTIONS, edition="unlimited-add-on", **options):
    """A running sandbox. `ports`: of an earlier run, for a restart at the same addresses; further options may follow them.
    One org serves the whole run, which brings more events than an `edition` without the add-on delivers in a day."""
    connection_path = pathlib.Path(directory) / "connection.json"
    connection_path.unlink(missing_ok=True)
    program = Program(directory, "sandbox", "--data", directory, "--edition", edition, *ports, **options)
    return Org(program.wait_for_document(connection_path), program)


def ports_of(org):
    """The options that make a sandbox listen where this one does."""
    port = lambda address: address.rsplit(":", 1)[1].rstrip("/")
    connection = org.connection
    return ["--http-port", port(connection["http_url"]), "--https-port", port(connection["https_url"]),
            "--grpc-port", port(connection["grpc_address"]), "--grpc-plaintext-port", port(connection["grpc_plaintext_address"])]


class Gateway:
    """A running `millrace run` in front of an org."""

    ISSUER = "https://portal.example"
    AUDIENCE = "millrace-test"
    ORIGIN = "https://portal.example"
    SECRET = "a secret of these tests, long enough for HS256 and for HS512, which is refused here"
    ADMIN_SECRET = "the administrator's secret of these tests"
    """None: a gateway without `/admin`."""
    HEARTBEAT_SECONDS = 2

    def __init__(self, directory, org, port=0, plaintext=True, topics=(ALL,), certificates=None, objects=None, database=None,
                 timestamps="timestamptz", starts=True, reconcile=None, haste=None, environment=None):
        """`certificates`: a directory with server.pem and server-key.pem, for a port that speaks TLS. `objects`: what is
        replicated, as JSON has it. `database`: the address of one in PostgreSQL; else it is a file. `timestamps`: what it makes
        of dates with times. `starts`: no gateway runs otherwise, but its configuration is there. `reconcile`: how replicas are
        compared with the org, as JSON has it. `haste`: by what its pauses are divided. `environment`: what it has besides ours."""
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.org = org
        self.port = port
        self.plaintext = plaintext
        self.topics = topics
        self.certificates = certificates
        self.objects = objects
        self.database = database
        self.timestamps = timestamps
        self.reconcile = reconcile
        self.environment = ({"MILLRACE_HASTE": str(haste)} if haste else {}) | (environment or {})
        if starts:
            self.start()
        else:
            self.write_configuration()

    def start(self):
        self.write_configuration()
        self.program = Program(self.directory, "run", "--config", self.directory / "millrace.yaml",
                               name=f"run-{time.monotonic_ns()}", environment=self.environment)
        # Readiness is asked of the program itself, where it listens is read from what it says.
        found = self.program.wait_for_output(r"(?:https?|wss?)://127\.0\.0\.1:(\d+)")
        self.port = int(found[1])
        until(self.is_ready, START_SECONDS, what="the gateway's readiness")

    def is_ready(self):
        self.program.check_running()
        try:
            return requests.get(f"{self.url}/ready", timeout=CALL_SECONDS).status_code == 200
        except requests.ConnectionError:
            return False

    def write_configuration(self):
        connection = self.org.connection
        (self.directory / "secret.txt").write_text(self.SECRET)
        (self.directory / "admin.txt").write_text(self.ADMIN_SECRET or "")
        (self.directory / "database.txt").write_text(self.database or "")
        address = connection["grpc_plaintext_address" if self.plaintext else "grpc_address"]
        (self.directory / "millrace.yaml").write_text(f"""\
org:
  login_url: {connection["http_url" if self.plaintext else "https_url"]}
  audience: {connection["login_url"]}
  client_id: {connection["client_id"]}
  username: {connection["username"]}
  private_key_file: {connection["private_key_file"]}
  pubsub_address: {address}
  pubsub_plaintext: {str(self.plaintext).lower()}
{"" if self.plaintext else f"  ca_file: {connection['ca_file']}"}
topics: [{", ".join(self.topics)}]
{f"objects: {json.dumps(self.objects)}" if self.objects else ""}
{f"reconcile: {json.dumps(self.reconcile)}" if self.reconcile else ""}
store:
  {f"url_file: {self.directory / 'database.txt'}" if self.database else f"path: {self.directory / 'millrace.sqlite'}"}
{f"  timestamp_type: {self.timestamps}" if self.database else ""}
listen:
  host: 127.0.0.1
  port: {self.port}
{self.certificate_lines}
{f"admin: {{ secret_file: {self.directory / 'admin.txt'} }}" if self.ADMIN_SECRET else ""}
push:
  origins: [{self.ORIGIN}]
  heartbeat: {self.HEARTBEAT_SECONDS}s
  tokens:
    algorithm: HS256
    secret_file: {self.directory / "secret.txt"}
    issuer: {self.ISSUER}
    audience: {self.AUDIENCE}
""")

    @property
    def certificate_lines(self):
        if not self.certificates:
            return ""
        return f"  certificate_file: {self.certificates}/server.pem\n  private_key_file: {self.certificates}/server-key.pem"

    @property
    def url(self):
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    @property
    def push_url(self):
        return f"{'wss' if self.certificates else 'ws'}://127.0.0.1:{self.port}/push"

    @property
    def events_url(self):
        return f"{self.url}/events"

    def token(self, allow=None, **changes):
        """A push token; `allow` a condition, or the claim itself."""
        if allow is None or isinstance(allow, str):
            entry = {"channel": CASES}
            if allow:
                entry["where"] = allow
            allow = [entry]
        claims = {
            "iss": self.ISSUER, "aud": self.AUDIENCE, "sub": "peer", "iat": int(time.time()), "exp": int(time.time()) + 600,
            "allow": allow, **changes.pop("claims", {}),
        }
        return jwt.encode(claims, changes.pop("secret", self.SECRET), algorithm=changes.pop("algorithm", "HS256"))

    def metric(self, pattern):
        return metric(self.url, pattern)
