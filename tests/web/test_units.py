"""The units of the pages' modules that need no page, each in a file of tests/web/units: node's own runner runs them."""

import re
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

UNITS = Path(__file__).resolve().parent / "units"


def test_every_unit_does_what_its_tests_say() -> None:
    node, _ = compute_driver_executable()  # Playwright brings a node along
    files = sorted(map(str, UNITS.glob("*.test.mjs")))
    ran = subprocess.run(
        [node, "--test", "--test-reporter=tap", *files], capture_output=True, text=True, timeout=240, check=False
    )
    told = ran.stdout + ran.stderr
    assert ran.returncode == 0, told
    passed = re.search(r"^# pass (\d+)$", told, re.MULTILINE)
    assert passed, told
    assert int(passed[1]) >= len(files) > 0, told
