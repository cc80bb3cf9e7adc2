"""What made a picture, as text."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from contract.catalogue import SAMPLER, SCHEDULE, SamplerId
from contract.infotext.labels import FILLS, MAKER, NEGATIVE, OPTIONS, UPSCALERS
from contract.kinds import JobRequest
from contract.requests import Hires, Img2Img, Inpaint, Request, Txt2Img
from contract.upscale import Upscale

_HASH_LENGTH = 10  # of the model's, as the others write it

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


def describe(made_from: Mapping[str, Any], index: int) -> str | None:
    """The text for picture number `index` of a job. made_from: as the worker keeps it, with `model` and `seed`.

    None where no single set of parameters made it: a grid's sheet, or an enlargement without a model.
    """
    request = _REQUEST.validate_python(made_from["request"])
    if isinstance(request, Upscale) and request.method == "redraw":
        request = request.tile_request()
    if not isinstance(request, Request):
        return None
    words = made_from["prompt"], made_from["negative_prompt"]
    model = made_from["model"] or {}
    return write(request.alone(index, made_from["seed"]), words, model.get("name"), model.get("hash"))


def write(request: Request, words: tuple[str, str], model: str | None = None, model_hash: str | None = None) -> str:
    """The text for a picture of this request and these drawn prompts: positive, negative."""
    prompt, negative = words
    pairs = {**_basics(request), **_whose(model, model_hash), **_steering(request), **_passes(request)}
    line = ", ".join(f"{key}: {_quoted(_text(value))}" for key, value in {**pairs, "Version": MAKER}.items())
    below = f"\n{NEGATIVE}: {negative}" if negative else ""
    return f"{prompt}{below}\n{line}"


def _basics(request: Request) -> dict[str, Any]:
    return {
        "Steps": request.steps,
        "Sampler": SAMPLER[request.sampler].label,
        "Schedule type": SCHEDULE[request.schedule].label,
        "CFG scale": request.guidance,
        **({} if request.seed is None else {"Seed": request.seed}),
        **({"Size": f"{request.width}x{request.height}"} if request.width and request.height else {}),
    }


def _whose(model: str | None, model_hash: str | None) -> dict[str, Any]:
    named = {"Model hash": (model_hash or "")[:_HASH_LENGTH], "Model": model}
    return {key: value for key, value in named.items() if value}


def _steering(request: Request) -> dict[str, Any]:
    """What is only written where it is set."""
    found: dict[str, Any] = {}
    if request.variation:
        found["Variation seed"] = request.variation.seed
        found["Variation seed strength"] = request.variation.strength
    if request.seed_size:
        found["Seed resize from"] = f"{request.seed_size.width}x{request.seed_size.height}"
    if request.clip_skip:
        found["Clip skip"] = request.clip_skip + 1  # there 1 is the last layer
    if request.tiling == "both":
        found["Tiling"] = True
    if request.eta is not None:
        found["Eta DDIM" if request.sampler == SamplerId.DDIM else "Eta"] = request.eta
    for label, name, _ in OPTIONS:
        if getattr(request, name) is not None:
            found[label] = getattr(request, name)
    if request.guidance_start:
        found["Skip Early CFG"] = request.guidance_start
    return found


def _passes(request: Request) -> dict[str, Any]:
    """The second pass, or what was done to an input picture."""
    if isinstance(request, Txt2Img) and request.hires:
        return _second_pass(request.hires)
    if isinstance(request, Img2Img):
        return {"Denoising strength": request.strength}
    if not isinstance(request, Inpaint):
        return {}
    masked = {"Inpaint area": "Only masked", "Masked area padding": request.padding}
    return {
        "Denoising strength": request.strength,
        **({"Mask mode": "Inpaint not masked"} if request.invert_mask else {}),
        "Mask blur": request.mask_blur,
        "Masked content": FILLS[request.fill],
        **(masked if request.area == "masked" else {"Inpaint area": "Whole picture"}),
    }


def _second_pass(hires: Hires) -> dict[str, Any]:
    named = {
        "Denoising strength": hires.strength,
        "Hires upscale": hires.factor,
        "Hires steps": hires.steps,
        "Hires upscaler": UPSCALERS[hires.upscaler],
        "Hires sampler": SAMPLER[hires.sampler].label if hires.sampler else None,
        "Hires schedule type": SCHEDULE[hires.schedule].label if hires.schedule else None,
        "Hires prompt": hires.prompt,
        "Hires negative prompt": hires.negative_prompt,
    }
    return {key: value for key, value in named.items() if value is not None}


def _text(value: object) -> str:
    """A number in its shortest form that is read back the same, 7.0 as 7."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _quoted(value: str) -> str:
    plain = value and value == value.strip() and not re.search(r'[,:\n]|^["\[{]', value)
    return value if plain else json.dumps(value, ensure_ascii=False)
