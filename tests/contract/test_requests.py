"""What is taken, what is refused, and that nothing is taken in silence."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.kinds import JobRequest
from contract.requests import MAX_SEED, Extend, Img2Img, Inpaint, Txt2Img, input_images

ADAPTER: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)
IMAGE, MASK = "img_" + "a" * 26, "img_" + "b" * 26


def fields(**changes: Any) -> dict[str, Any]:
    return {"kind": "txt2img", "prompt": "a cat", **changes}


def test_defaults_are_those_of_the_contract() -> None:
    request = ADAPTER.validate_python(fields())
    assert request.model_dump() == {
        "kind": "txt2img", "prompt": "a cat", "negative_prompt": "", "model": None, "width": None, "height": None,
        "steps": 20, "sampler": "dpmpp_2m", "schedule": "karras", "guidance": 7.5, "seed": None, "count": 1,
        "previews": True, "eta": None, "s_churn": None, "s_tmin": None, "s_tmax": None, "s_noise": None,
        "sigma_min": None, "sigma_max": None, "rho": None, "styles": (), "blend": (), "directions": (),
        "clip_skip": 0, "guidance_rescale": 0.0, "guidance_start": 0.0, "guidance_end": 1.0, "feature_cache": 1,
        "variation": None,
        "seed_size": None, "tiling": "none", "hires": None, "priority": "normal", "start_within": None,
        "finish_within": None, "metadata": True, "webhook": None,
    }  # fmt: skip
    assert Img2Img(prompt="", image=IMAGE).strength == 0.75
    inpaint = Inpaint(prompt="", image=IMAGE, mask=MASK)
    assert (inpaint.strength, inpaint.mask_blur, inpaint.fill, inpaint.area, inpaint.padding) == (
        1.0, 4, "original", "whole", 32,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"width": 100}, "width"),
        ({"width": 56}, "width"),
        ({"height": 8192}, "height"),
        ({"steps": 0}, "steps"),
        ({"steps": 5000}, "steps"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance": float("inf")}, "guidance"),
        ({"guidance": 0.5}, "guidance"),
        ({"sampler": "magic"}, "sampler"),
        ({"schedule": "magic"}, "schedule"),
        ({"seed": -1}, "seed"),
        ({"seed": MAX_SEED + 1}, "seed"),
        ({"count": 0}, "count"),
        ({"count": 101}, "count"),
        ({"prompt": "x" * 10_001}, "prompt"),
        ({"prompt": "nul \0"}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"strength": 0.5}, "strength"),  # no effect without a picture
        ({"priority": "urgent"}, "priority"),
        ({"guidance_start": 0.6, "guidance_end": 0.4}, "guidance_end"),
        ({"variation": {"seed": 3, "strength": 2}}, "strength"),
        ({"blend": [{"prompt": "a"}] * 9}, "blend"),
        ({"kind": "video"}, None),
        ({"kind": "img2img", "image": "../../etc/passwd"}, "image"),
        ({"kind": "img2img"}, "image"),
        ({"kind": "img2img", "image": IMAGE, "strength": 0}, "strength"),
        ({"kind": "img2img", "image": IMAGE, "mask": MASK}, "mask"),
        ({"kind": "inpaint", "image": IMAGE}, "mask"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {}}, "mask"),
        ({"kind": "inpaint", "image": IMAGE, "mask": None, "extend": {"left": 0, "top": 0}}, "mask"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"left": 12}}, "left"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"right": -8}}, "right"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"top": 1032}}, "top"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"bottom": None}}, "bottom"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"below": 8}}, "below"),
        ({"kind": "inpaint", "image": IMAGE, "extend": 64}, "extend"),
        ({"kind": "inpaint", "image": IMAGE, "extend": {"left": 8}, "invert_mask": True}, "invert_mask"),
        ({"kind": "img2img", "image": IMAGE, "extend": {"left": 8}}, "extend"),
    ],
)
def test_what_cannot_work_is_refused_where_it_stands(change: dict[str, Any], where: str | None) -> None:
    with pytest.raises(ValidationError) as refusal:
        ADAPTER.validate_python(fields(**change))
    (error,) = refusal.value.errors()
    if where is not None:
        assert error["loc"][-1] == where


def test_a_picture_that_grows_needs_no_mask_and_may_have_one() -> None:
    alone = Inpaint(prompt="", image=IMAGE, extend=Extend(left=8, bottom=1024))
    assert alone.extend is not None
    assert alone.extend.grown(100, 50) == (108, 1074)
    assert input_images(alone) == {"image": IMAGE}
    both = Inpaint(prompt="", image=IMAGE, mask=MASK, extend=Extend(top=8))
    assert input_images(both) == {"image": IMAGE, "mask": MASK}
    assert Inpaint(prompt="", image=IMAGE, mask=MASK, extend=Extend()).extend == Extend()


def test_prompts_are_brought_to_one_spelling() -> None:
    assert Txt2Img(prompt="cafe\u0301\n\t").prompt == "café\n\t"


def test_a_request_cannot_be_changed() -> None:
    request = Txt2Img(prompt="a")
    with pytest.raises(ValidationError):
        request.__setattr__("prompt", "b")
