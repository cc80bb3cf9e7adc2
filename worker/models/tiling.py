"""Pictures that join themselves at their edges: convolutions that go round, where others pad with zeros."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Tiling = Literal["", "x", "y", "xy"]
MARGIN = 64  # pixels


@contextmanager
def seamless(model: nn.Module, tiling: Tiling) -> Iterator[None]:
    """While this lasts, every padded convolution of `model` goes round in the directions of `tiling`.

    The model must not be used by another thread meanwhile.
    """
    if not tiling:
        yield
        return
    going_round = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.padding != (0, 0)]
    for convolution in going_round:
        convolution._conv_forward = _round(convolution, tiling)  # type: ignore[method-assign,assignment]  # of this one alone
    try:
        yield
    finally:
        for convolution in going_round:
            del convolution._conv_forward


def _round(convolution: nn.Conv2d, tiling: Tiling) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    height, width = (int(side) for side in convolution.padding)
    stride, dilation, groups = convolution.stride, convolution.dilation, convolution.groups

    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x = F.pad(x, (width, width, 0, 0), "circular" if "x" in tiling else "constant")
        x = F.pad(x, (0, 0, height, height), "circular" if "y" in tiling else "constant")
        return F.conv2d(x, weight, bias, stride, 0, dilation, groups)

    return forward


def with_margin(picture: Tensor, tiling: Tiling) -> tuple[Tensor, tuple[int, int]]:
    """A picture (B, C, H, W) continued past its edges by what it joins, and by how many pixels (down, across).

    For the VAE's encoder, which pads by hand and on two sides only.
    """
    down = min(MARGIN, picture.shape[-2]) if "y" in tiling else 0
    across = min(MARGIN, picture.shape[-1]) if "x" in tiling else 0
    return F.pad(picture, (across, across, down, down), "circular") if tiling else picture, (down, across)
