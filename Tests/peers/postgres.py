"""A PostgreSQL server of the test run, on a free port of the loopback address, in a folder of its own."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess

import programs

ABSENCE = "PostgreSQL's server is not installed: scripts/setup"


def binaries():
    """Where its programs are: the newest of Debian's, or on PATH; None: nowhere."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    program = str(found[-1]) if found else shutil.which("postgres")
    return pathlib.Path(program).parent if program else None


class Server:
    def __init__(self, directory, options=(), environment=None):
        """`options`: settings of the server, `name=value`. `environment`: what the server has besides ours."""
        self.directory = pathlib.Path(directory)
        self.programs = binaries()
        data = self.directory / "data"
        # PostgreSQL refuses to run as root.
        self.user = []
        if os.geteuid() == 0:
            entry = pwd.getpwnam("postgres")
            for path in (self.directory, *self.directory.parents):
                # The user must be able to come by.
                if path.stat().st_uid == 0 and path != path.parent and path.is_relative_to("/tmp") and path != pathlib.Path("/tmp"):
                    path.chmod(path.stat().st_mode | 0o711)
            os.chown(self.directory, entry.pw_uid, entry.pw_gid)
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run(
            [*self.user, self.programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.process = subprocess.Popen(
            [*self.user, self.programs / "postgres", "-D", data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
             "-c", "unix_socket_directories=", *(part for option in options for part in ("-c", option))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            env={**os.environ, **(environment or {})})
        programs.until(self.is_ready, programs.START_SECONDS, every=0.1, what="the PostgreSQL server")

    def is_ready(self):
        assert self.process.poll() is None, "the PostgreSQL server has ended"
        return subprocess.run(
            [self.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True, cwd="/").returncode == 0

    def new_database(self, name):
        """Its address."""
        subprocess.run(
            [self.programs / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name], check=True,
            capture_output=True, cwd="/")
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self):
        # SIGINT: sessions are ended, the files are left whole.
        self.process.send_signal(2)
        self.process.wait(programs.STOP_SECONDS)
