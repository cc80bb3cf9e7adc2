"""What the device at hand can do: calls for measuring, with noise for pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.engine.batcher import BatchKey
from worker.engine.capacity import Curve, at_knee, measure, rows_in_memory
from worker.engine.conditioning import Words, condition
from worker.engine.runner import BUCKETS, Rows, Runner

SIZES = (4, 8, 16, 32)  # buckets that the curve is measured at,
MIN_SIZES = 3  # and how many of them tell where it bends


@dataclass(frozen=True, slots=True)
class Known:
    """What was measured. rows: of a tick, capped at the knee; decode_rows: rows that a decode takes as long as."""

    curve: Curve
    rows: int
    decode_rows: int

    def __str__(self) -> str:
        a, c = 1e3 * self.curve.a, 1e3 * self.curve.c
        return f"a call takes {a:.1f} + {c:.2f} ms a row: {self.rows} rows a tick; a decode is {self.decode_rows} rows"


class Trial:
    """Measures a runner's model at its own size, or the memory it takes at another. Not thread-safe, as the runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._native = runner.components.native_size // runner.components.vae_scale
        self._text: Tensor | None = None

    def measure(self, most: int) -> Known | None:
        """The curve up to so many rows and what follows from it; None from a device too slow to tell in time."""
        measured = measure(self.step, [size for size in SIZES if size <= most])
        if len(measured) < MIN_SIZES:
            return None
        curve = Curve.fit(measured)
        size = min(measured)
        row = curve.c or measured[size] / size
        self.decode()
        return Known(curve, at_knee(curve, BUCKETS, most), max(1, round(self.decode() / row)))

    def step(self, rows: int) -> float:
        """Seconds of a U-Net call."""
        batch = self._batch(rows, self._native, self._native)
        return self._time(lambda: self._runner.call(rows, batch))

    def decode(self) -> float:
        """Seconds of a picture's way out of the VAE."""
        parts = self._runner.components
        latent = torch.zeros(parts.latent_channels, self._native, self._native, device=parts.device)
        return self._time(lambda: self._runner.decode(latent).wait())

    def rows_in_memory(self, key: BatchKey) -> int:
        """The largest batch of this key that the device's memory holds; all of them where nobody can tell."""
        if self._runner.components.device.type != "cuda":
            return BUCKETS[-1]
        try:
            return rows_in_memory(_Memory(self, key), BUCKETS)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return BUCKETS[0]

    def peak(self, key: BatchKey, rows: int) -> int:
        """Bytes that a call takes at its height on CUDA, above what was taken before."""
        device = self._runner.components.device
        batch = self._batch(rows, key.height, key.width, key.length)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        self._runner.unet.call(rows, batch, eager=True)  # a recorded call would find its memory there
        return torch.cuda.max_memory_allocated(device) - before

    def free(self) -> int:
        """Bytes on CUDA that nobody has, or that torch keeps for later."""
        device = self._runner.components.device
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept - self._runner.unet.recorded_bytes

    def _batch(self, rows: int, height: int, width: int, length: int = 0) -> Rows:
        parts = self._runner.components
        if self._text is None:
            self._text = condition(Words(""), 1, self._runner.texts.encode).at(0).texts[:1]
        text = self._text.repeat(1, max(1, length // self._text.shape[1]), 1)
        noise = torch.randn(rows, parts.unet.config.in_channels, height, width, device=parts.device)
        return Rows(noise, torch.full((rows,), 500.0), torch.ones(rows), text.expand(rows, -1, -1))

    def _time(self, act: Callable[[], object]) -> float:
        begin = time.perf_counter()
        act()
        if self._runner.components.device.type == "cuda":
            torch.cuda.synchronize(self._runner.components.device)
        return time.perf_counter() - begin


@dataclass(frozen=True)
class _Memory:
    """`capacity.Probe` for one key."""

    trial: Trial
    key: BatchKey

    def free(self) -> int:
        return self.trial.free()

    def peak(self, rows: int) -> int:
        return self.trial.peak(self.key, rows)
