"""The page marks a prompt's weights as the contract reads them: both read the same 250 prompts."""

import json
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from contract.prompt import Span, parse
from tests.contract.test_prompt_cases import COMPOSED, SCHEDULES, WEIGHTS

WEB = Path(__file__).resolve().parents[2] / "web" / "static" / "js"
STEPS = 12

SCRIPT = """
import { stretches } from %s;
let sent = "";
for await (const piece of process.stdin) sent += piece;
const shown = (text) => stretches(text).map((each) => ({ ...each, text: text.slice(each.start, each.end) }));
console.log(JSON.stringify(JSON.parse(sent).map(shown)));
"""


def weights(prompt: str) -> list[float | None]:
    """The weight that each character has at some step; None for what is never text."""
    found: list[float | None] = [None] * len(prompt)
    for _, parts in parse(prompt).schedule(STEPS):
        for part in parts:
            for item in part.items:
                if isinstance(item, Span):
                    found[item.start : item.end] = [item.weight] * len(item.text)
    return found


def test_the_page_reads_prompts_as_the_contract_does() -> None:
    prompts = [prompt for prompt, _ in (*WEIGHTS, *SCHEDULES, *COMPOSED)]
    assert len(prompts) > 200
    module = json.dumps((WEB / "prompt" / "weights.js").as_uri())
    node, _ = compute_driver_executable()  # Playwright brings a node along
    ran = subprocess.run(
        [node, "--input-type=module", "--eval", SCRIPT % module],
        input=json.dumps(prompts), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for prompt, told in zip(prompts, json.loads(ran.stdout), strict=True):
        assert "".join(each["text"] for each in told) == prompt
        shown = [each for each in told for _ in each["text"]]
        for at, (weight, mark) in enumerate(zip(weights(prompt), shown, strict=True)):
            if weight is None:  # a sign, a word of no step, or a part without words
                assert mark["kind"] != "text" or mark["timed"] or prompt[at].isspace(), (prompt, at)
                continue
            assert mark["kind"] == "text", (prompt, at)
            assert abs(mark["weight"] - weight) < 1e-6, (prompt, at)
