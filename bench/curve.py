"""The step-time curve: a U-Net call of so many rows takes a + c * rows. Fits it, and finds its knee.

    python -m bench.curve                       # the bundled model on this machine, measured
    python -m bench.curve 4=11.7 8=17.9 32=55.1 # times (ms) that were measured elsewhere

The engine measures its own at the start, in less time (`worker.engine.trial`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch

from worker.engine.capacity import Curve, measure
from worker.engine.runner import BUCKETS, Runner
from worker.engine.trial import Trial
from worker.models.loader import default_device, load

ROOT = Path(__file__).parents[1]


def report(measured: Mapping[int, float]) -> str:
    """Measured beside fitted, in milliseconds, and the rows from which a call does a share of the most a second."""
    curve = Curve.fit(measured)
    lines = [
        f"a call takes {curve.a:.2f} + {curve.c:.3f} ms a row",
        "",
        "| rows | ms | fitted | rows/s |",
        "|---|---|---|---|",
    ]
    lines += [f"| {n} | {ms:.2f} | {curve.a + curve.c * n:.2f} | {1e3 * n / ms:.1f} |" for n, ms in measured.items()]
    knees = ", ".join(f"{share:.0%} from {curve.knee(share):.1f} rows" for share in (0.5, 0.8, 0.9, 0.95))
    return "\n".join([*lines, "", f"of the most rows a second: {knees}"])


@torch.inference_mode()
def measured_here(model: Path, seconds: float) -> dict[int, float]:
    """Rows → milliseconds of a call."""
    trial = Trial(Runner(load(model, *default_device())))
    return {rows: 1e3 * each for rows, each in measure(trial.step, BUCKETS, seconds).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("times", nargs="*", metavar="ROWS=MS", help="measured elsewhere")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "mini")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    given = {int(rows): float(ms) for rows, ms in (each.split("=") for each in options.times)}
    print(report(given or measured_here(options.model, options.seconds)))


if __name__ == "__main__":
    main()
