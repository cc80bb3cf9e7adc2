"""What was measured, as Markdown and as JSON, and where it was measured."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from bench.aims import Aim, Curve, Overhead
from bench.contest import PEERS, Cell, Contest, Plan, describe
from bench.workloads import WORKLOADS, Summary, best, middle
from worker.models.loader import Components

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"


def surroundings(components: Components) -> dict[str, Any]:
    """Machine, versions, commit, and how busy the machine is before anything is measured."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    cpus = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else ""),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {cpus[0] if cpus else '?'}",
        "device": torch.cuda.get_device_name() if components.device.type == "cuda" else "cpu",
        "dtype": str(components.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "diffusers", "transformers")},
        "model": f"{components.name} {components.sha256[:12]}",
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def heading(where: Mapping[str, Any], title: str) -> list[str]:
    """Title and surroundings as Markdown lines."""
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return [
        f"# {title}, {where['date']}",
        "",
        f"{where['machine']}; {where['device']}, {where['dtype']}, {where['threads']} threads;"
        f" Python {where['python']}, {versions};",
        f"model {where['model']}; commit {where['commit']}; load average {_averages(where['load_average'])} before"
        + (f", {_averages(where['load_average_after'])} after." if "load_average_after" in where else "."),
        "",
    ]


def _averages(loads: Sequence[float]) -> str:
    return " ".join(f"{load:.1f}" for load in loads)


def table(results: Mapping[tuple[Cell, str], Sequence[Summary]]) -> list[str]:
    """A row for each cell and peer, in their order: the median round, and in brackets the best."""
    lines = ["| workload | arrivals | peer | rounds | images/s | p50 s | p95 s |", "|---|---|---|---|---|---|---|"]
    peers = list(PEERS)
    cells = list(dict.fromkeys(cell for cell, _ in results))
    for cell in cells:
        for peer in peers:
            rounds = results.get((cell, peer))
            if rounds:
                middling, top = middle(rounds), best(rounds)
                figures = [
                    figure(getattr(middling, name), getattr(top, name)) for name in ("images_per_second", "p50", "p95")
                ]
                arrivals = "at once" if cell.load is None else f"{cell.load} of capacity"
                named = f"{peer} {PEERS[peer]}"
                lines.append(f"| {' | '.join([cell.workload, arrivals, named, str(len(rounds)), *figures])} |")
    return lines


def figure(value: float, top: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g} ({top:.3g})"


def aims_table(aims: Sequence[Aim]) -> list[str]:
    lines = ["| aim | wanted | floor | measured | |", "|---|---|---|---|---|"]
    for aim in aims:
        sign = "≤" if aim.at_most else "≥"
        floor = "–" if aim.floor is None else f"{sign} {aim.floor:g}"
        measured = "–" if aim.measured is None else f"{aim.measured:.3f}"
        lines.append(f"| {aim.name} | {sign} {aim.aim:g} | {floor} | {measured} | {aim.verdict} |")
    return lines


def profile_table(seconds: Mapping[str, float]) -> list[str]:
    total = sum(seconds.values())
    lines = ["| where the engine's time goes | s | share |", "|---|---|---|"]
    return lines + [f"| {part} | {taken:.2f} | {taken / total:.1%} |" for part, taken in seconds.items()]


def curve_table(curve: Curve) -> list[str]:
    return [
        f"U-Net calls take about {curve.a:.1f} + {curve.c:.2f} ms a row, a decode {curve.decode:.1f} ms.",
        "",
        "| rows | ms a call | ms a row |",
        "|---|---|---|",
        *(f"| {rows} | {ms:.1f} | {ms / rows:.1f} |" for rows, ms in curve.calls.items()),
    ]


def overhead_table(overheads: Sequence[Overhead]) -> list[str]:
    lines = ["| rows | ms a tick | ms of its call alone | overhead |", "|---|---|---|---|"]
    return lines + [f"| {o.rows} | {o.tick:.1f} | {o.call:.1f} | {o.share:+.1%} |" for o in overheads]


def notes(plan: Plan, skipped: Sequence[tuple[int, Cell]]) -> list[str]:
    """What the rows mean, and what was left out."""
    scale = plan.scale
    lines = [f"- {name}: {WORKLOADS[name]}" for name in plan.workloads]
    lines.append(
        f"- At once: {scale.burst} requests of {plan.main}, {scale.burst // 2} of the others; elsewhere"
        f" {scale.requests} as a Poisson process. Up to {plan.max_rows} rows; steps {', '.join(map(str, scale.steps))}."
    )
    lines.append(
        "- Median over the rounds, in brackets the best. P1 and P2 run once, and not beyond their own capacity."
    )
    if skipped:
        missing = ", ".join(f"{describe(cell)} (round {number + 1})" for number, cell in skipped)
        lines.append(f"- Not measured, for want of time: {missing}.")
    return lines


def figures(contest: Contest) -> list[dict[str, Any]]:
    """Every round of every row, for JSON; None for what a peer has no number of."""
    return [
        asdict(cell)
        | {"peer": peer, "rounds": [{k: None if math.isnan(v) else v for k, v in asdict(r).items()} for r in rounds]}
        for (cell, peer), rounds in contest.results.items()
    ]


def keep(name: str, text: str, numbers: Mapping[str, Any]) -> Path:
    """Write NAME.md and NAME.json under bench/results; the path without suffix."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.with_suffix(".md").write_text(text, "utf-8")
    path.with_suffix(".json").write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", "utf-8")
    return path
