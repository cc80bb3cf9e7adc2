"""What each of the engine's accelerations gives on this device: one U-Net call by every way, beside the plain one.

Part of `make gpu-check`. Weights are shared; convolutions change their layout in place between the first two ways.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bench.pipelines import Clock
from worker.engine.recorded import AFTER, CudaGraphs
from worker.engine.runner import Runner
from worker.engine.trial import Trial
from worker.engine.unet import EAGER, Acceleration, Rows
from worker.models.loader import Components

Found = dict[str, Any]


def ways(device: torch.device) -> Iterator[tuple[str, Acceleration]]:
    """Names as in docs/benchmarks.md; CUDA graphs where there is CUDA."""
    yield "plain", EAGER
    yield "channels_last", EAGER
    if device.type == "cuda":
        yield "cuda_graphs", Acceleration(recorder=CudaGraphs(device))
    yield "compile", Acceleration(backend="inductor")
    if device.type == "cuda":
        yield "compile + cuda_graphs", Acceleration(backend="inductor", recorder=CudaGraphs(device))


@torch.inference_mode()
def accelerations(
    components: Components, rows: int, *, seconds: float, least_ms: float | None = None, times: int = 7
) -> dict[str, Found]:
    """Way → milliseconds of a call, how much faster than plain, its distance from plain, the share of the roofline.

    seconds: that compiling may take, of each way; least_ms: what a call takes at the roofline. Not strict, since
    compiled calls cannot be.
    """
    found: dict[str, Found] = {}
    plain: Tensor | None = None
    for name, acceleration in ways(components.device):
        layout = torch.contiguous_format if name == "plain" else torch.channels_last
        components.unet.to(memory_format=layout)
        runner = Runner(components, strict=False, acceleration=acceleration)
        batch = _batch(components, rows)
        clock = Clock()
        runner.call(rows, batch)
        while runner.unet.compiling and clock() < seconds:
            time.sleep(0.1)
        if runner.unet.compiling:
            found[name] = {"error": f"not compiled in {seconds:.0f} s"}
            break  # the compiler goes on and would take its time from what is measured next
        ready = clock()
        for _ in range(AFTER):
            answer = runner.call(rows, batch)
        plain = answer if plain is None else plain
        trial = Trial(runner)
        ms = 1e3 * statistics.median(trial.step(rows) for _ in range(times + 1))
        found[name] = {
            "ms": ms,
            "times_as_fast": found["plain"]["ms"] / ms if found else 1.0,
            "distance": float((answer - plain).norm() / plain.norm()),
            "seconds_until_ready": round(ready, 1),
            "recompiles": runner.unet.recompiles,
            "recorded_bytes": runner.unet.recorded_bytes,
            **({} if least_ms is None else {"share_of_roofline": least_ms / ms}),
        }
        runner.free_memory()
    return found


def _batch(components: Components, rows: int) -> Rows:
    """The same noise for every way."""
    rng, side = torch.Generator().manual_seed(0), components.native_size // components.vae_scale
    channels, width = components.unet.config.in_channels, components.unet.config.cross_attention_dim
    x, texts = torch.randn(rows, channels, side, side, generator=rng), torch.randn(rows, 77, width, generator=rng)
    times = torch.linspace(999, 0, rows)
    return Rows(x.to(components.device), times, torch.ones(rows), texts.to(components.device, components.dtype))
