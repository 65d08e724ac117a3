"""What the push benchmarks share: the servers, the reader of their messages, and the clock that counts, a server's processor time."""

import contextlib
import http.client
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "Benchmarks/push-peers"
CHANNEL = "/data/CaseChangeEvent"
# What the reader on the other core needs per message, with room to spare: the server must find it waiting.
INTERVAL_US_PER_CONNECTION = 25
INTERVAL_MS_MIN = 25
DESCRIPTORS_MAX = 20_000
# Waiting for something that should take seconds.
PATIENCE_S = 120


class Failure(Exception):
    """A count that is not what it must be, or a program that does not answer: the figures would mean nothing."""


def interval_ms(connections):
    return max(INTERVAL_MS_MIN, connections * INTERVAL_US_PER_CONNECTION // 1000)


def raise_descriptor_limit():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def build_c(folder):
    programs = {}
    for name in ("floor", "sink"):
        programs[name] = os.path.join(folder, name)
        subprocess.run(["cc", "-O2", "-Wall", "-o", programs[name], ROOT / "Benchmarks/push-floor" / f"{name}.c"], check=True)
    return programs


def bench_program(path):
    """The program that was named, or the one that is built now."""
    if path:
        return path
    build = ["swift", "build", "-c", "release", "--package-path", ROOT / "Benchmarks", "--disable-index-store"]
    subprocess.run(build, check=True, stdout=sys.stderr)
    shown = subprocess.run(build + ["--show-bin-path"], check=True, capture_output=True, text=True)
    return os.path.join(shown.stdout.strip(), "bench")


class Machine:
    """Where things run: servers on one core, the reader and this script on another, in every arm alike."""

    def __init__(self):
        cores = sorted(os.sched_getaffinity(0))
        self.server_core, self.reader_core = cores[0], cores[-1]
        os.sched_setaffinity(0, {self.reader_core})

    def start(self, *command, core=None, niceness=0, **options):
        def prepare():
            os.sched_setaffinity(0, {self.reader_core if core is None else core})
            if niceness and os.geteuid() == 0:
                os.setpriority(os.PRIO_PROCESS, 0, niceness)

        return subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, preexec_fn=prepare, **options)


