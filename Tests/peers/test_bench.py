"""`millrace bench` against a real gateway, whose events a plain `websockets` client counts as well, and against a server of the test's
own that loses, doubles and reorders on purpose: a load generator that notices nothing is worth nothing."""

import contextlib
import datetime
import ipaddress
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.server import serve

from programs import BINARY, CALL_SECONDS, CASES, STOP_SECONDS, UNAVAILABLE, USAGE, Gateway, millrace, until
from push_client import PushClient, header, ids, place
from test_faults import Control

FAULTY = 1
"""The exit status where something was lost, doubled or out of order."""
CONNECTIONS = 300


def figures(answer, status=0):
    """The JSON of a run, whose status is checked."""
    assert answer.returncode == status, answer.stdout + answer.stderr
    assert answer.stderr == "", "no progress where there is no terminal"
    return json.loads(answer.stdout)


def bench(gateway, *arguments, **options):
    return millrace("bench", gateway.push_url, "--config", gateway.directory / "millrace.yaml", "--json", *arguments, **options)


# Against a real gateway

def catch_up(gateway, org):
    """Until the gateway has what happened in the org before, which other modules did: those are no events of a test's own."""
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        client.event(org.create("Case", Subject="Before the bench"))


@pytest.fixture(scope="module", autouse=True)
def caught_up(gateway, org):
    catch_up(gateway, org)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_figures_are_what_another_client_counts(org, gateway, threads):
    with PushClient(gateway, gateway.token()) as client:
        client.wait_for("welcome")
        assert client.subscribe()["type"] == "subscribed"
        report = figures(bench(
            gateway, "--connections", CONNECTIONS, "--channel", CASES, "--publish", "20/s", "--duration", "3s",
            "--connect-rate", "1000/s", "--threads", threads))
        marker = org.create("Case", Subject="After the bench")
        client.event(marker)

    cases = {ids(event)[0] for event in client.messages
             if event["type"] == "event" and event["data"]["payload"].get("Subject") == "millrace bench"}
    seen = {(place(event), ids(event)[0]) for event in client.messages
            if event["type"] == "event" and ids(event)[0] in cases and header(event)["changeType"] != "DELETE"}
    deleted = {ids(event)[0] for event in client.messages
               if event["type"] == "event" and header(event)["changeType"] == "DELETE"}
    published, events = report["published"], report["events"]
    assert cases and cases <= deleted, "what was created is deleted"
    assert published["changes"] == published["seen"] == len(seen) >= 20
    assert published["failed"] == 0 and published["call_ms"]["count"] == published["changes"] - len(cases)
    assert events["distinct"] == len(seen)
    assert events["delivered"] == events["expected"] == len(seen) * CONNECTIONS
    assert (events["lost"], events["duplicate"], events["out_of_order"], events["unreadable"]) == (0, 0, 0, 0)
    connections = report["connections"]
    assert (connections["standing"], connections["failed"], connections["ended"]) == (CONNECTIONS, 0, 0)
    for name in ("latency_ms", "spread_ms", "connect_ms", "subscribe_ms"):
        times = report[name]
        assert 0 <= times["p50"] <= times["p90"] <= times["p99"] <= times["p99_9"] <= times["max"] < 60_000, name
    assert report["latency_ms"]["count"] == events["delivered"] and report["latency_ms"]["p50"] > 0
    assert report["connect_ms"]["count"] == report["subscribe_ms"]["count"] == CONNECTIONS
    assert report["spread_ms"]["count"] == len(seen)
    assert published["first_ms"]["count"] == published["last_ms"]["count"] == len(seen)
    assert 0 < published["first_ms"]["p50"] <= published["last_ms"]["p50"] < 60_000
    assert report["generator"]["threads"] == threads


