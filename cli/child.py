"""One process the supervisor keeps alive: its log, its deaths, its back-off."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.guard import Guard, end_group
from contract.errors import DarkroomError

_BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)  # seconds before the first restart, the second, ...
_HEALTHY = 60.0  # seconds of life after which earlier deaths are forgotten
_LOOP = 5  # deaths within that time after which we give up
_LOG_BYTES = 10_000_000  # a longer log is put aside, replacing the one put aside before


@dataclass(frozen=True)
class Service:
    """A process to keep alive.

    `prepare` runs before every start. `waits_for` tells what is lacking before others may rely on it; "" = nothing.
    `look` is called about once a second while it lives. `mourn` is given its exit status, negative for a signal, the
    moment it has died, and tells whether it died at work: such a death is no failure to start.
    """

    name: str
    argv: tuple[str, ...]
    grace: float  # seconds from SIGTERM to SIGKILL
    waits_for: Callable[[], str] = lambda: ""
    prepare: Callable[[], None] = lambda: None
    look: Callable[[], None] = lambda: None
    mourn: Callable[[int], bool] = lambda status: False  # noqa: ARG005  # what nobody mourns has not died at work


class CrashLoop(DarkroomError):
    """A process dies again and again."""


class Child:
    """A service and the process that runs it now.

    The process leads a session of its own, so a Ctrl-C in the terminal does not reach it. `inherit` are file
    descriptors it keeps open: a lock held through one is free only when the last child has gone.
    """

    def __init__(
        self, service: Service, log: Path, guard: Guard, *, env: Mapping[str, str], inherit: Sequence[int]
    ) -> None:
        self.service = service
        self._log, self._guard, self._env, self._inherit = log, guard, dict(env), inherit
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._deaths: list[float] = []  # when, seconds, monotonic
        self._false_starts: list[float] = []  # of these, those that were not at work
        self._restart_at: float | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def group(self) -> int:
        """The process group, which is the process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self.service.prepare()
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.service.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                pass_fds=self._inherit,
                start_new_session=True,
                # In the child, before it becomes the service: killed at any moment, we leave none unannounced.
                preexec_fn=lambda: self._guard.watch(os.getpid()),
            )
        self._began, self._restart_at = time.monotonic(), None

    def revive(self) -> str:
        """Restart the process when it has died and its back-off has passed; tells of a death it finds.

        Raises CrashLoop at the fifth death within a minute that was not at work.
        """
        if self._process is None:
            return ""
        if self.alive:
            self.service.look()
            return ""
        if self._restart_at is None:
            self.kill()  # what it may have left behind
            return self._mourn(self._process.returncode)
        if time.monotonic() >= self._restart_at:
            self.start()
        return ""

    def _mourn(self, status: int) -> str:
        now = time.monotonic()
        if now - self._began >= _HEALTHY:
            self._deaths.clear()
            self._false_starts.clear()
        self._deaths.append(now)
        if not self.service.mourn(status):
            self._false_starts.append(now)
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if sum(now - death < _HEALTHY for death in self._false_starts) >= _LOOP:
            raise CrashLoop(
                f"{self.service.name} {how}, {_LOOP} times within a minute. The end of {self._log}:\n{self._tail(15)}"
            )
        wait = _BACKOFF[min(len(self._deaths), len(_BACKOFF)) - 1]
        self._restart_at = now + wait
        return f"{self.service.name} {how}; it starts again in {wait:g} s. {self._log}: {self._tail(1)}"

    def terminate(self) -> None:
        """Ask the process to end; what it started is its own affair."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """End the process and whatever it started."""
        if self._process is not None:
            end_group(self.group)
            self._process.wait()
            self._guard.forget(self.group)

    def _tail(self, lines: int) -> str:
        text = self._log.read_bytes()[-8000:].decode(errors="replace")
        return "\n".join(text.strip().splitlines()[-lines:])
