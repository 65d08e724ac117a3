"""The smallest schedule that still fails: faults are dropped one by one, then steps in halves, quarters … and one by one."""

import copy
import time

SHRINK_SECONDS_MAX = 600
TRIES = 2
"""A race is not lost each time: a smaller schedule counts as passing when it passed so often."""


def shrink(schedule, run, seconds=SHRINK_SECONDS_MAX):
    """`run`: gives the result of a schedule."""
    end = time.monotonic() + seconds
    fails = lambda candidate: time.monotonic() < end and any(run(candidate)["failure"] for _ in range(TRIES))
    smallest = copy.deepcopy(schedule)
    if not fails(smallest):
        print("it does not fail again by itself: the schedule is left whole", flush=True)
        return smallest
    smallest = without_faults(smallest, fails)
    smallest = without_steps(smallest, fails)
    smallest = without_faults(smallest, fails)
    print(f"shrunk from {len(schedule['faults'])} faults and {len(schedule['steps'])} steps "
          f"to {len(smallest['faults'])} and {len(smallest['steps'])}", flush=True)
    return smallest


def without_faults(schedule, fails):
    number = 0
    while number < len(schedule["faults"]):
        candidate = {**schedule, "faults": schedule["faults"][:number] + schedule["faults"][number + 1:]}
        if fails(candidate):
            schedule = candidate
        else:
            number += 1
    return schedule


def without_steps(schedule, fails):
    """Faults stay between the steps that they stood between."""
    size = max(1, len(schedule["steps"]) // 2)
    while True:
        start = 0
        while start < len(schedule["steps"]):
            candidate = cut(schedule, start, size)
            if fails(candidate):
                schedule = candidate
            else:
                start += size
        if size == 1:
            return schedule
        size //= 2


def cut(schedule, start, size):
    """Without the steps from `start` on, `size` of them."""
    steps = schedule["steps"][:start] + schedule["steps"][start + size:]
    removed = len(schedule["steps"]) - len(steps)
    faults = [{**fault, "at": start if start <= fault["at"] < start + removed else fault["at"] - (removed if fault["at"] >= start else 0)}
              for fault in schedule["faults"]]
    return {**schedule, "steps": steps, "faults": faults}
