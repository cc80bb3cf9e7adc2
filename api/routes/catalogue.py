"""What there is to choose from: models, samplers, schedules."""

from fastapi import APIRouter

from api.deps import ServicesDep, StoreDep
from api.problems import documented
from contract.catalogue import SAMPLERS, SCHEDULES, Sampler, Schedule
from contract.jobs import ModelInfo
from contract.prompt.library import PromptLibrary, Style

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


@router.get("/styles", responses=documented())
def list_styles(services: ServicesDep) -> tuple[Style, ...]:
    """List the styles that `styles` may name: texts put around the prompts."""
    return PromptLibrary.read(services.settings.prompts).styles


@router.get("/wildcards", responses=documented())
def list_wildcards(services: ServicesDep) -> dict[str, int]:
    """List the wildcards that a prompt may name as `__name__`, with how many entries each has."""
    wildcards = PromptLibrary.read(services.settings.prompts).wildcards
    return {name: len(entries) for name, entries in wildcards.items()}
