"""A process in its own session, what it prints, what it starts."""

import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psutil

PATIENCE = 60.0  # seconds; on a machine with other work each of these can take some


def _hear_hangups() -> None:
    """As in a terminal, also where these tests run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Launched:
    """A process in its own session, and what it prints."""

    def __init__(self, argv: Sequence[str], **options: Any) -> None:
        self.process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_hear_hangups,
            **options,
        )
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, text: str, seconds: float = PATIENCE) -> str:
        """The next line that holds `text`."""
        deadline = time.monotonic() + seconds
        while True:
            line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.01))
            assert line is not None, f"ended without {text!r}: {self.said}"
            self.said.append(line)
            if text in line:
                return line

    def tree(self) -> list[psutil.Process]:
        """All processes below this one."""
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def below(self, *words: str) -> psutil.Process:
        """The one process below whose command line holds all words. While it starts another, it is there twice."""
        return eventually(lambda: self._only(words))

    def _only(self, words: Sequence[str]) -> psutil.Process | None:
        found = []
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                if all(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
        return found[0] if len(found) == 1 else None

    def ctrl_c(self) -> None:
        """What a terminal does: SIGINT to every process of the foreground group."""
        subprocess.run(["kill", "-INT", "--", f"-{self.process.pid}"], check=True)

    def end(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit status."""
        status = self.process.wait(seconds)
        self._reader.join(5)
        while line := self._lines.get():
            self.said.append(line)
        return status


def eventually(found: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return answer


def left_over(processes: Sequence[psutil.Process], seconds: float = PATIENCE) -> list[psutil.Process]:
    """Those still there after so many seconds."""
    return list(psutil.wait_procs(processes, timeout=seconds)[1])
