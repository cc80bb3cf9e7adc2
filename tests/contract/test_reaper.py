"""The reaper with a real Celery queue and real bytes."""

import json
import time

import pytest

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.hints import UNREAD
from contract.jobs import JobState
from contract.library import Library
from contract.reaper import Reaper
from contract.settings import Settings
from contract.store import JobStore
from tests.contract.ledger import claim, read, submit


@pytest.fixture
def reaper(store: JobStore, library: Library, settings: Settings) -> Reaper:
    return Reaper(store, Blobs(settings.blobs), library, settings)


def hinted(store: JobStore) -> list[str]:
    """Job ids in the messages that wait in Celery's list, oldest first; read from the wire format."""
    raw = store.redis.lrange(UNREAD, 0, -1)
    assert isinstance(raw, list)
    return [json.loads(message)["headers"]["argsrepr"].strip("()',[]\"") for message in reversed(raw)]


def test_a_job_that_lost_its_worker_is_hinted_again(store: JobStore, reaper: Reaper) -> None:
    job_id = submit(store)
    claim(store, job_id, lease=-1.0)
    reaper.round(sweep=False)
    assert read(store, job_id).state is JobState.QUEUED
    assert hinted(store) == [job_id]
    reaper.round(sweep=False)
    assert hinted(store) == [job_id]  # one unread hint for one waiting job is enough


def test_one_process_of_many_reaps(store: JobStore) -> None:
    assert store.elect_reaper("a")
    assert not store.elect_reaper("b")


def test_bytes_go_an_hour_after_the_last_who_needed_them(store: JobStore, settings: Settings, reaper: Reaper) -> None:
    blobs = Blobs(settings.blobs)
    sha = blobs.put(b"bytes")
    job_id = submit(store, inputs={"img_a": sha})
    store.delete_job(job_id)
    reaper.round(sweep=True)
    assert blobs.get(sha) == b"bytes"
    store.redis.zadd("darkroom:garbage", {sha: time.time() * 1000 - 3_601_000})
    reaper.round(sweep=True)
    with pytest.raises(FileNotFoundError):
        blobs.get(sha)


def test_checkpoints_go_with_their_jobs(store: JobStore, settings: Settings, reaper: Reaper) -> None:
    """Also those that a late twin wrote after the end, and those of jobs that are forgotten."""
    checkpoints = Checkpoints(settings.checkpoints)
    waiting, running, ended, cancelled, deleted = (submit(store) for _ in range(5))
    claim(store, running)
    store.finish(claim(store, ended))
    store.cancel(cancelled)
    store.delete_job(deleted)
    for job_id in (waiting, running, ended, cancelled, deleted, "job_unknown"):
        checkpoints.keep(job_id, 1, b"bytes")
    reaper.round(sweep=True)
    assert set(checkpoints.jobs()) == {waiting, running}


def test_the_thread_does_its_rounds_and_stops(store: JobStore, reaper: Reaper) -> None:
    job_id = submit(store)
    claim(store, job_id, lease=-1.0)
    reaper.start()
    deadline = time.monotonic() + 10
    while read(store, job_id).state is not JobState.QUEUED and time.monotonic() < deadline:
        time.sleep(0.05)
    reaper.stop()
    reaper.join(5)
    assert not reaper.is_alive()
    assert read(store, job_id).state is JobState.QUEUED


def test_bytes_that_a_job_wants_since_the_sweep_looked_stay(
    store: JobStore, settings: Settings, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs(settings.blobs)
    wanted, unwanted = blobs.put(b"wanted"), blobs.put(b"unwanted")
    submit(store, inputs={"img_a": wanted})
    monkeypatch.setattr(store, "sweep", lambda: [wanted, unwanted])
    reaper.round(sweep=True)
    assert (blobs.has(wanted), blobs.has(unwanted)) == (True, False)
