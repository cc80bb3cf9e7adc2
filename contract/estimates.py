"""What a job costs.

The unit of work is the pixel-step: one denoising step of one pixel of the picture.
"""

from contract.grid import Grid
from contract.kinds import JobRequest
from contract.requests import pixel_steps
from contract.upscale import Upscale

_SIDE = 512  # pixels, where a request does not say


def cost_of(request: JobRequest, steps: int) -> int:
    """Pixel-steps of a whole job, of `steps` steps summed over its pictures. Lanczos costs next to nothing."""
    if isinstance(request, Upscale):
        return steps * (request.tile**2 if request.tile else _SIDE**2)
    first = request.base if isinstance(request, Grid) else request
    if first.width is None or first.height is None:
        return steps * _SIDE**2
    return steps * first.width * first.height if isinstance(request, Grid) else pixel_steps(first)
