"""A clock that is wrong by CHAOS_CLOCK seconds, for one process: Python imports this before anything else."""

import datetime
import os
import time

_SHIFT = float(os.environ.get("CHAOS_CLOCK", "0"))
_time = time.time


class _Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_Shifted":
        return cls.fromtimestamp(_time() + _SHIFT, tz)


if _SHIFT:
    time.time = lambda: _time() + _SHIFT
    datetime.datetime = _Shifted  # type: ignore[misc]
