"""What a picture says of its own making, whoever made it, as a request.

Texts in a file are anybody's: they have a bound each, JSON in them one of depth besides, and what is made of them
passes the same validation as any request, field by field.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from api import comfyui, invokeai
from contract import infotext
from contract.drafts import Draft, mended, readable
from contract.kinds import JobRequest
from contract.phrases import Phrase
from contract.requests import Img2Img, Inpaint, Txt2Img

Source = Literal["darkroom", "a1111", "comfyui", "invokeai", "unknown"]

MAX_DEPTH = 50  # of JSON in a text
_PICTURES: dict[str, type[Txt2Img | Img2Img | Inpaint]] = {"txt2img": Txt2Img, "img2img": Img2Img, "inpaint": Inpaint}
_ANY: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


def interpret(texts: Mapping[str, str]) -> tuple[Source, Draft, JobRequest | None]:
    """Who made a picture, what the file says of it, and a valid request where there is one."""
    told: list[str] = []
    for key, source, read in _READERS:
        if key not in texts:
            continue
        found = _json(texts[key])
        if found is None:
            told.append(Phrase("The text '{key}' is broken, cut or nested too deeply, and was not read.", key=key))
        elif (draft := read(found)) is not None:
            draft.notes[:0] = told
            return source, draft, _request(draft)
    return _from_words(texts, told)


def _from_words(texts: Mapping[str, str], told: list[str]) -> tuple[Source, Draft, JobRequest | None]:
    """The formats that are no JSON."""
    if "Dream" in texts:
        draft = invokeai.read_dream(texts["Dream"])
        return "invokeai", draft, _request(draft)
    for key in ("parameters", "UserComment", "comment"):
        text = texts.get(key, "")
        if not infotext.has_parameters(infotext.parse(text)):
            continue
        draft = infotext.read(text)
        draft.notes[:0] = told
        ours = draft.parameters.get("Version") == infotext.MAKER
        return "darkroom" if ours else "a1111", draft, _request(draft)
    draft = Draft(notes=told)
    draft.note("Nothing in the file says how it was made in a way that is known here.")
    return "unknown", draft, None


def _json(text: str) -> dict[str, Any] | None:
    """A JSON object from a file; None for what is none. `NaN` is null: ComfyUI writes it where it computed nothing."""
    try:
        found = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _shallow(found) else None


def _shallow(found: object) -> bool:
    """Whether JSON is nested less deeply than what follows can walk."""
    level = [found]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return not level


def _darkroom(found: dict[str, Any]) -> Draft | None:
    """Our own chunk: the request of the job, of which this is one picture."""
    asked = found.get("request")
    if not isinstance(asked, dict):
        return None
    draft = Draft(fields=dict(asked))
    if _is_picture(asked.get("kind", "txt2img")) and found.get("role") != "grid":
        if asked.get("count", 1) != 1 and asked.get("variation"):
            draft.note("One of several variations; the request makes them all.")
        else:
            draft.fields |= {"count": 1, "seed": found.get("seed")}
    model = found.get("model")
    if isinstance(model, dict):
        name, digest = model.get("name"), model.get("hash")
        draft.model = readable(name) if isinstance(name, str) else None
        draft.model_hash = digest if isinstance(digest, str) else None
    drawn = {name: found.get(name) for name in ("prompt", "negative_prompt")}
    shown = {**draft.fields, **drawn, "model": draft.model}
    for name, value in shown.items():
        if isinstance(value, str | int | float) and value != "":
            draft.found(name, value)
    return draft


def _comfyui(found: dict[str, Any]) -> Draft | None:
    known = any(isinstance(node, dict) and "class_type" in node for node in found.values())
    return comfyui.read(found) if known else None


def _workflow(found: dict[str, Any]) -> Draft | None:
    if not isinstance(found.get("nodes"), list):
        return None
    draft = Draft()
    draft.note("Only the editor's workflow is in the file, and not the graph that was run (`prompt`).")
    return draft


_READERS: tuple[tuple[str, Source, Callable[[dict[str, Any]], Draft | None]], ...] = (
    ("darkroom", "darkroom", _darkroom),
    ("invokeai_metadata", "invokeai", invokeai.read),
    ("sd-metadata", "invokeai", invokeai.read_older),
    ("prompt", "comfyui", _comfyui),
    ("workflow", "comfyui", _workflow),
)


def _request(draft: Draft) -> JobRequest | None:
    """A valid request of what was read; of pictures made from others, with words alone unless their ids are known."""
    fields = {name: value for name, value in draft.fields.items() if name != "model"}  # which is looked up by its hash
    kind = fields.pop("kind", "txt2img")
    if not draft.fields:
        return None
    if _is_picture(kind):
        of = _PICTURES[kind] if "image" in fields else Txt2Img
        return mended(of, words_alone(fields, draft) if of is Txt2Img and kind != "txt2img" else fields, draft)
    try:
        return _ANY.validate_python(draft.fields)
    except ValidationError:
        draft.note("Its request cannot be made here: it is of another version.")
        return None


def _is_picture(kind: object) -> bool:
    return isinstance(kind, str) and kind in _PICTURES


_OF_INPUTS = frozenset({*Img2Img.model_fields, *Inpaint.model_fields} - {*Txt2Img.model_fields})


def words_alone(fields: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    """The fields without those that only mean something beside an input picture."""
    draft.note("It was made from another picture, which the file does not hold: the request makes one from the words.")
    return {name: value for name, value in fields.items() if name not in _OF_INPUTS}
