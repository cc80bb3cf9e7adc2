"""Jobs: submit, look, wait, cancel, list, delete."""

import time
from hashlib import sha256
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import REVIEW_SECONDS
from api.cursors import Cursor, read_cursor, write_cursor
from api.deps import OwnerDep, Services, ServicesDep, StayDep, StoreDep, VisibleDep
from api.direct import DirectRoute
from api.headers import unchanged
from api.kinds import resolve_any
from api.problems import documented
from api.resolve import Resolved
from contract import logs
from contract.deliveries import webhook_of
from contract.errors import BadRequest, Conflict, NotFound, QueueFull
from contract.estimates import cost_of, would_start
from contract.grid import MAX_CELLS, Grid
from contract.ids import new_job_id
from contract.jobs import Job, JobState
from contract.kinds import JobRequest
from contract.phrases import Phrase
from contract.requests import Priority
from contract.settings import Settings
from contract.steering import Steering
from contract.store import JobStore, Once
from contract.verification import Original

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], route_class=DirectRoute)


@router.post(
    "",
    status_code=202,
    response_model=Job,
    response_description="Accepted; it will end as pictures or as an error one can read.",
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}}}},
        **documented(409, 413, 415, 422, 429, 503),
    },
)
def submit_job(
    request: Annotated[JobRequest, Body()],
    services: ServicesDep,
    owner: OwnerDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=255,
            pattern=r"^[!-~]+$",
            description="The same key and request within a day: the same job, once.",
        ),
    ] = None,
) -> Response:
    """Submit a job.

    The answer's `request` has everything filled in: model, size and the seed that was drawn.
    """
    store = services.store
    once = Once(idempotency_key, sha256(request.model_dump_json().encode()).hexdigest()) if idempotency_key else None
    earlier = store.replayed(owner, once) if once else None
    job = find_job(store, earlier, owner) if earlier else _accept(request, services, owner, once)
    if job.progress.starts_in_seconds and not earlier:
        store.told(job.id, job.progress.starts_in_seconds, job.progress.eta_seconds)
    return _json(job.model_dump_json(), 202, {"Location": f"{router.prefix}/{job.id}"})


def _accept(request: JobRequest, services: Services, owner: str, once: Once | None) -> Job:
    store, settings = services.store, services.settings
    _refuse_webhook(request, settings)
    resolved = resolve_any(request, owner=owner, store=store, library=services.library, settings=settings)
    _refuse_hopeless(resolved, store, owner)
    return enqueue(resolved, services, owner, once=once)


def enqueue(
    resolved: Resolved, services: Services, owner: str, *, once: Once | None = None, verifies: Original | None = None
) -> Job:
    """Into the ledger, which rings the bell. once, verifies, what it raises: as `JobStore.submit`."""
    return services.store.submit(
        new_job_id(),
        resolved.request,
        owner=owner,
        steps=resolved.steps,
        inputs=resolved.inputs,
        drawn=resolved.drawn,
        max_queue=services.settings.max_queue,
        once=once,
        request_id=_request_id(),
        traceparent=services.tracing.traceparent(),
        verifies=verifies,
    )


def _refuse_webhook(request: JobRequest, settings: Settings) -> None:
    """Raises BadRequest for a webhook where none are sent."""
    if webhook_of(request) and not settings.webhooks:
        raise BadRequest(
            "This server sends no webhooks: leave it out, or have DARKROOM_WEBHOOKS switched on.",
            "base.webhook" if isinstance(request, Grid) else "webhook",
        )


def _refuse_hopeless(resolved: Resolved, store: JobStore, owner: str) -> None:
    """Raises QueueFull for a job that, as things stand, could not start in the time it gives."""
    request = resolved.request
    within = (request.base if isinstance(request, Grid) else request).start_within
    if within is None:
        return
    start = would_start(store.standing(request.model or ""), owner, cost_of(request, resolved.steps))
    if start is not None and start > within:
        raise QueueFull(
            Phrase("It would start in about {start} seconds, later than start_within allows", start=f"{start:.0f}"),
            start - within,
        )


