"""Grids and enlargements at the door: what is filled in, what they cost, and what cannot be."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.deps import Services
from tests.api.kit import Worker, noise, png

JOBS = "/api/v1/jobs"
NOBODY = "img_" + "a" * 26
Upload = Callable[[bytes], Any]


def grid(base: dict[str, Any] | None = None, **axes: Any) -> dict[str, Any]:
    x = {"x": {"field": "steps", "values": "2-4"}}
    return {"kind": "grid", "base": {"kind": "txt2img", "prompt": "a cat", **(base or {})}, **(axes or x)}


def axis(field: str, values: Any) -> dict[str, Any]:
    return {"field": field, "values": values}


def accepted(client: TestClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(JOBS, json=body)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def refused(client: TestClient, services: Services, body: dict[str, Any]) -> tuple[str, str]:
    """Where and why, of a body with one fault."""
    answer = client.post(JOBS, json=body)
    assert answer.status_code == 422, answer.text
    assert services.store.counts() == (0, 0)
    (error,) = answer.json()["errors"]
    return ".".join(map(str, error["loc"])), error["msg"]


# --- grids ----------------------------------------------------------------------------------------------------


def test_a_grids_base_is_filled_in_once(client: TestClient) -> None:
    job = accepted(client, grid(x=axis("steps", "2-4"), y=axis("sampler", "euler, DDIM")))
    request = job["request"]
    assert (job["kind"], request["kind"]) == ("grid", "grid")
    base = request["base"]
    assert (base["model"], base["width"], base["height"]) == ("mini", 128, 96)
    assert 0 <= base["seed"] < 2**32
    assert (request["x"], request["z"]) == ({"field": "steps", "values": [2, 3, 4]}, None)
    assert job["progress"]["steps"] == 2 * (2 + 3 + 4)
    assert client.get(f"{JOBS}/{job['id']}").json()["request"] == request
    again = accepted(client, request)
    assert again["request"] == request, "what was understood can be asked for again"


def test_steps_of_cells_from_a_picture_are_those_they_take(client: TestClient, upload: Upload) -> None:
    image = upload(png(noise(64, 64)))["id"]
    body = grid({"kind": "img2img", "image": image, "steps": 10}, x=axis("strength", "0.1-1 [4]"))
    assert accepted(client, body)["progress"]["steps"] == 1 + 4 + 7 + 10


def test_prompts_are_drawn_for_every_cell(client: TestClient, services: Services) -> None:
    """`{a|b|c}` of the seeds 0 to 3 is c, a, c, a: docs/prompts.md."""
    job = accepted(client, grid({"prompt": "{a|b|c} cat"}, x=axis("seed", "0-3"), y=axis("prompt", "cat, dog")))
    assert services.store.work(job["id"]).drawn == [
        (f"{drawn} {what}", "") for what in ("cat", "dog") for drawn in ("c", "a", "c", "a")
    ]
    plain = accepted(client, grid())
    assert services.store.work(plain["id"]).drawn == [("a cat", "")]


def test_inputs_of_a_grid_are_kept(client: TestClient, services: Services, upload: Upload) -> None:
    image = upload(png(noise(64, 64)))
    job = accepted(client, grid({"kind": "img2img", "image": image["id"]}))
    assert services.store.work(job["id"]).inputs == {image["id"]: image["sha256"]}


def test_a_grid_costs_the_sum_of_its_cells(client: TestClient, services: Services) -> None:
    """2000 megapixel-steps: 1.048576 Mpx by 1 + 2 + ... + 61 = 1891 steps is 1983, up to 62 it is 2048."""
    big = {"width": 1024, "height": 1024, "steps": 1000}
    where, says = refused(client, services, grid(big, x=axis("steps", "1-62")))
    assert (where, "2048 megapixel-steps" in says, "at most 2000" in says) == ("body.x", True, True)
    accepted(client, grid(big, x=axis("steps", "1-61")))


@pytest.mark.parametrize(
    ("body", "where", "says"),
    [
        (grid(x=axis("steps", "0-2")), "x", "steps = 0 cannot be: steps: Input should be greater than or equal to 1"),
        (grid(x=axis("steps", "1"), y=axis("sampler", "euler, magic")), "y", "sampler = magic"),
        (grid(x=axis("clip_skip", "1, 4")), "x", "clip_skip = 4 cannot be: mini's text encoder has 4 layers"),
        (grid(x=axis("prompt", "dog, fish")), "x", "'dog' is not in the prompt"),
        (grid(x=axis("prompt", "cat, __nothing__")), "x", "There is no wildcard nothing"),
        (grid(x=axis("strength", "0.5")), "x", "txt2img has no strength"),
        (grid(x=axis("seed", "1-257")), "x.values", "has 257 values; at most 256"),
        (grid(x=axis("seed", "1-20"), y=axis("steps", "1-20")), "x", "400 cells; at most 256"),
        (grid(x=axis("width", "64, 128")), "x.field", "the pictures of a grid have one size"),
        (grid(x=axis("magic", "1")), "x.field", "is no field that a grid can run over"),
        (grid(x=axis("steps", "1-a")), "x.values", "no range such as 1-5"),
        (grid(x=axis("steps", [])), "x.values", "there must be one at least"),
        (grid(x={"field": "steps", "values": [1], "step": 2}), "x.step", "not a field this takes"),
        (grid(y=axis("steps", [1])), "x", "is required"),
        (grid({"count": 2}), "base.count", "leave count at 1"),
        (grid({"steps": 0}), "base.steps", "greater than or equal to 1"),
        (grid({"kind": "grid"}), "base.kind", "must be one of 'txt2img', 'img2img', 'inpaint'"),
        ({**grid(), "base": {"prompt": "a"}}, "base.kind", "must be one of 'txt2img', 'img2img', 'inpaint'"),
        (grid({"model": "gpt"}), "base.model", "known are: mini"),
        (grid({"kind": "img2img", "image": NOBODY}), "base.image", "no picture of this id"),
        (grid({"width": 1024, "height": 1032}), "base.width", "1056768 pixels"),
        (grid({"prompt": "a __bird__"}), "base.prompt", "There is no wildcard bird"),
        (grid({"negative_prompt": "embedding:bad"}), "base.negative_prompt", "Embeddings cannot be loaded yet"),
        ({**grid(), "prompt": "a"}, "prompt", "not a field this takes"),
    ],
)
def test_a_grid_that_cannot_be(
    client: TestClient, services: Services, body: dict[str, Any], where: str, says: str
) -> None:
    found, told = refused(client, services, body)
    assert found == f"body.{where}"
    assert says in told


def test_previews_and_lists_know_grids(client: TestClient, worker: Worker) -> None:
    job = accepted(client, grid(x=axis("seed", "1-200")))
    claim = worker.claim(job["id"])
    worker.store.preview(claim, 199, b"jpeg")
    assert client.get(f"{JOBS}/{job['id']}/preview", params={"index": 199}).content == b"jpeg"
    assert client.get(f"{JOBS}/{job['id']}/preview", params={"index": 256}).status_code == 422
    found = client.get(JOBS, params={"kind": "grid"}).json()["jobs"]
    assert [each["id"] for each in found] == [job["id"]]


# --- enlargements ---------------------------------------------------------------------------------------------


def enlarge(image: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "upscale", "image": image, **fields}


def test_what_is_open_of_an_enlargement_is_filled_in(client: TestClient, services: Services, upload: Upload) -> None:
    image = upload(png(noise(100, 120, 3)))
    job = accepted(client, enlarge(image["id"], prompt="a {cat|cat}"))
    request = job["request"]
    assert (request["model"], request["tile"], request["overlap"], request["factor"]) == ("mini", 96, 24, 2.0)
    assert 0 <= request["seed"] < 2**32
    assert job["progress"]["steps"] == 3 * 3 * 6, "240 x 200 in tiles of 96 that share 24; 20 steps at 0.3"
    assert services.store.work(job["id"]).drawn == [("a cat", "")]
    assert services.store.work(job["id"]).inputs == {image["id"]: image["sha256"]}
    assert accepted(client, request)["request"] == request


def test_a_tile_is_no_larger_than_the_picture_needs(client: TestClient, upload: Upload) -> None:
    image = upload(png(noise(30, 40)))["id"]
    request = accepted(client, enlarge(image, factor=1.5))["request"]
    assert (request["tile"], request["overlap"]) == (64, 16)


def test_lanczos_needs_no_model(client: TestClient, services: Services, upload: Upload) -> None:
    services.store.redis.delete("darkroom:models")
    image = upload(png(noise(30, 40)))["id"]
    job = accepted(client, enlarge(image, method="lanczos"))
    assert (job["request"]["model"], job["request"]["seed"], job["progress"]["steps"]) == (None, None, 1)
    assert client.post(JOBS, json=enlarge(image)).status_code == 503


@pytest.mark.parametrize(
    ("fields", "where", "says"),
    [
        ({"image": NOBODY}, "image", "no picture of this id"),
        ({"factor": 1}, "factor", "greater than or equal to 1.5"),
        ({"factor": 5}, "factor", "less than or equal to 4"),
        ({"factor": 4}, "factor", "4096 x 4800; at most 4096 a side are allowed. Choose a factor of at most 3.413"),
        ({"method": "magic"}, "method", "'lanczos' or 'redraw'"),
        ({"method": "lanczos", "strength": 0.5}, "strength", "no effect with lanczos"),
        ({"method": "lanczos", "prompt": "a cat"}, "prompt", "no effect with lanczos"),
        ({"tile": 100}, "tile", "multiple of 8"),
        ({"tile": 2048}, "tile", "4194304 pixels; at most 1048576"),
        ({"overlap": 4}, "overlap", "greater than or equal to 8"),
        ({"overlap": 49}, "overlap", "Tiles of 96 pixels may overlap by 48 at most"),
        ({"tile": 64, "overlap": 32, "factor": 3}, "tile", "tiles of 64 pixels; at most 2048"),
        ({"steps": 1000, "strength": 1}, "steps", "megapixel-steps"),
        ({"strength": 0}, "strength", "greater than 0"),
        ({"clip_skip": 4}, "clip_skip", "skip 3 at most"),
        ({"prompt": "a __bird__"}, "prompt", "There is no wildcard bird"),
        ({"width": 64}, "width", "not a field this takes"),
        ({"count": 2}, "count", "not a field this takes"),
        ({"model": "gpt"}, "model", "known are: mini"),
    ],
)
def test_an_enlargement_that_cannot_be(
    client: TestClient, services: Services, upload: Upload, fields: dict[str, Any], where: str, says: str
) -> None:
    image = upload(png(noise(1200, 1024) // 255))["id"]
    found, told = refused(client, services, enlarge(**{"image": image, **fields}))
    assert found == f"body.{where}"
    assert says in told


def test_an_enlargement_costs_the_sum_of_its_tiles(client: TestClient, services: Services, upload: Upload) -> None:
    """2048 x 2048 in tiles of 1024 that share 256 is 3 x 3 = 9.437 Mpx: 211 steps are 1991, 212 are 2001."""
    image = upload(png(noise(1024, 1024) // 255))["id"]
    fields = {"tile": 1024, "strength": 1}
    where, says = refused(client, services, enlarge(image, **fields, steps=212))
    assert (where, "2001 megapixel-steps" in says) == ("body.steps", True)
    accepted(client, enlarge(image, **fields, steps=211))
