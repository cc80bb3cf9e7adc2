"""A U-Net in two depths: the whole of it, and its outermost blocks on deep features of an earlier call.

DeepCache (Ma et al. 2023, arXiv 2312.00858): from step to step the deep features hardly change, and they are most of
the work. What is reused is what the outermost up block gets from below.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)
Inputs = tuple[Any, ...]
Named = dict[str, Any]


class Asked(NamedTuple):
    """What a U-Net is asked, rows first, on its device and in its number format.

    x: (R, C, h, w); times: (R,); texts: (R, L, D); mask: (R, L), None where all counts; told: (R, W), the guidance a
    distilled one is told; deep: features of an earlier call, (R, C', h, w), None for the whole U-Net.
    """

    x: Tensor
    times: Tensor
    texts: Tensor
    mask: Tensor | None = None
    told: Tensor | None = None
    deep: Tensor | None = None


class Answered(NamedTuple):
    """output: (R, C, h, w); deep: features of a whole call, (R, C', h, w), None of a shallow one."""

    output: Tensor
    deep: Tensor | None = None


class Depths:
    """A `UNet2DConditionModel` of diffusers as two twins on its weights: a whole one and a shallow one.

    deep: features of the last whole call, (R, C, h, w) at the resolution of the latent. Not thread-safe.
    """

    def __init__(self, unet: Any) -> None:
        self.deep: Tensor | None = None
        self._given: Tensor | None = None
        *inner, outermost = unet.up_blocks
        keeping, given = _twin(outermost), _twin(outermost)
        for block, hook in ((keeping, self._keep), (given, self._give)):
            block._forward_pre_hooks, block._forward_pre_hooks_with_kwargs = OrderedDict(), OrderedDict()
            block.register_forward_pre_hook(hook, with_kwargs=True)
        self.whole: Any = _twin(unet, up_blocks=nn.ModuleList([*inner, keeping]))
        self._shallow: Any = _twin(
            unet,
            down_blocks=nn.ModuleList([_twin(unet.down_blocks[0], downsamplers=None)]),
            mid_block=None,
            up_blocks=nn.ModuleList([given]),
        )

    def __call__(self, asked: Asked) -> Answered:
        """The answer of the one or the other."""
        named = {
            "encoder_hidden_states": asked.texts,
            "encoder_attention_mask": asked.mask,
            "timestep_cond": asked.told,
            "return_dict": False,
        }
        if asked.deep is not None:
            return Answered(self.shallow(asked.deep, asked.x, asked.times, **named)[0])
        output = self.whole(asked.x, asked.times, **named)[0]
        deep, self.deep = self.deep, None
        return Answered(output, deep)

    def shallow(self, deep: Tensor, *args: Any, **kwargs: Any) -> Any:
        """The answer for `args`, as the whole takes them, with these deep features."""
        self._given = deep
        try:
            return self._shallow(*args, **kwargs)
        finally:
            self._given = None

    def _keep(self, _: nn.Module, __: Inputs, named: Named) -> None:
        self.deep = named["hidden_states"]

    def _give(self, _: nn.Module, inputs: Inputs, named: Named) -> tuple[Inputs, Named]:
        return inputs, named | {"hidden_states": self._given}


def _twin(module: M, **children: nn.Module | None) -> M:
    """A module with the same parameters and hooks, and some of its children changed."""
    twin = copy.copy(module)
    twin._modules = module._modules | children
    return twin
