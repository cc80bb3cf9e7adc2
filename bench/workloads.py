"""What the benchmark asks for and when, and how answers are summed up. Everything follows from a seed."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from worker.engine.conditioning import Words
from worker.engine.request import EngineRequest

SUBJECTS = ("cat", "dog", "bird", "fish", "boat", "house", "tree", "car", "flower", "horse", "kitten", "palm tree")
PLACES = ("on a beach", "in a meadow", "in the snow", "in the city", "in the mountains", "in the desert")
SAMPLERS = ("euler", "euler_a", "ddim", "dpmpp_2m", "lms", "unipc")  # of one evaluation a step
GUIDANCE = 5.0
STRENGTH = 0.6  # of img2img and inpaint

Workload = Literal["mixed", "uniform", "pictures", "sizes"]
WORKLOADS: dict[Workload, str] = {
    "mixed": "steps 20, 30 or 50, six samplers, one in five without guidance",
    "uniform": "30 steps of DPM++ 2M, guided",
    "pictures": "mixed, one in ten img2img or inpaint",
    "sizes": "mixed, in three sizes",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How large everything is. side: native size in pixels; steps: the three numbers of steps to draw from.

    requests: that come one by one; burst: that come all at once.
    """

    side: int
    steps: tuple[int, int, int] = (20, 30, 50)
    requests: int = 20
    burst: int = 64

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Three widths and heights of about as many pixels, each a multiple of an eighth of the native side."""
        return (self.side, self.side), (self.side, 3 * self.side // 4), (5 * self.side // 4, self.side)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and when it comes: seconds from the start."""

    arrival: float
    request: EngineRequest


@dataclass(frozen=True, slots=True)
class Summary:
    """One serving of a workload. Latency from a request's arrival to its picture, in seconds."""

    images_per_second: float
    p50: float
    p95: float


def requests(workload: Workload, count: int, scale: Scale, seed: int) -> list[EngineRequest]:
    """So many requests of a workload, in the order in which they come."""
    if workload == "uniform":
        return [plain(scale, i, steps=scale.steps[1]) for i in range(count)]
    rng = random.Random(f"{workload} {seed}")
    return [_draw(rng, workload, scale, i) for i in range(count)]


def plain(scale: Scale, number: int, **fields: Any) -> EngineRequest:
    """A guided DPM++ 2M request at the native size, unless `fields` say otherwise."""
    prompt = f"a {SUBJECTS[number % len(SUBJECTS)]} {PLACES[number % len(PLACES)]}"
    settings: dict[str, Any] = {
        "words": (Words(prompt),), "width": scale.side, "height": scale.side, "steps": scale.steps[0],
        "sampler": "dpmpp_2m", "schedule": "normal", "guidance": GUIDANCE, "seed": number,
    }  # fmt: skip
    return EngineRequest(**settings | fields)


def _draw(rng: random.Random, workload: Workload, scale: Scale, number: int) -> EngineRequest:
    request = plain(
        scale,
        number,
        steps=rng.choice(scale.steps),
        sampler=rng.choice(SAMPLERS),
        guidance=1.0 if rng.random() < 0.2 else GUIDANCE,
    )
    if workload == "sizes":
        width, height = rng.choice(scale.sizes)
        return replace(request, width=width, height=height)
    if workload == "pictures" and number % 10 == 0:  # every tenth and not one in ten: 20 requests are too few for luck
        mask = _mask(scale.side) if number % 20 == 0 else None
        return replace(request, init=_photo(scale.side, number), mask=mask, strength=STRENGTH)
    return request


def _photo(side: int, seed: int) -> Tensor:
    """A smooth random picture, (3, H, W) from -1 to 1."""
    coarse = torch.rand((1, 3, 4, 4), generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(coarse, (side, side), mode="bilinear")[0]


def _mask(side: int) -> Tensor:
    """The middle is repainted, (1, H, W)."""
    mask = torch.zeros(1, side, side)
    mask[:, side // 4 : -side // 4, side // 4 : -side // 4] = 1
    return mask


def together(asked: Sequence[EngineRequest]) -> list[Ask]:
    """All at once: what a queue that never runs dry looks like."""
    return [Ask(0.0, request) for request in asked]


def poisson(asked: Sequence[EngineRequest], per_second: float, seed: int) -> list[Ask]:
    """Open loop: they come independently of each other and of how they are served, the first at 0."""
    rng, now, asks = random.Random(seed), 0.0, []
    for request in asked:
        asks.append(Ask(now, request))
        now += rng.expovariate(per_second)
    return asks


def steps_run(request: EngineRequest) -> int:
    """Denoising steps of one picture: onto an init only the last `strength` of them."""
    return request.steps if request.init is None else round(request.steps * request.strength)


def rows_of(request: EngineRequest) -> int:
    """U-Net rows of one picture of a plain prompt."""
    return 1 if request.guidance == 1 else 2


def row_steps(asked: Sequence[EngineRequest]) -> int:
    """U-Net rows of all steps of these."""
    return sum(steps_run(request) * rows_of(request) for request in asked)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)  # in whole thousandths: 0.95 * 20 is not quite 19
    return ordered[max(0, rank - 1)]


def summary(asks: Sequence[Ask], finished: Sequence[float]) -> Summary:
    """Rate from the first arrival to the last picture, and latencies. finished: seconds from the start, one an ask."""
    waits = [end - ask.arrival for ask, end in zip(asks, finished, strict=True)]
    span = max(finished) - min(ask.arrival for ask in asks)
    return Summary(len(waits) / span, percentile(waits, 0.5), percentile(waits, 0.95))


def middle(rounds: Sequence[Summary]) -> Summary:
    """The median round, figure by figure."""
    return _each(rounds, statistics.median, statistics.median)


def best(rounds: Sequence[Summary]) -> Summary:
    """The round with the least disturbance, figure by figure: the highest rate, the lowest latencies."""
    return _each(rounds, max, min)


def _each(rounds: Sequence[Summary], rate: Any, latency: Any) -> Summary:
    return Summary(
        rate(each.images_per_second for each in rounds),
        latency(each.p50 for each in rounds),
        latency(each.p95 for each in rounds),
    )
