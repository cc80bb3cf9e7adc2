"""Every kind of job. All of them have a model, prompts and a seed."""

from typing import Annotated

from pydantic import Field

from contract.grid import Grid
from contract.requests import Img2Img, Inpaint, Txt2Img
from contract.upscale import Upscale

JobRequest = Annotated[Txt2Img | Img2Img | Inpaint | Grid | Upscale, Field(discriminator="kind")]
