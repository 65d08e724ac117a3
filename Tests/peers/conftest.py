"""What the tests share: the programs they run against. Servers live for the whole run, unless a test disturbs one.

Variables: MILLRACE_BIN_DIR is where the built programs are (.build/debug), MILLRACE_FIXTURES where events captured from real orgs
are (beside the checkout; without them their tests are skipped), MILLRACE_ARTIFACTS where screenshots go,
MILLRACE_AUTOBAHN=all runs every case of Autobahn's test suite (which is skipped where there is no Python 2.7), and
MILLRACE_REQUIRE_ALL=1 makes a failure of every other skip, for the CI."""

import os
import pathlib
import shutil
import subprocess
import sys

import grpc
import pytest

import chromium
import programs


REQUIRES_ALL = os.environ.get("MILLRACE_REQUIRE_ALL") == "1"
"""Nothing may be left out, as in the CI: what a machine lacks fails the run. Otherwise the tests that need it are skipped."""
REQUIRED = ("chromium", "chromedriver", "node", "openssl", "tsc")
"""What tests of any language need; those in Swift and JavaScript skip by themselves."""
MAY_BE_ABSENT = (programs.NO_EVENTS, programs.NO_AUTOBAHN)
"""The reasons to skip that stand: the events are not part of the repository, and few machines still have a Python 2.7."""


def pytest_configure(config):
    problems = [f"{program} does not exist: `make build` first (or set MILLRACE_BIN_DIR)"
                for program in (programs.BINARY, programs.ORACLE, programs.ECHO) if not program.exists()]
    if "MILLRACE_FIXTURES" in os.environ and not programs.EVENTS.exists():
        problems.append(f"MILLRACE_FIXTURES is {os.environ['MILLRACE_FIXTURES']}, but {programs.EVENTS} does not exist")
    if REQUIRES_ALL:
        problems += [f"{program} is not installed, and MILLRACE_REQUIRE_ALL=1 allows no test to be skipped: scripts/setup"
                     for program in REQUIRED if not shutil.which(program)]
    if problems:
        pytest.exit("; ".join(problems), returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if REQUIRES_ALL and report.skipped and not hasattr(report, "wasxfail"):
        _, _, reason = report.longrepr
        if not any(known in reason for known in MAY_BE_ABSENT):
            report.outcome = "failed"
            report.longrepr = f"skipped, which MILLRACE_REQUIRE_ALL=1 does not allow: {reason}"
    return report


def pytest_terminal_summary(terminalreporter):
    if not programs.EVENTS.exists():
        terminalreporter.line(f"Not run: what needs events captured from real orgs ({programs.EVENTS} does not exist).")
    if not programs.AUTOBAHN_STAMP.exists():
        terminalreporter.line(f"Not run: {programs.NO_AUTOBAHN}.")


@pytest.fixture(scope="session")
def directories(tmp_path_factory):
    """Makes a new directory for a program's data."""
    return lambda name: tmp_path_factory.mktemp(name)


@pytest.fixture(scope="session")
def org(directories):
    org = programs.start_sandbox(directories("org"))
    yield org
    org.program.stop()


@pytest.fixture(scope="session")
def gateway(directories, org):
    gateway = programs.Gateway(directories("gateway"), org)
    yield gateway
    gateway.program.stop()


@pytest.fixture(scope="module")
def demo(directories):
    """What `demo.json` of a demo of the module's own says."""
    directory = directories("demo")
    program = programs.Program(directory, "demo", "--port", "0", "--data", directory)
    yield program.wait_for_document(directory / "demo.json")
    program.stop()


@pytest.fixture(scope="module")
def browser():
    browser = chromium.start()
    yield browser
    browser.quit()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Where the screenshots go: MILLRACE_ARTIFACTS, or a temporary directory whose name is printed."""
    given = os.environ.get("MILLRACE_ARTIFACTS")
    directory = pathlib.Path(given) if given else tmp_path_factory.mktemp("screenshots")
    directory.mkdir(parents=True, exist_ok=True)
    print(f"screenshots: {directory}")
    return directory


@pytest.fixture(scope="session")
def stubs(tmp_path_factory):
    """Python made from our own proto file, as a user of the sandbox would make it."""
    directory = tmp_path_factory.mktemp("stubs")
    proto = next((programs.ROOT / "Sources" / "PubSubAPI").glob("*.proto"))
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{proto.parent}", f"--python_out={directory}",
         f"--grpc_python_out={directory}", proto.name], check=True)
    sys.path.insert(0, str(directory))
    module = __import__(f"{proto.stem}_pb2")
    module_grpc = __import__(f"{proto.stem}_pb2_grpc")
    return module, module_grpc


@pytest.fixture(scope="session", params=["plaintext", "tls"])
def channel(request, org):
    if request.param == "plaintext":
        channel = grpc.insecure_channel(org.connection["grpc_plaintext_address"], options=[("grpc.enable_http_proxy", 0)])
    else:
        roots = pathlib.Path(org.connection["ca_file"]).read_bytes()
        channel = grpc.secure_channel(
            org.connection["grpc_address"], grpc.ssl_channel_credentials(roots), options=[("grpc.enable_http_proxy", 0)])
    with channel:
        yield channel
