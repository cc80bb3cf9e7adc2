"""What a job costs, how much of what waits goes before it, and when it will start and end.

The unit of work is the pixel-step: one denoising step of one pixel of the picture.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict, Field

from contract.grid import Grid
from contract.kinds import JobRequest
from contract.requests import pixel_steps
from contract.upscale import Upscale

_SIDE = 512  # pixels, where a request does not say


def cost_of(request: JobRequest, steps: int) -> int:
    """Pixel-steps of a whole job, of `steps` steps summed over its pictures. Lanczos costs next to nothing."""
    if isinstance(request, Upscale):
        return steps * (request.tile**2 if request.tile else _SIDE**2)
    first = request.base if isinstance(request, Grid) else request
    if first.width is None or first.height is None:
        return steps * _SIDE**2
    return steps * first.width * first.height if isinstance(request, Grid) else pixel_steps(first)


@dataclass(frozen=True)
class Line:
    """What one owner has waiting. served, work: pixel-steps that he was served already, and that wait."""

    owner: str
    served: int
    jobs: int
    work: int

    @property
    def mean(self) -> float:
        """Pixel-steps of a job."""
        return max(1.0, self.work / self.jobs)


@dataclass(frozen=True)
class Standing:
    """How things stand for one model: who waits, and how fast its workers are.

    running: jobs; least: pixel-steps left of the one that will end first; speed: pixel-steps a second of all workers
    together, as measured, None before anything was.
    """

    lines: list[Line]
    running: int
    least: float
    speed: float | None

    @property
    def next_place(self) -> float | None:
        """Seconds until a running job ends and another can start: those that run share the workers alike."""
        if self.speed is None or not self.running:
            return None
        return self.least * self.running / self.speed

    def time_of(self, cost: float) -> float | None:
        """Seconds that a job of so many pixel-steps takes among the others that run."""
        return cost * max(1, self.running) / self.speed if self.speed else None


@dataclass(frozen=True)
class Ahead:
    """What goes before a job, and the seconds until it will start and end, as far as can be told."""

    jobs: int
    work: float  # pixel-steps
    start: float | None = None
    end: float | None = None


def ahead(place: int, mine: Line, others: Iterable[Line]) -> Ahead:
    """What goes before the job at `place` of its owner's line, as claim.lua takes turns: whoever was served least.

    Jobs of one line count as alike, so this is exact where they are.
    """
    jobs, work = place, place * mine.mean
    start = mine.served + work  # what its owner will have been served when it is next
    for line in others:
        room = start - line.served
        if room < 0:
            continue
        before = math.floor(room / line.mean) + (room % line.mean > 0 or line.owner < mine.owner)
        taken = min(line.jobs, before)
        jobs, work = jobs + taken, work + taken * line.mean
    return Ahead(jobs, work)


def foresee(standing: Standing, owner: str, place: int, cost: int) -> Ahead | None:
    """When the job at `place` of its owner's line starts and ends; None where it is in no line any more."""
    mine = next((line for line in standing.lines if line.owner == owner), None)
    if mine is None:
        return None
    before = ahead(place, mine, (line for line in standing.lines if line.owner != owner))
    free, time = standing.next_place, standing.time_of(cost)
    if free is None or time is None or standing.speed is None:
        return before
    start = free + before.work / standing.speed
    return replace(before, start=start, end=start + time)


def would_start(standing: Standing, owner: str, cost: int) -> float | None:
    """Seconds until a job submitted now would start, as far as can be told; nobody waits: it is not told."""
    if not standing.lines:
        return None
    furthest_behind = min(line.served for line in standing.lines)
    mine = next((line for line in standing.lines if line.owner == owner), Line(owner, furthest_behind, 0, 0))
    with_it = replace(mine, jobs=mine.jobs + 1, work=mine.work + cost)
    lines = [with_it, *(line for line in standing.lines if line.owner != owner)]
    told = foresee(replace(standing, lines=lines), owner, mine.jobs, cost)
    return told.start if told else None


class Accuracy(BaseModel):
    """How well it was told when jobs would be done: of the last twenty that waited and were told, what came of it."""

    model_config = ConfigDict(frozen=True)

    jobs: int = Field(description="How many of them there are; 0 = nothing is known yet.")
    half_within: float | None = Field(None, description="Half of them ended within this share of the time told.")
    most_within: float | None = Field(None, description="Nine in ten of them did.")


def accuracy(ends: Iterable[tuple[float, float]]) -> Accuracy:
    """ends: what was told and what it took, in one unit; what was told to be over at once says nothing.

    >>> accuracy([(100, 90), (100, 103), (50, 75)])
    Accuracy(jobs=3, half_within=0.1, most_within=0.5)
    """
    errors = sorted(abs(took - told) / told for told, took in ends if told > 0)
    if not errors:
        return Accuracy(jobs=0)
    half, most = (errors[math.ceil(share * len(errors)) - 1] for share in (0.5, 0.9))
    return Accuracy(jobs=len(errors), half_within=round(half, 3), most_within=round(most, 3))
