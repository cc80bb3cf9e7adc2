"""What a client may ask for: one frozen model per kind of job. kinds.py has the kinds that are not one picture's.

Unknown fields are refused, and so is every field of the contract that has no effect yet.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from contract.sampling import SamplerName, Sampling, ScheduleName
from contract.webhooks import Webhook
from contract.wording import PromptText, Wording

MAX_SEED = 2**53 - 101  # exact in a JavaScript number, with room for 100 images
MIN_SIDE, MAX_SIDE = 64, 4096
MAX_EXTENSION = 1024  # pixels at one side

Side = Annotated[int, Field(strict=True, ge=MIN_SIDE, le=MAX_SIDE, multiple_of=8)]
ImageId = Annotated[str, Field(pattern=r"^img_[a-z2-7]{26}$")]
Within = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
Strength = Annotated[float, Field(strict=True, gt=0, le=1)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]
Priority = Literal["low", "normal", "high"]


Border = Annotated[int, Field(strict=True, ge=0, le=MAX_EXTENSION, multiple_of=8)]


class Extend(BaseModel):
    """Pixels that a picture grows by, side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: Border = Field(0, description="Pixels to add at the left, a multiple of 8.")
    right: Border = Field(0, description="Pixels to add at the right.")
    top: Border = Field(0, description="Pixels to add at the top.")
    bottom: Border = Field(0, description="Pixels to add at the bottom.")

    @property
    def nothing(self) -> bool:
        return not (self.left or self.right or self.top or self.bottom)

    def grown(self, width: int, height: int) -> tuple[int, int]:
        """Width and height with the borders, pixels."""
        return width + self.left + self.right, height + self.top + self.bottom


class Variation(BaseModel):
    """A second seed that the first is turned toward."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(strict=True, ge=0, le=MAX_SEED, description="The other seed; picture i turns toward this + i.")
    strength: float = Field(
        0.2, strict=True, gt=0, le=1, description="How far: near 0 almost the same picture, 1 the other one."
    )


class SeedSize(BaseModel):
    """The size a seed is known from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Side = Field(description="Pixels.")
    height: Side = Field(description="Pixels.")


