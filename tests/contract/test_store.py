"""The ledger on a real Redis: each transition, who may make it, and what it leaves behind."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from contract import keys
from contract.errors import ErrorCode, QueueFull
from contract.hints import UNREAD
from contract.jobs import JobState, Problem
from contract.store import JobStore, Verdict
from tests.contract.ledger import REQUEST, SHA, claim, picture, read, submit


def test_a_submitted_job_reads_back_as_it_was_asked_for(store: JobStore) -> None:
    job = read(store, submit(store))
    assert (job.state, job.attempts, job.owner, job.kind) == (JobState.QUEUED, 0, "local", "txt2img")
    assert job.request == REQUEST
    assert (job.progress.step, job.progress.steps, job.progress.position) == (0, 8, 0)
    assert job.started_at is None
    assert job.finished_at is None


def test_submitting_an_id_again_changes_nothing(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id)
    store.submit(job_id, REQUEST, owner="else", steps=99, inputs={}, max_queue=1)
    assert read(store, job_id).state is JobState.RUNNING
    assert read(store, job_id).owner == "local"


def test_a_full_queue_takes_no_more_until_one_leaves(store: JobStore) -> None:
    first = submit(store, max_queue=2)
    submit(store, max_queue=2)
    with pytest.raises(QueueFull, match="2 jobs are waiting"):
        submit(store, max_queue=2)
    claim(store, first)
    submit(store, max_queue=2)
    assert store.counts() == (2, 1)


def test_position_counts_the_jobs_ahead(store: JobStore) -> None:
    ids = [submit(store) for _ in range(3)]
    assert [read(store, i).progress.position for i in ids] == [0, 1, 2]
    claim(store, ids[0])
    assert [read(store, i).progress.position for i in ids] == [None, 0, 1]


def test_of_many_claims_at_once_one_wins(store: JobStore) -> None:
    job_id = submit(store)
    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(lambda n: store.claim(f"w{n}", 15), range(32)))
    assert sum(c is not None for c in claims) == 1
    assert read(store, job_id).attempts == 1


def test_nothing_is_claimed_where_nothing_waits(store: JobStore) -> None:
    assert store.claim("w", 15) is None
    job_id = submit(store)
    store.finish(claim(store, job_id))
    assert store.claim("w", 15) is None


def test_progress_never_goes_back(store: JobStore) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    for step, seen in ((3, 3), (2, 3), (6, 6)):
        assert store.progress(taken, step) is Verdict.HELD
        assert read(store, job_id).progress.step == seen
    assert read(store, job_id).progress.fraction == 0.75


def test_finishing_twice_is_harmless_and_later_words_are_too_late(store: JobStore) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    assert store.finish(taken)
    assert store.finish(taken)
    assert store.fail(taken, ErrorCode.INTERNAL_ERROR, "late")
    job = read(store, job_id)
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert job.progress.fraction == 1.0
    assert store.progress(taken, 8) is Verdict.LOST


def test_a_failed_job_says_why(store: JobStore) -> None:
    job_id = submit(store)
    store.fail(claim(store, job_id), ErrorCode.NAN_IMAGE, "not a number")
    job = read(store, job_id)
    assert job.state is JobState.FAILED
    assert job.error == Problem(code=ErrorCode.NAN_IMAGE, message="not a number")


def test_a_lost_lease_runs_again_and_the_late_twin_is_fenced_off(store: JobStore) -> None:
    job_id = submit(store)
    late = claim(store, job_id, lease=0.05)
    assert store.reap(3) == []
    time.sleep(0.1)
    assert store.reap(3) == [job_id]
    again = claim(store, job_id, worker="other")
    assert again.token > late.token
    assert store.progress(late, 5) is Verdict.LOST
    assert not store.add_picture(late, picture(job_id))
    assert not store.finish(late)
    assert store.beat([late, again], 15) == {late: Verdict.LOST, again: Verdict.HELD}
    assert read(store, job_id).attempts == 2
    assert store.finish(again)
    assert read(store, job_id).state is JobState.SUCCEEDED


def test_a_beat_renews_the_lease(store: JobStore) -> None:
    job_id = submit(store)
    taken = claim(store, job_id, lease=0.05)
    assert store.beat([taken], 15) == {taken: Verdict.HELD}
    time.sleep(0.1)
    assert store.reap(3) == []
    assert read(store, job_id).state is JobState.RUNNING


def test_the_last_attempt_fails_the_job(store: JobStore) -> None:
    job_id = submit(store)
    for attempt in (1, 2):
        claim(store, job_id, lease=0.0)
        time.sleep(0.002)
        store.reap(2)
        assert read(store, job_id).attempts == attempt
    job = read(store, job_id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code is ErrorCode.WORKER_CRASHED


def test_a_released_job_waits_again_in_its_old_place_uncharged(store: JobStore) -> None:
    first, second = submit(store), submit(store)
    assert store.release(claim(store, first))
    job = read(store, first)
    assert (job.state, job.attempts, job.progress.position, job.started_at) == (JobState.QUEUED, 0, 0, None)
    assert read(store, second).progress.position == 1


def test_burying_a_worker_takes_only_its_own_jobs(store: JobStore) -> None:
    mine, theirs = submit(store), submit(store)
    claim(store, mine, worker="dead")
    claim(store, theirs, worker="alive")
    assert store.bury("dead", 3) == [mine]
    assert read(store, mine).state is JobState.QUEUED
    assert read(store, theirs).state is JobState.RUNNING


def test_cancelling_a_waiting_job_ends_it_and_a_running_one_is_told(store: JobStore) -> None:
    waiting, running = submit(store), submit(store)
    taken = claim(store, running)
    assert store.cancel(waiting) is JobState.QUEUED
    assert read(store, waiting).state is JobState.CANCELLED
    assert store.claim("w", 15) is None
    assert store.cancel(running) is JobState.RUNNING
    assert store.progress(taken, 1) is Verdict.CANCEL
    assert store.beat([taken], 15) == {taken: Verdict.CANCEL}
    assert store.cancelled(taken)
    assert store.cancel(running) is JobState.CANCELLED
    assert store.cancel("job_unknown") is None


def test_a_cancelled_job_whose_worker_dies_does_not_run_again(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id, lease=0.0)
    store.cancel(job_id)
    time.sleep(0.002)
    assert store.reap(3) == []
    assert read(store, job_id).state is JobState.CANCELLED


def test_pictures_of_a_second_run_replace_those_of_the_first(store: JobStore) -> None:
    job_id = submit(store)
    first = claim(store, job_id, worker="dead")
    assert store.add_picture(first, picture(job_id, 1))
    assert store.add_picture(first, picture(job_id, 0))
    store.bury("dead", 3)
    second = claim(store, job_id)
    other = "cd" * 32
    assert store.add_picture(second, picture(job_id, 0, other))
    assert [(i.index, i.sha256) for i in read(store, job_id).images] == [(0, other), (1, SHA)]


def test_hints_are_repeated_for_the_unheard_but_never_pile_up(store: JobStore) -> None:
    ids = [submit(store) for _ in range(3)]
    assert store.reap(3, hint_age=5.0) == []
    assert store.reap(3, hint_age=0.0, most=2) == ids[:2]
    store.redis.rpush(UNREAD, "hint", "hint", "hint")
    assert store.reap(3, hint_age=0.0) == []


def test_bytes_are_garbage_only_when_nobody_refers_to_them(store: JobStore) -> None:
    job_id = submit(store, inputs={"img_in": SHA})
    store.found([SHA])
    time.sleep(0.002)
    assert store.sweep(0.0) == []  # the job still needs its input
    assert store.work(job_id).inputs == {"img_in": SHA}
    store.delete_job(job_id)
    time.sleep(0.002)
    assert store.sweep(3600.0) == []
    assert store.sweep(0.0) == [SHA]


def test_a_deleted_picture_is_shown_by_its_job_no_more_until_it_is_back(store: JobStore) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    images = [picture(job_id, number) for number in range(2)]
    for image in images:
        assert store.add_picture(taken, image)
    store.hide([(images[0].id, job_id), ("img_sent", None)])
    assert store.image(images[0].id) is None
    assert [image.index for image in read(store, job_id).images] == [1]
    store.show(images[0])
    assert store.image(images[0].id) == images[0]
    assert [image.index for image in read(store, job_id).images] == [0, 1]
    store.finish(taken)
    store.delete_job(job_id)
    store.show(images[0])
    assert store.image(images[0].id) is None


def test_deleting_a_job_frees_its_pictures_and_inputs(store: JobStore) -> None:
    job_id = submit(store, inputs={"img_in": "cd" * 32})
    taken = claim(store, job_id)
    store.add_picture(taken, picture(job_id))
    store.finish(taken)
    store.delete_job(job_id)
    assert store.get(job_id) is None
    assert store.image(picture(job_id).id) is None
    time.sleep(0.002)
    assert sorted(store.sweep(0.0)) == [SHA, "cd" * 32]
    left = {str(key).removeprefix(keys.PREFIX) for key in store.redis.scan_iter(keys.PREFIX + "*")}
    assert left == {"fence", "turn", "served", "lanes", "speed:mini", "counters"}


def test_deleting_a_running_job_hides_it_now_and_removes_it_when_it_has_stopped(store: JobStore) -> None:
    job_id = submit(store)
    taken = claim(store, job_id)
    store.delete_job(job_id)
    assert store.get(job_id) is None
    assert store.progress(taken, 1) is Verdict.CANCEL
    assert not store.add_picture(taken, picture(job_id))
    assert store.cancelled(taken)
    assert not store.redis.exists(keys.job(job_id))


def test_pages_run_from_the_newest_and_join_without_gap_or_repeat(store: JobStore) -> None:
    ids = [submit(store) for _ in range(7)]
    store.cancel(ids[3])
    seen, before = [], None
    while True:
        jobs, before = store.page(state=JobState.QUEUED, kind=None, before=before, limit=2)
        seen += [job.id for job in jobs]
        if before is None:
            break
    assert seen == [i for i in reversed(ids) if i != ids[3]]


def test_every_change_is_told_to_listeners(store: JobStore) -> None:
    job_id, other = submit(store), submit(store)
    with store.listen(keys.changed(job_id)) as changes:
        changes.get_message(timeout=1)
        taken = claim(store, job_id)
        store.cancel(other)  # whoever listens to one job hears of no other
        store.progress(taken, 1)
        store.finish(taken)
        told = [changes.get_message(timeout=1) for _ in range(4)]
    assert [m and m["data"] for m in told] == [job_id] * 3 + [None]
