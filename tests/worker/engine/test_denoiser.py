"""eps and v, each turned into the picture it was made from."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import LatentConsistencyModelPipeline

from worker.engine.denoiser import Scaling, guidance_embedding
from worker.models.loader import Prediction


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("sigma", [0.03, 1.0, 14.6])
def test_a_perfect_prediction_gives_the_picture_back(prediction: Prediction, sigma: float) -> None:
    torch.manual_seed(0)
    x0, noise = torch.randn(2, 4, 3, 3, dtype=torch.float64)
    alpha, beta = 1 / math.sqrt(1 + sigma**2), sigma / math.sqrt(1 + sigma**2)
    output = noise if prediction == "epsilon" else alpha * noise - beta * x0  # Salimans & Ho 2022, appendix D
    x, scaling = x0 + sigma * noise, Scaling.at(sigma, prediction)
    torch.testing.assert_close(scaling.skip * x + scaling.out * output, x0)
    torch.testing.assert_close(scaling.into * x, alpha * x0 + beta * noise)  # unit variance into the U-Net


@pytest.mark.parametrize("width", [8, 9, 256])
def test_guidance_is_told_as_diffusers_tells_it(width: int) -> None:
    guidance = torch.tensor([1.0, 2.5, 8.0])
    theirs = LatentConsistencyModelPipeline.get_guidance_scale_embedding(None, guidance - 1, embedding_dim=width)
    torch.testing.assert_close(guidance_embedding(guidance, width), theirs, atol=1e-4, rtol=1e-4)  # sines of thousands
