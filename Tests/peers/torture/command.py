"""`scripts/torture`: many schedules at once, and the smallest that fails."""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

import postgres
from torture import schedule as schedules
from torture.run import run
from torture.shrink import SHRINK_SECONDS_MAX, shrink
from torture.world import make_template

ENGINES = ("sqlite", "postgres")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="the first seed (a random one); alone: that one schedule")
    parser.add_argument("--minutes", type=float, help="as many schedules as are begun in this time")
    parser.add_argument("--count", type=int, help="so many schedules of each engine; with --schedule, so many runs of each")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="schedules at the same time")
    parser.add_argument("--schedule", type=pathlib.Path, action="append", help="replay a schedule from a file")
    parser.add_argument("--directory", type=pathlib.Path, help="where failed runs are kept (a new temporary one)")
    parser.add_argument("--no-shrink", action="store_true", help="leave failing schedules as they are")
    parser.add_argument("--shrink-seconds", type=float, default=SHRINK_SECONDS_MAX, help="how long a failing one is made smaller")
    parser.add_argument("--print", action="store_true", help="print the schedule of --seed, and run nothing")
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, end)
    options = arguments()
    engines = ENGINES if options.engine == "both" else (options.engine,)
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    if options.print:
        for engine in engines:
            print(json.dumps(schedules.make(seed, engine), indent=1, ensure_ascii=False))
        return 0
    if options.schedule:
        todo = iter([json.loads(path.read_text()) for path in options.schedule for _ in range(options.count or 1)])
    else:
        count = options.count or (1 if options.minutes is None else None)
        seeds = itertools.count(seed) if count is None else range(seed, seed + count)
        todo = (schedules.make(number, engine) for number in seeds for engine in engines)
    directory = options.directory or pathlib.Path(tempfile.mkdtemp(prefix="torture-"))
    directory.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}, {options.jobs} at a time, failures are kept in {directory}", flush=True)
    with Torture(directory, engines, options.jobs) as torture:
        failures = torture.go(todo, options.minutes)
        print(torture.summary(), flush=True)
        for failed in failures[:3] if not options.no_shrink else []:
            smallest = shrink(failed, torture.once, options.shrink_seconds)
            path = directory / f"smallest-{failed['engine']}-{failed['seed']}.json"
            path.write_text(json.dumps(smallest, indent=1, ensure_ascii=False) + "\n")
            print(f"the smallest schedule that still fails: scripts/torture --schedule {path}\n{path.read_text()}", flush=True)
    return 1 if failures else 0


class Torture:
    """What schedules share: the founded org that each begins as a copy of, and the server with a database for each."""

    def __init__(self, directory, engines, jobs):
        self.directory = pathlib.Path(directory)
        self.engines = engines
        self.jobs = jobs
        self.server = None
        self.results = []
        self.numbers = itertools.count(1)

    def __enter__(self):
        self.template = self.directory / f"template-{os.getpid()}"
        make_template(self.template)
        if "postgres" in self.engines:
            if not postgres.binaries():
                raise SystemExit(postgres.ABSENCE)
            path = self.directory / f"postgres-{os.getpid()}"
            path.mkdir()
            # What is lost by a power cut is not tried here: a faster server takes more schedules.
            self.server = postgres.Server(path, options=["fsync=off", "max_connections=400"])
        return self

    def __exit__(self, *_):
        if self.server:
            self.server.stop()

    def once(self, schedule):
        """The result of one run, in this process."""
        return run(self.directory / f"run-{os.getpid()}-{next(self.numbers)}", self.template, schedule, self.server and self.server.port)

    def go(self, todo, minutes=None):
        """The schedules that failed."""
        end = time.monotonic() + minutes * 60 if minutes is not None else None
        failures = []
        with concurrent.futures.ProcessPoolExecutor(self.jobs, initializer=ignore_interrupts) as pool:
            running = {}
            todo = iter(todo)
            is_over = False
            while True:
                while not is_over and len(running) < self.jobs:
                    schedule = next(todo, None) if end is None or time.monotonic() < end else None
                    if schedule is None:
                        is_over = True
                        break
                    directory = self.directory / f"{schedule['engine']}-{schedule['seed']}-{next(self.numbers)}"
                    running[pool.submit(run, directory, self.template, schedule, self.server and self.server.port)] = schedule
                if not running:
                    return failures
                done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    schedule = running.pop(future)
                    result = future.result()
                    self.results.append(result)
                    if result["failure"]:
                        failures.append(schedule)
                    self.tell(result, schedule)

    def tell(self, result, schedule):
        word = "FAILED" if result["failure"] else "ok"
        print(f"{len(self.results):5} {word} {result['engine']} seed {result['seed']}: {result['seconds']:.1f} s, "
              f"{len(schedule['faults'])} faults, {result.get('changes', 0)} changes, {result.get('compared', 0)} values, "
              f"{result.get('calls', 0)} calls{', late' if result.get('late') else ''}", flush=True)
        if result["failure"]:
            path = self.directory / f"failed-{result['engine']}-{result['seed']}.json"
            path.write_text(json.dumps(schedule, indent=1, ensure_ascii=False) + "\n")
            print(f"  {result['failure']}\n  kept in {result['directory']}, schedule in {path}", flush=True)

    def summary(self):
        struck = {}
        for result in self.results:
            for name, count in result.get("struck", {}).items():
                struck[name] = struck.get(name, 0) + count
        failed = sum(1 for result in self.results if result["failure"])
        lines = [f"{len(self.results)} schedules, {sum(result['reads'] for result in self.results)} of them with readings, {failed} failed, {sum(result.get('wrong', 0) for result in self.results)} wrong rows, "
                 f"{sum(result.get('compared', 0) for result in self.results)} values compared, "
                 f"{sum(1 for result in self.results if result.get('late'))} late"]
        lines += [f"  {count:6} {name}" for name, count in sorted(struck.items(), key=lambda pair: -pair[1])]
        return "\n".join(lines)


def ignore_interrupts():
    """Of a worker: what it began it brings to its end, and told to end it stops its programs first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)


def end(*_):
    raise SystemExit("told to end")


if __name__ == "__main__":
    sys.exit(main())
