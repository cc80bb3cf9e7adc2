"""How much memory this process takes."""

import os
from pathlib import Path

from contract.jobs import MemoryUse

_STATM = Path("/proc/self/statm")  # in pages: the second number is what lies in memory


def memory_of_process() -> MemoryUse | None:
    """Of the machine's; None on a system that does not tell."""
    try:
        page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        return MemoryUse(used=int(_STATM.read_text("ascii").split()[1]) * page, total=pages * page)
    except (OSError, ValueError):
        return None
