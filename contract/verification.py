"""A picture made again and compared: what the worker is told of the first one, and what it found."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MadeBy = Mapping[str, str | int | bool]  # all that bytes depend on beside the request, by name; see `_NAMES`

_NAMES = {
    "model": "the model's weights",
    "device": "the device",
    "dtype": "the number format",
    "threads": "the number of threads",
    "channels_last": "the order of channels in memory",
    "compiled": "whether the U-Net is compiled",
    "strict": "whether it is strict",
    "code": "Darkroom's code",
    "torch": "torch's version",
    "diffusers": "diffusers' version",
    "pillow": "Pillow's version",
}
_WITHOUT_A_MODEL = ("code", "pillow")


class Original(BaseModel):
    """A picture that a job makes again. Its bytes are the job's input of the same id."""

    model_config = ConfigDict(frozen=True)

    image_id: str
    role: str
    modelled: bool  # a model had a part in it
    maker: str  # a digest of all that is in `made_by`
    made_by: dict[str, Any]  # as far as it was noted then: the model's weights always

    def differences(self, maker: str, here: MadeBy) -> list[str]:
        """What differs here from what made it, in words."""
        names = _NAMES if self.modelled else _WITHOUT_A_MODEL
        told = [
            f"{_NAMES[name]}: {self.made_by[name]} then, {here[name]} here"
            for name in names
            if name in self.made_by and name in here and self.made_by[name] != here[name]
        ]
        if told or self.maker == maker:
            return told
        return ["it was made by another build or device, of which no more was noted then"]


class Verification(BaseModel):
    """What came of making a picture again."""

    model_config = ConfigDict(frozen=True)

    image_id: str = Field(description="The picture that is made again.")
    same: bool | None = Field(None, description="Whether the bytes are the same; null until that is known.")
    reasons: list[str] = Field(default_factory=list, description="Where they are not: why, as far as can be told.")
    greatest: int | None = Field(
        None, description="The largest difference of a pixel in any channel, 0 to 255; null where sizes differ."
    )
    mean: float | None = Field(None, description="The mean difference over all pixels and channels, 0 to 255.")
