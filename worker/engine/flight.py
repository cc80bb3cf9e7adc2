"""An image on its way through the engine. Only the engine thread touches these."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from worker.engine.batcher import BatchKey
from worker.engine.conditioning import Conditioning, Stage, row_count
from worker.engine.fairness import Lane
from worker.engine.inpaint import keep
from worker.engine.job import Job, Leg, Part, Prepared
from worker.engine.noise import unit_noise
from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import start_scale
from worker.models.loader import Components


@dataclass(frozen=True, eq=False)
class Deep:
    """What a U-Net found deep down for a flight's rows, (rows, C, h, w), and what it was asked there."""

    features: Tensor
    stage: Stage
    sigma: float


@dataclass(eq=False)
class Flight:
    """One image being denoised: its sampler, its noise, and the question the sampler waits on.

    index: number of the image within its job. number: of the leg it is on. prepared: what that one begins with.
    """

    job: Job
    index: int
    number: int
    components: Components
    conditioning: Conditioning
    prepared: Prepared
    key: BatchKey = field(init=False)
    x: Tensor = field(init=False)
    sigma: float = field(init=False)
    landed: Tensor | None = field(default=None, init=False)  # the finished latent (C, h, w)
    denoised: Tensor | None = field(default=None, init=False)  # the newest guess at it
    deep: Deep | None = field(default=None, init=False)  # of the last evaluation that took the whole U-Net

    def __post_init__(self) -> None:
        request, words = self.leg.request, self.conditioning
        height, width = (side // self.components.vae_scale for side in (request.height, request.width))
        self.key = BatchKey(self.components.name, height, width, words.length, words.masked, request.tiling)
        self._rng = torch.Generator("cpu").manual_seed(self.seed)
        self._answers = 0
        self._step = 0  # the one it is at, counted from 0
        self._steps = self._plan()
        self._ask(None)

    @property
    def seed(self) -> int:
        return self.leg.request.seed_of(self.index - self.part.first)

    @property
    def age(self) -> int:
        return self.job.age

    @property
    def owner(self) -> str:
        return self.job.owner

    @property
    def priority(self) -> int:
        return self.job.priority

    @property
    def lane(self) -> Lane:
        return self.job.model, self.leg.request.height, self.leg.request.width

    @property
    def part(self) -> Part:
        return self.job.numbered[self.index]

    @property
    def leg(self) -> Leg:
        return self.part.legs[self.number]

    @property
    def last(self) -> bool:
        """Whether this leg's end is the finished image."""
        return self.number == len(self.part.legs) - 1

    @property
    def finished(self) -> Tensor:
        """The latent it landed with, (C, h, w)."""
        assert self.landed is not None
        return self.landed

    @property
    def told_guidance(self) -> float:
        """At this step, for a U-Net that is told it."""
        request = self.leg.request
        begin, end = (share * self.leg.steps for share in request.guided)
        return request.guidance if begin <= self._step < end else 1.0

    @property
    def guidance(self) -> float:
        """At this step, between rows."""
        return 1.0 if self.components.guidance_width else self.told_guidance

    @property
    def rows(self) -> int:
        """At this step."""
        return row_count(self.conditioning.weights, self.guidance)

    @property
    def stage(self) -> Stage:
        """What its prompts say at this step."""
        return self.conditioning.at(self._step)

    @property
    def keeps(self) -> bool:
        """Whether it takes deep features along."""
        return self.leg.request.feature_cache > 1

    @property
    def shallow(self) -> bool:
        """Whether deep features it has will do for this evaluation (DeepCache, see `models.depths`).

        Every `feature_cache`-th takes the whole U-Net, counted from the first: who goes on from there needs none.
        So does one that says something else than they were made for, in more rows, or at a higher sigma.
        """
        deep = self.deep
        return (
            deep is not None
            and self._answers % self.leg.request.feature_cache > 0
            and deep.stage is self.stage
            and len(deep.features) >= self.rows
            and deep.sigma >= self.sigma
        )

    def keep(self, features: Tensor) -> None:
        """Deep features of this evaluation's rows, (rows, C, h, w), taken along where they will be of use."""
        if self.keeps:
            self.deep = Deep(features.clone(), self.stage, self.sigma)

    def advance(self, denoised: Tensor) -> None:
        """Give the sampler its answer, (C, h, w); it asks again, or has landed. Counts a step when it is whole."""
        self.denoised = denoised
        self._ask(denoised)
        self._answers += 1
        sampler, before = SAMPLERS[self.leg.request.sampler], self._step
        landed = self.landed is not None
        self.deep = None if landed else self.deep
        self._step = self.leg.steps if landed else min(sampler.steps_done(self._answers), self.leg.steps - 1)
        self.job.steps_done += self._step - before
        if self.landed is None:
            self.job.log.answer(self.index, denoised)
        else:
            self.job.log.leg(self.index, self.number + 1, self.landed)

    def beside(self, latent: Tensor) -> Tensor:
        """A latent as the U-Net takes it: with the mask and the known part, where it is made for them."""
        return latent if self.prepared.beside is None else torch.cat([latent, self.prepared.beside])

    def close(self) -> None:
        self._steps.close()

    def _ask(self, answer: Tensor | None) -> None:
        try:
            self.x, self.sigma = next(self._steps) if answer is None else self._steps.send(answer)
        except StopIteration as end:
            self.landed = end.value

    def _plan(self) -> Steps:
        """The sampler on its first latent, with the mask around it where there is one."""
        request, prepared, levels = self.leg.request, self.prepared, self.leg.sigmas
        sampler = SAMPLERS[request.sampler]
        options = request.sampler_options
        noise = self._on_device(request.noise.draw(self._shape, self._rng, self.index - self.part.first))
        if prepared.start is None:
            return sampler.steps(noise * start_scale(sampler, levels[0]), levels, self._draw, **options)
        start = prepared.start
        if prepared.known is not None and request.fill == "noise":
            start = prepared.known.blend(self._draw(), start)
        steps = sampler.steps(start + levels[0] * noise, levels, self._draw, **options)
        if prepared.known is None or (prepared.beside is not None and not request.soft):
            return steps  # a U-Net that sees the known part is left to itself, as it was trained
        return keep(steps, prepared.known, noise, levels)

    def _draw(self) -> Tensor:
        """Unit noise (C, h, w) from this image's own generator."""
        return self._on_device(unit_noise(self._shape, self._rng))

    def _on_device(self, noise: Tensor) -> Tensor:
        return noise.to(self.components.device, non_blocking=True)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.components.latent_channels, self.key.height, self.key.width
