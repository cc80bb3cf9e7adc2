"""`next_cursor` of a list: the time (ms) before which the next page begins, opaque to clients."""

import base64
import json
import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter


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


def write_place(sort: str, place: tuple[int, ...] | None) -> str | None:
    """The same for a list of the library, whose places are numbers of what it is sorted by."""
    return None if place is None else base64.urlsafe_b64encode(json.dumps([sort, *place]).encode()).decode()


def read_place(cursor: str) -> tuple[str, tuple[int, ...]]:
    """Sort and place. Raises ValueError for what `write_place` has not written."""
    sort, *place = _PLACE.validate_json(base64.b64decode(cursor, altchars=b"-_", validate=True))
    return sort, tuple(place)


def _check_place(cursor: str) -> str:
    try:
        read_place(cursor)
    except ValueError:
        raise ValueError("is none of ours; take `next_cursor` of the page before") from None
    return cursor


_Whole = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
_Place = tuple[Literal["newest", "oldest"], _Whole] | tuple[Literal["largest", "smallest"], _Whole, _Whole]
_PLACE: TypeAdapter[_Place] = TypeAdapter(_Place)
PlaceCursor = Annotated[str, Field(max_length=200), AfterValidator(_check_place)]
