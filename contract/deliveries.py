"""Deliveries: what webhooks are sent, how that stands in the ledger, and the secrets it is signed with."""

import base64
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict, Field

from contract import keys
from contract.grid import Grid
from contract.jobs import Image, Job, JobState, Problem
from contract.kinds import JobRequest
from contract.store import JobStore
from contract.webhooks import Attempt, Delivery, Event, Standing, Webhook, WebhookSecret, message_id

_OVERLAP = timedelta(days=1)  # in which a secret that was replaced still signs


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class EndedJob(_Message):
    """A job that has ended, without its request: whoever may see that can ask for it."""

    id: str
    kind: str
    state: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    images: list[Image] = Field(description="Their urls are paths at the server that sends this, and need a key there.")
    error: Problem | None
    attempts: int = Field(description="Times it was started.")


class WebhookMessage(_Message):
    """What a webhook is sent."""

    type: Event
    timestamp: datetime = Field(description="When the job ended.")
    data: EndedJob


class Taken(NamedTuple):
    """A delivery that is ours for a while, for attempt `number`."""

    job_id: str
    owner: str
    number: int


class Deliveries:
    """The same ledger, from the side of those who deliver. Safe to share between threads."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def take(self, lease_seconds: float, *, most: int, share: int, busy: Collection[str] = ()) -> list[Taken]:
        """Deliveries that are due, for `lease_seconds`: at most `most`, and so many of one owner that he has `share`.

        busy: owners of those in hand, each as often as he has some.
        """
        taken = self._store.run("take_deliveries", int(lease_seconds * 1000), most, share, *busy)
        return [Taken(*each) for each in taken]

    def note(self, taken: Taken, attempt: Attempt, state: Standing, pause_seconds: float = 0.0) -> bool:
        """Write down what came of an attempt; False when the job is gone, or the lease ended and another has it."""
        noted = attempt.model_dump_json()
        return bool(
            self._store.run("note_delivery", taken.job_id, taken.number, noted, state, int(pause_seconds * 1000))
        )

    def read(self, job_id: str) -> Delivery:
        """How a job's message stands."""
        with self._store.redis.pipeline(transaction=True) as pipe:
            pipe.hget(keys.delivery(job_id), "state")
            pipe.lrange(keys.attempts(job_id), 0, -1)
            pipe.zscore(keys.DELIVERIES, job_id)
            state, attempts, due = pipe.execute()
        return Delivery(
            webhook_id=message_id(job_id),
            state=state or "none",
            attempts=[Attempt.model_validate_json(attempt) for attempt in attempts],
            next_at=None if due is None else datetime.fromtimestamp(due / 1000, UTC),
        )

    # --- secrets -----------------------------------------------------------------------------------

    def secret(self, owner: str) -> WebhookSecret:
        """What signs an owner's messages; made when it is first asked for."""
        key = keys.signing(owner)
        self._store.redis.hsetnx(key, "secret", _new_secret())
        kept = cast("dict[str, str]", self._store.redis.hgetall(key))
        until = datetime.fromisoformat(kept["until"]) if "until" in kept else None
        old = kept.get("replaced") if until and self._store.now() < until else None
        return WebhookSecret(secret=kept["secret"], replaced=old, replaced_until=until if old else None)

    def replace_secret(self, owner: str) -> WebhookSecret:
        """Make a new secret; for a day the one before signs too."""
        new = {
            "secret": _new_secret(),
            "replaced": self.secret(owner).secret,
            "until": (self._store.now() + _OVERLAP).isoformat(),
        }
        self._store.redis.hset(keys.signing(owner), mapping=cast("dict[Any, Any]", new))
        return self.secret(owner)

    def signers(self, owner: str) -> list[str]:
        """Every secret that signs."""
        secret = self.secret(owner)
        return [secret.secret, *filter(None, [secret.replaced])]


def webhook_of(request: JobRequest) -> Webhook | None:
    """A grid has its base's, as it has its priority."""
    return (request.base if isinstance(request, Grid) else request).webhook


def message(job: Job) -> bytes:
    """The body of a job's message: the same at every attempt, but for pictures deleted meanwhile."""
    assert job.finished_at is not None, "a message tells of an end"
    event = cast("Event", f"job.{job.state.value}")
    data = EndedJob.model_validate(job, from_attributes=True)
    return WebhookMessage(type=event, timestamp=job.finished_at, data=data).model_dump_json().encode()


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
