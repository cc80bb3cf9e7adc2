"""The courier: a thread in every api process that brings the messages of ended jobs to their webhooks.

What it takes from the ledger is its own for `LEASE` seconds; if it dies meanwhile, another takes it after that. Few
places, and fewer for one owner, so that a receiver that never answers holds up its own owner's messages only.
"""

import logging
import random
import threading
import time
from collections import Counter
from datetime import datetime

from redis.exceptions import RedisError

from api.outbound import Outbound, Undeliverable
from contract.access import LOCAL, Keys
from contract.deliveries import Deliveries, Taken, message, webhook_of
from contract.jobs import Job
from contract.store import JobStore
from contract.webhooks import MOST_ATTEMPTS, PAUSES, Attempt, Standing, headers, message_id, place_of

log = logging.getLogger(__name__)

LEASE = 120.0  # seconds; more than looking up a name and an attempt take together
_PLACES, _SHARE = 8, 2  # attempts under way in this process, and those of one owner
_ALWAYS = {"Content-Type": "application/json", "User-Agent": "Darkroom"}
_GONE = 410  # the receiver wants no more of this


class Courier(threading.Thread):
    """Looks once a second what is due."""

    def __init__(self, store: JobStore, keys: Keys, outbound: Outbound, *, lease: float = LEASE) -> None:
        super().__init__(name="courier", daemon=True)
        self._store, self._keys, self._outbound, self._lease = store, keys, outbound, lease
        self._deliveries = Deliveries(store)
        self._stopping = threading.Event()
        self._busy: Counter[str] = Counter()  # owner → attempts under way
        self._lock = threading.Lock()

    def run(self) -> None:
        while not self._stopping.wait(1.0):
            try:
                for taken in self.take():
                    threading.Thread(target=self._carry, args=(taken,), name="delivery", daemon=True).start()
            except RedisError as error:
                log.warning("courier: %s; trying again", error)
            except Exception:
                log.exception("courier: unexpected")

    def take(self) -> list[Taken]:
        """What is due, as far as there are places for it; each has one until it is delivered."""
        with self._lock:
            busy = list(self._busy.elements())
        taken = self._deliveries.take(self._lease, most=_PLACES - len(busy), share=_SHARE, busy=busy)
        with self._lock:
            self._busy.update(each.owner for each in taken)
        return taken

    def deliver(self, taken: Taken) -> None:
        """One attempt, and what comes of it. Raises RedisError, and then another is made when the lease has ended."""
        try:
            job = self._store.get(taken.job_id)
            if job is None:  # deleted a moment ago
                return
            at, begun = self._store.now(), time.monotonic()
            revoked = self._revoked(taken.owner)
            status, error = (None, "its key is revoked") if revoked else self._send(job, at)
            seconds = round(time.monotonic() - begun, 3)
            attempt = Attempt(number=taken.number, at=at, seconds=seconds, status=status, error=error)
            over = revoked or status == _GONE or taken.number >= MOST_ATTEMPTS
            state: Standing = "delivered" if error is None else "given_up" if over else "waiting"
            self._deliveries.note(taken, attempt, state, _pause(taken.number) if state == "waiting" else 0.0)
        finally:
            with self._lock:
                self._busy.subtract([taken.owner])

    def _carry(self, taken: Taken) -> None:
        try:
            self.deliver(taken)
        except RedisError as error:
            log.warning("%s: its message will be sent again: %s", taken.job_id, error)
        except Exception:
            log.exception("%s: its message will be sent again", taken.job_id)

    def _send(self, job: Job, at: datetime) -> tuple[int | None, str | None]:
        """The status of the answer, and why it does not count as delivered; either may be none."""
        webhook = webhook_of(job.request)
        assert webhook is not None, "only jobs with a webhook are on the list"
        body = message(job)
        signed = headers(self._deliveries.signers(job.owner), message_id(job.id), int(at.timestamp()), body)
        try:
            status = self._outbound.post(place_of(webhook.url), {**_ALWAYS, **signed}, body)
        except Undeliverable as error:
            return None, str(error)
        return status, None if 200 <= status < 300 else f"the answer was {status}, where 200 to 299 mean that it came"

    def _revoked(self, owner: str) -> bool:
        """Whether nobody holds this owner's key any more."""
        key = self._keys.read(owner)
        return owner != LOCAL and (key is None or not key.alive(self._store.now()))

    def stop(self) -> None:
        """End within a second; an attempt under way may not be noted, and is then made again."""
        self._stopping.set()


def _pause(number: int) -> float:
    """Seconds from attempt `number` to the next one; not all that failed at once come again at once."""
    return PAUSES[number - 1] * random.uniform(1.0, 1.1)
