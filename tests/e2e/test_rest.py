"""The whole system over REST, as a program uses it: the real stack, the bundled model."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.e2e.stack import Stack, until

pytestmark = pytest.mark.timeout(900)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pixels(data: bytes) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_prompt_becomes_a_picture_that_says_how_it_was_made(stack: Stack) -> None:
    job = stack.submit(prompt="a black cat on a beach at sunset", seed=5, count=2)
    assert job["state"] in ("queued", "running")
    assert job["request"]["width"] == 128
    done = stack.finished(job["id"])
    assert (done["state"], done["error"], done["attempts"]) == ("succeeded", None, 1)
    assert [image["seed"] for image in done["images"]] == [5, 6]
    for image in done["images"]:
        data = stack.picture(image)
        assert hashlib.sha256(data).hexdigest() == image["sha256"]
        text = json.loads(Image.open(io.BytesIO(data)).info["darkroom"])
        assert {**text["request"], "webhook": None} == done["request"]  # whom to tell is no part of the picture
        assert text["seed"] == image["seed"]
        assert len(text["model"]["hash"]) == 64
        assert pixels(data).shape == (128, 128, 3)
        assert pixels(data).std() > 5  # something was developed


def test_the_same_request_gives_the_same_bytes_alone_and_in_a_crowd(stack: Stack) -> None:
    request = {"prompt": "a yellow house in the snow", "seed": 11, "steps": 5, "sampler": "euler_a"}
    alone = stack.finished(stack.submit(**request)["id"])["images"][0]
    crowd = [stack.submit(prompt="crowd", seed=n, steps=6, sampler="ddim", schedule="normal") for n in range(4)]
    again = stack.finished(stack.submit(**request)["id"])["images"][0]
    assert alone["sha256"] == again["sha256"]
    assert alone["id"] != again["id"]
    for job in crowd:
        assert stack.finished(job["id"])["state"] == "succeeded"


def test_a_picture_is_verified_by_making_it_again(stack: Stack) -> None:
    job = stack.submit(prompt="{a red|a blue} boat at {dawn|noon|night}", seed=3, count=2, steps=5, sampler="euler_a")
    for image in stack.finished(job["id"])["images"]:
        asked = stack.http.post(f"{image['url']}/verify")
        assert asked.status_code == 202
        done = stack.finished(asked.json()["id"])
        assert (done["state"], done["images"]) == ("succeeded", [])
        found = {"image_id": image["id"], "same": True, "reasons": [], "greatest": 0, "mean": 0.0}
        assert done["verification"] == found


def test_the_prompt_language_from_the_door_to_the_picture(stack: Stack) -> None:
    """Choices drawn from each picture's seed, a schedule, composition, two passes, a seamless edge."""
    prompt = "{a red|a blue} boat [on the sea:at night:2] AND (snow:1.2) :0.3"
    told = stack.http.get("/api/v1/tokens", params={"prompt": prompt, "steps": 4, "seed": 0}).json()
    assert [part["weight"] for part in told["parts"]] == [1.0, 0.3]
    assert told["changes"] == [2]
    job = stack.submit(prompt=prompt, seed=0, count=3, tiling="x", hires={"factor": 1.5, "steps": 4, "strength": 0.5})
    done = stack.finished(job["id"])
    assert (done["state"], done["progress"]["step"]) == ("succeeded", 3 * (4 + 2))
    drawn = []
    for image in done["images"]:
        assert (image["width"], image["height"]) == (192, 192)
        drawn.append(stack.http.get(f"{image['url']}/metadata").json()["prompt"])
    assert drawn[0] == told["drawn"]
    boats = [text.removesuffix(" boat [on the sea:at night:2] AND (snow:1.2) :0.3") for text in drawn]
    assert boats == ["a blue", "a red", "a blue"], "as Python's random.Random draws from 0, 1 and 2"


def test_a_painted_mask_is_repainted_and_the_rest_is_not_touched(stack: Stack) -> None:
    size = (150, 101)  # no multiple of 8
    original = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((40, 30, 90, 70), fill=255)
    image, painted = stack.upload(png(Image.fromarray(original))), stack.upload(png(mask))
    job = stack.submit(kind="inpaint", prompt="a flower", image=image["id"], mask=painted["id"], mask_blur=3, seed=1)
    assert (job["request"]["width"], job["request"]["height"]) == (144, 96)
    done = stack.finished(job["id"])
    assert done["state"] == "succeeded", done["error"]
    by_role = {image["role"]: image for image in done["images"]}
    assert set(by_role) == {"output", "raw"}
    output = pixels(stack.picture(by_role["output"]))
    untouched = np.asarray(mask.filter(ImageFilter.GaussianBlur(3))) == 0
    assert output.shape == original.shape
    np.testing.assert_array_equal(output[untouched], original[untouched])
    assert (output[45:55, 60:70] != original[45:55, 60:70]).mean() > 0.9


