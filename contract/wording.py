"""What a picture is told to show: prompts, styles, and how a prompt is moved among others."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def clean(text: str) -> str:
    """NFC, and no control characters but newline and tab.

    >>> clean("e\u0301")
    'é'
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise ValueError("holds a control character or half a surrogate pair; take it out")
    return unicodedata.normalize("NFC", text)


PromptText = Annotated[str, Field(max_length=10_000), AfterValidator(clean)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Blend(_Part):
    """Another prompt that is mixed in."""

    prompt: PromptText = Field(description="The other prompt.")
    weight: float = Field(
        1.0, strict=True, gt=0, le=10, description="How much of it, where the prompt itself counts 1."
    )


class Direction(_Part):
    """A way to move the prompt: from one text toward another."""

    toward: PromptText = Field("", description="What there should be more of.")
    away: PromptText = Field("", description="What there should be less of.")
    scale: float = Field(1.0, strict=True, ge=-10, le=10, description="How far; below 0 the other way.")


class Wording(BaseModel):
    """The words of a request, and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: PromptText = Field(
        description="What the picture shows. `(more:1.3)`, `[less]`, `[from:to:0.5]`, `[a|b]`, `AND`, `BREAK`, "
        "`{red|blue}` and `__wildcard__` mean what docs/prompts.md says."
    )
    negative_prompt: PromptText = Field("", description="What it should not show. Needs guidance above 1.")
    styles: tuple[Annotated[str, Field(max_length=100)], ...] = Field(
        (), max_length=8, description="Names from /styles, put around the prompts in this order."
    )
    blend: tuple[Blend, ...] = Field((), max_length=8, description="Other prompts to mix in, in the encoder's space.")
    directions: tuple[Direction, ...] = Field(
        (), max_length=8, description="Ways to move the prompt in the encoder's space: toward this, away from that."
    )
    clip_skip: int = Field(
        0,
        strict=True,
        ge=0,
        le=11,
        description="Layers of the text encoder left out at its end; 1 suits some finetuned models.",
    )
