"""Jobs beside each other: joining, overtaking, sharing the budget, leaving."""

from __future__ import annotations

import pytest
from torch import Tensor

from tests.worker.engine.flying import Gate, pictures, request, same
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.runner import Readback, Runner
from worker.engine.ticket import Cancelled, Done, Event, Picture, Progress
from worker.models.loader import Components
from worker.models.tiling import Tiling


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
