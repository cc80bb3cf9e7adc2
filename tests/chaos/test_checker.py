"""A history in which all is well passes; one that breaks an invariant is caught by that invariant."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.chaos.checker import Limits, broken, doubled, lost
from tests.chaos.history import Final, History, Seen, View
from tests.chaos.paced import pixels


def png(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, "PNG")
    return out.getvalue()


RIGHT = png(pixels("a cat", 7))
SHA = hashlib.sha256(RIGHT).hexdigest()
DONE = View("succeeded", step=4, attempts=1, started_at=100.0, images=((0, "output", SHA),))
SECOND = replace(DONE, started_at=101.0)
OFF = View("cancelled")
HISTORY = (
    Seen("submit", 1.0, 0.9, 202, "a", "k1", prompt="a cat", seed=7),
    Seen("submit", 2.0, 1.9, 202, "b", "k2", prompt="a cat", seed=7),
    Seen("submit", 2.5, 2.4, 202, "c", "k3", prompt="a cat", seed=7),
    Seen("cancel", 2.6, 2.5, 202, "c", view=OFF),
    Seen("submit", 2.7, 2.6, 503, "", "k4"),
    Seen("poll", 3.0, 2.9, 200, "a", view=replace(DONE, state="running", step=2, images=())),
    Seen("poll", 4.0, 3.9, 200, "a", view=DONE),
    Seen("poll", 5.0, 4.9, 200, "a", view=DONE),
)
FINAL = Final({"a": DONE, "b": SECOND, "c": OFF}, {SHA: RIGHT}, frozenset({SHA}))
LIMITS = Limits(attempts=3, overtaking=0.5)

Change = Callable[[Final], Final]


def ends(**jobs: View) -> Change:
    return lambda final: replace(final, jobs={**final.jobs, **jobs})


def files(**changed: bytes) -> Change:
    return lambda final: replace(final, files={**final.files, **changed})


def same(final: Final) -> Final:
    return final


def poll(job: str, view: View, status: int = 200) -> Seen:
    return Seen("poll", 9.0, 8.9, status, job, view=view)


def test_all_is_well() -> None:
    assert broken(History(*HISTORY), FINAL, LIMITS) == {}
    assert (lost(History(*HISTORY), FINAL), doubled(History(*HISTORY), FINAL)) == (0, 0)


@pytest.mark.parametrize(
    ("number", "more", "change"),
    [
        (1, (), ends(b=View("running", attempts=1))),
        (1, (), lambda final: replace(final, jobs={"a": DONE, "c": OFF})),
        (1, (), ends(b=View("failed", attempts=3, code="worker_crashed"))),
        (1, (), ends(b=View("cancelled"))),
        (2, (poll("a", View("running")), poll("a", DONE)), same),
        (2, (poll("b", replace(SECOND, attempts=2)),), same),
        (3, (), ends(b=replace(SECOND, images=()))),
        (3, (), ends(b=replace(SECOND, images=((0, "output", SHA), (0, "output", SHA))))),
        (3, (), files(**{SHA: png(pixels("a cat", 8))})),
        (3, (), files(**{SHA: RIGHT + b"more"})),
        (4, (), ends(c=SECOND)),
        (5, (Seen("submit", 2.1, 2.0, 202, "b2", "k2", prompt="a cat", seed=7),), ends(b2=replace(SECOND, attempts=2))),
        (6, (), files(**{"ab" * 32: b"stray"})),
        (6, (), lambda final: replace(final, files={})),
        (7, (), ends(b=replace(SECOND, attempts=4))),
        (7, (), lambda final: replace(final, dead=frozenset({"b"}))),
        (8, (), ends(a=replace(DONE, started_at=102.0), b=SECOND)),
        (9, (poll("b", replace(SECOND, state="running", step=3, images=())),
             poll("b", replace(SECOND, state="running", step=2, images=()))), same),
        (10, (Seen("submit", 2.9, 2.8, 500, "", "k5"),), same),
        (10, (), lambda final: replace(final, complaints=("api: Traceback",))),
    ],
)  # fmt: skip
def test_what_is_broken_is_caught(number: int, more: tuple[Seen, ...], change: Change) -> None:
    found = broken(History(*HISTORY, *more), change(FINAL), LIMITS)
    assert f"i{number}_" in " ".join(found), found
    assert len(found) == 1 or number in (2, 4, 8), found


def test_lost_and_doubled_are_counted() -> None:
    final = replace(FINAL, jobs={"a": replace(DONE, images=()), "c": OFF})
    assert (lost(History(*HISTORY[:5]), final), doubled(History(*HISTORY[:5]), final)) == (1, 1)


def test_the_guilty_may_fail_and_become_dead_letters() -> None:
    crash = Seen("submit", 2.8, 2.7, 202, "d", "k6", prompt="a cat SEGFAULT", seed=7)
    final = ends(d=View("failed", attempts=3, started_at=102.0, code="worker_crashed"))(FINAL)
    assert broken(History(*HISTORY, crash), replace(final, dead=frozenset({"d"})), LIMITS) == {}
