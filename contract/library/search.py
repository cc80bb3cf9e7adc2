"""Words of a prompt, and what a client looks for among them, for FTS5 and for Postgres' text search.

Both get the prompt as letters and digits between spaces, so they cut it alike.
"""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(negative:)?(?:"([^"]*)"|([^\s"]+))', re.IGNORECASE)


def words(text: str) -> str:
    """Letters and digits, without what stands between them.

    >>> words("A (black:1.3) Cat, on__the BEACH")
    'a black 1 3 cat on the beach'
    """
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def fts5(asked: str, *, negative: bool = False) -> str:
    """What was asked of the prompt (or of the negative prompt), as FTS5 takes it: every term must be there.

    >>> fts5('black "on the beach" cat* x-ray negative:rain')
    '"black" AND "on the beach" AND "cat" * AND "x ray"'
    >>> fts5('black negative:"heavy rain" negative:blur*', negative=True)
    '"heavy rain" AND "blur" *'
    """
    return " AND ".join(f'"{term}"{" *" if begins else ""}' for term, begins in _terms(asked, negative))


def fts5_of(asked: str, owner: str | None) -> str:
    """The same of both prompts, among the pictures of one owner, and maybe of some whose names have his words in them.

    >>> fts5_of("black negative:rain", "Ann B.")
    'words : ("black") AND negative_words : ("rain") AND owner : "Ann B."'
    """
    columns = (("words", False), ("negative_words", True))
    found = [f"{column} : ({terms})" for column, negative in columns if (terms := fts5(asked, negative=negative))]
    if owner is not None and words(owner):
        quoted = owner.replace('"', '""')
        found.append(f'owner : "{quoted}"')
    return " AND ".join(found)


def tsquery(asked: str, *, negative: bool = False) -> str:
    """The same for Postgres' `to_tsquery`.

    >>> tsquery('black "on the beach" cat* x-ray negative:rain')
    'black & (on <-> the <-> beach) & cat:* & (x <-> ray)'
    """
    found = []
    for term, begins in _terms(asked, negative):
        phrase = " <-> ".join(term.split()) + (":*" if begins else "")
        found.append(f"({phrase})" if " " in term else phrase)
    return " & ".join(found)


def _terms(asked: str, negative: bool) -> Iterator[tuple[str, bool]]:
    """Each term's words, and whether the last of them is only a beginning."""
    for prefix, quoted, plain in _TERM.findall(asked):
        if bool(prefix) == negative and (term := words(quoted or plain)):
            yield term, plain.endswith("*")
