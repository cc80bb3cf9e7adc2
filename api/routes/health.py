"""Is it alive, can it work, what is it doing."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from api.deps import ServicesDep, StoreDep, ring
from api.problems import documented
from contract.errors import Unavailable
from contract.jobs import WorkerInfo
from contract.steering import Steering

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Work will be done."""

    status: Literal["ready"] = "ready"
    workers: int = Field(description="Workers that are warm.")


class Queue(BaseModel):
    """Who waits, and who works."""

    paused: bool = Field(description="No worker takes a job until the queue is resumed.")
    queued: int = Field(description="Jobs waiting.")
    running: int = Field(description="Jobs being developed.")
    workers: list[WorkerInfo] = Field(description="Those heard from in the last 15 seconds.")


@router.get("/api/v1/queue", responses=documented(503))
def read_queue(store: StoreDep) -> Queue:
    """See the queue and the workers."""
    queued, running = store.counts()
    return Queue(paused=Steering(store).held(), queued=queued, running=running, workers=store.workers())


@router.post("/api/v1/queue/pause", responses=documented(503))
def pause_queue(store: StoreDep) -> Queue:
    """Keep workers from taking jobs; those that run go on, and new ones are accepted."""
    Steering(store).hold()
    return read_queue(store)


@router.post("/api/v1/queue/resume", responses=documented(503))
def resume_queue(services: ServicesDep) -> Queue:
    """Let workers take jobs again."""
    for job_id in Steering(services.store).let_go():
        ring(services.celery, job_id)
    return read_queue(services.store)


@router.get("/healthz", responses=documented())
async def healthz() -> Alive:
    """Tell whether this process is alive."""
    return Alive()


@router.get("/readyz", responses=documented(503))
def readyz(store: StoreDep) -> Ready:
    """Tell whether work would be done: Redis answers, and a worker has made its warm-up picture."""
    workers = store.workers()
    warm = sum(worker.ready for worker in workers)
    if not warm:
        raise Unavailable("No worker is warm yet" if workers else "No worker is running")
    return Ready(workers=warm)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **documented()},
)
def metrics(request: Request) -> Response:
    """Give what Prometheus reads."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
