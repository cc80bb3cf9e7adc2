"""Words of a prompt, and what a client looks for among them, for FTS5 and for Postgres' text search.

Both get the prompt as letters and digits between spaces, so they cut it alike.
"""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'"([^"]*)"|([^\s"]+)')


def words(text: str) -> str:
    """Letters and digits, without what stands between them.

    >>> words("A (black:1.3) Cat, on__the BEACH")
    'a black 1 3 cat on the beach'
    """
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def fts5(asked: str) -> str:
    """What was asked, as FTS5 takes it: every term must be there.

    >>> fts5('black "on the beach" cat* x-ray')
    '"black" AND "on the beach" AND "cat" * AND "x ray"'
    """
    return " AND ".join(f'"{term}"{" *" if begins else ""}' for term, begins in _terms(asked))


def fts5_of(asked: str, owner: str | None) -> str:
    """The same among the pictures of one owner, and maybe of some whose names have his words in them.

    >>> fts5_of("black", "Ann B.")
    'words : ("black") AND owner : "Ann B."'
    """
    found = f"words : ({fts5(asked)})"
    if owner is None or not words(owner):
        return found
    return f"""{found} AND owner : "{owner.replace('"', '""')}\""""


def tsquery(asked: str) -> str:
    """The same for Postgres' `to_tsquery`.

    >>> tsquery('black "on the beach" cat* x-ray')
    'black & (on <-> the <-> beach) & cat:* & (x <-> ray)'
    """
    found = []
    for term, begins in _terms(asked):
        phrase = " <-> ".join(term.split()) + (":*" if begins else "")
        found.append(f"({phrase})" if " " in term else phrase)
    return " & ".join(found)


def _terms(asked: str) -> Iterator[tuple[str, bool]]:
    """Each term's words, and whether the last of them is only a beginning."""
    for quoted, plain in _TERM.findall(asked):
        if term := words(quoted or plain):
            yield term, plain.endswith("*")