def test_a_picture_grows_and_tells_what_changed_outside_the_mask(stack: Stack) -> None:
    original = np.random.default_rng(1).integers(0, 256, (72, 96, 3), dtype=np.uint8)
    image = stack.upload(png(Image.fromarray(original)))
    job = stack.submit(
        kind="inpaint", prompt="a beach", image=image["id"], extend={"left": 32, "bottom": 8}, mask_blur=2, steps=4,
        soft=True, colour_match=True, seed=1,
    )  # fmt: skip
    assert (job["request"]["width"], job["request"]["height"], job["request"]["mask"]) == (128, 80, None)
    done = stack.finished(job["id"])
    assert done["state"] == "succeeded", done["error"]
    by_role = {image["role"]: image for image in done["images"]}
    output = pixels(stack.picture(by_role["output"]))
    assert output.shape == (80, 128, 3)
    kept = np.s_[:60, 32 + 12 :]  # six blurs from the old edge
    np.testing.assert_array_equal(output[kept], original[:60, 12:])
    for image in by_role.values():
        told = stack.http.get(f"{image['url']}/metadata").json()["outside"]
        assert told["output"] == 0
        assert 0 < told["raw"] <= 255  # no VAE keeps noise as it was
        assert json.loads(Image.open(io.BytesIO(stack.picture(image))).info["darkroom"])["outside"] == told


def test_img2img_starts_from_the_picture(stack: Stack) -> None:
    half = np.zeros((128, 128, 3), np.uint8)
    half[:, 64:] = 255
    image = stack.upload(png(Image.fromarray(half)))
    job = stack.submit(kind="img2img", prompt="", image=image["id"], strength=0.25, steps=8, guidance=1, seed=3)
    assert job["progress"]["steps"] == 2
    got = pixels(stack.picture(stack.finished(job["id"])["images"][0])).astype(int)
    assert got[:, 80:].mean() - got[:, :48].mean() > 60  # dark stays left and light right


def test_a_running_job_is_cancelled_within_a_step(stack: Stack) -> None:
    job = stack.submit(steps=1000)
    before = stack.running(job["id"])["progress"]["step"]
    answer = stack.http.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert answer.status_code == 202
    done = stack.finished(job["id"], 10)
    assert (done["state"], done["images"]) == ("cancelled", [])
    assert done["progress"]["step"] < before + 100
    assert stack.http.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 409


def test_progress_preview_and_waiting(stack: Stack) -> None:
    job = stack.submit(steps=300)
    first = stack.running(job["id"])["progress"]
    waited = stack.http.get(f"/api/v1/jobs/{job['id']}", params={"wait": 20}).json()["progress"]
    assert first["step"] < waited["step"] < 300
    until(lambda: stack.job(job["id"])["progress"]["preview_url"])
    preview = stack.http.get(f"/api/v1/jobs/{job['id']}/preview")
    assert preview.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(preview.content)).size == (256, 256)
    assert stack.http.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
    assert stack.http.get(f"/api/v1/jobs/{job['id']}").status_code == 404


def test_one_bad_request_starts_nothing(stack: Stack) -> None:
    before = len(stack.http.get("/api/v1/jobs", params={"limit": 100}).json()["jobs"])
    answer = stack.http.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "x", "width": 100})
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["loc"][-1] == "width"
    assert len(stack.http.get("/api/v1/jobs", params={"limit": 100}).json()["jobs"]) == before


def test_a_killed_worker_loses_nothing_and_the_job_ends_once(stack: Stack) -> None:
    jobs = [stack.submit(steps=60, seed=n, prompt="a green fish in the sea") for n in range(2)]
    for job in jobs:
        stack.running(job["id"], step=3)
    (worker,) = stack.children("worker.app")
    worker.kill()
    done = [stack.finished(job["id"]) for job in jobs]  # killed from outside: neither is a suspect
    assert [(job["state"], job["attempts"], len(job["images"])) for job in done] == [("succeeded", 2, 1)] * 2
    once = stack.finished(stack.submit(steps=60, seed=0, prompt="a green fish in the sea")["id"])
    assert once["images"][0]["sha256"] == done[0]["images"][0]["sha256"]


def test_a_stopped_worker_hands_its_job_back_uncharged(stack: Stack) -> None:
    job = stack.submit(steps=1000)
    before = stack.running(job["id"], step=3)
    (worker,) = stack.children("worker.app")
    worker.terminate()
    until(lambda: not worker.is_running())
    assert stack.job(job["id"])["state"] == "queued"
    again = stack.running(job["id"])
    assert again["attempts"] == before["attempts"] == 1
    assert again["started_at"] > before["started_at"]
    stack.http.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert stack.finished(job["id"])["state"] == "cancelled"


def test_a_killed_redis_loses_no_job(stack: Stack) -> None:
    running, waiting = stack.submit(steps=100, seed=1), stack.submit(steps=4, count=3)
    stack.running(running["id"], step=3)
    (redis,) = stack.children("redis.sock") or stack.children("redis.conf")
    redis.kill()
    until(lambda: stack.http.get("/healthz").status_code == 200)
    until(lambda: stack.http.get("/readyz").status_code == 200)
    done = [stack.finished(job["id"]) for job in (running, waiting)]
    assert [(job["state"], len(job["images"])) for job in done] == [("succeeded", 1), ("succeeded", 3)]


def test_health_and_metrics(stack: Stack) -> None:
    until(lambda: stack.http.get("/readyz").status_code == 200)
    assert stack.http.get("/healthz").status_code == 200
    metrics = stack.http.get("/metrics").text
    assert "# TYPE" in metrics
    queue = stack.http.get("/api/v1/queue").json()
    assert len(queue["workers"]) == 1
    assert queue["workers"][0]["device"] == "cpu"
    (model,) = stack.http.get("/api/v1/models").json()
    assert model["name"] == "mini"
