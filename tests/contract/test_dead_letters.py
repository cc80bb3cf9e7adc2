"""Poison: who becomes a suspect, how it runs, what counts against it, and where it ends."""

import signal
import time

import pytest

from contract import keys
from contract.dead_letters import DeadLetters
from contract.deaths import OUT_OF_MEMORY, Blame, Death, death
from contract.errors import ErrorCode, QueueFull
from contract.jobs import JobState
from contract.steering import Steering
from contract.store import JobStore
from tests.contract.ledger import REQUEST, SHA, claim, picture, read, submit

MOST = 10
SEGFAULT, KILLED, BROKEN = death(-signal.SIGSEGV), death(-signal.SIGKILL), death(71)


@pytest.fixture
def letters(store: JobStore) -> DeadLetters:
    return DeadLetters(store)


def crash(store: JobStore, job_id: str, how: Death, times: int = 1) -> None:
    """A worker takes the job and dies."""
    for _ in range(times):
        claim(store, job_id, worker="dies")
        assert store.bury("dies", MOST, how) == [job_id]


def kill(store: JobStore, **given: dict[str, str]) -> str:
    """A job that ends as a dead letter."""
    job_id = submit(store, **given)  # type: ignore[arg-type]
    crash(store, job_id, SEGFAULT, 3)
    return job_id


@pytest.mark.parametrize(
    ("status", "blame"),
    [
        (-signal.SIGSEGV, "job"), (-signal.SIGABRT, "job"), (-signal.SIGBUS, "job"), (-signal.SIGFPE, "job"),
        (70, "job"), (1, "job"), (137, "job"), (-signal.SIGKILL, "outside"), (-signal.SIGTERM, "outside"),
        (-64, "outside"), (-99, "outside"), (71, "none"), (0, "none"),
    ],
)  # fmt: skip
def test_whom_a_death_is_laid_to(status: int, blame: str) -> None:
    assert death(status).blame == blame
    assert death(status).reason


def test_a_kill_by_the_kernel_is_the_jobs_fault() -> None:
    assert death(-signal.SIGKILL, out_of_memory=True) == OUT_OF_MEMORY
    assert OUT_OF_MEMORY.blame is Blame.JOB
    assert death(-signal.SIGSEGV, out_of_memory=True).reason == "SIGSEGV"


def test_where_the_kernel_does_not_tell_a_kill_may_be_its_own() -> None:
    assert death(-signal.SIGKILL, out_of_memory=None).blame is Blame.CHANCE
    assert death(-signal.SIGTERM, out_of_memory=None).blame is Blame.OUTSIDE


def test_two_crashes_alone_end_the_job_and_the_first_in_company_is_none(store: JobStore, letters: DeadLetters) -> None:
    job_id = submit(store)
    for _ in range(2):
        crash(store, job_id, SEGFAULT)
        assert read(store, job_id).state is JobState.QUEUED
    crash(store, job_id, SEGFAULT)
    job, letter = read(store, job_id), letters.get(job_id)
    assert (job.state, job.attempts) == (JobState.FAILED, 3)
    assert job.error
    assert job.error.code is ErrorCode.WORKER_CRASHED
    assert job.error.message == "the worker crashed 3 times while making this, at last by SIGSEGV"
    assert letter
    assert (letter.request, letter.owner, letter.reason) == (REQUEST, "local", "SIGSEGV")
    assert (letter.strikes, letter.attempts) == (2, 3)
    assert store.counts() == (0, 0)


def test_kills_from_outside_count_from_the_fifth_on(store: JobStore) -> None:
    job_id = submit(store)
    crash(store, job_id, KILLED, 7)  # two in company, then five alone
    assert read(store, job_id).state is JobState.QUEUED
    crash(store, job_id, KILLED)
    assert read(store, job_id).state is JobState.FAILED
    assert read(store, job_id).attempts == 8


def test_whose_worker_was_killed_from_outside_goes_on_in_company_once(store: JobStore) -> None:
    jobs = [submit(store), submit(store)]
    for together in (True, False):
        for job_id in jobs:
            claim(store, job_id, worker="dies")
        assert sorted(store.bury("dies", MOST, KILLED)) == sorted(jobs)
        first, second = store.claim("w", 15), store.claim("w", 15)
        assert first
        assert first.job_id == jobs[0], "in its old place"
        assert (second is not None) == together
        for taken in filter(None, (first, second)):
            store.release(taken)


