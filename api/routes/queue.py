"""The queue: its jobs in order, the workers, and what is done to all of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api.deps import StoreDep, VisibleDep, WhoDep
from api.problems import documented
from contract.estimates import Accuracy
from contract.jobs import Job, WorkerInfo
from contract.steering import Steering
from contract.stock import told_ends

router = APIRouter(prefix="/api/v1", tags=["queue"])


class Queue(BaseModel):
    """Who waits, and who works."""

    paused: bool = Field(description="No worker takes a job until the queue is resumed.")
    queued: int = Field(description="Jobs waiting.")
    running: int = Field(description="Jobs being developed.")
    workers: list[WorkerInfo] = Field(description="Those heard from in the last 15 seconds.")
    estimates: Accuracy


@router.get("/queue", responses=documented(503))
def read_queue(store: StoreDep) -> Queue:
    """See the queue and the workers."""
    queued, running = store.counts()
    return Queue(
        paused=Steering(store).held(),
        queued=queued,
        running=running,
        workers=store.workers(),
        estimates=told_ends(store),
    )


@router.post("/queue/pause", responses=documented(503))
def pause_queue(store: StoreDep) -> Queue:
    """Keep workers from taking jobs; those that run go on, and new ones are accepted."""
    Steering(store).hold()
    return read_queue(store)


@router.post("/queue/resume", responses=documented(503))
def resume_queue(store: StoreDep) -> Queue:
    """Let workers take jobs again."""
    store.ring(Steering(store).let_go())
    return read_queue(store)


class ActiveListing(BaseModel):
    """How much to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=100, description="Most jobs in the answer.")


class ActiveJobs(BaseModel):
    """Jobs that run or wait, in order."""

    jobs: list[Job] = Field(description="Those that run, then those that wait as their turns come, then paused ones.")
    total: int = Field(description="How many there are, listed or not.")


@router.get("/jobs/active", responses=documented(422, 503))
def list_active(store: StoreDep, owner: VisibleDep, listing: Annotated[ActiveListing, Query()]) -> ActiveJobs:
    """List the jobs that run or wait, in the order in which they are done."""
    jobs, total = Steering(store).active(owner, listing.limit)
    return ActiveJobs(jobs=jobs, total=total)


class Cleared(BaseModel):
    """What was taken out of the queue."""

    cancelled: int = Field(description="Jobs that waited and are cancelled now.")


@router.post("/jobs/clear", responses=documented(503))
def clear_jobs(store: StoreDep, who: WhoDep) -> Cleared:
    """Cancel all of your own jobs that wait, paused ones too; those that run go on."""
    return Cleared(cancelled=Steering(store).clear(who.owner))