class Drawing(Sampling, Wording):
    """Fields of every job in which a model draws."""

    model: str | None = Field(None, max_length=100, description="A name from /models; null = the default.")
    steps: int = Field(20, strict=True, ge=1, le=1000, description="Denoising steps. More is slower and often finer.")
    guidance: float = Field(
        7.5, strict=True, ge=1, le=30, description="How strictly the prompt is followed; 1 = off, at half the cost."
    )
    guidance_rescale: Fraction = Field(
        0.0, description="0 to 1: takes back what high guidance adds in contrast; 0.7 suits v-prediction models."
    )
    guidance_start: Fraction = Field(
        0.0,
        description="Share of the steps before which there is no guidance, which costs variety there "
        "(Kynkäänniemi et al. 2024). Steps without it take half the time.",
    )
    guidance_end: Fraction = Field(
        1.0,
        description="Share of the steps after which there is none. From 0.1 to 0.8 a picture takes 15 % less time and "
        "is hardly another; from 0 to 0.6 it takes 20 % less and details differ.",
    )
    feature_cache: int = Field(
        1,
        strict=True,
        ge=1,
        le=10,
        description="One in so many evaluations takes the whole U-Net; the others reuse its deep features (DeepCache). "
        "1 = off. 2 saves 40 % of the time and changes a picture about as much as another sampler does; 3 saves half "
        "and changes details; from 5 on shapes change, at 20 steps. More steps bear more.",
    )
    seed: int | None = Field(
        None, strict=True, ge=0, le=MAX_SEED, description="Same seed, same picture; null = drawn for you."
    )
    metadata: bool = Field(
        True,
        strict=True,
        description="Write into the files how they were made. false = they hold pixels only; here it is known anyway.",
    )
    priority: Priority = Field(
        "normal", description="Who goes first among your own jobs; a low one waits, but not for ever."
    )
    start_within: Within | None = Field(
        None,
        description="Seconds in which a worker must have begun; else the job fails as `deadline`. null = whenever.",
    )
    finish_within: Within | None = Field(
        None, description="Seconds in which it must be done; else it stops within a step, and fails as `deadline`."
    )

    webhook: Webhook | None = Field(
        None, description="Whom to tell when the job ends; null = nobody. Only where the server sends webhooks."
    )

    @field_validator("guidance_end")
    @classmethod
    def _after_the_start(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("guidance_start", 0):
            raise ValueError("must be above guidance_start; for no guidance at all set guidance to 1")
        return value


class Request(Drawing):
    """Fields that every picture-making job has."""

    width: Side | None = Field(
        None, description="Pixels; null = the model's own size, or the input picture's where there is one."
    )
    height: Side | None = Field(None, description="Pixels; null as for width.")
    variation: Variation | None = Field(
        None, description="Pictures a little beside the seed's own; with it all pictures of a job have one seed."
    )
    seed_size: SeedSize | None = Field(
        None, description="The size the seed is known from: another size then shows much the same picture."
    )
    count: int = Field(
        1,
        strict=True,
        ge=1,
        le=100,
        description="Pictures to make; number i uses seed + i, or with `variation` its seed + i.",
    )
    tiling: Literal["none", "x", "y", "both"] = Field(
        "none", description="Make a picture that joins itself: left to right (x), top to bottom (y), or both."
    )
    previews: bool = Field(True, description="Show the picture while it develops.")

    def seed_of(self, index: int) -> int:
        """The seed of picture `index`; variations all have the first one's."""
        assert self.seed is not None  # drawn by the api
        return self.seed if self.variation else self.seed + index

    def alone(self, index: int, seed: int | None) -> Self:
        """What makes picture `index` of it by itself. seed: that picture's own."""
        changes: dict[str, Any] = {"seed": seed, "count": 1}
        if self.variation and self.count > 1:
            changes["variation"] = self.variation.model_copy(update={"seed": self.variation.seed + index})
        return self.model_copy(update=changes)


class Hires(BaseModel):
    """A second pass over the picture, enlarged: more detail than one pass at that size, and a whole composition."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    factor: float = Field(
        2.0, strict=True, gt=1, le=4, description="How much larger each side gets, to the nearest multiple of 8."
    )
    upscaler: Literal["nearest", "bilinear", "bicubic", "antialiased", "lanczos"] = Field(
        "antialiased", description="How it is enlarged: in latent space (the first four) or as a picture (lanczos)."
    )
    strength: Strength = Field(0.6, description="How much the second pass redraws; below 0.5 latent ones stay blurred.")
    steps: int | None = Field(
        None, strict=True, ge=1, le=1000, description="Steps of its schedule; null = the first pass's."
    )
    sampler: SamplerName | None = Field(None, description="null = the first pass's, with its options.")
    schedule: ScheduleName | None = Field(None, description="null = the first pass's, with its options.")
    prompt: PromptText | None = Field(None, description="null = the first pass's. Without choices and wildcards.")
    negative_prompt: PromptText | None = Field(None, description="null = the first pass's.")


class Txt2Img(Request):
    """A picture from words."""

    kind: Literal["txt2img"] = "txt2img"
    hires: Hires | None = Field(None, description="A second pass over the picture, enlarged; null = none.")

    @property
    def hires_size(self) -> tuple[int, int]:
        """Width and height of the second pass, pixels. Needs the first one's to be filled in."""
        assert self.hires is not None
        assert self.width is not None
        assert self.height is not None
        return to_eights(self.width * self.hires.factor), to_eights(self.height * self.hires.factor)


class Img2Img(Request):
    """A picture from words and a picture."""

    kind: Literal["img2img"] = "img2img"
    image: ImageId = Field(description="Id of the picture to start from.")
    strength: Strength = Field(0.75, description="How much is redrawn: near 0 almost nothing, 1 everything.")
    resize: Literal["stretch", "crop", "fill"] = Field(
        "stretch",
        description="How the input is brought to width x height: distorted, cut at the edges, or padded.",
    )


class Inpaint(Request):
    """A picture of which the masked part, or a border put around it, is painted anew."""

    kind: Literal["inpaint"] = "inpaint"
    image: ImageId = Field(description="Id of the picture to change.")
    extend: Extend | None = Field(
        None, description="Let the picture grow at its sides; what is new is painted to match. null = keep its size."
    )
    mask: ImageId | None = Field(
        None,
        validate_default=True,
        description="Id of a picture of the same size: white = repaint, greys = partly. Needed without `extend`.",
    )
    invert_mask: bool = Field(False, description="Repaint what is black instead.")
    soft: bool = Field(
        False,
        description="Greys say for how many of the steps a place is repainted: white all, mid-grey the last half. "
        "false = they say how much of the new part shows through.",
    )
    mask_blur: int = Field(
        4, strict=True, ge=0, le=64, description="Softening of the mask's edge, pixels (Gaussian sigma)."
    )
    strength: Strength = Field(1.0, description="How much the masked part is redrawn.")
    fill: Literal["original", "blur", "noise", "zero"] = Field(
        "original",
        description="What stands under the mask at the start. "
        "A border of `extend` has no original: there it is the edge's colours, spread outward.",
    )
    area: Literal["whole", "masked"] = Field(
        "whole",
        description="Work on the whole picture, or only around the mask (enlarged to the model's own size).",
    )
    padding: int = Field(32, strict=True, ge=0, le=512, description="Pixels around the mask that `masked` takes along.")
    colour_match: bool = Field(
        False, description="Bring the new part's colours in line: as the known part near the mask came out, corrected."
    )

    @field_validator("mask")
    @classmethod
    def _something_to_paint(cls, mask: str | None, info: ValidationInfo) -> str | None:
        if mask is not None or "extend" not in info.data:  # a broken `extend` is told of by itself
            return mask
        if info.data["extend"] is None:
            raise ValueError("is required, unless `extend` lets the picture grow")
        if info.data["extend"].nothing:
            raise ValueError("is required, since `extend` adds nothing: give a mask, or extend a side by 8 or more")
        return mask

    @field_validator("invert_mask")
    @classmethod
    def _of_a_mask(cls, invert: bool, info: ValidationInfo) -> bool:
        if invert and info.data.get("mask", "") is None:
            raise ValueError("has no effect without a mask; give one or leave this out")
        return invert


PictureRequest = Annotated[Txt2Img | Img2Img | Inpaint, Field(discriminator="kind")]


def input_images(request: BaseModel) -> dict[str, str]:
    """Field name → image id, of every picture the request refers to."""
    named = {name: getattr(request, name, None) for name in ("image", "mask")}
    return {name: image_id for name, image_id in named.items() if image_id is not None}


def to_eights(side: float) -> int:
    """The nearest multiple of 8, pixels."""
    return max(MIN_SIDE, round(side / 8) * 8)


@dataclass(frozen=True, slots=True)
class Pass:
    """One way down from noise, for one picture."""

    width: int  # pixels
    height: int
    steps: int  # that are really taken


def passes(request: Request) -> list[Pass]:
    """What one picture of a request takes. Needs its size to be filled in.

    From an input picture, and in a second pass, it starts part of the way down, as in diffusers.
    """
    assert request.width is not None
    assert request.height is not None
    strength = request.strength if isinstance(request, Img2Img | Inpaint) else 1.0
    found = [Pass(request.width, request.height, steps_taken(request.steps, strength))]
    if isinstance(request, Txt2Img) and request.hires:
        steps = steps_taken(request.hires.steps or request.steps, request.hires.strength)
        found.append(Pass(*request.hires_size, steps))
    return found


def steps_taken(steps: int, strength: float) -> int:
    """Denoising steps that are left of a schedule when so much is redrawn."""
    return max(1, min(steps, int(steps * strength)))


def total_steps(request: Request) -> int:
    """Steps summed over all pictures of the request."""
    return sum(each.steps for each in passes(request)) * request.count


def pixel_steps(request: Request) -> int:
    """Pixels times steps, summed over all passes of all pictures: what the work is measured by."""
    return sum(each.width * each.height * each.steps for each in passes(request)) * request.count
