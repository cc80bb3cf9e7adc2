"""Bad requests are answered at the door: with what to change, never with 5xx, and nothing is started."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.bodies import JSON_LIMIT
from api.deps import Services
from contract.grid import FIELDS
from tests.api.kit import noise, png

JOBS = "/api/v1/jobs"
PLAIN = {"kind": "txt2img", "prompt": "a cat"}
NOBODY = "img_" + "a" * 26


def refused(client: TestClient, services: Services, fields: dict[str, Any], status: int = 422) -> Any:
    """Submit what must be refused; the problem."""
    answer = client.post(JOBS, json={**PLAIN, **fields})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert services.store.counts() == (0, 0)
    assert services.store.redis.zcard("darkroom:jobs") == 0
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail", "instance", "errors"}
    assert told["status"] == status
    return told


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"width": 100}, "width", "multiple of 8"),
        ({"height": 56}, "height", "greater than or equal to 64"),
        ({"width": 8192}, "width", "less than or equal to 4096"),
        ({"width": 64.5}, "width", "valid integer"),
        ({"steps": 0}, "steps", "greater than or equal to 1"),
        ({"steps": 5000}, "steps", "less than or equal to 1000"),
        ({"steps": "many"}, "steps", "valid integer"),
        ({"guidance": 0.5}, "guidance", "greater than or equal to 1"),
        ({"guidance": 31}, "guidance", "less than or equal to 30"),
        ({"sampler": "euler_b"}, "sampler", "'euler'"),
        ({"schedule": "kerras"}, "schedule", "'karras'"),
        ({"eta": 0.5}, "eta", "no effect with dpmpp_2m; those that take it are euler_a"),
        ({"schedule": "normal", "rho": 5}, "rho", "no effect with normal"),
        ({"count": 0}, "count", "greater than or equal to 1"),
        ({"count": 101}, "count", "less than or equal to 100"),
        ({"seed": -1}, "seed", "greater than or equal to 0"),
        ({"seed": 2**53 - 100}, "seed", "less than or equal to 9007199254740891"),
        ({"seed": 10**30}, "seed", "less than or equal to"),
        ({"prompt": None}, "prompt", "valid string"),
        ({"prompt": "x" * 10_001}, "prompt", "10000"),
        ({"prompt": "a\0b"}, "prompt", "control character"),
        ({"kind": "video"}, "kind", "'txt2img', 'img2img', 'inpaint', 'grid', 'upscale'"),
        ({"kind": 7}, "kind", "'txt2img', 'img2img', 'inpaint', 'grid', 'upscale'"),
        ({"model": "gpt"}, "model", "known are: mini"),
        ({"strength": 0.5}, "strength", "not a field this takes"),
        ({"steps": True}, "steps", "valid integer"),
        ({"steps": "20"}, "steps", "valid integer"),
        ({"guidance": "3"}, "guidance", "valid number"),
        ({"priority": "urgent"}, "priority", "'low', 'normal' or 'high'"),
        ({"clip_skip": 4}, "clip_skip", "skip 3 at most"),
        ({"clip_skip": -1}, "clip_skip", "greater than or equal to 0"),
        ({"guidance_start": 0.5, "guidance_end": 0.5}, "guidance_end", "above guidance_start"),
        ({"guidance_rescale": 1.5}, "guidance_rescale", "less than or equal to 1"),
        ({"variation": {"seed": 1, "strength": 0}}, "variation.strength", "greater than 0"),
        ({"variation": {"strength": 0.5}}, "variation.seed", "is required"),
        ({"seed_size": {"width": 100, "height": 64}}, "seed_size.width", "multiple of 8"),
        ({"hires": {"factor": 1}}, "hires.factor", "greater than 1"),
        ({"hires": {"sampler": "magic"}}, "hires.sampler", "no sampler's name"),
        ({"hires": {"prompt": "<lora:x:1>"}}, "hires", "LoRAs cannot be loaded yet"),
        ({"width": 1024, "height": 1024, "hires": {"factor": 1.1}}, "hires", "Choose a smaller factor"),
        ({"tiling": "z"}, "tiling", "'none', 'x', 'y' or 'both'"),
        ({"blend": [{"prompt": "a", "weight": -1}]}, "blend.0.weight", "greater than 0"),
        ({"directions": [{"toward": "a", "scale": 11}]}, "directions.0.scale", "less than or equal to 10"),
        ({"styles": ["Oil"]}, "styles", "Watercolor"),
        ({"prompt": "a __bird__"}, "prompt", "There is no wildcard bird"),
        ({"prompt": "a fox <lora:ink:1>"}, "prompt", "LoRAs cannot be loaded yet"),
        ({"negative_prompt": "embedding:bad"}, "negative_prompt", "Embeddings cannot be loaded yet"),
        ({"prompt": " AND ".join("abcdefghi")}, "prompt", "at most 8"),
        ({"kind": "img2img"}, "image", "is required"),
        ({"kind": "img2img", "image": "../../etc/passwd"}, "image", "match pattern"),
        ({"kind": "img2img", "image": NOBODY}, "image", "no picture of this id"),
        ({"kind": "img2img", "image": NOBODY, "strength": 0}, "strength", "greater than 0"),
        ({"kind": "img2img", "image": NOBODY, "resize": "zoom"}, "resize", "'stretch', 'crop' or 'fill'"),
        ({"kind": "inpaint", "image": NOBODY}, "mask", "is required"),
        ({"kind": "inpaint", "image": NOBODY}, "mask", "unless `extend` lets the picture grow"),
        ({"kind": "inpaint", "image": NOBODY, "extend": {"left": 0}}, "mask", "extend a side by 8 or more"),
        ({"kind": "inpaint", "image": NOBODY, "extend": 8}, "extend", "must be a JSON object"),
        (
            {"kind": "inpaint", "image": NOBODY, "extend": {"left": 8}, "invert_mask": True},
            "invert_mask",
            "no effect without a mask",
        ),
        ({"kind": "inpaint", "image": NOBODY, "mask": NOBODY, "padding": -1}, "padding", "greater than or equal to 0"),
        ({"kind": "inpaint", "image": NOBODY, "mask": NOBODY, "mask_blur": 65}, "mask_blur", "less than or equal to"),
    ],
)
def test_a_field_that_cannot_be(
    client: TestClient, services: Services, fields: dict[str, Any], field: str, says: str
) -> None:
    told = refused(client, services, fields)
    (error,) = told["errors"]
    assert ".".join(map(str, error["loc"])) == f"body.{field}"
    assert says in error["msg"]
    assert says in told["detail"]


def test_a_missing_kind_or_prompt(client: TestClient, services: Services) -> None:
    (error,) = client.post(JOBS, json={"prompt": "x"}).json()["errors"]
    assert (error["loc"], "'txt2img'" in error["msg"]) == (["body", "kind"], True)
    (error,) = client.post(JOBS, json={"kind": "txt2img"}).json()["errors"]
    assert error == {"loc": ["body", "prompt"], "msg": "is required"}


def test_all_faults_are_told_at_once(client: TestClient, services: Services) -> None:
    told = refused(client, services, {"width": 7, "steps": 0, "magic": 1})
    assert sorted(error["loc"][1] for error in told["errors"]) == ["magic", "steps", "width"]


def test_the_pixel_budget(client: TestClient, services: Services) -> None:
    told = refused(client, services, {"width": 1024, "height": 1032, "steps": 1})
    assert "1056768 pixels; at most 1048576" in told["detail"]
    assert told["errors"][0]["loc"] == ["body", "width"]
    assert client.post(JOBS, json={**PLAIN, "width": 1024, "height": 1024, "steps": 1}).status_code == 202


def test_the_cost_bound(client: TestClient, services: Services) -> None:
    """2000 megapixel-steps: 1.048576 Mpx x 20 steps is 20.97, so 95 pictures (1992) go and 96 (2013) do not."""
    big = {"width": 1024, "height": 1024, "steps": 20}
    told = refused(client, services, {**big, "count": 96})
    assert "2013 megapixel-steps" in told["detail"]
    assert "at most 2000" in told["detail"]
    assert client.post(JOBS, json={**PLAIN, **big, "count": 95}).status_code == 202


def test_a_mask_of_another_size(client: TestClient, services: Services, upload: Callable[[bytes], Any]) -> None:
    image, mask = upload(png(noise(64, 80, 3)))["id"], upload(png(noise(80, 64)))["id"]
    told = refused(client, services, {"kind": "inpaint", "image": image, "mask": mask})
    assert told["errors"][0]["loc"] == ["body", "mask"]
    assert "64 x 80" in told["detail"]
    assert "must be 80 x 64" in told["detail"]


def test_a_side_that_cannot_be_extended_so(client: TestClient, services: Services) -> None:
    for extend, side, says in [
        ({"left": 12}, "left", "multiple of 8"),
        ({"top": 1032}, "top", "less than or equal to 1024"),
        ({"below": 8}, "below", "not a field this takes"),
    ]:
        told = refused(client, services, {"kind": "inpaint", "image": NOBODY, "extend": extend})
        (error,) = told["errors"]
        assert error["loc"] == ["body", "extend", side]
        assert says in told["detail"]


def test_a_picture_that_would_grow_too_far(
    client: TestClient, services: Services, upload: Callable[[bytes], Any]
) -> None:
    image = upload(png(noise(32, 4000) // 255))["id"]
    told = refused(client, services, {"kind": "inpaint", "image": image, "extend": {"right": 104}})
    assert told["errors"][0]["loc"] == ["body", "extend"]
    assert "4104 x 32 pixels; at most 4096" in told["detail"]
    fields = {**PLAIN, "kind": "inpaint", "image": image, "steps": 1}
    assert client.post(JOBS, json={**fields, "extend": {"right": 96}}).status_code == 202


def test_another_owners_picture_is_none(client: TestClient, services: Services, upload: Callable[[bytes], Any]) -> None:
    image_id = upload(png(noise(64, 64)))["id"]
    record = services.library.get(image_id)
    assert record is not None
    stranger = record.model_copy(update={"id": NOBODY, "owner": "stranger"})
    services.library.add(stranger)
    told = refused(client, services, {"kind": "img2img", "image": NOBODY})
    assert "no picture of this id" in told["detail"]
    assert client.get(f"/api/v1/images/{NOBODY}").status_code == 404
    assert client.delete(f"/api/v1/images/{NOBODY}").status_code == 404


def body(fields: str) -> bytes:
    return b'{"kind": "txt2img", "prompt": "a cat", ' + fields.encode() + b"}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (body('"guidance": NaN'), "NaN is no JSON number"),
        (body('"guidance": Infinity'), "Infinity is no JSON number"),
        (body('"guidance": -Infinity'), "-Infinity is no JSON number"),
        (body('"guidance": 1e400'), "finite number"),
        (body('"negative_prompt": NaN'), "NaN is no JSON number"),
        (body('"magic": NaN'), "NaN is no JSON number"),
        (body(r'"negative_prompt": "\ud800"'), "surrogate"),
        (body(r'"sampler": "\ud800"'), "Unicode"),
        (body(r'"\ud800": 1'), "Unicode"),
        (b'{"kind": "\\ud800", "prompt": ""}', "must be one of"),
        (body('"steps": 20, "steps": 4'), "given twice"),
        (body('"seed": ' + "9" * 5000), "too many digits"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (json.dumps(PLAIN).encode("utf-16"), "UTF-8"),
        (json.dumps(PLAIN).encode("utf-32-le"), "Expecting"),
        (b"\xef\xbb\xbf" + json.dumps(PLAIN).encode(), "BOM"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"kind": "txt2img", "prompt": "a', "Unterminated string"),
        (b"", "is required"),
        (b"null", "JSON object"),
        (b"[]", "JSON object"),
        (b"7", "JSON object"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_json_that_is_none(client: TestClient, services: Services, content: bytes, says: str) -> None:
    answer = client.post(JOBS, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
    assert services.store.redis.zcard("darkroom:jobs") == 0


def test_answers_do_not_repeat_what_was_sent(client: TestClient, services: Services) -> None:
    secret = "<script>swordfish</script>"
    for fields in ({"kind": secret}, {"sampler": secret}, {"model": secret}, {"width": secret}, {"image": secret}):
        assert "swordfish" not in json.dumps(refused(client, services, fields))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
def test_only_json_is_taken(client: TestClient, services: Services, content_type: str) -> None:
    headers = {"Content-Type": content_type, "X-Requested-With": "a test"}
    answer = client.post(JOBS, content=json.dumps(PLAIN), headers=headers)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["detail"]
    assert services.store.counts() == (0, 0)


def test_too_much_json(client: TestClient, services: Services) -> None:
    content = body('"negative_prompt": "' + "x" * JSON_LIMIT + '"')
    for sent in (content, iter([content[:1000], content[1000:]])):  # with Content-Length, and chunked
        answer = client.post(JOBS, content=sent, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert str(JSON_LIMIT) in answer.json()["detail"]
    assert services.store.counts() == (0, 0)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["euler", "\ud800", NOBODY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = [
    "kind", "prompt", "negative_prompt", "model", "width", "height", "steps", "sampler", "schedule", "guidance",
    "seed", "count", "previews", "image", "mask", "extend", "strength", "resize", "area", "fill", "padding",
    "mask_blur", "eta", "s_churn", "s_tmax", "sigma_min", "rho", "metadata",
]  # fmt: skip
BODIES = st.fixed_dictionaries(
    {"kind": st.sampled_from(["txt2img", "img2img", "inpaint", "upscale"]), "prompt": st.text(max_size=20)},
    optional=dict.fromkeys(NAMES[2:], ANYTHING),
)
AXES = st.fixed_dictionaries({"field": st.sampled_from(FIELDS) | ANYTHING, "values": ANYTHING | st.lists(ANYTHING)})
GRIDS = st.fixed_dictionaries({"kind": st.just("grid"), "base": BODIES | ANYTHING, "x": AXES}, optional={"y": AXES})


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the queue need not be empty for each example
)
@given(BODIES | GRIDS | st.dictionaries(st.sampled_from(NAMES) | st.text(), ANYTHING) | ANYTHING)
def test_no_json_ever_breaks_it(client: TestClient, services: Services, value: Any) -> None:
    services.store.redis.delete("darkroom:queued")
    answer = client.post(JOBS, content=json.dumps(value), headers={"Content-Type": "application/json"})
    assert answer.status_code in (202, 422), answer.text
    if answer.status_code == 202:
        assert client.get(answer.headers["location"]).status_code == 200
    else:
        assert answer.json()["detail"]
