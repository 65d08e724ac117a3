"""The commands as a person or a script uses them: output, exit status, and what they say when something is wrong."""

import json
import os
import pathlib
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

import programs
from programs import (
    ALL, BINARY, CALL_SECONDS, CASES, CONFIGURATION_MISTAKE, PORT_OPTIONS, ROOT, STOP_SECONDS, UNAVAILABLE, USAGE, Gateway,
    Org, Program, millrace)
from push_client import PushClient
from test_jwks import new_key

@pytest.fixture(scope="module")
def connection(org, tmp_path_factory):
    path = tmp_path_factory.mktemp("connection") / "connection.json"
    path.write_text(json.dumps(org.connection))
    return path


def test_version_and_help():
    assert millrace("--version").stdout.strip().count(".") == 2
    for command in ("demo", "sandbox", "run", "tail", "token", "bench"):
        answer = millrace(command, "--help")
        assert answer.returncode == 0
        assert "Example" in answer.stdout, command


def test_the_sandbox_prints_where_it_is(org):
    """What a person needs to point a client here stands in the output, word by word as in `connection.json`."""
    printed = org.program.output.split()
    for name, value in org.connection.items():
        if name.endswith(("_url", "_address", "_file", "_id")) or name == "username":
            assert value in printed, name
    assert str(org.program.directory / "connection.json") in printed


def test_an_org_in_memory_leaves_nothing_behind(tmp_path):
    """Its directory is not the current one, is its own alone, and is gone when it stops; of a killed one, when the next starts."""
    def start(name):
        program = Program(tmp_path / name, "sandbox", "--memory", *PORT_OPTIONS)
        found = program.wait_for_output(r"All of it for programs: (\S+)/connection\.json")
        directory = pathlib.Path(found[1])
        return program, directory, Org(program.wait_for_document(directory / "connection.json"), program)

    killed, abandoned, org = start("first")
    org.create("Account", Name="Forgotten")
    assert abandoned.stat().st_mode & 0o777 == 0o700
    killed.kill()
    assert abandoned.exists()

    program, directory, org = start("second")
    assert not abandoned.exists() and directory != abandoned
    if pathlib.Path("/dev/shm").exists():
        assert directory.parent == pathlib.Path("/dev/shm")
    count = org.rest("GET", "/query?q=SELECT+COUNT()+FROM+Account+WHERE+Name='Forgotten'", expected=200).json()["totalSize"]
    assert count == 0, "a new org each time"
    program.stop()
    assert not directory.exists()
    assert [path.name for path in (tmp_path / "second").iterdir() if path.suffix not in (".out", ".err")] == []


