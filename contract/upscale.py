"""Enlarging a picture: by Lanczos alone, or drawn anew tile by tile."""

from typing import Annotated, Literal

from pydantic import Field

from contract.errors import BadRequest
from contract.phrases import Phrase
from contract.requests import MAX_SIDE, Drawing, ImageId, Img2Img, Side, Strength, steps_taken
from contract.wording import PromptText

MAX_TILES = 2048


class Upscale(Drawing):
    """A picture made larger."""

    kind: Literal["upscale"] = "upscale"
    image: ImageId = Field(description="Id of the picture to enlarge.")
    factor: float = Field(
        2.0,
        strict=True,
        ge=1.5,
        le=4,
        description=f"How many times wider and higher; at most {MAX_SIDE} pixels a side come out.",
    )
    method: Literal["lanczos", "redraw"] = Field(
        "redraw",
        description="`lanczos`: interpolated, without a model. `redraw`: that, drawn over tile by tile by the model.",
    )
    prompt: PromptText = Field("", description="What the picture shows, for redraw. Every tile hears all of it.")
    strength: Strength = Field(0.3, description="How much of each tile is redrawn: near 0 almost nothing.")
    tile: Side | None = Field(None, description="Side of a tile, pixels; null = the model's own size.")
    overlap: Annotated[int, Field(strict=True, ge=8)] | None = Field(
        None, description="Pixels in which neighbouring tiles fade into each other, to half a tile; null = a quarter."
    )

    def tile_request(self) -> Img2Img:
        """What one tile is redrawn by; tile number i uses seed + i."""
        shared = self.model_dump(include={*Drawing.model_fields, "image", "strength"})
        return Img2Img.model_validate({**shared, "width": self.tile, "height": self.tile, "previews": False})


def enlarged(width: int, height: int, factor: float) -> tuple[int, int]:
    """Size of the result, pixels.

    >>> enlarged(101, 67, 1.5)
    (152, 100)
    """
    return round(width * factor), round(height * factor)


def starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one side: as few as can be, evenly spread, and neighbours share `overlap` or more.

    >>> starts(100, 128, 32), starts(200, 128, 32), starts(300, 128, 32)
    ([0], [0, 72], [0, 86, 172])
    """
    if length <= tile:
        return [0]
    count = 1 + -(-(length - tile) // (tile - overlap))
    return [i * (length - tile) // (count - 1) for i in range(count)]


def tile_count(width: int, height: int, tile: int, overlap: int) -> int:
    """Tiles of a picture of this size."""
    return len(starts(width, tile, overlap)) * len(starts(height, tile, overlap))


def total_steps(request: Upscale, width: int, height: int) -> int:
    """Steps summed over the tiles of an enlarged picture of this size; Lanczos counts as one."""
    if request.method == "lanczos":
        return 1
    assert request.tile is not None  # filled in by the api
    assert request.overlap is not None
    return steps_taken(request.steps, request.strength) * tile_count(width, height, request.tile, request.overlap)


def refuse_unused(request: Upscale) -> None:
    """Raises BadRequest for a field that has no effect without a model."""
    if request.method == "redraw":
        return
    used = {"kind", "image", "factor", "method", "webhook", "metadata"}
    for name, field in Upscale.model_fields.items():
        if name not in used and getattr(request, name) != field.get_default():
            raise BadRequest(
                Phrase("{name} has no effect with lanczos; take it out, or choose the method redraw.", name=name), name
            )
