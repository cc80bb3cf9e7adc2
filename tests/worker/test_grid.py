"""Grids from claim to ledger: the cells are the pictures their requests give alone, and one picture shows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from contract.blobs import Blobs
from contract.grid import Grid, cells
from contract.jobs import JobState
from contract.kinds import JobRequest
from contract.requests import Inpaint, Txt2Img, total_steps
from contract.settings import Settings
from tests.worker.bench import Bench, Pixels, at_work
from tests.worker.engine.tiny import tiny
from worker.engine.runner import Runner
from worker.grid import GridPlan
from worker.kinds import plan
from worker.prepare import prepare
from worker.sheet import Sheet

IMAGE, MASK = "img_" + "a" * 26, "img_" + "b" * 26
BASE: dict[str, Any] = {
    "kind": "txt2img", "prompt": "a cat", "model": "mini", "width": 64, "height": 64, "seed": 5, "steps": 2,
    "sampler": "euler", "guidance": 3,
}  # fmt: skip
PICTURE = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    torch.set_num_threads(1)
    with at_work(settings, tiny()) as bench:
        yield bench


def grid(base: dict[str, Any] | None = None, **axes: tuple[str, Any]) -> Grid:
    named = {name: {"field": field, "values": values} for name, (field, values) in axes.items()}
    return Grid.model_validate({"base": {**BASE, **(base or {})}, **named})


def submit(bench: Bench, asked: Grid, inputs: dict[str, str] | None = None) -> str:
    found = cells(asked)
    drawn = tuple((cell.request.prompt, cell.request.negative_prompt) for cell in found)
    return bench.submit(asked, sum(total_steps(cell.request) for cell in found), inputs, drawn)


def alone(bench: Bench, request: JobRequest, inputs: dict[str, str] | None = None) -> list[Pixels]:
    job = bench.run(bench.submit(request, 1, inputs))
    assert job.state is JobState.SUCCEEDED
    return [bench.pixels(image) for image in job.images]


def test_cells_are_the_pictures_their_requests_give_alone(bench: Bench) -> None:
    asked = grid(x=("steps", "1-3"), y=("sampler", "euler, Heun Karras"), z=("prompt", "cat, a"))
    job = bench.run(submit(bench, asked))
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert [(image.index, image.role) for image in job.images] == [(i, "output") for i in range(12)] + [(12, "grid")]
    assert job.progress.steps == 2 * 2 * (1 + 2 + 3)
    found = cells(asked)
    for number in (0, 5, 11):
        (expected,) = alone(bench, found[number].request)
        np.testing.assert_array_equal(bench.pixels(job.images[number]), expected)
    assert len({image.sha256 for image in job.images}) == 13, "all differ"


def test_the_grid_shows_every_cell_where_it_belongs(bench: Bench) -> None:
    asked = grid(x=("steps", "1-2"), y=("seed", "7, 9"))
    job = bench.run(submit(bench, asked))
    *outputs, whole = (bench.pixels(image) for image in job.images)
    paper = Sheet((64, 64), (1, 2, 2), ["steps: 1", "steps: 2"], ["seed: 7", "seed: 9"], [])
    for number, pixels in enumerate(outputs):
        left, top = paper.place(number)
        np.testing.assert_array_equal(whole[top : top + 64, left : left + 64], pixels)
    assert whole.shape == (paper.picture.height, paper.picture.width, 3)
    assert [image.seed for image in job.images] == [7, 7, 9, 9, None]


def test_metadata_tells_the_axes_and_a_cells_own_request(bench: Bench) -> None:
    asked = grid(x=("prompt", "cat, dog"), y=("steps", "1-2"))
    job = bench.run(submit(bench, asked))
    stored = [bench.store.image(image.id) for image in job.images]
    cell, whole = stored[3], stored[4]
    assert cell is not None
    assert whole is not None
    assert (cell.metadata["prompt"], cell.metadata["cell"]) == ("a dog", {"x": "dog", "y": 2})
    assert Txt2Img.model_validate(cell.metadata["request"]) == Txt2Img.model_validate(
        {**BASE, "prompt": "a dog", "steps": 2}
    )
    assert whole.metadata["axes"] == {
        "x": {"field": "prompt", "values": ["cat", "dog"]}, "y": {"field": "steps", "values": [1, 2]},
    }  # fmt: skip
    assert (whole.role, whole.seed, whole.metadata["role"]) == ("grid", 5, "grid")
    assert Grid.model_validate(whole.metadata["request"]) == asked


def test_cells_of_an_inpainting_keep_the_inputs_size_and_their_raw_pictures(bench: Bench) -> None:
    image = np.random.default_rng(4).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    mask = np.zeros((70, 90), np.uint8)
    mask[20:50, 30:60] = 255
    inputs = {IMAGE: bench.put(image), MASK: bench.put(mask)}
    asked = grid({"kind": "inpaint", "image": IMAGE, "mask": MASK}, x=("strength", "0.5, 1"), y=("guidance", "1, 4"))
    job = bench.run(submit(bench, asked, inputs))
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    assert [(image.index, image.role) for image in job.images] == [
        *((i, role) for i in range(4) for role in ("output", "raw")), (4, "grid"),
    ]  # fmt: skip
    assert {(image.width, image.height) for image in job.images[:8:2]} == {(90, 70)}
    request = cells(asked)[3].request
    assert isinstance(request, Inpaint)
    expected = alone(bench, request, inputs)
    np.testing.assert_array_equal(bench.pixels(job.images[6]), expected[0])
    np.testing.assert_array_equal(bench.pixels(job.images[7]), expected[1])


def test_cells_share_calls_and_an_input_is_read_once(bench: Bench) -> None:
    asked = grid({"kind": "img2img", "image": IMAGE}, x=("strength", "0.5-1 [4]"), y=("seed", "1-4"))
    inputs = {IMAGE: bench.put(PICTURE)}
    planned = GridPlan(asked, inputs, [("a cat", "")], bench.blobs)
    assert len({id(request.init) for request in planned.requests}) == 1
    before = bench.engine.stats
    job = bench.run(submit(bench, asked, inputs))
    after = bench.engine.stats
    assert job.state is JobState.SUCCEEDED
    assert after.images - before.images == 16
    assert after.rows - before.rows == 2 * job.progress.steps
    assert after.calls - before.calls <= 4, "alone, each step of each cell would take a call"


def test_each_cells_request_is_what_it_would_be_alone(tmp_path: Path) -> None:
    """Every field an axis may have, in one cell each."""
    blobs = Blobs(tmp_path)
    asked = grid(
        {"sampler": "euler_a", "schedule": "polyexponential"},
        x=("eta", "0.1, 0.2"), y=("rho", "1, 2"), z=("clip_skip", "0, 1"),
    )  # fmt: skip
    others = [
        grid(x=(field, values))
        for field, values in {
            "guidance": "2, 3", "guidance_rescale": "0, .5", "guidance_start": "0, .5", "guidance_end": ".5, 1",
            "feature_cache": "1, 2",
            "s_churn": "1, 2", "s_tmin": "0, 1", "s_tmax": "1, 9", "s_noise": "0.9, 1", "sigma_min": "0.1, 0.2",
            "sigma_max": "5, 9", "schedule": "normal, beta", "tiling": "none, x", "prompt": "cat, dog", "seed": "1, 2",
        }.items()
    ]  # fmt: skip
    for each in (asked, *others):
        found = cells(each)
        drawn = [(cell.request.prompt, cell.request.negative_prompt) for cell in found]
        for cell, words, made in zip(found, drawn, GridPlan(each, {}, drawn, blobs).requests, strict=True):
            expected = prepare(cell.request, {}, [words], blobs).request
            for name in expected.__dataclass_fields__:
                assert getattr(made, name) == getattr(expected, name), (each.x.field, name)


def test_a_cell_that_fails_fails_the_job_with_its_message(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Runner.denoise

    def poisoned(runner: Runner, flights: Any) -> Any:
        answers = plain(runner, flights)
        return [a * float("nan") if f.seed == 13 else a for f, a in zip(flights, answers, strict=True)]

    monkeypatch.setattr(Runner, "denoise", poisoned)
    job = bench.run(submit(bench, grid(x=("seed", "11-14"))))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert (job.error.code, "not numbers" in job.error.message) == ("nan_image", True)
    assert "grid" not in {image.role for image in job.images}


def test_cancelling_cancels_all_cells(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(bench, grid({"steps": 500}, x=("seed", "1-9")))
    plain = Runner.denoise

    def cancelling(runner: Runner, flights: Any) -> Any:
        bench.store.cancel(job_id)
        return plain(runner, flights)

    monkeypatch.setattr(Runner, "denoise", cancelling)
    job = bench.run(job_id)
    assert (job.state, job.images) == (JobState.CANCELLED, [])
    assert bench.engine.stats.flights == 0


def test_a_cancel_while_inputs_are_read_is_heard(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(bench, grid({"steps": 500}, x=("seed", "1-9")))

    def late(*args: Any) -> Any:
        bench.store.cancel(job_id)
        bench.worker._cancel(job_id)
        return plan(*args)

    monkeypatch.setattr("worker.model_workshop.plan", late)
    before = bench.engine.stats.calls
    assert bench.run(job_id).state is JobState.CANCELLED
    assert bench.engine.stats.calls - before <= 1


def test_previews_of_cells_are_kept_by_their_numbers(bench: Bench) -> None:
    job_id = submit(bench, grid({"steps": 30}, x=("seed", "1-3")))
    job = bench.run(job_id)
    assert job.state is JobState.SUCCEEDED
    assert any(bench.store.newest_preview(job_id, index) for index in range(3))
