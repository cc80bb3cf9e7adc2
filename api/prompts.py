"""A request's prompts as they will be encoded: styles put around them, choices drawn, everything else refused."""

from contract.errors import BadRequest, PromptError
from contract.phrases import Phrase
from contract.prompt import parse, refuse_extras
from contract.prompt.library import PromptLibrary
from contract.requests import Hires, Request, Txt2Img

MAX_COMPOSED = 8  # prompts joined by AND; each is a row of the U-Net's batch


def draw_prompts(request: Request, library: PromptLibrary) -> list[tuple[str, str]]:
    """Prompt and negative prompt of every picture, or one pair where all are alike.

    Raises PromptError, a 422 that names the field.
    """
    assert request.seed is not None  # drawn before
    drawn = [
        library.draw(request.prompt, request.negative_prompt, request.styles, request.seed_of(index))
        for index in range(request.count)
    ]
    for prompt in {prompt for prompt, _ in drawn}:
        _check_composed(prompt, "prompt")
    if isinstance(request, Txt2Img) and request.hires:
        _check_second(request.hires)
    return drawn[:1] if len(set(drawn)) == 1 else drawn


def _check_second(hires: Hires) -> None:
    for text in (hires.prompt, hires.negative_prompt):
        try:
            refuse_extras(text or "")
        except PromptError as error:
            error.field = "hires"
            raise
    _check_composed(hires.prompt or "", "hires")


def _check_composed(prompt: str, field: str) -> None:
    parts = parse(prompt).parts
    if len(parts) > MAX_COMPOSED:
        raise BadRequest(
            Phrase("AND joins {count} prompts; at most {most} are allowed.", count=len(parts), most=MAX_COMPOSED), field
        )
