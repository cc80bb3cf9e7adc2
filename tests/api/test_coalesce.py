"""Who asks while a call runs is answered by the next one, together with all others who do."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.exceptions import ConnectionError as RedisAway

from api.coalesce import Coalesced


class Desk:
    """Answers how often it was asked before, and holds its first answer back until it may go. `asked`: all calls."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.begun, self.may_go = asyncio.Event(), asyncio.Event()

    async def __call__(self, keys: Sequence[str]) -> list[str]:
        self.asked.append(set(keys))
        number = len(self.asked)
        self.begun.set()
        await asyncio.wait_for(self.may_go.wait(), 30)
        if "bad" in keys:
            raise ValueError("bad")
        if "away" in keys:
            raise RedisAway("away")
        return [f"{key}{number}" for key in keys]


async def behind(desk: Desk, *keys: str) -> list[str | BaseException]:
    """The answers to one who asks for "first", and to those who ask while that is being answered."""
    ask = Coalesced(desk)
    tasks = [asyncio.create_task(ask("first"))]
    await asyncio.wait_for(desk.begun.wait(), 30)
    tasks += [asyncio.create_task(ask(key)) for key in keys]
    await asyncio.sleep(0)  # they ask
    desk.may_go.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_those_who_come_later_share_the_next_call() -> None:
    desk = Desk()
    assert asyncio.run(behind(desk, "a", "b", "a", "first")) == ["first1", "a2", "b2", "a2", "first2"]
    assert desk.asked == [{"first"}, {"a", "b", "first"}]


def test_a_fault_is_its_own() -> None:
    first, a, bad, b = asyncio.run(behind(Desk(), "a", "bad", "b"))
    assert (first, a, b) == ("first1", "a3", "b5")
    assert isinstance(bad, ValueError)


def test_redis_is_away_for_all() -> None:
    desk = Desk()
    first, *others = asyncio.run(behind(desk, "a", "away"))
    assert first == "first1"
    assert [type(error) for error in others] == [RedisAway, RedisAway]
    assert len(desk.asked) == 2


def test_who_leaves_takes_nobody_along() -> None:
    async def run() -> str:
        desk = Desk()
        ask = Coalesced(desk)
        leaves, stays = asyncio.create_task(ask("a")), asyncio.create_task(ask("a"))
        await asyncio.wait_for(desk.begun.wait(), 30)
        leaves.cancel()
        desk.may_go.set()
        with pytest.raises(asyncio.CancelledError):
            await leaves
        return await stays

    assert asyncio.run(run()) == "a1"
