"""The event loop's own way to Redis: what it asks, and what it makes of a Redis that is new, away or dumb."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as NoAnswer

from api import wire
from api.wire import Wire
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.conftest import RedisServer, plain_settings
from tests.contract.ledger import submit

Scenario = Callable[[Wire, JobStore], Awaitable[Any]]


def run(settings: Settings, scenario: Scenario) -> Any:
    """A scenario on a loop and a wire of its own."""

    async def around() -> Any:
        store = JobStore(connect(settings))
        asked = Wire(settings, store.scripts)
        try:
            return await scenario(asked, store)
        finally:
            await asked.close()
            store.redis.close()

    return asyncio.run(around())


@pytest.fixture
def own(redis_server: RedisServer, tmp_path: Any) -> Settings:
    return plain_settings(data=tmp_path, redis_url=redis_server.url)


def test_it_finds_jobs_in_the_order_asked_for(settings: Settings) -> None:
    async def scenario(asked: Wire, store: JobStore) -> None:
        ids = [submit(store, max_queue=200) for _ in range(130)]
        found = await asked.find([ids[129], "job_none", *ids[:120]])
        assert [job and job.id for job in found] == [ids[129], None, *ids[:120]]
        assert found[0] == store.get(ids[129])
        assert await asked.find([]) == []

    run(settings, scenario)


def test_answers_go_to_those_who_asked(settings: Settings) -> None:
    async def scenario(asked: Wire, store: JobStore) -> None:
        ids = [submit(store) for _ in range(8)]
        found = await asyncio.gather(*(asked.find([job_id]) for job_id in ids))
        assert [[job and job.id for job in jobs] for jobs in found] == [[job_id] for job_id in ids]

    run(settings, scenario)


def test_a_redis_that_was_started_anew_is_told_the_script(own: Settings, redis_server: RedisServer) -> None:
    async def scenario(asked: Wire, store: JobStore) -> list[Any]:
        assert await asked.run("door", "", "") == [0, [["", ""]]]
        redis_server.stop()
        redis_server.start()
        return [await asked.run("door", "", ""), await asked.find(["job_none"])]

    assert run(own, scenario) == [[0, [["", ""]]], [None]]


def test_a_redis_that_is_away_is_told_within_seconds(own: Settings, redis_server: RedisServer) -> None:
    async def scenario(asked: Wire, store: JobStore) -> None:
        redis_server.stop()
        begun = time.monotonic()
        with pytest.raises(RedisAway):
            await asked.find(["job_none"])
        assert time.monotonic() - begun > 0.5  # it was tried again
        redis_server.start()
        assert await asked.find(["job_none"]) == [None]

    run(own, scenario)


def test_a_redis_that_says_nothing_is_given_up(
    own: Settings, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an answer that comes later is not taken for that to the next question."""
    monkeypatch.setattr(wire, "PATIENCE", 0.1)

    async def scenario(asked: Wire, store: JobStore) -> None:
        job_id = submit(store)
        assert redis_server._process is not None
        redis_server._process.send_signal(signal.SIGSTOP)
        with pytest.raises(NoAnswer):
            await asked.run("door", "", "")
        redis_server._process.send_signal(signal.SIGCONT)
        monkeypatch.setattr(wire, "PATIENCE", 30)
        (job,) = await asked.find([job_id])
        assert job is not None
        assert job.id == job_id

    run(own, scenario)


def test_who_gives_up_leaves_no_answer_behind(settings: Settings) -> None:
    async def scenario(asked: Wire, store: JobStore) -> None:
        job_id = submit(store)
        for turns in range(6):
            gone = asyncio.create_task(asked.run("door", "", ""))
            for _ in range(turns):
                await asyncio.sleep(0)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            (job,) = await asked.find([job_id])
            assert job is not None

    run(settings, scenario)
