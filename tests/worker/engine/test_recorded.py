"""Recordings of calls: which call is played from which, what is copied, and how many are kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.worker.engine.again import Again
from tests.worker.engine.flying import pictures, request, same
from tests.worker.engine.tiny import tiny
from worker.engine.engine import Engine
from worker.engine.recorded import AFTER, Recorded
from worker.engine.ticket import Pixels
from worker.engine.unet import EAGER, Acceleration, Rows, UNet
from worker.models.depths import Answered, Asked
from worker.models.loader import Components


class Doubles:
    """A function to be recorded, and how often it was called."""

    def __init__(self, factor: float = 2.0) -> None:
        self.calls, self.factor = 0, factor

    def __call__(self, asked: Asked) -> Answered:
        self.calls += 1
        return Answered(asked.x * self.factor + asked.texts.mean(), None if asked.deep is not None else asked.x * 3)


def asked(rows: int, value: float, deep: float | None = None) -> Asked:
    x = torch.full((rows, 1, 2, 2), value)
    return Asked(x, torch.zeros(rows), torch.full((rows, 1, 1), 10 * value), deep=None if deep is None else x * deep)


def often(recorded: Recorded, forward: Doubles, rows: int, times: int = AFTER) -> None:
    for _ in range(times):
        recorded(forward, asked(rows, 1.0), keep=False)


def test_the_third_call_is_recorded_and_the_fourth_played() -> None:
    recorder, forward = Again(), Doubles()
    recorded = Recorded(recorder, exact=True)
    often(recorded, forward, 4, AFTER - 1)
    assert recorder.recorded == 0
    often(recorded, forward, 4, 1)
    assert (recorder.recorded, len(recorded), recorded.bytes) == (1, 1, 1000)
    before = recorder.played
    answer = recorded(forward, asked(4, 7.0), keep=True)
    assert recorder.played == before + 1
    assert torch.equal(answer.output, torch.full((4, 1, 2, 2), 84.0))
    assert answer.deep is not None
    assert torch.equal(answer.deep, torch.full((4, 1, 2, 2), 21.0))


def test_what_was_answered_stays_and_what_was_asked_is_not_touched() -> None:
    recorded, forward = Recorded(Again(), exact=True), Doubles()
    often(recorded, forward, 4)
    first = asked(4, 1.0)
    answer = recorded(forward, first, keep=True)
    recorded(forward, asked(4, 5.0), keep=True)
    assert answer.deep is not None
    assert float(answer.output.max()) == 12.0
    assert float(answer.deep.max()) == 3.0
    assert float(first.x.max()) == 1.0


def test_deep_features_are_copied_only_for_those_who_want_them() -> None:
    recorded, forward = Recorded(Again(), exact=True), Doubles()
    often(recorded, forward, 4)
    assert recorded(forward, asked(4, 1.0), keep=False).deep is None


def test_other_shapes_are_other_recordings() -> None:
    recorder, forward = Again(), Doubles()
    recorded = Recorded(recorder, exact=True)
    for rows in (4, 6):
        often(recorded, forward, rows)
    for _ in range(AFTER):
        recorded(forward, asked(4, 1.0, deep=2.0), keep=False)
    assert (recorder.recorded, len(recorded)) == (3, 3)
    assert recorded(forward, asked(6, 2.0), keep=False).output.shape[0] == 6


def test_the_one_played_longest_ago_goes_first() -> None:
    recorder, forward = Again(), Doubles()
    recorded = Recorded(recorder, exact=True, most=2)
    often(recorded, forward, 4)
    often(recorded, forward, 6)
    often(recorded, forward, 4, 1)
    often(recorded, forward, 8)  # 6 goes
    assert len(recorded) == 2
    played = recorder.played
    for rows in (4, 8):
        often(recorded, forward, rows, 1)
    assert recorder.played == played + 2
    often(recorded, forward, 6, 1)  # asked often enough before: recorded anew
    assert recorder.recorded == 4


def test_another_function_is_recorded_anew() -> None:
    recorder, eager, compiled = Again(), Doubles(), Doubles(3.0)
    recorded = Recorded(recorder, exact=True)
    often(recorded, eager, 4)
    assert float(recorded(compiled, asked(4, 1.0), keep=False).output.max()) == 13.0
    often(recorded, compiled, 4)
    assert (recorder.recorded, len(recorded)) == (2, 1)
    assert float(recorded(compiled, asked(4, 2.0), keep=False).output.max()) == 26.0


def test_while_something_is_compiled_nothing_is_recorded_but_recordings_are_played() -> None:
    recorder, forward = Again(), Doubles()
    recorded = Recorded(recorder, exact=True)
    for _ in range(2 * AFTER):
        recorded(forward, asked(4, 1.0), keep=False, record=False)
    assert recorder.recorded == 0
    often(recorded, forward, 4, 1)
    played = recorder.played
    recorded(forward, asked(4, 1.0), keep=False, record=False)
    assert recorder.played == played + 1


@pytest.mark.parametrize(("off", "exact", "taken"), [(1e-6, True, 0), (1e-6, False, 1), (1.0, False, 0)])
def test_a_recording_that_answers_otherwise_is_left_out(off: float, exact: bool, taken: int) -> None:
    recorder, forward = Again(off), Doubles()
    recorded = Recorded(recorder, exact=exact)
    often(recorded, forward, 4, 3 * AFTER)
    assert (recorder.recorded, len(recorded)) == (1, taken)


def test_what_cannot_be_recorded_goes_on_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("on purpose")

    recorder, forward = Again(), Doubles()
    monkeypatch.setattr(recorder, "record", full)
    recorded = Recorded(recorder, exact=True)
    often(recorded, forward, 4, 2 * AFTER)
    assert (forward.calls, len(recorded)) == (2 * AFTER, 0)


def test_forgotten_recordings_give_their_memory_back() -> None:
    recorder, forward = Again(), Doubles()
    recorded = Recorded(recorder, exact=True)
    often(recorded, forward, 4)
    recorded.forget()
    assert (len(recorded), recorded.bytes) == (0, 0)
    often(recorded, forward, 4)
    assert len(recorded) == 1


def test_a_recorded_engine_makes_the_same_pictures(components: Components) -> None:
    """Three at once, of two sizes, in strict mode, some with deep features that are reused."""
    asked = [
        request(seed=seed, steps=8, width=width, feature_cache=1 + seed) for seed, width in enumerate((32, 32, 48))
    ]
    made: list[dict[int, Pixels]] = []
    recorder = Again()
    for acceleration in (EAGER, Acceleration(recorder=recorder)):
        engine = Engine(components, max_rows=16, acceleration=acceleration)
        tickets = [engine.submit(each) for each in asked]
        engine.start()
        made += [pictures(list(ticket)) for ticket in tickets]
        engine.stop()
    assert recorder.played > 0
    for plain, recorded in zip(made[:3], made[3:], strict=True):
        assert same(plain, recorded)


def test_an_engine_tells_that_its_u_net_is_being_compiled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (engine.stats.compiling, engine.stats.recompiles) == (False, 0)
    monkeypatch.setattr(UNet, "compiling", True)
    monkeypatch.setattr(UNet, "recompiles", 3)
    assert (engine.stats.compiling, engine.stats.recompiles) == (True, 3)


@torch.inference_mode()
def test_a_recorded_u_net_gives_the_bits_of_one_that_is_not() -> None:
    """In strict mode, at two numbers of rows, some of them tiled, with the deep features."""
    components, recorder = tiny(), Again()
    plain, recorded = UNet(components, 999), UNet(components, 999, acceleration=Acceleration(recorder=recorder))
    for rows in (4, 6):
        for turn in range(AFTER + 2):
            rng = torch.Generator().manual_seed(10 * rows + turn)
            batch = Rows(
                torch.randn(rows, 4, 8, 8, generator=rng), torch.linspace(900, 10, rows), torch.ones(rows),
                torch.randn(rows, 77, 32, generator=rng), tiling="x" if turn == AFTER else "",
            )  # fmt: skip
            for ours, theirs in zip(recorded(batch, keep=True), plain(batch, keep=True), strict=True):
                assert ours is not None
                assert theirs is not None
                assert torch.equal(ours, theirs)
    assert recorder.recorded == 2
    assert recorder.played > 2
    recorded.forget()
    assert recorded.recorded_bytes == 0
