"""What the library tells of a picture, and what one may look for."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from contract.jobs import Image, StoredImage
from contract.library.search import fts5, words
from contract.requests import MAX_SEED, ImageId

UPLOAD = "upload"  # the kind of a picture that no job made
MAX_TAGS = 50  # of one picture


def _plain(name: str) -> str:
    """One line without blanks around it."""
    name = unicodedata.normalize("NFC", name.strip())
    if not name or any(unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise ValueError("must have a letter at least, and no control characters")
    return name


def _searchable(asked: str) -> str:
    if not (fts5(asked) or fts5(asked, negative=True)):
        raise ValueError("holds no word to look for")
    return asked


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_plain)]


class LibraryImage(Image):
    """One picture of the library: what made it, and what its owner made of it."""

    kind: str = Field(description="Of the job that made it; `upload` where none did.")
    model: str | None = Field(None, description="Name of the model that drew it.")
    sampler: str | None = None
    prompt: str = Field("", description="As it was drawn for this very picture.")
    negative_prompt: str = ""
    favourite: bool = False
    board: str | None = Field(None, description="Name of the board it is on.")
    tags: list[str] = Field(default_factory=list)


class Kept(LibraryImage, StoredImage):
    """A picture as the library keeps it: with its owner and how it was made."""

    def shown(self) -> LibraryImage:
        return LibraryImage.model_validate(self.model_dump(exclude={"owner", "metadata"}))


class Wanted(BaseModel):
    """Which pictures: those for which all of it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: list[ImageId] = Field([], max_length=1000, description="Only these; may be given several times.")
    q: Annotated[str, Field(max_length=200), AfterValidator(_searchable)] | None = Field(
        None,
        description='Words that stand in the prompt, all of them; `cat*` is a beginning, `"on the beach"` a phrase; '
        "with `negative:` before it a term is looked for in the negative prompt.",
    )
    kind: Name | None = Field(None, description="Kind of the job that made it, or `upload`.")
    role: Literal["output", "raw", "grid"] | None = Field(None, description="What it is within its job.")
    model: Name | None = Field(None, description="Name of the model.")
    sampler: Name | None = Field(None, description="Id of the sampler.")
    seed: int | None = Field(None, ge=0, le=MAX_SEED + 100, description="Its own seed.")
    width: int | None = Field(None, ge=1, le=100_000, description="Pixels.")
    height: int | None = Field(None, ge=1, le=100_000, description="Pixels.")
    since: AwareDatetime | None = Field(None, description="Made then or later.")
    until: AwareDatetime | None = Field(None, description="Made before then.")
    favourite: bool | None = Field(None, description="Only favourites, or only others.")
    board: Name | None = Field(None, description="Name of the board it is on.")
    tag: list[Name] = Field([], max_length=20, description="Tags it has, all of them; may be given several times.")


Sort = Literal["newest", "oldest", "largest", "smallest"]


class Changes(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    favourite: Annotated[bool, Field(strict=True)] = Field(False, description="Whether it is a favourite.")
    board: Name | None = Field(None, description="Name of the board to put it on; null = on none.")
    tags: list[Name] = Field([], max_length=MAX_TAGS, description="All tags it is to have.")


class Label(BaseModel):
    """A board or a tag."""

    name: str
    pictures: int = Field(description="That have it.")


class Labels(BaseModel):
    """What pictures are found again by: those of most pictures first, a thousand of each at most."""

    boards: list[Label]
    tags: list[Label]


def described(image: StoredImage) -> dict[str, Any]:
    """The columns that say how a picture was made. What an uploaded file says of itself is anybody's, so no such."""
    if image.job_id is None:
        words_of = dict.fromkeys(("prompt", "negative_prompt", "words", "negative_words"), "")
        return {"kind": UPLOAD, "model": None, "sampler": None, **words_of}
    made = image.metadata
    request = made.get("request", {})
    prompt, negative = made.get("prompt", ""), made.get("negative_prompt", "")
    return {
        "kind": request.get("kind", ""),
        "model": (made.get("model") or {}).get("name"),
        "sampler": request.get("base", request).get("sampler"),
        "prompt": prompt,
        "negative_prompt": negative,
        "words": words(prompt),
        "negative_words": words(negative),
    }
