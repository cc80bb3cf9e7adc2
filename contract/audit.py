"""The audit log: what was done with an admin's rights, by whom, when. `data/logs/audit.log`, a JSON object a line."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from contract.settings import Settings


class Audit:
    """Appends. Processes may share the file: a line is one write."""

    def __init__(self, settings: Settings) -> None:
        self._path: Path = settings.data / "logs" / "audit.log"

    def note(self, who: str, what: str) -> None:
        """Keep that somebody did something. Raises OSError: what cannot be noted is not done."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "who": who, "what": what})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)
