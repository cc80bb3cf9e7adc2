"""Grids: what an axis may be, and the requests of the cells, checked by hand."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.errors import BadRequest
from contract.grid import FIELDS, Grid, Value, cells
from contract.kinds import JobRequest
from contract.requests import Img2Img, Inpaint, Txt2Img

IMAGE = "img_" + "a" * 26
BASE = {"kind": "txt2img", "prompt": "a cat on a mat", "negative_prompt": "cat hair", "seed": 5, "sampler": "euler_a"}


def grid(base: dict[str, Any] | None = None, **axes: tuple[str, Any]) -> Grid:
    named = {name: {"field": field, "values": values} for name, (field, values) in axes.items()}
    return Grid.model_validate({"kind": "grid", "base": {**BASE, **(base or {})}, **named})


def refusal(asked: Grid) -> BadRequest:
    with pytest.raises(BadRequest) as refused:
        cells(asked)
    return refused.value


def test_cells_go_block_by_block_and_row_by_row() -> None:
    asked = grid(x=("steps", "1-3"), y=("guidance", [1, 7.5]), z=("seed", "8, 9"))
    assert asked.shape == (2, 2, 3)
    found = [(cell.request.seed, cell.request.guidance, cell.request.steps) for cell in cells(asked)]
    assert found == [(seed, guidance, steps) for seed in (8, 9) for guidance in (1, 7.5) for steps in (1, 2, 3)]
    assert cells(asked)[4].values == {"x": 2, "y": 7.5, "z": 8}


def test_a_cell_is_the_base_but_for_its_values() -> None:
    (cell,) = cells(grid(x=("steps", "7")))
    assert cell.request == Txt2Img.model_validate({**BASE, "steps": 7})


def test_a_list_is_as_good_as_a_text() -> None:
    for values in ("1-5 (+2)", ["1-5 (+2)"], [1, 3, 5], [1, "3-5 (2)"]):
        assert grid(x=("steps", values)).x.values == (1, 3, 5)
    assert grid(x=("sampler", ["Euler, a", "heun"])).x.values == ("Euler, a", "heun"), "items of a list stay whole"


@pytest.mark.parametrize(
    ("field", "values", "asked"),
    [
        ("steps", "5, 9", [5, 9]),
        ("seed", "1-3", [1, 2, 3]),
        ("clip_skip", "0-2", [0, 1, 2]),
        ("feature_cache", "1-3", [1, 2, 3]),
        ("guidance", "1-9 [3]", [1.0, 5.0, 9.0]),
        ("guidance_rescale", "0, 0.7", [0.0, 0.7]),
        ("guidance_start", "0-0.5 (+0.25)", [0.0, 0.25, 0.5]),
        ("guidance_end", ".5, 1", [0.5, 1.0]),
        ("eta", "0-1 [3]", [0.0, 0.5, 1.0]),
        ("s_noise", "0.9-1.1 (+0.1)", [0.9, 1.0, 1.1]),
        ("rho", "1-7 (+3)", [1.0, 4.0, 7.0]),
        ("sigma_min", "0.03, 0.1", [0.03, 0.1]),
        ("sampler", "Euler a, dpmpp_2m_sde", ["euler_a", "dpmpp_2m_sde"]),
        ("schedule", "Karras, sgm, AYS", ["karras", "sgm_uniform", "align_your_steps"]),
        ("tiling", "none, both", ["none", "both"]),
    ],
)
def test_every_field_takes_its_notation(field: str, values: str, asked: list[Value]) -> None:
    assert [getattr(cell.request, field) for cell in cells(grid(x=(field, values)))] == asked


def test_fields_are_those_of_some_kind() -> None:
    known = {name for kind in (Txt2Img, Img2Img, Inpaint) for name in kind.model_fields}
    assert set(FIELDS) <= known


def test_strength_is_of_those_with_a_picture() -> None:
    with_picture = grid({"kind": "img2img", "image": IMAGE}, x=("strength", "0.2-0.8 (+0.3)"))
    assert [cell.request.model_dump()["strength"] for cell in cells(with_picture)] == [0.2, 0.5, 0.8]
    refused = refusal(grid(x=("strength", "0.5")))
    assert (refused.field, refused.detail) == ("x", "txt2img has no strength; choose another field.")


def test_a_prompt_is_searched_and_replaced() -> None:
    asked = grid(y=("prompt", "cat, dog, a red fish"), x=("prompt", ["mat", "sofa"]))
    texts = [(cell.request.prompt, cell.request.negative_prompt) for cell in cells(asked)]
    assert texts[:3] == [
        ("a cat on a mat", "cat hair"), ("a cat on a sofa", "cat hair"), ("a dog on a mat", "dog hair")
    ]  # fmt: skip
    assert texts[-1] == ("a a red fish on a sofa", "a red fish hair")


def test_what_is_searched_for_must_be_there() -> None:
    refused = refusal(grid(x=("steps", "1"), y=("prompt", "bird, dog")))
    assert refused.field == "y"
    assert "'bird' is not in the prompt" in refused.detail
    assert len(cells(grid(x=("prompt", "hair, fur")))) == 2, "the negative prompt counts"


def test_the_search_knows_one_spelling_of_letters() -> None:
    asked = grid({"prompt": "cafe\u0301"}, x=("prompt", ["caf\u00e9", "bar"]))
    assert [cell.request.prompt for cell in cells(asked)] == ["café", "bar"]


def test_a_samplers_name_brings_its_schedule_unless_that_is_an_axis() -> None:
    asked = grid({"schedule": "normal"}, x=("sampler", "DPM++ 2M Karras, Euler a Exponential, heun"))
    found = [(cell.request.sampler, cell.request.schedule) for cell in cells(asked)]
    assert found[:2] == [("dpmpp_2m", "karras"), ("euler_a", "exponential")]
    assert found[2] == ("heun", "normal")
    refused = refusal(grid(x=("sampler", "DPM++ 2M Karras"), y=("schedule", "normal")))
    assert (refused.field, "says 'karras'" in refused.detail) == ("x", True)


@pytest.mark.parametrize(
    ("axes", "field", "says"),
    [
        ({"x": ("steps", "10, 5000")}, "x", "steps = 5000 cannot be: steps: Input should be less than"),
        ({"x": ("steps", "1"), "y": ("sampler", "magic")}, "y", "sampler = magic"),
        ({"x": ("sampler", "euler_a, heun"), "y": ("eta", "0.5")}, "y", "sampler = heun, eta = 0.5 cannot be: eta"),
        ({"x": ("guidance_start", "0.5, 1")}, "x", "guidance_start = 1.0 cannot be: guidance_end: must be above"),
        ({"x": ("seed", [1.5])}, "x", "seed = 1.5"),
        ({"x": ("steps", [10**400])}, "x", "steps = 1000"),
        ({"x": ("steps", "1-20"), "y": ("seed", "1-13")}, "x", "20 x 13 x 1 = 260 cells; at most 256"),
        ({"x": ("steps", "1"), "z": ("steps", "2")}, "z", "steps is on two axes"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_names_axis_and_value(axes: dict[str, Any], field: str, says: str) -> None:
    refused = refusal(grid(**axes))
    assert refused.field == field
    assert says in refused.detail


def test_values_that_fit_only_together_are_fine() -> None:
    """eta means nothing to the base's sampler, and something to each of the axis."""
    asked = grid({"sampler": "heun"}, x=("eta", "0, 1"), y=("sampler", "euler_a, ddim"))
    assert len(cells(asked)) == 4