class Listing(BaseModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    state: JobState | None = Field(None, description="Only jobs in this state.")
    kind: str | None = Field(None, max_length=40, description="Only jobs of this kind.")
    ended: bool = Field(False, description="Only jobs that are over, however they ended.")
    limit: int = Field(20, ge=1, le=100, description="Most jobs on a page.")
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")


class JobPage(BaseModel):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(description="Where the next page begins; null when there is none.")


@router.get("", responses=documented(422, 503))
def list_jobs(store: StoreDep, owner: VisibleDep, listing: Annotated[Listing, Query()]) -> JobPage:
    """List jobs, newest first."""
    jobs, rest = store.page(
        state=listing.state,
        kind=listing.kind,
        before=read_cursor(listing.cursor),
        limit=listing.limit,
        owner=owner,
        ended=listing.ended,
    )
    return JobPage(jobs=jobs, next_cursor=write_cursor(rest))


@router.get(
    "/{job_id:job}",
    response_model=Job,
    responses={304: {"description": "Unchanged since the `ETag` in `If-None-Match`."}, **documented(404, 422, 503)},
)
async def read_job(
    job_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    stay: StayDep,
    wait: Annotated[
        float,
        Query(
            ge=0, le=30, allow_inf_nan=False, description="Seconds to hold the answer for a change of state or step."
        ),
    ] = 0,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Look at a job, at once or as soon as it has changed."""
    job = _owned(await services.look(job_id), owner)
    if wait and not job.state.final:
        seen, ends = (job.state, job.progress.step), time.monotonic() + wait
        while (left := ends - time.monotonic()) > 0:
            if await services.changes.wait(job_id, seen, min(left, REVIEW_SECONDS)):
                break
            await stay.check()
        job = _owned(await services.look(job_id), owner)
    text = job.model_dump_json()
    tag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return Response(None, 304, headers) if unchanged(if_none_match, tag) else _json(text, 200, headers)


@router.get(
    "/{job_id:job}/preview",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {}}, "description": "The newest preview."},
        204: {"description": "There is none yet, or no more."},
        **documented(404, 422, 503),
    },
)
def read_preview(
    job_id: str,
    store: StoreDep,
    owner: OwnerDep,
    index: Annotated[
        int | None, Query(ge=0, le=MAX_CELLS - 1, description="Number of the picture; none = the newest of all.")
    ] = None,
) -> Response:
    """See a running job's picture as it stands."""
    if store.owner(job_id) != owner:
        raise _unknown()
    jpeg = store.newest_preview(job_id, index)
    headers = {"Cache-Control": "no-store"}
    return Response(jpeg, 200 if jpeg else 204, headers, "image/jpeg" if jpeg else None)


@router.post("/{job_id:job}/cancel", status_code=202, responses=documented(404, 409, 503))
def cancel_job(job_id: str, store: StoreDep, owner: OwnerDep) -> Job:
    """Cancel a job: a waiting one at once, a running one within one step."""
    find_job(store, job_id, owner)
    _not_over(store.cancel(job_id))
    return find_job(store, job_id, owner)


@router.post("/{job_id:job}/pause", status_code=202, responses=documented(404, 409, 503))
def pause_job(job_id: str, store: StoreDep, owner: OwnerDep) -> Job:
    """Pause a job: a waiting one at once, a running one within one step; it goes on from its last checkpoint."""
    find_job(store, job_id, owner)
    _not_over(Steering(store).pause(job_id))
    return find_job(store, job_id, owner)


@router.post("/{job_id:job}/resume", status_code=202, responses=documented(404, 409, 503))
def resume_job(job_id: str, store: StoreDep, owner: OwnerDep) -> Job:
    """Let a paused job run again, from its old place in the line."""
    find_job(store, job_id, owner)
    _not_over(Steering(store).resume(job_id))
    store.ring([job_id])
    return find_job(store, job_id, owner)


class Move(BaseModel):
    """Where to."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | Literal["first", "last", "earlier", "later"] = Field(
        description="Place among your own waiting jobs of this model, from 0; `earlier` and `later` are by one."
    )


@router.post("/{job_id:job}/move", status_code=202, responses=documented(404, 409, 413, 415, 422, 503))
def move_job(job_id: str, move: Annotated[Move, Body()], store: StoreDep, owner: OwnerDep) -> Job:
    """Move a waiting job among your own."""
    find_job(store, job_id, owner)
    Steering(store).move(job_id, move.to)
    return find_job(store, job_id, owner)


class Changes(BaseModel):
    """What is to be otherwise."""

    model_config = ConfigDict(extra="forbid")

    priority: Priority = Field(description="Who goes first among your own jobs.")


@router.patch("/{job_id:job}", responses=documented(404, 409, 413, 415, 422, 503))
def change_job(job_id: str, changes: Annotated[Changes, Body()], store: StoreDep, owner: OwnerDep) -> Job:
    """Give a waiting job, paused or not, another priority: it stands where it would if it had come with that one."""
    find_job(store, job_id, owner)
    Steering(store).prioritize(job_id, changes.priority)
    return find_job(store, job_id, owner)


@router.post(
    "/{job_id:job}/retry",
    status_code=202,
    responses={202: {"headers": {"Location": {"schema": {"type": "string"}}}}, **documented(404, 409, 422, 429, 503)},
)
def retry_job(job_id: str, services: ServicesDep, owner: OwnerDep, response: Response) -> Job:
    """Try a failed or cancelled job again: a new job with the same request, seed and inputs."""
    find_job(services.store, job_id, owner)
    new_id = new_job_id()
    Steering(services.store).retry(job_id, new_id, max_queue=services.settings.max_queue, request_id=_request_id())
    response.headers["Location"] = f"{router.prefix}/{new_id}"
    return find_job(services.store, new_id, owner)


@router.delete("/{job_id:job}", status_code=204, responses=documented(404, 503))
def delete_job(job_id: str, services: ServicesDep, owner: OwnerDep) -> None:
    """Delete a job and its pictures; a running one is cancelled first. For a minute the pictures can be had back."""
    find_job(services.store, job_id, owner)
    services.library.trash_job(job_id)  # first: where that fails, nothing has happened
    services.store.delete_job(job_id)
    services.library.trash_job(job_id)  # those that came meanwhile; the ledger takes no more


def find_job(store: JobStore, job_id: str, owner: str) -> Job:
    """Raises NotFound, for another's too."""
    return _owned(store.get(job_id), owner)


def _owned(job: Job | None, owner: str) -> Job:
    if job is None or job.owner != owner:
        raise _unknown()
    return job


def _json(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A job as it was written already: FastAPI would validate it once more, and a thousand clients poll."""
    return Response(text, status, headers, "application/json")


def _request_id() -> str:
    return logs.current().get("request", "")


def _not_over(state: JobState | None) -> None:
    if state is not None and state.final:
        raise Conflict(Phrase("The job is over already: {state}.", state=Phrase.of(state.value)))


def _unknown() -> NotFound:
    return NotFound("There is no job of this id; it may have been deleted.")