def test_an_end_that_nobody_saw_makes_suspects(store: JobStore) -> None:
    jobs = [submit(store), submit(store)]
    for job_id in jobs:
        claim(store, job_id, worker="dies")
    store.bury("dies", MOST)
    assert store.claim("w", 15)
    assert store.claim("w", 15) is None


def test_a_broken_device_a_release_and_an_orderly_end_never_count(store: JobStore) -> None:
    job_id = submit(store)
    crash(store, job_id, SEGFAULT, 2)
    for _ in range(10):
        crash(store, job_id, BROKEN)
        assert store.release(claim(store, job_id))
    assert read(store, job_id).attempts == 2
    crash(store, job_id, SEGFAULT)
    assert read(store, job_id).state is JobState.FAILED


def test_a_lease_that_ran_out_is_no_strike(store: JobStore) -> None:
    job_id = submit(store)
    for _ in range(4):
        claim(store, job_id, lease=0.0)
        time.sleep(0.002)
        assert store.reap(MOST) == [job_id]
    assert read(store, job_id).state is JobState.QUEUED


def test_the_overall_bound_ends_a_job_too(store: JobStore, letters: DeadLetters) -> None:
    job_id = submit(store)
    for _ in range(2):
        claim(store, job_id, worker="dies")
        store.bury("dies", 2, KILLED)
    assert read(store, job_id).state is JobState.FAILED
    assert letters.get(job_id)


def test_a_suspect_runs_alone_oldest_first(store: JobStore) -> None:
    first, second = submit(store), submit(store)
    for job_id in (first, second):
        claim(store, job_id, worker="dies")
    plain = submit(store)
    store.bury("dies", MOST, SEGFAULT)
    taken = store.claim("w", 15)
    assert taken
    assert taken.job_id == first, "before what came earlier and never crashed"
    assert store.claim("w", 15) is None
    assert store.finish(taken)
    taken = store.claim("w", 15)
    assert taken
    assert taken.job_id == second
    assert store.finish(taken)
    assert claim(store, plain)


def test_a_busy_worker_becomes_free_for_a_suspect_and_others_go_on(store: JobStore) -> None:
    own, others, poison = (submit(store) for _ in range(3))
    held = claim(store, own, worker="busy")
    claim(store, others, worker="other")
    claim(store, poison, worker="dies")
    plain = submit(store)
    store.bury("dies", MOST, SEGFAULT)
    assert store.claim("busy", 15) is None, "it lets its job end"
    assert claim(store, plain, worker="other")
    assert store.claim("other", 15) is None, "the suspect is not for one that holds others"
    store.finish(held)
    assert claim(store, poison, worker="busy")
    plain = submit(store)
    assert store.claim("busy", 15) is None
    assert claim(store, plain, worker="other")


def test_a_suspect_is_for_a_worker_with_its_model(store: JobStore) -> None:
    poison = submit(store)
    crash(store, poison, SEGFAULT)
    assert store.claim("w", 15, models=["another"]) is None
    taken = store.claim("w", 15, models=["another", "mini"])
    assert taken
    assert taken.job_id == poison


def test_a_paused_suspect_waits_and_is_one_still(store: JobStore) -> None:
    poison, steering = submit(store), Steering(store)
    crash(store, poison, SEGFAULT)
    steering.pause(poison)
    assert store.claim("w", 15) is None
    assert store.counts() == (1, 0)
    plain = submit(store)
    claim(store, plain, worker="w")
    steering.resume(poison)
    assert store.claim("w", 15) is None
    assert claim(store, poison, worker="free")


def test_a_worker_that_was_to_become_free_and_died_holds_nobody_up(store: JobStore) -> None:
    held, poison = submit(store), submit(store)
    claim(store, held, worker="busy")
    claim(store, poison, worker="dies")
    store.bury("dies", MOST, SEGFAULT)
    assert store.claim("busy", 15) is None
    store.bury("busy", MOST, SEGFAULT)
    taken = store.claim("new", 15)
    assert taken
    assert taken.job_id == held, "the older suspect"


def test_a_hint_that_was_turned_down_is_repeated_at_once(store: JobStore) -> None:
    poison, plain = submit(store), submit(store)
    crash(store, poison, SEGFAULT)
    taken = claim(store, poison, worker="w")
    assert store.claim("w", 15) is None
    assert store.reap(MOST, hint_age=5.0) == [plain]
    store.finish(taken)


def test_a_burial_has_the_next_round_of_the_reaper_due(store: JobStore) -> None:
    assert store.elect_reaper("me")
    assert not store.elect_reaper("you")
    crash(store, submit(store), KILLED)
    assert store.elect_reaper("you")


