"""The names people type elsewhere for samplers and schedules, and which of ours they mean."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from contract.catalogue import SAMPLERS, SCHEDULES, SamplerId, ScheduleId
from contract.phrases import Phrase

Id = TypeVar("Id", bound=StrEnum)


def find_sampler(name: str) -> tuple[SamplerId, ScheduleId | None]:
    """The sampler of this name, and the schedule where the name says one. Raises ValueError that lists near ones.

    >>> find_sampler("DPM++ 2M Karras"), find_sampler("k_euler_ancestral")
    ((<SamplerId.DPMPP_2M: 'dpmpp_2m'>, <ScheduleId.KARRAS: 'karras'>), (<SamplerId.EULER_A: 'euler_a'>, None))
    >>> find_sampler("DPM++ 2M Carras")
    Traceback (most recent call last):
    ...
    ValueError: is no sampler's name; near ones are 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_2s_a'
    """
    plain = _plain(name)
    if plain in _SAMPLER_NAMES:
        return _SAMPLER_NAMES[plain], None
    for ending, schedule in _SCHEDULE_NAMES.items():
        if plain.endswith(ending) and plain.removesuffix(ending) in _SAMPLER_NAMES:
            return _SAMPLER_NAMES[plain.removesuffix(ending)], schedule
    raise ValueError(Phrase("is no sampler's name; {near}", near=_near(plain, _SAMPLER_NAMES)))


def find_schedule(name: str) -> ScheduleId:
    """The schedule of this name. Raises ValueError that lists near ones.

    >>> find_schedule("SGM Uniform")
    <ScheduleId.SGM_UNIFORM: 'sgm_uniform'>
    """
    plain = _plain(name)
    if plain not in _SCHEDULE_NAMES:
        raise ValueError(Phrase("is no schedule's name; {near}", near=_near(plain, _SCHEDULE_NAMES)))
    return _SCHEDULE_NAMES[plain]


def _plain(name: str) -> str:
    """A name without its decoration.

    >>> _plain("DPM++ 2S a"), _plain("k_dpm_2"), _plain("sample_dpmpp_2m_sde_gpu")
    ('dpmpp2sa', 'dpm2', 'dpmpp2msde')
    """
    name = re.sub(r"^(k|sample)[_ ]|[_ ]gpu$", "", name[:100].lower().strip()).replace("++", "pp")
    return re.sub(r"[^a-z0-9]", "", name)


def _near(plain: str, names: Mapping[str, Id]) -> Phrase:
    found = dict.fromkeys(names[match].value for match in get_close_matches(plain, names, n=5, cutoff=0.5))
    listed = ", ".join(f"'{name}'" for name in list(found)[:3] or dict.fromkeys(id.value for id in names.values()))
    return Phrase("near ones are {names}", names=listed) if found else Phrase("there are {names}", names=listed)


def _names(entries: Iterable[tuple[Id, str, tuple[str, ...]]]) -> dict[str, Id]:
    """Every plain spelling → id."""
    return {_plain(spelling): id for id, label, aliases in entries for spelling in (id.value, label, *aliases)}


_SAMPLER_NAMES = _names([(sampler.name, sampler.label, sampler.aliases) for sampler in SAMPLERS])
_SCHEDULE_NAMES = _names([(schedule.name, schedule.label, schedule.aliases) for schedule in SCHEDULES])
