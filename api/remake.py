"""From what is known of a picture's making to the job that makes it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.resolve import Resolved, check_clip_skip, check_cost, check_pixels
from contract import upscale
from contract.errors import BadRequest, Conflict, Unavailable
from contract.estimates import cost_of
from contract.grid import Grid
from contract.jobs import ModelInfo, StoredImage
from contract.kinds import JobRequest
from contract.phrases import Phrase
from contract.requests import Request, total_steps
from contract.settings import Settings
from contract.upscale import Upscale
from contract.verification import Original

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)
_ONCE = {"start_within": None, "finish_within": None, "webhook": None}  # they were meant for the first time
_NEEDED = {"request", "prompt", "negative_prompt", "seed", "inputs"}


@dataclass(frozen=True)
class Remake:
    """A job that makes one picture again. The picture itself is among its inputs."""

    job: Resolved
    original: Original


def remake(image: StoredImage, known: Mapping[str, ModelInfo], settings: Settings) -> Remake:
    """What makes this picture again, by itself. known: models, by name.

    Raises Conflict where too little is known of its making, or it is more than is made here, and Unavailable while
    no worker has told of a model.
    """
    if image.index is None or not image.metadata.keys() >= _NEEDED:
        raise Conflict("Only a picture that was made here can be made again.")
    model = _model(image.metadata, known)
    request = _alone(image, model)
    steps = _steps(request, image)
    try:
        if model is not None:
            _check(request, steps, model, settings)
    except BadRequest as error:
        raise Conflict(Phrase("It cannot be made here any more. {why}", why=Phrase.of(error.detail))) from None
    words = image.metadata["prompt"], image.metadata["negative_prompt"]
    inputs = {**image.metadata["inputs"], image.id: image.sha256}
    return Remake(Resolved(request, steps, inputs, [words]), _original(image))


def _alone(image: StoredImage, model: ModelInfo | None) -> JobRequest:
    changes: dict[str, Any] = {**_ONCE, "model": model.name if model else None}
    try:
        asked = _REQUEST.validate_python(image.metadata["request"])
        if isinstance(asked, Grid):
            raise Conflict("This is the sheet of a grid; verify its pictures one by one.")
        if isinstance(asked, Request):
            asked, changes["previews"] = asked.alone(image.index or 0, image.metadata["seed"]), False
        return _REQUEST.validate_python(asked.model_copy(update=changes).model_dump())
    except ValidationError:
        raise Conflict("What was asked for cannot be asked for here: it is of another version.") from None


def _model(metadata: Mapping[str, Any], known: Mapping[str, ModelInfo]) -> ModelInfo | None:
    """The model of the same weights, or else of the same name; None where it took none."""
    model = metadata.get("model")
    if model is None:
        return None
    if not known:
        raise Unavailable("No worker has loaded a model yet")
    named = known.get(model["name"])
    if named is None or named.hash != model["hash"]:
        named = next((other for other in known.values() if other.hash == model["hash"]), named)
    if named is None:
        raise Conflict(
            Phrase("Its model is not here: {name}, with the hash {hash}.", name=model["name"], hash=model["hash"][:10])
        )
    return named


def _steps(request: JobRequest, image: StoredImage) -> int:
    if isinstance(request, Upscale):
        return upscale.total_steps(request, image.width, image.height)
    assert isinstance(request, Request)
    return total_steps(request)


def _check(request: JobRequest, steps: int, model: ModelInfo, settings: Settings) -> None:
    """Raises BadRequest for more than is accepted now, whatever was then."""
    assert isinstance(request, Request | Upscale)
    if isinstance(request, Request):
        check_pixels(request, settings)
    check_clip_skip(request, model)
    check_cost(cost_of(request, steps), settings, of=Phrase("pixels x steps"), mend=Phrase(""), field="steps")


def _original(image: StoredImage) -> Original:
    model = image.metadata.get("model")
    noted = {"model": model["hash"]} if model else {}
    return Original(
        image_id=image.id,
        role=image.role or "output",
        modelled=model is not None,
        maker=image.metadata.get("maker", ""),
        made_by={**noted, **image.metadata.get("made_by", {})},
    )
