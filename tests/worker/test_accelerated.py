"""Which accelerations the settings choose."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from contract.settings import Settings
from worker.model_workshop import accelerated

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def chosen(device: torch.device, **settings: Any) -> tuple[str | None, bool]:
    """Backend, and whether calls are recorded."""
    found = accelerated(Settings(_env_file=None, **settings), device)
    assert found.backend is None or isinstance(found.backend, str)
    return found.backend, found.recorder is not None


def test_on_a_cpu_nothing_is_on_by_itself() -> None:
    assert chosen(CPU) == (None, False)
    assert chosen(CPU, strict=False) == (None, False)
    assert chosen(CPU, strict=False, compile="on") == ("inductor", False)


def test_on_cuda_compiling_is_on_where_strict_is_off() -> None:
    assert chosen(CUDA, cuda_graphs="off") == (None, False)
    assert chosen(CUDA, cuda_graphs="off", strict=False) == ("inductor", False)
    assert chosen(CUDA, cuda_graphs="off", strict=False, compile="off") == (None, False)


def test_on_cuda_calls_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.graph_pool_handle", lambda: (0, 1))
    assert chosen(CUDA) == (None, True)
    assert chosen(CUDA, strict=False) == ("inductor", True)


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="compile=on needs strict=off"):
        Settings(_env_file=None, compile="on")
    with pytest.raises(ValueError, match="needs a CUDA device"):
        accelerated(Settings(_env_file=None, cuda_graphs="on"), CPU)
