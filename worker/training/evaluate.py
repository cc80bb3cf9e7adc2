"""Measures the bundled model on captions that no training saw: every row of the table of its card.

Pictures are kept under `runs/evaluation`, named for the weights and the wish, so that a cut run goes on, and a second
one with more pictures paints only those that are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from worker.training.evaluation import parts, rows
from worker.training.evaluation.bench import Bench
from worker.training.evaluation.report import Report, Row, table, write

__all__ = ["Report", "evaluate", "table"]

PICTURES = 500  # for most rows; four times as many for the distance of distributions
ROWS: tuple[Callable[[Bench], list[Row]], ...] = (
    parts.autoencoder,
    parts.pair,
    rows.colours,
    parts.speaker,
    rows.guidance,
    rows.order,
    rows.negative,
    rows.img2img,
    rows.inpaint,
    rows.distributions,
    rows.content,
)


def evaluate(model: Path, runs: Path, pictures: int = PICTURES, on_row: Callable[[Row], None] | None = None) -> Report:
    """All rows for the diffusers folder `model`, judged by the classifier in `judge` beside it; also `runs/evaluation/report.json`."""
    bench = Bench(model, runs, pictures)
    report = Report(bench.weights, pictures, ())
    for measure in ROWS:
        for row in measure(bench):
            report = Report(bench.weights, pictures, (*report.rows, row))
            write(report, runs / "evaluation" / "report.json")
            if on_row:
                on_row(row)
    return report
