"""The head that reads a scene back from a caption's tokens."""

import math

import pytest
import torch

from worker.training.attributes import ANSWERS, Attributes, truth
from worker.training.world.vocabulary import Scene, Subject

PAIR = Scene(
    (Subject("cat", "red", pattern="tabby", eyes="blue"), Subject("dog", "white")), "beach", "night", "flat", 1,
    relation="left of",
)  # fmt: skip
ALONE = Scene((Subject("tree", "green"),), "snow", "day", "pencil sketch", 2, weather="fog", count=3)


def _words(scene: Scene) -> dict[str, str]:
    return {name: words[int(i)] for (name, (words, _)), i in zip(ANSWERS.items(), truth([scene])[:, 0], strict=True)}


def test_truth_is_what_the_scene_says() -> None:
    told = _words(PAIR)
    assert (told["first kind"], told["first colour"], told["first pattern"], told["first eyes"]) == (
        "cat", "red", "tabby", "blue",
    )  # fmt: skip
    assert (told["second kind"], told["second colour"], told["second eyes"]) == ("dog", "white", "")
    assert (told["relation"], told["place"], told["time"], told["count"]) == ("left of", "beach", "night", "1")


def test_nobody_beside_and_a_pencil_without_colour_are_answers_too() -> None:
    told = _words(ALONE)
    assert (told["second kind"], told["second colour"], told["relation"]) == ("", "", "")
    assert (told["first colour"], told["weather"], told["count"]) == ("", "fog", "3")


def test_padding_says_nothing() -> None:
    torch.manual_seed(0)
    head, states = Attributes(16), torch.randn(2, 5, 16)
    mask = torch.tensor([[1, 1, 1, 0, 0]] * 2)
    other = states.clone()
    other[:, 3:] = 9.0
    for one, two in zip(head(states, mask), head(other, mask), strict=True):
        torch.testing.assert_close(one, two)


def test_loss_of_one_who_knows_nothing_is_the_mean_log_of_the_words() -> None:
    head = Attributes(16)
    for parameter in head.tell.parameters():
        torch.nn.init.zeros_(parameter)
    loss = head.loss(torch.randn(2, 4, 16), torch.ones(2, 4), [PAIR, ALONE])
    wanted = sum(math.log(len(words)) for words, _ in ANSWERS.values()) / len(ANSWERS)
    assert loss.item() == pytest.approx(wanted, rel=1e-5)
