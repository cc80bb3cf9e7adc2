"""Every kind of job, and what they have in common."""

from typing import Annotated

from pydantic import Field

from contract.grid import Grid
from contract.requests import Img2Img, Inpaint, Txt2Img
from contract.upscale import Upscale
from contract.wording import Wording

JobRequest = Annotated[Txt2Img | Img2Img | Inpaint | Grid | Upscale, Field(discriminator="kind")]


def wording(request: JobRequest) -> Wording:
    """The prompts as they were asked for; a grid's are those of its base."""
    return request.base if isinstance(request, Grid) else request


def model_of(request: JobRequest) -> str | None:
    """The model a job needs, by name; None where it needs none."""
    return request.base.model if isinstance(request, Grid) else request.model
