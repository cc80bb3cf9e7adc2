"""Jobs over HTTP, with the test as the worker."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.deps import Services
from contract.errors import ErrorCode
from contract.hints import UNREAD
from contract.jobs import Image
from contract.store import Verdict
from tests.api.kit import MAX_QUEUE, Worker, noise, png

JOBS = "/api/v1/jobs"
PLAIN = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def submit(client: TestClient, **fields: Any) -> Any:
    answer = client.post(JOBS, json={**PLAIN, **fields})
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_submitted_job_is_told_with_everything_filled_in(client: TestClient, services: Services) -> None:
    answer = client.post(JOBS, json={"kind": "txt2img", "prompt": "a cat"})
    assert answer.status_code == 202
    job = answer.json()
    assert re.fullmatch(r"job_[a-z2-7]{26}", job["id"])
    assert answer.headers["location"] == f"{JOBS}/{job['id']}"
    assert (job["state"], job["owner"], job["attempts"], job["images"]) == ("queued", "local", 0, [])
    assert (job["started_at"], job["finished_at"], job["error"]) == (None, None, None)
    seed = job["request"].pop("seed")
    assert 0 <= seed < 2**32
    assert job["request"] == {
        "kind": "txt2img", "prompt": "a cat", "negative_prompt": "", "model": "mini", "width": 128, "height": 96,
        "steps": 20, "sampler": "dpmpp_2m", "schedule": "karras", "guidance": 7.5, "count": 1, "previews": True,
        "eta": None, "s_churn": None, "s_tmin": None, "s_tmax": None, "s_noise": None,
        "sigma_min": None, "sigma_max": None, "rho": None, "styles": [], "blend": [], "directions": [],
        "clip_skip": 0, "guidance_rescale": 0.0, "guidance_start": 0.0, "guidance_end": 1.0, "variation": None,
        "feature_cache": 1,
        "seed_size": None, "tiling": "none", "hires": None, "priority": "normal", "start_within": None,
        "finish_within": None, "metadata": True, "webhook": None,
    }  # fmt: skip
    assert job["progress"] == {
        "step": 0, "steps": 20, "fraction": 0.0, "position": 0, "starts_in_seconds": None, "eta_seconds": None,
        "preview_url": None,
    }  # fmt: skip
    assert services.store.redis.llen(UNREAD) == 1
    assert client.get(answer.headers["location"]).json() == {**job, "request": {**job["request"], "seed": seed}}


def test_seeds_are_drawn_anew_and_kept_when_given(client: TestClient) -> None:
    drawn = {submit(client)["request"]["seed"] for _ in range(5)}
    assert len(drawn) == 5
    assert submit(client, seed=0)["request"]["seed"] == 0
    assert submit(client, seed=2**53 - 101, count=100)["request"]["seed"] == 2**53 - 101


def test_steps_are_summed_over_pictures(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    image = upload(png(noise(64, 64, 3)))["id"]
    assert submit(client, count=3)["progress"]["steps"] == 12
    for strength, each in ((0.75, 15), (0.01, 1), (1.0, 20), (0.29, 5)):
        job = submit(client, kind="img2img", image=image, steps=20, strength=strength, count=2)
        assert job["progress"]["steps"] == 2 * each


def test_a_job_runs_to_its_end(client: TestClient, worker: Worker) -> None:
    url = f"{JOBS}/{submit(client, count=2)['id']}"
    claim = worker.claim(url.removeprefix(f"{JOBS}/"))
    worker.store.progress(claim, 3)
    running = client.get(url).json()
    assert (running["state"], running["attempts"]) == ("running", 1)
    assert (running["progress"]["step"], running["progress"]["fraction"]) == (3, 3 / 8)
    assert running["progress"]["position"] is None
    second, first = worker.picture(claim, 1), worker.picture(claim, 0)
    assert [image["id"] for image in client.get(url).json()["images"]] == [first, second]
    worker.store.finish(claim)
    done = client.get(url).json()
    assert (done["state"], done["progress"]["fraction"]) == ("succeeded", 1.0)
    assert done["created_at"] <= done["started_at"] <= done["finished_at"]
    assert set(done["images"][0]) == set(Image.model_fields)  # neither owner nor metadata
    assert client.get(done["images"][1]["url"]).content[:4] == b"\x89PNG"


def test_a_failed_job_tells_why(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)["id"]
    worker.store.fail(worker.claim(job_id), ErrorCode.NAN_IMAGE, "the latents are not finite")
    job = client.get(f"{JOBS}/{job_id}").json()
    assert (job["state"], job["error"]) == ("failed", {"code": "nan_image", "message": "the latents are not finite"})


def test_a_full_queue_answers_429(client: TestClient, services: Services) -> None:
    for _ in range(MAX_QUEUE):
        submit(client)
    answer = client.post(JOBS, json=PLAIN)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert f"{MAX_QUEUE} jobs are waiting" in answer.json()["detail"]
    assert services.store.counts() == (MAX_QUEUE, 0)


def test_without_a_model_a_job_is_refused_for_the_moment(client: TestClient, services: Services) -> None:
    services.store.redis.flushall()
    answer = client.post(JOBS, json=PLAIN)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "model" in answer.json()["detail"]


def test_a_queued_job_is_cancelled_at_once(client: TestClient) -> None:
    url = f"{JOBS}/{submit(client)['id']}"
    answer = client.post(f"{url}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
    again = client.post(f"{url}/cancel")
    assert again.status_code == 409
    assert "cancelled" in again.json()["detail"]


def test_a_running_job_learns_that_it_is_to_be_cancelled(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)["id"]
    claim = worker.claim(job_id)
    answer = client.post(f"{JOBS}/{job_id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert worker.store.progress(claim, 1) is Verdict.CANCEL
    worker.store.cancelled(claim)
    assert client.get(f"{JOBS}/{job_id}").json()["state"] == "cancelled"


def test_an_answer_that_is_known_is_not_sent_again(client: TestClient, worker: Worker) -> None:
    url = f"{JOBS}/{submit(client)['id']}"
    first = client.get(url)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).json() == first.json()
    worker.do(url.rpartition("/")[2])
    changed = client.get(url, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["state"]) == (200, "succeeded")
    assert changed.headers["etag"] != tag


def test_previews(client: TestClient, worker: Worker) -> None:
    job_id = submit(client, count=2)["id"]
    url = f"{JOBS}/{job_id}/preview"
    none = client.get(url)
    assert (none.status_code, none.content) == (204, b"")
    claim = worker.claim(job_id)
    worker.store.preview(claim, 0, b"\xff\xd8first")
    worker.store.preview(claim, 1, b"\xff\xd8second")
    assert client.get(f"{JOBS}/{job_id}").json()["progress"]["preview_url"] == url
    newest = client.get(url)
    assert (newest.status_code, newest.headers["content-type"], newest.content) == (
        200,
        "image/jpeg",
        b"\xff\xd8second",
    )
    assert newest.headers["cache-control"] == "no-store"
    assert client.get(url, params={"index": 0}).content == b"\xff\xd8first"
    assert client.get(url, params={"index": 2}).status_code == 204
    assert client.get(url, params={"index": -1}).status_code == 422
    assert client.get(f"{JOBS}/job_{'a' * 26}/preview").status_code == 404


def test_listing_gives_every_job_once_newest_first(client: TestClient) -> None:
    ids = [submit(client)["id"] for _ in range(7)]
    found: list[str] = []
    cursor = None
    for size in (3, 3, 1):
        page = client.get(JOBS, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        assert len(page["jobs"]) == size
        found += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
    assert found == ids[::-1]
    assert cursor is None


def test_listing_by_state_and_kind(client: TestClient, worker: Worker, upload: Callable[[bytes], Any]) -> None:
    done, waiting = submit(client)["id"], submit(client)["id"]
    worker.do(done)
    other = submit(client, kind="img2img", image=upload(png(noise(64, 64, 3)))["id"])["id"]

    def listed(**query: str) -> list[str]:
        return [job["id"] for job in client.get(JOBS, params=query).json()["jobs"]]

    assert listed(state="succeeded") == [done]
    assert listed(state="queued") == [other, waiting]
    assert listed(kind="img2img") == [other]
    assert listed(kind="img2img", state="failed") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=done", "state"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=!!", "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"nan").decode(), "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"12) 4").decode(), "cursor"),
        ("page=2", "page"),
    ],
)
def test_a_listing_that_cannot_be(client: TestClient, query: str, field: str) -> None:
    answer = client.get(f"{JOBS}?{query}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["query", field]]


def test_deleting_takes_record_and_pictures(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)["id"]
    image_id = worker.do(job_id)
    answer = client.delete(f"{JOBS}/{job_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{JOBS}/{job_id}").status_code == 404
    assert client.get(f"/api/v1/images/{image_id}").status_code == 404
    assert client.delete(f"{JOBS}/{job_id}").status_code == 404
    assert client.get(JOBS).json()["jobs"] == []


def test_deleting_a_running_job_cancels_it_first(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)["id"]
    claim = worker.claim(job_id)
    assert client.delete(f"{JOBS}/{job_id}").status_code == 204
    assert client.get(f"{JOBS}/{job_id}").status_code == 404
    assert worker.store.progress(claim, 1) is Verdict.CANCEL


@pytest.mark.parametrize("call", ["GET {}", "GET {}/preview", "POST {}/cancel", "DELETE {}"])
@pytest.mark.parametrize("job_id", ["job_" + "a" * 26, "job_1", "7", "job_" + "A" * 26, "..%2f..%2fetc", "%00"])
def test_unknown_ids_are_404(client: TestClient, call: str, job_id: str) -> None:
    method, url = call.split()
    answer = client.request(method, f"{JOBS}/{url.format(job_id)}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
