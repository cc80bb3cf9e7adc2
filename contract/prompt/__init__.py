r"""The prompt language: what people type, as plain data with source positions. docs/prompts.md explains it to them.

A prompt goes through four steps, each of them a pure function:

1. `apply_styles(text, styles)`       styles around it                        styles.py
2. `expand(text, seed, wildcards)`    choices and wildcards drawn             expand.py
3. `refuse_extras(text)`              LoRAs and embeddings, until they load   extras.py
4. `parse(text)`                      weights, schedules, AND, BREAK          parser.py → model.py

What step 2 returns is the resolved prompt, worth storing with the picture: the later steps draw nothing. Only steps 1
to 3 raise, and only `PromptError`, which is a 422. `parse` takes every text.

>>> text = apply_styles("{red|blue} fox", ["{prompt}, [sketch:(oil:1.2):0.5]"])
>>> text = expand(text, seed=3)
>>> text
'red fox, [sketch:(oil:1.2):0.5]'
>>> refuse_extras(text)
>>> for until, (only,) in parse(text).schedule(steps=20):
...     print(until, [(run.text, run.weight) for run in runs(only.items)])
10 [('red fox, sketch', 1.0)]
20 [('red fox, ', 1.0), ('oil', 1.2)]
"""

from contract.errors import PromptError
from contract.prompt.expand import Wildcards, expand, read_wildcards
from contract.prompt.extras import Embedding, Extras, Lora, UnsupportedExtra, extras, refuse_extras
from contract.prompt.model import MAX_WEIGHT, Break, Prompt, Run, Span, Subprompt, runs
from contract.prompt.parser import MAX_DEPTH, MAX_SIGNS, escape, parse
from contract.prompt.styles import apply_styles

__all__ = [
    "MAX_DEPTH",
    "MAX_SIGNS",
    "MAX_WEIGHT",
    "Break",
    "Embedding",
    "Extras",
    "Lora",
    "Prompt",
    "PromptError",
    "Run",
    "Span",
    "Subprompt",
    "UnsupportedExtra",
    "Wildcards",
    "apply_styles",
    "escape",
    "expand",
    "extras",
    "parse",
    "read_wildcards",
    "refuse_extras",
    "runs",
]