def test_tail_prints_what_is_retained_as_json_lines_and_ends(org, connection):
    answer = millrace("tail", ALL, "--connection", connection, "--replay", "earliest", "--exit")
    assert answer.returncode == 0, answer.stderr
    events = [json.loads(line) for line in answer.stdout.splitlines()]
    assert len(events) > 50
    assert {event["payload"]["ChangeEventHeader"]["entityName"] for event in events} == {"Account", "Contact", "Case"}
    assert answer.stderr == ""

    half = events[len(events) // 2]["replayId"]
    rest = millrace("tail", ALL, "--connection", connection, "--replay", half, "--count", 5)
    assert [json.loads(line) for line in rest.stdout.splitlines()] == events[len(events) // 2 + 1:][:5]


def test_tail_shows_a_change_when_it_happens_and_ends_by_a_signal(org, connection):
    program = subprocess.Popen(
        [BINARY, "tail", CASES, "--connection", connection, "--replay", "latest"], stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + CALL_SECONDS
        line = ""
        # LATEST begins when the stream stands, which nothing tells: change until one is seen.
        selector = selectors.DefaultSelector()
        selector.register(program.stdout, selectors.EVENT_READ)
        while not line:
            assert time.monotonic() < deadline
            org.rest("POST", "/sobjects/Case", {"Subject": "Seen by tail"}, expected=201)
            if selector.select(timeout=0.5):
                line = program.stdout.readline()
        assert json.loads(line)["payload"]["Subject"] == "Seen by tail"
        program.send_signal(signal.SIGTERM)
        assert program.wait(CALL_SECONDS) == 0
    finally:
        program.kill()


@pytest.mark.parametrize("arguments, status, text", [
    (("tail", "/data/NoSuchChangeEvent"), UNAVAILABLE, "NoSuchChangeEvent"),
    (("tail", ALL, "--replay", "77"), UNAVAILABLE, "replay"),
    (("tail", ALL, "--replay", "yesterday"), USAGE, "yesterday"),
    (("tail", ALL, "--count", "0"), USAGE, "--count"),
])
def test_tail_says_what_is_wrong(connection, arguments, status, text):
    answer = millrace(*arguments, "--connection", connection)
    assert (answer.returncode, answer.stdout) == (status, "")
    assert text in answer.stderr


def test_a_token_is_what_the_options_say(tmp_path):
    # The space at its end is part of it, as it is for the gateway.
    secret = "a secret that is long enough for HS256, surely "
    (tmp_path / "secret").write_text(secret + "\n")
    answer = millrace(
        "token", "--secret-file", tmp_path / "secret", "--issuer", "portal", "--audience", "millrace", "--subject", "ada",
        "--channel", CASES, "--where", "ContactId = '003xx000004TmiQAAS'", "--fields", "Status, Subject", "--expires-in", "15m")
    assert answer.returncode == 0, answer.stderr
    claims = jwt.decode(answer.stdout.strip(), secret, algorithms=["HS256"], audience="millrace", issuer="portal")
    assert claims["sub"] == "ada"
    assert claims["exp"] - claims["iat"] == 900
    assert claims["allow"] == [
        {"channel": CASES, "where": "ContactId = '003xx000004TmiQAAS'", "fields": ["Status", "Subject"]}]


class PublicKeyGateway(Gateway):
    """A gateway that checks tokens with a public key from a file."""

    def __init__(self, directory, org, algorithm):
        self.algorithm = algorithm
        self.key = new_key(algorithm)
        super().__init__(directory, org)

    def write_configuration(self):
        super().write_configuration()
        public = self.directory / "public.pem"
        public.write_bytes(self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        path = self.directory / "millrace.yaml"
        text = path.read_text()
        secret = f"    algorithm: HS256\n    secret_file: {self.directory / 'secret.txt'}\n"
        assert secret in text
        path.write_text(text.replace(secret, f"    algorithm: {self.algorithm}\n    public_key_file: {public}\n"))


def key_file(directory, key, format=PrivateFormat.PKCS8):
    path = directory / f"private-{time.monotonic_ns()}.pem"
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, format, NoEncryption()))
    return path


def printed_token(*arguments):
    answer = millrace("token", *arguments)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(answer.stdout.splitlines()) == 1, "the token, alone"
    return answer.stdout.strip()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_signed_token_is_good_where_its_public_key_is(org, directories, algorithm):
    gateway = PublicKeyGateway(directories(f"public-{algorithm}"), org, algorithm)
    try:
        contact = org.create_contact("Signed")
        where = ("--channel", CASES, "--where", f"ContactId = '{contact}'")
        said = ("--algorithm", algorithm, "--issuer", gateway.ISSUER, "--audience", gateway.AUDIENCE)
        configured = ("--config", gateway.directory / "millrace.yaml")
        for options in (said, configured):
            for format in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
                token = printed_token("--key-file", key_file(gateway.directory, gateway.key, format), *options, *where)
                assert jwt.get_unverified_header(token)["alg"] == algorithm
                with PushClient(gateway, token) as client:
                    client.wait_for("welcome")
                    assert client.subscribe()["type"] == "subscribed"
                    client.event(org.create_case(contact))
        foreign = printed_token("--key-file", key_file(gateway.directory, new_key(algorithm)), *configured, *where)
        with PushClient(gateway, foreign) as client:
            assert client.wait_closed()[0] == 4401
        refused = millrace("token", *configured, *where)
        assert (refused.returncode, refused.stdout) == (USAGE, "")
        assert "--key-file" in refused.stderr
    finally:
        gateway.program.stop()


def test_a_token_of_the_gateways_own_configuration(org, gateway):
    contact = org.create_contact("Configured")
    token = printed_token(
        "--config", gateway.directory / "millrace.yaml", "--channel", CASES, "--where", f"ContactId = '{contact}'")
    with PushClient(gateway, token) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.event(org.create_case(contact))


@pytest.mark.parametrize("options, text", [
    ((), "--secret-file"),
    (("--secret-env", "MILLRACE_TEST_UNSET"), "MILLRACE_TEST_UNSET"),
    (("--algorithm", "none"), "HS256, RS256 or ES256"),
    (("--algorithm", "RS256"), "--key-file"),
])
def test_a_token_without_a_key_is_refused(options, text):
    answer = millrace("token", "--channel", CASES, "--issuer", "a", "--audience", "b", *options)
    assert (answer.returncode, answer.stdout) == (USAGE, "")
    assert text in answer.stderr


def test_every_mistake_of_a_configuration_is_told_with_its_line(tmp_path):
    (tmp_path / "bad.yaml").write_text(
        "org:\n  login_url: ftp://login\n  usernam: me\nlisten: {port: 99999}\npush:\n  tokens: {algorithm: none, secret: abc}\n")
    answer = millrace("run", "--config", tmp_path / "bad.yaml")
    assert (answer.returncode, answer.stdout) == (CONFIGURATION_MISTAKE, "")
    for part in (":2: org.login_url", ":3: unknown key org.usernam: did you mean org.username", ":4: listen.port", ":6: push.tokens"):
        assert f"bad.yaml{part}" in answer.stderr
    assert "abc" not in answer.stderr


# Over TLS, as with a real org

class ReachableGateway(Gateway):
    """A gateway that need not be ready to count as started."""

    def is_ready(self):
        self.program.check_running()
        return requests.get(f"{self.url}/ready", timeout=CALL_SECONDS).status_code in (200, 503)


def test_a_gateway_over_tls_gets_events(org, directories):
    gateway = Gateway(directories("tls-gateway"), org, plaintext=False)
    try:
        with PushClient(gateway, gateway.token()) as client:
            client.wait_for("welcome")
            assert client.subscribe()["type"] == "subscribed"
            client.event(org.create_case(org.create_contact("Encrypted")))
        text = (gateway.directory / "millrace.yaml").read_text()
        assert "login_url: https://" in text and "pubsub_plaintext: false" in text, "both ways were encrypted"
    finally:
        gateway.program.stop()


def test_an_org_with_a_foreign_certificate_is_not_trusted(org, directories):
    """The development authority of another sandbox: nothing is got from the org, and it is said why."""
    other = programs.start_sandbox(directories("other-org"))
    gateway = ReachableGateway(
        directories("distrustful"), Org({**org.connection, "ca_file": other.connection["ca_file"]}), plaintext=False)
    try:
        def detail():
            document = requests.get(f"{gateway.url}/ready", timeout=CALL_SECONDS).json()
            assert not document["ready"]
            return next(check["detail"] for check in document["checks"] if check["name"] == "upstream")

        programs.until(lambda: "CERTIFICATE_VERIFY_FAILED" in detail(), what="the reason at /ready")
        assert "CERTIFICATE_VERIFY_FAILED" in gateway.program.output
        assert gateway.metric("millrace_upstream_deliveries_total") == 0
        assert gateway.metric("millrace_upstream_live") == 0
    finally:
        gateway.program.stop()
        other.program.stop()


@pytest.fixture
def tls_configuration(org, tmp_path):
    """The text of a gateway's configuration with TLS, and a way to check a changed one."""
    gateway = Gateway(tmp_path, org, plaintext=False, starts=False)
    path = tmp_path / "millrace.yaml"

    def check(old, new):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, str(new)))
        return millrace("run", "--config", path, "--check")

    return check


