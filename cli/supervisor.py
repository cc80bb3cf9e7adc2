"""Keeps a list of processes alive, and ends them in order.

Plain processes, signals and clocks: nothing here knows what the processes are for (services.py, up.py).
"""

import queue
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cli.child import Child, CrashLoop, Service
from cli.guard import Guard

_QUIET = 2.0  # seconds of waiting before we say what for


class _Stop(Exception):
    """SIGINT, SIGTERM or SIGHUP."""


class Supervisor:
    """Starts services one after the other, restarts what dies, ends them in reverse order."""

    def __init__(
        self, services: Sequence[Service], *, logs: Path, env: Mapping[str, str], inherit: Sequence[int] = ()
    ) -> None:
        self._guard = Guard()
        self._children = [
            Child(service, logs / f"{service.name}.log", self._guard, env=env, inherit=inherit) for service in services
        ]
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()  # the one queue a signal handler may use

    def run(self, ready: str) -> int:
        """Work until SIGINT, SIGTERM or SIGHUP; print `ready` once all services are. Returns the exit status."""
        with self._listening(), self._guard:
            try:
                for child in self._children:
                    child.start()
                    self._await(child.service)
                _say(ready)
                while True:
                    self._tick(1.0)
            except _Stop:
                return 0
            except CrashLoop as error:
                complain(str(error))
                return 1
            finally:
                self._stop()

    def _await(self, service: Service) -> None:
        """Look after what runs until this service is ready; when that takes long, say why."""
        begun, said = time.monotonic(), ""
        while reason := service.waits_for():
            if reason != said and time.monotonic() - begun > _QUIET:
                _say(f"Waiting: {reason}")
                said = reason
            self._tick(0.2)

    def _tick(self, seconds: float) -> None:
        """Wait for a signal, a child's death included, at most so long; then look after the children."""
        if self._signalled(seconds):
            raise _Stop
        self._guard.revive(child.group for child in self._children if child.alive)
        for child in self._children:
            if death := child.revive():
                complain(death)

    def _stop(self) -> None:
        """End all, last started first; a second Ctrl-C ends what is left at once."""
        for child in reversed(self._children):
            child.terminate()
            deadline = time.monotonic() + child.service.grace
            while child.alive:
                if self._signalled(0.1):
                    for other in self._children:
                        other.kill()
                elif time.monotonic() > deadline:
                    complain(f"{child.service.name} did not end within {child.service.grace:g} s and was killed")
                    child.kill()
            child.kill()  # what it may have left behind

    def _signalled(self, seconds: float) -> bool:
        """Whether somebody asks us to end; returns early when a child has ended."""
        with suppress(queue.Empty):
            return self._signals.get(timeout=seconds) != signal.SIGCHLD
        return False

    @contextmanager
    def _listening(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
            numbers.append(signal.SIGHUP)
        before = {number: signal.signal(number, lambda number, _: self._signals.put(number)) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _say(text: str) -> None:
    print(text, flush=True)


def complain(text: str) -> None:
    """Tell of a failure."""
    print(f"darkroom: {text}", file=sys.stderr, flush=True)
