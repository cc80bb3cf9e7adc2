"""The notation of lists and ranges, against lists written out and against numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.ranges import read_items, read_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("7", [7]),
        ("1, 5,8", [1, 5, 8]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("1 - 5", [1, 2, 3, 4, 5]),
        ("5-1", [5, 4, 3, 2, 1]),
        ("1-5 (+2)", [1, 3, 5]),
        ("1-6(2)", [1, 3, 5]),
        ("10-5 (-3)", [10, 7]),
        ("1-10 [5]", [1, 3, 5, 7, 10]),  # 3.25, 5.5 and 7.75 rounded down
        ("3-3", [3]),
        ("-3--1", [-3, -2, -1]),
        ("1-3, 10-30 (+10), 4", [1, 2, 3, 10, 20, 30, 4]),
        (" , 2, ", [2]),
    ],
)
def test_whole_numbers(text: str, numbers: list[int]) -> None:
    read = read_numbers(text, whole=True)
    assert read == numbers
    assert all(type(number) is int for number in read)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.5", [0.5]),
        ("1e-3, .25", [0.001, 0.25]),
        ("1-3", [1.0, 2.0, 3.0]),
        ("0-1 (+0.25)", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("1-0 [3]", [1.0, 0.5, 0.0]),
        ("7.5-1 (-2.5)", [7.5, 5.0, 2.5]),
        ("1-10 [5]", [1.0, 3.25, 5.5, 7.75, 10.0]),
    ],
)
def test_numbers(text: str, numbers: list[float]) -> None:
    assert read_numbers(text, whole=False) == numbers


def test_decimals_do_not_drift() -> None:
    read = read_numbers("0.6-0.99 (+0.01)", whole=False)
    assert read == [round(0.6 + 0.01 * i, 2) for i in range(40)]
    assert [str(number) for number in read[:3]] == ["0.6", "0.61", "0.62"]


@given(st.integers(0, 500), st.integers(0, 500), st.integers(2, 256))
def test_evenly_spaced_as_numpy_has_it(first: int, last: int, count: int) -> None:
    read = read_numbers(f"{first}-{last} [{count}]", whole=False)
    np.testing.assert_allclose(read, np.linspace(first, last, count), rtol=1e-12, atol=1e-12)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 9))
def test_steps_as_python_has_them(first: int, last: int, step: int) -> None:
    by = step if last >= first else -step
    assert read_numbers(f"{first}-{last} ({by:+d})", whole=True) == list(range(first, last + (1 if by > 0 else -1), by))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1-a", "'1-a' is no whole number and no range"),
        ("1.5", "is no whole number"),
        ("nan", "is no whole number"),
        ("1-2-3", "is no whole number"),
        ("1-5 (-1)", "leads nowhere"),
        ("1-5 (0)", "leads nowhere"),
        ("1-5 (+0.5)", "must be whole numbers"),
        ("1-3 [5]", "has fewer than 5 whole numbers"),
        ("1-3 [1]", "2 to 256 values"),
        ("1-9 [300]", "2 to 256 values"),
        ("1-257", "has 257 values; at most 256"),
        ("0-9999999999999999 (+0.000000001)", "at most 256"),
    ],
)
def test_what_is_no_list_says_which_item(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"^1|^0|^nan|^'") as refusal:
        read_numbers(text, whole=True)
    assert says in str(refusal.value)


def test_infinity_is_no_number() -> None:
    for text in ("inf", "1e999", "nan"):
        with pytest.raises(ValueError, match="is no number"):
            read_numbers(text, whole=False)


def test_items_may_hold_commas_in_quotes() -> None:
    assert read_items("cat, dog ,fish") == ["cat", "dog", "fish"]
    assert read_items('a cat, "a dog, sitting", "he said ""no"""') == ["a cat", "a dog, sitting", 'he said "no"']
    assert read_items("cat\ndog, Лиса") == ["cat", "dog", "Лиса"]
    assert read_items(" , ") == []