def test_conditions_go_round_and_each_gets_its_own(org, gateway):
    """Every second connection sees the cases that are published, the others none; {n} makes terms that nobody shares."""
    contact = org.create_contact("Bench")
    report = figures(bench(
        gateway, "--connections", 20, "--channel", CASES, "--where", f"ContactId = '{contact}'", "--where", "Subject = 'c{n}'",
        "--publish", "10/s", "--publish-fields", json.dumps({"ContactId": contact}), "--duration", "1s"))
    events = report["events"]
    assert events["delivered"] == events["distinct"] * 10 > 0
    assert events["not_judged_subscriptions"] == 10
    assert any("alone with their terms" in warning for warning in report["warnings"])


def test_a_token_that_is_given_limits_what_comes(org, gateway):
    contact = org.create_contact("Bench")
    arguments = ("--connections", 5, "--channel", CASES, "--publish", "10/s", "--duration", "1s")
    nothing = figures(bench(gateway, *arguments, "--token", gateway.token(f"ContactId = '{contact}'")))
    assert nothing["events"]["delivered"] == 0 and nothing["published"]["seen"] == 0 < nothing["published"]["changes"]
    assert any("nobody got the event" in warning for warning in nothing["warnings"])


def test_what_the_org_refuses_is_told(org, gateway):
    """A case that stayed behind was told to nobody: the figures were taken before the cases are deleted."""
    arguments = ("--connections", 2, "--channel", CASES, "--publish", "1/s", "--duration", "1s")
    control = Control(org)
    control.fault("unavailable", path="/services/data/**", method="DELETE")
    try:
        report = figures(bench(gateway, *arguments))
    finally:
        control.clear()
    assert report["published"]["failed"] == 1 and report["published"]["seen"] == report["published"]["changes"]
    assert any("could not be deleted: DELETE of a case: 503" in warning for warning in report["warnings"])
    answer = bench(gateway, *arguments, "--publish-fields", '{"Nonsense__c": 1}')
    assert (answer.returncode, answer.stdout) == (UNAVAILABLE, "")
    assert "400 INVALID_FIELD" in answer.stderr


def test_what_the_gateway_refuses_is_told_with_its_code(gateway, tmp_path):
    arguments = ("--connections", 3, "--duration", "1s", "--settle", "1s")

    def only_end(answer):
        report = figures(answer, UNAVAILABLE)
        assert (report["connections"]["standing"], report["connections"]["failed"]) == (0, 3)
        (end,) = report["connections"]["ends"]
        assert (end["count"], end["stood"]) == (3, False)
        return end

    expired = only_end(bench(gateway, *arguments, "--token", gateway.token(claims={"exp": int(time.time()) - 600})))
    assert (expired["kind"], expired["code"]) == ("refused", "401") and "expired" in expired["example"]
    (tmp_path / "tokens").write_text(f"{gateway.token(secret='another secret, of as many bytes as are needed')}\n")
    forged = only_end(bench(gateway, *arguments, "--token-file", tmp_path / "tokens"))
    assert (forged["kind"], forged["code"]) == ("refused", "401")
    forbidden = only_end(bench(gateway, *arguments, "--token", gateway.token(), "--channel", "/data/AccountChangeEvent"))
    assert (forbidden["kind"], forbidden["code"]) == ("subscription_refused", "forbidden_channel")
    unknown = only_end(bench(gateway, *arguments, "--channel", "/data/Nothing"))
    assert (unknown["kind"], unknown["code"]) == ("refused", "401"), "a token that allows what is no channel is refused whole"
    invalid = only_end(bench(gateway, *arguments, "--channel", CASES, "--where", "Status ="))
    assert (invalid["kind"], invalid["code"]) == ("subscription_refused", "invalid_where")
    nowhere = only_end(millrace(
        "bench", f"ws://127.0.0.1:{gateway.port}/nowhere", "--config", gateway.directory / "millrace.yaml", "--json", *arguments))
    assert (nowhere["kind"], nowhere["code"]) == ("refused", "404")


