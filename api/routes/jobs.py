"""Jobs: submit, look, wait, cancel, list, delete."""

import base64
import logging
import math
from typing import Annotated

from celery import Celery
from fastapi import APIRouter, Body, Query, Response
from kombu.exceptions import OperationalError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from api.bodies import StrictJSONRoute
from api.deps import OwnerDep, ServicesDep, StoreDep, VisibleDep
from api.kinds import resolve_any
from api.problems import documented
from contract.broker import send_hint
from contract.errors import Conflict, NotFound
from contract.grid import MAX_CELLS
from contract.ids import new_job_id
from contract.jobs import Job, JobState
from contract.kinds import JobRequest
from contract.store import JobStore

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], route_class=StrictJSONRoute)


@router.post(
    "",
    status_code=202,
    response_description="Accepted; it will end as pictures or as an error one can read.",
    responses={202: {"headers": {"Location": {"schema": {"type": "string"}}}}, **documented(413, 415, 422, 429, 503)},
)
def submit_job(
    request: Annotated[JobRequest, Body()], services: ServicesDep, owner: OwnerDep, response: Response
) -> Job:
    """Submit a job.

    The answer's `request` has everything filled in: model, size and the seed that was drawn.
    """
    store, settings = services.store, services.settings
    resolved = resolve_any(request, owner=owner, store=store, settings=settings)
    job_id = new_job_id()
    store.submit(
        job_id,
        resolved.request,
        owner=owner,
        steps=resolved.steps,
        inputs=resolved.inputs,
        drawn=resolved.drawn,
        max_queue=settings.max_queue,
    )
    _ring(services.celery, job_id)
    response.headers["Location"] = f"{router.prefix}/{job_id}"
    return _find(store, job_id, owner)


def _ring(celery: Celery, job_id: str) -> None:
    try:
        send_hint(celery, job_id)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no hint sent for %s: %s; the reaper will", job_id, error)


def _write_cursor(before: float) -> str:
    return base64.urlsafe_b64encode(repr(before).encode()).decode()


def _read_cursor(cursor: str) -> float:
    before = float(base64.b64decode(cursor, altchars=b"-_", validate=True))
    if not math.isfinite(before):
        raise ValueError(cursor)
    return before


def _check_cursor(cursor: str) -> str:
    try:
        _read_cursor(cursor)
    except ValueError:
        raise ValueError("is none of ours; take `next_cursor` of the page before") from None
    return cursor


class Listing(BaseModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    state: JobState | None = Field(None, description="Only jobs in this state.")
    kind: str | None = Field(None, max_length=40, description="Only jobs of this kind.")
    limit: int = Field(20, ge=1, le=100, description="Most jobs on a page.")
    cursor: Annotated[str, Field(max_length=100), AfterValidator(_check_cursor)] | None = Field(
        None, description="`next_cursor` of the page before."
    )


class JobPage(BaseModel):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next_cursor: str | None = Field(description="Where the next page begins; null when there is none.")


@router.get("", responses=documented(422, 503))
def list_jobs(store: StoreDep, owner: VisibleDep, listing: Annotated[Listing, Query()]) -> JobPage:
    """List jobs, newest first."""
    before = _read_cursor(listing.cursor) if listing.cursor else None
    jobs, rest = store.page(state=listing.state, kind=listing.kind, before=before, limit=listing.limit, owner=owner)
    return JobPage(jobs=jobs, next_cursor=None if rest is None else _write_cursor(rest))


@router.get("/{job_id:job}", response_model=Job, responses=documented(404, 422, 503))
async def read_job(
    job_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    wait: Annotated[
        float,
        Query(
            ge=0, le=30, allow_inf_nan=False, description="Seconds to hold the answer for a change of state or step."
        ),
    ] = 0,
) -> Response:
    """Look at a job, at once or as soon as it has changed."""
    job = await run_in_threadpool(_find, services.store, job_id, owner)
    if wait and not job.state.final:
        await services.changes.wait(job_id, (job.state, job.progress.step), wait)
        job = await run_in_threadpool(_find, services.store, job_id, owner)
    # Written here, not by FastAPI, which would validate it once more: a thousand clients poll this.
    return Response(job.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


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
    _find(store, job_id, owner)
    state = store.cancel(job_id)
    if state is not None and state.final:
        raise Conflict(f"The job is over already: {state.value}.")
    return _find(store, job_id, owner)


@router.delete("/{job_id:job}", status_code=204, responses=documented(404, 503))
def delete_job(job_id: str, store: StoreDep, owner: OwnerDep) -> None:
    """Delete a job and its pictures; a running one is cancelled first."""
    _find(store, job_id, owner)
    store.delete_job(job_id)


def _find(store: JobStore, job_id: str, owner: str) -> Job:
    job = store.get(job_id)
    if job is None or job.owner != owner:
        raise _unknown()
    return job


def _unknown() -> NotFound:
    return NotFound("There is no job of this id; it may have been deleted.")