class Talker:
    """A program that is spoken to by lines."""

    def __init__(self, process):
        self.process = process

    def say(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{self.process.args[0]} has ended by itself") from None

    def hear(self, word=""):
        line = self.process.stdout.readline()
        if not line.startswith(word) or not line:
            raise Failure(f"{self.process.args[0]}: expected {word}, got {line!r}")
        return line[len(word):].strip()

    def ask(self, line, word=""):
        self.say(line)
        return self.hear(word)

    def end(self):
        # One that has ended by itself takes nothing more; the others are ended all the same.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.returncode:
            print(f"{self.process.args[0]} ended with {self.process.returncode}", file=sys.stderr)


class Sink(Talker):
    """The listeners of one server. While it is `busy` it polls without a pause, so that no server pays for waking it."""

    def __init__(self, machine, programs, server, niceness=0, **keys):
        keys = {**server.sink_keys, **keys}
        super().__init__(machine.start(
            programs["sink"], server.port, server.protocol, *(f"{key}={value}" for key, value in keys.items()),
            niceness=niceness, stdout=subprocess.PIPE, text=True))

    def connect(self, count):
        return float(self.ask(f"connect {count}", "READY"))

    def reset(self):
        self.ask("reset", "OK")

    def wait(self, count):
        figures = json.loads(self.ask(f"wait {count} {PATIENCE_S}"))
        if figures["messages"] != count:
            raise Failure(f"{figures['messages']} of {count} messages arrived: {figures}")
        if figures["ends"] or figures["lost"] or figures["double"] or figures["foreign"]:
            raise Failure(f"connections ended, or messages were lost, doubled or not for them: {figures}")
        return figures


def processor_seconds(pids):
    """utime + stime, all threads."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pids):
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * os.sysconf("SC_PAGESIZE")


def with_children(pid):
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            pids += with_children(int(child))
    return pids


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"{process.args[0]} ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Failure(f"{process.args[0]} does not listen")


def websocket_payload_bytes(frame_bytes):
    """Of a frame of the server's, which is longer by its header."""
    return frame_bytes - (2 if frame_bytes < 128 else 4)


class Server:
    """A server of the comparison."""

    name = ""
    protocol = "websocket"
    sink_keys = {}
    has_memory = True
    # What part of the bytes a server may save by putting several messages into one frame.
    frames_merged_max = 0

    def __init__(self, machine, folder, ping=0):
        self.machine = machine
        self.folder = os.path.join(folder, f"{type(self).__name__}-{time.monotonic_ns()}")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o755)
        self.ping = ping
        self.port = 0
        self.process = None
        self.publisher = None

    @staticmethod
    def missing():
        """What is not installed, in words; None: nothing."""

    def start(self, connections):
        raise NotImplementedError

    def ready(self):
        """After all have connected."""

    def pids(self):
        return with_children(self.process.pid)

    def processor_seconds(self):
        return processor_seconds(self.pids())

    def resident_bytes(self):
        return resident_bytes(self.pids())

    def publish(self, count, frame_bytes, interval):
        """Messages that arrive in frames of so many bytes, one per interval; answers processor time that was not the server's."""
        self.hang_up()
        payload = b"x" * self.payload_bytes(frame_bytes)
        next_turn = time.monotonic()
        for _ in range(count):
            self.publish_one(payload)
            next_turn += interval / 1000
            time.sleep(max(0, next_turn - time.monotonic()))
        return 0

    def payload_bytes(self, frame_bytes):
        return websocket_payload_bytes(frame_bytes)

    def publish_one(self, payload):
        raise NotImplementedError

    def post(self, path, payload):
        if not self.publisher:
            self.publisher = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            answer = self.answer_to_post(path, payload)
        except (http.client.RemoteDisconnected, ConnectionResetError):
            # Some end a kept connection at any moment. Had the message been published, its double would be counted.
            self.publisher.close()
            answer = self.answer_to_post(path, payload)
        if answer.status >= 300:
            raise Failure(f"{self.name}: publishing was answered with {answer.status}")

    def answer_to_post(self, path, payload):
        self.publisher.request("POST", path, payload, {"Content-Type": "text/plain"})
        answer = self.publisher.getresponse()
        answer.read()
        return answer

    def hang_up(self):
        """Some end a publisher's HTTP connection when it has been idle: the next `post` opens another one."""
        if isinstance(self.publisher, http.client.HTTPConnection):
            self.publisher.close()

    def settings(self, name, **values):
        """A configuration of `push-peers`, filled in."""
        text = (PEERS / name).read_text()
        for key, value in {"PORT": self.port, "FOLDER": self.folder, **values}.items():
            text = text.replace(f"@{key}@", str(value))
        path = os.path.join(self.folder, name)
        Path(path).write_text(text)
        return path

    def launch(self, *command):
        with open(os.path.join(self.folder, "log"), "w") as log:
            self.process = self.machine.start(*command, core=self.machine.server_core, stdout=log, stderr=log)
        wait_for_port(self.port, self.process)

    def stop(self):
        if self.publisher:
            self.publisher.close()
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Floor(Server):
    """The bare C loop of `send`."""

    name = "C `send`"
    protocol = "floor"
    has_memory = False
    program = None

    def start(self, connections):
        self.process = self.machine.start(
            self.program, connections, core=self.machine.server_core, stdout=subprocess.PIPE, text=True)
        self.talker = Talker(self.process)
        self.port = int(self.talker.hear("PORT"))

    def ready(self):
        self.talker.hear("READY")

    def publish(self, count, frame_bytes, interval):
        figures = json.loads(self.talker.ask(f"{count} {frame_bytes} {interval}"))
        if figures["short_sends"]:
            raise Failure(f"{figures['short_sends']} sends of the floor were short")
        return 0

    def stop(self):
        if self.process:
            self.talker.end()


