"""Styles and wildcards that an installation has: some of its own, and those in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from contract.errors import PromptError
from contract.phrases import Phrase
from contract.prompt.expand import Wildcards, expand, read_wildcards
from contract.prompt.extras import refuse_extras
from contract.prompt.styles import apply_styles

MAX_DRAWN = 20_000  # characters of a prompt after styles and draws


@dataclass(frozen=True, slots=True)
class Style:
    """Texts put around a prompt and a negative prompt, `{prompt}` where those go; without, at the end."""

    name: str
    prompt: str
    negative_prompt: str = ""


BUILT_IN = (
    Style("Watercolor", "a watercolor of {prompt}"),
    Style("Pencil sketch", "a pencil sketch of {prompt}"),
    Style("Pixel art", "pixel art of {prompt}"),
)


@dataclass(frozen=True)
class PromptLibrary:
    """What may be named in a prompt: wildcards by name, and styles."""

    wildcards: Wildcards
    styles: tuple[Style, ...]

    @classmethod
    def read(cls, folder: Path) -> PromptLibrary:
        """`<folder>/wildcards/**.txt` and `<folder>/styles/*.txt`; read again when a file has changed.

        A style's file has the prompt's text on its first line and the negative prompt's, if any, on its second; it
        replaces a built-in one of its name. Raises ValueError for a file that is not UTF-8.
        """
        files = sorted(Path(folder).rglob("*.txt"))
        return _read(Path(folder), tuple((file, file.stat().st_mtime_ns) for file in files))

    def draw(self, prompt: str, negative: str, styles: tuple[str, ...], seed: int) -> tuple[str, str]:
        """A prompt and its negative prompt with styles around them and choices drawn from the seed.

        Raises PromptError, its field set, for what cannot be: an unknown style or wildcard, a LoRA or an embedding.
        """
        chosen = [self._style(name) for name in styles]
        texts = {
            "prompt": (prompt, [style.prompt for style in chosen]),
            "negative_prompt": (negative, [style.negative_prompt for style in chosen if style.negative_prompt]),
        }
        drawn = []
        for field, (text, around) in texts.items():
            try:
                drawn.append(self._drawn(text, around, seed))
            except PromptError as error:
                error.field = field
                raise
        return drawn[0], drawn[1]

    def _drawn(self, text: str, around: list[str], seed: int) -> str:
        drawn = expand(apply_styles(text, around), seed, self.wildcards)
        refuse_extras(drawn)
        if len(drawn) > MAX_DRAWN:
            raise PromptError(
                Phrase(
                    "With its styles and wildcards it is longer than {most} characters; use less.",
                    most=f"{MAX_DRAWN:,}",
                )
            )
        return drawn

    def _style(self, name: str) -> Style:
        known = {style.name.lower(): style for style in self.styles}
        if name.lower() in known:
            return known[name.lower()]
        near = [known[key].name for key in get_close_matches(name.lower(), known)] or [s.name for s in self.styles[:10]]
        raise PromptError(
            Phrase("There is no style {name}; there are: {names}.", name=repr(name), names=", ".join(near)), "styles"
        )


@lru_cache(maxsize=4)
def _read(folder: Path, files: tuple[tuple[Path, int], ...]) -> PromptLibrary:
    styles = {style.name.lower(): style for style in BUILT_IN}
    for file, _ in files:
        if file.parent == folder / "styles":
            lines = [line.strip() for line in file.read_text("utf-8-sig").splitlines()]
            styles[file.stem.lower()] = Style(file.stem, *[*lines, "", ""][:2])
    return PromptLibrary(read_wildcards(folder / "wildcards"), tuple(styles.values()))
