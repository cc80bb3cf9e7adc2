"""How a picture is sampled: the fields of a request that say so, and which of them go together."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from contract.catalogue import SAMPLER, SAMPLERS, SCHEDULE, SCHEDULES, Option, Sampler, SamplerId, Schedule, ScheduleId
from contract.names import find_sampler, find_schedule
from contract.phrases import Phrase

POLYEXPONENTIAL_RHO = 4.0  # above it the last of a thousand steps cannot be told apart


def _sampler(name: Any) -> Any:
    if not _is_text(name):
        return name
    sampler, schedule = find_sampler(name)
    if schedule is not None:
        raise ValueError(
            Phrase("says '{schedule}' and `schedule` says otherwise; leave one of them out", schedule=schedule)
        )
    return sampler


def _schedule(name: Any) -> Any:
    return find_schedule(name) if _is_text(name) else name


def _is_text(name: Any) -> bool:
    """Whether to look a name up; what else there is, halves of surrogate pairs among it, the enum refuses."""
    return isinstance(name, str) and name.isprintable()


SamplerName = Annotated[SamplerId, BeforeValidator(_sampler)]
ScheduleName = Annotated[ScheduleId, BeforeValidator(_schedule)]


class Sampling(BaseModel):
    """Sampler, schedule and their options. An option that the chosen one has not is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sampler: SamplerName = Field(
        SamplerId.DPMPP_2M,
        description="A name from /samplers, or what people call it: `DPM++ 2M Karras`, `k_euler_ancestral`.",
    )
    schedule: ScheduleName = Field(
        ScheduleId.KARRAS, description="A name from /schedules. `sampler` may say it too, at its end."
    )
    eta: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=1,
        description="Share of noise that is fresh at each step. null = the sampler's own, see /samplers.",
    )
    s_churn: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=1000,
        description="Noise put in at each step beyond the schedule's, summed over the steps (0).",
    )
    s_tmin: float | None = Field(None, strict=True, ge=0, le=5000, description="Sigma below which s_churn rests (0).")
    s_tmax: float | None = Field(
        None, strict=True, gt=0, le=5000, description="Sigma above which s_churn rests (no limit)."
    )
    s_noise: float | None = Field(None, strict=True, ge=0, le=2, description="Strength of the fresh noise (1).")
    sigma_min: float | None = Field(
        None,
        strict=True,
        ge=1e-4,
        le=1,
        description="Noise level of the last step. null = the smallest the model was trained on.",
    )
    sigma_max: float | None = Field(
        None,
        strict=True,
        gt=1,
        le=5000,
        description="Noise level of the first step. null = the largest the model was trained on.",
    )
    rho: float | None = Field(
        None,
        strict=True,
        ge=0.1,
        le=100,
        description="Bend of the schedule; above 1 more steps at its end. null = its own, see /schedules.",
    )

    @model_validator(mode="before")
    @classmethod
    def _split(cls, data: Any) -> Any:
        """`DPM++ 2M Karras` is a sampler and a schedule. What cannot be split is left for the fields to refuse."""
        if not isinstance(data, Mapping) or not _is_text(data.get("sampler")):
            return data
        try:
            sampler, schedule = find_sampler(data["sampler"])
            agree = schedule is not None and find_schedule(data.get("schedule", schedule)) == schedule
        except (ValueError, TypeError, AttributeError):
            return data
        return {**data, "sampler": sampler, "schedule": schedule} if agree else data

    @field_validator("eta", "s_churn", "s_tmin", "s_tmax", "s_noise")
    @classmethod
    def _of_the_sampler(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and "sampler" in info.data:
            _check(info.field_name, SAMPLER[info.data["sampler"]], SAMPLERS)
        return value

    @field_validator("sigma_min", "sigma_max", "rho")
    @classmethod
    def _of_the_schedule(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and "schedule" in info.data:
            _check(info.field_name, SCHEDULE[info.data["schedule"]], SCHEDULES)
            if info.field_name == "rho" and info.data["schedule"] == "polyexponential" and value > POLYEXPONENTIAL_RHO:
                raise ValueError(Phrase("goes up to {most} with polyexponential", most=f"{POLYEXPONENTIAL_RHO:.0f}"))
        return value

    @field_validator("s_tmax")
    @classmethod
    def _above_s_tmin(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and value < (info.data.get("s_tmin") or 0):
            raise ValueError("must not be below s_tmin")
        return value

    @property
    def sampler_options(self) -> dict[str, float]:
        """What was set of the sampler."""
        return self._set(SAMPLER[self.sampler].options)

    @property
    def schedule_options(self) -> dict[str, float]:
        """What was set of the schedule."""
        return self._set(SCHEDULE[self.schedule].options)

    def _set(self, options: tuple[Option, ...]) -> dict[str, float]:
        given = {option.name: getattr(self, option.name) for option in options}
        return {name: value for name, value in given.items() if value is not None}


def _check(field: str | None, chosen: Sampler | Schedule, others: tuple[Sampler, ...] | tuple[Schedule, ...]) -> None:
    if field not in {option.name for option in chosen.options}:
        able = ", ".join(each.name for each in others if field in {option.name for option in each.options})
        raise ValueError(
            Phrase("has no effect with {name}; those that take it are {able}", name=chosen.name, able=able)
        )