def test_a_cancelled_or_deleted_suspect_is_gone(store: JobStore) -> None:
    for end in (store.cancel, store.delete_job):
        job_id = submit(store)
        crash(store, job_id, SEGFAULT)
        end(job_id)
        assert store.counts() == (0, 0)
        assert store.claim("w", 15) is None


def test_a_silence_of_redis_costs_no_run(store: JobStore) -> None:
    job_id = submit(store)
    claim(store, job_id, lease=0.0)
    store.redis.set(keys.PREFIX + "reaped", _ms(store) - 9000)
    time.sleep(0.002)
    assert store.reap(MOST, lease_seconds=0.05) == []
    assert read(store, job_id).state is JobState.RUNNING
    time.sleep(0.1)
    assert store.reap(MOST) == [job_id]


def _ms(store: JobStore) -> float:
    seconds, micros = store.redis.time()
    return float(seconds * 1000 + micros / 1000)


def test_pages_of_letters_run_from_the_newest(store: JobStore, letters: DeadLetters) -> None:
    ids = [kill(store) for _ in range(5)]
    seen, before = [], None
    while True:
        page, before = letters.page("local", before=before, limit=2)
        seen += [letter.id for letter in page]
        if before is None:
            break
    assert seen == ids[::-1]
    assert letters.page("somebody else", before=None, limit=9) == ([], None)


def test_replay_is_a_new_job_of_the_same_request_with_nothing_against_it(store: JobStore, letters: DeadLetters) -> None:
    dead = kill(store, inputs={"img_in": SHA})
    new_id = letters.replay(dead, max_queue=9)
    assert new_id
    assert new_id != dead
    assert letters.get(dead) is None
    assert letters.replay(dead, max_queue=9) is None
    assert read(store, dead).state is JobState.FAILED
    assert (read(store, new_id).request, read(store, new_id).attempts) == (REQUEST, 0)
    assert store.work(new_id) == store.work(dead)
    crash(store, new_id, SEGFAULT, 2)
    assert read(store, new_id).state is JobState.QUEUED


def test_replaying_into_a_full_queue_keeps_the_letter_and_its_next_id(store: JobStore, letters: DeadLetters) -> None:
    dead, waiting = kill(store), submit(store)
    with pytest.raises(QueueFull):
        letters.replay(dead, max_queue=1)
    assert letters.get(dead)
    promised = store.name_replay(dead, "job_other")
    store.cancel(waiting)
    assert letters.replay(dead, max_queue=1) == promised


def test_letters_keep_their_inputs_until_they_are_purged(store: JobStore, letters: DeadLetters) -> None:
    dead = kill(store, inputs={"img_in": SHA})
    store.redis.delete(keys.job(dead))  # as retention does, some day
    store.redis.srem(keys.PREFIX + "refs:" + SHA, dead)
    assert letters.get(dead)
    time.sleep(0.002)
    assert store.sweep(0.0) == []
    assert letters.purge_all("local") == 1
    assert letters.purge_all("local") == 0
    time.sleep(0.002)
    assert store.sweep(0.0) == [SHA]


def test_deleting_the_job_deletes_its_letter(store: JobStore, letters: DeadLetters) -> None:
    dead = kill(store)
    store.delete_job(dead)
    assert letters.get(dead) is None
    assert letters.page("local", before=None, limit=9) == ([], None)


def test_there_are_never_more_than_a_thousand(store: JobStore, letters: DeadLetters) -> None:
    filler = {f"job_{n}": float(n) for n in range(1, 1000)}
    store.redis.zadd(keys.DEAD, filler)
    for n in (1, 2):
        store.redis.hset(keys.letter(f"job_{n}"), mapping={"inputs": "{}"})
    kill(store)
    assert store.redis.zcard(keys.DEAD) == 1000
    newest = kill(store)
    assert store.redis.zcard(keys.DEAD) == 1000
    assert not store.redis.exists(keys.letter("job_1"))
    assert store.redis.exists(keys.letter("job_2"), keys.letter(newest)) == 2


def test_a_late_twin_of_a_dead_letter_writes_nothing(store: JobStore) -> None:
    job_id = submit(store)
    crash(store, job_id, SEGFAULT, 2)
    late = claim(store, job_id, worker="dies")
    store.bury("dies", MOST, SEGFAULT)
    assert not store.add_picture(late, picture(job_id))
    store.finish(late)
    assert read(store, job_id).state is JobState.FAILED
