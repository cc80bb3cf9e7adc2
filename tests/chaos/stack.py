"""A whole Darkroom of real processes for the nemesis: Redis, api processes, paced workers, each kept alive.

The processes are the supervisor's own (`cli.child`, `cli.services`, `cli.redis_server`). Only its patience is another:
a scenario kills more in a minute than `darkroom up` would put up with, so `Keeper` never gives up and hardly waits.
"""

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from cli import child, services
from cli.child import Child, Service
from cli.guard import Guard
from cli.redis_server import redis_server, socket_path
from cli.up import attended
from contract.settings import ROOT, Settings
from contract.store import JobStore, connect
from tests.chaos.proxy import Proxy
from tests.conftest import plain_settings
from tests.e2e.stack import free_port

T = TypeVar("T")
PAUSE = 0.2  # seconds between a death and the next start
PACED = "tests.chaos.paced_app:app"


def eventually(look: Callable[[], T], good: Callable[[T], object] = bool, seconds: float = 60.0) -> T:
    """What `look` finds, as soon as it is good; an error counts as not good."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found: object = look()
            if good(found):  # type: ignore[arg-type]
                return found  # type: ignore[return-value]
        except Exception as error:  # Redis or an api that is away
            found = error
        assert time.monotonic() < deadline, f"after {seconds} s still {found!r}"
        time.sleep(0.02)


class Keeper(threading.Thread):
    """Starts again what died, unless it is to stay down. `deaths`: all that were seen, as the supervisor words them."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(name="keeper", daemon=True)
        self._guard = guard
        self.children: dict[str, Child] = {}
        self.down: set[str] = set()
        self.deaths: list[str] = []
        self.lock = threading.RLock()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            with self.lock:
                for name, kept in self.children.items():
                    if name not in self.down and (death := kept.revive()):
                        self.deaths.append(death)

    def stop(self) -> None:
        self._over.set()
        self.join()


class Stack:
    """Redis, `apis` web servers and `workers` paced workers in a folder of their own. Use as a context manager.

    step: of a paced worker, seconds. clocks: name of a process → seconds its clock is wrong by. The rest are settings.
    Apis and workers reach Redis by way of `proxy`, unless times are taken; the scenario itself goes straight.
    """

    def __init__(
        self, *, apis: int = 1, workers: int = 2, step: float = 0.01, clocks: Mapping[str, float] | None = None,
        proxied: bool = True, **settings: Any,
    ) -> None:  # fmt: skip
        self.folder = Path(tempfile.mkdtemp(prefix="dr-"))  # short: a socket's path has 107 bytes at most
        plain = plain_settings(
            **{"data": self.folder / "data", "concurrency": 8, "max_queue": 20_000, "log_level": "warning", **settings}
        )
        self.settings = plain.model_copy(update={"redis_url": f"unix://{socket_path(plain)}"})
        way = self.folder / "way.sock"
        self.proxy = Proxy(way, socket_path(plain))
        self._seen = plain.model_copy(update={"redis_url": f"unix://{way}"}) if proxied else self.settings
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.ports = [free_port() for _ in range(apis)]
        self._counts, self._step, self._clocks = (apis, workers), step, clocks or {}
        self._guard = Guard()
        self.keeper = Keeper(self._guard)
        self.store = JobStore(connect(self.settings))
        self.patched = pytest.MonkeyPatch()

    def __enter__(self) -> "Stack":
        self.patched.setattr(child, "_LOOP", 10**9)
        self.patched.setattr(child, "_BACKOFF", (PAUSE,))
        self._guard.__enter__()
        self.proxy.start()
        self.keeper.start()
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.stop()
        for kept in self.keeper.children.values():
            if kept.alive:
                os.killpg(kept.group, signal.SIGCONT)
            kept.kill()
        self._guard.__exit__()
        self.proxy.stop()
        self.store.redis.close()
        self.patched.undo()
        if kept_logs := os.environ.get("CHAOS_LOGS"):
            shutil.copytree(self.logs, Path(kept_logs) / self.folder.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_all(self) -> None:
        self.launch(redis_server(self.settings))
        eventually(self.store.redis.ping)
        for number in range(self._counts[1]):
            self.start_worker(number)
        for number, port in enumerate(self.ports):
            own = self._seen.model_copy(update={"port": port})
            self.launch(replace(services.api(own), name=f"api-{number}"), own)
        eventually(self.ready, seconds=120)

    def ready(self) -> bool:
        """Whether every api answers and every worker is warm."""
        path = "readyz" if self._counts[1] else "healthz"
        answers = [httpx2.get(f"http://127.0.0.1:{port}/{path}", timeout=5).status_code for port in self.ports]
        return set(answers) == {200} and self.warm() == self._counts[1]

    def warm(self) -> int:
        """How many workers are ready."""
        return sum(worker.ready for worker in self.store.workers())

    def start_worker(self, number: int) -> None:
        name = f"worker-{number}"
        own = self._seen.model_copy(update={"worker_name": name})
        made = services.worker(own)
        argv = tuple(PACED if part == "worker.app:app" else part for part in made.argv)
        self.launch(replace(attended(made, own), name=name, argv=argv), own)

    def launch(self, service: Service, own: Settings | None = None) -> None:
        """Start a service and keep it alive."""
        env = {**(own or self.settings).environ(), "PYTHONPATH": str(ROOT), "PACED_STEP": str(self._step)}
        if wrong := self._clocks.get(service.name):
            env |= {"PYTHONPATH": f"{ROOT / 'tests' / 'chaos' / 'clock'}:{ROOT}", "CHAOS_CLOCK": str(wrong)}
        kept = Child(service, self.logs / f"{service.name}.log", self._guard, env=env, inherit=())
        with self.keeper.lock:
            kept.start()
            self.keeper.children[service.name] = kept

    def names(self, kind: str) -> list[str]:
        """`worker-0`, `worker-1`, … of a kind."""
        return [name for name in self.keeper.children if name.startswith(kind)]

    def signal(self, name: str, number: int) -> int:
        """Send a signal to a process and tell which it was; nothing where it is down already."""
        with self.keeper.lock:
            kept = self.keeper.children[name]
            if not kept.alive:
                return 0
            os.kill(kept.group, number)
            return kept.group

    @contextmanager
    def held_down(self, name: str) -> Iterator[None]:
        """Nobody starts this process again inside."""
        self.keeper.down.add(name)
        try:
            yield
        finally:
            self.keeper.down.discard(name)

    def log_files(self) -> Sequence[Path]:
        return sorted(self.logs.iterdir())
