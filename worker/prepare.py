"""From a contract request to what the engine develops, and from what it gives back to the pictures people get."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.requests import Hires, Img2Img, Inpaint, PictureRequest, Txt2Img
from worker.engine.conditioning import Words
from worker.engine.noise import StartNoise
from worker.engine.request import EngineRequest, HighRes
from worker.inpainting import lay_out
from worker.models.tiling import Tiling
from worker.patience import read_bytes
from worker.pictures import RESIZE, Finished, Pixels, colours, coverage, signed

Drawn = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Order:
    """One request, ready for the engine; `finish` turns each decoded picture into those that are stored."""

    request: EngineRequest
    finish: Callable[[Pixels], Finished]


def prepare(request: PictureRequest, inputs: Mapping[str, str], drawn: Drawn, blobs: Blobs) -> Order:
    """Read the inputs (image id → SHA-256) and shape them for the engine. Raises JobFailed(bad_image).

    drawn: prompt and negative prompt of every picture, or one pair for all.
    """

    def load(image_id: str) -> Image.Image:
        return read_input(image_id, inputs, blobs)

    if isinstance(request, Inpaint):
        mask = None if request.mask is None else coverage(load(request.mask))
        work = lay_out(request, colours(load(request.image)), mask, _work_size(request))
        made = replace(
            engine_request(request, drawn),
            **work.inputs(),
            soft=request.soft,
            strength=request.strength,
            fill=request.fill,
        )
        return Order(made, work.finish)
    if isinstance(request, Img2Img):
        init = RESIZE[request.resize](colours(load(request.image)), _work_size(request))
        made = replace(engine_request(request, drawn), init=signed(init), strength=request.strength)
        return Order(made, _as_output)
    return Order(engine_request(request, drawn), _as_output)


def read_input(image_id: str, inputs: Mapping[str, str], blobs: Blobs) -> Image.Image:
    """An input picture. Raises JobFailed: bad_image, and storage_error while its bytes cannot be had."""
    data = read_bytes(inputs.get(image_id), blobs)
    try:
        return Image.open(io.BytesIO(data), formats=["PNG"])
    except OSError as error:
        raise JobFailed(ErrorCode.BAD_IMAGE, f"the input picture {image_id} cannot be read any more") from error


def engine_request(request: PictureRequest, drawn: Drawn) -> EngineRequest:
    """What a request says in words and numbers; what it says of pictures comes on top."""
    made = _one_pass(request, drawn)
    if isinstance(request, Txt2Img) and request.hires:
        return replace(made, hires=_second_pass(request, request.hires, made))
    return made


def _one_pass(request: PictureRequest, drawn: Drawn) -> EngineRequest:
    width, height = _work_size(request)
    assert request.seed is not None  # drawn by the api
    return EngineRequest(
        words=tuple(_words(request, prompt, negative) for prompt, negative in drawn),
        clip_skip=request.clip_skip,
        width=width,
        height=height,
        steps=request.steps,
        sampler=request.sampler.value,
        schedule=request.schedule.value,
        sampler_options=request.sampler_options,
        schedule_options=request.schedule_options,
        guidance=request.guidance,
        guided=(request.guidance_start, request.guidance_end),
        rescale=request.guidance_rescale,
        feature_cache=request.feature_cache,
        seed=request.seed,
        noise=_start_noise(request),
        tiling=_TILING[request.tiling],
        count=request.count,
        previews=request.previews,
        priority=_PRIORITY[request.priority],
    )


def _second_pass(request: Txt2Img, hires: Hires, first: EngineRequest) -> HighRes:
    """The first pass once more, with what was set otherwise for the second."""
    width, height = request.hires_size
    sampler, schedule = hires.sampler or request.sampler, hires.schedule or request.schedule
    words = tuple(
        replace(
            each,
            prompt=each.prompt if hires.prompt is None else hires.prompt,
            negative=each.negative if hires.negative_prompt is None else hires.negative_prompt,
        )
        for each in first.words
    )
    second = replace(
        first, words=words, width=width, height=height, steps=hires.steps or request.steps, strength=hires.strength,
        sampler=sampler.value, schedule=schedule.value,
        sampler_options=first.sampler_options if sampler == request.sampler else {},
        schedule_options=first.schedule_options if schedule == request.schedule else {},
    )  # fmt: skip
    return HighRes(second, hires.upscaler)


def _words(request: PictureRequest, prompt: str, negative: str) -> Words:
    blend = tuple((other.prompt, other.weight) for other in request.blend)
    directions = tuple((way.toward, way.away, way.scale) for way in request.directions)
    return Words(prompt, negative, blend, directions)


def _start_noise(request: PictureRequest) -> StartNoise:
    variation, size = request.variation, request.seed_size
    return StartNoise(
        variation=variation.seed if variation else 0,
        share=variation.strength if variation else 0.0,
        size=(size.height // 8, size.width // 8) if size else None,
    )


def _work_size(request: PictureRequest) -> tuple[int, int]:
    assert request.width is not None  # filled in by the api
    assert request.height is not None
    return request.width, request.height


_PRIORITY = {"low": 0, "normal": 1, "high": 2}
_TILING: dict[str, Tiling] = {"none": "", "x": "x", "y": "y", "both": "xy"}


def _as_output(decoded: Pixels) -> Finished:
    return Finished({"output": decoded})
