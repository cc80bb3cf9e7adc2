"""How a worker died, and whether a job that it ran alone has to do with it."""

import signal
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """Exit statuses by which a worker says why it ends itself."""

    HANGS = 70  # the device thread has not ticked for a minute
    BROKEN_DEVICE = 71  # the context of the device is dead: no job's fault, a new process has a new one


class Blame(StrEnum):
    """Whom a death is laid to. lua/alone.lua counts by it."""

    JOB = "job"  # a strike for one that ran alone
    CHANCE = "chance"  # nobody can tell; a strike only when it happens again and again
    OUTSIDE = "outside"  # somebody ended the worker, and its supervisor saw it: counts as chance, from the second on
    NONE = "none"  # the run is not counted at all


@dataclass(frozen=True)
class Death:
    """What is known of a worker's end; the reason completes "crashed by"."""

    reason: str
    blame: Blame


UNKNOWN = Death("an unknown cause", Blame.CHANCE)
OUT_OF_MEMORY = Death("running out of memory", Blame.JOB)
HANG = Death("hanging", Blame.JOB)

_FAULTS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
_STATUSES = {
    0: Death("an orderly end", Blame.NONE),
    Exit.BROKEN_DEVICE: Death("a broken device", Blame.NONE),
    Exit.HANGS: HANG,
}


def death(status: int, *, out_of_memory: bool | None = False) -> Death:
    """Read a process's end.

    status: as subprocess gives it, negative for a signal. out_of_memory: whether the kernel killed for want of memory;
    None = that cannot be told, so neither can who sent a SIGKILL.
    """
    if status >= 0:
        return _STATUSES.get(status, Death(f"exit status {status}", Blame.JOB))
    number = -status
    if number == signal.SIGKILL and out_of_memory:
        return OUT_OF_MEMORY
    if number == signal.SIGKILL and out_of_memory is None:
        return Death(_name(number), Blame.CHANCE)
    return Death(_name(number), Blame.JOB if number in _FAULTS else Blame.OUTSIDE)


def _name(number: int) -> str:
    return signal.Signals(number).name if number in signal.valid_signals() else f"signal {number}"
