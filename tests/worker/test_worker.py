"""A worker with a real, tiny model on a real ledger: how it drains, breaks, and waits for storage."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.checkpoints import Checkpoints
from contract.deaths import Blame, Death
from contract.errors import ErrorCode
from contract.jobs import Job, JobState
from contract.requests import Txt2Img
from contract.settings import Settings
from contract.store import Claim, JobStore, Verdict
from tests.contract.ledger import read
from tests.worker.bench import Bench, at_work
from tests.worker.engine.tiny import tiny
from worker import patience
from worker.models.loader import Components

SHORT = Txt2Img(prompt="a cat", width=64, height=64, seed=7, steps=4, model="mini")
LONG = SHORT.model_copy(update={"steps": 1000})


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={"worker_name": "w", "drain_seconds": 0.3, "checkpoint_seconds": 3600.0, "beat_seconds": 0.2}
    )


@pytest.fixture
def bench(settings: Settings, components: Components) -> Iterator[Bench]:
    with at_work(settings, components) as bench:
        yield bench


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def until(look: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def begun(bench: Bench, pool: ThreadPoolExecutor, request: Txt2Img) -> tuple[str, "Future[Job]"]:
    """A job that has made some steps."""
    job_id = bench.submit(request, request.steps)
    running = pool.submit(bench.run, job_id)
    until(lambda: read(bench.store, job_id).progress.step >= 3)
    return job_id, running


def test_a_drain_hands_back_what_takes_long_with_a_last_checkpoint(
    bench: Bench, pool: ThreadPoolExecutor, settings: Settings
) -> None:
    job_id, running = begun(bench, pool, LONG)
    late = bench.submit(SHORT, 4)
    began = time.monotonic()
    bench.worker.drain()
    assert time.monotonic() - began < settings.drain_seconds + 30
    job = running.result(10)
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)
    assert Checkpoints(settings.checkpoints).newest(job_id), "none was due for an hour"
    assert bench.run(late).state is JobState.QUEUED, "it takes no more"
    assert bench.store.workers() == []


def test_a_worker_tells_of_its_model_and_its_memory(bench: Bench, settings: Settings) -> None:
    (told,) = bench.store.workers()
    assert (told.id, told.ready, told.busy, told.rows, told.device) == (settings.worker_name, True, 0, 0, "cpu")
    assert told.memory is not None
    assert 50_000_000 < told.memory.used < told.memory.total  # torch alone takes that


def test_a_drain_lets_short_jobs_end(bench: Bench, pool: ThreadPoolExecutor, settings: Settings) -> None:
    object.__setattr__(bench.worker._settings, "drain_seconds", 60.0)
    job_id = bench.submit(SHORT.model_copy(update={"steps": 40}), 40)
    running = pool.submit(bench.run, job_id)
    until(lambda: read(bench.store, job_id).state is JobState.RUNNING)
    bench.worker.drain()
    assert running.result(1).state is JobState.SUCCEEDED


def test_a_broken_device_hands_back_every_job_uncharged(bench: Bench, pool: ThreadPoolExecutor) -> None:
    jobs = [begun(bench, pool, LONG) for _ in range(2)]
    handle = bench.engine._runner.components.unet.register_forward_pre_hook(_break)
    ended = [running.result(60) for _, running in jobs]
    handle.remove()
    assert [(job.state, job.attempts) for job in ended] == [(JobState.QUEUED, 0)] * 2
    assert bench.engine.pulse.broken


def _break(*_: object) -> None:
    raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def test_a_dying_worker_frees_its_jobs_by_itself(bench: Bench, pool: ThreadPoolExecutor) -> None:
    job_id, running = begun(bench, pool, LONG)
    bench.worker.die(Death("hanging", Blame.JOB))
    assert read(bench.store, job_id).state is JobState.QUEUED
    assert bench.store.redis.hget(f"darkroom:job:{job_id}", "suspect") == "1"
    assert bench.store.workers() == []
    bench.engine.stop()
    running.result(60)
    assert (read(bench.store, job_id).state, read(bench.store, job_id).attempts) == (JobState.QUEUED, 1)


def test_a_finished_picture_waits_for_the_disk_while_the_lease_is_beaten(
    bench: Bench, settings: Settings, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = bench.pixels(bench.run(bench.submit(SHORT, 4)).images[0])
    blobs, aside = settings.blobs, tmp_path / "aside"
    blobs.rename(aside)
    blobs.write_bytes(b"a disk that takes nothing")
    beats: list[int] = []
    plain = JobStore.beat

    def beat(store: JobStore, claims: Iterable[Claim], lease_seconds: float) -> dict[Claim, Verdict]:
        held = list(claims)
        beats.append(len(held))
        return plain(store, held, lease_seconds)

    monkeypatch.setattr(JobStore, "beat", beat)
    job_id = bench.submit(SHORT, 4)
    running = pool.submit(bench.run, job_id)
    until(lambda: beats.count(1) >= 5)
    assert read(bench.store, job_id).state is JobState.RUNNING
    blobs.unlink()
    aside.rename(blobs)
    job = running.result(60)
    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 1)
    assert np.array_equal(bench.pixels(job.images[0]), expected)


def test_storage_that_stays_away_ends_the_job_and_no_other(
    bench: Bench, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    full = threading.Event()
    full.set()
    plain = type(bench.blobs).put

    def put(blobs: object, data: bytes) -> str:
        if full.is_set():
            raise OSError(28, "No space left on device")
        return plain(bench.blobs, data)

    monkeypatch.setattr(type(bench.blobs), "put", put)
    failed = bench.run(bench.submit(SHORT, 4))
    assert failed.state is JobState.FAILED
    assert failed.error
    assert (failed.error.code, failed.images) == (ErrorCode.STORAGE_ERROR, [])
    full.clear()
    assert bench.run(bench.submit(SHORT, 4)).state is JobState.SUCCEEDED
