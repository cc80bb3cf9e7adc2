"""What a job costs, and how much of what waits goes before it.

The unit of work is the pixel-step: one denoising step of one pixel of the picture.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

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
class Ahead:
    """What goes before a job."""

    jobs: int
    work: float  # pixel-steps


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
