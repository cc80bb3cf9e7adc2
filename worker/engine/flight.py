"""A job and its images on their way through the engine. Only the engine thread touches these."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from worker.engine.batcher import BatchKey
from worker.engine.denoiser import NoiseLevels
from worker.engine.inpaint import Known, keep
from worker.engine.request import EngineRequest, Progress, Ticket
from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import count, cut, restarts, sigmas, start_scale
from worker.models.loader import Components


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a job's images share. text: (rows, chunks * 77, D), positive then negative; start: (C, h, w), no noise."""

    text: Tensor
    key: BatchKey
    start: Tensor | None = None
    known: Known | None = None
    beside: Tensor | None = None  # (1 + C, h, w), of a model made for inpainting: `inpaint.beside`


@dataclass(eq=False)
class Job:
    """What a client asked for, and how far it is."""

    ticket: Ticket
    age: int  # order of arrival
    sigmas: list[float]
    prepared: Prepared | None = None
    boarded: int = 0  # images that have begun,
    landed: int = 0  # that are denoised,
    delivered: int = 0  # that are decoded and handed over
    steps_done: int = 0
    previews: int = 0
    previewed_at: float = 0.0  # seconds, monotonic
    over: bool = False

    @property
    def request(self) -> EngineRequest:
        return self.ticket.request

    @property
    def rows(self) -> int:
        return self.request.rows

    @property
    def waiting(self) -> int:
        """Images that have not boarded."""
        return self.request.count - self.boarded

    @property
    def ticks(self) -> int:
        """How long one image flies, at least."""
        return len(self.sigmas) - 1

    @property
    def flying(self) -> int:
        """Rows in the air."""
        return (self.boarded - self.landed) * self.rows

    def progress(self) -> Progress:
        return Progress(self.steps_done, count(self.sigmas) * self.request.count)


@dataclass(eq=False)
class Flight:
    """One image being denoised: its sampler, its noise, and the question the sampler waits on."""

    job: Job
    index: int
    components: Components
    x: Tensor = field(init=False)
    sigma: float = field(init=False)
    landed: Tensor | None = field(default=None, init=False)  # the finished latent (C, h, w)
    denoised: Tensor | None = field(default=None, init=False)  # the newest guess at it

    def __post_init__(self) -> None:
        self._rng = torch.Generator("cpu").manual_seed(self.seed)
        self._answers = 0
        self._steps_done = 0
        self._steps = self._plan()
        self._ask(None)

    @property
    def seed(self) -> int:
        return self.job.request.seed + self.index

    @property
    def rows(self) -> int:
        return self.job.rows

    @property
    def age(self) -> int:
        return self.job.age

    @property
    def prepared(self) -> Prepared:
        assert self.job.prepared is not None, "a flight boards after its job was prepared"
        return self.job.prepared

    @property
    def key(self) -> BatchKey:
        return self.prepared.key

    def advance(self, denoised: Tensor) -> None:
        """Give the sampler its answer, (C, h, w); it asks again, or has landed. Counts a step when it is whole."""
        self.denoised = denoised
        self._ask(denoised)
        self._answers += 1
        sampler, before = SAMPLERS[self.job.request.sampler], self._steps_done
        landed = self.landed is not None
        self._steps_done = count(self.job.sigmas) if landed else sampler.steps_done(self._answers)
        self.job.steps_done += self._steps_done - before

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
        request, prepared, levels = self.job.request, self.prepared, self.job.sigmas
        sampler = SAMPLERS[request.sampler]
        options = request.sampler_options
        noise = self._draw()
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
        """Unit noise (C, h, w) from this image's own generator, on the CPU so that a seed is the same everywhere."""
        shape = (1, self.components.latent_channels, self.key.height, self.key.width)
        return torch.randn(shape, generator=self._rng)[0].to(self.components.device, non_blocking=True)


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
