"""Ends what the supervisor leaves behind when it is killed.

The guard is a process that reads a pipe from the supervisor. Each child announces itself there before it begins:
`+123` is a process group to end, `-123` one that has ended. When the pipe closes, because the supervisor left in
order or was killed, the groups still on the list get SIGKILL, and so the children's children go too
(PR_SET_PDEATHSIG would reach the children alone, and on Linux only). Redis loses nothing by it: what it has
acknowledged is already with the kernel.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress


class Guard:
    """The supervisor's end of the pipe. Used as a context manager."""

    def __enter__(self) -> "Guard":
        # -I -S: it needs neither the environment nor site-packages, and so starts in 20 ms.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def watch(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def revive(self, groups: Iterable[int]) -> None:
        """Start again when somebody ended the guard, with the groups alive now."""
        if self._process.poll() is not None:
            self.__exit__()
            self.__enter__()
            for group in groups:
                self.watch(group)

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # a guard that is gone is revived and then told everything
            os.write(self._pipe, line.encode())


def end_group(group: int) -> None:
    """SIGKILL for a process group; none there is no error."""
    with suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for a group of zombies
        os.killpg(group, signal.SIGKILL)


def main() -> None:
    """What the guard does."""
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line))
        else:
            groups.discard(-int(line))
    for group in groups:
        end_group(group)


if __name__ == "__main__":
    main()
