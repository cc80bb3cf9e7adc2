"""Dead letters over HTTP: looked at, replayed and purged."""

import signal
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.deps import Services
from contract.access import Scope
from contract.deaths import death
from tests.api.kit import MAX_QUEUE, key_of
from tests.contract.ledger import REQUEST, claim, submit

LETTERS = "/api/v1/dead-letters"


@pytest.fixture
def dead(services: Services) -> list[str]:
    """Three jobs that crashed their worker, oldest first."""
    ids = []
    for _ in range(3):
        ids.append(submit(services.store))
        for _ in range(3):
            claim(services.store, ids[-1], worker="dies")
            services.store.bury("dies", 9, death(-signal.SIGSEGV))
    return ids


def listed(client: TestClient, **query: Any) -> Any:
    answer = client.get(LETTERS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_letter_tells_what_died_and_how(client: TestClient, dead: list[str]) -> None:
    page = listed(client)
    assert [letter["id"] for letter in page["dead_letters"]] == dead[::-1]
    assert page["next_cursor"] is None
    letter = page["dead_letters"][0]
    assert letter["request"] == REQUEST.model_dump(mode="json")
    assert (letter["kind"], letter["owner"], letter["reason"]) == ("txt2img", "local", "SIGSEGV")
    assert (letter["strikes"], letter["attempts"]) == (2, 3)
    assert letter["died_at"].endswith("Z")
    job = client.get(f"/api/v1/jobs/{dead[0]}").json()
    assert (job["state"], job["error"]["code"]) == ("failed", "worker_crashed")
    assert "SIGSEGV" in job["error"]["message"]


def test_pages_join(client: TestClient, dead: list[str]) -> None:
    first = listed(client, limit=2)
    second = listed(client, limit=2, cursor=first["next_cursor"])
    assert [letter["id"] for page in (first, second) for letter in page["dead_letters"]] == dead[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "%%"}, {"cursor": "bmFu"}, {"sort": "x"}])
def test_what_cannot_be_listed_is_a_problem(client: TestClient, query: dict[str, Any]) -> None:
    answer = client.get(LETTERS, params=query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["loc"] == ["query", next(iter(query))]


def test_replay_answers_with_a_new_job_and_takes_the_letter_off(client: TestClient, dead: list[str]) -> None:
    answer = client.post(f"{LETTERS}/{dead[1]}/replay")
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["id"] not in dead
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    assert (job["state"], job["attempts"], job["request"]) == ("queued", 0, REQUEST.model_dump(mode="json"))
    assert [letter["id"] for letter in listed(client)["dead_letters"]] == [dead[2], dead[0]]
    assert client.get(f"/api/v1/jobs/{dead[1]}").json()["state"] == "failed"
    assert client.post(f"{LETTERS}/{dead[1]}/replay").status_code == 404


def test_a_full_queue_takes_no_replay(client: TestClient, services: Services, dead: list[str]) -> None:
    for _ in range(MAX_QUEUE):
        submit(services.store)
    answer = client.post(f"{LETTERS}/{dead[0]}/replay")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert len(listed(client)["dead_letters"]) == 3


def test_purging_one_and_all_keeps_the_jobs(client: TestClient, dead: list[str]) -> None:
    assert client.delete(f"{LETTERS}/{dead[0]}").status_code == 204
    assert client.delete(f"{LETTERS}/{dead[0]}").status_code == 404
    assert [letter["id"] for letter in listed(client)["dead_letters"]] == [dead[2], dead[1]]
    assert client.delete(LETTERS).status_code == 204
    assert client.delete(LETTERS).status_code == 204
    assert listed(client)["dead_letters"] == []
    assert {client.get(f"/api/v1/jobs/{job_id}").json()["state"] for job_id in dead} == {"failed"}


def test_they_are_an_admins_whoever_the_job_belonged_to(
    client: TestClient, services: Services, dead: list[str]
) -> None:
    owner, alice = key_of(services, "alice")
    _, admin = key_of(services, "root", Scope.ADMIN)
    services.store.redis.hset(f"darkroom:letter:{dead[0]}", "owner", owner)
    assert services.store.retire(0) == 3  # the jobs themselves are forgotten
    calls = ("GET", ""), ("DELETE", ""), ("DELETE", f"/{dead[0]}"), ("POST", f"/{dead[0]}/replay")
    for method, path in calls:
        assert client.request(method, LETTERS + path, headers=alice).status_code == 403, (method, path)
    page = client.get(LETTERS, headers=admin).json()
    assert [letter["id"] for letter in page["dead_letters"]] == dead[::-1]
    job = client.post(f"{LETTERS}/{dead[0]}/replay", headers=admin).json()
    assert job["owner"] == owner
    assert client.get(f"/api/v1/jobs/{job['id']}", headers=alice).status_code == 200
    assert client.delete(LETTERS, headers=admin).status_code == 204
    assert client.get(LETTERS, headers=admin).json()["dead_letters"] == []
