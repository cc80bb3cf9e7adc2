"""The table: a row for each bar, what was measured beside what was aimed at."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.training.export import write_json

FORMATS: dict[str, Callable[[float], str]] = {
    "share": lambda value: f"{value:.1%}",
    "dB": lambda value: f"{value:.1f} dB",
    "times": lambda value: f"{value:.1f}×",
    "whether": lambda value: "yes" if value else "no",
}


@dataclass(frozen=True)
class Row:
    """One bar. `drawings` is the same measure on drawings in place of generated pictures: what the ruler is worth."""

    what: str
    unit: str  # of FORMATS
    measured: float | None  # none where there is nothing to measure
    aim: float | None
    floor: float | None
    how: str
    drawings: float | None = None
    least: bool = True  # whether aim and floor are the least that will do, or the most

    @property
    def verdict(self) -> str:
        """Whether it reaches its aim, its floor, or neither; empty for what is only reported."""
        if self.measured is None:
            return "not measured"
        if self.aim is None:
            return ""
        if self._reaches(self.aim):
            return "aim"
        return "floor" if self.floor is not None and self._reaches(self.floor) else "below"

    def _reaches(self, bar: float) -> bool:
        return self.measured is not None and (self.measured >= bar if self.least else self.measured <= bar)


@dataclass(frozen=True)
class Report:
    """All rows of one evaluation of the weights with that fingerprint; `pictures` scales how many were made."""

    weights: str
    pictures: int
    rows: tuple[Row, ...]


def table(report: Report) -> str:
    """Markdown."""
    head = ["what", "measured", "on drawings", "aim", "floor", "reached", "how"]
    lines = [head, ["---"] * len(head), *(_cells(row) for row in report.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _cells(row: Row) -> list[str]:
    def said(value: float | None, sign: str = "") -> str:
        return "–" if value is None else sign + FORMATS[row.unit](value)

    sign = "" if row.unit == "whether" else "≥ " if row.least else "≤ "
    bars = [said(row.aim, sign), said(row.floor, sign)]
    return [row.what, said(row.measured), said(row.drawings), *bars, row.verdict, row.how]


def write(report: Report, path: Path) -> None:
    """As JSON, each row with its verdict."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(row) | {"verdict": row.verdict} for row in report.rows]
    write_json(path, {"weights": report.weights, "pictures": report.pictures, "rows": rows})


def read(path: Path) -> Report:
    """What `write` wrote."""
    found = json.loads(path.read_text())
    rows = [Row(**{name: value for name, value in row.items() if name != "verdict"}) for row in found["rows"]]
    return Report(found["weights"], found["pictures"], tuple(rows))