def test_a_cell_is_one_picture() -> None:
    refused = refusal(grid({"count": 2}, x=("steps", "1")))
    assert (refused.field, "count at 1" in refused.detail) == ("base.count", True)


@pytest.mark.parametrize(
    ("field", "values", "says"),
    [
        ("width", [64, 128], "pictures of a grid have one size"),
        ("count", [1, 2], "each cell is one picture"),
        ("magic", [1], "is no field that a grid can run over; those are prompt, sampler"),
        ("steps", [], "there must be one at least"),
        ("steps", "", "there must be one at least"),
        ("steps", "1-200, 1-100", "are 300; there must be one at least and 256 at most"),
        ("steps", None, "must be a list or a text"),
        ("steps", [True], "must be numbers or texts"),
        ("steps", [[1]], "must be numbers or texts"),
        ("prompt", ["nul \0"], "control character"),
        ("prompt", ["\ud800"], "half a surrogate pair"),
        ("prompt", "x" * 10_001, "at most 10000 characters"),
    ],
)
def test_an_axis_that_cannot_be(field: str, values: Any, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        grid(x=(field, values))
    (error,) = refused.value.errors()
    assert error["loc"][:2] == ("x", "field" if field in ("width", "count", "magic") else "values")
    assert says in error["msg"]


def test_a_grid_needs_an_axis_and_a_base_of_pictures() -> None:
    for wrong in ({}, {"x": None}, {"x": {"field": "steps", "values": "1"}, "base": {"kind": "grid"}}):
        with pytest.raises(ValidationError):
            Grid.model_validate({"base": BASE, **wrong})


def test_a_grid_survives_the_ledger() -> None:
    asked = grid(x=("guidance", "1-9 [3]"), y=("prompt", "cat, 狗"), z=("seed", [1, 2**53 - 200]))
    again: Any = TypeAdapter(JobRequest).validate_json(asked.model_dump_json())
    assert again == asked
    assert cells(again) == cells(asked)
