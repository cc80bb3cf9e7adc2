"""The queue in its order, as it is listed and as workers take it; clearing it; what came of ends that were told."""

import time
from collections.abc import Sequence

import pytest

from contract.estimates import Accuracy, accuracy
from contract.ids import new_job_id
from contract.jobs import JobState
from contract.steering import Steering
from contract.stock import told_ends
from contract.store import JobStore
from tests.contract.ledger import REQUEST, claim, read


@pytest.fixture
def steering(store: JobStore) -> Steering:
    return Steering(store)


def submit(store: JobStore, owner: str = "ann", model: str = "mini") -> str:
    request = REQUEST.model_copy(update={"model": model})
    return store.submit(new_job_id(), request, owner=owner, steps=8, inputs={}, max_queue=5000).id


def active(steering: Steering, owner: str | None = None, limit: int = 100) -> tuple[list[str], int]:
    jobs, total = steering.active(owner, limit)
    return [job.id for job in jobs], total


def taken_in_turn(store: JobStore) -> list[str]:
    """Ids as a worker takes them, each done at once."""
    ids = []
    while one := store.claim("w", 60):
        ids.append(one.job_id)
        store.finish(one)
    return ids


def test_the_order_is_that_in_which_workers_take_them(store: JobStore, steering: Steering) -> None:
    """Two owners take turns; one moves a job of hers to the front."""
    ids = [submit(store, owner) for owner in ("ann", "ann", "ann", "bob", "bob")]
    steering.move(ids[2], "first")
    listed, total = active(steering)
    assert (set(listed), total) == (set(ids), 5)
    assert listed == taken_in_turn(store)
    assert active(steering) == ([], 0)


def test_those_that_run_come_first_and_paused_ones_last(store: JobStore, steering: Steering) -> None:
    ids = [submit(store) for _ in range(4)]
    running = claim(store, ids[2])
    steering.pause(ids[0])
    assert active(steering) == ([ids[2], ids[1], ids[3], ids[0]], 4)
    assert read(store, ids[2]).worker == "w"
    assert read(store, ids[1]).worker is None
    store.finish(running)
    assert active(steering) == ([ids[1], ids[3], ids[0]], 3)
    assert read(store, ids[2]).worker == "w"


def test_an_owner_sees_his_own_and_how_many_they_are(store: JobStore, steering: Steering) -> None:
    for _ in range(120):  # owners that were served less stand before him
        submit(store, f"other{_}")
    mine = [submit(store, "zoe") for _ in range(3)]
    assert active(steering, "zoe", 2) == (mine[:2], 3)
    assert active(steering, "nobody") == ([], 0)
    listed, total = active(steering, limit=5)
    assert (len(listed), total) == (5, 123)


def test_of_many_lines_the_heads_are_listed(store: JobStore, steering: Steering) -> None:
    """A thousand jobs of one owner do not hide the few of others."""
    for _ in range(300):
        submit(store, "ann")
    others = [submit(store, "bob", model) for model in ("mini", "other")]
    assert set(others) <= set(active(steering, limit=10)[0])


def test_clearing_cancels_ones_own_that_wait(
    store: JobStore, steering: Steering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contract.steering._CLEARED_AT_ONCE", 3)
    ids = [submit(store) for _ in range(8)]
    others = submit(store, "bob")
    running = claim(store, ids[0])
    steering.pause(ids[1])
    assert steering.clear("ann") == 7
    assert {read(store, job_id).state for job_id in ids[1:]} == {JobState.CANCELLED}
    assert store.finish(running)
    assert steering.clear("ann") == 0
    assert read(store, others).state is JobState.QUEUED
    assert store.counts() == (1, 0)


@pytest.mark.parametrize(
    ("ends", "half", "most"),
    [
        ([], None, None),
        ([(0, 5)], None, None),
        ([(10, 12)], 0.2, 0.2),
        ([(100, 100 + at) for at in range(1, 21)], 0.1, 0.18),
    ],
)
def test_half_and_nine_in_ten(ends: Sequence[tuple[float, float]], half: float | None, most: float | None) -> None:
    told = accuracy(ends)
    assert (told.half_within, told.most_within) == (half, most)
    assert told.jobs == sum(1 for said, _ in ends if said)


def test_what_was_told_is_compared_with_what_came(store: JobStore, steering: Steering) -> None:
    """Only of jobs that ended as they were meant to, and were not put elsewhere meanwhile; of the last twenty."""
    assert told_ends(store) == Accuracy(jobs=0)
    early, late, cancelled, moved, paused, untold = (submit(store) for _ in range(6))
    for job_id, seconds in ((early, 1000), (late, 0.01), (cancelled, 9), (moved, 9), (paused, 9)):
        store.told(job_id, seconds / 2, seconds)
    store.told(untold, 1)
    store.cancel(cancelled)
    steering.move(moved, "last")
    steering.pause(paused)
    steering.resume(paused)
    time.sleep(0.4)
    taken_in_turn(store)
    told = told_ends(store)
    assert told.jobs == 2
    assert told.half_within is not None
    assert told.most_within is not None
    assert 0.9 < told.half_within <= 1
    assert told.most_within > 1  # a hundredth of a second was told, and the way there
    store.told(submit(store), 9, 9)
    steering.hold()
    steering.let_go()
    taken_in_turn(store)
    assert told_ends(store) == told, "the whole queue was paused meanwhile"
    for _ in range(25):
        store.told(submit(store), 50, 100)
    taken_in_turn(store)
    told = told_ends(store)
    assert told.jobs == 20
    assert told.half_within == pytest.approx(1, abs=0.1)
