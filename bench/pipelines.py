"""The peers made of diffusers' pipelines, on the very modules that the engine runs.

All get their prompts encoded, and remembered, by this engine's text encoder, so that nobody pays more for text. Inpaint
runs as img2img here, which costs a pipeline less than its own inpainting.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from torch import Tensor

from bench.workloads import Ask, Scale, plain, row_steps, rows_of, steps_run
from contract.prompt import parse
from worker.engine.request import EngineRequest
from worker.models.loader import Components
from worker.text.encode import TextEncoder

WINDOW = 0.05  # seconds that dynamic batching waits for company

_SCHEDULERS = {
    "euler": diffusers.EulerDiscreteScheduler,
    "euler_a": diffusers.EulerAncestralDiscreteScheduler,
    "ddim": diffusers.DDIMScheduler,
    "dpmpp_2m": diffusers.DPMSolverMultistepScheduler,
    "lms": diffusers.LMSDiscreteScheduler,
    "unipc": diffusers.UniPCMultistepScheduler,
}


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begin = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self._begin

    def wait_until(self, moment: float) -> None:
        time.sleep(max(0.0, moment - self()))


class Pipelines:
    """diffusers' text-to-image and img2img pipelines around loaded components. Not thread-safe."""

    def __init__(self, components: Components) -> None:
        self.device = components.device
        self._texts = TextEncoder(components)
        self._config = {
            "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1,
            "clip_sample": False, "set_alpha_to_one": False,
            "prediction_type": components.prediction,
        }  # fmt: skip
        parts: dict[str, Any] = dict.fromkeys(("tokenizer", "safety_checker", "feature_extractor"))
        parts |= {"vae": components.vae, "unet": components.unet, "text_encoder": components.text_encoder}
        parts |= {"scheduler": diffusers.DDIMScheduler.from_config(self._config), "requires_safety_checker": False}
        self._text_to_image: Any = diffusers.StableDiffusionPipeline(**parts)
        self._image_to_image: Any = diffusers.StableDiffusionImg2ImgPipeline(**parts)
        for pipeline in (self._text_to_image, self._image_to_image):
            pipeline.set_progress_bar_config(disable=True)

    @torch.inference_mode()
    def run(self, batch: Sequence[EngineRequest]) -> Any:
        """Pictures of requests of the same settings as one batch, to its end: (B, H, W, 3) from 0 to 1."""
        first = batch[0]
        shared: dict[str, Any] = {
            "num_inference_steps": first.steps,
            "guidance_scale": first.guidance,
            "prompt_embeds": torch.stack([self._encoded(each.words[0].prompt) for each in batch]),
            "negative_prompt_embeds": torch.stack([self._encoded(each.words[0].negative) for each in batch]),
            "generator": [torch.Generator("cpu").manual_seed(each.seed) for each in batch],
            "output_type": "np",
        }
        if first.init is None:
            pipeline, shared = self._text_to_image, shared | {"height": first.height, "width": first.width}
        else:
            pictures = torch.stack([each.init for each in batch if each.init is not None]) / 2 + 0.5
            pipeline, shared = self._image_to_image, shared | {"image": pictures, "strength": first.strength}
        pipeline.scheduler = _SCHEDULERS[first.sampler].from_config(self._config)
        return pipeline(**shared).images

    def _encoded(self, prompt: str) -> Tensor:
        (part,) = parse(prompt).at(1, 1)
        return self._texts.encode(part.items).flatten(0, 1)


class OneAtATime:
    """P1: the pipeline, request after request, in order of arrival."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    def serve(self, asks: Sequence[Ask]) -> list[float]:
        """When each picture was there, in seconds from the start."""
        clock, finished = Clock(), []
        for ask in asks:
            clock.wait_until(ask.arrival)
            self._pipelines.run([ask.request])
            finished.append(clock())
        return finished


class BehindALock:
    """P2: a thread for each request, the pipeline behind a lock, as a web server has it."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines
        self._lock = threading.Lock()

    def serve(self, asks: Sequence[Ask]) -> list[float]:
        clock, finished = Clock(), [float("nan")] * len(asks)

        def answer(number: int, request: EngineRequest) -> None:
            with self._lock:
                self._pipelines.run([request])
            finished[number] = clock()

        threads = []
        for number, ask in enumerate(asks):
            clock.wait_until(ask.arrival)
            threads.append(threading.Thread(target=answer, args=(number, ask.request)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return finished


class Windowed:
    """P4: dynamic batching of the same settings: the first in turn waits a window, then all like it run to the end."""

    def __init__(self, pipelines: Pipelines, max_rows: int, window: float = WINDOW) -> None:
        self._pipelines, self._max_rows, self._window = pipelines, max_rows, window

    def serve(self, asks: Sequence[Ask]) -> list[float]:
        clock, finished = Clock(), [float("nan")] * len(asks)
        waiting = list(range(len(asks)))
        while waiting:
            first = asks[waiting[0]]
            clock.wait_until(first.arrival + self._window)
            here = [i for i in waiting if asks[i].arrival <= clock()]
            alike = [i for i in here if settings(asks[i].request) == settings(first.request)]
            batch = alike[: max(1, self._max_rows // rows_of(first.request))]
            self._pipelines.run([asks[i].request for i in batch])
            for i in batch:
                finished[i] = clock()
            waiting = [i for i in waiting if i not in batch]
        return finished


def settings(request: EngineRequest) -> Hashable:
    """What requests must share to be one batch of a pipeline."""
    size, kind = (request.width, request.height), (request.init is not None, request.mask is not None)
    return size, request.steps, request.sampler, request.guidance, kind, request.strength


@dataclass(frozen=True, slots=True)
class Ideal:
    """Seconds that full static batches take: of a row of a step, and of a picture beside its steps."""

    row_step: float
    picture: float

    def seconds(self, row_steps: float, pictures: float) -> float:
        return row_steps * self.row_step + pictures * self.picture


class Ceiling:
    """P3: what a workload would take if every request ran in a full static batch of requests equal to itself.

    A full batch of a size and a number of rows takes a fixed time (its decodes) and a time for each step; both come
    from two batches that are run. Neither arrivals nor samplers matter to it, and pictures are put in for nothing.
    """

    def __init__(self, pipelines: Pipelines, scale: Scale, max_rows: int) -> None:
        self._pipelines, self._scale, self._max_rows = pipelines, scale, max_rows
        self._probes = max(1, scale.steps[0] // 5), scale.steps[0]  # steps of the two batches

    def measure(self, asked: Sequence[EngineRequest]) -> Ideal:
        """The mean over these requests."""
        kinds = [(request.width, request.height, rows_of(request)) for request in asked]
        shares = {kind: self._share(*kind) for kind in set(kinds)}
        steps = sum(shares[kind][1] * steps_run(request) for kind, request in zip(kinds, asked, strict=True))
        return Ideal(steps / row_steps(asked), sum(shares[kind][0] for kind in kinds) / len(kinds))

    def _share(self, width: int, height: int, rows: int) -> tuple[float, float]:
        """Seconds of one picture: beside its steps, and for each step."""
        count = max(1, self._max_rows // rows)
        guidance = {} if rows == 2 else {"guidance": 1.0}
        taken = []
        for steps in self._probes:
            batch = [plain(self._scale, i, width=width, height=height, steps=steps, **guidance) for i in range(count)]
            clock = Clock()
            self._pipelines.run(batch)
            taken.append(clock() / count)
        return line(self._probes, taken)


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """(a, b) of y = a + b * x, by least squares."""
    slope, intercept = statistics.linear_regression(x, y)
    return intercept, slope
