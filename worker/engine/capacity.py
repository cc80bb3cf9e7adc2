"""How much fits: the step-time curve and its knee, rows by memory, and what may go on between two ticks. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

KNEE = 0.9  # of the most rows a second that a device gives at any batch size
LEAST_ROWS = 8  # of a tick, whatever the curve says: four people's pictures go on together
DECODE_ROWS = 3  # of a U-Net call that decoding a picture takes as long as, where it has not been measured
KEPT_FREE = 0.1  # of the device's memory


@dataclass(frozen=True, slots=True)
class Curve:
    """A U-Net call of so many rows takes a + c * rows, in the unit of what was measured."""

    a: float
    c: float

    @classmethod
    def fit(cls, measured: Mapping[int, float]) -> Curve:
        """Rows → time, at two batch sizes or more: the least squares of the relative errors, with a, c >= 0.

        Weighted by w = 1 / t^2: c = (S_w S_wrt - S_wr S_wt) / (S_w S_wrr - S_wr^2), a = (S_wt - c S_wr) / S_w.
        """
        if len(measured) < 2 or min(measured.values()) <= 0:
            raise ValueError("a curve needs the times, above 0, of two batch sizes at least")
        weights = {rows: 1 / t**2 for rows, t in measured.items()}

        def total(power: int, *, timed: bool = False) -> float:
            """S_w, S_wr, S_wrr, and with t in them."""
            return sum(w * float(rows) ** power * (measured[rows] if timed else 1) for rows, w in weights.items())

        s, r, rr, t, rt = total(0), total(1), total(2), total(0, timed=True), total(1, timed=True)
        c = (s * rt - r * t) / (s * rr - r**2)
        if c < 0:
            return cls(t / s, 0.0)
        a = (t - c * r) / s
        return cls(a, c) if a >= 0 else cls(0.0, rt / rr)

    def knee(self, share: float = KNEE) -> float:
        """Rows from which a call does `share` of the most rows a second: rows / (a + c rows) = share / c."""
        return share / (1 - share) * self.a / self.c if self.c else math.inf


def at_knee(curve: Curve, buckets: Sequence[int], most: int) -> int:
    """The smallest bucket that reaches the knee, from LEAST_ROWS to `most`."""
    return min(most, next((size for size in buckets if size >= max(LEAST_ROWS, curve.knee())), most))


def measure(call: Callable[[int], float], sizes: Sequence[int], seconds: float = 1.5) -> dict[int, float]:
    """Rows → seconds of a call, the best of as many as there is time for; `call` gives the time it took.

    A first call warms up and does not count. Sizes take turns, so that a moment's load does not bend the curve; those
    that would take too long are left out.
    """
    call(sizes[0])
    measured: dict[int, float] = {}
    spent = 0.0
    for size in sizes:
        if measured and spent + measured[max(measured)] * size / max(measured) > seconds:
            break
        measured[size] = call(size)
        spent += measured[size]
    while spent + sum(measured.values()) <= seconds:
        for size in measured:
            again = call(size)
            measured[size] = min(again, measured[size])
            spent += again
    return measured


class Probe(Protocol):
    """What a device says of its memory, bytes."""

    def free(self) -> int:
        """That could be had now."""
        ...

    def peak(self, rows: int) -> int:
        """That a call of so many rows takes at its height, above what was taken before."""
        ...


def rows_in_memory(probe: Probe, buckets: Sequence[int]) -> int:
    """The largest bucket that fits, by a straight line through the peaks of the first and the third.

    A tenth of what is free stays so. The smallest bucket always counts as fitting: who is too large for it is told so
    by the call itself.
    """
    few, more = buckets[0], buckets[2]
    low, high = probe.peak(few), probe.peak(more)
    row = max(0.0, (high - low) / (more - few))
    fitting = [size for size in buckets if low + row * (size - few) <= (1 - KEPT_FREE) * probe.free()]
    return max(fitting, default=few)


class Allowance:
    """Work that may go on between two ticks. One piece always may, however large, so that all of it gets done."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._begun = False

    def take(self, cost: int) -> bool:
        if self._begun and cost > self._left:
            return False
        self._begun = True
        self._left -= cost
        return True
