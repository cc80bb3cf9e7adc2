"""The queue in its order, and what changes it: pause and resume, move, retry, clear; and what no worker can do."""

import json
from collections.abc import Mapping
from typing import Literal, cast

from pydantic import TypeAdapter

from contract import keys
from contract.errors import Conflict
from contract.grid import Grid
from contract.jobs import Job, JobState
from contract.kinds import JobRequest
from contract.phrases import Phrase
from contract.requests import Priority
from contract.store import LEAD_MS, JobStore
from contract.verification import Original

Place = int | Literal["first", "last", "earlier", "later"]  # from 0, beyond the end is the end; the last two are by one
_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)
_CHANGED = "changed"  # what priority.lua says when somebody else was faster
_CLEARED_AT_ONCE = 500  # jobs; Redis does nothing else meanwhile


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

    def prioritize(self, job_id: str, priority: Priority) -> None:
        """Let a waiting job, a paused one too, be as if it had come with this priority. Raises Conflict.

        One that has it already is left alone, whatever it does; so is one that is gone.
        """
        said: str | None = _CHANGED
        while said == _CHANGED:
            text = cast("str | None", self._store.redis.hget(keys.job(job_id), "request"))
            if text is None or (before := _priority(_REQUEST.validate_json(text))) == priority:
                return
            shall = _with_priority(_REQUEST.validate_json(text), priority).model_dump(mode="json")
            more = LEAD_MS[priority] - LEAD_MS[before]
            said = self._store.run("priority", job_id, text, json.dumps(shall), more)
        if said is not None and said != JobState.QUEUED:
            told = Phrase.of(said)
            raise Conflict(Phrase("Only a job that waits can get another priority; this one is {state}.", state=told))

    def retry(self, job_id: str, new_id: str, *, max_queue: int, request_id: str = "") -> None:
        """Submit a failed or cancelled job again, as a new one: same request, seed, inputs and drawn prompts.

        Raises Conflict and QueueFull.
        """
        names = ("state", "request", "inputs", "drawn", "owner", "steps", "verifies")
        state, request, inputs, drawn, owner, steps, verifies = cast(
            "list[str]", self._store.redis.hmget(keys.job(job_id), list(names))
        )
        if state not in (JobState.FAILED, JobState.CANCELLED):
            raise Conflict(
                Phrase(
                    "Only a failed or cancelled job can be tried again; this one is {state}.", state=Phrase.of(state)
                )
            )
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

    def clear(self, owner: str) -> int:
        """Cancel all of an owner's jobs that wait, paused ones too; how many it were."""
        cleared, most = 0, _CLEARED_AT_ONCE
        while most == _CLEARED_AT_ONCE:
            most = int(self._store.run("clear", owner, _CLEARED_AT_ONCE))
            cleared += most
        return cleared

    # --- the whole queue ---------------------------------------------------------------------------

    def active(self, owner: str | None, limit: int) -> tuple[list[Job], int]:
        """At most `limit` jobs that run or wait, in order, and how many there are in all. owner: only his; None = all.

        First those that run, longest first; then those that wait, as their turns come; then those that are paused.
        """
        number, ids = self._store.run("active", owner or "", limit)
        jobs = self._store.get_many(ids)
        return sorted((job for job in jobs if not job.state.final), key=_turn), int(number)

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


def _priority(request: JobRequest) -> Priority:
    return (request.base if isinstance(request, Grid) else request).priority


def _with_priority(request: JobRequest, priority: Priority) -> JobRequest:
    if isinstance(request, Grid):
        return request.model_copy(update={"base": request.base.model_copy(update={"priority": priority})})
    return request.model_copy(update={"priority": priority})


def _state(word: str | None) -> JobState | None:
    return JobState(word) if word else None


def _turn(job: Job) -> tuple[int, float, float]:
    """Sorts the queue. A suspect, which has no place in a line, goes before those that have."""
    since = (job.started_at or job.created_at).timestamp()
    if job.state is JobState.RUNNING:
        return 0, 0.0, since
    position = job.progress.position
    return (2, 0.0, since) if job.paused else (1, -1.0 if position is None else float(position), since)
