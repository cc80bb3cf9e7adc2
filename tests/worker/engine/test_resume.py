"""A job gone on with from a checkpoint gives the bytes of an unbroken one, without asking the U-Net anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.log import Log
from worker.engine.noise import StartNoise
from worker.engine.request import EngineRequest, HighRes
from worker.engine.runner import Readback, Runner
from worker.engine.samplers import SAMPLERS
from worker.engine.ticket import Cancelled, Checkpoint, Done, Event, Picture, Progress, Ticket, Trace
from worker.models.loader import Components
from worker.models.tiling import Tiling

ALWAYS = 1e-9  # seconds: a checkpoint at every tick
SIDE = 32
paint = np.random.default_rng(0)
INIT = torch.from_numpy(paint.uniform(-1, 1, (3, SIDE, SIDE))).float()
MASK = torch.from_numpy(paint.uniform(0, 1, (1, SIDE, SIDE))).float()
KINDS = {
    "txt2img": {},
    "img2img": {"init": INIT, "strength": 0.7},
    "inpaint": {"init": INIT, "mask": MASK, "fill": "noise", "strength": 0.9},
    "soft": {"init": INIT, "mask": MASK, "soft": True},
}


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


@pytest.fixture(autouse=True)
def latents_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished latents, byte for byte, in place of pictures: eight bits a pixel would hide rounding."""

    def bare(_: Runner, latent: Tensor, tiling: Tiling) -> Readback:
        return Readback(latent.contiguous().view(torch.uint8), torch.tensor(True))

    monkeypatch.setattr(Runner, "decode", bare)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(image, leg) of every row set that the U-Net was asked for."""
    calls: list[tuple[int, int]] = []
    denoise = Runner.denoise

    def counted(self: Runner, flights: list[Flight]) -> list[Tensor]:
        calls.extend((flight.index, flight.number) for flight in flights)
        return denoise(self, flights)

    monkeypatch.setattr(Runner, "denoise", counted)
    return calls


def request(**changes: Any) -> EngineRequest:
    plain: dict[str, Any] = {
        "words": (Words("a [cat:red boat:0.5]", "fish"),),
        "width": SIDE,
        "height": SIDE,
        "steps": 6,
        "sampler": "euler",
        "schedule": "karras",
        "guidance": 3.0,
        "guided": (0.2, 0.8),
        "seed": 3,
        "noise": StartNoise(5, 0.3),
    }
    return EngineRequest(**(plain | changes))


class Keeping(Ticket):
    """A ticket that forgets nothing."""

    def __init__(self, *requests: EngineRequest) -> None:
        super().__init__(*requests)
        self.told: list[Event] = []

    def put(self, event: Event) -> None:
        self.told.append(event)
        super().put(event)


def run(
    components: Components, *requests: EngineRequest, resume: Checkpoint | None = None, **engine: Any
) -> list[Event]:
    """All that an engine of one's own tells of a job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worker.engine.engine.Ticket", Keeping)
        own = Engine(components, **{"checkpoint_seconds": ALWAYS, **engine})
        own.start()
        ticket = own.submit(*requests, resume=resume)
        events = list(ticket)
        own.stop()
    assert isinstance(events[-1], Done), events[-1]
    assert isinstance(ticket, Keeping)
    return ticket.told


def pictures(events: list[Event]) -> dict[int, bytes]:
    return {event.index: event.rgb.tobytes() for event in events if isinstance(event, Picture)}


def steps(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, Progress)]


