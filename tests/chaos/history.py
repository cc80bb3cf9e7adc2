"""What clients saw and the nemesis did, line by line, and what is left in the end: all that the checker looks at."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class View:
    """A job as one answer shows it. images: (index, role, SHA-256). Times in seconds since 1970, Redis' clock."""

    state: str
    step: int = 0
    attempts: int = 0
    started_at: float | None = None
    images: tuple[tuple[int, str, str], ...] = ()
    code: str = ""

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> "View":
        """From the api's JSON."""
        began = job["started_at"]
        return cls(
            state=job["state"],
            step=job["progress"]["step"],
            attempts=job["attempts"],
            started_at=datetime.fromisoformat(began).timestamp() if began else None,
            images=tuple((image["index"], image["role"], image["sha256"]) for image in job["images"]),
            code=job["error"]["code"] if job["error"] else "",
        )

    @property
    def final(self) -> bool:
        return self.state in ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Seen:
    """One line. what: submit, poll, cancel (by a client), fault, recovered (by the nemesis).

    t: when it was over; sent: when it began, both `time.monotonic()`. status: HTTP, 0 = no answer came.
    """

    what: str
    t: float = field(default_factory=time.monotonic)
    sent: float = 0.0
    status: int = 0
    job: str = ""
    key: str = ""
    owner: str = "local"
    prompt: str = ""
    seed: int = 0
    count: int = 1
    view: View | None = None
    seconds: float = 0.0


class History:
    """Lines in the order they were written, from any thread."""

    def __init__(self, *lines: Seen) -> None:
        self._lines = list(lines)
        self._lock = threading.Lock()

    def add(self, line: Seen) -> None:
        with self._lock:
            self._lines.append(line)

    def of(self, what: str) -> list[Seen]:
        with self._lock:
            return [line for line in self._lines if line.what == what]

    def __iter__(self) -> Iterator[Seen]:
        with self._lock:
            return iter(list(self._lines))

    def accepted(self) -> dict[str, Seen]:
        """Job id → its submit, of all that were answered 202."""
        return {line.job: line for line in self.of("submit") if line.status == 202}

    def save(self, file: Path) -> None:
        """As JSON, a line each."""
        file.write_text("".join(json.dumps(asdict(line)) + "\n" for line in self))


@dataclass(frozen=True)
class Final:
    """What is left once all is quiet. dead: ids in the dead-letter list. complaints: unhandled exceptions in logs.

    files: SHA-256 → bytes of all that lies on the disk after a sweep. referenced: SHA-256 the ledger points to.
    """

    jobs: Mapping[str, View]
    files: Mapping[str, bytes]
    referenced: frozenset[str]
    dead: frozenset[str] = frozenset()
    complaints: tuple[str, ...] = ()
