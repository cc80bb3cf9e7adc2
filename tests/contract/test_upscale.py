"""Enlarging: sizes, and where tiles begin."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import BadRequest
from contract.requests import Img2Img
from contract.upscale import Upscale, enlarged, refuse_unused, starts, tile_count, total_steps

IMAGE = "img_" + "a" * 26


def asked(**fields: Any) -> Upscale:
    return Upscale.model_validate({"image": IMAGE, **fields})


def test_defaults_are_those_of_the_contract() -> None:
    request = asked()
    assert (request.kind, request.factor, request.method, request.strength) == ("upscale", 2.0, "redraw", 0.3)
    assert (request.prompt, request.tile, request.overlap, request.seed) == ("", None, None, None)


def test_sizes_are_rounded() -> None:
    assert enlarged(101, 67, 2) == (202, 134)
    assert enlarged(100, 67, 1.5) == (150, round(100.5))
    assert enlarged(33, 77, 3.3) == (109, 254)


@given(st.integers(1, 4096), st.integers(8, 64).map(lambda n: 8 * n), st.data())
def test_tiles_cover_all_with_enough_overlap_and_none_to_spare(length: int, tile: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(8, tile // 2))
    begins = starts(length, tile, overlap)
    assert begins[0] == 0
    if length <= tile:
        assert begins == [0]
        return
    assert begins[-1] + tile == length
    shared = [one + tile - other for one, other in pairwise(begins)]
    assert min(shared) >= overlap
    assert max(shared) - min(shared) <= 1
    assert tile + (len(begins) - 2) * (tile - overlap) < length, "one tile less would not do"


def test_steps_are_those_of_all_tiles() -> None:
    """256 x 200 in tiles of 128 with 32 shared: 3 x 2; 20 steps at strength 0.3 are 6 each."""
    request = asked(tile=128, overlap=32, seed=1, model="mini")
    assert tile_count(256, 200, 128, 32) == 6
    assert total_steps(request, 256, 200) == 36
    assert total_steps(asked(method="lanczos"), 256, 200) == 1


def test_a_tile_is_an_img2img_request() -> None:
    request = asked(
        prompt="p", negative_prompt="n", steps=9, sampler="Euler a", guidance=3, strength=0.5, seed=7, tile=64,
        overlap=16, model="mini", styles=["Noir"], eta=0.5,
    )  # fmt: skip
    assert request.tile_request() == Img2Img(
        prompt="p", negative_prompt="n", steps=9, sampler="euler_a", guidance=3, strength=0.5, seed=7, width=64,
        height=64, image=IMAGE, model="mini", styles=("Noir",), eta=0.5, previews=False,
    )  # fmt: skip


@pytest.mark.parametrize("field", ["prompt", "steps", "strength", "tile", "overlap", "seed", "model", "sampler"])
def test_without_a_model_its_fields_are_refused(field: str) -> None:
    values: dict[str, Any] = {"prompt": "a", "steps": 9, "strength": 0.5, "tile": 64, "overlap": 8, "seed": 1}
    given_fields = {field: values.get(field, "euler")}
    refuse_unused(asked(**given_fields))
    with pytest.raises(BadRequest, match="no effect with lanczos") as refused:
        refuse_unused(asked(method="lanczos", **given_fields))
    assert refused.value.field == field
    refuse_unused(Upscale.model_validate_json(asked(method="lanczos").model_dump_json()))
