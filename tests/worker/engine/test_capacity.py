"""The step-time curve, its knee, rows by memory, and the allowance between two ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from worker.engine.capacity import Allowance, Curve, at_knee, measure, rows_in_memory
from worker.engine.runner import BUCKETS


def test_a_straight_line_is_found_again() -> None:
    curve = Curve.fit({rows: 5.5 + 1.55 * rows for rows in (4, 8, 16, 32)})
    assert [curve.a, curve.c] == pytest.approx([5.5, 1.55])


def test_what_is_measured_beside_the_line_counts_by_its_relative_error() -> None:
    """No line close by has a smaller sum of squares."""
    measured = {1: 10.0, 2: 10.0, 4: 20.0}
    curve = Curve.fit(measured)

    def loss(a: float, c: float) -> float:
        return sum(((a + c * rows) / t - 1) ** 2 for rows, t in measured.items())

    best = loss(curve.a, curve.c)
    assert all(best <= loss(curve.a + da, curve.c + dc) for da in (-0.1, 0, 0.1) for dc in (-0.05, 0, 0.05))


def test_a_curve_has_no_negative_part() -> None:
    assert Curve.fit({4: 10.0, 8: 30.0, 16: 70.0}).a == 0
    assert Curve.fit({4: 10.0, 8: 9.0, 16: 8.0}).c == 0
    with pytest.raises(ValueError, match="two batch sizes"):
        Curve.fit({4: 1.0})


def test_the_knee_is_where_nine_tenths_of_the_throughput_are_reached() -> None:
    curve = Curve(a=5.5, c=1.55)
    rows = curve.knee()
    assert rows / (curve.a + curve.c * rows) == pytest.approx(0.9 / curve.c)
    assert curve.knee(0.5) == pytest.approx(5.5 / 1.55), "half of it where a and c * rows are even"
    assert Curve(1.0, 0.0).knee() == math.inf


@pytest.mark.parametrize(
    ("a", "most", "rows"), [(5.5, 64, 32), (1.5, 32, 12), (0.0, 32, 8), (0.0, 4, 4), (50.0, 32, 32)]
)
def test_rows_are_capped_at_the_bucket_that_reaches_the_knee(a: float, most: int, rows: int) -> None:
    assert at_knee(Curve(a, 1.55), BUCKETS, most) == rows  # 9 a / c = 31.9, 8.7, 0, 0, 290


def test_measuring_keeps_to_its_time_and_takes_the_best() -> None:
    """A device in virtual time, of 10 ms a row, that is twice as slow every third call."""
    calls: list[int] = []

    def call(rows: int) -> float:
        calls.append(rows)
        return 0.01 * rows * (1 + (len(calls) % 3 == 0))

    measured = measure(call, (4, 8, 16, 32), seconds=3.0)
    assert measured == pytest.approx({4: 0.04, 8: 0.08, 16: 0.16, 32: 0.32})
    assert sum(0.01 * rows for rows in calls[1:]) <= 3.0
    assert list(measure(lambda rows: 0.5 * rows, (4, 8, 16))) == [4], "a slow device is asked once"


@dataclass
class FakeMemory:
    """`fixed` and `row` bytes a call, of `total`."""

    fixed: int
    row: int
    total: int

    def free(self) -> int:
        return self.total

    def peak(self, rows: int) -> int:
        return self.fixed + self.row * rows


@pytest.mark.parametrize(("total", "rows"), [(10_000, 32), (2_000, 16), (1_000, 8), (300, 4), (0, 4)])
def test_rows_in_memory_leave_a_tenth_free(total: int, rows: int) -> None:
    """100 bytes and 100 a row: 16 rows take 1,700 of 1,800, 8 rows 900 of 900."""
    assert rows_in_memory(FakeMemory(100, 100, total), BUCKETS) == rows


def test_an_allowance_grants_one_piece_however_large() -> None:
    allowance = Allowance(10)
    assert [allowance.take(cost) for cost in (4, 4, 4, 2)] == [True, True, False, True]
    assert [Allowance(10).take(99), Allowance(0).take(1)] == [True, True]
    large = Allowance(10)
    assert [large.take(99), large.take(1)] == [True, False]
