"""The engine against six other ways of serving the same model, on the same weights, threads and dtype.

    python -m bench.engine                            # 25 minutes; a table, kept under bench/results
    python -m bench.engine --smoke                    # under a minute, to see that it runs; keeps nothing
    python -m bench.engine --workloads mixed --loads 0.8 --rounds 1 --peers P3 P4 P6

docs/benchmarks.md says what each row is.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bench import report
from bench.aims import Aim, Curve, Overhead, curve, datacentre, join_and_cancel, overhead, predicted
from bench.contest import PEERS, Cell, Contest, Plan
from bench.profiler import profile
from bench.workloads import WORKLOADS, Scale, middle, requests
from worker.models.loader import Components, default_device, load


@dataclass(frozen=True)
class Measured:
    """What is measured beside the contest."""

    curve: Curve
    overheads: list[Overhead]
    join: int
    cancel: int
    profile: dict[str, float]


def measure(components: Components, plan: Plan) -> Measured:
    """Curve, overhead, joining, profile: a minute on two cores."""
    scale, most = plan.scale, plan.max_rows
    count = min(scale.requests, 16)
    shown = [replace(request, previews=True) for request in requests("mixed", count, scale, seed=0)]
    return Measured(
        curve(components, scale, plan.sizes),
        [overhead(components, scale, rows) for rows in (8, 16, 32) if rows <= most],
        *join_and_cancel(components, scale),
        profile(components, shown, most),
    )


def aims(contest: Contest, beside: Measured) -> list[Aim]:
    """The aims of docs/benchmarks.md beside what was measured."""
    shares = contest.shares["mixed"]
    share = sorted(shares)[len(shares) // 2] if shares else None
    worst = max((o.share for o in beside.overheads), default=None)
    found = [
        Aim("throughput of P3, mixed and saturated", share, 0.97, 0.90),
        Aim("overhead of a tick over P0, 8 rows or more, the worst", worst, 0.04, 0.10, at_most=True),
    ]
    cell, results = Cell("mixed", 0.8), contest.results
    ours, theirs = results.get((cell, "P6")), results.get((cell, "P4"))
    both = ours and theirs
    forecast = predicted(contest.served[cell], contest.plan.max_rows) if both else (None, None)
    for name, times in zip(("p50", "p95"), forecast, strict=True):
        title = f"{name} against P4, mixed at 0.8, as a part of what the simulator gives"
        if ours and theirs and times:
            won = getattr(middle(theirs), name) / getattr(middle(ours), name)
            found.append(Aim(f"{title} ({won:.2f} of {times:.2f})", won / times, 0.9))
        else:
            found.append(Aim(title, None, 0.9))
    p50, p95 = datacentre()
    return [
        *found,
        Aim("p50 against P4, simulated datacentre GPU", p50, 4.0),
        Aim("p95 against P4, simulated datacentre GPU", p95, 3.0),
        Aim("ticks until a newcomer has stepped", beside.join, 1, at_most=True),
        Aim("ticks until a cancelled one is gone", beside.cancel, 1, at_most=True),
    ]


def write(where: dict[str, Any], contest: Contest, beside: Measured) -> tuple[str, dict[str, Any]]:
    """The report as Markdown and as numbers."""
    reached = aims(contest, beside)
    lines = [
        *report.heading(where, "Engine"),
        *report.table(contest.results),
        "",
        *report.notes(contest.plan, contest.skipped),
        "",
        *report.aims_table(reached),
        "",
        *report.profile_table(beside.profile),
        "",
        *report.overhead_table(beside.overheads),
        "",
        *report.curve_table(beside.curve),
    ]
    numbers = {
        "where": where,
        "plan": asdict(contest.plan),
        "results": report.figures(contest),
        "shares_of_p3": dict(contest.shares),
        "aims": [asdict(aim) | {"verdict": aim.verdict} for aim in reached],
        "profile_seconds": beside.profile,
        "overhead": [asdict(o) for o in beside.overheads],
        "curve": asdict(beside.curve),
    }
    return "\n".join(lines) + "\n", numbers


def bench(components: Components, plan: Plan) -> tuple[str, dict[str, Any]]:
    """All of it: the report as Markdown and as numbers."""
    where = report.surroundings(components)
    contest = Contest(components, plan)
    try:
        contest.run()
    finally:
        contest.stop()
    beside = measure(components, plan)
    where["load_average_after"] = [round(each, 2) for each in os.getloadavg()]
    return write(where, contest, beside)


def smoke(side: int) -> Plan:
    """Little of everything."""
    scale = Scale(side, steps=(2, 3, 5), requests=4, burst=10)
    return Plan(scale, max_rows=8, rounds=1, minutes=0.5, loads=(0.8,))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=report.ROOT / "models" / "mini")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="little of everything, and keep nothing")
    parser.add_argument(
        "--minutes", type=float, default=22.0, help="no workload begins after so many; what is beside takes one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=20, help="that come one by one, in each round of a load")
    parser.add_argument("--burst", type=int, default=64, help="that come at once; half of it for other than mixed")
    parser.add_argument("--rows", type=int, default=32, help="most rows of a U-Net call")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--workloads", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--loads", nargs="*", type=float, default=[0.5, 0.8, 1.2])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    components = load(options.model, *default_device())
    side = components.native_size
    plan = smoke(side) if options.smoke else Plan(
        Scale(side, requests=options.requests, burst=options.burst), options.rows, options.rounds, options.minutes,
        tuple(options.peers), tuple(options.workloads), tuple(options.loads),
    )  # fmt: skip
    text, numbers = bench(components, plan)
    print(f"\n{text}")
    if not options.smoke:
        print(report.keep(f"engine-{numbers['where']['date'][:10]}", text, numbers))


if __name__ == "__main__":
    main()
