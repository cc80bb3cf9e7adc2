"""Prompts as rows: schedules, composition, guidance, and prompts that are moved."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from torch import Tensor

from contract.prompt import Break, Span
from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Conditioning, Items, Words, combine, condition, most_rows, row_count
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.ticket import Ticket

LONG = "a house, " * 12  # two chunks in this vocabulary
GUIDANCE = 4.0


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(tiny())


def fly(runner: Runner, *words: Any, **changes: Any) -> Flight:
    plain: dict[str, Any] = {
        "words": (Words(*words),), "width": 32, "height": 32, "steps": 4, "sampler": "euler", "schedule": "karras",
        "guidance": GUIDANCE, "seed": 1,
    }  # fmt: skip
    request = EngineRequest(**plain | changes)
    return runner.board(Job.of(Ticket(request), runner.levels, ends_clean=True), 0)


def finish(runner: Runner, flight: Flight) -> Tensor:
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return flight.landed


def encode(items: Items) -> Tensor:
    """Stand-in states that tell what was said: its characters' sum, and how many chunks BREAK asks for."""
    value = sum(ord(letter) * item.weight for item in items if isinstance(item, Span) for letter in item.text)
    return torch.full((1 + sum(isinstance(item, Break) for item in items), 77, 2), float(value))


def said(conditioning: Conditioning, step: int, row: int = 0) -> float:
    return float(conditioning.at(step).texts[row, 0, 0])


def test_what_holds_follows_the_step() -> None:
    made = condition(Words("[a:b:2]", "[c|d]"), 4, encode)
    assert [said(made, step) for step in range(6)] == [97, 97, 98, 98, 98, 98]
    assert [said(made, step, row=1) for step in range(4)] == [99, 100, 99, 100]


def test_what_is_said_twice_is_encoded_once() -> None:
    heard: list[Items] = []

    def listen(items: Items) -> Tensor:
        heard.append(items)
        return encode(items)

    made = condition(Words("[a|b]", ""), 100, listen)
    assert len(heard) == 3, "a, b and the empty negative prompt"
    assert len(set(map(id, made.stages))) == 2


@pytest.mark.parametrize(
    ("prompt", "guidance", "rows"),
    [
        ("a", 4.0, 2),
        ("a", 1.0, 1),
        ("a AND b", 4.0, 3),
        ("a :0.5 AND b :0.5", 1.0, 2),  # weights of sum 1 need no negative prompt
        ("a AND b", 1.0, 3),
        ("a AND b", 0.5, 2),
    ],
)
def test_rows(prompt: str, guidance: float, rows: int) -> None:
    made = condition(Words(prompt), 4, encode)
    assert row_count(made.weights, guidance) == rows
    assert most_rows(Words(prompt), guidance, (0.0, 1.0)) == max(rows, row_count(made.weights, 1.0))


def test_and_is_a_word_in_a_negative_prompt() -> None:
    assert len(condition(Words("a", "b AND c"), 4, encode).stages[0].texts) == 2


def test_guidance_goes_past_the_positive() -> None:
    positive, negative = torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), 1.0)
    both = torch.stack([positive, negative])
    assert torch.equal(combine(both, (1.0,), 7.5), torch.full((1, 2, 2), 16.0))
    assert torch.equal(combine(both, (1.0,), 0.0), negative)
    assert torch.equal(combine(positive[None], (1.0,), 1.0), positive)


def test_the_answers_are_combined_as_composable_diffusion_has_it() -> None:
    torch.manual_seed(0)
    one, two, negative = torch.randn(3, 4, 8, 8)
    made = combine(torch.stack([one, two, negative]), (0.75, -0.5), GUIDANCE)
    torch.testing.assert_close(made, negative + 4 * (0.75 * (one - negative) - 0.5 * (two - negative)))
    assert torch.equal(combine(one[None], (1.0,), 1.0), one)
    torch.testing.assert_close(combine(torch.stack([one, two]), (0.25, 0.75), 1.0), 0.25 * one + 0.75 * two)


