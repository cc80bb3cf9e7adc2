"""The queue over HTTP: its jobs in order, what workers tell, how well ends are told, clearing."""

import time

from fastapi.testclient import TestClient

from api.deps import Services
from contract.access import Scope
from contract.jobs import MemoryUse
from contract.steering import Steering
from tests.api.kit import Worker, announce, key_of

JOBS = "/api/v1/jobs"
JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def submit(client: TestClient, headers: dict[str, str] | None = None) -> str:
    answer = client.post(JOBS, json=JOB, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_what_runs_and_waits_in_order(client: TestClient, services: Services, worker: Worker) -> None:
    ids = [submit(client) for _ in range(4)]
    worker.claim(ids[0])
    Steering(services.store).pause(ids[1])
    client.post(f"{JOBS}/{ids[3]}/move", json={"to": "first"})
    answer = client.get(f"{JOBS}/active").json()
    assert [job["id"] for job in answer["jobs"]] == [ids[0], ids[3], ids[2], ids[1]]
    assert answer["total"] == 4
    assert [job["worker"] for job in answer["jobs"]] == ["w1", None, None, None]
    assert len(client.get(f"{JOBS}/active?limit=2").json()["jobs"]) == 2
    for wrong in ("limit=0", "limit=101", "state=queued"):
        refused = client.get(f"{JOBS}/active?{wrong}")
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")


def test_only_what_is_over_is_listed_as_ended(client: TestClient, worker: Worker) -> None:
    done, running, waiting = (submit(client) for _ in range(3))
    worker.do(done)
    worker.claim(running)
    client.post(f"{JOBS}/{waiting}/cancel")
    listed = client.get(f"{JOBS}?ended=true").json()
    assert [job["id"] for job in listed["jobs"]] == [waiting, done]
    first = client.get(f"{JOBS}?ended=true&limit=1").json()
    rest = client.get(f"{JOBS}?ended=true&cursor={first['next_cursor']}").json()
    assert [job["id"] for job in rest["jobs"]] == [done]


def test_each_clears_and_sees_ones_own_and_an_admin_sees_all(client: TestClient, services: Services) -> None:
    _, alice = key_of(services, "alice")
    _, bob = key_of(services, "bob")
    _, admin = key_of(services, "root", Scope.ADMIN)
    hers, his = [submit(client, alice) for _ in range(2)], submit(client, bob)

    def active(headers: dict[str, str]) -> set[str]:
        return {job["id"] for job in client.get(f"{JOBS}/active", headers=headers).json()["jobs"]}

    assert (active(alice), active(bob), active(admin)) == ({*hers}, {his}, {*hers, his})
    assert client.post(f"{JOBS}/clear", headers=admin).json() == {"cancelled": 0}
    assert client.post(f"{JOBS}/clear", headers=alice).json() == {"cancelled": 2}
    assert active(admin) == {his}


def test_the_queue_tells_of_workers_and_estimates(client: TestClient, services: Services, worker: Worker) -> None:
    announce(services.store, memory=MemoryUse(used=3, total=4), rows=12)
    queue = client.get("/api/v1/queue").json()
    assert queue["estimates"] == {"jobs": 0, "half_within": None, "most_within": None}
    (told,) = queue["workers"]
    assert (told["memory"], told["rows"]) == ({"used": 3, "total": 4}, 12)
    job_id = submit(client)
    services.store.told(job_id, 1, 2000)
    worker.do(job_id)
    estimates = client.get("/api/v1/queue").json()["estimates"]
    assert estimates["jobs"] == 1
    assert 0.9 < estimates["half_within"] <= 1


def test_a_client_that_was_told_an_end_is_counted_when_it_comes(client: TestClient, worker: Worker) -> None:
    """Told with the answer to the submission, once the worker's pace is known."""
    claim = worker.claim(submit(client))
    time.sleep(0.3)  # what a step takes it
    worker.store.progress(claim, 1)
    waiting = [client.post(JOBS, json=JOB).json() for _ in range(2)]
    assert all(job["progress"]["eta_seconds"] > job["progress"]["starts_in_seconds"] > 0 for job in waiting)
    worker.picture(claim)
    worker.store.finish(claim)
    for job in waiting:
        worker.do(job["id"])
    assert client.get("/api/v1/queue").json()["estimates"]["jobs"] == 2
