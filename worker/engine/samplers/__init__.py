"""Samplers as generators: each yields (x, sigma) and is answered with the denoised latent.

x: (C, h, w) float32 = x0 + sigma * noise; sigmas: python floats, so nothing here waits for the device, falling to the
last (only Restart's rise between). A sampler that needs two evaluations yields twice; what a multistep one remembers
is a local variable. `draw()` gives fresh unit noise of x's shape. The return value is the finished latent. What a
request may set of a method are its keyword arguments.

Papers: Ho et al. 2020 (arXiv 2006.11239) · Song et al. 2021, DDIM (2010.02502) · Liu et al. 2022, PNDM (2202.09778) ·
Karras et al. 2022, EDM (2206.00364) · Lu et al. 2022a, DPM-Solver (2206.00927) · Lu et al. 2022b, DPM-Solver++
(2211.01095) · Zhao et al. 2023, UniPC (2302.04867) · Song et al. 2023, consistency models (2303.01469) ·
Xu et al. 2023, Restart (2306.14878) · Luo et al. 2023, LCM (2310.04378) · k-diffusion by Katherine Crowson.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from worker.engine.samplers.ancestral import dpm2_a, dpmpp_2s_a, euler_a
from worker.engine.samplers.base import Draw, Steps
from worker.engine.samplers.ddim import ddim, ddpm, lcm, plms
from worker.engine.samplers.dpmpp import dpmpp_2m, dpmpp_2m_sde, dpmpp_3m_sde, dpmpp_sde, unipc
from worker.engine.samplers.karras import dpm2, euler, heun, lms, restart

__all__ = ["SAMPLERS", "Draw", "Sampler", "Spacing", "Steps"]

Spacing = Literal["linspace", "leading", "trailing", "interior", "distilled"]


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler and the conventions of its reference implementation, without which its pictures are not the known ones.

    spacing: how the "normal" schedule lays its timesteps (see `sigmas.normal`).
    variance: "exploding" starts from sigma * noise and gives the U-Net timesteps between the trained ones
    (k-diffusion); "preserving" starts from noise of unit variance before scaling, sqrt(sigma^2 + 1) * noise here,
    and rounds to trained timesteps (DDIM, DPM-Solver).
    evaluations: of the U-Net in each step but one to sigma 0; extra: how many more the first step takes.
    ends_trained: over "leading" timesteps it ends on the smallest trained sigma where a model's config says so.
    restarts: the way is laid out with restarts in it (`sigmas.restarts`).
    """

    steps: Callable[..., Steps]  # (x, sigmas, draw, **options)
    spacing: Spacing
    variance: Literal["exploding", "preserving"]
    evaluations: int = 1
    extra: int = 0
    ends_trained: bool = False
    restarts: bool = False

    @property
    def options(self) -> dict[str, float]:
        """What a request may set, with its default."""
        parameters = inspect.signature(self.steps).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def steps_done(self, answers: int) -> int:
        """Whole steps that so many answers of the U-Net make, before the sampler has returned."""
        return max(0, answers - self.extra) // self.evaluations


SAMPLERS = {
    "ddpm": Sampler(ddpm, "leading", "preserving"),
    "ddim": Sampler(ddim, "leading", "preserving", ends_trained=True),
    "plms": Sampler(plms, "leading", "preserving", extra=1, ends_trained=True),
    "lms": Sampler(lms, "linspace", "exploding"),
    "euler": Sampler(euler, "linspace", "exploding"),
    "euler_a": Sampler(euler_a, "linspace", "exploding"),
    "heun": Sampler(heun, "linspace", "exploding", evaluations=2),
    "dpm2": Sampler(dpm2, "linspace", "exploding", evaluations=2),
    "dpm2_a": Sampler(dpm2_a, "linspace", "exploding", evaluations=2),
    "dpmpp_2s_a": Sampler(dpmpp_2s_a, "linspace", "exploding", evaluations=2),
    "dpmpp_2m": Sampler(dpmpp_2m, "interior", "preserving"),
    "dpmpp_sde": Sampler(dpmpp_sde, "linspace", "exploding", evaluations=2),
    "dpmpp_2m_sde": Sampler(dpmpp_2m_sde, "linspace", "exploding"),
    "dpmpp_3m_sde": Sampler(dpmpp_3m_sde, "linspace", "exploding"),
    "unipc": Sampler(unipc, "interior", "preserving"),
    "lcm": Sampler(lcm, "distilled", "preserving"),
    "restart": Sampler(restart, "linspace", "exploding", evaluations=2, restarts=True),
}
