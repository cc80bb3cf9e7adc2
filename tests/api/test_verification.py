"""Verifying over HTTP: what is accepted as a job, what is refused and why. What a worker finds: tests/worker."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.deps import Services
from contract.access import Scope
from contract.ids import image_url, picture_id
from contract.jobs import StoredImage
from contract.verification import Verification
from tests.api.kit import MODEL, Worker, key_of, noise, png

JOBS = "/api/v1/jobs"
WORDS = {"kind": "txt2img", "prompt": "{a black|a white} cat", "seed": 5, "steps": 4, "count": 3}
Make = Callable[..., str]


@pytest.fixture
def make(client: TestClient, services: Services, worker: Worker) -> Make:
    """Run a job of one picture, its second, as a worker notes it; the picture's id."""

    def run(asked: dict[str, Any], headers: dict[str, str] | None = None, **noted: Any) -> str:
        job = client.post(JOBS, json=asked, headers=headers or {})
        assert job.status_code == 202, job.text
        claim = worker.claim(job.json()["id"])
        file = io.BytesIO()
        Image.new("RGB", (128, 96)).save(file, "PNG")
        image_id = picture_id(claim.job_id, 1, "output")
        metadata = {
            "request": job.json()["request"],
            "prompt": "a white cat",
            "negative_prompt": "",
            "inputs": services.store.work(claim.job_id).inputs,
            "model": {"name": MODEL.name, "hash": MODEL.hash},
            "seed": 6,
            "role": "output",
            "maker": "0123456789abcdef",
            "made_by": {"device": "cpu", "dtype": "float32"},
        }
        image = StoredImage(
            id=image_id, sha256=services.blobs.put(file.getvalue()), url=image_url(image_id), width=128, height=96,
            format="png", bytes=len(file.getvalue()), created_at=datetime.now(UTC), job_id=claim.job_id, index=1,
            seed=6, role="output", owner=job.json()["owner"], metadata={**metadata, **noted},
        )  # fmt: skip
        assert services.library.add(image, claim.token)
        assert services.store.add_picture(claim, image)
        assert services.store.finish(claim)
        return image_id

    return run


def verify(client: TestClient, image_id: str, headers: dict[str, str] | None = None) -> Any:
    return client.post(f"/api/v1/images/{image_id}/verify", headers=headers or {})


def test_one_picture_of_several_is_asked_for_alone(
    client: TestClient, services: Services, worker: Worker, make: Make
) -> None:
    image_id = make({**WORDS, "start_within": 3600})
    answer = verify(client, image_id)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"{JOBS}/{job['id']}"
    assert job["verification"] == {"image_id": image_id, "same": None, "reasons": [], "greatest": None, "mean": None}
    asked = job["request"]
    assert (asked["seed"], asked["count"], asked["steps"], asked["start_within"]) == (6, 1, 4, None)
    claim = worker.claim(job["id"])
    work = services.store.work(claim.job_id)
    assert work.drawn == [("a white cat", "")]
    assert work.verifies is not None
    assert (work.verifies.role, work.verifies.maker) == ("output", "0123456789abcdef")
    assert work.verifies.made_by == {"model": MODEL.hash, "device": "cpu", "dtype": "float32"}
    assert services.store.judge(claim, Verification(image_id=image_id, same=True, greatest=0, mean=0.0))
    assert services.store.finish(claim)
    done = client.get(f"{JOBS}/{job['id']}").json()
    assert (done["state"], done["images"], done["verification"]["same"]) == ("succeeded", [], True)


def test_its_picture_and_its_inputs_are_kept_while_it_waits(
    client: TestClient, services: Services, make: Make, upload: Callable[[bytes], Any]
) -> None:
    given = upload(png(noise(96, 128, 3)))
    image_id = make({"kind": "img2img", "prompt": "a cat", "image": given["id"], "steps": 4})
    job = verify(client, image_id).json()
    made = services.store.image(image_id)
    assert made is not None
    for url in (given["url"], f"/api/v1/images/{image_id}", f"{JOBS}/{made.job_id}"):
        assert client.delete(url).status_code == 204
    assert services.store.sweep(0) == []
    assert services.store.claim("w1", 600) is not None
    assert services.store.work(job["id"]).inputs == {given["id"]: given["sha256"], image_id: made.sha256}


