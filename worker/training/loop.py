"""One plain training loop for the CLIP pair, the VAE and the U-Net.

It is boxed by time, not by steps: the learning rate follows the share of the minutes that has gone, so a run
ends well on any machine. Every few minutes everything needed to go on is kept in one safetensors file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm


@dataclass(frozen=True)
class Schedule:
    """What a run may take, and how fast it learns."""

    minutes: float
    peak_rate: float
    warmup: float = 0.02  # share of the minutes
    decay: float = 0.4  # share of the minutes
    log_every: int = 20  # steps
    save_every: float = 180.0  # seconds

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` 0 .. 1: up, level, and down to a hundredth (Hägele et al. 2024)."""
        up = 0.02 + 0.98 * progress / self.warmup
        down = 0.01 + 0.99 * (1 - progress) / self.decay
        return self.peak_rate * max(0.01, min(up, 1.0, down))


class Average:
    """Exponential moving average of a model's weights; young averages forget faster, as in TensorFlow's."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)


def backward(loss: Tensor) -> float:
    """Add the gradients of a scalar loss to the weights'; answers the loss."""
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return float(loss.detach())


class Trainer:
    """A model, its optimizer and its average, with their place in time."""

    def __init__(self, model: nn.Module, schedule: Schedule, folder: Path, *, decay: float = 0.0) -> None:
        """`model` may have weights already: a run without a checkpoint begins with them, its optimizer from rest."""
        self.model, self.schedule, self.folder = model, schedule, folder
        self.optimizer = torch.optim.AdamW(
            model.parameters(), schedule.peak_rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True
        )
        self.average = Average(model, decay) if decay else None
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            self.load()

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def run(self, descend: Callable[[int], float], on_save: Callable[[], None] | None = None) -> None:
        """Train until the minutes are over; `descend(step)` leaves a step's gradients and answers its loss."""
        started, saved = time.monotonic() - self.seconds, time.monotonic()
        recent: list[float] = []
        bar = tqdm(
            total=round(60 * self.schedule.minutes), initial=round(self.seconds), unit="s", desc=self.folder.name
        )
        while (progress := self.seconds / (60 * self.schedule.minutes)) < 1:
            recent.append(self.advance(descend, self.schedule.rate(progress)))
            self.seconds = time.monotonic() - started
            if self.step % self.schedule.log_every == 0:
                self.log(sum(recent) / len(recent), self.schedule.rate(progress))
                bar.set_postfix(step=self.step, loss=sum(recent) / len(recent))
                bar.update(min(round(self.seconds), bar.total) - bar.n)
                recent.clear()
            if time.monotonic() - saved > self.schedule.save_every:
                self.save()
                if on_save:
                    on_save()
                saved = time.monotonic()
        bar.close()
        self.save()

    def advance(self, descend: Callable[[int], float], rate: float) -> float:
        """One optimizer step down the gradients that `descend` leaves; answers the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = descend(self.step)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        if self.average:
            self.average.update(self.model, self.step)
        return loss

    def log(self, loss: float, rate: float) -> None:
        line = {"step": self.step, "seconds": round(self.seconds, 1), "loss": round(loss, 5), "rate": round(rate, 7)}
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Model, average, optimizer moments, step and seconds, in one file that replaces the last one at once."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        if self.average:
            tensors |= {f"average.{name}": value for name, value in self.average.weights.items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        place = {"step": str(self.step), "seconds": str(self.seconds)}
        part = self.checkpoint.with_suffix(".part")
        copies = {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in tensors.items()}
        save_file(copies, part, metadata=place)  # tied weights share memory, which safetensors does not write
        part.rename(self.checkpoint)

    def load(self) -> None:
        """Go on from the checkpoint."""
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
        with safe_open(self.checkpoint, "pt") as file:
            self.step, self.seconds = int(file.metadata()["step"]), float(file.metadata()["seconds"])
            for key in file.keys():  # noqa: SIM118  # safe_open's handle is not a mapping
                part, name = key.split(".", 1)
                parts[part][name] = file.get_tensor(key)
        self.model.load_state_dict(parts["model"])
        if self.average:
            self.average.weights = parts["average"]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["optimizer"].items():
            index, moment = name.split(".")
            moments.setdefault(int(index), {})[moment] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
