"""Another priority for a job that waits: as if it had come with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from contract import keys
from contract.errors import Conflict
from contract.grid import Axis, Grid
from contract.ids import new_job_id
from contract.jobs import JobState
from contract.requests import Priority, Txt2Img
from contract.steering import Steering
from contract.store import JobStore
from tests.contract.ledger import REQUEST, claim, read
from tests.contract.test_steering import waiting_in_order


@pytest.fixture
def steering(store: JobStore) -> Steering:
    return Steering(store)


def ask(store: JobStore, priority: Priority = "normal", owner: str = "local") -> str:
    job_id = new_job_id()
    request = REQUEST.model_copy(update={"priority": priority})
    store.submit(job_id, request, owner=owner, steps=8, inputs={}, max_queue=100)
    return job_id


def rank(store: JobStore, job_id: str) -> float:
    """Where it stands in its line: ms, less its lead."""
    found = cast("str", store.redis.hget(keys.job(job_id), "rank"))
    assert store.redis.zscore(keys.line("mini", "local"), job_id) == float(found)
    return float(found)


@pytest.mark.parametrize(
    ("changes", "order"),
    [
        ({"c": ["high"]}, "cab"),
        ({"a": ["low"]}, "bca"),
        ({"c": ["high"], "b": ["high"]}, "bca"),
        ({"c": ["high", "normal"]}, "abc"),
        ({"a": ["low"], "b": ["low"]}, "cab"),
        ({"c": ["high", "high", "high"], "a": ["high"]}, "acb"),
    ],
)
def test_a_priority_changed_is_as_if_it_had_come_so(
    store: JobStore, steering: Steering, changes: dict[str, list[Priority]], order: str
) -> None:
    """The same order as that of jobs that came with these priorities, one after the other."""
    ids = {name: ask(store) for name in "abc"}
    for name, priorities in changes.items():
        for priority in priorities:
            steering.prioritize(ids[name], priority)
    assert waiting_in_order(store) == [ids[name] for name in order]
    other = {name: ask(store, changes.get(name, ["normal"])[-1], "another") for name in "abc"}
    ranks = store.redis.zrange(keys.line("mini", "another"), 0, -1)
    assert ranks == [other[name] for name in order]


def test_a_changed_priority_ages_as_one_that_was_given_at_first(store: JobStore, steering: Steering) -> None:
    """High is five minutes' lead and no more: who came six minutes before goes first all the same."""
    old, new = ask(store), ask(store)
    came = rank(store, old) - 360_000
    store.redis.hset(keys.job(old), "rank", came)
    store.redis.zadd(keys.line("mini", "local"), {old: came})
    steering.prioritize(new, "high")
    assert waiting_in_order(store) == [old, new]
    steering.prioritize(old, "low")
    assert rank(store, old) == pytest.approx(came + 300_000, abs=1e-3)
    assert waiting_in_order(store) == [new, old]
    steering.prioritize(new, "normal")
    assert waiting_in_order(store) == [old, new]


def test_another_priority_keeps_the_place_that_a_job_was_moved_to(store: JobStore, steering: Steering) -> None:
    """Raising brings nothing back, lowering nothing forward."""
    first, second, third = (ask(store) for _ in range(3))
    steering.move(third, "first")
    steering.prioritize(third, "high")
    assert waiting_in_order(store) == [third, first, second]
    steering.prioritize(third, "normal")
    assert waiting_in_order(store) == [third, first, second]
    steering.move(first, "last")
    steering.prioritize(first, "low")
    assert waiting_in_order(store) == [third, second, first]


def test_the_new_priority_is_the_requests_and_nothing_else_changes(store: JobStore, steering: Steering) -> None:
    job_id = ask(store)
    before = read(store, job_id)
    served = store.redis.hgetall(f"{keys.PREFIX}backlog")
    store.told(job_id, 3.0, 9.0)
    steering.prioritize(job_id, "high")
    job = read(store, job_id)
    assert isinstance(job.request, Txt2Img)
    assert job.request.priority == "high"
    assert job.request.model_copy(update={"priority": "normal"}) == before.request
    assert (job.created_at, job.state, job.attempts) == (before.created_at, JobState.QUEUED, 0)
    assert store.redis.hgetall(f"{keys.PREFIX}backlog") == served
    assert not store.redis.hexists(keys.job(job_id), "end_told")
    taken = claim(store, job_id)
    assert store.work(job_id).request["priority"] == "high"
    assert store.finish(taken)


def test_a_paused_job_and_a_grid_take_another_priority(store: JobStore, steering: Steering) -> None:
    first, paused = ask(store), ask(store)
    steering.pause(paused)
    steering.prioritize(paused, "high")
    assert read(store, paused).paused
    assert waiting_in_order(store) == [first]
    steering.resume(paused)
    assert waiting_in_order(store) == [paused, first]
    grid = Grid(base=REQUEST.model_copy(update={"count": 1}), x=Axis(field="steps", values="3-4"))
    grid_id = new_job_id()
    store.submit(grid_id, grid, owner="local", steps=7, inputs={}, max_queue=100)
    steering.prioritize(grid_id, "low")
    request = read(store, grid_id).request
    assert isinstance(request, Grid)
    assert (request.base.priority, request.x.values) == ("low", (3, 4))


def test_what_runs_or_is_over_keeps_its_priority(store: JobStore, steering: Steering) -> None:
    job_id = ask(store)
    taken = claim(store, job_id)
    with pytest.raises(Conflict, match="this one is running"):
        steering.prioritize(job_id, "high")
    steering.prioritize(job_id, "normal")  # which it has: said twice, a change is no error
    store.finish(taken)
    with pytest.raises(Conflict, match="this one is succeeded"):
        steering.prioritize(job_id, "low")
    steering.prioritize("job_unknown", "low")
    request = read(store, job_id).request
    assert isinstance(request, Txt2Img)
    assert request.priority == "normal"


def test_of_two_who_change_it_at_once_neither_is_half_done(store: JobStore, steering: Steering) -> None:
    """Rank and request agree in the end, whoever was last."""
    job_id = ask(store)
    born = rank(store, job_id)
    wishes: list[Priority] = ["high", "low", "normal", "high", "low"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda wish: steering.prioritize(job_id, wish), wishes * 8))
    request = read(store, job_id).request
    assert isinstance(request, Txt2Img)
    lead = {"high": 300_000, "normal": 0, "low": -300_000}[request.priority]
    assert rank(store, job_id) == pytest.approx(born - lead, abs=1e-3)
