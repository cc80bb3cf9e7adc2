"""What a ticket tells: progress, previews, pictures, and which pictures; and what is refused."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.worker.engine.flying import pictures, request, same
from tests.worker.engine.tiny import tiny
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.runner import Readback, Runner
from worker.engine.samplers import SAMPLERS
from worker.engine.ticket import Done, Picture, Preview, Progress, Ticket
from worker.models.loader import Components


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


def test_a_measured_engine_makes_the_same_picture(engine: Engine, components: Components) -> None:
    measured = Engine(components, max_rows=16, measured=True)
    measured.start()
    pair = [pictures(list(each.submit(request(sampler="euler_a")))) for each in (engine, measured)]
    measured.stop()
    assert same(*pair)


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
    assert 0.04 < time.monotonic() - begin < 30
    ticket.put(Progress(1, 3))
    assert ticket.get(timeout=0.05) == Progress(1, 3)


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
