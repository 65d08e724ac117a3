"""The commands as a person or a script uses them: output, exit status, and what they say when something is wrong."""

import json
import pathlib
import selectors
import signal
import subprocess
import tempfile
import time

import jwt
import pytest
import requests

from programs import ALL, BINARY, CALL_SECONDS, CASES, PORT_OPTIONS, STOP_SECONDS, Org, Program

CONFIGURATION_MISTAKE = 78
UNAVAILABLE = 69
USAGE = 64


def millrace(*arguments, **options):
    return subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=3 * CALL_SECONDS, **options)


@pytest.fixture(scope="module")
def connection(org, tmp_path_factory):
    path = tmp_path_factory.mktemp("connection") / "connection.json"
    path.write_text(json.dumps(org.connection))
    return path


def test_version_and_help():
    assert millrace("--version").stdout.strip().count(".") == 2
    for command in ("demo", "sandbox", "run", "tail", "token"):
        answer = millrace(command, "--help")
        assert answer.returncode == 0
        assert "Example" in answer.stdout, command


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
