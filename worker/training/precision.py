"""Mixed precision: weights and sums in float32, products in bfloat16 (Micikevicius et al. 2018; Kalamkar et al. 2019).

On a CPU with AVX-512 BF16 a step of the U-Net takes 0.62 of the time that float32 takes, of CLIP 0.6, of the
autoencoder 0.7 (docs/training.md). Two operations lose by it there and are kept out: group norms, which have no fast
bfloat16 kernel, and fused attention, whose backward pass has none. A CPU without takes twenty times as long: there all
stays float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def norms_in_float32(model: nn.Module) -> None:
    """Let every group norm of `model` see float32, whatever comes before it."""
    for module in model.modules():
        if isinstance(module, nn.GroupNorm):
            module.register_forward_pre_hook(_widen)


def _widen(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(value.float() for value in inputs)


@cache
def fast_bfloat16() -> bool:
    """Whether this CPU multiplies in bfloat16 by itself."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


@contextmanager
def mixed(device: str = "cpu") -> Iterator[None]:
    """Products in bfloat16 within, where the device is fast at it; leave it before the backward pass."""
    if device == "cpu" and not fast_bfloat16():
        yield
        return
    backends = [SDPBackend.MATH] if device == "cpu" else [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
    with torch.autocast(device, dtype=torch.bfloat16), sdpa_kernel(backends):
        yield
