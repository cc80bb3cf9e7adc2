"""Jobs that crashed their worker twice while they ran alone: kept as they were submitted, to be looked at and replayed.

lua/alone.lua writes them, a thousand at most. They outlive the job itself, not its deletion by its owner.
"""

import json
from datetime import UTC, datetime
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contract import keys
from contract.ids import new_job_id
from contract.kinds import JobRequest
from contract.store import JobStore
from contract.verification import Original

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


class DeadLetter(BaseModel):
    """One job that is not tried again by itself."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The job's own id.")
    kind: str
    owner: str
    request: JobRequest
    reason: str = Field(description="What ended the worker the last time: a signal, an exit status.")
    strikes: int = Field(description="Crashes while nothing else ran on the worker.")
    attempts: int = Field(description="Times it was started.")
    died_at: datetime


class DeadLetters:
    """The list, newest first. Ids are those of the jobs that died."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def get(self, job_id: str) -> DeadLetter | None:
        fields = cast("dict[str, str]", self._store.redis.hgetall(keys.letter(job_id)))
        return _letter(fields) if fields else None

    def page(self, owner: str | None, *, before: float | None, limit: int) -> tuple[list[DeadLetter], float | None]:
        """At most `limit` that died before `before` (ms), and where the next page begins.

        owner: only his; None = everybody's.
        """
        top = f"({before}" if before is not None else "+inf"
        rows = cast(
            "list[tuple[str, float]]",
            self._store.redis.zrevrangebyscore(keys.DEAD, top, "-inf", withscores=True),
        )
        found: list[DeadLetter] = []
        for job_id, died_at in rows:
            letter = self.get(job_id)
            if letter is None or owner not in (None, letter.owner):
                continue
            if len(found) == limit:
                return found, before
            found.append(letter)
            before = died_at
        return found, None

    def replay(self, job_id: str, *, max_queue: int) -> str | None:
        """Submit the same request as a new job, and drop the letter; the new job's id, None where there is no letter.

        Asked twice, at once or after a crash halfway, it is one job. Raises QueueFull.
        """
        fields = cast("dict[str, str]", self._store.redis.hgetall(keys.letter(job_id)))
        new_id = self._store.name_replay(job_id, new_job_id())
        if not fields or new_id is None:
            return None
        self._store.submit(
            new_id,
            _REQUEST.validate_json(fields["request"]),
            owner=fields["owner"],
            steps=int(fields["steps"]),
            inputs=json.loads(fields["inputs"]),
            drawn=[(prompt, negative) for prompt, negative in json.loads(fields["drawn"])],
            max_queue=max_queue,
            verifies=Original.model_validate_json(fields["verifies"]) if "verifies" in fields else None,
        )
        self._store.purge([job_id])
        return new_id

    def purge(self, job_id: str) -> None:
        """Drop one; none there is no error."""
        self._store.purge([job_id])

    def purge_all(self, owner: str | None) -> int:
        """Drop all of an owner's, or everybody's; how many there were."""
        letters, _ = self.page(owner, before=None, limit=10**9)
        return self._store.purge([letter.id for letter in letters])


def _letter(fields: dict[str, str]) -> DeadLetter:
    return DeadLetter(
        id=fields["id"],
        kind=fields["kind"],
        owner=fields["owner"],
        request=_REQUEST.validate_json(fields["request"]),
        reason=fields["reason"],
        strikes=int(fields["strikes"]),
        attempts=int(fields["attempts"]),
        died_at=datetime.fromtimestamp(float(fields["died_at"]) / 1000, UTC),
    )
