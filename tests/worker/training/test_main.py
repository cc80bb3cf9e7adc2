"""The command that trains the bundled model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import CLIPModel

from worker.training.__main__ import SHARES, _parser
from worker.training.stages import Studio


def test_without_a_stage_it_does_all_of_it() -> None:
    arguments = _parser().parse_args([])
    assert (arguments.stage, arguments.minutes) == ("all", 120.0)
    assert _parser().parse_args(["--minutes", "5"]).stage == "all"


def test_every_stage_is_there_and_the_time_is_shared_out() -> None:
    assert sum(SHARES.values()) == pytest.approx(1.0)
    assert all(callable(getattr(Studio, stage)) for stage in (*SHARES, "tokenizer", "grid", "card"))


def test_a_warm_stage_begins_with_the_weights_of_the_folder_and_a_cold_one_does_not(tmp_path: Path) -> None:
    model = Path(__file__).parents[3] / "models" / "mini"
    assert Studio(tmp_path, model)._before("clip", CLIPModel) is None
    begin = Studio(tmp_path, model, warm=True)._before("clip", CLIPModel)
    assert begin is not None
    kept = load_file(model / "clip" / "model.safetensors")
    torch.testing.assert_close(begin.text_projection.weight, kept["text_projection.weight"].float(), atol=0, rtol=0)
    assert "start of the clip" in (tmp_path / "report.txt").read_text()  # the card tells of it