@pytest.mark.parametrize("arguments, status, text", [
    (("ws://127.0.0.1:1/push", "--token", "a"), UNAVAILABLE, "nothing listens at 127.0.0.1:1"),
    (("ws://no-such-host.invalid/push", "--token", "a"), UNAVAILABLE, "no-such-host.invalid"),
    (("http://127.0.0.1:1/push", "--token", "a"), USAGE, "ws://"),
    (("ws://127.0.0.1:1/push",), USAGE, "--token"),
    (("ws://127.0.0.1:1/push", "--token-file", "/nonexistent/tokens"), USAGE, "cannot be read"),
    (("ws://127.0.0.1:1/push", "--token", "a", "--publish", "5/s"), USAGE, "--connection"),
    (("ws://127.0.0.1:1/push", "--token", "a", "--connections", "0"), USAGE, "--connections"),
    ((), USAGE, "url"),
])
def test_wrong_arguments_are_refused_before_anything_happens(arguments, status, text):
    answer = millrace("bench", *arguments)
    assert (answer.returncode, answer.stdout) == (status, "")
    assert text in answer.stderr


@pytest.mark.parametrize("limit, connections, threads, needed", [
    (300, 1000, 1, 1258),
    # What the threads need was forgotten, and the program ended with a trap.
    (600, 300, 256, 1068),
])
def test_more_connections_than_open_files_are_refused(limit, connections, threads, needed):
    # Root could raise the limit by itself.
    powerless = ["setpriv", "--bounding-set", "-sys_resource"] if os.geteuid() == 0 else []
    answer = subprocess.run(
        [*powerless, "prlimit", f"--nofile={limit}:{limit}", BINARY, "bench", "ws://127.0.0.1:1/push", "--token", "a",
         "--connections", str(connections), "--threads", str(threads)],
        capture_output=True, text=True, timeout=CALL_SECONDS)
    assert answer.returncode == USAGE
    assert f"{connections} connections need {needed} open files, and this process may have {limit}" in answer.stderr
    assert "ulimit -n" in answer.stderr


