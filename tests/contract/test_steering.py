"""Pause and resume, move, retry, deadlines, idempotency keys, and models that nobody has any more."""

import time
from datetime import UTC, datetime

import pytest

from contract import keys
from contract.errors import Conflict, ErrorCode, QueueFull
from contract.ids import new_job_id
from contract.jobs import JobState, WorkerInfo
from contract.steering import Place, Steering
from contract.store import JobStore, Once, Verdict
from tests.api.kit import MODEL
from tests.contract.ledger import REQUEST, SHA, claim, read, submit


@pytest.fixture
def steering(store: JobStore) -> Steering:
    return Steering(store)


def waiting_in_order(store: JobStore) -> list[str]:
    """Ids as a worker would take them."""
    taken = []
    while one := store.claim("w", 60):
        taken.append(one)
    for one in taken:
        store.release(one)
    return [one.job_id for one in taken]


def test_a_paused_job_keeps_its_place_but_is_not_taken(store: JobStore, steering: Steering) -> None:
    first, second = submit(store), submit(store)
    assert steering.pause(first) is JobState.QUEUED
    job = read(store, first)
    assert (job.state, job.paused, job.progress.position) == (JobState.QUEUED, True, None)
    assert store.counts() == (2, 0)
    assert waiting_in_order(store) == [second]
    assert steering.resume(first) is JobState.QUEUED
    assert read(store, first).paused is False
    assert waiting_in_order(store) == [first, second]


def test_pausing_a_running_job_makes_its_worker_hand_it_back_uncharged(store: JobStore, steering: Steering) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    with store.listen(keys.CANCEL) as wishes:
        wishes.get_message(timeout=1)
        assert steering.pause(job_id) is JobState.RUNNING
        message = wishes.get_message(timeout=1)
        assert message is not None
        assert message["data"] == job_id
    assert store.progress(taken, 1) is Verdict.CANCEL
    assert store.beat([taken], 15) == {taken: Verdict.CANCEL}
    assert not store.cancelled(taken)  # so that the worker keeps the checkpoint
    job = read(store, job_id)
    assert (job.state, job.paused, job.attempts) == (JobState.QUEUED, True, 0)
    assert store.claim("w", 15) is None
    steering.resume(job_id)
    assert claim(store, job_id).token > taken.token


def test_resumed_before_its_worker_has_stopped_a_job_runs_again_all_the_same(
    store: JobStore, steering: Steering
) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    steering.pause(job_id)
    steering.resume(job_id)
    assert not store.cancelled(taken)
    assert read(store, job_id).state is JobState.QUEUED
    claim(store, job_id)


def test_a_paused_job_can_be_cancelled_and_deleted(store: JobStore, steering: Steering) -> None:
    first, second = submit(store), submit(store)
    for job_id in (first, second):
        steering.pause(job_id)
    assert store.cancel(first) is JobState.QUEUED
    assert steering.resume(first) is JobState.CANCELLED
    store.delete_job(second)
    assert store.counts() == (0, 0)
    assert steering.pause("job_unknown") is None
    assert steering.pause(first) is JobState.CANCELLED


def test_while_the_queue_is_paused_nothing_is_taken_and_nothing_hinted(store: JobStore, steering: Steering) -> None:
    running, waiting = submit(store), submit(store)
    taken = claim(store, running)
    steering.hold()
    assert steering.held()
    assert store.claim("w", 15) is None
    assert store.reap(3, hint_age=0.0) == []
    assert store.finish(taken)
    assert steering.let_go() == [waiting]
    assert not steering.held()
    claim(store, waiting)


@pytest.mark.parametrize(
    ("to", "order"),
    [(0, "cabde"), (2, "abcde"), (3, "abdce"), (4, "abdec"), (9, "abdec"), ("first", "cabde"), ("last", "abdec"),
     ("earlier", "acbde"), ("later", "abdce")],
)  # fmt: skip
def test_a_job_moves_within_its_line(store: JobStore, steering: Steering, to: Place, order: str) -> None:
    ids = dict(zip("abcde", (submit(store) for _ in range(5)), strict=True))
    steering.move(ids["c"], to)
    assert waiting_in_order(store) == [ids[name] for name in order]


def test_at_the_ends_of_its_line_it_moves_no_further(store: JobStore, steering: Steering) -> None:
    ids = [submit(store) for _ in range(3)]
    steering.move(ids[0], "earlier")
    steering.move(ids[2], "later")
    assert waiting_in_order(store) == ids


def test_moving_into_the_same_gap_goes_on_when_numbers_run_out(store: JobStore, steering: Steering) -> None:
    ids = [submit(store) for _ in range(6)]
    for turn in range(60):
        steering.move(ids[2 + turn % 4], 1)
    order = waiting_in_order(store)
    assert order[:2] == [ids[0], ids[2 + 59 % 4]]
    assert set(order) == set(ids)
    newest = submit(store)
    assert waiting_in_order(store)[-1] == newest


