"""A job and its images on their way through the engine. Only the engine thread touches these."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

from worker.engine.batcher import BatchKey
from worker.engine.conditioning import Conditioning, Stage, most_rows, row_count
from worker.engine.denoiser import NoiseLevels
from worker.engine.inpaint import Known, keep
from worker.engine.noise import unit_noise
from worker.engine.request import EngineRequest, Progress, Ticket
from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import count, cut, restarts, sigmas, start_scale
from worker.models.loader import Components


@dataclass(frozen=True, eq=False)
class Prepared:
    """What images of one input share: the latent they start from, (C, h, w), without noise; None without a picture."""

    start: Tensor | None = None
    known: Known | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """The images of one of a job's requests. first: number of its first image within the job."""

    request: EngineRequest
    first: int
    sigmas: list[float]

    @cached_property
    def steps(self) -> int:
        """Steps of one image."""
        return count(self.sigmas)


@dataclass(eq=False)
class Job:
    """What a client asked for, and how far it is. `numbered` has a part for each image."""

    ticket: Ticket
    numbered: tuple[Part, ...]
    rows: int  # of the U-Net's batch that one image takes, where it takes most
    age: int = 0  # order of arrival
    prepared: dict[Hashable, Prepared] = field(default_factory=dict)  # by what goes in
    conditioned: tuple[Hashable, Conditioning] | None = None  # of the image that boarded last
    boarded: int = 0  # images that have begun,
    landed: int = 0  # that are denoised,
    delivered: int = 0  # that are decoded and handed over
    steps_done: int = 0
    previewed: int = 0
    previewed_at: float = 0.0  # seconds, monotonic
    over: bool = False

    @classmethod
    def of(cls, ticket: Ticket, levels: NoiseLevels, ends_clean: bool) -> Job:
        """A job that has just arrived."""
        numbered: list[Part] = []
        for request in ticket.requests:
            numbered += [Part(request, len(numbered), schedule(request, levels, ends_clean))] * request.count
        asked = {(words, one.guidance, one.guided) for one in ticket.requests for words in one.words}
        return cls(ticket, tuple(numbered), max(most_rows(*each) for each in asked))

    @property
    def count(self) -> int:
        """Images, of all parts."""
        return len(self.numbered)

    @cached_property
    def steps(self) -> int:
        """Steps of all images."""
        return sum(part.steps for part in self.numbered)

    @cached_property
    def previews(self) -> bool:
        """Whether any image is to be shown on its way."""
        return any(request.previews for request in self.ticket.requests)

    @property
    def waiting(self) -> int:
        """Images that have not boarded."""
        return self.count - self.boarded

    @cached_property
    def ticks(self) -> int:
        """How long one image flies, at least."""
        return min(len(part.sigmas) for part in self.numbered) - 1

    @property
    def flying(self) -> int:
        """Rows in the air."""
        return (self.boarded - self.landed) * self.rows

    def progress(self) -> Progress:
        return Progress(self.steps_done, self.steps)


@dataclass(eq=False)
class Flight:
    """One image being denoised: its sampler, its noise, and the question the sampler waits on.

    index: number of the image within its job.
    """

    job: Job
    index: int
    components: Components
    prepared: Prepared
    conditioning: Conditioning
    key: BatchKey = field(init=False)
    x: Tensor = field(init=False)
    sigma: float = field(init=False)
    landed: Tensor | None = field(default=None, init=False)  # the finished latent (C, h, w)
    denoised: Tensor | None = field(default=None, init=False)  # the newest guess at it

    def __post_init__(self) -> None:
        request, words = self.request, self.conditioning
        height, width = (side // self.components.vae_scale for side in (request.height, request.width))
        self.key = BatchKey(self.components.name, height, width, words.length, words.masked, request.tiling)
        self._rng = torch.Generator("cpu").manual_seed(self.seed)
        self._answers = 0
        self._step = 0  # the one it is at, counted from 0
        self._steps = self._plan()
        self._ask(None)

    @property
    def seed(self) -> int:
        return self.request.seed_of(self.index - self.part.first)

    @property
    def age(self) -> int:
        return self.job.age

    @property
    def part(self) -> Part:
        return self.job.numbered[self.index]

    @property
    def request(self) -> EngineRequest:
        return self.part.request

    @property
    def guidance(self) -> float:
        """At this step."""
        request = self.request
        begin, end = (share * self.part.steps for share in request.guided)
        return request.guidance if begin <= self._step < end else 1.0

    @property
    def rows(self) -> int:
        """At this step."""
        return row_count(self.conditioning.weights, self.guidance)

    @property
    def stage(self) -> Stage:
        """What its prompts say at this step."""
        return self.conditioning.at(self._step)

    def advance(self, denoised: Tensor) -> None:
        """Give the sampler its answer, (C, h, w); it asks again, or has landed. Counts a step when it is whole."""
        self.denoised = denoised
        self._ask(denoised)
        self._answers += 1
        sampler, before = SAMPLERS[self.request.sampler], self._step
        steps = self.part.steps
        self._step = steps if self.landed is not None else min(sampler.steps_done(self._answers), steps - 1)
        self.job.steps_done += self._step - before

    def close(self) -> None:
        self._steps.close()

    def _ask(self, answer: Tensor | None) -> None:
        try:
            self.x, self.sigma = next(self._steps) if answer is None else self._steps.send(answer)
        except StopIteration as end:
            self.landed = end.value

    def _plan(self) -> Steps:
        """The sampler on its first latent, with the mask around it where there is one."""
        request, prepared, levels = self.request, self.prepared, self.part.sigmas
        sampler = SAMPLERS[request.sampler]
        options = request.sampler_options
        noise = self._on_device(request.noise.draw(self._shape, self._rng, self.index - self.part.first))
        if prepared.start is None:
            return sampler.steps(noise * start_scale(sampler, levels[0]), levels, self._draw, **options)
        start = prepared.start
        if prepared.known is not None and request.fill == "noise":
            start = prepared.known.blend(self._draw(), start)
        steps = sampler.steps(start + levels[0] * noise, levels, self._draw, **options)
        return keep(steps, prepared.known, noise) if prepared.known is not None else steps

    def _draw(self) -> Tensor:
        """Unit noise (C, h, w) from this image's own generator."""
        return self._on_device(unit_noise(self._shape, self._rng))

    def _on_device(self, noise: Tensor) -> Tensor:
        return noise.to(self.components.device, non_blocking=True)

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self.components.latent_channels, self.key.height, self.key.width


def schedule(request: EngineRequest, levels: NoiseLevels, ends_clean: bool) -> list[float]:
    """The sigmas one image of this request passes."""
    sampler = SAMPLERS[request.sampler]

    def full(steps: int) -> list[float]:
        return sigmas(request.schedule, steps, sampler, levels, ends_clean, request.schedule_options)

    way = full(request.steps)
    if request.init is not None:
        way = cut(way, request.strength)
    if not sampler.restarts:
        return way
    part = (len(way) - 1) / request.steps
    return restarts(way, lambda steps: full(max(steps, round(steps / part)))[-steps - 1 :])
