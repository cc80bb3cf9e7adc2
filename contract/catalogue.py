"""Samplers and noise schedules: ids, labels, what each can and what it takes. The words are k-diffusion's."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class SamplerId(StrEnum):
    DDPM = "ddpm"
    DDIM = "ddim"
    PLMS = "plms"
    LMS = "lms"
    EULER = "euler"
    EULER_A = "euler_a"
    HEUN = "heun"
    DPM2 = "dpm2"
    DPM2_A = "dpm2_a"
    DPMPP_2S_A = "dpmpp_2s_a"
    DPMPP_2M = "dpmpp_2m"
    DPMPP_SDE = "dpmpp_sde"
    DPMPP_2M_SDE = "dpmpp_2m_sde"
    DPMPP_3M_SDE = "dpmpp_3m_sde"
    UNIPC = "unipc"
    LCM = "lcm"
    RESTART = "restart"


class ScheduleId(StrEnum):
    NORMAL = "normal"
    KARRAS = "karras"
    EXPONENTIAL = "exponential"
    POLYEXPONENTIAL = "polyexponential"
    SGM_UNIFORM = "sgm_uniform"
    SIMPLE = "simple"
    DDIM = "ddim"
    BETA = "beta"
    KL_OPTIMAL = "kl_optimal"
    ALIGN_YOUR_STEPS = "align_your_steps"


class Option(BaseModel):
    """One request field that a sampler or schedule takes, and what it is where it is not given."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The request field.")
    default: float | None = Field(description="null: no limit, or what the model was trained with.")


class Sampler(BaseModel):
    """One way from noise to picture."""

    model_config = ConfigDict(frozen=True)

    name: SamplerId
    label: str = Field(description="Name to show to people.")
    description: str
    group: str = Field(description="Heading to list it under.")
    aliases: tuple[str, ...] = Field((), description="Other names that are taken for it.")
    order: int = Field(
        description="Order of accuracy: error falls with steps^-order; with noise, that of the distribution. "
        "0: it does not, a distilled model does the work."
    )
    evaluations: int = Field(description="U-Net evaluations per step; where there are two, the last step takes one.")
    adds_noise: bool = Field(description="Draws fresh noise at every step, so more steps give another picture.")
    options: tuple[Option, ...] = Field((), description="Request fields it takes beyond those of every sampler.")
    schedules: tuple[ScheduleId, ...] = Field(description="Schedules that suit it, best first; it takes them all.")


class Schedule(BaseModel):
    """One spacing of noise levels."""

    model_config = ConfigDict(frozen=True)

    name: ScheduleId
    label: str
    description: str
    aliases: tuple[str, ...] = Field((), description="Other names that are taken for it.")
    options: tuple[Option, ...] = Field((), description="Request fields it takes beyond those of every schedule.")


_FIRST, _STEADY, _NOISY, _DISTILLED = (
    "First choices",
    "The same picture, finer with more steps",
    "Fresh noise at every step",
    "For distilled models",
)

_ANCESTRAL = (Option(name="eta", default=1.0), Option(name="s_noise", default=1.0))
_CHURN = (
    Option(name="s_churn", default=0.0),
    Option(name="s_tmin", default=0.0),
    Option(name="s_tmax", default=None),
    Option(name="s_noise", default=1.0),
)
_BOUNDS = (Option(name="sigma_min", default=None), Option(name="sigma_max", default=None))

_OVER_SIGMA = (
    ScheduleId.KARRAS,
    ScheduleId.EXPONENTIAL,
    ScheduleId.ALIGN_YOUR_STEPS,
    ScheduleId.KL_OPTIMAL,
    ScheduleId.NORMAL,
)
_OVER_TIME = (ScheduleId.NORMAL, ScheduleId.DDIM, ScheduleId.SGM_UNIFORM, ScheduleId.SIMPLE)

