"""A request's prompts as they will be encoded: styles put around them, choices drawn, everything else refused."""

from contract.errors import BadRequest
from contract.prompt import parse
from contract.prompt.library import PromptLibrary
from contract.requests import Request

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
        parts = parse(prompt).parts
        if len(parts) > MAX_COMPOSED:
            raise BadRequest(f"AND joins {len(parts)} prompts; at most {MAX_COMPOSED} are allowed.", "prompt")
    return drawn[:1] if len(set(drawn)) == 1 else drawn
