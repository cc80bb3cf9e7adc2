"""The loop: it stops in time, and a resumed run is the run that was not interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from worker.training.loop import Average, Schedule, Trainer, backward


def trainer(folder: Path, minutes: float = 1.0) -> Trainer:
    torch.manual_seed(0)
    return Trainer(nn.Linear(3, 2), Schedule(minutes, peak_rate=0.01), folder, decay=0.9)


def descending(subject: Trainer) -> Callable[[int], float]:
    def descend(step: int) -> float:
        rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        return backward(subject.model(rows).square().mean())

    return descend


def test_a_resumed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = trainer(tmp_path / "whole")
    for _ in range(6):
        whole.advance(descending(whole), 0.01)
    first = trainer(tmp_path / "parts")
    for _ in range(3):
        first.advance(descending(first), 0.01)
    first.seconds = 12.5
    first.save()
    second = trainer(tmp_path / "parts")
    assert (second.step, second.seconds) == (3, 12.5)
    for _ in range(3):
        second.advance(descending(second), 0.01)
    assert second.step == 6
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], value, atol=0, rtol=0)
    assert whole.average
    assert second.average
    for name, value in whole.average.weights.items():
        torch.testing.assert_close(second.average.weights[name], value, atol=0, rtol=0)


def test_it_ends_when_its_minutes_are_over(tmp_path: Path) -> None:
    subject = trainer(tmp_path, minutes=0.005)  # 0.3 s
    subject.run(descending(subject))
    assert subject.seconds >= 0.3
    assert subject.checkpoint.exists()
    steps = subject.step
    again = trainer(tmp_path, minutes=0.005)
    again.run(descending(again))
    assert again.step == steps > 0


def test_learning_rate_rises_stays_and_falls() -> None:
    schedule = Schedule(1, peak_rate=1.0, warmup=0.1, decay=0.4)
    assert schedule.rate(0) == pytest.approx(0.02)
    assert schedule.rate(0.1) == pytest.approx(1.0)
    assert schedule.rate(0.6) == pytest.approx(1.0)
    assert schedule.rate(0.8) == pytest.approx(0.505)  # half way down from 1 to 0.01
    assert schedule.rate(1) == schedule.rate(1.2) == pytest.approx(0.01)


def test_average_by_hand() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = Average(model, decay=0.5)
    nn.init.ones_(model.weight)
    average.update(model, step=1)  # (1 + 1) / (10 + 1) is younger than 0.5
    assert average.weights["weight"].item() == pytest.approx(1 - 2 / 11)
    average.update(model, step=1000)
    assert average.weights["weight"].item() == pytest.approx(1 - 1 / 11)
