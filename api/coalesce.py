"""What many ask at the same time is asked once: the more requests there are, the less each of them costs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from redis.exceptions import RedisError

K = TypeVar("K")
V = TypeVar("V")


class Coalesced(Generic[K, V]):
    """One call for all who ask while the last one runs; who asks for the same thing shares the answer.

    ask: what is asked for → the answers, in that order. Nothing is kept: a call begins after whoever it answers has
    asked, so an answer is never older than its question. What one call raises is raised for all it was for; but what
    is not Redis' fault is somebody's own, so then each is asked for alone.
    """

    def __init__(self, ask: Callable[[Sequence[K]], Awaitable[Sequence[V]]]) -> None:
        self._ask = ask
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, key: K) -> V:
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key]
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(answer)  # whoever leaves takes nobody's answer along

    async def _work(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer(asked)
        finally:
            self._task = None

    async def _answer(self, asked: dict[K, asyncio.Future[V]]) -> None:
        try:
            found = await self._ask(list(asked))
        except Exception as error:
            if len(asked) > 1 and not isinstance(error, RedisError):
                for key, answer in asked.items():
                    await self._answer({key: answer})
                return
            for answer in asked.values():
                answer.set_exception(error)
        else:
            for answer, each in zip(asked.values(), found, strict=True):
                answer.set_result(each)
