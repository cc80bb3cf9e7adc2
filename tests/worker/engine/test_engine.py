"""The engine under way: joining, cancelling, failing alone, sharing the budget, and what its tickets tell."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.prompt import Span
from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Items, Words
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Readback, Runner
from worker.engine.samplers import SAMPLERS, Draw, Sampler, Steps
from worker.engine.ticket import Cancelled, Done, Event, Failed, Picture, Pixels, Preview, Progress, Ticket
from worker.models.loader import Components
from worker.models.tiling import Tiling
from worker.text.encode import TextEncoder

Denoise = Callable[[Runner, list[Flight]], list[Tensor]]


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


@pytest.fixture
def engine(components: Components) -> Iterator[Engine]:
    engine = Engine(components, max_rows=16)
    engine.start()
    yield engine
    engine.stop()


def request(**changes: Any) -> EngineRequest:
    plain: dict[str, Any] = {
        "words": (Words("a cat"),),
        "width": 32,
        "height": 32,
        "steps": 3,
        "sampler": "euler",
        "schedule": "karras",
        "guidance": 5.0,
        "seed": 1,
    }
    return EngineRequest(**plain | changes)


def pictures(events: list[Event]) -> dict[int, Pixels]:
    return {event.index: event.rgb for event in events if isinstance(event, Picture)}


def same(one: dict[int, Pixels], other: dict[int, Pixels]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[i], other[i]) for i in one)


class Gate:
    """Holds the engine before each U-Net call until a test lets it through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._turn = threading.Semaphore(0)
        self.calls: list[list[Flight]] = []
        plain: Denoise = Runner.denoise

        def denoise(runner: Runner, flights: list[Flight]) -> list[Tensor]:
            self.calls.append(flights)
            self._turn.acquire()
            return plain(runner, flights)

        monkeypatch.setattr(Runner, "denoise", denoise)

    def let(self, calls: int) -> None:
        self._turn.release(calls)

    def reached(self, calls: int) -> None:
        """Wait until the engine stands before that many calls in all."""
        deadline = time.monotonic() + 60
        while len(self.calls) < calls:
            assert time.monotonic() < deadline, "the engine did not get there"
            time.sleep(0.002)


def test_events_of_one_request(engine: Engine) -> None:
    events = list(engine.submit(request(count=2, steps=3)))
    assert isinstance(events[-1], Done)
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1] == Progress(6, 6)
    assert [a.step for a in progress] == sorted(a.step for a in progress)
    found = [event for event in events if isinstance(event, Picture)]
    assert [(p.index, p.seed) for p in found] == [(0, 1), (1, 2)]
    assert all(p.rgb.shape == (32, 32, 3) and p.rgb.dtype == np.uint8 for p in found)
    assert not np.array_equal(found[0].rgb, found[1].rgb)


@pytest.mark.parametrize("strength", [None, 0.7])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_progress_counts_steps_not_evaluations(components: Components, sampler: str, strength: float | None) -> None:
    """Of two images: every step once, whatever it costs, and every answer brings one step at most."""
    changes = {} if strength is None else {"init": torch.zeros(3, 32, 32), "strength": strength}
    steps = 40 if strength is None else 28
    asked = request(sampler=sampler, steps=40, count=2, guidance=1.0, **changes)
    runner = Runner(components)
    job = Job.of(Ticket(asked), runner.levels, components.ends_clean)
    with torch.inference_mode():
        flights = [runner.board(job, index) for index in range(2)]
        told = [job.progress()]
        while flights:
            for flight in flights:
                flight.advance(torch.zeros_like(flight.x))
                told.append(job.progress())
            flights = [flight for flight in flights if flight.landed is None]
    assert {each.steps for each in told} == {2 * steps}
    assert [each.step for each in told] == sorted(each.step for each in told)
    assert {each.step for each in told} == set(range(2 * steps + 1))