@pytest.mark.parametrize("rescale", [0.3, 0.7, 1.0])
def test_rescaling_is_diffusers_own(rescale: float) -> None:
    torch.manual_seed(0)
    positive, negative = torch.randn(2, 4, 8, 8)
    guided = negative + 7.5 * (positive - negative)
    theirs = rescale_noise_cfg(guided[None], positive[None], rescale)[0]
    torch.testing.assert_close(combine(torch.stack([positive, negative]), (1.0,), 7.5, rescale), theirs)


@torch.inference_mode()
@pytest.mark.parametrize("first", ["a cat", LONG])
def test_a_scheduled_prompt_is_two_runs_glued_at_the_step(runner: Runner, first: str) -> None:
    """Two steps of one prompt, then two of the other from where it was, with Euler's formula written out."""
    scheduled = finish(runner, fly(runner, f"[{first}:snow:2]", "fish"))
    before, after = fly(runner, first, "fish"), fly(runner, "snow", "fish")
    sigmas, x = before.leg.sigmas, before.x
    for step, flight in enumerate((before, before, after, after)):
        flight.x, flight.sigma = x, sigmas[step]
        denoised = runner.denoise([flight])[0]
        x = x + (x - denoised) / sigmas[step] * (sigmas[step + 1] - sigmas[step])
    torch.testing.assert_close(scheduled, x, atol=1e-4, rtol=1e-4)
    assert (scheduled - finish(runner, fly(runner, first, "fish"))).abs().max() > 1e-3, "of which rounding is a tenth"


@torch.inference_mode()
@pytest.mark.parametrize("sampler", ["heun", "plms", "dpmpp_2m", "restart"])
def test_both_evaluations_of_a_step_hear_the_same_prompt(runner: Runner, sampler: str) -> None:
    flight = fly(runner, "[cat|snow]", sampler=sampler, steps=8)
    heard = []
    while flight.landed is None:
        heard.append((flight.job.steps_done, id(flight.stage)))
        flight.advance(runner.denoise([flight])[0])
    assert len({stage for _, stage in heard}) == 2
    assert len(set(heard)) == 8, "one prompt for each of the eight steps"


@torch.inference_mode()
def test_composed_prompts_are_their_own_answers_weighed(runner: Runner) -> None:
    both = runner.denoise([fly(runner, "a cat :0.7 AND snow :0.6", "fish")])[0]
    cat, snow, fish = (runner.denoise([fly(runner, text, guidance=1.0)])[0] for text in ("a cat", "snow", "fish"))
    expected = fish + GUIDANCE * (0.7 * (cat - fish) + 0.6 * (snow - fish))
    torch.testing.assert_close(both, expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_guidance_between_two_fractions_of_the_steps(runner: Runner) -> None:
    flight = fly(runner, "a cat", "fish", steps=10, guided=(0.25, 0.7))
    rows = []
    while flight.landed is None:
        rows.append(flight.rows)
        flight.advance(runner.denoise([flight])[0])
    assert rows == [1, 1, 1, 2, 2, 2, 2, 1, 1, 1]
    assert most_rows(Words("a cat"), GUIDANCE, (0.25, 0.7)) == 2


@torch.inference_mode()
def test_blended_and_moved_prompts(runner: Runner) -> None:
    """In the encoder's space: a weighted mean, and steps along differences, each text going round its own chunks."""
    plain = {text: fly(runner, text).stage.texts[0] for text in ("cat", "snow", "fish", LONG)}
    blended = fly(runner, "cat", "", (("snow", 0.5), ("fish", 0.25))).stage.texts[0]
    expected = (plain["cat"] + 0.5 * plain["snow"] + 0.25 * plain["fish"]) / 1.75
    torch.testing.assert_close(blended, expected, atol=1e-6, rtol=1e-5)
    moved = fly(runner, "cat", "", (), (("snow", "fish", -0.5),)).stage.texts[0]
    torch.testing.assert_close(moved, plain["cat"] - 0.5 * (plain["snow"] - plain["fish"]), atol=1e-6, rtol=1e-5)
    longer = fly(runner, "cat", "", ((LONG, 1.0),)).stage.texts[0]
    torch.testing.assert_close(longer, (plain["cat"].repeat(2, 1) + plain[LONG]) / 2, atol=1e-6, rtol=1e-5)
    assert torch.equal(fly(runner, "cat", "").stage.texts[1], fly(runner, "").stage.texts[0]), "the negative stays"
