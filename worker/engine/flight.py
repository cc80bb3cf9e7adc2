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
from worker.engine.sigmas import cut, sigmas, start_scale
from worker.models.loader import Components


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a job's images share. text: (rows, chunks * 77, D), positive then negative; start: (C, h, w), no noise."""

    text: Tensor
    key: BatchKey
    start: Tensor | None = None
    known: Known | None = None


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
    def flying(self) -> int:
        """Rows in the air."""
        return (self.boarded - self.landed) * self.rows

    def progress(self) -> Progress:
        return Progress(self.steps_done, (len(self.sigmas) - 1) * self.request.count)


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
        """Give the sampler its answer, (C, h, w); it asks again, or has landed."""
        self.denoised = denoised
        self._ask(denoised)

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
        noise = self._draw()
        if prepared.start is None:
            return sampler.steps(noise * start_scale(sampler, levels[0]), levels, self._draw)
        start = prepared.start
        if prepared.known is not None and request.fill == "noise":
            start = prepared.known.blend(self._draw(), start)
        steps = sampler.steps(start + levels[0] * noise, levels, self._draw)
        return keep(steps, prepared.known, noise) if prepared.known is not None else steps

    def _draw(self) -> Tensor:
        """Unit noise (C, h, w) from this image's own generator, on the CPU so that a seed is the same everywhere."""
        shape = (1, self.components.latent_channels, self.key.height, self.key.width)
        return torch.randn(shape, generator=self._rng)[0].to(self.components.device)


def schedule(request: EngineRequest, levels: NoiseLevels, ends_clean: bool) -> list[float]:
    """The sigmas one image of this request passes."""
    full = sigmas(request.schedule, request.steps, SAMPLERS[request.sampler], levels, ends_clean)
    return full if request.init is None else cut(full, request.strength)
