"""`python -m tests.chaos C1 --jobs 1000 --write`: run a scenario, print its row, put it into docs/reliability.md."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime

from contract.settings import ROOT
from tests.chaos.scenarios import SCENARIOS, Report

PAGE = ROOT / "docs" / "reliability.md"
MARK = "<!-- rows of tests.chaos -->\n"


def commit() -> str:
    """Short hash of what runs."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return said.stdout.strip()


def row(name: str, report: Report) -> str:
    """One line of the table."""
    faults = ", ".join(f"{count} x {what}" for what, count in sorted(report.faults.items())) or "in the jobs"
    verdict = (
        "all hold"
        if not report.broken
        else "broken: " + ", ".join(sorted(part[:3].strip("_") for part in report.broken))
    )
    recovery = f"{report.recovery(0.5):.1f} / {report.recovery(0.95):.1f}" if report.recovered else ""
    values = (name, report.jobs, faults, report.lost, report.doubled, report.again, recovery, verdict,
              f"{datetime.now(UTC):%Y-%m-%d}", commit())  # fmt: skip
    return "| " + " | ".join(map(str, values)) + " |"


def write(line: str) -> None:
    """Put a row in the place of the scenario's last one, or below the others."""
    text = PAGE.read_text("utf-8")
    name = line.split("|")[1]
    kept = [
        old  # the rows of the other table, which says what the scenarios are, have fewer columns
        for old in text.splitlines(keepends=True)
        if not (old.startswith(f"|{name}|") and old.count("|") == line.count("|"))
    ]
    PAGE.write_text("".join(kept).replace(MARK, f"{line}\n{MARK}"), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("scenario", choices=sorted(SCENARIOS, key=lambda name: int(name[1:])))
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--write", action="store_true", help="add the row to docs/reliability.md")
    given = parser.parse_args()
    report = SCENARIOS[given.scenario](given.jobs)
    line = row(given.scenario, report)
    print(line)
    for name, wrong in report.broken.items():
        print(f"{name}: {len(wrong)}, e.g. {wrong[0]}")
    for failed in sorted(set(report.failed)):
        print(f"{report.failed.count(failed)} x {failed}")
    if given.write:
        write(line)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