class Hub(Server):
    """Millrace's, with its twin, store and door in the process."""

    name = "Millrace"
    protocol = "millrace"
    program = None
    tokens = None

    def __init__(self, machine, folder, ping=300, wide=0, tokens=None):
        super().__init__(machine, folder, ping or 300)
        self.wide = wide
        self.sink_keys = {"path": "/push", "channel": CHANNEL, "subprotocol": "millrace.v1", "tokens": tokens or self.tokens}
        self.event_bytes = 0
        self.burst = 1
        self.parts = 1

    def start(self, connections):
        self.process = self.machine.start(
            self.program, "push", f"heartbeat={self.ping}", f"wide={self.wide}", core=self.machine.server_core,
            stdout=subprocess.PIPE, text=True)
        self.talker = Talker(self.process)
        self.port = int(self.talker.hear("PORT"))

    def begin_publishing(self, count, interval):
        self.talker.say(f"publish {count} {self.burst} {interval} {self.event_bytes} {self.parts}")

    def end_publishing(self):
        return json.loads(self.talker.hear("PUBLISHED"))["pacing_seconds"]

    def publish(self, count, frame_bytes, interval):
        self.begin_publishing(count, interval)
        return self.end_publishing()

    def statistics(self):
        return json.loads(self.talker.ask("statistics"))

    def stop(self):
        if self.process:
            self.talker.end()


class Socketify(Server):
    name = "uWebSockets (socketify)"
    python = None
    sink_keys = {"path": "/ws"}

    @classmethod
    def missing(cls):
        if subprocess.run([cls.python, "-c", "import socketify"], capture_output=True).returncode:
            return "the Python package socketify (and the system's libuv1), for the Python that --python names"

    def start(self, connections):
        self.port = free_port()
        self.launch(self.python, PEERS / "socketify_server.py", self.port, self.ping)

    def publish_one(self, payload):
        self.post("/pub", payload)


class Nchan(Server):
    name = "nchan"
    sink_keys = {"path": "/sub/room"}
    modules = "/usr/lib/nginx/modules"

    @classmethod
    def missing(cls):
        if not shutil.which("nginx") or not Path(cls.modules, "ngx_nchan_module.so").exists():
            return "nginx-light and libnginx-mod-nchan"

    def start(self, connections):
        self.port = free_port()
        path = self.settings("nchan.conf", PING=self.ping, MODULES=self.modules)
        self.launch("nginx", "-c", path, "-e", os.path.join(self.folder, "error.log"))

    def publish_one(self, payload):
        self.post("/pub/room", payload)


