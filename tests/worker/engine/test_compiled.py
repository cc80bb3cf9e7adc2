"""The compiled U-Net: swapped in when it agrees, left out when it does not, and never waited for.

torch's own "eager" backend traces as every backend does and needs no C++ compiler.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.compiled import Backend, Compiled
from worker.engine.unet import Acceleration, UNet
from worker.models.depths import Asked, Depths


@pytest.fixture(scope="module")
def unet() -> Any:
    """One level of sixteen channels, so that tracing takes a second."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(16,), layers_per_block=1, down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",), mid_block_type=None, norm_num_groups=8, cross_attention_dim=8,
    ).eval().requires_grad_(False)  # fmt: skip


def asked(rows: int, *, side: int = 8, seed: int = 0) -> Asked:
    rng = torch.Generator().manual_seed(seed)
    x, texts = torch.randn(rows, 4, side, 8, generator=rng), torch.randn(rows, 5, 8, generator=rng)
    return Asked(x, torch.linspace(999, 0, rows), texts)


def wait(compiled: Compiled) -> None:
    for thread in threading.enumerate():
        if thread.name == "compile":
            thread.join(timeout=300)
    assert not compiled.compiling


class Watched:
    """A backend that runs the graph as it is, after `gate` has opened, and `times` what comes out."""

    def __init__(self, times: float = 1.0) -> None:
        self.graphs, self.begun, self.gate, self.times = 0, threading.Event(), threading.Event(), times

    def __call__(self, graph: Any, _: list[Tensor], **__: Any) -> Callable[..., Any]:
        self.graphs += 1
        self.begun.set()
        assert self.gate.wait(timeout=300)
        return lambda *inputs: tuple(each * self.times for each in graph(*inputs))


@torch.inference_mode()
def test_the_eager_one_serves_until_the_compiled_one_is_there(unet: Any) -> None:
    eager, backend = Depths(unet), Watched()
    compiled = Compiled(unet, eager, backend)
    assert not compiled.ready(asked(4))
    assert backend.begun.wait(timeout=300)
    assert compiled.compiling
    assert not compiled.ready(asked(4, seed=1))
    expected = eager(asked(4, seed=1)).output
    assert torch.equal(compiled(asked(4, seed=1)).output, expected), "it waited for the gate, or answered otherwise"
    backend.gate.set()
    wait(compiled)
    assert compiled.ready(asked(4, seed=1))
    answered = compiled(asked(4, seed=1))
    torch.testing.assert_close(answered.output, expected)
    torch.testing.assert_close(answered.deep, eager(asked(4, seed=1)).deep)

    for rows in (6, 8):  # compared before they serve, and not compiled again
        assert not compiled.ready(asked(rows))
        wait(compiled)
        assert compiled.ready(asked(rows))
        torch.testing.assert_close(compiled(asked(rows)).output, eager(asked(rows)).output)
    assert (backend.graphs, compiled.recompiles) == (1, 0)

    shallow = asked(4)._replace(deep=answered.deep)
    for other in (asked(4, side=4), shallow):
        assert not compiled.ready(other)
        wait(compiled)
        assert compiled.ready(other)
    torch.testing.assert_close(compiled(shallow).output, eager(shallow).output)
    assert (backend.graphs, compiled.recompiles) == (3, 0)


@torch.inference_mode()
def test_what_answers_otherwise_is_left_out(unet: Any, caplog: pytest.LogCaptureFixture) -> None:
    backend = Watched(times=1.01)
    backend.gate.set()
    compiled = Compiled(unet, Depths(unet), backend)
    with caplog.at_level(logging.ERROR):
        compiled.ready(asked(4))
        wait(compiled)
    assert not compiled.ready(asked(4))
    assert "left out, 1.0e-02 from the eager U-Net" in caplog.text
    assert backend.graphs == 1, "it was tried again"


def no_compiler(*_: Any, **__: Any) -> Any:
    raise RuntimeError("No working C++ compiler found")


def not_a_number(graph: Any, _: list[Tensor], **__: Any) -> Callable[..., Any]:
    return lambda *inputs: tuple(each * torch.nan for each in graph(*inputs))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("backend", "why"), [(no_compiler, "No working C++ compiler found"), (not_a_number, "nan from the eager")]
)
def test_a_machine_that_cannot_compile_stays_eager_and_says_so(
    unet: Any, backend: Backend, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    compiled = Compiled(unet, Depths(unet), backend)
    with caplog.at_level(logging.WARNING):
        assert not compiled.ready(asked(4))
        wait(compiled)
    assert not compiled.ready(asked(4))
    assert why in caplog.text


def test_the_copy_has_the_same_weights_and_modules_of_its_own(unet: Any) -> None:
    copy = Compiled(unet, Depths(unet), "eager")._depths.whole
    assert all(a is b for a, b in zip(copy.parameters(), unet.parameters(), strict=True))
    assert not {id(module) for module in copy.modules()} & {id(module) for module in unet.modules()}


def test_under_strict_a_compiled_u_net_is_refused() -> None:
    with pytest.raises(ValueError, match="needs strict to be off"):
        UNet(tiny(), 999, acceleration=Acceleration(backend="eager"))
