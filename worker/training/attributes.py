"""What a caption says, read back from its tokens: a head that helps to train CLIP's text encoder, and is thrown away.

CLIP's own loss looks at one vector for the whole caption, where "a red cat and a blue dog" and "a blue cat and a red
dog" are nearly the same (Yuksekgonul et al. 2023), and asks nothing of the other tokens; yet those are what the U-Net
looks at. So each attribute of the scene has to be told from all of them by one question, as the U-Net's
cross-attention asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.training.world.vocabulary import (
    COLOURS,
    EYES,
    PATTERNS,
    PLACES,
    RELATIONS,
    STYLES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Scene,
    Subject,
)

Answer = Callable[[Scene], str]


def _of(place: int, what: Callable[[Subject], str]) -> Answer:
    """Of the subject at `place` in the scene's order; nothing where there is none."""
    return lambda scene: what(scene.subjects[place]) if place < len(scene.subjects) else ""


def _coloured(answer: Answer) -> Answer:
    """A pencil has one colour: captions of its sketches name none."""
    return lambda scene: "" if scene.style == "pencil sketch" else answer(scene)


ANSWERS: dict[str, tuple[tuple[str, ...], Answer]] = {
    "place": (PLACES, lambda scene: scene.place),
    "time": (TIMES, lambda scene: scene.time),
    "weather": (WEATHERS, lambda scene: scene.weather),
    "style": (STYLES, lambda scene: scene.style),
    "relation": (("", *RELATIONS), lambda scene: scene.relation),
    "count": (("1", "2", "3"), lambda scene: str(scene.count)),
}
for _place, _which in enumerate(("first", "second")):
    ANSWERS |= {
        f"{_which} kind": (("", *SUBJECTS), _of(_place, lambda subject: subject.kind)),
        f"{_which} colour": (("", *COLOURS), _coloured(_of(_place, lambda subject: subject.colour))),
        f"{_which} pattern": (("", *PATTERNS), _of(_place, lambda subject: subject.pattern)),
        f"{_which} eyes": (("", *EYES), _of(_place, lambda subject: subject.eyes)),
    }


class Attributes(nn.Module):
    """One learnt question for each of ANSWERS, with eight heads, over token states (B, T, `width`)."""

    HEADS = 8

    def __init__(self, width: int) -> None:
        super().__init__()
        self.questions = nn.Parameter(torch.randn(len(ANSWERS), width) * width**-0.5)
        self.look = nn.MultiheadAttention(width, self.HEADS, batch_first=True)
        self.tell = nn.ModuleList([nn.Linear(width, len(words)) for words, _ in ANSWERS.values()])

    def forward(self, states: Tensor, mask: Tensor) -> list[Tensor]:
        """Logits (B, words) for each of ANSWERS; `mask` (B, T) is 1 where a token is no padding."""
        questions = self.questions.expand(len(states), -1, -1)
        seen, _ = self.look(questions, states, states, key_padding_mask=mask == 0, need_weights=False)
        return [tell(seen[:, place]) for place, tell in enumerate(self.tell)]

    def loss(self, states: Tensor, mask: Tensor, scenes: Sequence[Scene]) -> Tensor:
        """Cross-entropy, the mean over all attributes; a scalar."""
        told = zip(self(states, mask), truth(scenes).to(states.device), strict=True)
        return torch.stack([functional.cross_entropy(logits.float(), right) for logits, right in told]).mean()


def truth(scenes: Sequence[Scene]) -> Tensor:
    """Which of its words answers each of ANSWERS, int64 (attributes, B)."""
    return torch.tensor([[words.index(answer(scene)) for scene in scenes] for words, answer in ANSWERS.values()])
