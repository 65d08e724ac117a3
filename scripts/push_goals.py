"""The goals of the push hub, each a mode of `bench-push-peers`: what is set up, measured, checked, and held against its bar."""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

from push_bench import Failure, Hub, SERVERS, Sink, interval_ms

# What proxies and clients have agreed on: the hub's default.
PING_S = 25
IDLE_WINDOW_S = 5


def note(text):
    print(f"bench-push-peers: {text}", file=sys.stderr, flush=True)


def turned(arms, turn):
    """Another one is first in each round, so that nobody always comes after the same."""
    return arms[turn % len(arms):] + arms[:turn % len(arms)]


class Modes:
    def __init__(self, bench, options, report):
        self.bench, self.options, self.report = bench, options, report
        self.rounds = options.rounds
        self.skipped = {}
        self.servers = []
        for name in options.servers:
            missing = SERVERS[name].missing()
            if missing:
                self.skipped[SERVERS[name].name] = missing
                note(f"{SERVERS[name].name} is skipped: not installed ({missing})")
            else:
                self.servers.append(SERVERS[name])

    def arms(self, servers, connections, **options):
        """Servers with their listeners; ended by `end`."""
        arms = []
        try:
            for kind in servers:
                arms.append(self.bench.arm(kind(self.bench.machine, self.bench.folder, **options), connections))
                note(f"{kind.name}: {connections} connections in {arms[-1].connect_seconds:.1f} s")
        except BaseException:
            self.end(arms)
            raise
        return arms

    def hub(self, connections, tokens=None, niceness=0, keys=None, **options):
        return self.bench.arm(Hub(self.bench.machine, self.bench.folder, tokens=tokens, **options), connections, niceness=niceness, **(keys or {}))

    @staticmethod
    def end(arms):
        for arm in arms:
            arm.stop()

    def frame_bytes(self, hub, event_bytes):
        """Sets the hub's event size, and answers the frame's."""
        hub.server.event_bytes = event_bytes
        return hub.deliver(3, 0, interval_ms(hub.connections))["frame_bytes"]

    # deliver

    def deliver(self):
        for connections in self.options.connections:
            arms = self.arms(self.servers, connections)
            try:
                for event_bytes in self.options.bytes:
                    rows = self.deliver_rows(arms, connections, event_bytes)
                    rows += [(name, "", "skipped: not installed", "", "", "") for name in self.skipped]
                    self.report.table(
                        "Processor time of the server per delivered message",
                        ["server", "connections", "event / frame", "CPU per message", "× C `send`", "the hub is"], rows)
            finally:
                self.end(arms)

    def deliver_rows(self, arms, connections, event_bytes):
        hub = next((arm for arm in arms if arm.server.name == Hub.name), None)
        if not hub:
            raise Failure("the hub says how long a frame is: it cannot be left out")
        frame_bytes = self.frame_bytes(hub, event_bytes)
        interval = interval_ms(connections)
        count = max(self.options.messages, 4000 // interval)
        measured = {arm.server.name: [] for arm in arms}
        for arm in arms:
            arm.deliver(2, frame_bytes, interval)
        self.look_at_idling(arms)
        for turn in range(self.rounds):
            for arm in turned(arms, turn):
                measured[arm.server.name].append(arm.deliver(count, frame_bytes, interval)["cpu_us_per_message"])
            note(f"round {turn + 1}: " + ", ".join(f"{name} {values[-1]:.2f}" for name, values in measured.items()))
        medians = {name: statistics.median(values) for name, values in measured.items()}
        floor, ours = medians.get(SERVERS["floor"].name), medians[Hub.name]
        bars = {SERVERS["floor"].name: 1.1, SERVERS["socketify"].name: 1.0, SERVERS["nchan"].name: 0.8,
                SERVERS["mosquitto"].name: 0.7, SERVERS["nats"].name: 0.7, SERVERS["ws"].name: 0.7}
        rows = []
        for name, value in medians.items():
            if name != Hub.name:
                self.report.add(
                    f"CPU per message, {connections:,} connections, {event_bytes} B: hub ÷ {name}", ours / value, bars[name],
                    hub_us=ours, other_us=value, frame_bytes=frame_bytes,
                    idle_ms_per_s={arm.server.name: arm.idle_rate * 1000 for arm in arms}, rounds={"hub": measured[Hub.name], "other": measured[name]})
            rows.append((
                f"**{name}**" if name == Hub.name else name, f"{connections:,}", f"{event_bytes} / {frame_bytes} B", f"{value:.2f} µs",
                f"{value / floor:.2f}" if floor else "", "" if name == Hub.name else f"{ours / value:.2f} ×"))
        return rows

    @staticmethod
    def look_at_idling(arms):
        """What each uses for nothing: the loop under socketify's Python never rests, and would be charged to uWebSockets."""
        before = [arm.server.processor_seconds() for arm in arms]
        time.sleep(IDLE_WINDOW_S)
        for arm, used in zip(arms, before):
            arm.idle_rate = (arm.server.processor_seconds() - used) / IDLE_WINDOW_S
        note("idle, ms per second: " + ", ".join(f"{arm.server.name} {arm.idle_rate * 1000:.0f}" for arm in arms))

    # burst

    def burst(self):
        burst, rows = 16, []
        for connections in self.options.connections:
            arms = self.arms([SERVERS["floor"], Hub], connections)
            try:
                floor, hub = arms
                frame_bytes = self.frame_bytes(hub, 256)
                interval = interval_ms(connections)
                count = max(2 * burst, 4000 // interval // burst * burst)
                alone, together, bare = [], [], []
                for _ in range(self.rounds):
                    bare.append(floor.deliver(count, frame_bytes, interval)["cpu_us_per_message"])
                    hub.server.burst = 1
                    alone.append(hub.deliver(count, frame_bytes, interval)["cpu_us_per_message"])
                    hub.server.burst = burst
                    together.append(hub.deliver(count * 4, frame_bytes, interval * 4)["cpu_us_per_message"])
            finally:
                self.end(arms)
            bare, alone, together = map(statistics.median, (bare, alone, together))
            self.report.add(
                f"CPU per message, {connections:,} connections, {burst} in one turn ÷ alone", together / alone, 0.3, us=together)
            rows.append((f"{connections:,}", f"{bare:.2f} µs", f"{alone:.2f} µs", f"{together:.2f} µs", f"{together / alone:.2f}",
                         f"{together / bare:.2f}"))
        calls, table = self.system_calls(burst)
        if calls is not None:
            self.report.add(f"system calls per socket, {burst} events in one turn", calls, 1.2, calls=table)
        self.report.table(
            f"{burst} events in one turn, events of 256 bytes",
            ["connections", "C `send`, one by one", "hub, one by one", f"hub, {burst} in one turn", "÷ one by one", "÷ C `send`"],
            rows)

    def system_calls(self, burst):
        """All that the process does while it delivers, by all of its threads, for each socket and turn."""
        if not shutil.which("strace"):
            note("strace is not installed: system calls are not counted")
            return None, {}
        # Traced, a call takes a hundred times as long, and a turn must end before the next one begins.
        connections, turns, interval = 1000, 10, 2000
        log = os.path.join(self.bench.folder, "strace")
        hub = self.hub(connections)
        try:
            hub.server.event_bytes, hub.server.burst = 256, burst
            hub.deliver(burst, 0, interval)
            tracer = self.bench.machine.start(
                "strace", "-f", "-c", "-o", log, "-p", hub.server.process.pid, stderr=subprocess.PIPE, text=True)
            tracer.stderr.readline()
            time.sleep(1)
            hub.deliver(turns * burst, 0, interval)
            tracer.send_signal(signal.SIGINT)
            tracer.communicate()
        finally:
            hub.stop()
        calls = {}
        for line in open(log):
            found = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if found and found[2] != "total":
                calls[found[2]] = int(found[1])
        if calls.get("sendto", 0) < turns * connections:
            raise Failure(f"strace has not seen {turns} sends to each of {connections}: {calls}")
        return sum(calls.values()) / (turns * connections), calls

    # memory

    def memory(self):
        first, last = self.options.slope
        hub = [(Hub.name, Hub, {}, None),
               (f"{Hub.name}, a `where` of each client's own", Hub, {"where": "ContactId = '003xx%d'"}, None),
               (f"{Hub.name}, a subject and a token's `where` for each", Hub, {}, "users")]
        peers = [(kind.name, kind, {}, None) for kind in self.servers if kind.has_memory and kind is not Hub]
        slopes = {}
        for turn in range(min(self.rounds, 3)):
            for name, kind, keys, tokens in hub + peers:
                options = {"tokens": self.bench.tokens(tokens, last)} if tokens else {}
                server = kind(self.bench.machine, self.bench.folder, **options)
                arm = self.bench.arm(server, first, **keys)
                try:
                    time.sleep(2)
                    before = server.resident_bytes()
                    arm.sink.connect(last)
                    time.sleep(2)
                    figures = arm.sink.wait(0)
                    if figures["standing"] != last:
                        raise Failure(f"{name}: {figures['standing']} of {last} stand")
                    slopes.setdefault(name, []).append((server.resident_bytes() - before) / (last - first))
                finally:
                    arm.stop()
                note(f"{name}: {slopes[name][-1]:.0f} bytes per connection")
        medians = {name: statistics.median(values) for name, values in slopes.items()}
        filtered = [name for name, *_ in hub[1:]]
        for name in filtered:
            self.report.add(f"resident bytes per idle connection, {name}", medians[name], 1024, rounds=slopes[name])
            for peer, *_ in peers:
                self.report.add(f"resident bytes, {name} ÷ {peer}", medians[name] / medians[peer], 1)
        rows = [(f"**{name}**" if name.startswith(Hub.name) else name, f"{value:,.0f} B") for name, value in medians.items()]
        rows += [(name, "skipped: not installed") for name in self.skipped]
        self.report.table(
            f"Resident bytes per idle WebSocket, slope from {first:,} to {last:,}", ["server", "per connection"], rows)

    # idle

    def idle(self):
        connections = self.options.many
        arms = self.arms([kind for kind in self.servers if kind.has_memory], connections, ping=PING_S)
        try:
            time.sleep(PING_S)
            windows = {arm.server.name: [] for arm in arms}
            for _ in range(max(3, self.rounds)):
                before = [(time.monotonic(), arm.server.processor_seconds()) for arm in arms]
                time.sleep(PING_S)
                for arm, (start, used) in zip(arms, before):
                    spent = arm.server.processor_seconds() - used
                    windows[arm.server.name].append(spent / (time.monotonic() - start) / connections * 1e6)
            for arm in arms:
                if arm.sink.wait(0)["standing"] != connections:
                    raise Failure(f"{arm.server.name} has lost connections that were idle")
        finally:
            self.end(arms)
        # Not every window has as many pings as another: the whole counts.
        means = {name: statistics.mean(values) for name, values in windows.items()}
        ours = means[Hub.name]
        self.report.add("idle CPU per connection, µs per second, ping each 25 s", ours, 1.1, windows=windows)
        # No ratio to uWebSockets: what the loop under socketify's Python uses without any connection is as much.
        rows = [(f"**{name}**" if name == Hub.name else name, f"{value:.2f} µs") for name, value in means.items()]
        rows += [(name, "skipped: not installed") for name in self.skipped]
        self.report.table(
            f"Processor time per idle connection and second, {connections:,} connections, a ping each {PING_S} s, over"
            f" {PING_S * max(3, self.rounds)} s", ["server", "per connection and second"], rows)

    # classes

    def classes(self):
        connections, classes = self.options.many, 50
        arms = []
        try:
            arms.append(self.hub(connections, tokens=self.bench.tokens("masks", classes, only=0), wide=classes))
            arms.append(self.hub(connections, tokens=self.bench.tokens("masks", classes), wide=classes))
            one, many = arms
            frame_bytes = self.frame_bytes(one, 256)
            if self.frame_bytes(many, 256) > frame_bytes:
                raise Failure("the frames of the two sides are not alike")
            interval = interval_ms(connections)
            count = max(self.options.messages, 4000 // interval)
            measured, made = ([], []), []
            for turn in range(self.rounds):
                for index in ((0, 1), (1, 0))[turn % 2]:
                    before = arms[index].server.statistics()["frames_made"]
                    measured[index].append(arms[index].deliver(count, 0, interval)["cpu_us_per_message"])
                    if index == 1:
                        made.append((arms[1].server.statistics()["frames_made"] - before) / count)
            if set(made) != {classes}:
                raise Failure(f"an event was encoded {made} times, not once for each class")
        finally:
            self.end(arms)
        one, many = (statistics.median(values) for values in measured)
        self.report.add(f"CPU per message, {classes} permission classes ÷ one", many / one, 1.3, one_us=one, many_us=many, rounds=measured)
        self.report.table(
            f"{classes} permission classes with field masks, {connections:,} connections, frames of {frame_bytes} bytes",
            ["classes", "CPU per message"], [("1", f"{one:.2f} µs"), (str(classes), f"{many:.2f} µs"), ("ratio", f"{many / one:.2f}")])

    # resume

    def resume(self):
        connections, missed, parts = self.options.many, 100, 2
        arms = []
        try:
            hub = self.hub(connections, tokens=self.bench.tokens("parts", connections), keys={"stamps": 1, "parts": parts})
            arms.append(hub)
            hub.server.event_bytes, hub.server.parts = 256, parts
            kinds = [("hub, each with a `where`", hub, self.publish_to_hub)]
            if SERVERS["nchan"] in self.servers:
                server = SERVERS["nchan"](self.bench.machine, self.bench.folder)
                server.sink_keys = {"path": "/sub/room%d", "subprotocol": "ws+meta.nchan", "stamps": 1, "parts": parts}
                arms.append(self.bench.arm(server, connections))
                kinds.append(("nchan, one of two channels", arms[-1], Rooms(server, parts).publish))
            results = {name: [] for name, *_ in kinds}
            for name, arm, publish in kinds:
                self.resumption(arm, publish, parts, parts * 2)
            for turn in range(self.rounds):
                for name, arm, publish in turned(kinds, turn):
                    results[name].append(self.resumption(arm, publish, parts, missed))
                    note(f"{name}: {results[name][-1]}")
        finally:
            self.end(arms)
        rows = []
        for name, values in results.items():
            median = {key: statistics.median(value[key] for value in values) for key in values[0]}
            rows.append((name, "0", "0", f"{median['seconds']:.2f} s", f"{median['cpu_seconds']:.2f} s", f"{median['log_reads']:.0f}"))
            results[name] = median
        ours, *others = results.values()
        self.report.add("lost or double after the resume (any is an error of the run)", 0, 0)
        self.report.add("reads of the log for a crowd that resumes (upstream replays: there is nothing to ask)", ours["log_reads"], 1)
        for name, other in zip(list(results)[1:], others):
            self.report.add(f"time until all have caught up: hub ÷ {name}", ours["seconds"] / other["seconds"], 1, hub=ours, other=other)
            self.report.add(f"CPU until all have caught up: hub ÷ {name}", ours["cpu_seconds"] / other["cpu_seconds"], 1)
        self.report.table(
            f"{connections:,} clients dropped at once come back {missed} events later, {missed // parts} of them theirs",
            ["server", "lost", "double", "until all have caught up", "server's processor time", "reads of the log"], rows)

    @staticmethod
    def publish_to_hub(arm, count):
        arm.server.publish(count, 0, 2)

    def resumption(self, arm, publish, parts, missed):
        """The first `parts` events reach everybody, the others those who come back; the last come live again."""
        connections = arm.connections
        arm.sink.reset()
        publish(arm, parts * 2)
        arm.sink.wait(connections * 2)
        arm.sink.ask("drop", "DROPPED")
        if isinstance(arm.server, Hub):
            deadline = time.monotonic() + 60
            while arm.server.statistics()["connections"] > 0:
                if time.monotonic() > deadline:
                    raise Failure("the hub still has connections that were dropped")
                time.sleep(0.1)
        else:
            time.sleep(2)
        publish(arm, missed)
        time.sleep(1)
        reads = arm.server.statistics()["chunks_read"] if isinstance(arm.server, Hub) else 0
        arm.sink.reset()
        arm.sink.ask("busy", "OK")
        before = arm.server.processor_seconds()
        arm.sink.ask("resume", "READY")
        figures = arm.sink.wait(connections * missed // parts)
        used = arm.server.processor_seconds() - before
        arm.sink.ask("lazy", "OK")
        publish(arm, parts)
        both = arm.sink.wait(connections * (missed // parts + 1))
        if both["fewest"] != both["most"]:
            raise Failure(f"not everybody has got what was theirs: {both}")
        if isinstance(arm.server, Hub):
            reads = arm.server.statistics()["chunks_read"] - reads
        return {"seconds": figures["since_resume_s"], "cpu_seconds": used, "log_reads": reads}

    # stalled

    def stalled(self):
        connections, filling, count = self.options.many, 40, 40
        stalled = connections // 100
        interval = interval_ms(connections)
        arm = self.hub(connections, keys={"stamps": 1, "receive": 64 * 1024})
        without, beside = [], []
        try:
            for turn in range(2 * self.rounds):
                number = stalled if turn % 2 else 0
                arm.sink.ask(f"ignore {number}", "OK")
                parked = arm.server.statistics()["parked"]
                # What the kernel takes of a connection that is not read, and the queue, are full before anything is measured.
                arm.sink.reset()
                arm.server.event_bytes = 32 * 1024
                arm.server.publish(filling, 0, interval)
                arm.sink.wait((connections - number) * filling)
                parked = arm.server.statistics()["parked"] - parked
                if parked < number:
                    raise Failure(f"{parked} of {number} clients that do not read are parked")
                arm.sink.reset()
                arm.sink.ask("busy", "OK")
                arm.server.event_bytes = 256
                arm.server.publish(count, 0, interval)
                figures = arm.sink.wait((connections - number) * count)
                arm.sink.ask("lazy", "OK")
                (beside if number else without).append(figures["p99_ms"])
                note(f"{number} do not read: p99 {figures['p99_ms']:.2f} ms, p50 {figures['p50_ms']:.2f} ms")
                arm.sink.ask("ignore 0", "OK")
                # They have missed nothing.
                arm.sink.wait((connections - number) * count + number * (count + filling))
        finally:
            arm.stop()
        ratio = statistics.median(beside) / statistics.median(without)
        self.report.add(f"p99 latency of the others while {stalled} of {connections:,} never read ÷ without", ratio, 1.05,
                        beside_ms=beside, without_ms=without)
        self.report.table(
            f"{stalled} of {connections:,} clients never read, events of 256 bytes each {interval} ms",
            ["", "p99 from publishing to arrival"],
            [("all read", f"{statistics.median(without):.2f} ms"), (f"{stalled} never read", f"{statistics.median(beside):.2f} ms"),
             ("ratio", f"{ratio:.3f}")])

    # close

    def close(self):
        crowd, active, interval, count = self.options.many, 100, 5, 600
        arm = self.hub(active, niceness=-5, keys={"stamps": 1})
        stalls = {"nobody goes": [], "the crowd vanishes": [], "the crowd is revoked": []}
        try:
            arm.server.event_bytes = 256
            arm.deliver(3, 0, 25)
            total = 2 * self.rounds
            for turn in range(total):
                crowd_keys = {"tokens": self.bench.tokens("crowds", total, only=turn)}
                crowd_sink = self.crowd(arm, crowd, crowd_keys)
                try:
                    if turn < self.rounds:
                        stalls["nobody goes"].append(self.longest_stall(arm, count, interval, lambda: None))
                    if turn % 2:
                        what, act = "the crowd is revoked", lambda: arm.server.talker.ask(f"revoke crowds-{turn}", "REVOKED")
                    else:
                        what, act = "the crowd vanishes", lambda: crowd_sink.ask("drop", "DROPPED")
                    stalls[what].append(self.longest_stall(arm, count, interval, act))
                    note(f"{what}: {stalls[what][-1]:.1f} ms")
                    deadline = time.monotonic() + 30
                    while arm.server.statistics()["connections"] != active:
                        if time.monotonic() > deadline:
                            raise Failure(f"the hub keeps connections that have ended: {arm.server.statistics()}")
                        time.sleep(0.1)
                finally:
                    crowd_sink.end()
        finally:
            arm.stop()
        for what in ("the crowd vanishes", "the crowd is revoked"):
            self.report.add(f"longest stall of {active} others, {what}, ms", max(stalls[what]), 50, rounds=stalls[what])
        self.report.table(
            f"{crowd:,} connections end at once, {active} others get an event each {interval} ms",
            ["", "longest way of an event, median of the rounds", "worst round"],
            [(what, f"{statistics.median(values):.1f} ms", f"{max(values):.1f} ms") for what, values in stalls.items()])

    def crowd(self, arm, crowd, keys):
        sink = Sink(self.bench.machine, self.bench.programs, arm.server, **keys)
        sink.connect(crowd)
        return sink

    @staticmethod
    def longest_stall(arm, count, interval, act):
        arm.sink.reset()
        arm.sink.ask("busy", "OK")
        arm.server.begin_publishing(count, interval)
        time.sleep(count * interval / 3000)
        act()
        arm.server.end_publishing()
        figures = arm.sink.wait(count * arm.connections)
        arm.sink.ask("lazy", "OK")
        return figures["max_ms"]


class Rooms:
    """Stamped messages to nchan, each to the channel of its part."""

    def __init__(self, server, parts):
        self.server, self.parts, self.number = server, parts, 0

    def publish(self, arm, count):
        self.server.hang_up()
        for _ in range(count):
            stamp = f"@{time.monotonic_ns():019d}#{self.number:09d}@"
            # As long as a frame of the hub's for an event of 256 bytes, or nearly.
            self.server.post(f"/pub/room{self.number % self.parts}", stamp.encode() + b"x" * 600)
            self.number += 1
            time.sleep(0.002)
