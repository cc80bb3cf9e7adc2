"""What there is to choose from: models, samplers, schedules."""

from fastapi import APIRouter

from api.deps import StoreDep
from api.problems import documented
from contract.catalogue import SAMPLERS, SCHEDULES, Sampler, Schedule
from contract.jobs import ModelInfo

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


@router.get("/models", responses=documented(503))
def list_models(store: StoreDep) -> list[ModelInfo]:
    """List the models that workers have published, with their native sizes."""
    return list(store.models().values())


@router.get("/samplers", responses=documented())
async def list_samplers() -> tuple[Sampler, ...]:
    """List the samplers, the best first choice first."""
    return SAMPLERS


@router.get("/schedules", responses=documented())
async def list_schedules() -> tuple[Schedule, ...]:
    """List the noise schedules, the best first choice first."""
    return SCHEDULES
