"""The languages of the pages. The English sentence is the key; a folder of JSON files beside this one has another's.

A folder is named by its language's BCP 47 code and holds `language.json`, {"name": "日本語"}, and any number of other
files, {"English sentence": "its translation"}. A sentence that counts may have an object in place of a text, by the
plural categories of the language: {"one": "…", "few": "…", "other": "…"}. docs/languages.md tells how to add one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape
from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection

from contract.phrases import Phrase

FOLDER = Path(__file__).resolve().parent / "languages"
COOKIE = "darkroom-language"
VARY = "Accept-Language, Cookie"  # what an answer in somebody's language depends on

Text = str | dict[str, str]

_TEXTS = TypeAdapter(dict[str, Text])
_ABOUT = "language.json"
_PLACE = re.compile(r"\{(\w+)\}")
_STRING = r'"((?:[^"\\\n]|\\.)*)"'
_CALL = re.compile(rf"\b(?:t|written)\(\s*{_STRING}|\btn\(\s*{_STRING},\s*{_STRING}")
_RANGE = re.compile(r"(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:\s*;\s*q\s*=\s*([01](?:\.\d{0,3})?))?")


@dataclass(frozen=True)
class Language:
    """One language. texts: English sentence → what is said in its place; what is not in it is said in English."""

    code: str
    name: str
    texts: Mapping[str, Text] = field(default_factory=dict, compare=False)

    def say(self, sentence: str, /, **values: object) -> Markup:
        """A sentence in this language, `{name}` replaced by the value of that name, ready to stand in HTML.

        Translation and values are text and are escaped, but for values that are Markup: so a template puts a link into
        the middle of a sentence. Raises KeyError for a name without a value.

        >>> ENGLISH.say("More than {least} & less", least=Markup("<b>3</b>"))
        Markup('More than <b>3</b> &amp; less')
        """
        text = self.texts.get(sentence, sentence)
        parts = _PLACE.split(text if isinstance(text, str) else text["other"])
        return Markup("").join(escape(values[part] if at % 2 else part) for at, part in enumerate(parts))

    def told(self, text: str) -> str:
        """A message of the server's, a Phrase or a whole sentence, in this language: plain text, and no HTML.

        What has no translation stays as it is. So do values, but for those that are a Phrase.
        """
        phrase = Phrase.of(text)
        if not self.knows(phrase) and not any(isinstance(value, Phrase) for value in phrase.values.values()):
            return str(text)
        found = self.texts.get(phrase.sentence, phrase.sentence)
        form = found if isinstance(found, str) else found["other"]
        return _PLACE.sub(lambda place: self._value(phrase.values[place[1]]), form)

    def _value(self, value: object) -> str:
        return self.told(value) if isinstance(value, Phrase) else str(value)

    def knows(self, text: str) -> bool:
        """Whether it has words of its own for a message."""
        return Phrase.of(text).sentence in self.texts

    def messages(self, sentences: Iterable[str]) -> dict[str, Text]:
        """The translations of these, as far as there are any."""
        return {sentence: self.texts[sentence] for sentence in sorted(sentences) if sentence in self.texts}


ENGLISH = Language("en", "English")


@cache
def languages() -> dict[str, Language]:
    """Every language there is, by its code, English first. Raises ValueError for a file that cannot be understood."""
    return {"en": ENGLISH, **{folder.name: read(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()}}


def pick(wanted: str | None, accepted: str | None) -> Language:
    """The language that was chosen, else the one liked best of those that a browser accepts, else English.

    wanted: a code; accepted: an Accept-Language header.

    >>> pick(None, "fr, ja-JP;q=0.8, en;q=0.7").code
    'ja'
    """
    known = languages()
    if wanted in known:
        return known[wanted]
    codes = {code.lower(): code for code in known}
    ranges = [_RANGE.fullmatch(each.strip()) for each in (accepted or "").lower().split(",")]
    liked = [(float(each[2] or 1), each[1]) for each in ranges if each]
    for weight, tag in sorted(liked, key=lambda each: -each[0]):
        code = codes.get(tag) or codes.get(tag.partition("-")[0])
        if weight and code:
            return known[code]
    return ENGLISH


def asked_in(request: HTTPConnection) -> Language:
    """The language that whoever asks is answered in. Programs, which send neither cookie nor header, get English."""
    return pick(request.cookies.get(COOKIE), request.headers.get("accept-language"))


def read(folder: Path) -> Language:
    """The language of a folder. Raises ValueError, which names the file and says what is wrong with it."""
    about = _read(folder / _ABOUT)
    name = about.get("name")
    if not isinstance(name, str):
        raise ValueError(f'{folder / _ABOUT}: must be {{"name": "…"}}, what the language calls itself')
    texts: dict[str, Text] = {}
    for path in sorted(folder.glob("*.json")):
        for sentence, text in _read(path).items() if path.name != _ABOUT else ():
            if texts.setdefault(sentence, text) != text:
                raise ValueError(f"{path}: {sentence!r} has another translation in another file")
            if wrong := _misplaced(sentence, text):
                raise ValueError(f"{path}: {sentence!r}: {wrong}")
    return Language(folder.name, name, texts)


def _read(path: Path) -> dict[str, Text]:
    try:
        return _TEXTS.validate_python(json.loads(path.read_text("utf-8"), object_pairs_hook=_once))
    except ValidationError as error:
        wanted = '{"sentence": "translation"}, the translation a text or an object of texts by plural category'
        raise ValueError(f"{path}: must be {wanted}") from error
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: {error}") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"says {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _misplaced(sentence: str, text: Text) -> str:
    """What is wrong with the places for values in a translation, or ""."""
    wanted = places(sentence)
    if isinstance(text, str):
        return "" if places(text) == wanted else f"must have the places {sorted(wanted)}"
    if "other" not in text:
        return 'must have the form "other"'
    allowed = all(wanted - {"count"} <= places(form) <= wanted for form in text.values())
    return "" if allowed else f"its forms must have the places {sorted(wanted)}; only the count may be left out"


def places(text: str) -> set[str]:
    """The names of the values that a text has places for.

    >>> sorted(places("{made} of {all}"))
    ['all', 'made']
    """
    return set(_PLACE.findall(text))


def sentences_in(script: str) -> set[str]:
    """The sentences that a JavaScript module says, or others write: those in t("…"), tn("…", "…") and written("…").

    >>> sorted(sentences_in('t("Save"); tn("one", "{count} of them", n)'))
    ['Save', '{count} of them']
    """
    return {json.loads(f'"{one or more}"') for one, _, more in _CALL.findall(script)}
