"""What saves work: steps without guidance, and deep features reused. Against sampling loops written out here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.ticket import Ticket

GUIDANCE = 5.0


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(tiny())


def fly(runner: Runner, words: Words = Words("a cat", "fish"), **changes: Any) -> Flight:  # noqa: B008  # frozen
    given: dict[str, Any] = {
        "words": (words,), "width": 32, "height": 32, "steps": 6, "sampler": "euler", "schedule": "karras",
        "guidance": GUIDANCE, "seed": 1,
    }  # fmt: skip
    request = EngineRequest(**(given | changes))
    return runner.board(Job.of(Ticket(request), runner.levels, ends_clean=True), 0)


def land(runner: Runner, *flights: Flight) -> list[Tensor]:
    """All of them together, to the end: their latents."""
    while flying := [flight for flight in flights if flight.landed is None]:
        for flight, answer in zip(flying, runner.denoise(flying), strict=True):
            flight.advance(answer)
    return [flight.finished for flight in flights]


def eps(unet: Any, x: Tensor, t: float, texts: Tensor, deep: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The plain U-Net on one latent and each of these texts, and what its outermost up block got from below.

    deep: what it gets in place of that. Rows are brought to four, where kernels round alike.
    """
    rows = len(texts)
    found: list[Tensor] = []

    def between(_: object, inputs: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        found.append(named["hidden_states"][:rows])
        put = named["hidden_states"] if deep is None else torch.cat([deep, *[deep[-1:]] * (4 - rows)])
        return inputs, named | {"hidden_states": put}

    hook = unet.up_blocks[-1].register_forward_pre_hook(between, with_kwargs=True)
    states = torch.cat([texts, *[texts[-1:]] * (4 - rows)])
    out = unet(x.expand(4, *x.shape), torch.full((4,), t), encoder_hidden_states=states, return_dict=False)[0][:rows]
    hook.remove()
    return out, found[0]


def euler(runner: Runner, flight: Flight, guided: tuple[float, float] = (0, 1), every: int = 1) -> Tensor:
    """Euler's method step by step (Karras et al. 2022), guided in a part of the steps, with deep features kept."""
    texts, sigmas, x = flight.stage.texts, flight.leg.sigmas, flight.x
    steps = len(sigmas) - 1
    deep: Tensor | None = None
    for step in range(steps):
        sigma, t = sigmas[step], runner.levels.t(sigmas[step])
        within = guided[0] * steps <= step < guided[1] * steps
        rows = texts if within else texts[:1]
        usable = step % every > 0 and deep is not None and len(deep) >= len(rows)
        given = deep[: len(rows)] if usable and deep is not None else None
        noise, below = eps(runner.components.unet, x / (sigma**2 + 1) ** 0.5, t, rows, given)
        deep = deep if usable else below
        told = noise[1] + GUIDANCE * (noise[0] - noise[1]) if within else noise[0]
        x = x + (sigmas[step + 1] - sigma) * told
    return x


def close(one: Tensor, other: Tensor) -> None:
    torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("guided", [(0.0, 1.0), (0.2, 0.7), (0.5, 1.0), (0.0, 0.4)])
def test_guidance_in_a_part_of_the_steps(runner: Runner, guided: tuple[float, float]) -> None:
    """Beside flights that are guided all the way, elsewhere, and never."""
    flights = [
        fly(runner, guided=guided),
        fly(runner),
        fly(runner, guided=(0.3, 0.9), seed=2),
        fly(runner, guidance=1.0),
    ]
    expected = euler(runner, fly(runner), guided)
    close(land(runner, *flights)[0], expected)


@torch.inference_mode()
def test_without_a_feature_cache_nothing_changes(runner: Runner) -> None:
    """The bits of the plain U-Net, alone and beside others that reuse features."""
    flight, other = fly(runner, steps=1), fly(runner, steps=1, seed=2, feature_cache=3)
    sigma = flight.sigma
    noise, _ = eps(
        runner.components.unet, flight.x * (1 / (sigma**2 + 1) ** 0.5), runner.levels.t(sigma), flight.stage.texts
    )
    expected = flight.x - sigma * (noise[1] + GUIDANCE * (noise[0] - noise[1]))
    before = runner.rows_reused
    assert torch.equal(runner.denoise([flight])[0], expected)
    assert torch.equal(runner.denoise([flight, other])[0], expected)
    assert runner.rows_reused == before
    assert flight.deep is None


@torch.inference_mode()
@pytest.mark.parametrize("every", [2, 3, 6])
def test_deep_features_are_reused(runner: Runner, every: int) -> None:
    before = runner.rows_reused
    (latent,) = land(runner, fly(runner, feature_cache=every))
    assert runner.rows_reused - before == 2 * (6 - 6 // every)
    close(latent, euler(runner, fly(runner), every=every))
    assert (latent - land(runner, fly(runner))[0]).abs().max() > 1e-3, "it makes a difference here"


@torch.inference_mode()
def test_deep_features_and_guidance_in_a_part_of_the_steps(runner: Runner) -> None:
    made = fly(runner, steps=10, feature_cache=2, guided=(0.25, 0.7))
    close(land(runner, made)[0], euler(runner, fly(runner, steps=10), (0.25, 0.7), 2))


def depths(runner: Runner, flight: Flight) -> str:
    """Which of a flight's evaluations are whole (W) and which shallow (s)."""
    found = ""
    while flight.landed is None:
        found += "s" if flight.shallow else "W"
        flight.advance(runner.denoise([flight])[0])
    assert flight.deep is None
    return found


@torch.inference_mode()
def test_who_takes_the_whole_u_net(runner: Runner) -> None:
    assert depths(runner, fly(runner, steps=8)) == "WWWWWWWW"
    assert depths(runner, fly(runner, steps=8, feature_cache=3)) == "WssWssWs"
    # guided from the fourth step of ten to the seventh: two rows find one's features, one finds its own among two
    assert depths(runner, fly(runner, steps=10, feature_cache=2, guided=(0.25, 0.7))) == "WsWWWsWsWs"
    # another prompt at every step, and another from the fifth on
    assert depths(runner, fly(runner, Words("[cat|fish]"), steps=6, feature_cache=3)) == "WWWWWW"
    assert depths(runner, fly(runner, Words("[cat:fish:4]"), steps=8, feature_cache=8)) == "WsssWsss"
    # two evaluations a step, but the last
    assert depths(runner, fly(runner, steps=3, sampler="heun", feature_cache=2)) == "WsWsW"


@torch.inference_mode()
def test_where_noise_is_added_again_features_of_less_noise_do_not_serve(runner: Runner) -> None:
    flight = fly(runner, steps=16, sampler="restart", feature_cache=6)
    evaluation, risen = 0, 0
    while flight.landed is None:
        if flight.deep is not None and flight.sigma > flight.deep.sigma:
            risen += evaluation % 6 > 0
            assert not flight.shallow
        else:
            assert flight.shallow == (evaluation % 6 > 0)
        flight.advance(runner.denoise([flight])[0])
        evaluation += 1
    assert risen > 0


@torch.inference_mode()
def test_whole_and_shallow_rows_of_many_flights_do_not_touch_each_other(runner: Runner) -> None:
    """Nine flights at different points of their ways, with the bits that each has alone."""
    settings: list[dict[str, Any]] = [
        {"seed": seed, "feature_cache": every, "guidance": guidance, "steps": steps}
        for seed, (every, guidance, steps) in enumerate(
            [(1, 5, 6), (2, 5, 7), (3, 5, 6), (2, 1, 5), (5, 5, 8), (3, 1, 6)]
        )
    ]
    alone = [land(runner, fly(runner, **each))[0] for each in settings]
    crowd = [fly(runner, **each) for each in settings]
    for count in range(1, len(crowd)):  # they join one by one
        flying = [flight for flight in crowd[:count] if flight.landed is None]
        for flight, answer in zip(flying, runner.denoise(flying), strict=True):
            flight.advance(answer)
    assert all(torch.equal(a, b) for a, b in zip(alone, land(runner, *crowd), strict=True))


@torch.inference_mode()
def test_a_call_that_fails_leaves_no_features_behind(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its second try would be another picture."""
    first, second = fly(runner, feature_cache=2), fly(runner, feature_cache=2, seed=2)
    first.advance(runner.denoise([first])[0])
    assert (first.shallow, second.shallow) == (True, False)
    monkeypatch.setattr(runner.unet._depths, "_shallow", None)
    with pytest.raises(TypeError):
        runner.denoise([first, second])
    monkeypatch.undo()
    assert second.deep is None
    assert (first.shallow, second.shallow) == (True, False)


@torch.inference_mode()
def test_who_goes_on_from_a_whole_evaluation_needs_no_features(runner: Runner) -> None:
    whole, cut = fly(runner, feature_cache=3), fly(runner, feature_cache=3)
    (expected,) = land(runner, whole)
    for _ in range(3):
        cut.advance(runner.denoise([cut])[0])
    cut.deep = None
    assert torch.equal(land(runner, cut)[0], expected)
