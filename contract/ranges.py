"""Lists and ranges as people write them: `1, 5, 8`, `1-5`, `1-5 (+2)`, `10-5 (-3)`, `1-10 [5]`.

>>> read_numbers("1-5, 8", whole=True), read_numbers("10-5 (-3)", whole=True)
([1, 2, 3, 4, 5, 8], [10, 7])
>>> read_numbers("0.6-0.7 (+0.05)", whole=False), read_numbers("1-10 [5]", whole=False)
([0.6, 0.65, 0.7], [1.0, 3.25, 5.5, 7.75, 10.0])
>>> read_items('cat, "a dog, sitting", fish')
['cat', 'a dog, sitting', 'fish']
"""

import csv
import re
from decimal import Decimal
from math import floor, isfinite

from contract.phrases import Phrase

MOST = 256  # values of one list

_NUMBER = r"([+-]?[0-9]{1,16}(?:\.[0-9]{0,9})?)"
_RANGE = re.compile(rf"{_NUMBER}\s*-\s*{_NUMBER}(?:\s*\(\s*{_NUMBER}\s*\)|\s*\[\s*([0-9]{{1,4}})\s*\])?")


def read_items(text: str) -> list[str]:
    """Items between commas, without the spaces around them; what holds a comma stands in double quotes."""
    found = [item.strip() for line in csv.reader(text.splitlines(), skipinitialspace=True) for item in line]
    return [item for item in found if item]


def read_numbers(text: str, *, whole: bool) -> list[int | float]:
    """Numbers and ranges between commas. whole: none of them may have a fraction.

    Raises ValueError that says which item is wrong and why.
    """
    return [number for item in text.split(",") if item.strip() for number in _read_item(item.strip(), whole)]


def _read_item(item: str, whole: bool) -> list[int | float]:
    found = _RANGE.fullmatch(item)
    if found is None:
        return [_number(item, whole)]
    first, last = Decimal(found[1]), Decimal(found[2])
    try:
        numbers = _spread(first, last, int(found[4])) if found[4] else _stepped(first, last, found[3])
        if whole:
            return _wholes(numbers, spread=bool(found[4]))
    except ValueError as error:
        raise ValueError(Phrase("{item}: {wrong}", item=item, wrong=Phrase.of(error.args[0]))) from None
    return [float(number) for number in numbers]


def _number(item: str, whole: bool) -> int | float:
    try:
        number = int(item) if whole else float(item)
        if isfinite(number):
            return number
        raise ValueError(item)
    except (ValueError, OverflowError):
        kind = Phrase("whole number") if whole else Phrase("number")
        raise ValueError(
            Phrase(
                "{item} is no {kind} and no range such as 1-5, 1-5 (+2) or 1-10 [5]", item=repr(item[:40]), kind=kind
            )
        ) from None


def _stepped(first: Decimal, last: Decimal, step: str | None) -> list[Decimal]:
    """From first toward last, by 1 where no step is given; the last is met or not reached. In decimals, so exact."""
    by = Decimal(step) if step else Decimal(1 if last >= first else -1)
    if by == 0 or (last - first) / by < 0:
        raise ValueError("its step leads nowhere; it must go from the first number to the second")
    count = int((last - first) / by) + 1
    if count > MOST:
        raise ValueError(Phrase("has {count} values; at most {most} are allowed", count=count, most=MOST))
    return [first + i * by for i in range(count)]


def _spread(first: Decimal, last: Decimal, count: int) -> list[Decimal]:
    """So many numbers, evenly spaced, both ends among them."""
    if not 2 <= count <= MOST:
        raise ValueError(Phrase("must ask for 2 to {most} values in its square brackets", most=MOST))
    return [first + (last - first) * i / (count - 1) for i in range(count)]


def _wholes(numbers: list[Decimal], *, spread: bool) -> list[int | float]:
    """Evenly spaced ones are rounded down, as people know it from elsewhere; others have to be whole."""
    if not spread and any(number != floor(number) for number in numbers):
        raise ValueError("must be whole numbers")
    wholes = [floor(number) for number in numbers]
    if len(set(wholes)) < len(wholes):
        raise ValueError(Phrase("has fewer than {count} whole numbers in it; ask for less", count=len(wholes)))
    return list(wholes)
