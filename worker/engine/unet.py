"""The U-Net, asked in batches of a few fixed sizes (buckets) whose results were compared bit for bit.

Which bits a row gets must not depend on who else is in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from worker.engine.compiled import Backend, Compiled
from worker.engine.denoiser import guidance_embedding
from worker.engine.recorded import Recorded, Recorder
from worker.models.depths import Answered, Asked, Depths
from worker.models.loader import Components
from worker.models.tiling import Tiling, seamless

BUCKETS = (4, 6, 8, 12, 16, 24, 32)  # rows; on CPUs, batches of 1, 2 and 3 rows use kernels that round otherwise


@dataclass(frozen=True, eq=False)
class Rows:
    """A batch of the U-Net.

    x: (R, C, h, w); times, guidance: (R,); texts: (R, L, D); mask: (R, L), None where all counts; deep: features of an
    earlier call, (R, C', h, w), to do with its outermost blocks alone; None for the whole of it; tiling: of them all.
    """

    x: Tensor
    times: Tensor
    guidance: Tensor
    texts: Tensor
    mask: Tensor | None = None
    deep: Tensor | None = None
    tiling: Tiling = ""

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, part: slice | Tensor) -> Rows:
        mask = None if self.mask is None else self.mask[part]
        deep = None if self.deep is None else self.deep[part]
        return Rows(self.x[part], self.times[part], self.guidance[part], self.texts[part], mask, deep, self.tiling)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """All of them with a mask or none, of one depth and one tiling."""
        masks = [part.mask for part in parts if part.mask is not None]
        deep = [part.deep for part in parts if part.deep is not None]
        return cls(
            torch.cat([part.x for part in parts]),
            torch.cat([part.times for part in parts]),
            torch.cat([part.guidance for part in parts]),
            torch.cat([part.texts for part in parts]),
            torch.cat(masks) if masks else None,
            torch.cat(deep) if deep else None,
            parts[0].tiling,
        )

    def padded(self, size: int) -> Rows:
        """So many rows, by repeating the last."""
        return self[torch.arange(size).clamp(max=len(self) - 1)]

    def round(self, size: int) -> Rows:
        """So many rows, by going round."""
        return self[torch.arange(size) % len(self)]


@dataclass(frozen=True, slots=True)
class Acceleration:
    """What makes calls faster and changes no picture but in its last bits; docs/settings.md says when it is on.

    backend: of torch.compile, None: no compiling; recorder: of CUDA graphs.
    """

    backend: Backend | None = None
    recorder: Recorder | None = None


EAGER = Acceleration()


class UNet:
    """One model's, on one device. Not thread-safe. reused: rows that did with deep features of an earlier call.

    strict: buckets are compared; otherwise all are taken, and neighbours may show in a picture's last bits.
    Raises ValueError where that is asked of a compiled U-Net.
    """

    def __init__(
        self,
        components: Components,
        last_timestep: int,
        *,
        strict: bool = True,
        acceleration: Acceleration = EAGER,
    ) -> None:
        if acceleration.backend is not None and strict:
            raise ValueError(
                "A compiled U-Net rounds otherwise than the eager one that serves until it is there, so pictures would "
                "depend on when it came: compile needs strict to be off."
            )
        self.components, self.strict = components, strict
        self.reused = 0
        self._last = last_timestep
        self._depths = Depths(components.unet)
        backend, recorder = acceleration.backend, acceleration.recorder
        self._compiled = None if backend is None else Compiled(components.unet, self._depths, backend)
        self._recorded = None if recorder is None else Recorded(recorder, exact=strict)
        self._agreeing: dict[tuple[int, tuple[int, ...], int, bool, bool, Tiling], bool] = {}

    def __call__(self, batch: Rows, *, keep: bool = False) -> tuple[Tensor, Tensor | None]:
        """Every row's answer, float32 (R, C, h, w), by way of buckets that agree to the bit.

        keep: hand out the deep features as well, (R, C', h, w).
        """
        outputs, deep = [], []
        self.reused += 0 if batch.deep is None else len(batch)
        while count := len(batch):
            sizes = reversed([size for size in BUCKETS if size < count] + [_bucket(count)])
            bucket = next(size for size in sizes if self._agrees(size, batch))
            output, features = self._call(bucket, batch[:bucket], keep=keep)
            outputs.append(output)
            if features is not None:
                deep.append(features)
            batch = batch[bucket:]
        return torch.cat(outputs), torch.cat(deep) if deep else None

    @property
    def apart(self) -> set[int]:
        """Buckets that were found to disagree."""
        return {known[0] for known, agrees in self._agreeing.items() if not agrees}

    @property
    def compiling(self) -> bool:
        """Whether it is being compiled now, which may take minutes; from any thread."""
        return self._compiled is not None and self._compiled.compiling

    @property
    def recompiles(self) -> int:
        """How often a size was compiled again; from any thread."""
        return 0 if self._compiled is None else self._compiled.recompiles

    @property
    def recorded_bytes(self) -> int:
        """Device memory that recorded calls keep for themselves."""
        return 0 if self._recorded is None else self._recorded.bytes

    def forget(self) -> None:
        """Give the memory of recorded calls back."""
        if self._recorded is not None:
            self._recorded.forget()

    def call(self, bucket: int, batch: Rows, *, eager: bool = False) -> Tensor:
        """One call with at most `bucket` rows, brought to that many by repeating the last: float32 (R, C, h, w).

        eager: neither compiled nor recorded.
        """
        return self._call(bucket, batch, eager=eager)[0]

    def _call(
        self, bucket: int, batch: Rows, *, keep: bool = False, eager: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        full, parts = batch.padded(bucket), self.components
        asked = Asked(
            full.x.to(parts.dtype),
            full.times.to(parts.device, non_blocking=True),  # no waiting
            full.texts,
            full.mask,
            self._told(full.guidance),
            full.deep,
        )
        output, deep = self._eager(asked, full.tiling) if eager or full.tiling else self._answer(asked, keep=keep)
        count = len(batch)
        return output[:count].float(), deep[:count] if keep and deep is not None else None

    def _eager(self, asked: Asked, tiling: Tiling) -> Answered:
        with seamless(self.components.unet, tiling):
            return self._depths(asked)

    def _answer(self, asked: Asked, *, keep: bool) -> Answered:
        """By the fastest way there is by now. Nothing is recorded while something is compiled: it would be replaced."""
        compiled = self._compiled
        forward = compiled if compiled is not None and compiled.ready(asked) else self._depths
        if self._recorded is None:
            return forward(asked)
        return self._recorded(forward, asked, keep=keep, record=not self.compiling)

    def _told(self, guidance: Tensor) -> Tensor | None:
        """What a U-Net distilled with guidance is told, (R, width)."""
        width, parts = self.components.guidance_width, self.components
        return guidance_embedding(guidance, width).to(parts.device, parts.dtype, non_blocking=True) if width else None

    def _agrees(self, bucket: int, batch: Rows) -> bool:
        """Whether a bucket gives each row the bits that the smallest bucket gives it, at this size: tried once.

        Libraries choose kernels by batch size, and some of them round otherwise: on one CPU thread, for one,
        oneDNN's 1x1 convolutions from 16 rows of 4x4 on. A bucket that disagrees is left out.
        """
        if bucket == BUCKETS[0] or not self.strict:
            return True
        shape, length = tuple(batch.x.shape[1:]), batch.texts.shape[1]
        known = (bucket, shape, length, batch.mask is not None, batch.deep is not None, batch.tiling)
        if known not in self._agreeing:
            rng = torch.Generator("cpu").manual_seed(bucket)
            noise = torch.randn((bucket, *shape), generator=rng).to(batch.x.device)
            trial = replace(batch.round(bucket), x=noise, times=torch.linspace(self._last, 0, bucket))
            small = range(0, bucket, BUCKETS[0])
            apart = torch.cat([self.call(BUCKETS[0], trial[i : i + BUCKETS[0]]) for i in small])
            self._agreeing[known] = torch.equal(self.call(bucket, trial), apart)
        return self._agreeing[known]


def _bucket(rows: int) -> int:
    """The smallest bucket that holds so many rows, or the largest there is."""
    return next((size for size in BUCKETS if size >= rows), BUCKETS[-1])
