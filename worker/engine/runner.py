"""The models at work: text and pictures into conditioning, flights into one U-Net call, latents into pictures.

Which bits come out must not depend on who else is in the batch. So text and pictures pass their models one at a
time, and the U-Net sees only batches of a few fixed sizes (`unet`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor

from worker.engine.conditioning import combine, condition
from worker.engine.denoiser import NoiseLevels, Scaling
from worker.engine.enlarge import enlarge, lanczos
from worker.engine.flight import Flight
from worker.engine.inpaint import Known, beside, bleed, shrink
from worker.engine.job import Job, Prepared
from worker.engine.request import EngineRequest
from worker.engine.samplers import SAMPLERS
from worker.engine.unet import BUCKETS, EAGER, Acceleration, Rows, UNet
from worker.models.loader import Components
from worker.models.tiling import Tiling, seamless, with_margin
from worker.text.encode import TextEncoder

__all__ = ["BUCKETS", "Readback", "Rows", "Runner"]


class Readback:
    """Tensors on their way to host memory; on CUDA the device is not stopped for it."""

    def __init__(self, *tensors: Tensor) -> None:
        self._host = [tensor.to("cpu", non_blocking=True) for tensor in tensors]
        self._event = _mark() if any(tensor.is_cuda for tensor in tensors) else None

    def done(self) -> bool:
        return self._event is None or bool(self._event.query())

    def wait(self) -> list[Tensor]:
        if self._event is not None:
            self._event.synchronize()
        return self._host


class Runner:
    """One model on one device. Not thread-safe: the engine thread owns it."""

    def __init__(self, components: Components, *, strict: bool = True, acceleration: Acceleration = EAGER) -> None:
        self.components = components
        self.levels = NoiseLevels(components.alphas_cumprod)
        self.texts = TextEncoder(components)
        self.unet = UNet(components, self.levels.last, strict=strict, acceleration=acceleration)
        self._marks: list[Any] = []

    def board(self, job: Job, index: int) -> Flight:
        """Image `index` of a job, ready for its first step; what it shares with others is encoded once."""
        request = job.numbered[index].request
        source = _source(request)
        if source not in job.prepared:
            job.prepared[source] = self._prepare(request)
        return self._flight(job, index, 0, job.prepared[source])

    def encodes(self, job: Job, index: int) -> int:
        """Pictures that the VAE has to encode before image `index` can fly, at most."""
        request = job.numbered[index].request
        if request.init is None or _source(request) in job.prepared:
            return 0
        return 1 + (request.fill == "blur") + self.components.inpainting

    def fly_on(self, flight: Flight) -> Flight:
        """The second pass of an image whose first has landed: its latent, enlarged, is what this one begins with."""
        latent, hires = flight.finished, flight.part.request.hires
        assert hires is not None
        size = hires.request.height, hires.request.width
        if hires.upscaler == "lanczos":
            pixels = _bytes(self._finite(latent, flight.leg.request.tiling)).cpu()
            start = self._encode_picture(lanczos(pixels, size), flight.leg.request.tiling)
        else:
            start = enlarge(latent, [side // self.components.vae_scale for side in size], hires.upscaler)
        prepared = Prepared(start, beside=self._beside(hires.request))
        return self._flight(flight.job, flight.index, flight.number + 1, prepared)

    def denoise(self, flights: Sequence[Flight]) -> list[Tensor]:
        """Flights of one key: each one's denoised latent (C, h, w), guided.

        One call of the U-Net, and one of its outermost blocks where flights do with deep features they have.
        """
        shallow = [flight for flight in flights if flight.shallow]
        answered = self._ask(shallow) | self._ask([flight for flight in flights if flight not in shallow])
        for flight, (_, deep) in answered.items():  # not before all calls went well: a failed one is tried again
            if deep is not None:
                flight.keep(deep)
        return [answered[flight][0] for flight in flights]

    def call(self, bucket: int, batch: Rows) -> Tensor:
        """One call of the U-Net with at most `bucket` rows: see `UNet.call`."""
        return self.unet.call(bucket, batch)

    @property
    def rows_reused(self) -> int:
        """Rows of the U-Net so far that did with deep features of an earlier call."""
        return self.unet.reused

    def decode(self, latent: Tensor, tiling: Tiling = "") -> Readback:
        """A finished latent (C, h, w) → uint8 (H, W, 3) and a flag: whether latent and picture are finite."""
        return self._read(latent, self._decode(latent, tiling))

    def decode_precisely(self, latent: Tensor, tiling: Tiling = "") -> Readback:
        """The same, calculated in float32: half precision may have overflowed."""
        return self._read(latent, self._decode(latent, tiling, torch.float32))

    def pace(self) -> None:
        """Let the thread run at most one tick ahead of the device, so that joining and cancelling are prompt."""
        if self.components.device.type == "cuda":
            self._marks.append(_mark())
            if len(self._marks) > 1:
                self._marks.pop(0).synchronize()

    def free_memory(self) -> None:
        """Give back what device memory is only kept for later, after a call that found too little."""
        self.unet.forget()
        if self.components.device.type == "cuda":
            torch.cuda.empty_cache()

    def preview(self, denoised: Tensor) -> Readback:
        """A guess at the finished latent (C, h, w) → uint8 (h, w, 3)."""
        return Readback(self.components.preview(denoised))

    def _flight(self, job: Job, index: int, number: int, prepared: Prepared) -> Flight:
        part = job.numbered[index]
        leg = part.legs[number]
        words, steps, clip_skip = leg.request.words_of(index - part.first), max(leg.steps, 1), leg.request.clip_skip
        said = (words, steps, clip_skip)  # of 0 steps, with strength 0, there are prompts too
        if job.conditioned is None or job.conditioned[0] != said:
            job.conditioned = said, condition(words, steps, partial(self.texts.encode, clip_skip=clip_skip))
        return Flight(job, index, number, self.components, job.conditioned[1], prepared)

    def _prepare(self, request: EngineRequest) -> Prepared:
        """Encode what a job's images share: the input picture, and what its mask keeps."""
        seen = self._beside(request)
        if request.init is None:
            return Prepared(beside=seen)
        latent = self._encode_picture(request.init, request.tiling)
        if request.mask is None:
            return Prepared(latent, beside=seen)
        known = Known(latent, shrink(request.mask, self.components.vae_scale).to(latent.device), request.soft)
        return Prepared(self._fill(request, request.mask, known), known, seen)

    def _beside(self, request: EngineRequest) -> Tensor | None:
        """What a U-Net made for inpainting sees beside the latent."""
        if not self.components.inpainting:
            return None
        encode = partial(self._encode_picture, tiling=request.tiling)
        return beside(request.init, request.mask, (request.height, request.width), self.components.vae_scale, encode)

    def _ask(self, flights: Sequence[Flight]) -> dict[Flight, tuple[Tensor, Tensor | None]]:
        """Flights of one depth: each one's denoised latent, and its deep features where some flight keeps them."""
        if not flights:
            return {}
        scalings = [Scaling.at(flight.sigma, self.components.prediction) for flight in flights]
        parts = [self._rows(flight, scaling) for flight, scaling in zip(flights, scalings, strict=True)]
        counts = [len(part) for part in parts]
        outputs, deep = self.unet(Rows.joined(parts), keep=any(flight.keeps for flight in flights))
        features = [None] * len(flights) if deep is None else torch.split(deep, counts)
        return {
            flight: (scaling.skip * flight.x + scaling.out * _guided(flight, output), kept)
            for flight, scaling, output, kept in zip(
                flights, scalings, torch.split(outputs, counts), features, strict=True
            )
        }

    def _rows(self, flight: Flight, scaling: Scaling) -> Rows:
        """What a flight asks the U-Net at this step: a row for each of its prompts."""
        count, stage = flight.rows, flight.stage
        asked = flight.beside(flight.x * scaling.into)
        return Rows(
            asked.expand(count, *asked.shape),
            torch.full((count,), self._timestep(flight)),
            torch.full((count,), flight.told_guidance),
            stage.texts[:count],
            None if stage.mask is None else stage.mask[:count],
            flight.deep.features[:count] if flight.shallow and flight.deep else None,
            flight.leg.request.tiling,
        )

    def _timestep(self, flight: Flight) -> float:
        t = self.levels.t(flight.sigma)
        return t if SAMPLERS[flight.leg.request.sampler].variance == "exploding" else float(round(t))

    def _read(self, latent: Tensor, picture: Tensor) -> Readback:
        return Readback(_bytes(picture), torch.isfinite(latent).all() & torch.isfinite(picture).all())

    def _finite(self, latent: Tensor, tiling: Tiling) -> Tensor:
        """A latent's picture, in float32 where it is not finite otherwise: the next pass must not begin with that."""
        picture = self._decode(latent, tiling)
        return picture if torch.isfinite(picture).all() else self._decode(latent, tiling, torch.float32)

    def _decode(self, latent: Tensor, tiling: Tiling, dtype: torch.dtype | None = None) -> Tensor:
        """A latent (C, h, w) → (3, H, W) float32, about -1 to 1. dtype: of the calculation, the model's own if None."""
        scaled = (latent / self.components.vae_scaling)[None].to(dtype or self.components.dtype)
        with self._vae_in(scaled.dtype) as vae, seamless(vae.decoder, tiling):
            return vae.decode(scaled, return_dict=False)[0][0].float()  # type: ignore[no-any-return]  # diffusers is untyped

    @contextmanager
    def _vae_in(self, dtype: torch.dtype) -> Iterator[Any]:
        """The VAE with its weights in another format for a while; there and back to a wider one is exact."""
        vae, own = self.components.vae, self.components.dtype
        if dtype == own:
            yield vae
            return
        vae.to(dtype)
        try:
            yield vae
        finally:
            vae.to(own)

    def _encode_picture(self, picture: Tensor, tiling: Tiling) -> Tensor:
        """(3, H, W) from -1 to 1 → scaled latent (C, h, w) float32: the posterior's mode, which draws no noise."""
        pixels, margins = with_margin(picture[None].to(self.components.device, self.components.dtype), tiling)
        latent = self.components.vae.encode(pixels, return_dict=False)[0].mode()[0]
        top, left = (margin // self.components.vae_scale for margin in margins)
        inner = latent[:, top : latent.shape[1] - top, left : latent.shape[2] - left]
        return inner.float() * self.components.vae_scaling  # type: ignore[no-any-return]  # diffusers is untyped

    def _fill(self, request: EngineRequest, mask: Tensor, known: Known) -> Tensor:
        """What the masked part starts from, before noise. "noise" differs by image: the flight draws it."""
        assert request.init is not None, "a mask comes with an init"
        if request.fill == "blur":
            return known.blend(self._encode_picture(bleed(request.init, mask), request.tiling), known.latent)
        if request.fill == "zero":
            return known.blend(torch.zeros_like(known.latent), known.latent)
        return known.latent


def _source(request: EngineRequest) -> Hashable:
    """What an image is prepared from, by name. The job keeps the tensors alive, so their ids are theirs."""
    return (
        id(request.init),
        id(request.mask),
        request.height,
        request.width,
        request.fill,
        request.soft,
        request.tiling,
    )


def _bytes(picture: Tensor) -> Tensor:
    """(3, H, W) from -1 to 1 → uint8 (H, W, 3)."""
    return ((picture / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).movedim(0, -1).contiguous()


def _guided(flight: Flight, output: Tensor) -> Tensor:
    """A flight's rows (rows, C, h, w) as one answer (C, h, w)."""
    return combine(output, flight.conditioning.weights, flight.guidance, flight.leg.request.rescale)


def _mark() -> Any:
    """A point in the device's stream of work, to wait for or to ask about."""
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch leaves this class untyped
    event.record()
    return event
