"""What a client asked for, as the engine keeps it: the ways its images go, and how far they are."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from worker.engine.conditioning import Conditioning, most_rows
from worker.engine.denoiser import NoiseLevels
from worker.engine.fairness import Lane
from worker.engine.inpaint import Known
from worker.engine.log import Log
from worker.engine.request import EngineRequest
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import count, cut, restarts, sigmas
from worker.engine.ticket import Checkpoint, Progress, Ticket


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a leg begins with: of one with a picture, the latent (C, h, w), without noise, and what a mask keeps.

    beside: (1 + C, h, w), what a U-Net made for inpainting sees beside the latent (`inpaint.beside`).
    """

    start: Tensor | None = None
    known: Known | None = None
    beside: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Leg:
    """One way from noise to a finished latent; an image of two passes flies two."""

    request: EngineRequest
    sigmas: list[float]

    @cached_property
    def steps(self) -> int:
        """Steps of one image; going back up is none."""
        return count(self.sigmas)


@dataclass(frozen=True, eq=False)
class Part:
    """The images of one of a job's requests, which fly the same legs. first: number of its first within the job."""

    first: int
    legs: tuple[Leg, ...]

    @classmethod
    def of(cls, first: int, request: EngineRequest, levels: NoiseLevels, ends_clean: bool) -> Part:
        passes = [request] if request.hires is None else [request, request.hires.request]
        ways = (
            schedule(each, levels, ends_clean, onto_a_picture=number > 0 or each.init is not None)
            for number, each in enumerate(passes)
        )
        return cls(first, tuple(map(Leg, passes, ways)))

    @property
    def request(self) -> EngineRequest:
        return self.legs[0].request

    @cached_property
    def steps(self) -> int:
        """Steps of one image."""
        return sum(leg.steps for leg in self.legs)

    @property
    def ticks(self) -> int:
        """How long one image flies, at least."""
        return sum(len(leg.sigmas) - 1 for leg in self.legs)


@dataclass(eq=False)
class Job:
    """What a client asked for, and how far it is. `numbered` has a part for each image; todo: those to be made."""

    ticket: Ticket
    numbered: tuple[Part, ...]
    rows: int  # of the U-Net's batch that one image takes, where it takes most
    todo: tuple[int, ...]
    log: Log
    owner: str = "local"
    model: str = ""
    age: int = 0  # order of arrival
    prepared: dict[Hashable, Prepared] = field(default_factory=dict)  # by what goes in
    conditioned: tuple[Hashable, Conditioning] | None = None  # of the flight that began last
    boarded: int = 0  # images that have begun,
    landed: int = 0  # that have left, to be decoded,
    delivered: int = 0  # that are decoded and handed over
    steps_done: int = 0
    previewed: int = 0
    previewed_at: float = 0.0  # seconds, monotonic
    checkpointed_at: float = 0.0
    over: bool = False

    @classmethod
    def of(
        cls,
        ticket: Ticket,
        levels: NoiseLevels,
        ends_clean: bool,
        *,
        told_guidance: bool = False,
        resume: Checkpoint | None = None,
        log_bytes: int = 0,
    ) -> Job:
        """A job that has just arrived. told_guidance: the U-Net is told it, and needs no second row for it."""
        numbered: list[Part] = []
        for request in ticket.requests:
            numbered += [Part.of(len(numbered), request, levels, ends_clean)] * request.count
        asked = {
            (words, 1.0 if told_guidance else leg.request.guidance, leg.request.guided)
            for part in set(numbered)
            for leg in part.legs
            for words in leg.request.words
        }
        resume = resume or Checkpoint()
        return cls(
            ticket,
            tuple(numbered),
            max(most_rows(*each) for each in asked),
            tuple(index for index in range(len(numbered)) if index not in resume.done),
            Log(log_bytes, resume.traces),
            steps_done=sum(part.steps for index, part in enumerate(numbered) if index in resume.done),
        )

    @property
    def count(self) -> int:
        """Images to be made, of all parts."""
        return len(self.todo)

    @cached_property
    def steps(self) -> int:
        """Steps of all images."""
        return sum(part.steps for part in self.numbered)

    @cached_property
    def previews(self) -> bool:
        """Whether any image is to be shown on its way."""
        return any(request.previews for request in self.ticket.requests)

    @property
    def priority(self) -> int:
        """Of its first request; the cells of a grid all have one."""
        return self.ticket.requests[0].priority

    @property
    def lane(self) -> Lane:
        """Of its first image; the others are as large where they are not second passes."""
        request = self.ticket.requests[0]
        return self.model, request.height, request.width

    @property
    def waiting(self) -> int:
        """Images that have not boarded."""
        return self.count - self.boarded

    @cached_property
    def ticks(self) -> int:
        """How long one image flies, at least."""
        return min(part.ticks for part in self.numbered)

    @property
    def flying(self) -> int:
        """Rows in the air."""
        return (self.boarded - self.landed) * self.rows

    def progress(self) -> Progress:
        return Progress(self.steps_done, self.steps)


def schedule(request: EngineRequest, levels: NoiseLevels, ends_clean: bool, *, onto_a_picture: bool) -> list[float]:
    """The sigmas one image of this request passes; onto a picture only the last `strength` of them."""
    sampler = SAMPLERS[request.sampler]

    def full(steps: int) -> list[float]:
        return sigmas(request.schedule, steps, sampler, levels, ends_clean, request.schedule_options)

    way = full(request.steps)
    if onto_a_picture:
        way = cut(way, request.strength)
    if not sampler.restarts:
        return way
    part = (len(way) - 1) / request.steps
    return restarts(way, lambda steps: full(max(steps, round(steps / part)))[-steps - 1 :])
