"""Is it alive, can it work, how is it doing."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from api.deps import StoreDep
from api.problems import documented
from contract.errors import Unavailable

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Work will be done."""

    status: Literal["ready"] = "ready"
    workers: int = Field(description="Workers that are warm.")


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
