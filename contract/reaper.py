"""The reaper: a thread in every process that puts lost jobs back, repeats hints and removes bytes nobody needs."""

import logging
import secrets
import threading
import time
from functools import partial

from redis.exceptions import RedisError

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.library import Library
from contract.settings import Settings
from contract.steering import Steering
from contract.store import JobStore

log = logging.getLogger(__name__)

_SWEEP_EVERY = 60  # rounds
_ABANDON_SECONDS = 600.0  # so long a job waits for a worker that has its model


class Reaper(threading.Thread):
    """Once a second one process of all does the round; that two might is harmless, each step is idempotent."""

    def __init__(self, store: JobStore, blobs: Blobs, library: Library, settings: Settings) -> None:
        super().__init__(name="reaper", daemon=True)
        self._store, self._blobs, self._library, self._settings = store, blobs, library, settings
        self._checkpoints = Checkpoints(settings.checkpoints)
        self._stopping = threading.Event()
        self._me = secrets.token_hex(8)
        self._born = time.monotonic()

    def run(self) -> None:
        rounds = 0
        while not self._stopping.wait(1.0):
            try:
                if self._store.elect_reaper(self._me):
                    self.round(sweep=rounds % _SWEEP_EVERY == 0)
                    rounds += 1
            except (RedisError, OSError) as error:
                log.warning("reaper: %s; trying again", error)
            except Exception:
                log.exception("reaper: unexpected")

    def round(self, *, sweep: bool) -> None:
        """One round."""
        unheard = self._store.reap(self._settings.max_attempts, lease_seconds=self._settings.lease_seconds)
        self._store.ring(unheard)
        if sweep:
            if time.monotonic() - self._born > _ABANDON_SECONDS:  # after an outage workers need time to come back
                for job_id in Steering(self._store).abandon(_ABANDON_SECONDS):
                    log.warning("%s failed: no worker has its model any more", job_id)
            if self._settings.keep_days:
                self._store.retire(self._settings.keep_days * 86_400)
            held = self._checkpoints.jobs()
            for job_id in set(held) - self._store.unfinished(held):
                self._checkpoints.clear(job_id)
            self._sweep()

    def _sweep(self) -> None:
        """Let go of what the library is to keep no longer, and of bytes that nobody has needed for an hour."""
        for gone in self._library.expire(self._settings.library_days * 86_400, self._settings.library_bytes):
            self._store.hide(gone)
        for hashes in self._library.purge():
            self._store.found(self._unheld(hashes))
        shelf = int(time.time() / 60) % 256  # so each is looked over every four hours, by whoever reaps then
        self._store.found(self._unheld(self._blobs.stored(shelf, 3600.0)))
        self._blobs.tidy(shelf, 3600.0)
        for sha in self._store.sweep():
            self._library.sweep(sha, partial(self._remove, sha))

    def _remove(self, sha: str) -> None:
        if not self._store.referred([sha]):  # a job may have come since
            self._blobs.delete(sha)

    def _unheld(self, hashes: list[str]) -> list[str]:
        """Those that no picture of the library has."""
        held = self._library.held(hashes)
        return [sha for sha in hashes if sha not in held]

    def stop(self) -> None:
        """End within a second."""
        self._stopping.set()
