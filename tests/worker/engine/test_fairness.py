"""Deficit round robin, priorities and patience, on integers."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.engine.fairness import Fairness, Lane, in_turns, patience

SQUARE: Lane = ("mini", 128, 128)
WIDE: Lane = ("mini", 128, 256)


@dataclass(frozen=True, eq=False)
class Claim:
    age: int
    owner: str = "local"
    priority: int = 1
    lane: Lane = SQUARE
    price: int = 1


def price(claim: Claim) -> int:
    return claim.price


def served(claims: list[Claim], budget: int, ticks: int) -> Counter[Claim]:
    fairness, steps = Fairness(), Counter[Claim]()
    for _ in range(ticks):
        steps.update(fairness.choose(claims, price, budget))
    return steps


def cost(steps: Counter[Claim], **of: object) -> int:
    """What those of an owner, or of a lane, were served."""
    return sum(
        count * claim.price for claim, count in steps.items() if all(getattr(claim, k) == v for k, v in of.items())
    )


def test_owners_share_by_cost_however_many_jobs_they_have() -> None:
    many, few = [Claim(age, "a") for age in range(30)], [Claim(100 + age, "b", price=3) for age in range(5)]
    steps = served([*many, *few], budget=10, ticks=60)
    assert abs(cost(steps, owner="a") - cost(steps, owner="b")) <= 10
    assert cost(steps) >= 60 * (10 - 2), "what is left over is smaller than any that waits"


def test_lanes_share_by_cost_and_jobs_of_a_lane_by_turns() -> None:
    squares = [Claim(age, price=1 + age % 2) for age in range(10)]
    wides = [Claim(100 + age, lane=WIDE, price=4) for age in range(4)]
    steps = served([*squares, *wides], budget=8, ticks=100)
    assert abs(cost(steps, lane=SQUARE) - cost(steps, lane=WIDE)) <= 8
    for lane in (squares, wides):
        turns = [steps[claim] for claim in lane]
        assert max(turns) - min(turns) <= 1


def test_an_owner_without_need_saves_nothing_up() -> None:
    """A hundred ticks with one small job give no right to a hundred ticks at the others' expense."""
    fairness = Fairness()
    bulk, modest = [Claim(0, "a") for _ in range(20)], [Claim(1, "b")]
    for _ in range(100):
        assert modest[0] in fairness.choose([*bulk, *modest], price, 8)
    burst = [Claim(1, "b") for _ in range(20)]
    chosen = fairness.choose([*bulk, *burst], price, 8)
    assert sum(claim.owner == "b" for claim in chosen) == 4


def test_a_charge_counts_as_if_it_had_been_steps() -> None:
    fairness = Fairness()
    claims = [Claim(age, owner) for age, owner in enumerate("aabb" * 10)]
    fairness.choose(claims, price, 8)
    fairness.charge("a", 6)
    assert Counter(claim.owner for claim in fairness.choose(claims, price, 10)) == {"a": 2, "b": 8}


def test_priority_counts_within_an_owner_only() -> None:
    high = [Claim(age, "a", priority=2) for age in range(10)]
    normal = [Claim(20 + age, "a") for age in range(10)]
    low = [Claim(40 + age, "b", priority=0) for age in range(10)]
    chosen = Fairness().choose([*normal, *low, *high], price, 8)
    assert sum(claim.owner == "b" for claim in chosen) == 4
    assert [claim.priority for claim in chosen if claim.owner == "a"] == [2] * 4


@pytest.mark.parametrize("priority", [0, 1])
def test_who_is_passed_over_runs_out_of_patience(priority: int) -> None:
    """One more urgent job is in the way, two jobs for one place: a round is two ticks."""
    fairness, claims = Fairness(), [Claim(0, priority=2), Claim(1, priority=priority)]
    stepped = [fairness.choose(claims, price, 1)[0].age for _ in range(200)]
    at = [tick for tick, age in enumerate(stepped) if age == 1]
    assert at[0] == patience(priority) * 2
    assert {later - earlier for earlier, later in itertools.pairwise(at)} == {patience(priority) * 2 + 1}


def test_one_that_costs_more_than_the_budget_steps_alone_and_in_its_turn() -> None:
    huge, small = Claim(0, price=20, lane=WIDE), Claim(1, price=4)
    fairness = Fairness()
    chosen = [fairness.choose([huge, small], price, 10) for _ in range(60)]
    assert chosen == [[huge], [small]] * 30


def test_in_turns() -> None:
    claims = [Claim(age) for age in (3, 3, 1, 3, 1, 2)]
    assert [claim.age for claim in in_turns(claims)] == [3, 1, 2, 3, 1, 3]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.sampled_from([SQUARE, WIDE]), st.integers(1, 4)),
        min_size=1,
        max_size=8,
    ),
    st.integers(6, 12),
)
def test_nobody_pauses_for_longer_than_the_bound(kinds: list[tuple[str, int, Lane, int]], budget: int) -> None:
    claims = [Claim(age, *kind) for age, kind in enumerate(kinds)]
    round_ = -(-sum(claim.price for claim in claims) // budget)
    fairness, stepped = Fairness(), dict.fromkeys(claims, 0)
    for tick in range(1, 250):
        chosen = fairness.choose(claims, price, budget)
        assert len(chosen) == 1 or sum(map(price, chosen)) <= budget
        left = budget - sum(map(price, chosen))
        assert all(claim.price > left for claim in claims if claim not in chosen), "none pauses for whom there is room"
        stepped.update((claim, tick) for claim in chosen)
        assert all(tick - at <= patience(claim.priority) * round_ + len(claims) for claim, at in stepped.items())
