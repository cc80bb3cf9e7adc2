"""A job as the worker goes about it: what the engine develops, and the pictures that come of it. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from contract.kinds import JobRequest
from contract.requests import PictureRequest
from worker.engine.ticket import Picture

if TYPE_CHECKING:
    from worker.engine.request import EngineRequest
    from worker.pictures import Pixels, Role
    from worker.prepare import Drawn, Order


@dataclass(frozen=True, eq=False)
class Print:
    """A picture to be stored as number `index` of its job. made_from: what its file and its record tell of it."""

    index: int
    seed: int | None
    role: Role
    pixels: Pixels
    made_from: Mapping[str, Any]


class Plan(Protocol):
    """What each kind of job says: the engine's requests, all submitted at once, and what becomes of their pictures."""

    @property
    def requests(self) -> Sequence[EngineRequest]:
        """None where no model is needed."""
        ...

    def develop(self, picture: Picture) -> Iterator[Print]:
        """What to store now that the engine has handed over one of its pictures; its output comes last."""
        ...

    def recall(self, kept: Mapping[int, str], /) -> frozenset[int]:
        """Which of the engine's pictures need not be made. kept: SHA-256 of outputs that an earlier run stored."""
        ...

    def finish(self) -> Iterator[Print]:
        """What to store now that all have come."""
        ...


@dataclass(frozen=True)
class Pictures:
    """txt2img, img2img and inpaint: each picture of one request is stored as it comes."""

    request: PictureRequest
    drawn: Drawn
    order: Order

    @property
    def requests(self) -> Sequence[EngineRequest]:
        return (self.order.request,)

    def develop(self, picture: Picture) -> Iterator[Print]:
        return prints(picture, self.order, self.request, words_of(self.drawn, picture.index))

    def recall(self, kept: Mapping[int, str], /) -> frozenset[int]:
        return frozenset(kept)

    def finish(self) -> Iterator[Print]:
        return iter(())


def prints(
    picture: Picture, order: Order, request: PictureRequest, words: tuple[str, str], **more: Any
) -> Iterator[Print]:
    """The pictures that one of the engine's becomes, each with the request it was made by, and its output last."""
    finished = order.finish(picture.rgb)
    made_from = {**told(request, words), **more, **finished.measured}
    for role, pixels in sorted(finished.pictures.items(), key=lambda each: each[0] == "output"):
        yield Print(picture.index, picture.seed, role, pixels, made_from)


def told(request: JobRequest, words: tuple[str, str]) -> dict[str, Any]:
    """A request and the prompts that were drawn of it, as they are kept with a picture: not whom its end is told to."""
    asked = request.model_dump(mode="json", exclude={"webhook": True, "base": {"webhook"}})
    return {"request": asked, "prompt": words[0], "negative_prompt": words[1]}


def words_of(drawn: Drawn, index: int) -> tuple[str, str]:
    """Prompt and negative prompt of picture `index`; one pair may stand for all."""
    return drawn[index if len(drawn) > 1 else 0]
