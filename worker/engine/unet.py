"""The U-Net, asked in batches of a few fixed sizes (buckets) whose results were compared bit for bit.

Which bits a row gets must not depend on who else is in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from worker.engine.denoiser import guidance_embedding
from worker.models.depths import Depths
from worker.models.loader import Components

BUCKETS = (4, 6, 8, 12, 16, 24, 32)  # rows; on CPUs, batches of 1, 2 and 3 rows use kernels that round otherwise


@dataclass(frozen=True, eq=False)
class Rows:
    """A batch of the U-Net.

    x: (R, C, h, w); times, guidance: (R,); texts: (R, L, D); mask: (R, L), None where all counts; deep: features of an
    earlier call, (R, C', h, w), to do with its outermost blocks alone; None for the whole of it.
    """

    x: Tensor
    times: Tensor
    guidance: Tensor
    texts: Tensor
    mask: Tensor | None = None
    deep: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, part: slice | Tensor) -> Rows:
        mask = None if self.mask is None else self.mask[part]
        deep = None if self.deep is None else self.deep[part]
        return Rows(self.x[part], self.times[part], self.guidance[part], self.texts[part], mask, deep)

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """All of them with a mask or none, and of one depth."""
        masks = [part.mask for part in parts if part.mask is not None]
        deep = [part.deep for part in parts if part.deep is not None]
        return cls(
            torch.cat([part.x for part in parts]),
            torch.cat([part.times for part in parts]),
            torch.cat([part.guidance for part in parts]),
            torch.cat([part.texts for part in parts]),
            torch.cat(masks) if masks else None,
            torch.cat(deep) if deep else None,
        )

    def padded(self, size: int) -> Rows:
        """So many rows, by repeating the last."""
        return self[torch.arange(size).clamp(max=len(self) - 1)]

    def round(self, size: int) -> Rows:
        """So many rows, by going round."""
        return self[torch.arange(size) % len(self)]


class UNet:
    """One model's, on one device. Not thread-safe. reused: rows that did with deep features of an earlier call.

    strict: buckets are compared; otherwise all are taken, and neighbours may show in a picture's last bits.
    """

    def __init__(self, components: Components, last_timestep: int, *, strict: bool = True) -> None:
        self.components, self.strict = components, strict
        self.reused = 0
        self._last = last_timestep
        self._depths = Depths(components.unet)
        self._agreeing: dict[tuple[int, tuple[int, ...], int, bool, bool], bool] = {}

    def __call__(self, batch: Rows, *, keep: bool = False) -> tuple[Tensor, Tensor | None]:
        """Every row's answer, float32 (R, C, h, w), by way of buckets that agree to the bit.

        keep: hand out the deep features as well, (R, C', h, w).
        """
        outputs, deep = [], []
        self.reused += 0 if batch.deep is None else len(batch)
        while count := len(batch):
            sizes = reversed([size for size in BUCKETS if size < count] + [_bucket(count)])
            bucket = next(size for size in sizes if self._agrees(size, batch))
            outputs.append(self.call(bucket, batch[:bucket]))
            if keep and self._depths.deep is not None:
                deep.append(self._depths.deep[: len(outputs[-1])])
            self._depths.deep = None
            batch = batch[bucket:]
        return torch.cat(outputs), torch.cat(deep) if deep else None

    @property
    def apart(self) -> set[int]:
        """Buckets that were found to disagree."""
        return {known[0] for known, agrees in self._agreeing.items() if not agrees}

    def call(self, bucket: int, batch: Rows) -> Tensor:
        """One call with at most `bucket` rows, brought to that many by repeating the last."""
        full = batch.padded(bucket)
        asked = full.x.to(self.components.dtype), full.times.to(self.components.device, non_blocking=True)  # no waiting
        told = {
            "encoder_hidden_states": full.texts,
            "encoder_attention_mask": full.mask,
            "timestep_cond": self._told(full.guidance),
            "return_dict": False,
        }
        if full.deep is None:
            output = self._depths.whole(*asked, **told)[0]
        else:
            output = self._depths.shallow(full.deep, *asked, **told)[0]
        return output[: len(batch)].float()  # type: ignore[no-any-return]  # diffusers is untyped

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
        known = (bucket, shape, length, batch.mask is not None, batch.deep is not None)
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
