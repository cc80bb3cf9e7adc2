"""Parameters as text: whatever we write is read back the same, and what others wrote is read as they meant it."""

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.catalogue import SAMPLER, SCHEDULE, SamplerId, ScheduleId
from contract.drafts import Draft, mended
from contract.infotext import describe, parse, read, write
from contract.requests import Hires, Img2Img, Inpaint, Request, SeedSize, Txt2Img, Variation
from contract.wording import clean

IMAGE = "img_" + "a" * 26
AREAS = ["whole", "masked"]

SIDES = st.integers(8, 64).map(lambda eights: eights * 8)
STRENGTHS = st.floats(1e-6, 1)
TEXTS = (
    st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n"), max_size=60).map(clean)
    | st.sampled_from(
        ["a cat, asleep\non a mat: (red:1.2)", 'a "sign", Steps: 20, Seed: 1, Size: 8x8', "\\{a|b\\}", "  x "]
    )
).filter(lambda text: not any(line.startswith("Negative prompt:") for line in text.split("\n")))
SAMPLINGS = {
    "sampler": st.sampled_from(SamplerId),
    "schedule": st.sampled_from(ScheduleId),
}
OPTIONS = {
    "eta": st.floats(0, 1), "s_churn": st.floats(0, 1000), "s_tmin": st.floats(0, 1), "s_tmax": st.floats(1.5, 5000),
    "s_noise": st.floats(0, 2), "sigma_min": st.floats(1e-4, 1), "sigma_max": st.floats(1.01, 5000),
    "rho": st.floats(0.1, 4),
}  # fmt: skip
HIRES = st.builds(
    Hires,
    factor=st.floats(1.01, 4),
    upscaler=st.sampled_from(["nearest", "bilinear", "bicubic", "antialiased", "lanczos"]),
    strength=STRENGTHS,
    steps=st.none() | st.integers(1, 1000),
    sampler=st.none() | SAMPLINGS["sampler"],
    schedule=st.none() | SAMPLINGS["schedule"],
    prompt=st.none() | TEXTS,
    negative_prompt=st.none() | TEXTS,
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Any request for pictures, as far as the grammar has words for it."""
    fields = {
        "prompt": draw(TEXTS), "negative_prompt": draw(TEXTS), "width": draw(SIDES), "height": draw(SIDES),
        "steps": draw(st.integers(1, 1000)),
        "guidance": draw(st.floats(1, 30)),
        "seed": draw(st.integers(0, 2**53 - 101)),
        "clip_skip": draw(st.integers(0, 11)),
        "guidance_start": draw(st.just(0.0) | st.floats(0, 0.9)),
        "tiling": draw(st.sampled_from(["none", "both"])),
        "variation": draw(st.none() | st.builds(Variation, seed=st.integers(0, 2**40), strength=STRENGTHS)),
        "seed_size": draw(st.none() | st.builds(SeedSize, width=SIDES, height=SIDES)),
        **{name: draw(values) for name, values in SAMPLINGS.items()},
    }  # fmt: skip
    for option in (*SAMPLER[fields["sampler"]].options, *SCHEDULE[fields["schedule"]].options):
        fields[option.name] = draw(st.none() | OPTIONS[option.name])
    kind = draw(st.sampled_from([Txt2Img, Img2Img, Inpaint]))
    if kind is Txt2Img:
        return Txt2Img(**fields, hires=draw(st.none() | HIRES))
    fields |= {"image": IMAGE, "strength": draw(STRENGTHS)}
    if kind is Img2Img:
        return Img2Img(**fields)
    return Inpaint(
        **fields, mask=IMAGE, invert_mask=draw(st.booleans()), mask_blur=draw(st.integers(0, 64)),
        fill=draw(st.sampled_from(["original", "blur", "noise", "zero"])), area=(area := draw(st.sampled_from(AREAS))),
        padding=draw(st.integers(0, 512)) if area == "masked" else 32,
    )  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine with other work
@given(requests(), st.sampled_from([None, "mini", 'a "model", mine: 2', "{x", " y"]))
def test_what_we_write_is_read_back(request: Request, model: str | None) -> None:
    draft = read(write(request, (request.prompt, request.negative_prompt), model, "0123456789abcdef" * 4))
    assert (draft.model, draft.model_hash, draft.notes) == (model, "0123456789", [])
    given_image = {"image": IMAGE, "mask": IMAGE} if isinstance(request, Inpaint) else {"image": IMAGE}
    fields = {**draft.fields, **({} if isinstance(request, Txt2Img) else given_image)}
    assert mended(type(request), fields, draft) == request
    assert draft.notes == []


A1111 = """(a fox:1.2) in the snow,
{oil|ink} painting <lora:ink wash:0.8>
Negative prompt: blurry, lowres,
watermark
Steps: 28, Sampler: DPM++ 2M SDE, Schedule type: Automatic, CFG scale: 6.5, Seed: 3141592653, Size: 512x768, \
Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, VAE hash: 735e4c3a44, Variation seed: 12, \
Variation seed strength: 0.3, Denoising strength: 0.55, Clip skip: 2, ENSD: 31337, Hires upscale: 1.5, \
Hires steps: 12, Hires upscaler: R-ESRGAN 4x+, \
Hires prompt: "a fox, closer: here", Lora hashes: "ink wash: ab12, b: 3", \
Hashes: {"vae": "735e4c3a44", "model": "6ce0161689"}, Version: v1.10.1"""


def test_a_text_of_the_web_ui() -> None:
    draft = read(A1111)
    request = mended(Txt2Img, draft.fields, draft)
    assert request == Txt2Img(
        prompt="(a fox:1.2) in the snow,\n\\{oil|ink\\} painting", negative_prompt="blurry, lowres,\nwatermark",
        steps=28, sampler="dpmpp_2m_sde", schedule="exponential", guidance=6.5, seed=3141592653, width=512, height=768,
        clip_skip=1, variation=Variation(seed=12, strength=0.3),
        hires=Hires(factor=1.5, steps=12, strength=0.55, upscaler="lanczos", prompt="a fox, closer: here"),
    )  # fmt: skip
    assert (draft.model, draft.model_hash) == ("v1-5-pruned-emaonly", "6ce0161689")
    assert draft.parameters["Lora hashes"] == "ink wash: ab12, b: 3"
    assert json.loads(draft.parameters["Hashes"]) == {"vae": "735e4c3a44", "model": "6ce0161689"}
    told = " ".join(draft.notes)
    for left in ("LoRAs", "ENSD", "VAE hash", "R-ESRGAN 4x+"):
        assert left in told


@pytest.mark.parametrize(
    ("said", "sampler", "schedule"),
    [
        ("Sampler: DPM++ 2M Karras", "dpmpp_2m", "karras"),
        ("Sampler: DPM++ 2M", "dpmpp_2m", "karras"),
        ("Sampler: DPM++ 3M SDE, Schedule type: Automatic", "dpmpp_3m_sde", "exponential"),
        ("Sampler: Euler a", "euler_a", "normal"),
        ("Sampler: Euler, Schedule type: SGM Uniform", "euler", "sgm_uniform"),
        ("Sampler: DDIM", "ddim", "ddim"),
        ("Sampler: UniPC, Schedule type: KL Optimal", "unipc", "kl_optimal"),
    ],
)
def test_samplers_by_the_names_others_write(said: str, sampler: str, schedule: str) -> None:
    draft = read(f"a cat\nSteps: 20, {said}, CFG scale: 7, Seed: 1")
    assert (draft.fields["sampler"], draft.fields["schedule"], draft.notes) == (sampler, schedule, [])


def test_what_cannot_be_is_told_and_left_out() -> None:
    text = "a cat\nSteps: 5000, Sampler: DPM adaptive, CFG scale: nan, Seed: -1, Size: 101x7, Clip skip: many, Eta: 0.5"
    draft = read(text)
    request = mended(Txt2Img, draft.fields, draft)
    assert request == Txt2Img(prompt="a cat", steps=1000, width=104, height=64)
    told = " ".join(draft.notes)
    for name in ("steps", "DPM adaptive", "guidance", "seed", "width", "height", "Clip skip", "eta"):
        assert name in told, name


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "a cat", "Negative prompt: dog", "Steps: 20", ":::::", ",:,:,:,", "a: \"", "a: {, b: [, c: \"x",
        "Steps: " + "9" * 5000 + ", Seed: 1e999, CFG scale: inf", "\ud800\nSteps: 1, Seed: 2, Size: x",
        "Steps: 1, Seed: 2, Hires upscale: 0, Hires resize: 0x0, Size: 0x0", "Size: 1x1, a: 1, Hires resize: 5",
        "Steps: 1, Seed: 2, Hires resize: 9x9, Size: 0x0",
    ],
)  # fmt: skip
def test_any_text_is_read(text: str) -> None:
    draft = read(text)
    assert mended(Txt2Img, {k: v for k, v in draft.fields.items() if k not in ("kind", "strength")}, draft) is not None


@given(st.text(max_size=300) | st.text('aS:, "\\{}[]\n', max_size=300))
def test_no_text_breaks_the_grammar(text: str) -> None:
    found = parse(text)
    assert {"Prompt", "Negative prompt"} <= found.keys()
    assert all("\0" not in value for value in found.values())


@pytest.mark.parametrize("piece", ["a", "a:", "a: ", 'a: "', "a: {", "a: [[", 'k:[{"k":[1,', " ", "(", "<lora:", "\n"])
def test_hostile_texts_take_no_time(piece: str) -> None:
    """A million characters; what grows with their square would take hours."""
    begun = time.process_time()
    read((piece * 1_000_000)[:1_000_000])
    assert time.process_time() - begun < 30


def test_every_picture_of_a_job_has_its_own() -> None:
    request = Txt2Img(
        prompt="a {red|blue} cat", width=64, height=64, seed=7, count=3, variation=Variation(seed=100, strength=0.5)
    )
    made: dict[str, Any] = {
        "request": request.model_dump(mode="json"), "prompt": "a red cat", "negative_prompt": "", "seed": 7,
        "model": {"name": "mini", "hash": "ab" * 32},
    }  # fmt: skip
    text = describe(made, 2)
    assert text is not None
    found = parse(text)
    assert (found["Prompt"], found["Seed"], found["Variation seed"]) == ("a red cat", "7", "102")
    assert (found["Model"], found["Model hash"]) == ("mini", "ababababab")


def test_faults_inside_a_field_are_mended_where_they_are() -> None:
    draft = Draft()
    fields = {"prompt": "x" * 20_000, "hires": {"factor": 9.0, "steps": "many"}, "variation": {"strength": 0.5}, "n": 1}
    fields |= {"blend": [{"weight": 1}, {"prompt": 3}]}
    request = mended(Txt2Img, fields, draft)
    assert request == Txt2Img(prompt="x" * 10_000, hires=Hires(factor=4))
    assert {note.partition(":")[0] for note in draft.notes} == {
        "prompt", "variation", "hires.factor", "hires.steps", "n", "blend",
    }  # fmt: skip
    assert mended(Txt2Img, dict.fromkeys(map(str, range(10_000))), draft) == Txt2Img(prompt="")
