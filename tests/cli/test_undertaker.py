"""Whoever sees a worker die tells the ledger, on a real Redis."""

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.undertaker import Undertaker
from contract.dead_letters import DeadLetters
from contract.jobs import JobState, WorkerInfo
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.conftest import RedisServer
from tests.contract.ledger import claim, read, submit

NAME = "host-8000"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"worker_name": NAME})


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(connect(settings))


@pytest.fixture
def vmstat(tmp_path: Path) -> Path:
    file = tmp_path / "vmstat"
    file.write_text("nr_free_pages 7\noom_kill 3\n")
    return file


def alone(store: JobStore) -> str:
    """A suspect, running."""
    job_id = submit(store)
    for _ in range(2):
        claim(store, job_id, worker=NAME)
        if read(store, job_id).attempts == 1:
            store.bury(NAME, 9)
    return job_id


def test_a_death_frees_the_jobs_of_this_worker_only(settings: Settings, store: JobStore) -> None:
    mine, theirs = submit(store), submit(store)
    claim(store, mine, worker=NAME)
    claim(store, theirs, worker="other")
    undertaker = Undertaker(settings)
    assert undertaker.bury(-signal.SIGKILL)
    assert (read(store, mine).state, read(store, theirs).state) == (JobState.QUEUED, JobState.RUNNING)
    assert not undertaker.bury(-signal.SIGKILL), "it had no jobs"


@pytest.mark.parametrize(
    ("status", "strikes"), [(-signal.SIGSEGV, 2), (70, 2), (-signal.SIGKILL, 0), (71, 0)]
)  # two such deaths
def test_what_it_saw_is_what_counts(settings: Settings, store: JobStore, status: int, strikes: int) -> None:
    job_id, undertaker = alone(store), Undertaker(settings)
    assert undertaker.bury(status)
    claim(store, job_id, worker=NAME)
    assert undertaker.bury(status)
    letter = DeadLetters(store).get(job_id)
    assert (letter.strikes if letter else 0) == strikes


def test_a_kill_by_the_kernel_is_told_from_one_by_a_person(settings: Settings, store: JobStore, vmstat: Path) -> None:
    job_id, undertaker = alone(store), Undertaker(settings, vmstat)
    vmstat.write_text("oom_kill 4\n")
    undertaker.look()  # that was somebody else's
    undertaker.bury(-signal.SIGKILL)
    claim(store, job_id, worker=NAME)
    for kills in (5, 6):
        assert DeadLetters(store).get(job_id) is None
        vmstat.write_text(f"oom_kill {kills}\n")
        undertaker.bury(-signal.SIGKILL)
        undertaker.look()
        if kills == 5:
            claim(store, job_id, worker=NAME)
    letter = DeadLetters(store).get(job_id)
    assert letter
    assert (letter.reason, letter.strikes, letter.attempts) == ("running out of memory", 2, 4)


@pytest.mark.parametrize(("told", "suspects"), [("oom_kill 3\n", False), ("nr_free_pages 7\n", True)])
def test_only_a_kernel_that_tells_of_its_kills_clears_the_jobs(
    settings: Settings, store: JobStore, vmstat: Path, told: str, suspects: bool
) -> None:
    vmstat.write_text(told)
    undertaker, jobs = Undertaker(settings, vmstat), [submit(store), submit(store)]
    for job_id in jobs:
        claim(store, job_id, worker=NAME)
    undertaker.bury(-signal.SIGKILL)
    assert store.claim("another", 15)
    assert (store.claim("another", 15) is None) == suspects


def test_with_redis_away_it_buries_before_the_next_start(settings: Settings, redis_server: RedisServer) -> None:
    settings = settings.model_copy(update={"redis_url": redis_server.url})
    undertaker = Undertaker(settings)
    redis_server.stop()
    assert not undertaker.bury(-signal.SIGSEGV)
    undertaker.make_room()  # which keeps no worker from starting
    redis_server.start()
    store = JobStore(connect(settings))
    job_id = submit(store)
    claim(store, job_id, worker=NAME)
    undertaker.make_room()
    assert read(store, job_id).state is JobState.QUEUED
    claim(store, job_id, worker=NAME)
    undertaker.make_room()
    assert read(store, job_id).state is JobState.RUNNING, "it was buried twice for one death"


def test_a_dead_worker_is_no_longer_taken_for_one_that_is_ready(settings: Settings, store: JobStore) -> None:
    for name in (NAME, "other"):
        store.announce(
            WorkerInfo(
                id=name, host="host", device="cpu", models=[], rows=0, busy=0, ready=True,
                heartbeat_at=datetime.now(UTC),
            )
        )  # fmt: skip
    Undertaker(settings).make_room()
    assert [worker.id for worker in store.workers()] == ["other"]
