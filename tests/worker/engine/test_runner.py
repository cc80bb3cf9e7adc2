"""Rows, chunks, guidance and buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import BUCKETS, Runner
from worker.engine.ticket import Ticket
from worker.models.loader import Components

LONG = "a house, " * 12  # two chunks in this vocabulary


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


def fly(
    runner: Runner, prompt: str = "a cat", negative: str = "", guidance: float = 5.0, seed: int = 1, **inputs: Any
) -> Flight:
    request = EngineRequest(
        words=(Words(prompt, negative),),
        width=32,
        height=32,
        steps=3,
        sampler="euler",
        schedule="karras",
        guidance=guidance,
        seed=seed,
        **inputs,
    )
    return runner.board(Job.of(Ticket(request), runner.levels, ends_clean=True), 0)


def rows_of_calls(runner: Runner, flights: Sequence[Flight]) -> list[int]:
    """Batch sizes the U-Net sees for these flights, trials of buckets aside."""
    sizes: list[int] = []
    runner.denoise(flights)
    hook = runner.components.unet.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    runner.denoise(flights)
    hook.remove()
    return sizes


@torch.inference_mode()
def test_guidance_1_costs_one_row(components: Components) -> None:
    runner = Runner(components)
    plain = [fly(runner, guidance=1.0) for _ in range(8)]
    assert [flight.rows for flight in plain] == [1] * 8
    assert rows_of_calls(runner, plain) == [8]
    assert rows_of_calls(runner, [fly(runner) for _ in range(4)]) == [8]
    assert rows_of_calls(runner, [fly(runner, guidance=1.0)]) == [4]


@torch.inference_mode()
def test_guidance_is_computed_from_both_prompts(components: Components) -> None:
    runner = Runner(components)
    positive, negative, both = (
        runner.denoise([flight])[0]
        for flight in (
            fly(runner, "a cat", guidance=1.0),
            fly(runner, "fish", guidance=1.0),
            fly(runner, "a cat", "fish"),
        )
    )
    torch.testing.assert_close(both, negative + 5.0 * (positive - negative), atol=1e-4, rtol=1e-5)


@torch.inference_mode()
def test_shorter_prompts_go_round_to_the_longer(components: Components) -> None:
    """A prompt repeated gives what it gives alone, so only rounding changes."""
    runner = Runner(components)
    guided = fly(runner, "a cat", LONG)
    assert guided.key.length == 2 * 77
    assert not guided.key.masked
    alone = [runner.denoise([fly(runner, text, guidance=1.0)])[0] for text in ("a cat", LONG)]
    assert (alone[0] - alone[1]).abs().max() > 1e-2, "the prompts make no difference here"
    torch.testing.assert_close(
        runner.denoise([guided])[0], alone[1] + 5.0 * (alone[0] - alone[1]), atol=1e-4, rtol=1e-5
    )


@torch.inference_mode()
def test_prompts_that_do_not_divide_each_other_are_padded_behind_a_mask(components: Components) -> None:
    """Three chunks and two: what the mask hides changes nothing but rounding."""
    runner = Runner(components)
    longer = "a house, " * 25
    guided = fly(runner, longer, LONG)
    assert guided.key.length == 3 * 77
    assert guided.key.masked
    positive, negative = (runner.denoise([fly(runner, text, guidance=1.0)])[0] for text in (longer, LONG))
    torch.testing.assert_close(
        runner.denoise([guided])[0], negative + 5.0 * (positive - negative), atol=1e-4, rtol=1e-5
    )


@torch.inference_mode()
def test_a_chunk_is_encoded_once(components: Components) -> None:
    runner, calls = Runner(components), []
    hook = components.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    for prompt in ("cat", "house", "cat", "a (house:1.2)", "(a) house", "cat"):
        fly(runner, prompt)
    hook.remove()
    assert len(calls) == 4, "cat, house, a house, and the empty negative prompt"
    assert (runner.texts.hits, runner.texts.misses) == (8, 4)


@torch.inference_mode()
def test_a_bucket_that_rounds_otherwise_is_left_out(components: Components) -> None:
    """A U-Net whose answer depends on the batch size from 8 rows on is only asked in fours and sixes."""
    runner = Runner(components)
    sizes: list[int] = []

    def rounds(module: object, args: tuple[Tensor, ...], output: tuple[Tensor]) -> tuple[Tensor]:
        sizes.append(len(output[0]))
        return (output[0] * (1 + 1e-6 * (len(output[0]) >= 8)),)

    hook = components.unet.register_forward_hook(rounds)
    flights = [fly(runner, seed=seed) for seed in range(8)]
    alone = [runner.denoise([flight])[0] for flight in flights]
    together = runner.denoise(flights)
    sizes.clear()
    runner.denoise(flights)
    hook.remove()
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
    assert sizes == [6, 6, 4]


@torch.inference_mode()
def test_more_rows_than_the_largest_bucket(components: Components) -> None:
    runner = Runner(components)
    flights = [fly(runner, seed=seed) for seed in range(BUCKETS[-1] // 2 + 1)]
    answers = runner.denoise(flights)
    assert torch.equal(answers[-1], runner.denoise(flights[-1:])[0])


def striped(*greys: float) -> Tensor:
    """A mask of upright stripes, one latent pixel wide, (1, 32, 8 * stripes)."""
    return torch.tensor(greys).repeat_interleave(8).expand(1, 32, -1).contiguous()


@torch.inference_mode()
def test_a_soft_mask_opens_stripe_by_stripe(components: Components) -> None:
    """Three steps: black never, a third for the last, two thirds for the last two, white for all."""
    runner = Runner(components)
    init = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    flight = fly(runner, init=init, mask=striped(0, 1 / 3, 2 / 3, 1), soft=True)
    assert flight.prepared.known is not None
    latent = flight.prepared.known.latent
    noise = (flight.x - latent) / flight.sigma
    painted = []
    while flight.landed is None:
        seen = (flight.x - latent) / flight.sigma  # the noise, where nothing was painted yet
        painted.append([float((seen - noise)[:, :, stripe].abs().max()) > 1e-3 for stripe in range(4)])
        flight.advance(torch.full_like(flight.x, 9.0))
    assert painted == [[False] * 4, [False, False, False, True], [False, False, True, True]]
    assert torch.equal(flight.landed[:, :, 0], latent[:, :, 0])
    assert bool((flight.landed[:, :, 1:] == 9).all())


@torch.inference_mode()
def test_a_model_made_for_inpainting_sees_each_flights_own_mask() -> None:
    """Words, a picture, and two masks share a call, and each gets what it gets alone."""
    runner = Runner(tiny(channels=9))
    init = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    flights = [
        fly(runner),
        fly(runner, init=init),
        fly(runner, init=init, mask=striped(0, 0, 1, 1)),
        fly(runner, init=init, mask=striped(1, 0, 0, 0)),
    ]
    for flight in flights:
        assert flight.prepared.beside is not None
        assert flight.prepared.beside.shape == (5, 4, 4)
    together = runner.denoise(flights)
    assert all(torch.equal(a, runner.denoise([flight])[0]) for a, flight in zip(together, flights, strict=True))
    assert (together[2] - together[3]).abs().max() > 1e-3
    for flight in flights[1:]:  # the same latent: only what stands beside it differs
        assert torch.equal(flight.x, flights[1].x)


@torch.inference_mode()
def test_beside_a_u_net_that_sees_it_the_known_part_is_left_alone_unless_soft() -> None:
    runner = Runner(tiny(channels=9))
    init, mask = torch.zeros(3, 32, 32), striped(0, 0, 1, 1)
    for soft in (False, True):
        flight = fly(runner, init=init, mask=mask, soft=soft)
        while flight.landed is None:
            flight.advance(torch.full_like(flight.x, 9.0))
        assert bool((flight.landed[:, :, :2] == 9).all()) is not soft


@torch.inference_mode()
def test_where_neighbours_may_show_no_bucket_is_tried(components: Components) -> None:
    """Four guided flights are a bucket of 8: two of 4 and one of 8 more calls, once, to see that they agree."""
    calls: dict[bool, int] = {}
    for strict in (True, False):
        runner, sizes = Runner(components, strict=strict), list[int]()
        hook = components.unet.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))  # noqa: B023
        runner.denoise([fly(runner) for _ in range(4)])
        hook.remove()
        calls[strict] = len(sizes)
    assert calls == {True: 4, False: 1}
