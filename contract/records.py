"""A job's hash in Redis, read into the model that clients see."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import TypeAdapter

from contract.estimates import Ahead
from contract.jobs import Image, Job, JobState, Problem, Progress
from contract.kinds import JobRequest

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


def utc(time: tuple[int, int]) -> datetime:
    """Redis' TIME: seconds and microseconds."""
    return datetime.fromtimestamp(time[0] + time[1] / 1e6, UTC)


def job_from(
    fields: Mapping[str, str], before: Ahead | None, images: Sequence[Image], preview: bool, now: datetime
) -> Job:
    """Build the Job. `before`: what goes before it while it waits; `preview`: there is one to show."""
    state = JobState(fields["state"])
    return Job(
        id=fields["id"],
        kind=fields["kind"],
        state=state,
        paused=fields.get("paused") == "1",
        created_at=_from_ms(fields["created_at"]),
        started_at=_from_ms(fields["started_at"]) if "started_at" in fields else None,
        finished_at=_from_ms(fields["finished_at"]) if "finished_at" in fields else None,
        request=_REQUEST.validate_json(fields["request"]),
        progress=_progress(fields, state, before, preview, now),
        images=list(images),
        error=Problem.model_validate({"code": fields["error_code"], "message": fields["error_message"]})
        if fields.get("error_code")
        else None,
        attempts=int(fields["attempts"]),
        owner=fields["owner"],
    )


def _progress(
    fields: Mapping[str, str], state: JobState, before: Ahead | None, preview: bool, now: datetime
) -> Progress:
    step, steps = int(fields["step"]), int(fields["steps"])
    if state is JobState.SUCCEEDED:
        step = steps
    eta = _rounded(before.end) if before else None
    if state is JobState.RUNNING and step:
        elapsed = (now - _from_ms(fields["started_at"])).total_seconds()
        eta = round(elapsed / step * (steps - step), 1)
    return Progress(
        step=step,
        steps=steps,
        fraction=step / steps,
        starts_in_seconds=_rounded(before.start) if before else None,
        position=before.jobs if before else None,
        eta_seconds=eta,
        preview_url=f"/api/v1/jobs/{fields['id']}/preview" if preview and state is JobState.RUNNING else None,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _from_ms(text: str) -> datetime:
    return datetime.fromtimestamp(float(text) / 1000, UTC)
