"""`next_cursor` of a list: the time (ms) before which the next page begins, opaque to clients."""

import base64
import math
from typing import Annotated

from pydantic import AfterValidator, Field


def write_cursor(before: float | None) -> str | None:
    return None if before is None else base64.urlsafe_b64encode(repr(before).encode()).decode()


def read_cursor(cursor: str | None) -> float | None:
    """Raises ValueError for what `write_cursor` has not written."""
    if cursor is None:
        return None
    before = float(base64.b64decode(cursor, altchars=b"-_", validate=True))
    if not math.isfinite(before):
        raise ValueError(cursor)
    return before


def _check(cursor: str) -> str:
    try:
        read_cursor(cursor)
    except ValueError:
        raise ValueError("is none of ours; take `next_cursor` of the page before") from None
    return cursor


Cursor = Annotated[str, Field(max_length=100), AfterValidator(_check)]