def test_a_certificate_file_that_is_not_there_is_a_mistake(org, tls_configuration, tmp_path):
    answer = tls_configuration(org.connection["ca_file"], tmp_path / "nothing.pem")
    assert answer.returncode == CONFIGURATION_MISTAKE
    assert "millrace.yaml:9: org.ca_file cannot be read" in answer.stderr


def test_a_certificate_file_without_certificates_is_a_mistake(org, tls_configuration, tmp_path):
    (tmp_path / "hello.pem").write_text("hello\n")
    answer = tls_configuration(org.connection["ca_file"], tmp_path / "hello.pem")
    assert answer.returncode == CONFIGURATION_MISTAKE
    assert "millrace.yaml:9: org.ca_file" in answer.stderr


def test_a_login_without_tls_beside_a_stream_with_it_is_a_mistake(org, tls_configuration):
    answer = tls_configuration(f"login_url: {org.connection['https_url']}", f"login_url: {org.connection['http_url']}")
    assert answer.returncode == CONFIGURATION_MISTAKE
    assert "millrace.yaml:2: org.login_url" in answer.stderr


def directories_of(process):
    return [
        path for parent in ("/dev/shm", tempfile.gettempdir())
        if (path := pathlib.Path(parent) / f"millrace-sandbox-{process.pid}").exists()]


def test_a_sandbox_in_memory_that_is_asked_for_nonsense_leaves_nothing(tmp_path):
    (tmp_path / "schema.yaml").write_text("objects: 3\n")
    program = subprocess.Popen(
        [BINARY, "sandbox", "--memory", "--schema", tmp_path / "schema.yaml"], stderr=subprocess.PIPE, text=True)
    _, text = program.communicate(timeout=3 * CALL_SECONDS)
    assert program.returncode == CONFIGURATION_MISTAKE
    assert "schema.yaml:1: " in text
    assert directories_of(program) == []


def test_a_stop_does_not_wait_for_rows_that_are_being_loaded(tmp_path):
    program = Program(tmp_path, "sandbox", "--memory", *PORT_OPTIONS, "--rows", 50_000_000)
    program.wait_for_output("An org is here")
    assert len(directories_of(program.process)) == 1
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(STOP_SECONDS) == 0
    assert directories_of(program.process) == []


