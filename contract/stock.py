"""What the ledger holds and what has happened in it: the numbers behind /metrics."""

from dataclasses import dataclass
from typing import cast

from contract import keys
from contract.estimates import Accuracy, accuracy
from contract.hints import UNREAD
from contract.store import JobStore

_STANDS = ("queued", "paused", "running")


@dataclass(frozen=True)
class Stock:
    """What the ledger holds, and what has happened since Redis was empty.

    jobs, oldest: by queued, paused, running; seconds since the oldest came, or was begun. hints: unread. told,
    told_error, told_wait: jobs whose start was told, the seconds it was wrong by, and those they waited, in all.
    """

    jobs: dict[str, int]
    oldest: dict[str, float]
    hints: int
    counters: dict[str, int]
    told: int
    told_error: float
    told_wait: float


def take_stock(store: JobStore) -> Stock:
    """Look at all of it; two round trips."""
    *found, unread = store.run("stock", UNREAD)
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(keys.COUNTERS)
        pipe.hgetall(keys.ESTIMATES)
        counters, estimates = pipe.execute()
    told = {name: float(estimates.get(name, 0)) for name in ("count", "error_ms", "wait_ms")}
    return Stock(
        jobs={state: int(number) for state, number in zip(_STANDS, found[:3], strict=True)},
        oldest={state: float(age) for state, age in zip(_STANDS, found[3:], strict=True)},
        hints=int(unread),
        counters={name: int(number) for name, number in counters.items()},
        told=int(told["count"]),
        told_error=told["error_ms"] / 1000,
        told_wait=told["wait_ms"] / 1000,
    )


def told_ends(store: JobStore) -> Accuracy:
    """How well the ends of the last jobs were told."""
    kept = cast("list[str]", store.redis.lrange(keys.FORETOLD, 0, -1))
    return accuracy((float(told), float(took)) for told, _, took in (each.partition(" ") for each in kept))