SAMPLERS: tuple[Sampler, ...] = (
    Sampler(
        name=SamplerId.DPMPP_2M,
        label="DPM++ 2M",
        description="Reuses the previous step for second-order accuracy. The best first choice.",
        group=_FIRST,
        aliases=("DPMSolverMultistepScheduler",),
        order=2,
        evaluations=1,
        adds_noise=False,
        schedules=(*_OVER_SIGMA, ScheduleId.SGM_UNIFORM),
    ),
    Sampler(
        name=SamplerId.UNIPC,
        label="UniPC",
        description="Predicts, looks and corrects with what it saw, at the price of one look. Good from 8 steps.",
        group=_FIRST,
        aliases=("uni_pc", "uni_pc_bh2", "UniPCMultistepScheduler"),
        order=3,
        evaluations=1,
        adds_noise=False,
        schedules=(ScheduleId.NORMAL, ScheduleId.SGM_UNIFORM, ScheduleId.KARRAS),
    ),
    Sampler(
        name=SamplerId.EULER_A,
        label="Euler a",
        description="Adds a little fresh noise at every step; more steps give another picture, not a finer one.",
        group=_FIRST,
        aliases=("euler_ancestral", "EulerAncestralDiscreteScheduler"),
        order=1,
        evaluations=1,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=(ScheduleId.NORMAL, ScheduleId.SIMPLE, ScheduleId.KARRAS, ScheduleId.BETA),
    ),
    Sampler(
        name=SamplerId.DPMPP_2M_SDE,
        label="DPM++ 2M SDE",
        description="DPM++ 2M with fresh noise: a little more detail, from 20 steps.",
        group=_FIRST,
        order=2,
        evaluations=1,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.EULER,
        label="Euler",
        description="The plainest: one straight line per step.",
        group=_STEADY,
        aliases=("EulerDiscreteScheduler",),
        order=1,
        evaluations=1,
        adds_noise=False,
        options=_CHURN,
        schedules=(ScheduleId.NORMAL, ScheduleId.SIMPLE, ScheduleId.BETA, *_OVER_SIGMA[:3]),
    ),
    Sampler(
        name=SamplerId.HEUN,
        label="Heun",
        description="Looks at both ends of every step: second order, at twice the work.",
        group=_STEADY,
        aliases=("HeunDiscreteScheduler",),
        order=2,
        evaluations=2,
        adds_noise=False,
        options=_CHURN,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.DPM2,
        label="DPM2",
        description="Looks at the middle of every step: second order, at twice the work.",
        group=_STEADY,
        aliases=("dpm_2", "KDPM2DiscreteScheduler"),
        order=2,
        evaluations=2,
        adds_noise=False,
        options=_CHURN,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.LMS,
        label="LMS",
        description="Remembers four steps. Very accurate with many of them, shaky with few.",
        group=_STEADY,
        aliases=("LMSDiscreteScheduler",),
        order=4,
        evaluations=1,
        adds_noise=False,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.DDIM,
        label="DDIM",
        description="The first fast sampler; the same steps as Euler in other coordinates.",
        group=_STEADY,
        aliases=("DDIMScheduler",),
        order=1,
        evaluations=1,
        adds_noise=False,
        options=(Option(name="eta", default=0.0),),
        schedules=_OVER_TIME,
    ),
    Sampler(
        name=SamplerId.PLMS,
        label="PLMS",
        description="DDIM that remembers four steps. From 20 steps, and even ones: not for Karras and its like.",
        group=_STEADY,
        aliases=("PNDM", "PNDMScheduler"),
        order=2,
        evaluations=1,
        adds_noise=False,
        schedules=_OVER_TIME,
    ),
    Sampler(
        name=SamplerId.DPMPP_3M_SDE,
        label="DPM++ 3M SDE",
        description="Remembers two steps and adds fresh noise. Wants 30 steps and more.",
        group=_NOISY,
        order=2,
        evaluations=1,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=(ScheduleId.EXPONENTIAL, ScheduleId.KARRAS, ScheduleId.ALIGN_YOUR_STEPS),
    ),
    Sampler(
        name=SamplerId.DPMPP_SDE,
        label="DPM++ SDE",
        description="Two looks and fresh noise per step: good pictures in few steps, at twice the work.",
        group=_NOISY,
        aliases=("DPMSolverSDEScheduler",),
        order=2,
        evaluations=2,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.DPMPP_2S_A,
        label="DPM++ 2S a",
        description="Euler a with second-order steps, at twice the work.",
        group=_NOISY,
        aliases=("dpmpp_2s_ancestral",),
        order=2,
        evaluations=2,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.DPM2_A,
        label="DPM2 a",
        description="DPM2 with fresh noise at every step, at twice the work of Euler a.",
        group=_NOISY,
        aliases=("dpm2_ancestral", "dpm_2_ancestral", "dpm_2_a", "KDPM2AncestralDiscreteScheduler"),
        order=2,
        evaluations=2,
        adds_noise=True,
        options=_ANCESTRAL,
        schedules=_OVER_SIGMA,
    ),
    Sampler(
        name=SamplerId.RESTART,
        label="Restart",
        description="Heun that goes back up into the noise once or twice and comes down again. From 12 steps.",
        group=_NOISY,
        order=2,
        evaluations=2,
        adds_noise=True,
        options=(Option(name="s_noise", default=1.0),),
        schedules=(ScheduleId.KARRAS, ScheduleId.NORMAL),
    ),
    Sampler(
        name=SamplerId.DDPM,
        label="DDPM",
        description="The first of all: takes the training's noising back step by step. Wants hundreds of steps.",
        group=_NOISY,
        aliases=("DDPMScheduler",),
        order=1,
        evaluations=1,
        adds_noise=True,
        schedules=_OVER_TIME,
    ),
    Sampler(
        name=SamplerId.LCM,
        label="LCM",
        description="Only for models distilled to it (LCM): 4 to 8 steps, guidance 1 to 2. Blurs with all others.",
        group=_DISTILLED,
        aliases=("LCMScheduler",),
        order=0,
        evaluations=1,
        adds_noise=True,
        schedules=(ScheduleId.NORMAL, ScheduleId.SGM_UNIFORM),
    ),
)

