"""The torture in short: the schedules that failed once, and a few that nobody has seen. `scripts/torture` runs it for hours."""

import json
import os
import pathlib

import pytest

import postgres
from torture import schedule as schedules
from torture.command import ENGINES, Torture

REGRESSIONS = sorted((pathlib.Path(__file__).parent / "torture" / "regressions").glob("*.json"))
FRESH = 2
"""Of each engine."""


@pytest.fixture(scope="module")
def torture(directories):
    if not postgres.binaries():
        pytest.skip(postgres.ABSENCE)
    with Torture(directories("torture"), ENGINES, jobs=3) as torture:
        yield torture


def check(torture, todo):
    torture.go(todo)
    results, torture.results = torture.results, []
    failures = [result["failure"] for result in results if result["failure"]]
    assert not failures, "\n".join(failures)
    assert all(result["compared"] > 500 for result in results)


def test_what_failed_once(torture):
    check(torture, [json.loads(path.read_text()) for path in REGRESSIONS])


def test_fresh_schedules(torture):
    seed = int(os.environ.get("MILLRACE_SEED") or int.from_bytes(os.urandom(4), "big"))
    print(f"MILLRACE_SEED={seed}")
    check(torture, [schedules.make(seed + number, engine) for number in range(FRESH) for engine in ENGINES])


def test_a_schedule_is_a_function_of_its_seed():
    for engine in ENGINES:
        assert schedules.make(7, engine) == schedules.make(7, engine) != schedules.make(8, engine)
        many = [schedules.make(seed, engine) for seed in range(200)]
        assert sum(made["reads"] for made in many) == len(many) / 2
        for made in many:
            assert len(made["faults"]) >= schedules.FAULTS[0]
            assert all(0 <= fault["at"] <= len(made["steps"]) for fault in made["faults"])