def test_a_gateway_that_is_killed_in_the_middle_is_reported(directories, org):
    gateway = Gateway(directories("killed-gateway"), org)
    catch_up(gateway, org)
    program = subprocess.Popen(
        [BINARY, "bench", gateway.push_url, "--config", gateway.directory / "millrace.yaml", "--json", "--connections", "50",
         "--channel", CASES, "--publish", "20/s", "--duration", "120s", "--settle", "2s"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deliveries = gateway.metric(r"millrace_push_deliveries_total")
    until(lambda: gateway.metric(r"millrace_push_deliveries_total") > deliveries + 200, what="deliveries")
    gateway.program.kill()
    out, err = program.communicate(timeout=CALL_SECONDS)
    assert program.returncode == UNAVAILABLE, out + err
    report = json.loads(out)
    assert (report["connections"]["standing"], report["connections"]["ended"]) == (0, 50)
    assert {(end["kind"], end["stood"]) for end in report["connections"]["ends"]} == {("cut", True)}
    assert report["events"]["delivered"] >= 200 and report["events"]["lost"] == 0, "what was not sent is not lost by a connection"
    assert report["measured_seconds"] < 100


def test_a_signal_ends_early_with_the_figures_so_far(org, gateway):
    before = gateway.metric(r"millrace_push_connections")
    program = subprocess.Popen(
        [BINARY, "bench", gateway.push_url, "--config", gateway.directory / "millrace.yaml", "--connections", "50",
         "--channel", CASES, "--publish", "20/s", "--duration", "1h"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deliveries = gateway.metric(r"millrace_push_deliveries_total")
    until(lambda: gateway.metric(r"millrace_push_deliveries_total") > deliveries + 200, what="deliveries")
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=STOP_SECONDS)
    assert program.returncode == 0, out + err
    assert "(interrupted)" in out and "50 of 50 stood to the end" in out and ": 0 lost, 0 duplicate, 0 out of order" in out
    assert err == ""
    until(lambda: gateway.metric(r"millrace_push_connections") == before, what="the end of its connections")


def test_progress_is_shown_on_a_terminal(gateway):
    own, terminal = pty.openpty()
    program = subprocess.Popen(
        [BINARY, "bench", gateway.push_url, "--config", gateway.directory / "millrace.yaml", "--connections", "5",
         "--duration", "1s"], stdout=subprocess.PIPE, stderr=terminal, text=True)
    os.close(terminal)
    shown = b""
    # Reading from a terminal without a writer fails.
    with contextlib.suppress(OSError):
        while piece := os.read(own, 4096):
            shown += piece
    os.close(own)
    out, _ = program.communicate(timeout=CALL_SECONDS)
    assert b"measuring [" in shown and b"5 stand" in shown and shown.endswith(b"\r\x1b[K")
    assert "\x1b" not in out and "No event came" in out


# Against a server that does what it should not

class FaultyServer:
    """Speaks the push protocol to `count` connections. When all are subscribed, each gets what `script(number)` says: numbers are
    the replay ids of events, other things are sent as messages, and a pair of a code and a reason closes."""

    def __init__(self, count, script, tls=None, host="127.0.0.1"):
        self.script = script
        self.barrier = threading.Barrier(count)
        self.number = 0
        self.lock = threading.Lock()
        self.closes = []
        self.server = serve(self.handle, host, 0, subprotocols=["millrace.v1"], ssl=tls, compression=None)
        self.url = f"{'wss' if tls else 'ws'}://{host}:{self.server.socket.getsockname()[1]}/push"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def handle(self, connection):
        with self.lock:
            self.number += 1
            number = self.number
        connection.send(json.dumps({"type": "welcome", "heartbeat": 25}))
        request = json.loads(connection.recv())
        connection.send(json.dumps(
            {"type": "subscribed", "id": request["id"], "channel": request["channel"], "replayId": 0}))
        self.barrier.wait(CALL_SECONDS)
        for step in self.script(number):
            if isinstance(step, tuple):
                connection.close(*step)
                return
            connection.send(json.dumps(step if isinstance(step, dict) else event(step)))
        for _ in connection:
            pass
        with self.lock:
            self.closes.append(connection.close_code)

    def bench(self, count, *arguments):
        return millrace("bench", self.url, "--connections", count, "--channel", CASES, "--token", "a", "--json",
                        "--duration", "1s", "--settle", "1s", *arguments)


def event(replay_id, record="500000000000001AAA"):
    return {"type": "event", "channel": CASES, "data": {"schema": "s", "payload": {
        "ChangeEventHeader": {"entityName": "Case", "recordIds": [record], "changeType": "UPDATE",
                              "commitTimestamp": int(time.time() * 1000)},
        "Subject": '"event":{"replayId":99}'}, "event": {"replayId": replay_id}}}


def test_faults_are_noticed_and_named():
    """The third connection loses 4, the fourth gets 5 twice, the fifth gets 7 before 6, the others everything once."""
    scripts = {3: [1, 2, 3, 5, 6, 7, 8], 4: [1, 2, 3, 4, 5, 5, 6, 7, 8], 5: [1, 2, 3, 4, 5, 7, 6, 8]}
    with FaultyServer(10, lambda number: scripts.get(number, [1, 2, 3, 4, 5, 6, 7, 8])) as server:
        report = figures(server.bench(10), FAULTY)
        until(lambda: len(server.closes) == 10, what="the end of the connections")
        assert set(server.closes) == {1000}, "it says goodbye"
    events = report["events"]
    assert (events["distinct"], events["delivered"], events["expected"]) == (8, 80, 80)
    assert (events["lost"], events["duplicate"], events["out_of_order"]) == (1, 1, 1)
    assert {(fault["kind"], fault["replay_id"]) for fault in report["faults"]} == {
        ("lost", 4), ("duplicate", 5), ("out_of_order", 6)}
    assert len({fault["connection"] for fault in report["faults"]}) == 3


@pytest.mark.parametrize("threads", [1, 4])
def test_a_loss_is_seen_across_threads(threads):
    """Each thread has connections that lost something that only those of others got."""
    with FaultyServer(8, lambda number: [1, 2, 3] if number == 1 else [1, 3]) as server:
        report = figures(server.bench(8, "--threads", threads), FAULTY)
    assert report["events"]["lost"] == 7 and report["events"]["expected"] == 24


def test_a_declared_gap_is_not_a_loss():
    gap = {"type": "gap", "channel": CASES, "reason": "expired", "replayId": 3}
    with FaultyServer(4, lambda number: [1, gap, 4] if number == 2 else [1, 2, 3, 4]) as server:
        events = figures(server.bench(4))["events"]
    assert (events["lost"], events["gaps"], events["in_gaps"], events["expected"]) == (0, 1, 2, 16)


def test_a_close_is_told_with_its_code_and_what_came_later_is_no_loss():
    with FaultyServer(4, lambda number: [1, 2, (4408, "too slow")] if number == 2 else [1, 2, 3, 4]) as server:
        report = figures(server.bench(4), UNAVAILABLE)
    (end,) = report["connections"]["ends"]
    assert (end["kind"], end["code"], end["count"], end["stood"], end["example"]) == ("closed", "4408", 1, True, "too slow")
    assert report["connections"]["standing"] == 3 and report["events"]["lost"] == 0


def test_what_is_no_message_is_counted():
    with FaultyServer(2, lambda number: [{"type": "later"}, {}, {**event(1), "channel": "/data/Other"}, 1]) as server:
        report = figures(server.bench(2))
    assert report["events"]["unreadable"] == 4 and report["events"]["delivered"] == 2
    assert any("could not be read" in warning for warning in report["warnings"])


def test_a_clock_that_is_ahead_is_said():
    ahead = event(1)
    ahead["data"]["payload"]["ChangeEventHeader"]["commitTimestamp"] += 60_000

    def script(number):
        yield 0
        # Latencies count once all stand, which the other end learns a moment later.
        time.sleep(0.5)
        yield ahead
    with FaultyServer(2, script) as server:
        report = figures(server.bench(2, "--duration", "2s"))
    assert report["negative_latencies"] == 2
    assert any("clocks" in warning for warning in report["warnings"])


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        answer = millrace(
            "bench", f"ws://127.0.0.1:{listener.getsockname()[1]}/push", "--connections", 5, "--token", "a", "--json",
            "--connect-timeout", "1s", "--duration", "60s")
    report = figures(answer, UNAVAILABLE)
    (end,) = report["connections"]["ends"]
    assert (end["kind"], end["code"], end["count"]) == ("timed_out", "upgrade", 5)
    assert report["measured_seconds"] < 30, "nothing stands: there is nothing to measure"


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
def test_a_server_of_another_kind_is_told(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def run():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        # The first connection only looks whether somebody is there.
                        if connection.recv(4096):
                            connection.sendall(answer)
        threading.Thread(target=run, daemon=True).start()
        report = figures(millrace(
            "bench", f"ws://127.0.0.1:{listener.getsockname()[1]}/push", "--connections", 2, "--token", "a", "--json"), UNAVAILABLE)
    (end,) = report["connections"]["ends"]
    assert (end["kind"], end["count"]) == ("refused" if b"200" in answer else "violation", 2)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, signed by itself."""
    directory = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
    return context, directory / "certificate.pem"


def test_tls_is_spoken_and_certificates_are_checked(certificate):
    context, trusted = certificate
    # More than a socket and a TLS record hold at once.
    large = event(2)
    large["data"]["payload"]["Description"] = "x" * 300_000
    with FaultyServer(20, lambda number: [1, large, 3], tls=context) as server:
        report = figures(server.bench(20, "--ca-file", trusted))
    assert (report["connections"]["standing"], report["events"]["delivered"], report["events"]["lost"]) == (20, 60, 0)

    def refusal(complaint, *arguments, **options):
        with FaultyServer(2, lambda number: [1], tls=context, **options) as server:
            report = figures(server.bench(2, *arguments), UNAVAILABLE)
        (end,) = report["connections"]["ends"]
        assert (end["kind"], end["code"], end["count"]) == ("unreachable", "TLS", 2)
        assert complaint in end["example"]
    refusal("CERTIFICATE_VERIFY_FAILED")
    # Every address in numbers was checked as if it were 127.0.0.1: another one's certificate was good, its own was not.
    refusal("in certificate from peer", "--ca-file", trusted, host="127.0.0.2")
