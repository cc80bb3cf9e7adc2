"""What changes the order of the queue: pause and resume, move, retry; and what no worker can do any more."""

import json
from collections.abc import Mapping
from typing import Literal, cast

from pydantic import TypeAdapter

from contract import keys
from contract.errors import Conflict
from contract.jobs import JobState
from contract.kinds import JobRequest
from contract.store import JobStore
from contract.verification import Original

Place = int | Literal["first", "last", "earlier", "later"]  # from 0, beyond the end is the end; the last two are by one
_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


class Steering:
    """The same ledger, from the side of those who steer."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    # --- one's own jobs ----------------------------------------------------------------------------

    def pause(self, job_id: str) -> JobState | None:
        """Keep a job from running; a running one is handed back within a step. The state it was in."""
        return _state(self._store.run("pause", job_id))

    def resume(self, job_id: str) -> JobState | None:
        """Let a paused job run again, from its old place. The state it was in."""
        return _state(self._store.run("resume", job_id))

    def move(self, job_id: str, to: Place) -> None:
        """Put a waiting job somewhere else in its owner's line. Raises Conflict."""
        if not self._store.run("move", job_id, to):
            raise Conflict("Only a job that waits, and is not paused, has a place in the line.")

    def retry(self, job_id: str, new_id: str, *, max_queue: int, request_id: str = "") -> None:
        """Submit a failed or cancelled job again, as a new one: same request, seed, inputs and drawn prompts.

        Raises Conflict and QueueFull.
        """
        names = ("state", "request", "inputs", "drawn", "owner", "steps", "verifies")
        state, request, inputs, drawn, owner, steps, verifies = cast(
            "list[str]", self._store.redis.hmget(keys.job(job_id), list(names))
        )
        if state not in (JobState.FAILED, JobState.CANCELLED):
            raise Conflict(f"Only a failed or cancelled job can be tried again; this one is {state}.")
        self._store.submit(
            new_id,
            _REQUEST.validate_json(request),
            owner=owner,
            steps=int(steps),
            inputs=cast("Mapping[str, str]", json.loads(inputs)),
            max_queue=max_queue,
            drawn=[(prompt, negative) for prompt, negative in json.loads(drawn)],
            request_id=request_id,
            verifies=Original.model_validate_json(verifies) if verifies else None,
        )

    # --- the whole queue ---------------------------------------------------------------------------

    def hold(self) -> None:
        """No worker takes a job any more; those that run go on."""
        self._store.run("hold", 1)

    def let_go(self) -> list[str]:
        """Workers take jobs again; ids to hint."""
        return cast("list[str]", self._store.run("hold", 0))

    def held(self) -> bool:
        """Whether the whole queue is paused."""
        return bool(self._store.redis.exists(keys.PAUSE))

    def abandon(self, age_seconds: float) -> list[str]:
        """Fail the jobs whose model no worker has had for so long, while others were ready; their ids."""
        ready = any(worker.ready for worker in self._store.workers())
        return cast("list[str]", self._store.run("abandon", int(ready), int(age_seconds * 1000)))


def _state(word: str | None) -> JobState | None:
    return JobState(word) if word else None
