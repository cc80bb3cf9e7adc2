"""Samplers and noise schedules: ids, labels, order, evaluations per step. The words are k-diffusion's."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SamplerId(StrEnum):
    EULER = "euler"
    EULER_A = "euler_a"
    DDIM = "ddim"
    DPMPP_2M = "dpmpp_2m"


class ScheduleId(StrEnum):
    NORMAL = "normal"
    KARRAS = "karras"


class Sampler(BaseModel):
    """One way from noise to picture."""

    model_config = ConfigDict(frozen=True)

    name: SamplerId
    label: str = Field(description="Name to show to people.")
    description: str
    order: int = Field(description="Order of accuracy: error falls with steps^-order.")
    evaluations: int = Field(description="U-Net evaluations per step.")
    adds_noise: bool = Field(description="Draws fresh noise at every step, so it never settles.")


class Schedule(BaseModel):
    """One spacing of noise levels."""

    model_config = ConfigDict(frozen=True)

    name: ScheduleId
    label: str
    description: str


SAMPLERS: tuple[Sampler, ...] = (
    Sampler(
        name=SamplerId.DPMPP_2M,
        label="DPM++ 2M",
        description="Reuses the previous step for second-order accuracy. The best first choice.",
        order=2,
        evaluations=1,
        adds_noise=False,
    ),
    Sampler(
        name=SamplerId.EULER,
        label="Euler",
        description="The plainest: one straight line per step.",
        order=1,
        evaluations=1,
        adds_noise=False,
    ),
    Sampler(
        name=SamplerId.EULER_A,
        label="Euler a",
        description="Adds a little fresh noise at every step; more steps give another picture, not a finer one.",
        order=1,
        evaluations=1,
        adds_noise=True,
    ),
    Sampler(
        name=SamplerId.DDIM,
        label="DDIM",
        description="The first fast sampler; the same steps as Euler in other coordinates.",
        order=1,
        evaluations=1,
        adds_noise=False,
    ),
)

SCHEDULES: tuple[Schedule, ...] = (
    Schedule(
        name=ScheduleId.KARRAS,
        label="Karras",
        description="Spends more steps on fine detail. Good with few steps.",
    ),
    Schedule(
        name=ScheduleId.NORMAL,
        label="Normal",
        description="The noise levels the model was trained on, evenly spaced in time.",
    ),
)
