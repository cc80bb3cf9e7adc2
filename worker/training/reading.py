"""A caption back into what it says: the reverse of `world.captions`, for judging a captioner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from worker.training.world.captions import NOUNS, PLACES, plural
from worker.training.world.vocabulary import COLOURS, EYES, Scene

Words = Mapping[str, str]  # what something is called → what it is


@dataclass(frozen=True)
class Said:
    """Colours of the kinds that a caption names (empty where it names none), and its place (empty if unsaid)."""

    colours: dict[str, str]
    place: str


def read(text: str) -> Said:
    """A subject's colour is the last one said before it and after the subject before."""
    text = " ".join(text.lower().replace(",", " ").split())
    text = re.sub(rf"with ({'|'.join(EYES)}) eyes", "", text)
    place = _PLACE.search(text)
    colours: dict[str, str] = {}
    colour = ""
    for word in _WORD.findall(text):
        if word in _NOUNS:
            colours[_NOUNS[word]] = colour
            colour = ""
        else:
            colour = _COLOURS[word]
    return Said(colours, _PLACES[place.group()] if place else "")


def agrees(text: str, scene: Scene) -> bool:
    """Whether a caption has the scene's subjects, their colours (which a pencil sketch does not show) and its place."""
    said = read(text)
    if scene.style == "pencil sketch":
        return set(said.colours) == {subject.kind for subject in scene.subjects} and said.place == scene.place
    return said == Said({subject.kind: subject.colour for subject in scene.subjects}, scene.place)


def _longest_first(words: Iterable[str]) -> re.Pattern[str]:
    """A palm tree is no tree, and a hot air balloon one thing."""
    return re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b")


_NOUNS: Words = {form: kind for kind, nouns in NOUNS.items() for noun in nouns for form in (noun, plural(noun))}
_COLOURS: Words = {colour: colour for colour in COLOURS} | {"grey": "gray"}
_PLACES: Words = {
    phrase.replace(",", ""): place for place, forms in PLACES.items() for phrases in forms for phrase in phrases
}
_WORD, _PLACE = _longest_first([*_NOUNS, *_COLOURS]), _longest_first(_PLACES)
