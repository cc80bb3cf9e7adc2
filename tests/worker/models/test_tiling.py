"""Pictures that join themselves: moved noise gives the moved picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.samplers import SAMPLERS
from worker.engine.ticket import Ticket
from worker.models.tiling import Tiling, seamless, with_margin

AXES: dict[str, tuple[int, ...]] = {"x": (-1,), "y": (-2,), "xy": (-2, -1)}


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_goes_round_as_torch_s_own(stride: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 5, 3, padding=1, stride=stride)
    round_ = nn.Conv2d(3, 5, 3, padding=1, stride=stride, padding_mode="circular")
    round_.load_state_dict(layer.state_dict())
    x = torch.randn(2, 3, 8, 10)
    before = layer(x)
    with seamless(layer, "xy"):
        torch.testing.assert_close(layer(x), round_(x))
    assert torch.equal(layer(x), before), "and afterwards it pads with zeros again"


def test_one_direction_leaves_the_other() -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    nn.init.ones_(layer.weight)
    x = torch.zeros(1, 1, 6, 6)
    x[0, 0, 0, 0] = 1
    with seamless(layer, "x"):
        made = layer(x)[0, 0]
    assert made[0].tolist() == [1, 1, 0, 0, 0, 1]
    assert made[5].sum() == 0


def picture(runner: Runner, tiling: Tiling, start: Tensor | None = None, **changes: Any) -> tuple[Tensor, Tensor]:
    """The noise a flight starts from, and the decoded picture (H, W, 3)."""
    request = EngineRequest(
        words=(Words("a cat"),), width=64, height=64, steps=3, sampler="euler", schedule="karras", guidance=3.0,
        seed=1, tiling=tiling, **changes,
    )  # fmt: skip
    flight = runner.board(Job.of(Ticket(request), runner.levels, ends_clean=True), 0)
    began = flight.x
    if start is not None:
        flight = runner.board(flight.job, 0)
        flight._steps.close()
        flight._steps = SAMPLERS["euler"].steps(start, flight.leg.sigmas, flight._draw)
        flight._ask(None)
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return began, runner.decode(flight.landed, tiling).wait()[0].int()


@torch.inference_mode()
@pytest.mark.parametrize("tiling", ["x", "y", "xy"])
def test_moved_noise_gives_the_moved_picture(tiling: Tiling) -> None:
    """By four latent pixels, a multiple of the U-Net's own grid. Without tiling the edges would not agree."""
    runner = Runner(tiny())
    start, plain = picture(runner, tiling)
    moved = picture(runner, tiling, start.roll([4] * len(AXES[tiling]), AXES[tiling]))[1]
    axes = [axis - 1 for axis in AXES[tiling]]  # colours are last in a picture
    assert (moved - plain.roll([32] * len(axes), axes)).abs().max() <= 1, "rounding to a byte"


@torch.inference_mode()
def test_without_tiling_a_moved_picture_is_another_one() -> None:
    runner = Runner(tiny())
    start, plain = picture(runner, "")
    moved = picture(runner, "", start.roll(4, -1))[1]
    assert (moved - plain.roll(32, -2)).abs().max() > 1


def test_the_margin_is_what_the_picture_joins() -> None:
    x = torch.arange(4.0).view(1, 1, 2, 2)
    wide, margins = with_margin(x, "x")
    assert margins == (0, 2)
    assert wide[0, 0].tolist() == [[0, 1, 0, 1, 0, 1], [2, 3, 2, 3, 2, 3]]
    assert with_margin(x, "")[0] is x
