"""What is printed says what was measured."""

from __future__ import annotations

import pytest

from bench.aims import DATACENTRE, Aim, Overhead, datacentre, predicted
from bench.contest import Cell, Plan
from bench.engine import smoke
from bench.profiler import Profiler
from bench.report import aims_table, notes, overhead_table, profile_table, table
from bench.workloads import Scale, Summary, poisson, requests

NAN = float("nan")


def test_a_row_has_the_median_round_and_the_best() -> None:
    cell = Cell("mixed", 0.8)
    rounds = [Summary(1.0, 5.0, 9.0), Summary(2.0, 4.0, 8.0), Summary(3.0, 3.0, 7.0)]
    *_, row = table({(cell, "P6"): rounds})
    assert row == "| mixed | 0.8 of capacity | P6 Darkroom | 3 | 2 (3) | 4 (3) | 8 (7) |"


def test_peers_stand_in_their_order_and_what_has_no_latency_has_a_dash() -> None:
    cell = Cell("uniform")
    rows = table({(cell, "P4"): [Summary(1, 2, 3)], (cell, "P0"): [Summary(4.0, NAN, NAN)]})[2:]
    assert rows[0].startswith("| uniform | at once | P0 ")
    assert rows[0].endswith("| 1 | 4 (4) | – | – |")
    assert " P4 " in rows[1]


@pytest.mark.parametrize(
    ("measured", "at_most", "verdict"),
    [(0.97, False, "reached"), (0.92, False, "above the floor"), (0.89, False, "missed"), (None, False, "not measured"),
     (0.03, True, "reached"), (0.93, True, "above the floor"), (0.99, True, "missed")],
)  # fmt: skip
def test_verdicts(measured: float | None, at_most: bool, verdict: str) -> None:
    aim, floor = (0.04, 0.95) if at_most else (0.97, 0.90)
    assert Aim("", measured, aim, floor, at_most).verdict == verdict
    assert verdict in aims_table([Aim("", measured, aim, floor, at_most)])[-1]


def test_shares_and_overheads() -> None:
    assert profile_table({"U-Net": 3.0, "decode": 1.0})[2:] == ["| U-Net | 3.00 | 75.0% |", "| decode | 1.00 | 25.0% |"]
    assert overhead_table([Overhead(8, 52.0, 50.0, 0.04)])[-1] == "| 8 | 52.0 | 50.0 | +4.0% |"


def test_what_was_left_out_is_named() -> None:
    lines = notes(smoke(64), [(1, Cell("sizes", 0.8))])
    assert lines[-1] == "- Not measured, for want of time: sizes, load 0.8 (round 2)."


def test_the_main_workload_gets_its_rounds_first_and_every_cell_comes_in_every_round() -> None:
    plan = Plan(Scale(64))
    cells = list(plan.cells())
    assert [cell.workload for _, cell in cells[:12]] == ["mixed"] * 12
    assert len(cells) == len(set(cells)) == 3 * 4 * 4  # rounds, workloads, all at once and three loads
    order = [cell for _, cell in cells]
    assert all(
        order.index(Cell(cell.workload)) <= order.index(cell) for cell in order
    )  # capacity is known before loads


def test_own_time_is_without_that_of_what_is_called() -> None:
    """A clock that moves by what each part says it takes."""
    now = 0.0

    class Machine:
        def outer(self) -> None:
            nonlocal now
            now += 2.0
            self.inner()
            self.inner()

        def inner(self) -> None:
            nonlocal now
            now += 0.5

    machine, profiler = Machine(), Profiler(lambda: now)
    with profiler.watching([(machine, "outer", "outer"), (machine, "inner", "inner")]):
        machine.outer()
    machine.outer()  # no longer watched
    assert dict(profiler.own) == {"outer": 2.0, "inner": 1.0}


def test_the_simulator_predicts_more_than_one_for_mixed_work() -> None:
    """And the aims for a datacentre GPU, which issue 5 names: p50 four times, p95 three times better."""
    p50, p95 = datacentre()
    assert p50 >= 4
    assert p95 >= 3
    asks = poisson(requests("mixed", 200, Scale(64), seed=1), per_second=6.0, seed=1)
    assert all(times > 1 for times in predicted([(asks, DATACENTRE)], 32))