class Mosquitto(Server):
    name = "mosquitto"
    protocol = "mqtt"
    topic = b"room"

    def __init__(self, machine, folder, ping=0):
        super().__init__(machine, folder, ping)
        # In MQTT it is the client that says that it lives.
        self.sink_keys = {"subprotocol": "mqtt", "ping": ping}

    @staticmethod
    def missing():
        if not shutil.which("mosquitto"):
            return "mosquitto"

    def start(self, connections):
        self.port, publish_port = free_port(), free_port()
        self.launch("mosquitto", "-c", self.settings("mosquitto.conf", PUBLISHPORT=publish_port))
        self.publisher = socket.create_connection(("127.0.0.1", publish_port), 10)
        self.publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.publisher.sendall(bytes([0x10, 17, 0, 4]) + b"MQTT" + bytes([4, 2, 0, 0, 0, 5]) + b"bench")
        if self.publisher.recv(4) != bytes([0x20, 2, 0, 0]):
            raise Failure("mosquitto does not let the publisher in")

    def payload_bytes(self, frame_bytes):
        # The packet has a header of one byte, two of length, two of the topic's length, and the topic.
        return websocket_payload_bytes(frame_bytes) - 5 - len(self.topic)

    def publish_one(self, payload):
        rest = bytes([0, len(self.topic)]) + self.topic + payload
        self.publisher.sendall(bytes([0x30, len(rest) % 128 | 0x80, len(rest) // 128]) + rest)


class Nats(Server):
    name = "nats"
    protocol = "nats"
    program = None
    frames_merged_max = 0.01

    @classmethod
    def missing(cls):
        cls.program = cls.program or shutil.which("nats-server") or shutil.which("/usr/sbin/nats-server")
        if not cls.program:
            return "nats-server"

    def start(self, connections):
        self.port, publish_port = free_port(), free_port()
        path = self.settings("nats.conf", PUBLISHPORT=publish_port, PING=self.ping or 3600)
        self.launch(self.program, "-c", path)
        wait_for_port(publish_port, self.process)
        self.publisher = socket.create_connection(("127.0.0.1", publish_port), 10)
        self.publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.publisher.sendall(b'CONNECT {"verbose":false}\r\nPING\r\n')
        heard = b""
        while b"PONG\r\n" not in heard:
            piece = self.publisher.recv(4096)
            if not piece:
                raise Failure("nats does not let the publisher in")
            heard += piece

    def payload_bytes(self, frame_bytes):
        # `MSG room 1 N`, and a line's end before and after what it announces; N has as many digits as the payload's length.
        whole = websocket_payload_bytes(frame_bytes) - len("MSG room 1 \r\n\r\n")
        return next(whole - digits for digits in (3, 4, 5) if len(str(whole - digits)) == digits)

    def publish_one(self, payload):
        self.publisher.sendall(b"PUB room %d\r\n%s\r\n" % (len(payload), payload))


class NodeWS(Server):
    name = "ws (node)"
    sink_keys = {"path": "/"}

    @staticmethod
    def missing():
        if not shutil.which("node") or not Path("/usr/share/nodejs/ws").exists():
            return "node and node-ws"

    def start(self, connections):
        self.port = free_port()
        self.launch("node", PEERS / "ws_server.js", self.port, self.ping)

    def publish_one(self, payload):
        self.post("/", payload)


SERVERS = {"floor": Floor, "hub": Hub, "socketify": Socketify, "nchan": Nchan, "mosquitto": Mosquitto, "nats": Nats, "ws": NodeWS}


class Bench:
    """One run: programs, tokens, and the servers that are there."""

    def __init__(self, folder, bench, python=None, nats=None):
        # Ended from outside, the run still ends what it has started.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        raise_descriptor_limit()
        self.folder = folder
        os.chmod(folder, 0o755)
        # Built before anything is pinned to a core.
        self.program = bench_program(bench)
        self.programs = build_c(folder)
        self.machine = Machine()
        Floor.program, Hub.program, Hub.tokens = self.programs["floor"], self.program, self.tokens("alike", 1)
        Socketify.python, Nats.program = python or sys.executable, nats

    def tokens(self, kind, count, only=None):
        """A file of tokens; `only`: of that one."""
        path = os.path.join(self.folder, f"tokens-{kind}-{count}-{only}")
        if not os.path.exists(path):
            made = subprocess.run([self.program, "push", "tokens", kind, str(count)], check=True, capture_output=True, text=True)
            lines = made.stdout.splitlines(keepends=True)
            if len(lines) != count:
                raise Failure(f"{len(lines)} of {count} tokens")
            Path(path).write_text("".join(lines if only is None else lines[only:only + 1]))
        return path

    def arm(self, server, connections, **keys):
        return Arm(self, server, connections, **keys)


class Arm:
    """A server with its listeners connected."""

    def __init__(self, bench, server, connections, niceness=0, **keys):
        self.server, self.connections = server, connections
        # Seconds of processor time per second while nothing is published: taken off by `deliver`.
        self.idle_rate = 0
        try:
            server.start(connections)
            self.sink = Sink(bench.machine, bench.programs, server, niceness, **keys)
            self.connect_seconds = self.sink.connect(connections)
            server.ready()
        except BaseException:
            server.stop()
            raise

    def deliver(self, count, frame_bytes, interval):
        """So many messages to everybody; processor time of the server beyond its idle time, and what the listeners counted."""
        self.sink.reset()
        self.sink.ask("busy", "OK")
        start, before = time.monotonic(), self.server.processor_seconds()
        others = self.server.publish(count, frame_bytes, interval)
        figures = self.sink.wait(count * self.connections)
        used = self.server.processor_seconds() - before - others - self.idle_rate * (time.monotonic() - start)
        self.sink.ask("lazy", "OK")
        if figures["fewest"] != count or figures["most"] != count or figures["standing"] != self.connections:
            raise Failure(f"{self.server.name}: not everybody got {count} messages: {figures}")
        off = abs(figures["bytes"] - frame_bytes * figures["messages"])
        if frame_bytes and off > figures["messages"] * frame_bytes * self.server.frames_merged_max:
            raise Failure(f"{self.server.name}: {figures['bytes'] / figures['messages']} bytes per message, not {frame_bytes}")
        return {
            "cpu_us_per_message": used / figures["messages"] * 1e6, "frame_bytes": figures["bytes"] // figures["messages"],
            "p99_ms": figures["p99_ms"],
        }

    def stop(self):
        self.sink.end()
        self.server.stop()