SCHEDULES: tuple[Schedule, ...] = (
    Schedule(
        name=ScheduleId.KARRAS,
        label="Karras",
        description="Spends more steps on fine detail. Good with few steps.",
        options=(*_BOUNDS, Option(name="rho", default=7.0)),
    ),
    Schedule(
        name=ScheduleId.NORMAL,
        label="Normal",
        description="The noise levels the model was trained on, evenly spaced in time.",
        aliases=("uniform", "discrete"),
    ),
    Schedule(
        name=ScheduleId.EXPONENTIAL,
        label="Exponential",
        description="Every step takes the same share of the noise away.",
        options=_BOUNDS,
    ),
    Schedule(
        name=ScheduleId.ALIGN_YOUR_STEPS,
        label="Align Your Steps",
        description="Optimised for Stable Diffusion 1.5 in ten steps, and interpolated to others.",
        aliases=("AYS",),
    ),
    Schedule(
        name=ScheduleId.SGM_UNIFORM,
        label="SGM Uniform",
        description="Evenly spaced in time, and the last of them left out.",
        aliases=("sgm",),
    ),
    Schedule(
        name=ScheduleId.SIMPLE,
        label="Simple",
        description="Every so many of the trained noise levels.",
    ),
    Schedule(
        name=ScheduleId.BETA,
        label="Beta",
        description="Dense at both ends, for shapes and for fine detail.",
    ),
    Schedule(
        name=ScheduleId.KL_OPTIMAL,
        label="KL Optimal",
        description="The best spacing in theory, were pictures Gaussian.",
        options=_BOUNDS,
    ),
    Schedule(
        name=ScheduleId.POLYEXPONENTIAL,
        label="Polyexponential",
        description="Exponential, bent by rho: above 1 it spends more steps on fine detail.",
        options=(*_BOUNDS, Option(name="rho", default=1.0)),
    ),
    Schedule(
        name=ScheduleId.DDIM,
        label="DDIM",
        description="DDIM's own steps, for any sampler: it begins a little below the most noise.",
        aliases=("ddim_uniform",),
    ),
)

SAMPLER = {sampler.name: sampler for sampler in SAMPLERS}
SCHEDULE = {schedule.name: schedule for schedule in SCHEDULES}
