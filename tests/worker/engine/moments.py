"""A Gaussian target, and the exact distribution of what a sampler makes of it.

Data ~ N(MEAN, SPREAD^2). Its denoiser is affine in x, and so is every sampler; the latent here is therefore not a
number but the coefficients of one: of 1, of the first noise, and of every later draw. The result's mean and variance
can be read off, with noise or without, and need no random number.
"""

from __future__ import annotations

import math
from itertools import count

import torch
from torch import Tensor

from worker.engine.samplers import SAMPLERS

MEAN, SPREAD = 0.3, 0.8


def error(name: str, sigmas: list[float], consistent: bool = False, **options: float) -> float:
    """How far mean and standard deviation at the last sigma are from those of data with that much noise.

    consistent: the model does not tell the mean of what may be there, but the end of the ODE's path: a distilled one.
    """
    size = 3 * len(sigmas) + 2

    def unit(i: int) -> Tensor:
        vector = torch.zeros(size, dtype=torch.float64)
        vector[i] = 1
        return vector

    def model(x: Tensor, sigma: float) -> Tensor:
        share = SPREAD**2 / (SPREAD**2 + sigma**2)
        mean = MEAN * unit(0)
        return mean + (math.sqrt(share) if consistent else share) * (x - mean)

    places = count(2)
    first = MEAN * unit(0) + math.hypot(SPREAD, sigmas[0]) * unit(1)
    steps = SAMPLERS[name].steps(first, sigmas, lambda: unit(next(places)), **options)
    try:
        x, sigma = next(steps)
        while True:
            x, sigma = steps.send(model(x, sigma))
    except StopIteration as end:
        x = end.value
    if name in ("ddpm", "ddim", "plms"):  # they return the papers' scaled variable
        x = x * math.hypot(1, sigmas[-1])
    deviation = float(x[1:].norm())
    return abs(float(x[0]) - MEAN) + abs(deviation - math.hypot(SPREAD, sigmas[-1]))
