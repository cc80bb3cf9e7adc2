"""Requests shaped for the engine, compared with numpy's own arithmetic."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.places import Folder
from contract.requests import Img2Img, Txt2Img
from tests.worker.kit import DRAWN, IMAGE, photo, store
from worker import patience
from worker.engine.conditioning import Words
from worker.engine.noise import StartNoise
from worker.prepare import prepare


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


def test_txt2img_passes_its_numbers_on(blobs: Blobs) -> None:
    request = Txt2Img(prompt="p", negative_prompt="n", width=128, height=96, seed=5, count=3, steps=9, guidance=2.5)
    made = prepare(request, {}, DRAWN, blobs).request
    assert (made.words, made.width, made.height) == ((Words("p", "n"),), 128, 96)
    assert (made.seed, made.count, made.steps, made.guidance, made.strength) == (5, 3, 9, 2.5, 1.0)
    assert made.init is None
    assert made.mask is None


def test_txt2img_passes_on_what_was_set_of_sampler_and_schedule(blobs: Blobs) -> None:
    fields = {"prompt": "", "width": 64, "height": 64, "seed": 1, "sampler": "Euler a Karras", "eta": 0.5, "rho": 5.0}
    made = prepare(Txt2Img.model_validate(fields), {}, DRAWN, blobs).request
    assert (made.sampler, made.schedule) == ("euler_a", "karras")
    assert (made.sampler_options, made.schedule_options) == ({"eta": 0.5}, {"rho": 5.0})


def test_what_steers_a_picture_reaches_the_engine(blobs: Blobs) -> None:
    request = Txt2Img.model_validate(
        {
            "prompt": "p", "width": 64, "height": 64, "seed": 1, "count": 2, "clip_skip": 1, "tiling": "both",
            "guidance_rescale": 0.7, "guidance_start": 0.1, "guidance_end": 0.8, "feature_cache": 3,
            "variation": {"seed": 9, "strength": 0.25}, "seed_size": {"width": 128, "height": 64},
            "blend": [{"prompt": "dog", "weight": 0.5}], "directions": [{"toward": "day", "away": "night"}],
        }
    )  # fmt: skip
    made = prepare(request, {}, [("one", ""), ("two", "")], blobs).request
    blend, ways = (("dog", 0.5),), (("day", "night", 1.0),)
    assert made.words == (Words("one", "", blend, ways), Words("two", "", blend, ways))
    assert (made.clip_skip, made.tiling, made.rescale, made.guided, made.feature_cache) == (1, "xy", 0.7, (0.1, 0.8), 3)
    assert made.noise == StartNoise(variation=9, share=0.25, size=(8, 16))
    assert [made.seed_of(index) for index in range(2)] == [request.seed_of(index) for index in range(2)] == [1, 1]


def test_a_second_pass_is_the_first_one_with_what_was_set_otherwise(blobs: Blobs) -> None:
    base = {"prompt": "p", "width": 128, "height": 64, "seed": 1, "sampler": "euler_a", "eta": 0.5, "rho": 5.0}
    hires = {"factor": 1.5, "steps": 9, "strength": 0.4, "upscaler": "lanczos", "negative_prompt": "blurry"}
    made = prepare(Txt2Img.model_validate({**base, "hires": hires}), {}, DRAWN, blobs).request
    assert made.hires is not None
    second = made.hires.request
    assert (made.hires.upscaler, second.width, second.height, second.steps, second.strength) == (
        "lanczos", 192, 96, 9, 0.4,
    )  # fmt: skip
    assert second.words == (Words("p", "blurry"),)
    assert (second.sampler, second.sampler_options, second.schedule_options) == ("euler_a", {"eta": 0.5}, {"rho": 5.0})
    other = {**hires, "sampler": "heun", "schedule": "normal", "prompt": "finer"}
    made = prepare(Txt2Img.model_validate({**base, "hires": other}), {}, DRAWN, blobs).request
    assert made.hires is not None
    second = made.hires.request
    assert (second.sampler, second.schedule, second.sampler_options, second.schedule_options) == (
        "heun", "normal", {}, {},
    )  # fmt: skip
    assert second.words == (Words("finer", "blurry"),)


def test_an_input_picture_reaches_the_engine_between_minus_one_and_one(blobs: Blobs) -> None:
    pixels = photo(72, 64)
    request = Img2Img(prompt="", image=IMAGE, width=72, height=64, seed=1, strength=0.5)
    made = prepare(request, {IMAGE: store(blobs, pixels)}, DRAWN, blobs).request
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
        made = prepare(Img2Img.model_validate(fields), inputs, DRAWN, blobs).request.init
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
        prepare(request, {IMAGE: "ab" * 32}, DRAWN, blobs)
    assert failure.value.code is ErrorCode.BAD_IMAGE


class Flaky(Folder):
    """A place of which so many reads fail first."""

    def __init__(self, folder: Path, troubles: float) -> None:
        super().__init__(folder)
        self.troubles = troubles

    def get(self, name: str) -> bytes:
        self.troubles -= 1
        if self.troubles >= 0:
            raise OSError("S3 answers 500")
        return super().get(name)


def test_an_input_waits_for_storage_to_come_back(tmp_path: Path) -> None:
    blobs = Blobs(Flaky(tmp_path, troubles=2))
    sha = store(blobs, np.zeros((64, 64, 3), np.uint8))
    request = Img2Img(prompt="", image=IMAGE, width=64, height=64, seed=1)
    init = prepare(request, {IMAGE: sha}, DRAWN, blobs).request.init
    assert init is not None
    assert init.shape == (3, 64, 64)


def test_storage_that_stays_away_is_no_fault_of_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    blobs = Blobs(Flaky(tmp_path, troubles=math.inf))
    sha = store(blobs, np.zeros((64, 64, 3), np.uint8))
    request = Img2Img(prompt="", image=IMAGE, width=64, height=64, seed=1)
    with pytest.raises(JobFailed) as failure:
        prepare(request, {IMAGE: sha}, DRAWN, blobs)
    assert failure.value.code is ErrorCode.STORAGE_ERROR
