"""The command that trains the bundled model."""

from __future__ import annotations

import pytest

from worker.training.__main__ import SHARES, _parser
from worker.training.stages import Studio


def test_without_a_stage_it_does_all_of_it() -> None:
    arguments = _parser().parse_args([])
    assert (arguments.stage, arguments.minutes) == ("all", 120.0)
    assert _parser().parse_args(["--minutes", "5"]).stage == "all"


def test_every_stage_is_there_and_the_time_is_shared_out() -> None:
    assert sum(SHARES.values()) == pytest.approx(1.0)
    assert all(callable(getattr(Studio, stage)) for stage in (*SHARES, "tokenizer", "grid", "card"))
