"""A disk that is full, or cannot be written to: of the gateway with its file, and of PostgreSQL's server. `disk_fault.c` stands before
the C library's writing functions of those processes, which are real ones."""

import os
import pathlib
import subprocess
import time

import psycopg
import pytest
import requests

import postgres
import programs
from test_replica import FIELDS, settled, until_same

ALL = tuple(FIELDS)
CASES = 40
"""Of a long description each: some pages of the database."""


class Disk:
    """Of one process; `state`: full, read-only, or None."""

    def __init__(self, directory, library, folder):
        self.file = pathlib.Path(directory) / "disk-fault.txt"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "LD_PRELOAD": str(library), "DISK_FAULT_FILE": str(self.file), "DISK_FAULT_FOLDER": str(folder)}

    def be(self, state):
        if state is None:
            self.file.unlink(missing_ok=True)
            return
        part = self.file.with_suffix(".part")
        part.write_text(state)
        part.chmod(0o644)
        part.replace(self.file)


@pytest.fixture(scope="module")
def library(directories):
    path = directories("disk-library") / "disk_fault.so"
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", path, programs.ROOT / "Tests/peers/disk_fault.c", "-ldl"], check=True)
    for folder in (path.parent, *path.parents):
        # PostgreSQL's user must be able to come by.
        if folder.is_relative_to("/tmp") and folder != pathlib.Path("/tmp") and folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o755)
    return path


@pytest.fixture(scope="module")
def org(directories):
    org = programs.start_sandbox(directories("disk-org"), programs.PORT_OPTIONS)
    yield org
    org.program.stop()


def change(org, count=CASES):
    for number in range(count):
        org.create("Case", Subject=f"Case {number}", Description=f"{number} " + "millrace " * 900)


def says(gateway, words):
    def search():
        gateway.program.check_running()
        return words in gateway.program.output
    programs.until(search, programs.CALL_SECONDS, what=f"{words!r} in the gateway's log")


def serves(gateway):
    """It answers, and says what is the matter."""
    assert requests.get(f"{gateway.url}/health", timeout=programs.CALL_SECONDS).status_code == 200
    return requests.get(f"{gateway.url}/ready", timeout=programs.CALL_SECONDS)


@pytest.mark.parametrize("state, words", [("full", "no room left"), ("read-only", "cannot be written to")])
def test_a_gateways_own_disk(directories, org, library, state, words):
    directory = directories(f"disk-{state}")
    disk = Disk(directories(f"disk-{state}-switch"), library, directory)
    gateway = programs.Gateway(directory, org, objects={"Case": {"fields": "all"}}, starts=False, environment=disk.environment)
    gateway.start()
    try:
        settled(gateway)
        disk.be(state)
        change(org)
        says(gateway, words)
        serves(gateway)
        # Some attempts more.
        time.sleep(3)
        gateway.program.check_running()
        disk.be(None)
        until_same(gateway, org, "Case", ALL)
        change(org, 3)
        until_same(gateway, org, "Case", ALL)
        # Nothing was lost on the way, so nothing had to be read again.
        assert gateway.program.output.count("snapshot done") == 1
    finally:
        disk.be(None)
        gateway.program.stop()


def test_a_gateway_killed_on_a_full_disk(directories, org, library):
    directory = directories("disk-killed")
    disk = Disk(directories("disk-killed-switch"), library, directory)
    gateway = programs.Gateway(directory, org, objects={"Case": {"fields": "all"}}, starts=False, environment=disk.environment)
    gateway.start()
    settled(gateway)
    disk.be("full")
    change(org)
    says(gateway, "no room left")
    gateway.program.kill()
    disk.be(None)
    gateway.start()
    try:
        until_same(gateway, org, "Case", ALL)
    finally:
        gateway.program.stop()


def test_a_disk_that_is_read_only_from_the_start(directories, org, library):
    directory = directories("disk-unwritable")
    disk = Disk(directories("disk-unwritable-switch"), library, directory / "data")
    gateway = programs.Gateway(directory, org, starts=False)
    text = (directory / "millrace.yaml").read_text()
    (directory / "data").mkdir()
    (directory / "read-only.yaml").write_text(text.replace(str(directory / "millrace.sqlite"), str(directory / "data/millrace.sqlite")))
    disk.be("read-only")
    ended = programs.millrace("run", "--config", directory / "read-only.yaml", env={**os.environ, **disk.environment})
    assert ended.returncode not in (0, -6, -11), ended.returncode
    assert "data" in ended.stderr and "Fatal" not in ended.stderr, ended.stderr
    assert gateway is not None


@pytest.fixture
def server(directories, library):
    """A server whose tables are on such a disk. (Its journal is not: without that a server ends itself, and a supervisor's turn comes.)"""
    directory = directories("disk-postgres")
    disk = Disk(directories("disk-postgres-switch"), library, directory / "data/base")
    disk.file.parent.chmod(0o755)
    server = postgres.Server(directory, environment=disk.environment)
    yield server, disk
    disk.be(None)
    server.stop()


def test_a_full_disk_of_postgres(directories, org, server):
    server, disk = server
    gateway = programs.Gateway(
        directories("disk-postgres-gateway"), org, objects={"Case": {"fields": "all"}}, database=server.new_database("full"))
    try:
        settled(gateway)
        disk.be("full")
        change(org)
        says(gateway, "no room left")
        serves(gateway)
        time.sleep(3)
        gateway.program.check_running()
        disk.be(None)
        until_same(gateway, org, "Case", ALL)
        assert gateway.program.output.count("snapshot done") == 1
    finally:
        disk.be(None)
        gateway.program.stop()


def test_a_postgres_that_takes_no_writes(directories, org, server):
    """As a standby of the server does, and a server whose operator has stopped writes."""
    server, _ = server
    address = server.new_database("reading")
    gateway = programs.Gateway(directories("disk-postgres-reading"), org, objects={"Case": {"fields": "all"}}, database=address)

    def set_reading(value):
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            connection.execute("SELECT pg_reload_conf()")
    try:
        settled(gateway)
        set_reading("on")
        change(org, 3)
        says(gateway, "takes no writes")
        serves(gateway)
        time.sleep(3)
        set_reading("off")
        until_same(gateway, org, "Case", ALL)
        assert gateway.program.output.count("snapshot done") == 1
    finally:
        gateway.program.stop()
