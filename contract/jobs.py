"""Jobs as clients see them, and the table of states they may pass through."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contract.errors import ErrorCode
from contract.kinds import JobRequest
from contract.requests import Hires
from contract.verification import Verification


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return not TRANSITIONS[self]


# running → queued is a lost or released lease: the job waits again. Final states have no way out.
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.CANCELLED}),
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED},
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class Image(_Answer):
    """One stored picture. Generated ones also say which job made them and how."""

    id: str
    sha256: str = Field(description="Hash of the file's bytes.")
    url: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    format: Literal["png", "jpeg", "webp"]
    bytes: int
    created_at: datetime
    job_id: str | None = None
    index: int | None = Field(None, description="Number of the picture within its job, from 0.")
    seed: int | None = None
    role: Literal["output", "raw", "grid"] | None = Field(
        None,
        description="`raw` is what the decoder gave, before an inpainted picture is composited; `grid` shows all "
        "pictures of a grid with legends.",
    )


class StoredImage(Image):
    """An image as the ledger keeps it: with its owner and how it was made."""

    owner: str
    metadata: dict[str, Any] = Field(default_factory=dict)

    def public(self) -> Image:
        return Image.model_validate(self.model_dump(exclude={"owner", "metadata"}))


class Progress(_Answer):
    step: int = Field(description="Steps done, summed over the job's images.")
    steps: int
    fraction: float = Field(description="0 to 1.")
    position: int | None = Field(None, description="Jobs ahead of this one while it is queued.")
    starts_in_seconds: float | None = Field(None, description="Seconds until it starts, as far as can be told.")
    eta_seconds: float | None = Field(None, description="Seconds until it is done, as far as can be told.")
    preview_url: str | None = None


class Problem(_Answer):
    """Why a job failed."""

    code: ErrorCode
    message: str


class Job(_Answer):
    id: str
    kind: str
    state: JobState
    paused: bool = Field(False, description="Its owner paused it; it waits, and runs only after `resume`.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    request: JobRequest
    progress: Progress
    images: list[Image]
    error: Problem | None
    attempts: int
    owner: str
    worker: str | None = Field(None, description="The worker that develops it, or was the last to do so.")
    verification: Verification | None = Field(
        None, description="Of a job that makes a picture again to compare it: what came of it. It shows no picture."
    )


class ModelInfo(_Answer):
    """A model as a worker publishes it."""

    name: str
    label: str
    description: str
    hash: str = Field(description="SHA-256 over the weight files.")
    native_width: int = Field(description="Pixels.")
    native_height: int = Field(description="Pixels.")
    prediction: Literal["epsilon", "v_prediction"]
    text_layers: int = Field(description="Layers of the text encoder; clip_skip must be smaller.")
    guidance: float = Field(7.5, description="The guidance that suits it, which the page begins with.")
    hires: Hires = Field(Hires(), description="The second pass that suits it, which the page begins with.")


class MemoryUse(_Answer):
    """Memory of a worker's device: of a GPU its own, of a CPU the machine's."""

    used: int = Field(description="Bytes that this worker takes of it.")
    total: int = Field(description="Bytes that there are.")


class WorkerInfo(_Answer):
    """A worker as its heartbeat tells it."""

    id: str
    host: str
    device: str = Field(description="Its name, for people.")
    models: list[ModelInfo]
    memory: MemoryUse | None = Field(None, description="Null where the system does not tell.")
    rows: int = Field(description="Rows in flight: samples that the U-Net takes step by step.")
    busy: int = Field(description="Jobs it is developing.")
    ready: bool = Field(description="Its warm-up picture is made.")
    heartbeat_at: datetime
    counters: dict[str, float] = Field(default_factory=dict)
