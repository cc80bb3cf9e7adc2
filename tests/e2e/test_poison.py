"""A job that crashes its worker, under the real supervisor: it ends as a dead letter, its neighbours as pictures."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from contract.dead_letters import DeadLetters
from contract.errors import ErrorCode
from contract.ids import new_job_id
from contract.jobs import Job, JobState
from contract.requests import Txt2Img
from contract.settings import ROOT, Settings
from contract.store import JobStore, connect
from tests.conftest import RedisServer, plain_settings
from tests.e2e.stack import until

pytestmark = pytest.mark.timeout(1500)

SECONDS = 400.0  # four starts of a worker; each takes ten seconds with torch, but not where others share the cores
# The worker's app, the word that crashes it, and the neighbour's steps: six seconds of them.
PACED = ("tests.chaos.paced_app:app", "SEGFAULT", 120)
TORCH = ("tests.e2e.poisoned:app", "cyanide", 150)
SUPERVISOR = """
import os, sys
from dataclasses import replace
from pathlib import Path
from cli import services
from cli.supervisor import Supervisor
from cli.up import attended
from contract.settings import settings
worker = services.worker(settings())
argv = tuple(part.replace("worker.app:app", sys.argv[2]) for part in worker.argv)
worker = attended(replace(worker, argv=argv), settings())
sys.exit(Supervisor([worker], logs=Path(sys.argv[1]), env=os.environ).run("ready"))
"""


@pytest.fixture
def settings(redis_server: RedisServer, tmp_path: Path) -> Settings:
    return plain_settings(
        data=tmp_path / "data", redis_url=redis_server.url, worker_name="w", threads=1, drain_seconds=1
    )


@contextmanager
def supervised(settings: Settings, logs: Path, app: str) -> Iterator[subprocess.Popen[str]]:
    """A supervisor and a worker under it, of which this is the app."""
    with (logs / "supervisor.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, str(logs), app], cwd=ROOT, stdout=log, stderr=log, text=True,
            env={**settings.environ(), "PYTHONPATH": str(ROOT), "PACED_STEP": "0.05"},
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def submit(store: JobStore, settings: Settings, prompt: str, steps: int) -> str:
    request = Txt2Img(prompt=prompt, width=128, height=128, seed=7, steps=steps, model="mini", previews=False)
    job_id = new_job_id()
    store.submit(job_id, request, owner="local", steps=steps, inputs={}, max_queue=9)
    return job_id


def job(store: JobStore, job_id: str) -> Job:
    found = store.get(job_id)
    assert found is not None
    return found


def finished(store: JobStore, job_id: str) -> Job:
    return until(lambda: job(store, job_id), lambda found: found.state.final, SECONDS)


@pytest.mark.parametrize(
    ("app", "word", "steps"),
    [pytest.param(*PACED, id="paced"), pytest.param(*TORCH, id="torch", marks=pytest.mark.slow)],
)
def test_a_job_that_crashes_its_worker_ends_and_its_neighbour_does_not(
    settings: Settings, tmp_path: Path, app: str, word: str, steps: int
) -> None:
    store = JobStore(connect(settings))
    with supervised(settings, tmp_path, app) as supervisor:
        until(lambda: [w.ready for w in store.workers()], lambda found: found == [True], SECONDS)
        neighbour = submit(store, settings, "a red boat", steps)
        until(lambda: job(store, neighbour).progress.step, seconds=SECONDS)
        poison = submit(store, settings, word, 10)
        # The moment it is seen to die, not when its lease runs out.
        until(lambda: job(store, neighbour).state, lambda state: state is JobState.QUEUED, SECONDS)
        assert store.counts()[1] == 0
        dead, well = finished(store, poison), finished(store, neighbour)
        after = finished(store, submit(store, settings, "a black cat", 4))
        assert supervisor.poll() is None, "it gave up"
        children = psutil.Process(supervisor.pid).children(recursive=True)
    assert (dead.state, dead.attempts) == (JobState.FAILED, 3)
    assert dead.error
    assert dead.error.code is ErrorCode.WORKER_CRASHED
    letter = DeadLetters(store).get(poison)
    assert letter
    assert (letter.reason, letter.strikes, letter.request.prompt) == ("SIGSEGV", 2, word)
    assert (well.state, well.attempts, len(well.images)) == (JobState.SUCCEEDED, 2, 1)
    assert (after.state, after.attempts) == (JobState.SUCCEEDED, 1)
    assert (tmp_path / "supervisor.log").read_text().count("worker was ended by SIGSEGV") == 3
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
