"""What can go wrong on a device, told apart by what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")


def is_memory(error: Exception) -> bool:
    """Whether a device or host ran out of memory; the CPU allocator, and CUDA's driver, say so in a text."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(text in str(error) for text in ("can't allocate memory", "CUDA error: out of memory"))


def is_broken(error: Exception) -> bool:
    """Whether the device's context is dead: after an illegal access or a failed assertion every further call fails."""
    if is_memory(error):
        return False
    return isinstance(error, torch.AcceleratorError) or (isinstance(error, RuntimeError) and "CUDA error" in str(error))


def twice(act: Callable[[], T], free: Callable[[], None]) -> T:
    """Do it; where there was too little memory, give back what is merely kept and do it once more."""
    try:
        return act()
    except Exception as error:
        if not is_memory(error):
            raise
    free()  # out here, where the exception no longer holds the tensors of the call
    return act()
