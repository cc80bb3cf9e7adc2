"""Two owners: whatever one calls with the ids of the other is answered 404; an admin sees all."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.deps import Services
from contract.access import Scope
from tests.api.kit import Worker, key_of, noise, png

JOB = {"kind": "txt2img", "prompt": "alice's secret", "steps": 4}
PATCHES = {"jobs": {"priority": "low"}, "images": {"favourite": True}}
BODIES = {"move": {"to": "first"}}  # what a route must get before it looks at the id
PNG = {"Content-Type": "image/png"}


class Estate:
    """What alice has: a job that runs and shows a preview, its first picture, a job that is over, an upload."""

    def __init__(self, client: TestClient, services: Services, worker: Worker) -> None:
        self.client = client
        self.owner, self.alice = key_of(services, "alice")
        _, self.bob = key_of(services, "bob")
        _, self.admin = key_of(services, "root", Scope.ADMIN)
        self.over, self.running = (client.post("/api/v1/jobs", json=JOB, headers=self.alice).json()["id"] for _ in "ab")
        self.picture = worker.do(self.over)
        claim = worker.claim(self.running)
        preview = io.BytesIO()
        Image.new("RGB", (8, 8)).save(preview, "JPEG")
        services.store.preview(claim, 0, preview.getvalue())
        self.upload = self.send(self.alice)

    def send(self, headers: dict[str, str]) -> str:
        answer = self.client.post("/api/v1/images", content=png(noise(20, 30)), headers={**headers, **PNG})
        assert answer.status_code == 201
        return str(answer.json()["id"])

    def calls(self) -> Iterator[tuple[str, str]]:
        """Every described route about a job or a picture, with each of alice's."""
        for path, methods in self.client.get("/openapi.json").json()["paths"].items():
            for method in methods:
                for job in (self.over, self.running):
                    if "{job_id}" in path:
                        yield method.upper(), path.replace("{job_id}", job)
                for image in (self.picture, self.upload):
                    if "{image_id}" in path:
                        yield method.upper(), path.replace("{image_id}", image)


@pytest.fixture
def estate(client: TestClient, services: Services, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> Estate:
    monkeypatch.setattr(client._transport, "client", ("203.0.113.9", 1234))
    return Estate(client, services, worker)


def test_every_route_of_one_with_the_ids_of_the_other(estate: Estate) -> None:
    calls = list(estate.calls())
    assert len(calls) >= 28
    for method, path in calls:
        needs_admin = "/dead-letters" in path
        body = PATCHES[path.split("/")[3]] if method == "PATCH" else BODIES.get(path.rpartition("/")[2])
        answer = estate.client.request(method, path, headers=estate.bob, json=body)
        assert answer.status_code == (403 if needs_admin else 404), (method, path)
        assert "secret" not in answer.text
    # and nothing of it has happened: all is there as it was
    for method, path in calls:
        if method == "GET" and path != f"/api/v1/jobs/{estate.running}/events":  # which ends with the job
            for headers in (estate.alice, estate.admin):
                assert estate.client.get(path, headers=headers).status_code in (200, 204), path
    assert estate.client.get(f"/api/v1/jobs/{estate.running}", headers=estate.alice).json()["state"] == "running"


def test_the_unknown_and_the_foreign_are_answered_alike(estate: Estate) -> None:
    for kind, known in (("jobs", estate.over), ("images", estate.upload)):
        unknown = known[:4] + "a" * 26
        answers = [estate.client.get(f"/api/v1/{kind}/{each}", headers=estate.bob) for each in (known, unknown)]
        told = [{**answer.json(), "instance": ""} for answer in answers]
        assert told[0] == told[1]
        assert answers[0].headers.keys() == answers[1].headers.keys()


def test_lists_show_ones_own_and_an_admin_all(estate: Estate) -> None:
    def ids(headers: dict[str, str], query: str = "") -> list[str]:
        page = estate.client.get(f"/api/v1/jobs{query}", headers=headers).json()
        return [job["id"] for job in page["jobs"]]

    mine = estate.client.post("/api/v1/jobs", json=JOB, headers=estate.bob).json()["id"]
    assert ids(estate.alice) == [estate.running, estate.over]
    assert ids(estate.bob) == [mine]
    assert ids(estate.admin) == [mine, estate.running, estate.over]
    cursor = estate.client.get("/api/v1/jobs?limit=1", headers=estate.alice).json()["next_cursor"]
    assert ids(estate.bob, f"?cursor={cursor}") == []
    assert ids(estate.bob, "?state=running") == []


def test_anothers_picture_is_no_input_and_the_same_bytes_are_two_pictures(estate: Estate) -> None:
    asked = {"kind": "img2img", "prompt": "x", "image": estate.upload, "steps": 4}
    assert estate.client.post("/api/v1/jobs", json=asked, headers=estate.alice).status_code == 202
    refused = estate.client.post("/api/v1/jobs", json=asked, headers=estate.bob)
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["body", "image"])
    own = estate.send(estate.bob)
    assert own != estate.upload
    assert estate.client.delete(f"/api/v1/images/{own}", headers=estate.bob).status_code == 204
    left = estate.client.get(f"/api/v1/images/{estate.upload}", headers=estate.alice)
    assert np.asarray(Image.open(io.BytesIO(left.content))).shape == (20, 30)


def test_idempotency_keys_are_each_owners_own(estate: Estate) -> None:
    def send(headers: dict[str, str]) -> str:
        answer = estate.client.post("/api/v1/jobs", json=JOB, headers={**headers, "Idempotency-Key": "k"})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    hers, his = send(estate.alice), send(estate.bob)
    assert hers != his
    assert (send(estate.alice), send(estate.bob)) == (hers, his)


def test_owners_take_turns_whoever_came_first(estate: Estate, services: Services) -> None:
    ids = [
        estate.client.post("/api/v1/jobs", json=JOB, headers=headers).json()["id"]
        for headers in (estate.alice, estate.alice, estate.bob, estate.bob)
    ]
    claims = [services.store.claim("w1", 600) for _ in ids]
    first, *both, last = [claim.job_id for claim in claims if claim]
    # alice was served two jobs before bob came, and he begins where she began her second
    assert (first, set(both), last) == (ids[2], {ids[0], ids[3]}, ids[1])


def test_an_admin_may_end_and_delete_what_others_made(estate: Estate) -> None:
    again = estate.client.post(f"/api/v1/jobs/{estate.running}/pause", headers=estate.admin)
    assert (again.status_code, again.json()["owner"]) == (202, estate.owner)
    assert estate.client.post(f"/api/v1/jobs/{estate.running}/cancel", headers=estate.admin).status_code == 202
    assert estate.client.delete(f"/api/v1/images/{estate.upload}", headers=estate.admin).status_code == 204
    assert estate.client.delete(f"/api/v1/jobs/{estate.over}", headers=estate.admin).status_code == 204
    assert estate.client.get(f"/api/v1/jobs/{estate.over}", headers=estate.alice).status_code == 404
