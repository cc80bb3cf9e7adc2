"""How a prompt is cut into tokens: the very ones that the worker encodes."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.deps import ServicesDep
from api.problems import documented
from api.resolve import find_model
from contract.chunks import CHUNK, Chunk
from contract.prompt import parse
from contract.prompt.library import PromptLibrary
from contract.wording import PromptText

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


class Asked(BaseModel):
    """A prompt, and the moment it is looked at."""

    model_config = ConfigDict(extra="forbid")

    prompt: PromptText = Field("", description="The prompt, with everything docs/prompts.md knows.")
    model: str | None = Field(None, max_length=100, description="A name from /models; null = the default.")
    seed: int = Field(0, ge=0, lt=2**53, description="Draws choices and wildcards.")
    steps: int = Field(20, ge=1, le=1000, description="Steps that schedules and alternation are laid over.")
    step: int = Field(1, ge=1, le=1000, description="The step to look at, from 1.")
    negative: bool = Field(False, description="Read it as a negative prompt, in which AND is a word like others.")

    @model_validator(mode="after")
    def _within(self) -> "Asked":
        if self.step > self.steps:
            raise ValueError("step must not be above steps")
        return self


class TokenView(BaseModel):
    """A token and the characters of the drawn prompt it stands for."""

    id: int
    text: str
    start: int = Field(description="In `drawn`: `drawn[start:end]`.")
    end: int
    weight: float


class ChunkView(BaseModel):
    """75 places, and what stands in them."""

    tokens: list[TokenView]
    left: int = Field(description="Places that are free.")


class PartView(BaseModel):
    """One of the prompts that AND composes."""

    weight: float
    chunks: list[ChunkView]


class Tokens(BaseModel):
    """A prompt as the text encoder gets it at one step."""

    model: str
    drawn: str = Field(description="The prompt with choices and wildcards drawn.")
    count: int = Field(description="Tokens, summed over all parts.")
    parts: list[PartView]
    changes: list[int] = Field(description="Steps after which the prompt says something else.")


@router.get("/tokens", responses=documented(422, 503))
def read_tokens(asked: Annotated[Asked, Query()], services: ServicesDep) -> Tokens:
    """Show how a prompt is cut into tokens, chunk by chunk, with weights and places left."""
    model = find_model(asked.model, services.store, services.settings)
    tokenizer = services.tokenizers.of(model)
    pair = ("", asked.prompt) if asked.negative else (asked.prompt, "")
    drawn = PromptLibrary.read(services.settings.prompts).draw(*pair, (), asked.seed)[asked.negative]
    prompt = parse(drawn, composed=not asked.negative)
    parts = [
        PartView(weight=part.weight, chunks=[_view(chunk) for chunk in tokenizer.chunks(part.items)])
        for part in prompt.at(asked.step, asked.steps)
    ]
    return Tokens(
        model=model.name,
        drawn=drawn,
        count=sum(len(chunk.tokens) for part in parts for chunk in part.chunks),
        parts=parts,
        changes=[until for until, _ in prompt.schedule(asked.steps)][:-1],
    )


def _view(chunk: Chunk) -> ChunkView:
    tokens = [TokenView.model_validate(token, from_attributes=True) for token in chunk.tokens]
    return ChunkView(tokens=tokens, left=CHUNK - len(tokens))
