"""What a client may ask for: one frozen model per kind of job. kinds.py has the kinds that are not one picture's.

Unknown fields are refused, and so is every field of the contract that has no effect yet.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from contract.sampling import Sampling
from contract.wording import Wording

MAX_SEED = 2**53 - 101  # exact in a JavaScript number, with room for 100 images
MIN_SIDE, MAX_SIDE = 64, 4096

Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=8)]
ImageId = Annotated[str, Field(pattern=r"^img_[a-z2-7]{26}$")]
Strength = Annotated[float, Field(gt=0, le=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Variation(BaseModel):
    """A second seed that the first is turned toward."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(ge=0, le=MAX_SEED, description="The other seed; picture i turns toward this + i.")
    strength: float = Field(gt=0, le=1, description="How far: near 0 almost the same picture, 1 the other one.")


class SeedSize(BaseModel):
    """The size a seed is known from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: Side = Field(description="Pixels.")
    height: Side = Field(description="Pixels.")


class Drawing(Sampling, Wording):
    """Fields of every job in which a model draws."""

    model: str | None = Field(None, max_length=100, description="A name from /models; null = the default.")
    steps: int = Field(20, ge=1, le=1000, description="Denoising steps. More is slower and often finer.")
    guidance: float = Field(
        7.5, ge=1, le=30, description="How strictly the prompt is followed; 1 = off, at half the cost."
    )
    guidance_rescale: Fraction = Field(
        0.0, description="0 to 1: takes back what high guidance adds in contrast; 0.7 suits v-prediction models."
    )
    guidance_start: Fraction = Field(0.0, description="Share of the steps before which there is no guidance.")
    guidance_end: Fraction = Field(
        1.0, description="Share of the steps after which there is none. Steps without it take half the time."
    )
    seed: int | None = Field(None, ge=0, le=MAX_SEED, description="Same seed, same picture; null = drawn for you.")

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
        1, ge=1, le=100, description="Pictures to make; number i uses seed + i, or with `variation` its seed + i."
    )
    tiling: Literal["none", "x", "y", "both"] = Field(
        "none", description="Make a picture that joins itself: left to right (x), top to bottom (y), or both."
    )
    previews: bool = Field(True, description="Show the picture while it develops.")

    def seed_of(self, index: int) -> int:
        """The seed of picture `index`; variations all have the first one's."""
        assert self.seed is not None  # drawn by the api
        return self.seed if self.variation else self.seed + index


class Txt2Img(Request):
    """A picture from words."""

    kind: Literal["txt2img"] = "txt2img"


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
    """A picture of which the masked part is painted anew."""

    kind: Literal["inpaint"] = "inpaint"
    image: ImageId = Field(description="Id of the picture to change.")
    mask: ImageId = Field(description="Id of a picture of the same size: white = repaint, greys = partly.")
    invert_mask: bool = Field(False, description="Repaint what is black instead.")
    mask_blur: int = Field(4, ge=0, le=64, description="Softening of the mask's edge, pixels (Gaussian sigma).")
    strength: Strength = Field(1.0, description="How much the masked part is redrawn.")
    fill: Literal["original", "blur", "noise", "zero"] = Field(
        "original", description="What stands under the mask at the start."
    )
    area: Literal["whole", "masked"] = Field(
        "whole",
        description="Work on the whole picture, or only around the mask (enlarged to the model's own size).",
    )
    padding: int = Field(32, ge=0, le=512, description="Pixels around the mask that `masked` takes along.")


PictureRequest = Annotated[Txt2Img | Img2Img | Inpaint, Field(discriminator="kind")]


def input_images(request: BaseModel) -> dict[str, str]:
    """Field name → image id, of every picture the request refers to."""
    return {name: getattr(request, name) for name in ("image", "mask") if hasattr(request, name)}


def steps_per_image(request: Request) -> int:
    """Denoising steps each picture really takes: an input picture starts part of the way down, as in diffusers."""
    if not isinstance(request, Img2Img | Inpaint):
        return request.steps
    return max(1, min(request.steps, int(request.steps * request.strength)))


def total_steps(request: Request) -> int:
    """Steps summed over all pictures of the request."""
    return steps_per_image(request) * request.count
