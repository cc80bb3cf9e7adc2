"""What goes, when, and that nothing else does; and Redis' that must not be trusted."""

import logging
import os
import time
from pathlib import Path

import pytest

from contract import keys
from contract.blobs import Blobs
from contract.errors import DarkroomError
from contract.library import Library
from contract.reaper import Reaper
from contract.redis_check import refuse_evicting
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.conftest import RedisServer
from tests.contract.ledger import claim, picture, read, submit

DAY = 86_400_000


HOUR = 3_600_000


def aged(store: JobStore, folder: Path, *hashes: str) -> None:
    """These bytes were written, and became garbage if they are, more than an hour ago."""
    for sha in hashes:
        os.utime(folder / sha[:2] / sha, (time.time() - 7200, time.time() - 7200))
        store.redis.zadd(keys.GARBAGE, {sha: time.time() * 1000 - HOUR - 1000}, xx=True)


def test_finished_jobs_go_after_their_time_with_inputs_and_leave_their_pictures(
    store: JobStore, library: Library, settings: Settings
) -> None:
    blobs = Blobs(settings.blobs)
    made, given = blobs.put(b"made"), blobs.put(b"given")
    old, fresh, running, waiting = (submit(store, inputs={"img_in": given}) for _ in range(4))
    for job_id in (old, fresh):
        taken = claim(store, job_id)
        image = picture(job_id, sha=made)
        library.add(image, taken.token)
        store.add_picture(taken, image)
        store.finish(taken)
    begun = claim(store, running)
    store.redis.zincrby("darkroom:ended", -31 * DAY, old)
    limited = settings.model_copy(update={"keep_days": 30.0})
    reaper = Reaper(store, blobs, library, limited)
    reaper.round(sweep=True)
    assert store.get(old) is None
    assert store.image(picture(old).id) is None
    assert [read(store, i).state for i in (fresh, running, waiting)] == ["succeeded", "running", "queued"]
    assert store.image(picture(fresh).id) is not None
    for job_id in (fresh, running, waiting):
        store.delete_job(job_id)
    store.cancelled(begun)
    assert not store.redis.exists(keys.events(old))
    kept = library.get(picture(old).id)
    assert kept is not None
    aged(store, settings.blobs, made, given)
    reaper.round(sweep=True)
    assert blobs.get(kept.sha256) == b"made"
    with pytest.raises(FileNotFoundError):
        blobs.get(given)


def test_bytes_go_when_the_last_picture_of_them_has_left_the_trash(
    store: JobStore, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = Blobs(settings.blobs)
    sha = blobs.put(b"made")
    one, two = (picture(f"job_{name}", sha=sha) for name in "ab")
    reaper = Reaper(store, blobs, library, settings)
    for image in (one, two):
        library.add(image)
    library.trash([one.id, two.id])
    monkeypatch.setattr(library, "purge", lambda purge=library.purge: purge(-1.0))
    library.restore([two.id])
    for _ in "ab":
        reaper.round(sweep=True)
        aged(store, settings.blobs, sha)
    assert library.restore([one.id]) == []
    assert (blobs.get(sha), store.redis.zcard(keys.GARBAGE)) == (b"made", 0)
    assert blobs.stored(int(sha[:2], 16), 3600.0) == [sha]  # what the walk over its shelf finds ...
    assert reaper._unheld([sha]) == []  # ... and does not take for garbage
    library.trash([two.id])
    reaper.round(sweep=True)
    assert blobs.get(sha) == b"made"  # for an hour
    aged(store, settings.blobs, sha)
    reaper.round(sweep=True)
    with pytest.raises(FileNotFoundError):
        blobs.get(sha)


def test_what_the_library_lets_go_its_job_shows_no_more(store: JobStore, library: Library, settings: Settings) -> None:
    taken = claim(store, submit(store))
    image = picture(taken.job_id)
    library.add(image, taken.token)
    store.add_picture(taken, image)
    store.finish(taken)
    reaper = Reaper(store, Blobs(settings.blobs), library, settings)
    reaper.round(sweep=True)
    assert [each.id for each in read(store, taken.job_id).images] == [image.id]
    limited = settings.model_copy(update={"library_bytes": image.bytes - 1})
    Reaper(store, Blobs(settings.blobs), library, limited).round(sweep=True)
    assert (read(store, taken.job_id).images, library.get(image.id)) == ([], None)


def test_kept_for_ever_means_kept(store: JobStore, library: Library, settings: Settings) -> None:
    job_id = submit(store)
    store.finish(claim(store, job_id))
    store.redis.zincrby("darkroom:ended", -10_000 * DAY, job_id)
    forever = settings.model_copy(update={"keep_days": 0.0})
    Reaper(store, Blobs(settings.blobs), library, forever).round(sweep=True)
    assert read(store, job_id).state == "succeeded"


def test_bytes_without_a_record_are_swept_but_only_old_ones(store: JobStore, settings: Settings) -> None:
    blobs = Blobs(settings.blobs)
    orphan, young, used = blobs.put(b"orphan"), blobs.put(b"young"), blobs.put(b"used")
    submit(store, inputs={"img_in": used})
    for sha in (orphan, used):
        os.utime(settings.blobs / sha[:2] / sha, (time.time() - 7200, time.time() - 7200))
    for shelf in range(256):
        store.found(blobs.stored(shelf, 3600.0))
    time.sleep(0.002)
    assert store.sweep(3600.0) == []  # an hour more: somebody may be about to refer to it
    assert store.sweep(0.0) == [orphan]
    assert blobs.get(young) == b"young"


def test_a_redis_that_evicts_is_refused(redis_server: RedisServer, settings: Settings) -> None:
    client = connect(settings.model_copy(update={"redis_url": redis_server.url}))
    refuse_evicting(client)
    client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(DarkroomError, match=r"allkeys-lru.*noeviction"):
        refuse_evicting(client)


def test_a_redis_that_does_not_tell_is_warned_of(
    redis_server: RedisServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(settings.model_copy(update={"redis_url": redis_server.url}))
    client.acl_setuser("default", commands=["-config"])
    with caplog.at_level(logging.WARNING):
        refuse_evicting(client)
    assert "noeviction" in caplog.text
