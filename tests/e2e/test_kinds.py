"""Grids and enlargements over REST: the real stack, the bundled model."""

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.e2e.stack import Stack
from tests.e2e.test_rest import pixels, png

pytestmark = pytest.mark.timeout(900)


def finished(stack: Stack, **body: Any) -> dict[str, Any]:
    """A job submitted and ended."""
    answer = stack.http.post("/api/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    done = stack.finished(answer.json()["id"])
    assert (done["state"], done["error"]) == ("succeeded", None)
    return done


def test_a_grid_becomes_its_pictures_and_one_of_them_all(stack: Stack) -> None:
    base = {"kind": "txt2img", "prompt": "a red boat on the sea", "seed": 5, "steps": 4}
    axes = {"x": {"field": "steps", "values": "2-4 (+2)"}, "y": {"field": "sampler", "values": "Euler a, DDIM"}}
    done = finished(stack, kind="grid", base=base, **axes)
    assert [(image["index"], image["role"]) for image in done["images"]] == [
        (0, "output"), (1, "output"), (2, "output"), (3, "output"), (4, "grid"),
    ]  # fmt: skip
    whole = pixels(stack.picture(done["images"][4]))
    third = stack.picture(done["images"][2])
    request = json.loads(Image.open(io.BytesIO(third)).info["darkroom"])["request"]
    again = finished(stack, **request)
    assert stack.picture(again["images"][0]) != third, "a cell's file also tells its place in the grid"
    cell = pixels(third)
    corners = np.argwhere((whole[:-127, :-127] == cell[0, 0]).all(axis=-1))
    found = [(y, x) for y, x in corners if np.array_equal(whole[y : y + 128, x : x + 128], cell)]
    assert len(found) == 1
    np.testing.assert_array_equal(pixels(stack.picture(again["images"][0])), cell)


def test_a_picture_becomes_larger(stack: Stack) -> None:
    small = np.random.default_rng(0).integers(0, 256, (51, 75, 3), dtype=np.uint8)
    image = stack.upload(png(Image.fromarray(small)))["id"]
    plain = finished(stack, kind="upscale", image=image, method="lanczos", factor=1.5)
    expected = Image.fromarray(small).resize((112, 76), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(pixels(stack.picture(plain["images"][0])), np.asarray(expected))
    redrawn = finished(stack, kind="upscale", image=image, factor=3, steps=5)
    (made,) = redrawn["images"]
    assert (made["width"], made["height"]) == (225, 153)
