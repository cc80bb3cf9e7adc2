"""What takes long: `make soak`. Hours of traffic and faults (C15), and ten minutes of ten times too much.

Prints what it measured, and ends with status 1 where something grew, was lost, or was answered wrongly.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Iterator

import psutil

from tests.chaos.history import History
from tests.chaos.scenarios import staged
from tests.chaos.stack import Stack
from tests.chaos.traffic import Mix, Order, Traffic, orders

MB = 1e6


def sizes(stack: Stack) -> dict[str, tuple[float, int, int]]:
    """Process → resident MB, threads, open files."""
    found = {}
    for name, kept in stack.keeper.children.items():
        if kept.alive:
            process = psutil.Process(kept.group)
            found[name] = process.memory_info().rss / MB, process.num_threads(), process.num_fds()
    return found


def c15(hours: float) -> bool:
    """Traffic without a pause, a worker killed every few minutes: all jobs end, and api and Redis do not grow."""
    over = time.monotonic() + 3600 * hours
    with staged(0, step=0.05) as run:
        run.nemesis.every(120, 240, run.nemesis.kill_worker)
        warm: dict[str, tuple[float, int, int]] = {}
        for turn in itertools.count():
            batch = orders(500, Mix(), random.Random(turn))
            wanted = [Order(turn * 1000 + order.number, order.body, order.cancel) for order in batch]
            traffic = Traffic(run.stack, run.history, wanted, window=60)
            traffic.start()
            if not traffic.wait(1800):
                print("a batch of 500 jobs did not end within half an hour")
                return False
            traffic.close()
            now = sizes(run.stack)
            warm = warm or now
            print(f"{turn}: {len(run.history.accepted())} jobs, {now}", flush=True)
            if time.monotonic() > over:
                break
        run.settle(60)
        report = run.report
        grown = {name: now[name][0] - warm[name][0] for name in ("api-0", "redis")}
        print(
            f"{report.jobs} jobs, lost {report.lost}, doubled {report.doubled}, broken {report.broken}, grown {grown}"
        )
        return not report.broken and grown["api-0"] < 100 and grown["redis"] < 100


def overload(minutes: float) -> bool:
    """Ten times more than the worker can do: refused with Retry-After, the api stays small, the queue bounded."""
    with Stack(workers=1, step=0.05, concurrency=2, max_queue=200) as stack:
        traffic = Traffic(stack, History(), orders(10**6, Mix(), random.Random(2)), window=10**6, submitters=16)
        before = sizes(stack)["api-0"][0]
        traffic.start()
        time.sleep(60 * minutes)
        after = sizes(stack)["api-0"][0]
        queued, _ = stack.store.counts()
        print(f"api {before:.0f} → {after:.0f} MB, {queued} queued, {traffic.refused} refused; {traffic.failed[:5]}")
        return after - before < 100 and queued <= 200 and not traffic.failed


def parts(hours: float, minutes: float) -> Iterator[bool]:
    yield overload(minutes)
    yield c15(hours)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=8.0, help="of C15")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the overload")
    given = parser.parse_args()
    sys.exit(0 if all(list(parts(given.hours, given.minutes))) else 1)
