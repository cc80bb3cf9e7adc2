"""A request as understood: the model named, the size chosen, the seed drawn, the pictures found."""

import math
import secrets
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from api.prompts import draw_prompts
from contract.errors import BadRequest, Unavailable
from contract.jobs import ModelInfo, StoredImage
from contract.kinds import JobRequest
from contract.library import Library
from contract.phrases import Phrase
from contract.prompt.library import PromptLibrary
from contract.requests import (
    MAX_SIDE,
    MIN_SIDE,
    Drawing,
    Inpaint,
    PictureRequest,
    Request,
    input_images,
    passes,
    pixel_steps,
    total_steps,
)
from contract.settings import Settings
from contract.store import JobStore

R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class Resolved:
    """A request with nothing left open.

    steps: summed over its pictures; inputs: image id → SHA-256; drawn: prompt and negative prompt of each, or of all.
    """

    request: JobRequest
    steps: int
    inputs: dict[str, str]
    drawn: list[tuple[str, str]]


def resolve(request: PictureRequest, *, owner: str, store: JobStore, library: Library, settings: Settings) -> Resolved:
    """Fill in what the client left open. Raises BadRequest, and Unavailable while no model is known."""
    filled, model, inputs = fill(request, owner=owner, store=store, library=library, settings=settings)
    check_pixels(filled, settings)
    mend = Phrase("Lower the steps, the count or the size.")
    check_cost(pixel_steps(filled), settings, of=Phrase("width x height x steps x count"), mend=mend, field="steps")
    check_clip_skip(filled, model)
    return Resolved(filled, total_steps(filled), inputs, draw_prompts(filled, PromptLibrary.read(settings.prompts)))


def fill(
    request: R, *, owner: str, store: JobStore, library: Library, settings: Settings
) -> tuple[R, ModelInfo, dict[str, str]]:
    """A request with model, size and seed, that model, and its inputs: image id → SHA-256."""
    model = find_model(request.model, store, settings)
    pictures = find_pictures(request, owner, library)
    _check_mask(pictures)
    size = _picture_size(request, pictures.get("image"))
    width, height = _default_size(request, model, size, settings.max_pixels)
    filled = request.model_copy(
        update={
            "model": model.name,
            "width": request.width or width,
            "height": request.height or height,
            "seed": draw_seed(request.seed),
        }
    )
    return filled, model, {image.id: image.sha256 for image in pictures.values()}


def draw_seed(asked: int | None) -> int:
    """The seed asked for, or one below 2^32."""
    return secrets.randbelow(2**32) if asked is None else asked


def find_pictures(request: BaseModel, owner: str, library: Library) -> dict[str, StoredImage]:
    """Field name → picture, of all that a request refers to. Raises BadRequest."""
    return {field: _picture(field, id, owner, library) for field, id in input_images(request).items()}


def find_model(asked: str | None, store: JobStore, settings: Settings) -> ModelInfo:
    """The model of this name, or the default one. Raises BadRequest, and Unavailable while no worker has one."""
    known = store.models()
    name = settings.model.name if asked is None else asked
    if not known or (asked is None and name not in known):
        raise Unavailable("No worker has loaded the model yet")
    if name not in known:
        raise BadRequest(Phrase("There is no such model; known are: {names}.", names=", ".join(known)), "model")
    return known[name]


def _picture(field: str, image_id: str, owner: str, library: Library) -> StoredImage:
    image = library.get(image_id)
    if image is None or image.owner != owner:
        raise BadRequest("There is no picture of this id; upload it with POST /api/v1/images first.", field)
    return image


def _check_mask(pictures: dict[str, StoredImage]) -> None:
    if "mask" not in pictures:
        return
    image, mask = pictures["image"], pictures["mask"]
    if (mask.width, mask.height) != (image.width, image.height):
        raise BadRequest(
            Phrase(
                "The mask is {mask_width} x {mask_height} pixels; it must be {width} x {height}, as the picture is.",
                mask_width=mask.width,
                mask_height=mask.height,
                width=image.width,
                height=image.height,
            ),
            "mask",
        )


def _picture_size(request: Request, image: StoredImage | None) -> tuple[int, int] | None:
    """Width and height of the picture to start from, with what it is extended by; None without one."""
    if image is None:
        return None
    if not isinstance(request, Inpaint) or request.extend is None:
        return image.width, image.height
    width, height = request.extend.grown(image.width, image.height)
    if max(width, height) > MAX_SIDE:
        raise BadRequest(
            Phrase(
                "The picture would grow to {width} x {height} pixels; at most {most} a side are allowed. "
                "Extend it by less.",
                width=width,
                height=height,
                most=MAX_SIDE,
            ),
            "extend",
        )
    return width, height


def _default_size(request: Request, model: ModelInfo, size: tuple[int, int] | None, max_pixels: int) -> tuple[int, int]:
    """Width and height where none are asked for, pixels. size: of the picture to start from."""
    if size is None or (isinstance(request, Inpaint) and request.area == "masked"):
        return model.native_width, model.native_height
    scale = min(1.0, math.sqrt(max_pixels / math.prod(size)))
    return _down_to_eights(size[0] * scale), _down_to_eights(size[1] * scale)


def _down_to_eights(side: float) -> int:
    return max(MIN_SIDE, int(side) // 8 * 8)


def check_clip_skip(request: Drawing, model: ModelInfo) -> None:
    """Raises BadRequest for a request that leaves out more layers than the model's text encoder has."""
    if request.clip_skip >= model.text_layers:
        most = model.text_layers - 1
        raise BadRequest(
            Phrase(
                "{name}'s text encoder has {layers} layers; skip {most} at most.",
                name=model.name,
                layers=model.text_layers,
                most=most,
            ),
            "clip_skip",
        )


def check_pixels(request: Request, settings: Settings) -> None:
    """Raises BadRequest for a picture that is too large, in its second pass too."""
    for number, each in enumerate(passes(request)):
        pixels = each.width * each.height
        if pixels > settings.max_pixels:
            raise BadRequest(
                Phrase(
                    "{width} x {height} is {pixels} pixels; at most {most} are allowed. Choose a smaller {field}.",
                    width=each.width,
                    height=each.height,
                    pixels=pixels,
                    most=settings.max_pixels,
                    field=Phrase("factor") if number else Phrase("width or height"),
                ),
                "hires" if number else "width",
            )


def check_cost(pixel_steps: int, settings: Settings, *, of: Phrase, mend: Phrase, field: str) -> None:
    """Raises BadRequest for more work than one job may be. of: what was multiplied; mend: what to change, and where."""
    cost = pixel_steps / 1e6
    if cost > settings.max_cost:
        raise BadRequest(
            Phrase(
                "This is {cost} megapixel-steps of work ({of} / 1e6); at most {limit} are allowed. {mend}",
                cost=f"{cost:.0f}",
                of=of,
                limit=settings.max_cost,
                mend=mend,
            ),
            field,
        )
