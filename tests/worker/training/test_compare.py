"""The ruler of short runs: it must know a perfect guess from one of nothing."""

import pytest
import torch
from torch import Tensor

from worker.training.compare import RATIOS, RUNS, Ruler
from worker.training.objective import Objective


@pytest.mark.parametrize(("target", "noise"), RUNS)
def test_a_perfect_guess_has_no_error_and_one_of_gray_that_of_the_latents(target: str, noise: str) -> None:
    latents = torch.randn(128, 2, 4, 4, generator=torch.Generator().manual_seed(1))
    objective = Objective(target, noise)
    ruler = Ruler(objective, latents, torch.zeros(128, 3, 8))

    def knows(rows: Tensor, steps: Tensor, states: Tensor) -> Tensor:
        part = latents[:64] if _first(rows, ruler, steps) else latents[64:]
        alpha = objective.alphas[steps][:, None, None, None]
        return objective.answer(part, (rows - alpha.sqrt() * part) / (1 - alpha).sqrt(), alpha)

    def gray(rows: Tensor, steps: Tensor, states: Tensor) -> Tensor:
        alpha = objective.alphas[steps][:, None, None, None]
        return objective.answer(torch.zeros_like(rows), rows / (1 - alpha).sqrt(), alpha)

    assert set(ruler.errors(knows)) == set(RATIOS)
    assert max(ruler.errors(knows).values()) < 1e-5
    for error in ruler.errors(gray).values():
        assert error == pytest.approx(float(latents.square().mean()), rel=1e-4)


def _first(rows: Tensor, ruler: Ruler, steps: Tensor) -> bool:
    alpha = ruler.objective.alphas[steps[0]]
    return torch.allclose(rows, alpha.sqrt() * ruler.latents[:64] + (1 - alpha).sqrt() * ruler.noise[:64])
