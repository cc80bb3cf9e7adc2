"""Every part of `make gpu-check` and of the contest, on the tiny random model and the CPU."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bench import aims
from bench.accelerations import accelerations
from bench.accelerations import ways as real_ways
from bench.contest import PEERS, Cell, Contest, Plan
from bench.encode import png_times
from bench.gpu_check import Check, board, independence, onto, parity, step_times
from bench.peers import Bare, Call, alike
from bench.profiler import PARTS, profile
from bench.random_models import build
from bench.workloads import Scale, requests, row_steps
from tests.worker.engine.again import Again
from worker.engine.runner import Runner
from worker.engine.unet import EAGER, Acceleration, UNet
from worker.models.loader import Components

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CPU = torch.device("cpu")
SCALE = Scale(64, steps=(2, 3, 5), requests=2, burst=8)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tiny() -> Components:
    return build("tiny", CPU, torch.float32)


def test_parity_of_a_device_with_itself_is_exact() -> None:
    assert set(parity(CPU, steps=3).values()) == {0.0}


def test_a_copy_has_the_same_weights_and_is_another(tiny: Components) -> None:
    copy = onto(tiny, CPU)
    assert all(torch.equal(a, b) for a, b in zip(copy.unet.parameters(), tiny.unet.parameters(), strict=True))
    assert copy.unet is not tiny.unet


def test_batch_mates_change_nothing_in_strict_mode(tiny: Components) -> None:
    found = independence(tiny, mates=3, steps=2)
    assert found["strict"]["same_bits"]
    assert found["strict"]["largest_difference"] == 0
    assert found["rows"] == 8
    assert {"cost", "free"} <= found.keys()


def test_step_times_stand_beside_the_roofline(tiny: Components) -> None:
    found = step_times(tiny, "tiny", (2, 4), peaks=(1e3, 1e2))
    assert [call["rows"] for call in found["calls"]] == [2, 4]
    for call in found["calls"]:
        assert 0 < call["share_of_roofline"] < 1  # nothing computes a thousand teraflops here
        assert call["share_of_roofline"] * call["ms"] == pytest.approx(call["ms_at_least"])
    assert "share_of_roofline" not in step_times(tiny, "tiny", (2, 4), peaks=None)["calls"][0]


def test_every_way_of_calling_is_measured_beside_the_plain_one(
    tiny: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recording on the CPU stands for CUDA graphs, and nothing is compiled, which would take a minute."""
    ways = [("plain", EAGER), ("channels_last", EAGER), ("recorded", Acceleration(recorder=Again()))]
    monkeypatch.setattr("bench.accelerations.ways", lambda _: ways)
    found = accelerations(tiny, 4, seconds=300, least_ms=1e-3, times=2)
    assert list(found) == ["plain", "channels_last", "recorded"]
    assert found["plain"]["distance"] == 0
    for way in found.values():
        assert way["distance"] < 1e-4
        assert way["recompiles"] == 0
        assert way["share_of_roofline"] * way["ms"] == pytest.approx(1e-3)
    assert [name for name, _ in real_ways(CPU)] == ["plain", "channels_last", "compile"]


def test_a_compiler_that_takes_too_long_is_not_waited_for(tiny: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UNet, "compiling", True)
    assert accelerations(tiny, 4, seconds=0.0) == {"plain": {"error": "not compiled in 0 s"}}


def test_a_fault_in_one_part_is_kept_and_the_others_go_on(tmp_path: Path) -> None:
    check = Check(tmp_path / "deep" / "gpu.json", minutes=1.0)
    check.part("bad", lambda: 1 / 0)
    check.part("good", lambda: {"answer": 42})
    written = json.loads((tmp_path / "deep" / "gpu.json").read_text())
    assert "ZeroDivisionError" in written["bad"]["error"]
    assert written["good"] == {"answer": 42}


def test_without_time_parts_are_skipped(tmp_path: Path) -> None:
    check = Check(tmp_path / "gpu.json", minutes=0.0)
    check.part("late", lambda: pytest.fail("it ran"))
    assert "skipped" in check.found["late"]


def test_every_peer_answers_every_request(tiny: Components) -> None:
    plan = Plan(SCALE, max_rows=8, rounds=1, workloads=("mixed", "pictures"), loads=(0.8,))
    contest = Contest(tiny, plan)
    try:
        contest.run()
        made = sum(call.rows for call, _ in contest._ours.trace)
    finally:
        contest.stop()
    assert not contest.skipped
    for cell in (Cell("mixed"), Cell("pictures")):
        assert {peer for served, peer in contest.results if served == cell} == set(PEERS)
    for cell in (Cell("mixed", 0.8), Cell("pictures", 0.8)):
        assert {"P4", "P5", "P6"} <= {peer for served, peer in contest.results if served == cell}
    assert contest.shares["mixed"][0] > 0
    assert made == row_steps(requests("pictures", SCALE.requests, SCALE, seed=0))  # of the last serving, at a load


def test_picky_batches_share_guidance_and_sampler(tiny: Components) -> None:
    runner = Runner(tiny)
    asked = requests("mixed", 12, SCALE, seed=0)
    with torch.inference_mode():
        parts = alike([board(runner, request) for request in asked])
    kinds = [{(f.leg.request.sampler, f.leg.request.guidance) for f in part} for part in parts]
    assert all(len(kind) == 1 for kind in kinds)
    assert len(kinds) == len({(r.sampler, r.guidance) for r in asked})
    assert sum(map(len, parts)) == 12


def test_bare_calls_have_the_rows_they_are_asked_for(tiny: Components) -> None:
    bare = Bare(tiny)
    assert bare.run(Call(3, (4, 8, 6), (77, 32))).shape == (3, 4, 8, 6)


def test_who_joins_steps_at_the_next_tick_and_who_is_cancelled_is_gone_at_it(tiny: Components) -> None:
    assert aims.join_and_cancel(tiny, SCALE) == (1, 1)


def test_overhead_and_profile_cover_the_engine(tiny: Components) -> None:
    found = aims.overhead(tiny, SCALE, rows=8, times=2)
    assert found.rows == 8
    assert found.tick > 0
    spent = profile(tiny, requests("mixed", 4, SCALE, seed=0), max_rows=8)
    assert tuple(spent) == PARTS
    assert all(spent[part] > 0 for part in ("U-Net", "rows and guidance", "samplers", "decode", "bookkeeping"))
    assert "forward" not in vars(tiny.unet)


def test_pngs_keep_pixels_and_parameters() -> None:
    assert set(png_times(64)) == {"drawing", "photograph", "noise"}