def checkpoints(events: list[Event]) -> list[Checkpoint]:
    return [event for event in events if isinstance(event, Checkpoint)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_from_any_step_on_the_latent_is_the_unbroken_ones(
    components: Components, sampler: str, kind: str, asked: list[tuple[int, int]]
) -> None:
    made = request(sampler=sampler, schedule="normal", **KINDS[kind])
    whole = run(components, made)
    calls, marks = len(asked), checkpoints(whole)
    assert len(marks) == calls, "one for each answer"
    for number in (0, len(marks) // 2, len(marks) - 2):
        asked.clear()
        resumed = run(components, made, resume=marks[number])
        assert pictures(resumed) == pictures(whole), f"after {number + 1} answers"
        assert len(asked) == calls - (number + 1)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2s_a"])
def test_with_deep_features_it_goes_on_from_where_the_whole_unet_was_asked(
    components: Components, sampler: str, asked: list[tuple[int, int]]
) -> None:
    made = request(sampler=sampler, feature_cache=3)
    whole = run(components, made)
    calls = len(asked)
    for number, mark in enumerate(checkpoints(whole)[:-1]):
        asked.clear()
        assert pictures(run(components, made, resume=mark)) == pictures(whole), f"after {number + 1} answers"
        assert len(asked) == calls - (number + 1) // 3 * 3


@pytest.mark.parametrize("upscaler", ["lanczos", "bicubic"])
@pytest.mark.parametrize("sampler", ["euler_a", "dpmpp_3m_sde", "restart"])
def test_both_passes_are_gone_on_with(
    components: Components, sampler: str, upscaler: Any, asked: list[tuple[int, int]]
) -> None:
    first = request(sampler=sampler, noise=StartNoise())
    made = replace(first, hires=HighRes(replace(first, width=48, height=64, strength=0.6), upscaler))
    whole = run(components, made)
    calls = list(asked)
    assert {leg for _, leg in calls} == {0, 1}
    for number, mark in enumerate(checkpoints(whole)):
        if number % 3 == 0 or not mark.traces[0].answers:
            asked.clear()
            assert pictures(run(components, made, resume=mark)) == pictures(whole)
            assert asked == calls[number + 1 :]


def test_of_many_images_each_is_gone_on_with_and_what_is_done_is_left_alone(
    components: Components, asked: list[tuple[int, int]]
) -> None:
    made = [request(count=3, sampler="euler_a"), request(sampler="heun", seed=90), request(steps=4, seed=50)]
    whole = run(components, *made, max_rows=6)
    calls = len(asked)
    mark = next(mark for mark in checkpoints(whole) if mark.traces[0].legs and len(mark.traces) > 2)
    asked.clear()
    resumed = run(components, *made, resume=Checkpoint(mark.traces, frozenset({0, 4})), max_rows=6)
    expected = pictures(whole)
    assert pictures(resumed) == {index: expected[index] for index in (1, 2, 3)}
    counted: dict[int, int] = defaultdict(int)
    for index, _ in asked:
        counted[index] += 1
    assert counted[0] == counted[4] == 0
    assert len(asked) < calls
    assert steps(resumed)[0] > 6 + 4, "the two that were done, and what had been done of the others"
    assert steps(resumed)[-1] == 3 * 6 + 6 + 4


def test_a_landed_image_is_decoded_and_no_more(components: Components, asked: list[tuple[int, int]]) -> None:
    made = request()
    whole = run(components, made)
    asked.clear()
    latent = torch.frombuffer(bytearray(pictures(whole)[0]), dtype=torch.float32).view(4, 4, 4)
    resumed = run(components, made, resume=Checkpoint({0: Trace(1, latent)}))
    assert pictures(resumed) == pictures(whole)
    assert asked == []


def test_a_job_of_which_all_is_done_ends_at_once(components: Components, asked: list[tuple[int, int]]) -> None:
    events = run(components, request(count=2), resume=Checkpoint(done=frozenset({0, 1})))
    assert [type(event) for event in events] == [Done]
    assert asked == []


def test_a_checkpoint_of_a_resumed_run_serves_as_well(components: Components) -> None:
    """Also for images that have not boarded again: the third run knows what the first had done."""
    made = request(count=4, sampler="dpmpp_sde")
    whole = run(components, made)
    first = next(mark for mark in checkpoints(whole) if len(mark.traces) == 4)
    second = checkpoints(run(components, made, resume=first, max_rows=2))[0]
    assert set(second.traces) == {0, 1, 2, 3}
    for index, trace in first.traces.items():
        later = second.traces[index].answers
        assert all(torch.equal(a, b) for a, b in zip(trace.answers, later, strict=False))
        assert len(later) >= len(trace.answers)
    assert pictures(run(components, made, resume=second)) == pictures(whole)


def test_a_trace_of_another_shape_is_not_gone_on_with(components: Components) -> None:
    made = request()
    whole = run(components, made)
    for wrong in (Trace(0, None, (torch.zeros(4, 9, 9),) * 2), Trace(5, torch.zeros(4, 4, 4)), Trace(1, None)):
        resumed = run(components, made, resume=Checkpoint({0: wrong}))
        assert pictures(resumed) == pictures(whole)
        assert steps(resumed) == steps(whole)


def test_without_the_setting_nothing_is_kept(components: Components) -> None:
    assert checkpoints(run(components, request(), checkpoint_seconds=0.0)) == []


def test_beyond_its_bytes_a_checkpoint_stays_at_an_earlier_step(
    components: Components, asked: list[tuple[int, int]]
) -> None:
    made = request()
    answer = 4 * 4 * 4 * 4  # bytes: 4 channels of 4 x 4 in float32
    whole = run(components, made, checkpoint_bytes=3 * answer + 1)
    marks = checkpoints(whole)
    assert [(mark.traces[0].legs, len(mark.traces[0].answers)) for mark in marks] == [(0, 1), (0, 2), (0, 3), (1, 0)]
    asked.clear()
    assert pictures(run(components, made, resume=marks[2])) == pictures(whole)
    assert len(asked) == 6 - 3


def test_a_full_log_takes_an_image_up_again_with_its_next_leg() -> None:
    log, small, large = Log(40, {}), torch.zeros(4), torch.zeros(5)  # 16 and 20 bytes
    for _ in range(3):
        log.answer(0, small)
    log.answer(1, small)
    kept = log.snapshot()
    assert {index: len(trace.answers) for index, trace in kept.items()} == {0: 2}
    log.leg(0, 1, large)
    log.answer(0, small)
    log.answer(0, small)
    log.answer(1, small)
    (trace,) = log.snapshot().values()
    assert (trace.legs, len(trace.answers), trace.size) == (1, 1, 36)


def test_what_was_handed_out_is_kept_as_the_copy() -> None:
    log, first, second = Log(1000, {}), torch.zeros(4), torch.ones(4)
    log.answer(0, first)
    snapshot = log.snapshot()
    log.answer(0, second)
    copy = first.clone()
    assert log.checkpoint(snapshot, [copy]).traces[0].answers == (copy,)
    kept = log.snapshot()[0].answers
    assert kept[0] is copy
    assert kept[1] is second


@pytest.fixture
def paced(components: Components) -> Iterator[Engine]:
    engine = Engine(components, checkpoint_seconds=3600)
    engine.start()
    yield engine
    engine.stop()


def test_the_first_checkpoint_comes_no_sooner_than_its_time(paced: Engine) -> None:
    ticket = paced.submit(request(steps=20))
    kinds = {type(event) for event in ticket}
    assert Checkpoint not in kinds
    assert Cancelled not in kinds