def test_it_counts_as_any_other_job(client: TestClient, services: Services, make: Make) -> None:
    _, headers = key_of(services, "alice", Scope.GENERATE, Scope.READ, jobs=1)
    image_id = make(WORDS, headers)
    assert verify(client, image_id, headers).status_code == 202
    refused = verify(client, image_id, headers)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_a_model_of_the_same_weights_goes_by_its_name_here(client: TestClient, make: Make) -> None:
    image_id = make(WORDS, model={"name": "old-name", "hash": MODEL.hash})
    assert verify(client, image_id).json()["request"]["model"] == MODEL.name


def test_other_weights_of_the_same_name_are_tried(client: TestClient, make: Make) -> None:
    """What comes out tells that they are others."""
    image_id = make(WORDS, model={"name": MODEL.name, "hash": "f" * 64})
    assert verify(client, image_id).status_code == 202


@pytest.mark.parametrize(
    ("noted", "says"),
    [
        ({"model": {"name": "gone", "hash": "f" * 64}}, "model is not here: gone"),
        ({"request": {"kind": "txt2img", "prompt": "", "sampler": "of another time"}}, "another version"),
        ({"inputs": {"img_" + "a" * 26: "ab" * 32}}, "a picture that is gone"),
        ({"seed": 2**60}, "another version"),
        ({"request": {**WORDS, "width": 4096, "height": 4096}}, "at most 1048576 are allowed"),
        ({"request": {**WORDS, "width": 1024, "height": 1024, "steps": 1000, "feature_cache": 1, "count": 1,
                      "hires": {"steps": 1000, "strength": 1.0, "factor": 1.1}}}, "are allowed"),
        ({"request": {"kind": "grid", "base": WORDS, "x": {"field": "steps", "values": [2, 3]}}}, "one by one"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_again_says_why(client: TestClient, make: Make, noted: dict[str, Any], says: str) -> None:
    answer = verify(client, make(WORDS, **noted))
    assert answer.status_code == 409, answer.text
    assert says in answer.json()["detail"]


def test_what_was_not_made_here_cannot_be(
    client: TestClient, services: Services, make: Make, upload: Callable[[bytes], Any]
) -> None:
    assert verify(client, upload(png(noise(20, 30)))["id"]).status_code == 409
    gone = make(WORDS)
    image = services.store.image(gone)
    assert image is not None
    services.blobs.delete(image.sha256)
    assert verify(client, gone).status_code == 404
    assert verify(client, "img_" + "a" * 26).status_code == 404


def test_while_no_worker_has_told_of_a_model(client: TestClient, services: Services, make: Make) -> None:
    image_id = make(WORDS)
    services.store.redis.delete("darkroom:models")
    assert verify(client, image_id).status_code == 503


def test_anothers_picture_is_none(client: TestClient, services: Services, make: Make) -> None:
    _, alice = key_of(services, "alice")
    _, bob = key_of(services, "bob")
    _, reader = key_of(services, "carol", Scope.READ)
    image_id = make(WORDS, alice)
    assert verify(client, image_id, bob).status_code == 404
    assert verify(client, image_id, reader).status_code == 403
    assert verify(client, image_id, alice).status_code == 202


def test_inputs_are_looked_for_and_not_read(
    client: TestClient, services: Services, make: Make, upload: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = upload(png(noise(96, 128, 3)))
    image_id = make({"kind": "img2img", "prompt": "a cat", "image": given["id"], "steps": 4})
    read: list[str] = []
    monkeypatch.setattr(services.blobs, "get", read.append)
    assert verify(client, image_id).status_code == 202
    assert read == []

    def away(_: str) -> bool:
        raise OSError("away")

    monkeypatch.setattr(services.blobs, "has", away)
    assert verify(client, image_id).status_code == 503
