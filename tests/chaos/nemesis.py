"""What goes wrong: processes killed, stopped and replaced, connections cut, memory and disk full.

Each is a fault in the history. How long it takes until the jobs of a killed worker run again is measured from outside.
"""

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import psutil
from redis.exceptions import RedisError

from contract import keys
from tests.chaos.history import History, Seen
from tests.chaos.stack import Stack, eventually

PATIENCE = 60.0  # seconds a recovery is waited for


class Nemesis:
    """Faults for one stack."""

    def __init__(self, stack: Stack, history: History, rng: random.Random) -> None:
        self._stack, self._history, self._rng = stack, history, rng
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    # --- in time ----------------------------------------------------------------------------------

    def every(self, least: float, most: float, act: Callable[[], None]) -> None:
        """Do it again and again, at random intervals of so many seconds, until `stop`."""
        pauses = random.Random(self._rng.random())

        def repeat() -> None:
            while not self._over.wait(pauses.uniform(least, most)):
                act()

        self._begin(repeat)

    def stop(self) -> None:
        """No more faults; what was begun is ended."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE + 10)

    def _begin(self, act: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=act, daemon=True))
        self._threads[-1].start()

    def note(self, what: str, seconds: float = 0.0) -> None:
        """A fault that the scenario itself sees to."""
        self._fault(what, seconds)

    def _fault(self, what: str, seconds: float = 0.0) -> None:
        self._history.add(Seen("fault", key=what, seconds=seconds))

    # --- workers ----------------------------------------------------------------------------------

    def held(self) -> dict[str, dict[str, str]]:
        """Worker → its running jobs: id → token. Empty while Redis is away."""
        found: dict[str, dict[str, str]] = {}
        with suppress(RedisError):
            client = self._stack.store.redis
            for job in cast("list[str]", client.zrange(keys.LEASES, 0, -1)):
                worker, token = cast("list[str | None]", client.hmget(keys.job(job), ["worker", "token"]))
                if worker and token:
                    found.setdefault(worker, {})[job] = token
        return found

    def kill_worker(self) -> None:
        """SIGKILL for a worker that has a job; waits until there is one.

        And until all are warm again: a slow machine is to make a scenario longer, not harder.
        """
        while not (held := self.held()) or not self._all_warm():
            if self._over.wait(0.05):
                return
        name = self._rng.choice(sorted(held))
        if self._stack.signal(name, signal.SIGKILL):
            self._fault("kill worker")
            began = time.monotonic()
            self._begin(lambda: self._watch(held[name], began))

    def _all_warm(self) -> bool:
        with suppress(RedisError):
            return self._stack.warm() == len(self._stack.names("worker"))
        return False

    def _watch(self, jobs: dict[str, str], began: float) -> None:
        """Note for each job when it runs again, or has ended."""
        waiting, deadline = dict(jobs), began + PATIENCE
        while waiting and time.monotonic() < deadline:
            with suppress(RedisError):
                for job, token in list(waiting.items()):
                    state, now = cast(
                        "list[str | None]", self._stack.store.redis.hmget(keys.job(job), ["state", "token"])
                    )
                    if now == token and state != "running":
                        del waiting[job]  # it had ended just before the kill
                    elif state != "queued" and now != token:
                        del waiting[job]
                        self._history.add(Seen("recovered", job=job, seconds=time.monotonic() - began))
            time.sleep(0.02)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so long."""
        self._stack.signal(name, signal.SIGSTOP)
        self._fault(f"freeze {name.partition('-')[0]}", seconds)
        time.sleep(seconds)
        self._stack.signal(name, signal.SIGCONT)

    def replace(self, name: str, ready: Callable[[], object]) -> float:
        """SIGTERM, as a deploy does it, and wait for the end and for its successor. Seconds until the end."""
        began, pid = time.monotonic(), self._stack.signal(name, signal.SIGTERM)
        self._fault(f"replace {name.partition('-')[0]}")
        eventually(lambda: not psutil.pid_exists(pid) or self._stack.keeper.children[name].group != pid)
        ended = time.monotonic() - began
        eventually(ready, seconds=120)
        return ended

    # --- Redis ------------------------------------------------------------------------------------

    def kill_redis(self) -> None:
        """SIGKILL; one that is not up again yet is left alone."""
        if self._answers() and self._stack.signal("redis", signal.SIGKILL):
            self._fault("kill redis")

    def _answers(self) -> bool:
        with suppress(RedisError):
            return bool(self._stack.store.redis.ping())
        return False

    def kill_clients(self) -> None:
        """Cut every ordinary connection."""
        with suppress(RedisError):
            self._stack.store.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
            self._fault("CLIENT KILL")

    def pause_clients(self, seconds: float) -> None:
        with suppress(RedisError):
            self._stack.store.redis.execute_command("CLIENT", "PAUSE", int(seconds * 1000), "ALL")  # type: ignore[no-untyped-call]
            self._fault("CLIENT PAUSE", seconds)

    def half_open(self, seconds: float) -> None:
        """No byte passes between the processes and Redis, and what was connected never learns that it is no more."""
        self._fault("half-open", seconds)
        self._stack.proxy.silence(seconds)

    def fill_memory(self) -> Callable[[], None]:
        """Leave Redis no memory; what is returned gives it back."""
        client = self._stack.store.redis
        before = client.config_get("maxmemory")["maxmemory"] or 0
        client.config_set("maxmemory", 1)
        self._fault("maxmemory")
        return lambda: cast("None", client.config_set("maxmemory", before))

    # --- disk -------------------------------------------------------------------------------------

    def fill_disk(self, name: str, most: int = 16) -> Callable[[], None]:
        """Let a process write no file longer than so many bytes (EFBIG), as on a full disk; returned: the end of it.

        Python goes on with an error; Redis, which leaves SIGXFSZ as it is, dies of its next write, and starts anew.
        """
        process = psutil.Process(self._stack.keeper.children[name].group)
        before = process.rlimit(psutil.RLIMIT_FSIZE)
        process.rlimit(psutil.RLIMIT_FSIZE, (most, before[1]))
        self._fault(f"disk full for {name.partition('-')[0]}")

        def lift() -> None:
            with suppress(psutil.NoSuchProcess):
                process.rlimit(psutil.RLIMIT_FSIZE, before)

        return lift
