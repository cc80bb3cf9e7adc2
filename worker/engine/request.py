"""What goes into the engine: `EngineRequest`. What comes out is in ticket.py."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from worker.engine.conditioning import Words
from worker.engine.enlarge import Upscaler
from worker.engine.fairness import HIGHEST
from worker.engine.inpaint import Fill
from worker.engine.noise import StartNoise
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import SCHEDULES, schedule_options
from worker.models.tiling import Tiling


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class EngineRequest:
    """The frozen inputs of one job, or of a part of one: `count` images, image i from seed + i.

    width, height: pixels, multiples of 8. init: (3, H, W) float32 from -1 to 1 at that size (img2img, inpaint).
    mask: (1, H, W) float32, 1 = repaint, between = partly (inpaint); soft: between = for the last part of the steps.
    strength: the part of the steps that is run on
    an init, which starts as init + sigma * noise at that step's sigma; without an init all steps run from noise.
    words: the prompts, one for all images or one for each. clip_skip: layers of the text encoder left out at its end.
    sampler_options, schedule_options: what differs from the method's own defaults (`Sampler.options`,
    `sigmas.schedule_options`). guided: the share of the steps, from and to, in which guidance counts; rescale: see
    `conditioning.combine`. noise: what the images start from. tiling: the directions in which they join themselves.
    feature_cache: evaluations of the U-Net for each that takes the whole of it (`models.depths`), 1 = all do.
    hires: a second pass over each image, enlarged. priority: 0 low, 1 normal, 2 high, of the job.
    Raises ValueError for what the engine cannot do.
    """

    words: tuple[Words, ...]
    clip_skip: int = 0
    width: int
    height: int
    steps: int
    sampler: str
    schedule: str
    sampler_options: Mapping[str, float] = field(default_factory=dict)
    schedule_options: Mapping[str, float] = field(default_factory=dict)
    guidance: float
    guided: tuple[float, float] = (0.0, 1.0)
    rescale: float = 0.0
    feature_cache: int = 1
    seed: int
    noise: StartNoise = field(default_factory=StartNoise)
    tiling: Tiling = ""
    count: int = 1
    init: Tensor | None = None
    mask: Tensor | None = None
    soft: bool = False
    strength: float = 1.0
    fill: Fill = "original"
    previews: bool = False
    hires: HighRes | None = None
    priority: int = 1

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS or self.schedule not in SCHEDULES:
            raise ValueError(f"unknown sampler or schedule: {self.sampler!r}, {self.schedule!r}")
        unknown = self.sampler_options.keys() - SAMPLERS[self.sampler].options.keys()
        unknown |= self.schedule_options.keys() - schedule_options(self.schedule)
        if unknown:
            raise ValueError(f"{self.sampler} on {self.schedule} has no {', '.join(sorted(unknown))}")
        if self.width % 8 or self.height % 8 or min(self.width, self.height) < 8:
            raise ValueError(f"width and height must be positive multiples of 8, not {self.width}x{self.height}")
        if min(self.steps, self.count, self.feature_cache) < 1 or not math.isfinite(self.guidance):
            raise ValueError("steps, count and feature_cache start at 1, and guidance is a finite number")
        if self.hires and (self.hires.request.count != self.count or self.hires.request.hires or self.mask is not None):
            raise ValueError("a second pass is over the same images, has no third, and knows no mask")
        if not 0 <= self.priority <= HIGHEST:
            raise ValueError(f"priority goes from 0 to {HIGHEST}, not {self.priority}")
        if len(self.words) not in (1, self.count):
            raise ValueError(f"{len(self.words)} prompts for {self.count} images: give one, or one for each")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength goes from 0 to 1, not {self.strength}")
        if self.init is not None and self.init.shape != (3, self.height, self.width):
            raise ValueError(f"init is {tuple(self.init.shape)}, not (3, {self.height}, {self.width})")
        if self.mask is not None and (self.init is None or self.mask.shape != (1, self.height, self.width)):
            raise ValueError("a mask needs an init and has its size")

    def words_of(self, index: int) -> Words:
        """The prompts of image `index`."""
        return self.words[index if len(self.words) > 1 else 0]

    def seed_of(self, index: int) -> int:
        """The seed of image `index`. Variations stay with one seed: it is their own that counts up."""
        return self.seed if self.noise.varied else self.seed + index


@dataclass(frozen=True, eq=False, slots=True)
class HighRes:
    """A second pass: onto the first one's picture, enlarged to the size of this request, `strength` of it redrawn."""

    request: EngineRequest
    upscaler: Upscaler
