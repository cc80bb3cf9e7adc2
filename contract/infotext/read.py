"""What a text says of a picture's making, by our names."""

from collections.abc import Callable, Mapping
from typing import Any

from contract.catalogue import SamplerId, ScheduleId
from contract.drafts import Draft, shown
from contract.infotext.grammar import has_parameters, parse
from contract.infotext.labels import (
    AUTOMATIC,
    ETA,
    FILLS,
    MAKER,
    NEAR_UPSCALERS,
    NEGATIVE,
    PLAIN,
    SILENT,
    UPSCALERS,
)
from contract.names import find_sampler, find_schedule
from contract.phrases import Phrase


def read(text: str) -> Draft:
    """What a text says, by our names. Its kind is what it was made as, though the input pictures are not in it."""
    found = parse(text)
    draft = Draft(parameters=found, model=found.get("Model"), model_hash=found.get("Model hash"))
    own = found.get("Version") == MAKER
    for name, label in (("prompt", "Prompt"), ("negative_prompt", NEGATIVE)):
        if own:  # what was drawn is drawn, and what looks like a choice is escaped
            draft.fields[name] = found[label]
        else:
            draft.prompt(name, found[label].strip())
    if not has_parameters(found):
        return draft
    left = {key: value for key, value in found.items() if key not in SILENT}
    _read_sampling(left, draft)
    _read_numbers(left, draft)
    _read_sizes(left, draft)
    _read_passes(left, found, draft)
    if left:
        draft.note(Phrase("Not carried over: {names}.", names=", ".join(list(left)[:20])))
    return draft


def _read_sampling(left: dict[str, str], draft: Draft) -> None:
    name, schedule = left.pop("Sampler", None), left.pop("Schedule type", "Automatic")
    sampler, ending = sampler_of(name, draft) if name else (None, None)
    if sampler:
        draft.fields["sampler"] = sampler
    if schedule.lower() != "automatic":
        ending = schedule_of(schedule, draft) or ending
    if sampler or ending:
        draft.fields["schedule"] = ending or AUTOMATIC.get(sampler or "", ScheduleId.NORMAL)


def sampler_of(name: str, draft: Draft) -> tuple[SamplerId | None, ScheduleId | None]:
    """The sampler of this name and the schedule it ends with; with a note, neither."""
    try:
        return find_sampler(name)
    except ValueError:
        draft.note(Phrase("There is no sampler {name} here; the default one is taken.", name=shown(name)))
        return None, None


def schedule_of(name: str, draft: Draft) -> ScheduleId | None:
    """The schedule of this name; with a note, none."""
    try:
        return find_schedule(name)
    except ValueError:
        draft.note(Phrase("There is no schedule {name} here; another is taken.", name=shown(name)))
        return None


def _read_numbers(left: dict[str, str], draft: Draft) -> None:
    for label, name, kind in (*PLAIN, *((label, name, float) for label, name in ETA.items())):
        _keep(left, label, draft, lambda text, kind=kind: number(text, kind), draft.fields, name)  # type: ignore[misc]
    _keep(left, "Clip skip", draft, lambda text: max(0, number(text, int) - 1), draft.fields, "clip_skip")
    variation: dict[str, Any] = {}
    _keep(left, "Variation seed", draft, lambda text: number(text, int), variation, "seed")
    _keep(left, "Variation seed strength", draft, lambda text: number(text, float), variation, "strength")
    if variation.get("strength", 1):
        draft.fields |= {"variation": variation} if variation else {}


def _read_sizes(left: dict[str, str], draft: Draft) -> None:
    size: dict[str, Any] = {}
    _keep(left, "Size", draft, _size, size, "size")
    _keep(left, "Seed resize from", draft, _size, size, "seed_size")
    if "size" in size:
        draft.fields["width"], draft.fields["height"] = size["size"]
    if "seed_size" in size:
        draft.fields["seed_size"] = dict(zip(("width", "height"), size["seed_size"], strict=True))
    if left.pop("Tiling", "") == "True":
        draft.fields["tiling"] = "both"


def _read_passes(left: dict[str, str], found: Mapping[str, str], draft: Draft) -> None:
    strength: dict[str, Any] = {}
    _keep(left, "Denoising strength", draft, lambda text: number(text, float), strength, "strength")
    hires = _read_second_pass(left, found, draft)
    masked = {key for key in ("Mask blur", "Masked content", "Mask mode", "Inpaint area") if key in found}
    if hires:
        draft.fields["hires"] = {**hires, **strength}
    elif masked:
        draft.fields |= {"kind": "inpaint", **strength, **_read_mask(left)}
    elif strength:
        draft.fields |= {"kind": "img2img", **strength}


def _read_mask(left: dict[str, str]) -> dict[str, Any]:
    fills = {label: name for name, label in FILLS.items()}
    area = "masked" if left.pop("Inpaint area", "") == "Only masked" else "whole"
    invert = left.pop("Mask mode", "") == "Inpaint not masked"
    return {"fill": fills.get(left.pop("Masked content", ""), "original"), "area": area, "invert_mask": invert}


def _read_second_pass(left: dict[str, str], found: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    hires: dict[str, Any] = {}
    upscaler = left.pop("Hires upscaler", None)
    resize = left.pop("Hires resize", None)
    if "Hires upscale" in found:
        _keep(dict(found), "Hires upscale", draft, lambda text: number(text, float), hires, "factor")
    elif resize and draft.fields.get("width"):
        width = draft.fields["width"]
        _keep({"Hires resize": resize}, "Hires resize", draft, lambda text: _size(text)[0] / width, hires, "factor")
    if not hires:
        return {}
    ours = {label: name for name, label in UPSCALERS.items()} | NEAR_UPSCALERS
    hires["upscaler"] = ours.get(upscaler or "Latent", "lanczos")
    if upscaler and UPSCALERS[hires["upscaler"]] != upscaler:
        draft.note(
            Phrase("There is no upscaler {name} here; {taken} taken.", name=shown(upscaler), taken=hires["upscaler"])
        )
    _keep(left, "Hires steps", draft, lambda text: number(text, int), hires, "steps")
    if "Hires sampler" in left:
        sampler, schedule = sampler_of(left.pop("Hires sampler"), draft)
        hires |= {"sampler": sampler} | ({"schedule": schedule} if schedule else {})
    if "Hires schedule type" in left:
        hires["schedule"] = schedule_of(left.pop("Hires schedule type"), draft)
    for name in ("prompt", "negative_prompt"):
        label = f"Hires {name.replace('_', ' ')}"
        if label in left:
            hires[name] = left.pop(label)
    return hires


def _keep(
    left: dict[str, str], label: str, draft: Draft, read: Callable[[str], Any], into: dict[str, Any], name: str
) -> None:
    """Read a label's value into a field, or tell why not."""
    if label not in left:
        return
    text = left.pop(label)
    try:
        into[name] = read(text)
    except (ValueError, OverflowError, ZeroDivisionError):
        draft.note(Phrase("{label}: {text} is not what should stand there; left out.", label=label, text=shown(text)))


def number(text: str, kind: type[int] | type[float]) -> Any:
    """A number of this kind. Raises ValueError and OverflowError."""
    if kind is float:
        return float(text)
    try:
        return int(text)
    except ValueError:
        value = float(text)
        if not value.is_integer():
            raise
        return int(value)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)
