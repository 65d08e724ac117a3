"""Autobahn's test suite, a client that knows every way to break RFC 6455 and RFC 7692, against our own side of them.

Drives the executable `websocket-echo`, which answers through what the push door reads and writes frames with. The suite is
Python 2 code, in `.venv27`, which scripts/setup makes where there is a Python 2.7. Its slowest cases are left out:
MILLRACE_AUTOBAHN=all runs them too, which takes many times as long."""

import json
import os
import re
import subprocess
from contextlib import contextmanager

import pytest

import programs

WHOLE = os.environ.get("MILLRACE_AUTOBAHN") == "all"
GROUPS = [*(f"12.{group}" for group in range(1, 6)), *(f"13.{group}" for group in range(1, 8))]
"""Of the cases with compression: by what is sent, and by what is offered. Each has the same 18 sizes of message and fragment."""
CASES = ["*"] if WHOLE else [
    *(f"{chapter}.*" for chapter in (1, 2, 3, 4, 5, 6, 7, 9, 10)),
    *(f"{group}.{size}" for group in GROUPS for size in (1, 2, 3, 4, 5, 6, 7, 11, 12)),
]
SLOW = [] if WHOLE else ["9.3.1", "9.3.2", "9.4.1", "9.4.2", "9.5.1", "9.6.1"]
"""4 MB in fragments of 64 and 256 bytes, and 1 MB in pieces of 64."""
COUNT = 517 if WHOLE else 403
DECLINED = re.compile(r"13\.[35]\.")
"""The only offers are of a window of 9 bits for the server, which it may decline."""
PASSED = ("OK", "INFORMATIONAL")
RUN_SECONDS = 7200 if WHOLE else 600

pytestmark = pytest.mark.skipif(not programs.AUTOBAHN_STAMP.exists(), reason=programs.NO_AUTOBAHN)


@contextmanager
def echo(directory):
    """The port of a running `websocket-echo`, which ends with its input."""
    out_path, err_path = directory / "echo.out", directory / "echo.err"
    with open(out_path, "wb") as out, open(err_path, "wb") as err:
        process = subprocess.Popen([programs.ECHO], stdin=subprocess.PIPE, stdout=out, stderr=err)

    def ending():
        return f"websocket-echo ended with {process.poll()}:\n{err_path.read_text(errors='replace')[-4000:]}"

    def port():
        assert process.poll() is None, ending()
        return re.search(r"PORT (\d+)\n", out_path.read_text())

    try:
        yield programs.until(port, programs.START_SECONDS, what="the port of websocket-echo")[1]
        process.stdin.close()
        assert process.wait(programs.STOP_SECONDS) == 0, ending()
    finally:
        process.kill()
        process.wait(programs.STOP_SECONDS)


def run(directory, port):
    """What the suite found: by case, what became of it and of its close."""
    specification = directory / "fuzzingclient.json"
    specification.write_text(json.dumps({
        "outdir": "reports", "servers": [{"agent": "millrace", "url": f"ws://127.0.0.1:{port}/push"}],
        "cases": CASES, "exclude-cases": SLOW, "exclude-agent-cases": {}}))
    log_path = directory / "wstest.log"
    with open(log_path, "wb") as log:
        # The status says nothing of the cases.
        subprocess.run([programs.AUTOBAHN / "bin" / "wstest", "-m", "fuzzingclient", "-s", specification],
                       cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=RUN_SECONDS)
    index = programs.read_document(directory / "reports" / "index.json")
    assert index, f"wstest ended without a report:\n{log_path.read_text()[-4000:]}"
    return index["millrace"]


def test_frames_and_compression_are_as_the_protocols_say(tmp_path):
    with echo(tmp_path) as port:
        cases = run(tmp_path, port)
    assert len(cases) == COUNT
    offending = [
        f"{name}: {case['behavior']}, close {case['behaviorClose']} (code {case['remoteCloseCode']})"
        for name, case in sorted(cases.items(), key=lambda item: [int(part) for part in item[0].split(".")])
        if case["behaviorClose"] not in PASSED
        or case["behavior"] not in PASSED and not (case["behavior"] == "UNIMPLEMENTED" and DECLINED.match(name))]
    assert not offending, "\n".join([f"{len(offending)} of {len(cases)} cases (reports in {tmp_path / 'reports'}):", *offending])
