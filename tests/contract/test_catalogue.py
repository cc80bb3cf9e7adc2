"""What the catalogue tells of samplers and schedules, the names it knows them by, and what may be set of them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.catalogue import SAMPLER, SAMPLERS, SCHEDULE, SCHEDULES, SamplerId, ScheduleId
from contract.kinds import JobRequest
from contract.names import find_sampler, find_schedule
from contract.requests import Request, Txt2Img
from contract.sampling import Sampling

ADAPTER: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)

# What other tools call them: A1111's and ComfyUI's menus, k-diffusion's functions, diffusers' classes.
NAMES = {
    "DPM++ 2M Karras": ("dpmpp_2m", "karras"),
    "DPM++ SDE Karras": ("dpmpp_sde", "karras"),
    "DPM++ 2M SDE Exponential": ("dpmpp_2m_sde", "exponential"),
    "DPM++ 2M SDE": ("dpmpp_2m_sde", None),
    "DPM++ 3M SDE Karras": ("dpmpp_3m_sde", "karras"),
    "DPM++ 2S a Karras": ("dpmpp_2s_a", "karras"),
    "DPM2 a Karras": ("dpm2_a", "karras"),
    "DPM2": ("dpm2", None),
    "Euler a": ("euler_a", None),
    "euler A": ("euler_a", None),
    "Euler": ("euler", None),
    "Heun": ("heun", None),
    "LMS Karras": ("lms", "karras"),
    "DDIM": ("ddim", None),
    "PLMS": ("plms", None),
    "UniPC": ("unipc", None),
    "LCM": ("lcm", None),
    "Restart": ("restart", None),
    "k_euler_ancestral": ("euler_a", None),
    "k_dpm_2_ancestral": ("dpm2_a", None),
    "k_dpmpp_2m": ("dpmpp_2m", None),
    "k_lms": ("lms", None),
    "sample_dpmpp_2s_ancestral": ("dpmpp_2s_a", None),
    "dpmpp_2m_sde_gpu": ("dpmpp_2m_sde", None),
    "dpmpp_3m_sde_gpu": ("dpmpp_3m_sde", None),
    "uni_pc": ("unipc", None),
    "DPM++ 2M SGM Uniform": ("dpmpp_2m", "sgm_uniform"),
    "Euler DDIM Uniform": ("euler", "ddim"),
    "euler ays": ("euler", "align_your_steps"),
    "EulerAncestralDiscreteScheduler": ("euler_a", None),
    "DPMSolverMultistepScheduler": ("dpmpp_2m", None),
    "PNDMScheduler": ("plms", None),
    "UniPCMultistepScheduler": ("unipc", None),
    "LCMScheduler": ("lcm", None),
}


@pytest.mark.parametrize(("name", "meant"), NAMES.items())
def test_names_people_type_elsewhere(name: str, meant: tuple[str, str | None]) -> None:
    assert find_sampler(name) == meant
    request = Txt2Img.model_validate({"prompt": "", "sampler": name})
    assert (request.sampler, request.schedule) == (meant[0], meant[1] or "karras")


@pytest.mark.parametrize("sampler", SamplerId)
@pytest.mark.parametrize("schedule", ScheduleId)
def test_every_label_and_id_with_every_schedule(sampler: SamplerId, schedule: ScheduleId) -> None:
    for first in (SAMPLER[sampler].label, sampler.value, *SAMPLER[sampler].aliases):
        assert find_sampler(first) == (sampler, None)
        for last in (SCHEDULE[schedule].label, schedule.value):
            assert find_sampler(f"{first} {last}") == (sampler, schedule)
    assert find_schedule(SCHEDULE[schedule].label) == find_schedule(schedule.value) == schedule


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("euler_b", "near ones are 'euler', 'euler_a'"),
        ("DPM++ 2M Carras", "near ones are 'dpmpp_2m'"),
        ("dpmpp_2n", "near ones are 'dpmpp_2m'"),
        ("hoin", "near ones are 'heun'"),
        ("no such thing", "there are 'dpmpp_2m', 'unipc', "),
    ],
)
def test_an_unknown_name_is_told_near_ones(name: str, near: str) -> None:
    with pytest.raises(ValueError, match="no sampler's name") as refusal:
        find_sampler(name)
    assert near in str(refusal.value)
    with pytest.raises(ValueError, match="near ones are 'karras'"):
        find_schedule("kerras")


def refused(**fields: Any) -> tuple[str, str]:
    """Field and words of the only error."""
    with pytest.raises(ValidationError) as refusal:
        ADAPTER.validate_python({"kind": "txt2img", "prompt": "", **fields})
    (error,) = refusal.value.errors()
    return str(error["loc"][-1]), error["msg"]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.name)
@pytest.mark.parametrize("field", ["eta", "s_churn", "s_tmin", "s_tmax", "s_noise"])
def test_an_option_is_for_samplers_that_have_it(sampler: Any, field: str) -> None:
    fields = {"prompt": "", "sampler": sampler.name.value, field: 0.5}
    if field in {option.name for option in sampler.options}:
        assert Txt2Img.model_validate(fields).sampler_options == {field: 0.5}
    else:
        where, words = refused(**fields)
        assert where == field
        assert f"no effect with {sampler.name.value}" in words


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.name)
@pytest.mark.parametrize(("field", "value"), [("sigma_min", 0.5), ("sigma_max", 8.0), ("rho", 3.0)])
def test_an_option_is_for_schedules_that_have_it(schedule: Any, field: str, value: float) -> None:
    fields = {"prompt": "", "schedule": schedule.name.value, field: value}
    if field in {option.name for option in schedule.options}:
        assert Txt2Img.model_validate(fields).schedule_options == {field: value}
    else:
        where, words = refused(**fields)
        assert where == field
        assert f"no effect with {schedule.name.value}" in words


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({"sampler": "DPM++ 2M Karras", "schedule": "normal"}, "sampler", "says 'karras'"),
        ({"sampler": "euler_a", "eta": 1.5}, "eta", "less than or equal to 1"),
        ({"sampler": "euler_a", "eta": -0.1}, "eta", "greater than or equal to 0"),
        ({"sampler": "euler", "s_noise": 3}, "s_noise", "less than or equal to 2"),
        ({"sampler": "euler", "s_tmin": 3, "s_tmax": 2}, "s_tmax", "below s_tmin"),
        ({"sigma_min": 2}, "sigma_min", "less than or equal to 1"),
        ({"sigma_min": 0}, "sigma_min", "greater than or equal to 0.0001"),
        ({"sigma_max": 1}, "sigma_max", "greater than 1"),
        ({"rho": 0}, "rho", "greater than or equal to 0.1"),
        ({"schedule": "polyexponential", "rho": 5}, "rho", "up to 4"),
        ({"sampler": 7}, "sampler", "'euler'"),
        ({"sampler": ["euler"]}, "sampler", "'euler'"),
        ({"sampler": None}, "sampler", "'euler'"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(fields: dict[str, Any], where: str, says: str) -> None:
    assert refused(**fields)[0] == where
    assert says in refused(**fields)[1]


def test_the_name_and_the_schedule_may_agree() -> None:
    request = Txt2Img.model_validate({"prompt": "", "sampler": "DPM++ 2M SDE Karras", "schedule": "Karras"})
    assert (request.sampler, request.schedule) == ("dpmpp_2m_sde", "karras")


def test_a_request_survives_being_written_and_read() -> None:
    request = Txt2Img.model_validate({"prompt": "", "sampler": "Euler a Karras", "eta": 0.5, "rho": 5.0})
    again = Txt2Img.model_validate_json(request.model_dump_json())
    assert again == request
    assert (again.sampler_options, again.schedule_options) == ({"eta": 0.5}, {"rho": 5.0})


def test_the_catalogue_is_whole_and_its_options_are_fields() -> None:
    assert [sampler.name for sampler in SAMPLERS] == list(dict.fromkeys(sampler.name for sampler in SAMPLERS))
    assert set(SAMPLER) == set(SamplerId)
    assert set(SCHEDULE) == set(ScheduleId)
    options = [each.options for each in SAMPLERS] + [each.options for each in SCHEDULES]
    fields = {option.name for each in options for option in each}
    assert fields == set(Sampling.model_fields) - {"sampler", "schedule"}
    assert fields <= set(Request.model_fields)
    assert all(sampler.schedules for sampler in SAMPLERS)
    # Those of one group stand together, so that a page can put a heading over them.
    groups = [sampler.group for sampler in SAMPLERS]
    assert groups == sorted(groups, key=list(dict.fromkeys(groups)).index)
