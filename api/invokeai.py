"""InvokeAI's parameters: JSON in `invokeai_metadata`, in older files in `sd-metadata` or a command line in `Dream`."""

import re
from typing import Any

from contract.catalogue import ScheduleId
from contract.drafts import Draft
from contract.infotext import number, sampler_of
from contract.phrases import Phrase

_NAMES = {  # theirs → ours, newest and older
    "width": "width", "height": "height", "seed": "seed", "steps": "steps", "cfg_scale": "guidance",
    "cfg_rescale_multiplier": "guidance_rescale", "clip_skip": "clip_skip",
}  # fmt: skip
_PROMPTS = {"positive_prompt": "prompt", "negative_prompt": "negative_prompt"}
_SAMPLERS = {"k_dpmpp_2": "dpmpp_2m", "k_dpmpp_2_a": "dpmpp_2s_a", "kdpm_2": "dpm2", "kdpm_2_a": "dpm2_a"}
_LEFT_OUT = {
    "loras": "LoRAs", "controlnets": "ControlNets", "controlLayers": Phrase("control layers"),
    "ipAdapters": Phrase("IP adapters"), "t2iAdapters": Phrase("T2I adapters"), "vae": Phrase("its own VAE"),
    "refiner_model": Phrase("a refiner"), "hrf_enabled": Phrase("a second pass"),
}  # fmt: skip
_WEIGHTS = re.compile(r"\)[\d.+-]|\w(?:\+\+|--)")
_OPTIONS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "scheduler", "f": "strength"}


def read(found: dict[str, Any]) -> Draft:
    """What `invokeai_metadata` says, or anything with its names."""
    draft = Draft()
    for theirs, ours in _NAMES.items():
        value = found.get(theirs)
        if isinstance(value, int | float):
            draft.found(theirs, value)
            draft.fields[ours] = value
    for theirs, ours in _PROMPTS.items():
        if isinstance(text := found.get(theirs), str):
            draft.prompt(ours, draft.found(theirs, text))
            if _WEIGHTS.search(text):
                draft.note(
                    Phrase(
                        "{ours}: weights are written (like this:1.1) here; those in it are read as words.", ours=ours
                    )
                )
    if isinstance(name := found.get("scheduler"), str):
        draft.found("scheduler", name)
        _read_sampler(name, draft)
    _read_model(found.get("model"), draft)
    _read_rest(found, draft)
    return draft


def _read_sampler(name: str, draft: Draft) -> None:
    """`euler_k` is Euler over Karras' noise levels."""
    plain = name.removesuffix("_k")
    sampler, _ = sampler_of(_SAMPLERS.get(plain, plain), draft)
    if sampler:
        draft.fields["sampler"] = sampler
        draft.fields["schedule"] = ScheduleId.KARRAS if name.endswith("_k") else ScheduleId.NORMAL


def _read_model(model: object, draft: Draft) -> None:
    if isinstance(model, str):
        model = {"name": model}
    if isinstance(model, dict):
        name, digest = model.get("model_name", model.get("name")), model.get("hash")
        if isinstance(name, str):
            draft.model = draft.found("model", name[:200])
        if isinstance(digest, str):
            draft.model_hash = digest.rpartition(":")[2][:64]


def _read_rest(found: dict[str, Any], draft: Draft) -> None:
    across, down = found.get("seamless_x") is True, found.get("seamless_y") is True
    if across or down:
        draft.fields["tiling"] = {(True, True): "both", (True, False): "x"}.get((across, down), "y")
    mode = found.get("generation_mode")
    if isinstance(mode, str):
        draft.found("generation_mode", mode)
    if isinstance(found.get("strength"), int | float) and (found.get("init_image") or "img2img" in str(mode)[:100]):
        draft.fields |= {"kind": "img2img", "strength": found["strength"]}
        draft.found("strength", found["strength"])
    left = [words for name, words in _LEFT_OUT.items() if found.get(name)]
    if left:
        draft.note(Phrase("Not carried over: {names}.", names=Phrase.listed(left)))


def read_older(found: dict[str, Any]) -> Draft:
    """What `sd-metadata` says."""
    image = found.get("image")
    image = image if isinstance(image, dict) else {}
    prompts = image.get("prompt")
    first = prompts[0] if isinstance(prompts, list) and prompts else prompts
    text = first.get("prompt") if isinstance(first, dict) else first
    more = {"scheduler": image.get("sampler"), "model": found.get("model_weights")}
    return read({**image, **_both(text if isinstance(text, str) else ""), **more})


def read_dream(line: str) -> Draft:
    """What `Dream` says: the prompt in quotes, then options of one letter."""
    prompt, _, options = line.removeprefix('"').rpartition('"')
    found: dict[str, Any] = {}
    for option, text in re.findall(r" -([A-Za-z]) ?([^\s-]\S{0,40})", options[:1000]):
        name = _OPTIONS.get(option)
        if name == "scheduler":
            found[name] = text
        elif name:
            try:
                found[name] = number(text, float if name in ("cfg_scale", "strength") else int)
            except (ValueError, OverflowError):
                continue
    return read({**found, **_both(prompt)})


def _both(text: str) -> dict[str, str]:
    """The older way to write a negative prompt: in square brackets."""
    negative = ", ".join(re.findall(r"\[([^\[\]]*)\]", text))
    positive = re.sub(r"\[[^\[\]]*\]", "", text).strip(" ,")
    return {"positive_prompt": positive, "negative_prompt": negative}
