"""Styles: texts put around a prompt."""

from collections.abc import Iterable

from contract.errors import PromptError
from contract.phrases import Phrase

PLACE = "{prompt}"
MAX_LENGTH = 100_000  # characters; two styles that name the prompt many times would multiply


def apply_styles(prompt: str, styles: Iterable[str]) -> str:
    """The prompt with each style around the result of the one before.

    A style holds `{prompt}` where the prompt goes; one that does not is added at the end, behind a comma.
    Raises PromptError when the result passes 100,000 characters.

    >>> apply_styles("a fox", ["oil painting of {prompt}, thick strokes", "dramatic light"])
    'oil painting of a fox, thick strokes, dramatic light'
    >>> apply_styles("", ["dramatic light"])
    'dramatic light'
    >>> apply_styles("a fox", [""])
    'a fox'
    """
    for style in styles:
        places = style.count(PLACE)
        if len(style) + max(places, 1) * len(prompt) > MAX_LENGTH:
            raise PromptError(
                Phrase(
                    "With its styles the prompt is longer than {most} characters; use fewer.", most=f"{MAX_LENGTH:,}"
                )
            )
        prompt = style.replace(PLACE, prompt) if places else ", ".join(filter(str.strip, (prompt, style)))
    return prompt
