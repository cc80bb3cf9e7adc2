"""FLOPs and bytes against sums by hand and against published numbers of parameters."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench import random_models
from bench.roofline import Shapes, Work, shapes, work


def test_a_linear_layer_by_hand() -> None:
    with torch.device("meta"):
        counted = work(nn.Linear(3, 5), torch.empty(7, 3))
    assert counted.flops == 2 * 7 * 3 * 5
    assert counted.weights == 4 * (3 * 5 + 5)
    assert counted.in_out == 4 * (7 * 3 + 7 * 5)
    assert counted.moved == counted.weights + counted.in_out  # one function


def test_a_convolution_by_hand() -> None:
    with torch.device("meta"), random_models.made_as("meta", torch.bfloat16):
        layer = nn.Conv2d(4, 6, 3, padding=1, stride=2, bias=False)
        counted = work(layer, torch.empty(2, 4, 8, 8))
    assert counted.flops == 2 * (2 * 6 * 4 * 4) * (4 * 3 * 3)
    assert counted.weights == 2 * 6 * 4 * 9
    assert counted.moved == counted.weights + 2 * (2 * 4 * 8 * 8 + 2 * 6 * 4 * 4)


def test_attention_is_one_function_and_views_are_free() -> None:
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            q = x.view(1, 8, 2, 4).transpose(1, 2)
            return nn.functional.scaled_dot_product_attention(q, q, q)

    counted = work(Attention(), torch.empty(1, 8, 8, device="meta"))
    assert counted.flops == 2 * (2 * 2 * 8 * 8 * 4)  # queries by keys, and their weights by values, for two heads
    assert counted.moved == 4 * (3 + 1) * 64


def test_the_longer_of_arithmetic_and_memory_is_the_limit() -> None:
    counted = Work(flops=10**12, weights=10**9, moved=5 * 10**9, in_out=10**9)
    assert counted.limit(tflops=100, tbps=1) == pytest.approx(0.01)
    assert counted.limit(tflops=1000, tbps=1) == pytest.approx(0.002)
    assert counted.unfused(tflops=1000, tbps=1) == pytest.approx(0.005)


@pytest.fixture(scope="module")
def tiny() -> Shapes:
    return shapes("tiny", torch.float32)


def test_flops_grow_with_rows_and_weights_do_not(tiny: Shapes) -> None:
    one, two, four = (tiny.unet_call(rows) for rows in (1, 2, 4))
    assert one.weights == four.weights == 4 * sum(p.numel() for p in tiny.unet.parameters())
    assert four.flops - two.flops == 2 * (two.flops - one.flops)
    assert tiny.decode().flops > 0


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        ("sd15", 859_520_964),  # Stable Diffusion 1.5
        ("sdxl", 2_567_463_684 - (2816 * 1280 + 1280 + 1280 * 1280 + 1280)),  # SDXL 1.0 less its added embedding
    ],
)
def test_known_sizes_have_their_published_parameters(size: random_models.Size, parameters: int) -> None:
    with random_models.made_as("meta", torch.bfloat16):
        assert sum(p.numel() for p in random_models.unet(size).parameters()) == parameters
        assert sum(p.numel() for p in random_models.vae(size).parameters()) == 83_653_863