def test_calls_over_https_are_counted_with_the_others(org):
    def count():
        text = requests.get(f"{org.connection['http_url']}/metrics", timeout=CALL_SECONDS).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(
            'millrace_http_requests_total{method="PATCH",status="405"}'))

    before = count()
    requests.patch(
        f"{org.connection['https_url']}/services/data", verify=org.connection["ca_file"], timeout=CALL_SECONDS)
    assert count() == before + 1


# scripts/setup, in a copy of its own: the real environment is in use while the tests run

@pytest.fixture
def setup(tmp_path):
    """Runs `scripts/setup` with a PATH that has the machine's programs but for those named. Nothing can be installed by it: the
    programs that would are replaced by ones that leave a trace."""
    tree, programs_directory, trace = tmp_path / "tree", tmp_path / "bin", tmp_path / "trace"
    for part in ("scripts", "Tests/peers", ".venv/bin", ".venv27/bin"):
        (tree / part).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "setup", tree / "scripts")
    # As a first run leaves it.
    for environment, name in ((".venv", "requirements.txt"), (".venv27", "requirements-python27.txt")):
        shutil.copy(ROOT / "Tests" / "peers" / name, tree / "Tests" / "peers")
        shutil.copy(ROOT / "Tests" / "peers" / name, tree / environment / ".requirements")
        (tree / environment / "bin" / "python").symlink_to(sys.executable)

    def script(path, text):
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(*arguments, without=(), swift=None, has_autobahn=True):
        programs_directory.mkdir()
        environment = {**os.environ, "PATH": str(programs_directory)}
        if not has_autobahn:
            shutil.rmtree(tree / ".venv27")
            without = (*without, "python2.7")
            environment |= {"PYENV_ROOT": str(tmp_path), "MILLRACE_PYTHON27": ""}
        for directory in map(pathlib.Path, filter(None, os.environ["PATH"].split(os.pathsep))):
            for program in directory.iterdir() if directory.is_dir() else ():
                link = programs_directory / program.name
                if program.name not in without and not link.is_symlink():
                    link.symlink_to(program)
        for name in ("apt-get", "sudo", "pip", "pip3"):
            if name not in without:
                script(programs_directory / name, f'echo "{name} $*" >>"{trace}"; exit 1')
        script(tree / ".venv" / "bin" / "pip", f'echo "pip $*" >>"{trace}"; exit 1')
        if swift:
            script(programs_directory / "swift", f"echo '{swift}'")
        answer = subprocess.run(
            [tree / "scripts" / "setup", *arguments], env=environment, capture_output=True, text=True, timeout=3 * CALL_SECONDS,
            stdin=subprocess.DEVNULL)
        return answer, trace.read_text() if trace.exists() else ""

    return run


@pytest.mark.parametrize("purpose", [(), ("run",)])
def test_setup_of_a_machine_that_is_ready_says_nothing(setup, purpose):
    answer, trace = setup(*purpose)
    assert (answer.returncode, answer.stdout, answer.stderr, trace) == (0, "", "", "")


def test_setup_without_python_2_says_what_is_skipped(setup):
    answer, trace = setup(has_autobahn=False)
    assert (answer.returncode, answer.stderr, trace) == (0, "", "")
    assert answer.stdout == "setup: there is no Python 2.7 (MILLRACE_PYTHON27 may name one): Autobahn's test suite will be skipped\n"


@pytest.mark.parametrize("purpose", [(), ("run",)])
def test_setup_without_swift_names_it(setup, purpose):
    answer, trace = setup(*purpose, without=("swift",))
    assert (answer.returncode, answer.stdout, trace) == (1, "", "")
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("setup: there is no Swift on PATH") and "https://www.swift.org/install" in answer.stderr


def test_setup_with_an_old_swift_says_which_is_needed(setup):
    answer, trace = setup(swift="Swift version 5.9.2 (swift-5.9.2-RELEASE)")
    assert (answer.returncode, answer.stdout, trace) == (1, "", "")
    assert answer.stderr == "setup: Swift 5.9 is too old: 6.2 or newer is needed\n"


def test_setup_without_apt_names_every_package(setup):
    answer, trace = setup(without=("swift", "apt-get", "node", "chromium", "openssl"))
    assert (answer.returncode, answer.stdout, trace) == (1, "", "")
    assert "these packages are missing (names as in Debian): openssl nodejs chromium\n" in answer.stderr
    assert "there is no Swift on PATH" in answer.stderr, "all that is missing is told at once"


def test_setup_that_cannot_install_says_so(setup):
    """As a user with the right to install, whose apt-get fails."""
    answer, trace = setup(without=("tsc",))
    assert answer.returncode == 1
    assert "node-typescript" in answer.stderr
    assert trace == "" or "apt-get update" in trace or "sudo -n true" in trace
    assert "install" not in trace.replace("apt-get update", ""), "what cannot be updated is not installed"
