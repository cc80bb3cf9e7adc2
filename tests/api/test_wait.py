"""`?wait=`: answers as soon as the job changed, and holds no thread.

Upper bounds on seconds only tell "woken" from "held to the end", which takes 20; the machine may be busy.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api import changes
from api.deps import Services
from api.main import create_app
from tests.api.kit import Worker, announce
from tests.conftest import RedisServer, plain_settings

JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def subscriptions(services: Services, channel: str = "darkroom:changed") -> int:
    (answer,) = services.store.redis.pubsub_numsub(channel)
    return int(answer[1])


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client,
    ):
        while subscriptions(app.state.services) == 0:
            await asyncio.sleep(0.01)
        yield client


async def submit(client: httpx2.AsyncClient) -> str:
    job_id: str = (await client.post("/api/v1/jobs", json=JOB)).json()["id"]
    return job_id


async def timed(call: Awaitable[httpx2.Response]) -> tuple[Any, float]:
    begun = time.perf_counter()
    answer = await call
    assert answer.status_code == 200, answer.text
    return answer.json(), time.perf_counter() - begun


@pytest.fixture
def app(redis_server: RedisServer, tmp_path: Path) -> FastAPI:
    """An app for this test's own event loop, on a Redis to which nobody else subscribes, with the model announced."""
    made = create_app(plain_settings(data=tmp_path, redis_url=redis_server.url))
    announce(made.state.services.store)
    return made


@pytest.fixture
def services(app: FastAPI) -> Services:
    found: Services = app.state.services
    return found


@pytest.fixture
def slow_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a message can wake who waits."""
    monkeypatch.setattr(changes, "RECHECK_SECONDS", 60.0)


@pytest.mark.usefixtures("slow_recheck")
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda worker, claim: worker.store.progress(claim, 2), ("running", 2)),
        (lambda worker, claim: worker.store.finish(claim), ("succeeded", 4)),
    ],
)
def test_a_change_wakes_who_waits(
    app: FastAPI, worker: Worker, change: Callable[[Worker, Any], Any], seen: tuple[str, int]
) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            claim = worker.claim(job_id)
            waiting = asyncio.create_task(timed(client.get(f"/api/v1/jobs/{job_id}?wait=20")))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            change(worker, claim)
            job, seconds = await waiting
            assert (job["state"], job["progress"]["step"]) == seen
            assert 0.3 <= seconds < 10

    asyncio.run(scenario())


def test_without_a_change_it_answers_when_the_time_is_over(app: FastAPI) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            job, seconds = await timed(client.get(f"/api/v1/jobs/{job_id}?wait=0.5"))
            assert job["state"] == "queued"
            assert 0.5 <= seconds < 10

    asyncio.run(scenario())


def test_a_finished_job_is_not_waited_for(app: FastAPI, worker: Worker) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            worker.do(job_id)
            _, seconds = await timed(client.get(f"/api/v1/jobs/{job_id}?wait=30"))
            assert seconds < 10

    asyncio.run(scenario())


def test_a_job_deleted_meanwhile_is_404(app: FastAPI, services: Services) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            waiting = asyncio.create_task(client.get(f"/api/v1/jobs/{job_id}?wait=20"))
            await asyncio.sleep(0.2)
            services.store.delete_job(job_id)
            assert (await waiting).status_code == 404

    asyncio.run(scenario())


@pytest.mark.usefixtures("slow_recheck")
def test_a_hundred_may_wait_and_the_rest_is_served(app: FastAPI, worker: Worker) -> None:
    """More than there are threads, and all are woken by one change."""

    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            url = f"/api/v1/jobs/{job_id}"
            waiting = [asyncio.create_task(timed(client.get(f"{url}?wait=20"))) for _ in range(100)]
            await asyncio.sleep(0.5)
            _, seconds = await timed(client.get(url))
            assert seconds < 10
            assert not any(task.done() for task in waiting)
            worker.claim(job_id)
            assert {job["state"] for job, _ in await asyncio.gather(*waiting)} == {"running"}

    asyncio.run(scenario())


def test_a_lost_subscription_is_made_again(
    app: FastAPI, services: Services, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "RECHECK_SECONDS", 0.2)  # also the time before it subscribes again

    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            services.store.redis.client_kill_filter(_type="pubsub")
            while subscriptions(services) == 0:
                await asyncio.sleep(0.05)
            monkeypatch.setattr(changes, "RECHECK_SECONDS", 60.0)
            waiting = asyncio.create_task(timed(client.get(f"/api/v1/jobs/{job_id}?wait=20")))
            await asyncio.sleep(0.2)
            worker.claim(job_id)
            job, seconds = await waiting
            assert job["state"] == "running"
            assert seconds < 10

    asyncio.run(scenario())


def test_a_lost_message_is_made_up_for(app: FastAPI, services: Services) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            waiting = asyncio.create_task(timed(client.get(f"/api/v1/jobs/{job_id}?wait=20")))
            await asyncio.sleep(0.2)
            services.store.redis.hset(f"darkroom:job:{job_id}", "step", "1")  # and nobody is told
            job, seconds = await waiting
            assert job["progress"]["step"] == 1
            assert seconds < 10

    asyncio.run(scenario())


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "x"])
def test_times_that_cannot_be_waited(app: FastAPI, wait: str) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            answer = await client.get(f"/api/v1/jobs/{await submit(client)}?wait={wait}")
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["loc"] == ["query", "wait"]

    asyncio.run(scenario())


def test_one_subscription_serves_all_who_wait_for_a_job(app: FastAPI, services: Services) -> None:
    async def scenario() -> None:
        async with running(app) as client:
            job_id = await submit(client)
            channel = f"darkroom:changed:{job_id}"
            assert subscriptions(services, channel) == 0
            waiting = [asyncio.create_task(client.get(f"/api/v1/jobs/{job_id}?wait=4")) for _ in range(20)]
            while not subscriptions(services, channel):
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)  # for the other nineteen
            assert subscriptions(services, channel) == 1
            await asyncio.gather(*waiting)
            while subscriptions(services, channel):  # nobody waits for it any more
                await asyncio.sleep(0.05)
            assert subscriptions(services) == 1

    asyncio.run(scenario())
