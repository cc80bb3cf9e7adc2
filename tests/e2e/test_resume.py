"""A worker killed in mid-job: the next one goes on from the checkpoint, and nobody can tell from the pictures."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli import services
from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.ids import new_job_id
from contract.jobs import Job, JobState
from contract.requests import Txt2Img
from contract.settings import ROOT, Settings
from contract.store import JobStore, connect
from tests.conftest import RedisServer, plain_settings
from tests.e2e.stack import until
from worker.checkpoint import unpack

pytestmark = pytest.mark.timeout(1500)

STEPS, SECONDS = 25, 400.0  # a start takes ten seconds, but not where five others share the cores
REQUEST = Txt2Img(
    prompt="a red boat on the sea", width=128, height=128, seed=7, steps=STEPS, count=3, sampler="dpmpp_2m_sde",
    guidance=4.0, model="mini",
)  # fmt: skip


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    """Room for two pictures at a time, so that the third begins when they are finished."""
    return plain_settings(
        data=tmp_path / "data", redis_url=redis_server.url, worker_name="w", threads=1, max_rows=4, beat_seconds=0.2,
        drain_seconds=0, checkpoint_seconds=0.1,
    )  # fmt: skip


@contextmanager
def worker(settings: Settings, store: JobStore) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process, once it is ready."""
    store.withdraw("w")  # one that was killed did not say goodbye
    argv = [sys.executable, *services.worker(settings).argv[1:]]
    with (settings.data.parent / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            argv, cwd=ROOT, env={**settings.environ(), "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log
        )
    try:
        until(lambda: [w.ready for w in store.workers()], lambda found: found == [True], SECONDS)
        yield process
    finally:
        process.kill()
        process.wait()


def counter(store: JobStore, name: str) -> int:
    return int(store.workers()[0].counters[name])


def job(store: JobStore, job_id: str) -> Job:
    found = store.get(job_id)
    assert found is not None
    return found


def submit(store: JobStore, settings: Settings) -> str:
    job_id = new_job_id()
    store.submit(job_id, REQUEST, owner="local", steps=3 * STEPS, inputs={}, max_queue=9)
    return job_id


def finished(store: JobStore, job_id: str, jobs: int) -> Job:
    """The job when it has ended, and its worker has told its counters since."""
    done = until(lambda: job(store, job_id), lambda found: found.state.final, SECONDS)
    until(lambda: counter(store, "jobs"), lambda count: count == jobs)
    return done


def pixels(blobs: Blobs, sha: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(blobs.get(sha))))


def test_a_killed_workers_job_is_gone_on_with(settings: Settings) -> None:
    store, blobs, checkpoints = JobStore(connect(settings)), Blobs(settings.blobs), Checkpoints(settings.checkpoints)

    def kept_of_the_third() -> int:
        data = checkpoints.newest(job_id) or b""
        traces = unpack(data, data[:64].decode())
        return len(traces[2].answers) if 2 in traces else 0

    with worker(settings, store) as first:
        warm_up = counter(store, "calls")
        job_id = submit(store, settings)
        until(kept_of_the_third, lambda answers: answers >= 5, SECONDS)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    broken = job(store, job_id)
    assert (broken.state, [image.index for image in broken.images]) == (JobState.RUNNING, [0, 1])
    kept = kept_of_the_third()
    assert 5 <= kept < STEPS
    with worker(settings, store):
        done = finished(store, job_id, jobs=2)
        calls = counter(store, "calls")
        unbroken = finished(store, submit(store, settings), jobs=3)
        calls_of_unbroken = counter(store, "calls") - calls
    assert (done.state, done.attempts, len(done.images)) == (JobState.SUCCEEDED, 2, 3)
    assert unbroken.state is JobState.SUCCEEDED
    assert calls_of_unbroken == 2 * STEPS, "two pictures together, then the third"
    assert calls - warm_up == STEPS - kept, "the rest of the third"
    assert done.images[:2] == broken.images, "with the time they were made"
    for resumed, whole in zip(done.images, unbroken.images, strict=True):
        np.testing.assert_array_equal(pixels(blobs, resumed.sha256), pixels(blobs, whole.sha256))
    assert checkpoints.jobs() == []