@pytest.mark.parametrize(
    "kind",
    [
        {"prediction": "epsilon"},
        {"prediction": "v_prediction"},
        {"prediction": "v_prediction", "rescale_betas_zero_snr": True},
    ],
    ids=["epsilon", "v", "zero_terminal"],
)
def test_every_sampler_makes_a_picture_with_every_kind_of_model(kind: dict[str, Any]) -> None:
    engine = Engine(tiny(**kind))
    engine.start()
    tickets = {name: engine.submit(request(sampler=name, steps=12, schedule="normal")) for name in SAMPLERS}
    made = {name: list(ticket) for name, ticket in tickets.items()}
    engine.stop()
    assert {name: type(events[-1]) for name, events in made.items()} == dict.fromkeys(SAMPLERS, Done)
    assert all(len(pictures(events)) == 1 for events in made.values())


def test_image_i_is_the_picture_of_seed_plus_i(engine: Engine) -> None:
    several = pictures(list(engine.submit(request(count=3, seed=5, sampler="euler_a"))))
    alone = pictures(list(engine.submit(request(seed=7, sampler="euler_a"))))
    assert np.array_equal(several[2], alone[0])


def test_a_seed_is_the_contract_s_noise(components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []
    plain = Runner.denoise

    def look(runner: Runner, flights: list[Flight]) -> list[Tensor]:
        seen.append(flights[0].x)
        return plain(runner, flights)

    monkeypatch.setattr(Runner, "denoise", look)
    engine = Engine(components)
    engine.start()
    list(engine.submit(request(seed=11, width=48)))
    engine.stop()
    noise = torch.randn((1, 4, 4, 6), generator=torch.Generator("cpu").manual_seed(11))[0]
    alphas = components.alphas_cumprod
    torch.testing.assert_close(seen[0], noise * float(((1 - alphas[-1]) / alphas[-1]) ** 0.5))


def test_a_request_joins_at_the_next_tick(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    first = engine.submit(request(steps=8))
    gate.let(2)
    gate.reached(3)
    second = engine.submit(request(steps=2, sampler="ddim"))
    gate.let(1)
    gate.reached(4)
    assert len(gate.calls[2]) == 1
    assert len(gate.calls[3]) == 2
    gate.let(100)
    assert isinstance(list(second)[-1], Done)
    assert isinstance(list(first)[-1], Done)
    assert len(gate.calls) == 8, "the second request cost a call of its own"


def test_an_urgent_job_overtakes_a_bulk_one_which_loses_nothing(
    components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(components, max_rows=4)
    engine.start()
    expected = pictures(list(engine.submit(request(count=3, sampler="euler_a"))))
    gate = Gate(monkeypatch)
    bulk = engine.submit(request(count=3, sampler="euler_a"))
    gate.let(2)
    gate.reached(3)
    urgent = engine.submit(request(seed=9, count=2, steps=2, priority=2))
    gate.let(2)
    gate.reached(5)
    flying = [sum(flight.job.ticket is urgent for flight in call) for call in gate.calls]
    assert [len(call) for call in gate.calls[1:5]] == [2] * 4, "four rows fill the budget"
    assert flying == [0, 0, 0, 1, 2], "one picture boards a tick, and the bulk job's two pause one by one"
    gate.let(100)
    assert isinstance(list(urgent)[-1], Done)
    assert same(pictures(list(bulk)), expected)
    engine.stop()


def test_owners_share_the_device(components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    engine = Engine(components, max_rows=4)
    many = [engine.submit(request(seed=seed, steps=4), owner="a") for seed in range(6)]
    one = engine.submit(request(steps=4), owner="b")
    engine.start()
    gate.let(3)
    gate.reached(4)
    for call in gate.calls[:4]:
        assert [flight.owner for flight in call] == ["a", "b"], "the seventh in line has every other place"
    gate.let(100)
    assert all(isinstance(list(ticket)[-1], Done) for ticket in [*many, one])
    engine.stop()


def test_pictures_that_land_together_are_decoded_over_several_ticks(
    components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a tick of 16 rows is 8, a decode counts as 3: two pictures between two calls."""
    gate = Gate(monkeypatch)
    decoded: list[int] = []  # calls that had been made before
    plain = Runner.decode

    def decode(runner: Runner, latent: Tensor, tiling: Tiling = "") -> Readback:
        decoded.append(len(gate.calls))
        return plain(runner, latent, tiling)

    monkeypatch.setattr(Runner, "decode", decode)
    engine = Engine(components, max_rows=16)
    together = [engine.submit(request(seed=seed, steps=2)) for seed in range(6)]
    long = engine.submit(request(steps=8))
    engine.start()
    gate.let(100)
    assert all(isinstance(list(ticket)[-1], Done) for ticket in [*together, long])
    assert decoded == [2, 2, 3, 3, 4, 4, 8]
    engine.stop()


def test_a_measured_engine_makes_the_same_picture(engine: Engine, components: Components) -> None:
    measured = Engine(components, max_rows=16, measured=True)
    measured.start()
    pair = [pictures(list(each.submit(request(sampler="euler_a")))) for each in (engine, measured)]
    measured.stop()
    assert same(*pair)


def test_cancel_takes_effect_within_one_tick(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    doomed, other = engine.submit(request(steps=500)), engine.submit(request(steps=500, seed=2))
    gate.let(3)
    gate.reached(4)
    doomed.cancel()
    gate.let(1)
    gate.reached(5)
    assert [flight.job.ticket for flight in gate.calls[4]] == [other]
    assert doomed.ended
    assert isinstance(list(doomed)[-1], Cancelled)
    other.cancel()
    gate.let(1)
    assert isinstance(list(other)[-1], Cancelled)


def test_cancel_before_boarding(components: Components) -> None:
    engine = Engine(components)
    ticket = engine.submit(request())
    ticket.cancel()
    engine.start()
    assert list(ticket) == [Cancelled()]
    engine.stop()


def test_a_cancelled_job_keeps_what_was_delivered(components: Components) -> None:
    engine = Engine(components, max_rows=2)
    engine.start()
    ticket = engine.submit(request(count=50))
    events = []
    for event in ticket:
        events.append(event)
        if isinstance(event, Picture):
            ticket.cancel()
    engine.stop()
    assert isinstance(events[-1], Cancelled)
    assert 1 <= len(pictures(events)) < 5


def test_nan_fails_its_own_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pictures(list(engine.submit(request(seed=2))))
    plain = Runner.denoise

    def poisoned(runner: Runner, flights: list[Flight]) -> list[Tensor]:
        answers = plain(runner, flights)
        return [a * float("nan") if f.seed == 13 else a for f, a in zip(flights, answers, strict=True)]

    monkeypatch.setattr(Runner, "denoise", poisoned)
    bad, good = engine.submit(request(seed=13)), engine.submit(request(seed=2))
    events = list(bad)
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "nan_image"
    assert pictures(events) == {}
    assert same(pictures(list(good)), expected)


def test_infinite_pixels_fail_too(engine: Engine, components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = components.vae.decode
    monkeypatch.setattr(components.vae, "decode", lambda *a, **k: (plain(*a, **k)[0] + torch.inf,))
    end = list(engine.submit(request()))[-1]
    assert isinstance(end, Failed)
    assert end.code == "nan_image"


def breaks_at_the_second_step(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    yield x, sigmas[0]
    yield x, sigmas[1]
    raise ArithmeticError("on purpose")


def test_a_broken_sampler_fails_its_own_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pictures(list(engine.submit(request(seed=2))))
    monkeypatch.setitem(SAMPLERS, "broken", Sampler(breaks_at_the_second_step, "linspace", "exploding"))
    bad, good = engine.submit(request(sampler="broken", count=2)), engine.submit(request(seed=2))
    end = list(bad)[-1]
    assert end == Failed("internal_error", "The engine failed on this job; the worker's log says why.")
    assert same(pictures(list(good)), expected)


def test_a_failing_call_fails_its_members_only(engine: Engine, components: Components) -> None:
    expected = pictures(list(engine.submit(request())))

    def refuse_wide(module: Any, args: tuple[Tensor, ...]) -> None:
        if args[0].shape[-1] == 6:
            raise ValueError("on purpose")

    hook = components.unet.register_forward_pre_hook(refuse_wide)
    tickets = [engine.submit(request(width=width)) for width in (32, 48, 32, 48)]
    ends = [list(ticket) for ticket in tickets]
    hook.remove()
    assert [type(events[-1]) for events in ends] == [Done, Failed, Done, Failed]
    assert same(pictures(ends[0]), expected)
    assert same(pictures(ends[2]), expected)


def test_a_failing_decode_or_prompt_fails_its_own_job(
    engine: Engine, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = TextEncoder.encode

    def encode(encoder: TextEncoder, items: Items, clip_skip: int = 0) -> Tensor:
        if any(isinstance(item, Span) and item.text == "bad" for item in items):
            raise ValueError("on purpose")
        return plain(encoder, items, clip_skip)

    monkeypatch.setattr(TextEncoder, "encode", encode)
    bad, good = engine.submit(request(words=(Words("bad"),), count=3)), engine.submit(request())
    assert isinstance(list(bad)[-1], Failed)
    assert isinstance(list(good)[-1], Done)
    monkeypatch.setattr(components.vae, "decode", lambda *a, **k: 1 / 0)
    assert isinstance(list(engine.submit(request()))[-1], Failed)
    monkeypatch.undo()
    assert isinstance(list(engine.submit(request()))[-1], Done)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("on purpose"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 TB")]
)
def test_a_batch_too_large_is_halved(engine: Engine, components: Components, error: Exception) -> None:
    requests = [request(seed=seed) for seed in range(7)]
    expected = [pictures(list(engine.submit(one))) for one in requests]
    sizes: list[int] = []

    def small_device(module: Any, args: tuple[Tensor, ...]) -> None:
        sizes.append(len(args[0]))
        if len(args[0]) > 4:
            raise error

    hook = components.unet.register_forward_pre_hook(small_device)
    tickets = [engine.submit(one) for one in requests]
    got = [list(ticket) for ticket in tickets]
    hook.remove()
    assert all(isinstance(events[-1], Done) for events in got)
    assert all(same(pictures(events), own) for events, own in zip(got, expected, strict=True))
    assert 1 <= sum(size > 4 for size in sizes) <= 3, "the engine did not learn the size that fits"


def test_too_large_alone_is_out_of_memory(engine: Engine, components: Components) -> None:
    def no_device(module: Any, args: tuple[Tensor, ...]) -> None:
        raise torch.OutOfMemoryError("on purpose")

    hook = components.unet.register_forward_pre_hook(no_device)
    end = list(engine.submit(request()))[-1]
    hook.remove()
    assert isinstance(end, Failed)
    assert end.code == "out_of_memory"
    assert isinstance(list(engine.submit(request()))[-1], Done)


def test_a_fault_of_the_engine_itself_is_survived(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_land", lambda self: 1 / 0)
    end = list(engine.submit(request()))[-1]
    assert isinstance(end, Failed)
    assert end.code == "internal_error"
    monkeypatch.undo()
    assert isinstance(list(engine.submit(request()))[-1], Done)


def test_a_hundred_images_leave_room_for_others(components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    plain = Runner.denoise

    def count_rows(runner: Runner, flights: list[Flight]) -> list[Tensor]:
        rows.append(sum(flight.rows for flight in flights))
        return plain(runner, flights)

    monkeypatch.setattr(Runner, "denoise", count_rows)
    engine = Engine(components, max_rows=8)
    engine.start()
    big = engine.submit(request(count=100, guidance=1.0, steps=3))
    events: list[Event] = []
    for event in big:
        events.append(event)
        if len(pictures(events)) == 5:
            break
    before = engine.stats.images
    small = list(engine.submit(request(guidance=1.0, steps=3)))
    meanwhile = engine.stats.images - 1 - before
    events += list(big)
    engine.stop()
    assert isinstance(small[-1], Done)
    assert isinstance(events[-1], Done)
    assert sorted(pictures(events)) == list(range(100))
    assert meanwhile < 30
    assert max(rows) == 8


def test_pictures_come_as_they_finish(components: Components) -> None:
    engine = Engine(components, max_rows=4)
    engine.start()
    events = list(engine.submit(request(count=6)))
    engine.stop()
    first = next(i for i, event in enumerate(events) if isinstance(event, Picture))
    assert any(isinstance(event, Progress) and event.step < event.steps for event in events[first:])


def test_previews_at_most_five_a_second(engine: Engine) -> None:
    begin = time.monotonic()
    events = list(engine.submit(request(steps=120, count=2, previews=True)))
    elapsed = time.monotonic() - begin
    found = [event for event in events if isinstance(event, Preview)]
    assert 2 <= len(found) <= 1 + 5 * elapsed
    assert {event.index for event in found} == {0, 1}
    assert all(event.rgb.shape == (4, 4, 3) and event.rgb.dtype == np.uint8 for event in found)
    assert not any(isinstance(event, Preview) for event in engine.submit(request(steps=20)))


def test_previews_of_all_jobs_together_are_bounded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside one for each job as it begins."""
    made: list[float] = []
    preview = Runner.preview

    def counted(runner: Runner, denoised: Tensor) -> Readback:
        made.append(time.monotonic())
        return preview(runner, denoised)

    monkeypatch.setattr(Runner, "preview", counted)
    tickets = [engine.submit(request(steps=60, guidance=1.0, previews=True)) for _ in range(30)]
    for ticket in tickets:
        list(ticket)
    assert 30 <= len(made) <= 30 + 1 + 15 * (made[-1] - made[0])


def test_a_slow_reader_finds_the_newest_only(engine: Engine) -> None:
    ticket = engine.submit(request(steps=40, count=2, previews=True))
    while not ticket.ended:
        time.sleep(0.01)
    kinds = [type(event) for event in ticket]
    assert sorted(kind.__name__ for kind in kinds) == ["Done", "Picture", "Picture", "Preview", "Progress"]
    assert kinds[-1] is Done
    assert ticket.get() is None


def test_a_reader_need_not_wait_for_ever() -> None:
    ticket = Ticket(request())
    begin = time.monotonic()
    assert ticket.get(timeout=0.05) is None
    assert 0.04 < time.monotonic() - begin < 2
    ticket.put(Progress(1, 3))
    assert ticket.get(timeout=0.05) == Progress(1, 3)


def test_stop_ends_every_ticket(components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    engine = Engine(components, max_rows=2)
    engine.start()
    tickets = [engine.submit(request(steps=500)) for _ in range(3)]
    gate.let(2)
    gate.reached(3)
    stopper = threading.Thread(target=engine.stop)
    stopper.start()
    gate.let(1)
    stopper.join(timeout=60)
    ends = [list(ticket)[-1] for ticket in [*tickets, engine.submit(request())]]
    assert ends == [Failed("engine_stopped", "The worker is shutting down.")] * 4
    assert engine.stats.flights == engine.stats.images_waiting == 0


def test_strength_0_gives_the_picture_as_the_vae_sees_it(engine: Engine, components: Components) -> None:
    torch.manual_seed(0)
    init = torch.rand(3, 32, 32) * 2 - 1
    (events,) = [list(engine.submit(request(init=init, strength=0.0)))]
    with torch.inference_mode():
        there_and_back = components.vae.decode(components.vae.encode(init[None])[0].mode())[0][0]
    expected = ((there_and_back / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).movedim(0, -1).numpy()
    assert np.abs(pictures(events)[0].astype(int) - expected).max() <= 1  # the latent is scaled there and back


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampler": "magic"},
        {"schedule": "magic"},
        {"sampler_options": {"eta": 0.5}},
        {"schedule_options": {"eta": 0.5}},
        {"schedule": "normal", "schedule_options": {"rho": 5.0}},
        {"width": 36},
        {"height": 0},
        {"steps": 0},
        {"count": 0},
        {"guidance": float("nan")},
        {"strength": 1.5},
        {"priority": 3},
        {"init": torch.zeros(3, 8, 8)},
        {"mask": torch.zeros(1, 32, 32)},
        {"init": torch.zeros(3, 32, 32), "mask": torch.zeros(1, 8, 8)},
    ],
)
def test_what_cannot_be_done_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".{10}"):
        request(**wrong)