def test_only_what_waits_can_be_moved(store: JobStore, steering: Steering) -> None:
    job_id = submit(store)
    claim(store, job_id)
    with pytest.raises(Conflict):
        steering.move(job_id, 0)


def test_a_retry_is_a_new_job_with_the_same_request_and_inputs(store: JobStore, steering: Steering) -> None:
    job_id, again = submit(store, inputs={"img_in": SHA}), new_job_id()
    with pytest.raises(Conflict, match="queued"):
        steering.retry(job_id, again, max_queue=9)
    store.fail(claim(store, job_id), ErrorCode.OUT_OF_MEMORY, "no room")
    steering.retry(job_id, again, max_queue=9)
    assert read(store, again).request == REQUEST
    assert read(store, again).progress.steps == 8
    assert store.work(again).inputs == {"img_in": SHA}
    assert read(store, job_id).state is JobState.FAILED
    with pytest.raises(QueueFull):
        steering.retry(job_id, new_job_id(), max_queue=1)


def test_what_is_not_begun_in_time_fails(store: JobStore) -> None:
    late, soon = new_job_id(), new_job_id()
    for job_id, seconds in ((late, 0.05), (soon, 60.0)):
        request = REQUEST.model_copy(update={"start_within": seconds})
        store.submit(job_id, request, owner="local", steps=8, inputs={}, max_queue=9)
    time.sleep(0.06)
    store.reap(3)
    error = read(store, late).error
    assert error is not None
    assert error.code is ErrorCode.DEADLINE
    assert read(store, soon).state is JobState.QUEUED
    claim(store, soon)  # begun: the deadline is met, whatever happens later
    assert store.redis.zcard("darkroom:deadlines") == 0


def test_what_runs_past_its_time_stops_at_the_next_step(store: JobStore) -> None:
    told, reaped = new_job_id(), new_job_id()
    request = REQUEST.model_copy(update={"finish_within": 0.2, "start_within": 0.1})
    for job_id in (told, reaped):
        store.submit(job_id, request, owner="local", steps=8, inputs={}, max_queue=9)
    claims = {job_id: claim(store, job_id) for job_id in (told, reaped)}
    time.sleep(0.21)
    with store.listen(keys.CANCEL) as wishes:
        wishes.get_message(timeout=1)
        assert store.progress(claims[told], 1) is Verdict.LOST
        store.reap(3)
        assert [(wishes.get_message(timeout=1) or {}).get("data") for _ in range(2)] == [told, reaped]
    for job_id in (told, reaped):
        error = read(store, job_id).error
        assert error is not None
        assert error.code is ErrorCode.DEADLINE
        assert store.cancelled(claims[job_id])  # ended already, and by this claim: its checkpoint may go
        assert read(store, job_id).state is JobState.FAILED


def ask(store: JobStore, key: str, digest: str = "body", owner: str = "local", max_queue: int = 9) -> str:
    once = Once(key, digest)
    job = store.submit(new_job_id(), REQUEST, owner=owner, steps=8, inputs={}, max_queue=max_queue, once=once)
    return job.id


def test_the_same_key_and_request_are_one_job(store: JobStore) -> None:
    first = ask(store, "k")
    assert ask(store, "k", max_queue=1) == first  # even with the queue full
    assert store.replayed("local", Once("k", "body")) == first
    assert ask(store, "other") != first
    assert ask(store, "k", owner="else") != first
    assert store.counts() == (3, 0)
    ttl = store.redis.ttl(keys.idempotency("local", "k"))
    assert isinstance(ttl, int)
    assert 86_000 < ttl <= 86_400


def test_the_same_key_with_another_request_is_refused(store: JobStore) -> None:
    ask(store, "k")
    with pytest.raises(Conflict, match="Idempotency-Key"):
        ask(store, "k", "another body")
    with pytest.raises(Conflict, match="Idempotency-Key"):
        store.replayed("local", Once("k", "another body"))
    assert store.counts() == (1, 0)


def test_a_key_whose_job_is_gone_is_free_again(store: JobStore) -> None:
    first = ask(store, "k")
    store.delete_job(first)
    assert store.replayed("local", Once("k", "body")) is None
    assert ask(store, "k", "another body") != first


def test_jobs_for_a_model_that_nobody_has_any_more_fail_readably(store: JobStore, steering: Steering) -> None:
    known, lost = submit(store), new_job_id()
    other = REQUEST.model_copy(update={"model": "gone"})
    store.submit(lost, other, owner="local", steps=8, inputs={}, max_queue=9)
    time.sleep(0.01)
    assert steering.abandon(0.0) == []  # no worker at all: that is no reason
    worker = WorkerInfo(
        id="w", host="h", device="cpu", models=[MODEL], rows=0, busy=0, ready=True, heartbeat_at=datetime.now(UTC)
    )
    time.sleep(0.06)
    store.announce(worker)
    assert steering.abandon(0.05) == [lost]
    error = read(store, lost).error
    assert error is not None
    assert error.code is ErrorCode.MODEL_UNAVAILABLE
    assert read(store, known).state is JobState.QUEUED
