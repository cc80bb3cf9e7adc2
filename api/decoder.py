"""Pictures are read in processes of their own: what breaks one, or makes it greedy, harms the api in nothing.

Two processes stand ready. Each reads one picture at a time, within limits it sets itself (`api/decoder_child.py`) and a
deadline that is kept here. One that dies over a picture is replaced, and the picture is refused.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from io import BufferedRWPair
from queue import SimpleQueue
from typing import Any

from anyio import CapacityLimiter

from api.decoder_child import READY, receive, send
from api.pictures import Picture
from contract.errors import BadImage, Unavailable, UnsupportedMedia
from contract.phrases import Phrase

SLOTS = 2
START_SECONDS = 60.0  # for Python and Pillow to be loaded; half a second does on an idle machine
MAX_ANSWER = 256 * 1024 * 1024  # bytes; the largest picture has 67 MB of pixels

_ERRORS = {error.status: error for error in (BadImage, UnsupportedMedia)}


class Decoder:
    """Reads pictures, `SLOTS` at a time. Threads may share it."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: the most that one picture may take."""
        self.slots = CapacityLimiter(SLOTS)  # for those who wait in the event loop and not in a thread
        self._children = [_Child(seconds) for _ in range(SLOTS)]
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        for child in self._children:
            self._idle.put(child)

    def start(self) -> None:
        """Start the processes, and do not wait for them. Those that do not run are started when they are needed."""
        for child in self._children:
            child.open()

    def close(self) -> None:
        """End the processes; whoever waits for one gets an error."""
        for child in self._children:
            child.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of those that have been started."""
        return [child.pid for child in self._children if child.pid]

    def read(self, data: bytes) -> Picture:
        """What `api.pictures.read_picture` makes of a file. Raises UnsupportedMedia, BadImage and Unavailable."""
        told, png = self._ask({}, data)
        return Picture(png, told["width"], told["height"], told["found"])

    def thumbnail(self, data: bytes, side: int) -> bytes:
        """What `api.pictures.thumbnail` makes of one of our own pictures. Raises BadImage and Unavailable."""
        return self._ask({"side": side}, data)[1]

    def texts(self, data: bytes) -> dict[str, str]:
        """What `api.pictures.read_texts` finds in a file. Raises UnsupportedMedia, BadImage and Unavailable."""
        told: dict[str, str] = json.loads(self._ask({"texts": True}, data)[1])
        return told

    def _ask(self, order: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        child = self._idle.get()
        try:
            told, answer = child.ask(order, data)
        finally:
            self._idle.put(child)
        if "status" in told:
            raise _ERRORS[told["status"]](Phrase.worded(told["detail"], told["sentence"], told["values"]))
        return told, answer


class _Child:
    """One process, and after its death the next."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._file: BufferedRWPair
        self._ready = self._closed = False

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def open(self) -> None:
        self._closed = False
        self._start()

    def close(self) -> None:
        self._closed = True
        self._end()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._end()
        if self._closed:
            raise OSError("closed")
        ours, theirs = socket.socketpair()
        # A fresh interpreter and no fork: the api has threads. -P: no modules from the folder it is started in.
        argv = [sys.executable, "-P", "-m", "api.decoder_child"]
        with ours, theirs:
            self._process = subprocess.Popen(argv, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment())
            self._file = ours.makefile("rwb")  # which keeps the socket open
        self._ready = False

    def ask(self, order: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            self._start()
            self._await_ready()
        except OSError as error:
            raise Unavailable("The process that reads pictures does not start") from error
        try:
            with _Deadline(self._kill, self._seconds):
                send(self._file, order, data)
                return receive(self._file, MAX_ANSWER)
        except (OSError, EOFError):
            self._end()
            with suppress(OSError):
                self._start()  # so that the next picture does not wait for it
            raise BadImage("Reading the picture takes more memory or time than it may; send a plainer one.") from None

    def _await_ready(self) -> None:
        if self._ready:
            return
        with _Deadline(self._kill, START_SECONDS):
            self._ready = self._file.readline(len(READY)) == READY
        if not self._ready:
            raise OSError("it has ended")

    def _end(self) -> None:
        if self._process is None:
            return
        self._kill()
        self._process.wait()
        with suppress(OSError):  # what was not sent yet goes nowhere
            self._file.close()
        self._process = None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()


class _Deadline:
    """Calls something when the block takes longer than it may."""

    def __init__(self, call: Callable[[], None], seconds: float) -> None:
        self._timer = threading.Timer(seconds, call)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _environment() -> dict[str, str]:
    """Ours without the settings, where passwords and keys may stand, and with one thread: each takes address space."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DARKROOM_", "AWS_"))}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
