"""What the ledger's scripts answer, read into the models that clients see."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from contract.estimates import Ahead, Line, Standing, foresee
from contract.jobs import Image, Job, JobState, Problem, Progress
from contract.kinds import JobRequest
from contract.verification import Original, Verification

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


@lru_cache(maxsize=1024)
def _request(text: str) -> JobRequest:
    """A request never changes, and is read with every look at its job."""
    return _REQUEST.validate_json(text)


def utc(time: Sequence[int | str]) -> datetime:
    """Redis' TIME: seconds and microseconds."""
    return datetime.fromtimestamp(int(time[0]) + int(time[1]) / 1e6, UTC)


def standing_from(answer: Any) -> Standing:
    """What lua/standing.lua tells."""
    lines, running, least, work, ms = answer
    found = [Line(owner, int(float(served)), int(jobs), int(backlog)) for owner, served, jobs, backlog in lines]
    speed = float(work) / float(ms) * 1000 if float(ms) and float(work) else None
    return Standing(found, int(running), float(least), speed)


def jobs_from(answer: Any) -> list[Job]:
    """What lua/look.lua tells."""
    time, rows, told = answer
    now = utc(time)
    standings = {model: standing_from(standing) for model, standing in _pairs(told)}
    jobs = []
    for flat, records, preview, place in rows:
        fields = dict(_pairs(flat))
        waits = place >= 0
        before = foresee(standings[fields["model"]], fields["owner"], place, int(fields["cost"])) if waits else None
        images = [Image.model_validate_json(record) for record in records]
        jobs.append(_job(fields, before, images, bool(preview), now))
    return jobs


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _job(fields: Mapping[str, str], before: Ahead | None, images: Sequence[Image], preview: bool, now: datetime) -> Job:
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
        request=_request(fields["request"]),
        progress=_progress(fields, state, before, preview, now),
        images=list(images),
        error=Problem.model_validate({"code": fields["error_code"], "message": fields["error_message"]})
        if fields.get("error_code")
        else None,
        attempts=int(fields["attempts"]),
        owner=fields["owner"],
        worker=fields.get("worker"),
        verification=_verification(fields),
    )


def _verification(fields: Mapping[str, str]) -> Verification | None:
    """What the worker found, or until then which picture is made again."""
    if "verdict" in fields:
        return Verification.model_validate_json(fields["verdict"])
    if "verifies" in fields:
        return Verification(image_id=Original.model_validate_json(fields["verifies"]).image_id)
    return None


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
