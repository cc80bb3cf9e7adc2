import signal
import sys
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.cli.launched import Launched


@pytest.fixture
def launch() -> Iterator[Callable[..., Launched]]:
    """Start processes; whatever they leave behind is ended after the test."""
    launched: list[Launched] = []

    def start(*argv: str, env: Mapping[str, str] | None = None) -> Launched:
        launched.append(Launched([sys.executable, *argv], env=env))
        return launched[-1]

    yield start
    for one in launched:
        if one.process.poll() is None:
            left = one.tree()
            one.process.send_signal(signal.SIGKILL)
            for process in left:
                process.kill()
            one.end()
