"""Ends a process whose device thread hangs, or whose device is broken, so that a new one can take its place."""

import faulthandler
import logging
import os
import threading
from collections.abc import Callable

from contract.deaths import Exit
from worker.engine.pulse import Activity, Pulse

log = logging.getLogger(__name__)

_ROUNDS = 60  # looks at the pulse within the time it is allowed to be silent
_PATIENCE_WARMING = 10  # times that, while the engine compiles or calls something for the first time
_PATIENCE_INTERPRETER = 5  # times that, until C code that holds the interpreter ends the process without Python
_LAST_WORDS = 3.0  # seconds for telling the ledger


class Watchdog(threading.Thread):
    """Looks at the pulse, and ends the process after `seconds` without a beat from a thread that has work.

    last_words: what is to be told before the end; it may itself hang. Rounds are counted, not seconds by a clock, so
    a process that was stopped as a whole for a while is not taken for one that hangs.
    """

    def __init__(self, pulse: Pulse, seconds: float, last_words: Callable[[Exit], None]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._pulse, self._seconds, self._last_words = pulse, seconds, last_words
        self._seen, self._quiet = pulse.beats, 0
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(self._seconds / _ROUNDS):
            faulthandler.dump_traceback_later(self._seconds * _PATIENCE_INTERPRETER, exit=True)
            if self._pulse.broken:
                log.critical("the device is broken; a new process is needed")
                self._end(Exit.BROKEN_DEVICE)
            if self._hangs():
                log.critical("the device thread has not moved for %g s; its stack and all others:", self._seconds)
                faulthandler.dump_traceback(all_threads=True)
                self._end(Exit.HANGS)

    def stop(self) -> None:
        """Look no more; for a process that ends in order and may be slow about it."""
        self._stopping.set()
        faulthandler.cancel_dump_traceback_later()

    def _hangs(self) -> bool:
        pulse = self._pulse
        moved = pulse.beats != self._seen or pulse.activity is Activity.RESTING
        self._seen, self._quiet = pulse.beats, 0 if moved else self._quiet + 1
        return self._quiet >= _ROUNDS * (_PATIENCE_WARMING if pulse.activity is Activity.WARMING else 1)

    def _end(self, status: Exit) -> None:
        telling = threading.Thread(target=self._last_words, args=(status,), daemon=True)
        telling.start()
        telling.join(_LAST_WORDS)
        os._exit(status)
