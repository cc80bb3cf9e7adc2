"""The models at work: text and pictures into conditioning, flights into one U-Net call, latents into pictures.

Which bits come out must not depend on who else is in the batch. So text and pictures pass their models one at a
time, and the U-Net sees only batches of a few fixed sizes (buckets) whose results were compared bit for bit.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from worker.engine.batcher import BatchKey
from worker.engine.denoiser import NoiseLevels, Scaling, guide
from worker.engine.flight import Flight, Prepared
from worker.engine.inpaint import Known, beside, bleed, shrink
from worker.engine.request import EngineRequest
from worker.engine.samplers import SAMPLERS
from worker.models.loader import Components
from worker.text.encode import encode, repeat

BUCKETS = (4, 6, 8, 12, 16, 24, 32)  # rows; on CPUs, batches of 1, 2 and 3 rows use kernels that round otherwise
_TEXTS = 64  # encoded prompts remembered


class Readback:
    """Tensors on their way to host memory; on CUDA the device is not stopped for it."""

    def __init__(self, *tensors: Tensor) -> None:
        self._host = [tensor.to("cpu", non_blocking=True) for tensor in tensors]
        self._event = _mark() if tensors[0].is_cuda else None

    def done(self) -> bool:
        return self._event is None or bool(self._event.query())

    def wait(self) -> list[Tensor]:
        if self._event is not None:
            self._event.synchronize()
        return self._host


class Runner:
    """One model on one device. Not thread-safe: the engine thread owns it."""

    def __init__(self, components: Components) -> None:
        self.components = components
        self.levels = NoiseLevels(components.alphas_cumprod)
        self._texts: OrderedDict[str, Tensor] = OrderedDict()
        self._marks: list[Any] = []
        self._agreeing: dict[tuple[int, tuple[int, ...], int], bool] = {}

    def prepare(self, request: EngineRequest) -> Prepared:
        """Encode what a request's images share, and for a model made for inpainting what its U-Net sees beside."""
        prepared = self._prepare(request)
        if not self.components.inpainting:
            return prepared
        size, scale = (request.height, request.width), self.components.vae_scale
        return replace(prepared, beside=beside(request.init, request.mask, size, scale, self._encode_picture))

    def _prepare(self, request: EngineRequest) -> Prepared:
        """Encode what a request's images share: the prompts, the input picture, the mask."""
        prompts = [request.prompt, request.negative_prompt][: request.rows]
        texts = [self._encode_text(prompt) for prompt in prompts]
        chunks = math.lcm(*(len(text) for text in texts))
        height, width = (side // self.components.vae_scale for side in (request.height, request.width))
        key = BatchKey(self.components.name, height, width, chunks)
        text = torch.stack([repeat(text, chunks) for text in texts])
        if request.init is None:
            return Prepared(text, key)
        latent = self._encode_picture(request.init)
        if request.mask is None:
            return Prepared(text, key, latent)
        known = Known(latent, shrink(request.mask, self.components.vae_scale).to(latent.device), request.soft)
        return Prepared(text, key, self._fill(request, request.mask, known), known)

    def denoise(self, flights: Sequence[Flight]) -> list[Tensor]:
        """One U-Net call for flights of one key: each flight's denoised latent (C, h, w), guided."""
        rows: list[Tensor] = []
        times: list[float] = []
        scalings = [Scaling.at(flight.sigma, self.components.prediction) for flight in flights]
        for flight, scaling in zip(flights, scalings, strict=True):
            rows += [flight.beside(flight.x * scaling.into)] * flight.rows
            times += [self._timestep(flight)] * flight.rows
        texts = torch.cat([flight.prepared.text for flight in flights])
        outputs = torch.split(self._unet(torch.stack(rows), torch.tensor(times), texts), [f.rows for f in flights])
        return [
            guide(scaling.skip * flight.x + scaling.out * output, flight.job.request.guidance)
            for flight, scaling, output in zip(flights, scalings, outputs, strict=True)
        ]

    def decode(self, latent: Tensor) -> Readback:
        """A finished latent (C, h, w) → uint8 (H, W, 3) and a flag: whether latent and picture are finite."""
        vae = self.components.vae
        scaled = (latent / self.components.vae_scaling)[None].to(self.components.dtype)
        picture = vae.decode(scaled, return_dict=False)[0][0].float()  # (3, H, W) from -1 to 1
        finite = torch.isfinite(latent).all() & torch.isfinite(picture).all()
        pixels = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return Readback(pixels.movedim(0, -1).contiguous(), finite)

    def pace(self) -> None:
        """Let the thread run at most one tick ahead of the device, so that joining and cancelling are prompt."""
        if self.components.device.type == "cuda":
            self._marks.append(_mark())
            if len(self._marks) > 1:
                self._marks.pop(0).synchronize()

    def free_memory(self) -> None:
        """Give cached device memory back after a call that found too little."""
        if self.components.device.type == "cuda":
            torch.cuda.empty_cache()

    def preview(self, denoised: Tensor) -> Readback:
        """A guess at the finished latent (C, h, w) → uint8 (h, w, 3)."""
        return Readback(self.components.preview(denoised))

    def _timestep(self, flight: Flight) -> float:
        t = self.levels.t(flight.sigma)
        return t if SAMPLERS[flight.job.request.sampler].variance == "exploding" else float(round(t))

    def _unet(self, rows: Tensor, times: Tensor, texts: Tensor) -> Tensor:
        """(R, C, h, w), (R,), (R, L, D) → float32 (R, C, h, w), by way of buckets that agree to the bit."""
        outputs = []
        while len(rows):
            bucket = next(
                size
                for size in reversed([size for size in BUCKETS if size < len(rows)] + [_bucket(len(rows))])
                if self._agrees(size, rows, texts)
            )
            outputs.append(self._call(bucket, rows[:bucket], times[:bucket], texts[:bucket]))
            rows, times, texts = rows[bucket:], times[bucket:], texts[bucket:]
        return torch.cat(outputs)

    def _call(self, bucket: int, rows: Tensor, times: Tensor, texts: Tensor) -> Tensor:
        """One call of the U-Net with at most `bucket` rows, brought to that many by repeating the last."""
        full_rows, full_times, full_texts = (_pad(part, bucket) for part in (rows, times, texts))
        output = self.components.unet(
            full_rows.to(self.components.dtype),
            full_times.to(self.components.device, non_blocking=True),  # a plain copy would wait for the device
            encoder_hidden_states=full_texts,
            return_dict=False,
        )[0]
        return output[: len(rows)].float()  # type: ignore[no-any-return]  # diffusers is untyped

    def _agrees(self, bucket: int, rows: Tensor, texts: Tensor) -> bool:
        """Whether a bucket gives each row the bits that the smallest bucket gives it, at this size: tried once.

        Libraries choose kernels by batch size, and some of them round otherwise: on one CPU thread, for one,
        oneDNN's 1x1 convolutions from 16 rows of 4x4 on. A bucket that disagrees is left out.
        """
        if bucket == BUCKETS[0]:
            return True
        known = (bucket, tuple(rows.shape[1:]), texts.shape[1])
        if known not in self._agreeing:
            rng = torch.Generator("cpu").manual_seed(bucket)
            trial = torch.randn((bucket, *rows.shape[1:]), generator=rng).to(rows.device)
            times = torch.linspace(self.levels.last, 0, bucket)
            texts = texts[torch.arange(bucket) % len(texts)]
            small = zip(*(torch.split(part, BUCKETS[0]) for part in (trial, times, texts)), strict=True)
            apart = torch.cat([self._call(BUCKETS[0], *part) for part in small])
            self._agreeing[known] = torch.equal(self._call(bucket, trial, times, texts), apart)
        return self._agreeing[known]

    def _encode_text(self, text: str) -> Tensor:
        if text not in self._texts:
            self._texts[text] = encode(self.components, text)
            if len(self._texts) > _TEXTS:
                self._texts.popitem(last=False)
        self._texts.move_to_end(text)
        return self._texts[text]

    def _encode_picture(self, picture: Tensor) -> Tensor:
        """(3, H, W) from -1 to 1 → scaled latent (C, h, w) float32: the posterior's mode, which draws no noise."""
        pixels = picture[None].to(self.components.device, self.components.dtype)
        latent = self.components.vae.encode(pixels, return_dict=False)[0].mode()[0]
        return latent.float() * self.components.vae_scaling  # type: ignore[no-any-return]  # diffusers is untyped

    def _fill(self, request: EngineRequest, mask: Tensor, known: Known) -> Tensor:
        """What the masked part starts from, before noise. "noise" differs by image: the flight draws it."""
        assert request.init is not None, "a mask comes with an init"
        if request.fill == "blur":
            return known.blend(self._encode_picture(bleed(request.init, mask)), known.latent)
        if request.fill == "zero":
            return known.blend(torch.zeros_like(known.latent), known.latent)
        return known.latent


def _pad(part: Tensor, size: int) -> Tensor:
    return torch.cat([part, part[-1:].expand(size - len(part), *part.shape[1:])])


def _mark() -> Any:
    """A point in the device's stream of work, to wait for or to ask about."""
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    event.record()
    return event


def _bucket(rows: int) -> int:
    """The smallest bucket that holds so many rows, or the largest there is."""
    return next((size for size in BUCKETS if size >= rows), BUCKETS[-1])
