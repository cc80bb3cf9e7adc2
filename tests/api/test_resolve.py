"""What is filled in where the client left it open."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.requests import Img2Img, Inpaint, Pass, Txt2Img, passes
from tests.api.kit import noise, png


def sizes(client: TestClient, **fields: Any) -> tuple[int, int]:
    answer = client.post("/api/v1/jobs", json={"prompt": "a cat", "steps": 1, **fields})
    assert answer.status_code == 202, answer.text
    request = answer.json()["request"]
    return request["width"], request["height"]


def test_from_words_the_models_own_size(client: TestClient) -> None:
    assert sizes(client, kind="txt2img") == (128, 96)
    assert sizes(client, kind="txt2img", width=256) == (256, 96)
    assert sizes(client, kind="txt2img", width=64, height=72) == (64, 72)


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ((128, 64), (128, 64)),
        ((135, 71), (128, 64)),  # down to a multiple of 8
        ((16, 20), (64, 64)),  # no smaller than a picture may be
        ((2048, 2048), (1024, 1024)),  # into the pixel budget of 1024 x 1024
        ((4096, 1024), (2048, 512)),
        ((1000, 1100), (976, 1072)),  # 1.0488 Mpx of 1.1: scaled by 0.97635 to 976.4 x 1073.98
    ],
)
@pytest.mark.parametrize("kind", ["img2img", "inpaint"])
def test_from_a_picture_its_own_size(
    client: TestClient, upload: Callable[[bytes], Any], kind: str, given: tuple[int, int], chosen: tuple[int, int]
) -> None:
    image = upload(png(noise(given[1], given[0]) // 255))["id"]
    fields = {"kind": kind, "image": image, **({"mask": image} if kind == "inpaint" else {})}
    assert sizes(client, **fields) == chosen
    assert sizes(client, **fields, width=64, height=64) == (64, 64)


def test_around_a_mask_the_models_own_size(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    image = upload(png(noise(512, 512)))["id"]
    assert sizes(client, kind="inpaint", image=image, mask=image, area="masked") == (128, 96)


@pytest.mark.parametrize(
    ("given", "extend", "chosen"),
    [
        ((128, 64), {"left": 64}, (192, 64)),
        ((135, 71), {"right": 16, "bottom": 8}, (144, 72)),  # 151 x 79, down to multiples of 8
        ((1024, 1024), {"top": 512, "bottom": 512}, (720, 1448)),  # 1024 x 2048 scaled by 0.7071 into the budget
        ((128, 64), {"left": 0}, (128, 64)),
    ],
)
def test_from_a_picture_that_grows_the_size_it_grows_to(
    client: TestClient, upload: Callable[[bytes], Any], given: tuple[int, int], extend: Any, chosen: tuple[int, int]
) -> None:
    image = upload(png(noise(given[1], given[0]) // 255))["id"]
    fields = {"kind": "inpaint", "image": image, "extend": extend}
    if not any(extend.values()):
        fields["mask"] = image
    assert sizes(client, **fields) == chosen
    assert sizes(client, **fields, width=64, height=64) == (64, 64)


@pytest.mark.parametrize(
    ("steps", "strength", "taken"),
    [(20, 0.75, 15), (20, 1.0, 20), (20, 0.01, 1), (1, 0.5, 1), (7, 0.5, 3), (30, 0.9, 27)],
)
def test_steps_from_an_input_picture(steps: int, strength: float, taken: int) -> None:
    id, size = "img_" + "a" * 26, {"width": 64, "height": 72}
    partly = {"prompt": "", "image": id, "steps": steps, "strength": strength, **size}
    assert passes(Img2Img.model_validate(partly)) == [Pass(64, 72, taken)]
    assert passes(Inpaint.model_validate({**partly, "mask": id})) == [Pass(64, 72, taken)]
    assert passes(Txt2Img.model_validate({"prompt": "", "steps": steps, **size})) == [Pass(64, 72, steps)]


def test_a_second_pass_is_counted_with_its_own_size_and_steps(client: TestClient) -> None:
    hires = {"factor": 1.7, "steps": 30, "strength": 0.5}
    request = Txt2Img.model_validate({"prompt": "", "width": 128, "height": 96, "steps": 10, "hires": hires})
    assert passes(request) == [Pass(128, 96, 10), Pass(216, 160, 15)]  # 217.6 and 163.2, to the nearest multiple of 8
    asked = {"kind": "txt2img", "prompt": "", "steps": 10, "count": 2, "hires": hires}
    answer = client.post("/api/v1/jobs", json=asked)
    assert answer.json()["progress"]["steps"] == 2 * (10 + 15)
