"""What a client may ask for: one frozen model per kind of job.

Unknown fields are refused, and so is every field of the contract that has no effect yet.
"""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from contract.sampling import Sampling

MAX_SEED = 2**53 - 101  # exact in a JavaScript number, with room for 100 images
MIN_SIDE, MAX_SIDE = 64, 4096
MAX_EXTENSION = 1024  # pixels at one side


def _clean(text: str) -> str:
    """NFC, and no control characters but newline and tab.

    >>> _clean("e\u0301")
    'é'
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise ValueError("holds a control character or half a surrogate pair; take it out")
    return unicodedata.normalize("NFC", text)


Prompt = Annotated[str, Field(max_length=2000), AfterValidator(_clean)]
Side = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE, multiple_of=8)]
ImageId = Annotated[str, Field(pattern=r"^img_[a-z2-7]{26}$")]
Strength = Annotated[float, Field(gt=0, le=1)]


Border = Annotated[int, Field(ge=0, le=MAX_EXTENSION, multiple_of=8)]


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


class Request(Sampling):
    """Fields that every picture-making job has."""

    prompt: Prompt = Field(description="What the picture shows.")
    negative_prompt: Prompt = Field("", description="What it should not show. Needs guidance above 1.")
    model: str | None = Field(None, max_length=100, description="A name from /models; null = the default.")
    width: Side | None = Field(
        None, description="Pixels; null = the model's own size, or the input picture's where there is one."
    )
    height: Side | None = Field(None, description="Pixels; null as for width.")
    steps: int = Field(20, ge=1, le=1000, description="Denoising steps. More is slower and often finer.")
    guidance: float = Field(
        7.5, ge=1, le=30, description="How strictly the prompt is followed; 1 = off, at half the cost."
    )
    seed: int | None = Field(None, ge=0, le=MAX_SEED, description="Same seed, same picture; null = drawn for you.")
    count: int = Field(1, ge=1, le=100, description="Pictures to make; number i uses seed + i.")
    previews: bool = Field(True, description="Show the picture while it develops.")


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
    mask_blur: int = Field(4, ge=0, le=64, description="Softening of the mask's edge, pixels (Gaussian sigma).")
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
    padding: int = Field(32, ge=0, le=512, description="Pixels around the mask that `masked` takes along.")
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


JobRequest = Annotated[Txt2Img | Img2Img | Inpaint, Field(discriminator="kind")]


def input_images(request: Request) -> dict[str, str]:
    """Field name → image id, of every picture the request refers to."""
    named = {name: getattr(request, name, None) for name in ("image", "mask")}
    return {name: image_id for name, image_id in named.items() if image_id is not None}


def steps_per_image(request: Request) -> int:
    """Denoising steps each picture really takes: an input picture starts part of the way down, as in diffusers."""
    if not isinstance(request, Img2Img | Inpaint):
        return request.steps
    return max(1, min(request.steps, int(request.steps * request.strength)))


def total_steps(request: Request) -> int:
    """Steps summed over all pictures of the request."""
    return steps_per_image(request) * request.count
