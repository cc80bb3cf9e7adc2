"""From a contract request to what the engine develops, and from what it gives back to the pictures people get."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.requests import Img2Img, Inpaint, JobRequest
from worker.engine.request import EngineRequest
from worker.inpainting import lay_out
from worker.pictures import RESIZE, Finished, Pixels, colours, coverage, tensor


@dataclass(frozen=True)
class Order:
    """One job, ready for the engine; `finish` turns each decoded picture into those that are stored."""

    request: EngineRequest
    finish: Callable[[Pixels], Finished]


def prepare(request: JobRequest, inputs: Mapping[str, str], blobs: Blobs) -> Order:
    """Read the inputs (image id → SHA-256) and shape them for the engine. Raises JobFailed(bad_image)."""

    def load(image_id: str) -> Image.Image:
        try:
            return Image.open(io.BytesIO(blobs.get(inputs[image_id])), formats=["PNG"])
        except (KeyError, OSError) as error:
            raise JobFailed(ErrorCode.BAD_IMAGE, f"the input picture {image_id} cannot be read any more") from error

    if isinstance(request, Inpaint):
        mask = None if request.mask is None else coverage(load(request.mask))
        work = lay_out(request, colours(load(request.image)), mask, _work_size(request))
        fields = {**work.inputs(), "soft": request.soft, "strength": request.strength, "fill": request.fill}
        return Order(_engine_request(request, **fields), work.finish)
    if isinstance(request, Img2Img):
        init = RESIZE[request.resize](colours(load(request.image)), _work_size(request))
        fields = {"init": tensor(init) / 127.5 - 1, "strength": request.strength}
        return Order(_engine_request(request, **fields), _as_output)
    return Order(_engine_request(request), _as_output)


def _engine_request(request: JobRequest, **inputs: Any) -> EngineRequest:
    """inputs: the fields of EngineRequest that only some kinds have."""
    width, height = _work_size(request)
    assert request.seed is not None  # drawn by the api
    return EngineRequest(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        width=width,
        height=height,
        steps=request.steps,
        sampler=request.sampler.value,
        schedule=request.schedule.value,
        sampler_options=request.sampler_options,
        schedule_options=request.schedule_options,
        guidance=request.guidance,
        seed=request.seed,
        count=request.count,
        previews=request.previews,
        **inputs,
    )


def _work_size(request: JobRequest) -> tuple[int, int]:
    assert request.width is not None  # filled in by the api
    assert request.height is not None
    return request.width, request.height


def _as_output(decoded: Pixels) -> Finished:
    return Finished({"output": decoded})
