r"""Parameters as text in a picture, in the grammar that AUTOMATIC1111's web UI made common: written and read.

Lines of the prompt; the negative prompt from a line that begins `Negative prompt: ` on; a last line of three or more
`Key: value`, commas between. A value with a comma, a colon or a line's end in it is a JSON string.

>>> found = parse("a cat,\nasleep\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Model: \"a, b\"")
>>> found["Prompt"], found["Negative prompt"], found["Steps"], found["Model"]
('a cat,\nasleep', 'dog', '20', 'a, b')

The grammar has no way to write a prompt with a line that begins `Negative prompt:`.
"""

from contract.infotext.grammar import has_parameters, parse
from contract.infotext.labels import MAKER
from contract.infotext.read import number, read, sampler_of, schedule_of
from contract.infotext.write import describe, write

__all__ = ["MAKER", "describe", "has_parameters", "number", "parse", "read", "sampler_of", "schedule_of", "write"]
