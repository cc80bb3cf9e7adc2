"""Workloads follow from a seed, and figures are what their definitions say."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

from bench.workloads import (
    WORKLOADS,
    Ask,
    Scale,
    Summary,
    Workload,
    best,
    middle,
    percentile,
    plain,
    poisson,
    requests,
    row_steps,
    summary,
)
from worker.engine.request import EngineRequest

SCALE = Scale(64)


def told(request: EngineRequest) -> dict[str, Any]:
    """A request's fields that can be compared; of pictures their sums."""
    values = {field.name: getattr(request, field.name) for field in fields(request)}
    return values | {name: float(values[name].sum()) for name in ("init", "mask") if values[name] is not None}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_seed_gives_the_same_work(workload: Workload) -> None:
    first, second, third = ([told(r) for r in requests(workload, 40, SCALE, seed)] for seed in (1, 1, 2))
    assert first == second
    assert (first == third) == (workload == "uniform")


def test_mixed_is_what_its_name_says() -> None:
    """1,000 draws: each of three numbers of steps a third, each of six samplers a sixth, a fifth without guidance."""
    asked = requests("mixed", 1000, SCALE, seed=0)
    samplers = ("euler", "euler_a", "ddim", "dpmpp_2m", "lms", "unipc")
    shares: dict[object, float] = {20: 1 / 3, 30: 1 / 3, 50: 1 / 3, 1.0: 0.2, 5.0: 0.8} | dict.fromkeys(samplers, 1 / 6)
    found: Counter[object] = Counter(value for r in asked for value in (r.steps, r.guidance, r.sampler))
    assert found.keys() == shares.keys()
    for value, share in shares.items():
        assert abs(found[value] - 1000 * share) < 4 * math.sqrt(1000 * share * (1 - share))


def test_one_in_ten_has_a_picture_and_half_of_those_a_mask() -> None:
    asked = requests("pictures", 100, SCALE, seed=0)
    assert sum(r.init is not None for r in asked) == 10
    assert sum(r.mask is not None for r in asked) == 5


def test_three_sizes() -> None:
    assert {(r.width, r.height) for r in requests("sizes", 100, SCALE, seed=0)} == {(64, 64), (64, 48), (80, 64)}


def test_row_steps_count_guidance_and_strength() -> None:
    guided, plainly = plain(SCALE, 0, steps=20), plain(SCALE, 1, steps=30, guidance=1.0)
    (onto, *_) = requests("pictures", 1, SCALE, seed=0)
    assert row_steps([guided, plainly]) == 2 * 20 + 30
    assert row_steps([onto]) == round(0.6 * onto.steps) * (1 if onto.guidance == 1 else 2)


def test_poisson_comes_at_its_rate() -> None:
    """The mean of n gaps of mean 1 / rate has the deviation 1 / (rate * sqrt(n))."""
    asks = poisson([plain(SCALE, 0)] * 4001, per_second=2.5, seed=3)
    assert asks[0].arrival == 0
    assert abs(asks[-1].arrival / 4000 - 0.4) < 4 * 0.4 / math.sqrt(4000)
    assert [ask.arrival for ask in asks] == [ask.arrival for ask in poisson([plain(SCALE, 0)] * 4001, 2.5, 3)]


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(value) for value in range(20, 0, -1)]
    assert [percentile(values, share) for share in (0.05, 0.5, 0.95, 0.96, 1.0)] == [1, 10, 19, 20, 20]
    assert percentile([7.0], 0.95) == 7


def test_summary_counts_from_each_arrival() -> None:
    asks = [Ask(arrival, plain(SCALE, 0)) for arrival in (1.0, 2.0, 3.0)]
    assert summary(asks, [2.0, 5.0, 4.0]) == Summary(3 / 4, 1.0, 3.0)


def test_middle_and_best_go_figure_by_figure() -> None:
    rounds = [Summary(1.0, 9.0, 20.0), Summary(3.0, 7.0, 30.0), Summary(2.0, 8.0, 10.0)]
    assert middle(rounds) == Summary(2.0, 8.0, 20.0)
    assert best(rounds) == Summary(3.0, 7.0, 10.0)
