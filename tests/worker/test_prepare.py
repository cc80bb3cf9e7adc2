"""Requests shaped for the engine, compared with numpy's own arithmetic."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.requests import Img2Img, Txt2Img
from tests.worker.kit import IMAGE, photo, store
from worker.prepare import prepare


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


def test_txt2img_passes_its_numbers_on(blobs: Blobs) -> None:
    request = Txt2Img(prompt="p", negative_prompt="n", width=128, height=96, seed=5, count=3, steps=9, guidance=2.5)
    made = prepare(request, {}, blobs).request
    assert (made.prompt, made.negative_prompt, made.width, made.height) == ("p", "n", 128, 96)
    assert (made.seed, made.count, made.steps, made.guidance, made.strength) == (5, 3, 9, 2.5, 1.0)
    assert made.init is None
    assert made.mask is None


def test_txt2img_passes_on_what_was_set_of_sampler_and_schedule(blobs: Blobs) -> None:
    fields = {"prompt": "", "width": 64, "height": 64, "seed": 1, "sampler": "Euler a Karras", "eta": 0.5, "rho": 5.0}
    made = prepare(Txt2Img.model_validate(fields), {}, blobs).request
    assert (made.sampler, made.schedule) == ("euler_a", "karras")
    assert (made.sampler_options, made.schedule_options) == ({"eta": 0.5}, {"rho": 5.0})


def test_an_input_picture_reaches_the_engine_between_minus_one_and_one(blobs: Blobs) -> None:
    pixels = photo(72, 64)
    request = Img2Img(prompt="", image=IMAGE, width=72, height=64, seed=1, strength=0.5)
    made = prepare(request, {IMAGE: store(blobs, pixels)}, blobs).request
    assert made.init is not None
    assert made.init.shape == (3, 64, 72)
    np.testing.assert_allclose(made.init.numpy(), pixels.transpose(2, 0, 1) / 127.5 - 1, atol=1e-6)
    assert made.strength == 0.5


def test_resize_crop_keeps_the_aspect_and_fill_continues_the_edge(blobs: Blobs) -> None:
    left_red = np.zeros((64, 128, 3), np.uint8)
    left_red[:, :64, 0] = 255
    inputs = {IMAGE: store(blobs, left_red)}

    def init(resize: str) -> npt.NDArray[np.float32]:
        fields = {"prompt": "", "image": IMAGE, "width": 128, "height": 128, "seed": 1, "resize": resize}
        made = prepare(Img2Img.model_validate(fields), inputs, blobs).request.init
        assert made is not None
        return (made.numpy() + np.float32(1)) / np.float32(2)

    for way in ("stretch", "crop", "fill"):
        red = init(way)[0]
        assert red.shape == (128, 128)
        assert red[:, :56].min() > 0.98
        assert red[:, 72:].max() < 0.02


def test_an_input_that_went_away_fails_the_job(blobs: Blobs) -> None:
    request = Img2Img(prompt="", image=IMAGE, width=64, height=64, seed=1)
    with pytest.raises(JobFailed) as failure:
        prepare(request, {IMAGE: "ab" * 32}, blobs)
    assert failure.value.code is ErrorCode.BAD_IMAGE
