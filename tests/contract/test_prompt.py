"""The prompt language beyond its table: laws that hold for every text, draws, tags, styles, and hostile input."""

import doctest
import importlib
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import BadRequest
from contract.prompt import (
    MAX_DEPTH,
    MAX_SIGNS,
    MAX_WEIGHT,
    Break,
    Prompt,
    PromptError,
    Run,
    Span,
    UnsupportedExtra,
    apply_styles,
    escape,
    expand,
    extras,
    parse,
    read_wildcards,
    refuse_extras,
    runs,
)

PIECES = [
    *"()[]{}|:\\<>_", " ", "\n", "a", "é", "e\u0301", "猫", "🦊", "1.3", "0.5", "8", "AND", "BREAK", " AND ", " BREAK ",
    "__bird__", "<lora:ink:1>", "2$$", "embedding:x", ":1.2)", ":b:4]",
]  # fmt: skip
pieces = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
anything = st.text(max_size=80) | pieces
plain = st.text(st.characters(blacklist_characters="()[]<>\\:|", codec="utf-8"), max_size=80).filter(
    lambda text: not re.search("AND|BREAK", text)
)


def spans(prompt: Prompt, step: int = 1, steps: int = 10) -> list[Span]:
    return [item for sub in prompt.at(step, steps) for item in sub.items if isinstance(item, Span)]


def said(text: str) -> str:
    """What a prompt of one part without schedules says."""
    (part,) = parse(text).at(1, 10)
    assert not any(isinstance(item, Break) for item in part.items)
    return "".join(item.text for item in part.items if isinstance(item, Span))


@pytest.mark.parametrize("name", ["", ".styles", ".expand", ".extras", ".parser", ".model"])
def test_doctests(name: str) -> None:
    assert doctest.testmod(importlib.import_module("contract.prompt" + name)).failed == 0


@given(anything)
def test_every_text_parses_and_positions_point_into_it_in_order(text: str) -> None:
    prompt = parse(text)
    assert prompt.parts
    for step in (1, 4, 5, 10):
        found = prompt.at(step, 10)
        assert len(found) == len(prompt.parts)
        last = 0
        for item in (item for sub in found for item in sub.items):
            assert last <= item.start < item.end <= len(text)
            last = item.end
            if isinstance(item, Span):
                assert text[item.start : item.end] == item.text
                assert abs(item.weight) <= MAX_WEIGHT
            else:
                assert text[item.start : item.end] == "BREAK"


@given(anything, st.integers(1, 12))
def test_a_schedule_is_what_holds_at_each_step(text: str, steps: int) -> None:
    prompt = parse(text)
    schedule = prompt.schedule(steps)
    untils = [until for until, _ in schedule]
    assert untils == sorted(set(untils))
    assert untils[-1] == steps
    for step in range(1, steps + 1):
        assert next(now for until, now in schedule if step <= until) == prompt.at(step, steps)
    assert all(first[1] != second[1] for first, second in pairwise(schedule))


@given(plain)
def test_plain_text_comes_back_as_itself(text: str) -> None:
    (part,) = parse(text).at(1, 10)
    assert part == (1.0, (Span(text, 1.0, 0, len(text)),) if text else ())


@given(anything)
def test_escaped_text_comes_back_as_itself(text: str) -> None:
    escaped = escape(text)
    assert said(escaped) == text
    assert expand(escaped, 0) == escaped
    assert extras(escaped) == ((), ())
    inside = parse(f"({escaped}:1.3)").at(1, 10)[0].items
    assert "".join(item.text for item in inside if isinstance(item, Span)) == text


@given(st.integers(0, MAX_DEPTH), st.sampled_from(["()", "[]"]), st.booleans())
def test_each_bracket_multiplies(depth: int, pair: str, closed: bool) -> None:
    (span,) = spans(parse(pair[0] * depth + "x" + pair[1] * depth * closed))
    assert span.text == "x"
    assert span.weight == pytest.approx((1.1 if pair == "()" else 1 / 1.1) ** depth, rel=1e-9)


@given(pieces)
def test_what_is_open_closes_at_the_end(text: str) -> None:
    opened = "(x [y " + re.sub(r"[\\()\[\]<>]", "", text)
    assert spans(parse(opened), 2) == spans(parse(opened + "])"), 2)


@given(st.floats(-99, 99).map(lambda number: f"{number:.4f}"))
def test_a_number_is_a_weight(number: str) -> None:
    assert spans(parse(f"a (b:{number})"))[1].weight == float(number)
    assert [part.weight for part in parse(f"a :{number} AND b").parts] == [float(number), 1]


@given(st.integers(1, 100), st.integers(0, 100))
def test_a_fraction_of_the_steps_is_exact(steps: int, percent: int) -> None:
    """Against integers: `step > percent/100 · steps` is `100 · step > percent · steps`."""
    if percent == 100:  # 1.00 is no fraction but step 1
        return
    prompt = parse(f"[a:b:0.{percent:02}]")
    for step in range(1, steps + 1):
        assert spans(prompt, step, steps)[0].text == ("b" if 100 * step > percent * steps else "a")


@given(st.integers(0, 30))
def test_a_step_switches_after_it(when: int) -> None:
    prompt = parse(f"[a:b:{when}]")
    assert [spans(prompt, step, 20)[0].text for step in range(1, 21)] == ["a"] * min(when, 20) + ["b"] * (20 - when)


@pytest.mark.parametrize("step", [0, -1, 11])
def test_steps_count_from_one(step: int) -> None:
    with pytest.raises(ValueError, match="is not in 1 to 10"):
        parse("a").at(step, 10)


def test_runs_join_what_has_one_weight_and_lead_back_to_the_source() -> None:
    source = r"c[a|o]t \(big\) (dog)s BREAK x"
    first, second, third, end, last = runs(parse(source).at(2, 10)[0].items)
    assert isinstance(first, Run)
    assert isinstance(third, Run)
    assert (first.text, first.weight) == ("cot (big) ", 1)
    assert [source[first.position(index)] for index in range(len(first.text))] == list(first.text)
    assert isinstance(second, Run)
    assert [run.text for run in (second, third, last) if isinstance(run, Run)] == ["dog", "s ", " x"]
    assert end == Break(23, 28)
    for index in (-1, len(first.text)):
        with pytest.raises(IndexError):
            first.position(index)


@given(anything)
def test_runs_keep_everything(text: str) -> None:
    for sub in parse(text).at(1, 10):
        joined = runs(sub.items)
        again = [item for run in joined for item in (run.spans if isinstance(run, Run) else (run,))]
        assert tuple(again) == sub.items
        weights = [run.weight if isinstance(run, Run) else None for run in joined]
        assert all(a is None or a != b for a, b in pairwise(weights))
        for run in joined:
            if isinstance(run, Run):
                assert "".join(text[run.position(index)] for index in range(len(run.text))) == run.text


# Hostile input


def test_brackets_beyond_the_limits_are_text() -> None:
    deep = "(" * (MAX_DEPTH + 3) + "x" + ")" * (MAX_DEPTH + 3)
    (span,) = spans(parse(deep + " y"))[:-1]
    assert span.text == "(((x)))"
    assert span.weight == pytest.approx(1.1**MAX_DEPTH)
    assert spans(parse(deep + " y"))[-1][:2] == (" y", 1)
    many = parse("(a)" * (MAX_SIGNS + 2))
    assert Counter(span.weight for span in spans(many)) == {1.1: MAX_SIGNS, 1.0: 1}
    assert spans(many)[-1].text == "(a)(a)"
    assert len(parse("a AND " * 2 * MAX_SIGNS).parts) == MAX_SIGNS + 1


HOSTILE = [
    "(", ")", "[", "]", "()", "[]", "(a)", "[a|b]", "[a:b:5]", "(a:1.2)", "([)]", "(]", "[(", "[|", "[:", ":", "|",
    "\\", r"\(", "AND ", " AND", "BREAK ", "A", "{", "}", "{|}", "{a|b}", "{2$$a|b}", "_", "__a-", "__a__", "<lora:",
    "<lora:a:1>", "embedding:", "a ", " ", "\u0301", "猫", ":1.3", "[a:(b:[c|",
]  # fmt: skip
FUNCTIONS: list[Callable[[str], object]] = [
    parse,
    lambda text: parse(text).at(1, 10),
    lambda text: expand(text, 1, {"a": ["b"]}),
    extras,
]


def _tolerant(function: Callable[[str], object], text: str) -> None:
    try:
        function(text)
    except PromptError:  # more wildcards, tags or choices than may be: an answer too
        return


def _lines_run(function: Callable[[str], object], text: str) -> int:
    """How many lines of the language's own code ran."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace if "prompt" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        _tolerant(function, text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_with_the_length_and_no_faster(unit: str) -> None:
    for function in FUNCTIONS:
        once, twice = (_lines_run(function, (unit * size)[:size]) for size in (1500, 3000))
        assert twice <= 2.2 * once + 200


def test_a_hundred_kilobytes_take_no_time_to_speak_of() -> None:
    """For what regular expressions do, which no line count sees: quadratic work would take minutes.

    Half a minute of processor time each, where an idle machine takes 0.05: this one may be slow, and busy.
    """
    deep = "[" + "(" * 63
    shapes = ["(" * 50_000 + ")" * 50_000, deep + "[a:b:5] " * 12_500 + "]", "(:" * 64 + " " * 100_000 + ")" * 64]
    shapes += ["{999999$$" + "|" * 100_000 + "}", "[" + "|" * 100_000 + "]", "[" + "a" * 100_000]
    for text in [*((unit * 100_000)[:100_000] for unit in HOSTILE), *shapes]:
        for function in FUNCTIONS:
            begin = time.process_time()
            _tolerant(function, text)
            assert time.process_time() - begin < 30, text[:20]


# Choices and wildcards


@pytest.mark.parametrize(
    ("text", "seed", "expected"),
    [
        # random.Random(0).random(): 0.844, 0.758, 0.421, 0.259, 0.511, …; of Random(1): 0.134, 0.847, 0.764, 0.255, …
        ("{a|b|c}", 0, "c"),
        ("{a|b|c}", 1, "a"),
        ("{a|b|c|d} {a|b|c|d} {a|b|c|d} {a|b|c|d}", 0, "d d b b"),
        ("{a|b|c|d} {a|b|c|d} {a|b|c|d} {a|b|c|d}", 1, "a d d b"),
        ("{2$$a|b|c}", 0, "c, b"),
        ("{2$$a|b|c}", 1, "a, b"),
        ("{3$$a|b|c}", 1, "a, b, c"),
        ("{9$$a|b}", 1, "a, b"),
        ("{0$$a|b}", 1, ""),
        ("{1$$a|b}", 1, "a"),
        ("{ 2$$a|b}", 1, "a, b"),
        ("{2$a|b}", 1, "2$a"),
        ("{x$$a|b}", 1, "x$$a"),
        ("{a|{b|c}}", 0, "c"),
        ("{a|{b|c}}", 1, "a"),
        ("{{a|b}|{c|d}} {e|f}", 1, "b f"),
        ("{a}", 0, "a"),
        ("{}", 0, ""),
        ("{|}", 0, ""),
        ("{a|}", 0, ""),
        ("x{|a}y", 0, "xay"),
        ("{a b, c|d}", 1, "a b, c"),
        ("{(red:1.2)|blue}", 1, "(red:1.2)"),
        ("{[a|b]|c}", 1, "[a|b]"),
        ("[{a|b}|c]", 0, "[b|c]"),
        ("[{a|b}:{c|d}:5]", 0, "[b:d:5]"),
        ("{red BREAK|x} AND y", 1, "red BREAK AND y"),
        (r"{a\|b|c}", 1, r"a\|b"),
        (r"\{a|b\}", 1, r"\{a|b\}"),
        ("{a|b", 1, "{a|b"),
        ("{a|{b|c}", 0, "{a|c"),
        ("a|b}", 1, "a|b}"),
        ("}{", 1, "}{"),
        ("{a\\", 1, "{a\\"),
        ("{🦊|猫}", 0, "猫"),
        ("a_b __ ____ _____ __-__ __a", 0, "a_b __ ____ _____ __-__ __a"),
        ("", 0, ""),
    ],
)
def test_choices(text: str, seed: int, expected: str) -> None:
    assert expand(text, seed) == expected


@given(anything.filter(lambda text: "__" not in text), st.integers(0, 2**53))
def test_draws_repeat_and_leave_nothing_to_draw(text: str, seed: int) -> None:
    once = expand(text, seed)
    assert once == expand(text, seed)
    if "{" not in text:
        assert once == text


def test_every_option_is_drawn_about_as_often() -> None:
    drawn = Counter(expand("{a|b|c|d}", seed) for seed in range(4000))
    assert set(drawn) == set("abcd")
    assert all(abs(count - 1000) < 150 for count in drawn.values())  # 5.5 standard deviations
    pairs = Counter(expand("{2$$a|b|c}", seed) for seed in range(6000))
    assert set(pairs) == {f"{x}, {y}" for x in "abc" for y in "abc" if x != y}
    assert all(abs(count - 1000) < 160 for count in pairs.values())


WILDCARDS = {
    "bird": ["owl", "heron"],
    "animals/bird": ["(owl:1.2)"],
    "hair_color": ["red"],
    "pair": ["__bird__ and {a|b}"],
    "self": ["x __self__"],
    "a": ["__b__"],
    "b": ["__a__"],
    "none": [],
    "empty": [""],
    "bomb": ["__empty__" * 5000],
    **{f"deep{number}": [f"__deep{number + 1}__"] for number in range(20)},
    "long": ["x" * 60_000],
}


@pytest.mark.parametrize(
    ("text", "seed", "expected"),
    [
        ("__bird__", 0, "heron"),
        ("__bird__", 1, "owl"),
        ("__bird__ __bird__", 1, "owl heron"),
        ("__animals/bird__", 0, "(owl:1.2)"),
        ("__hair_color__ hair", 0, "red hair"),
        ("__pair__", 1, "heron and b"),
        ("{__bird__|x}", 1, "heron"),
        ("_____bird__", 1, "___owl"),
        ("x__bird__y", 1, "xowly"),
        (r"\__bird__", 1, r"\__bird__"),
        ("__bird __ bird__", 1, "__bird __ bird__"),
        ("__bi.rd__", 1, "__bi.rd__"),
        ("__../bird__", 1, "__../bird__"),
        ("__empty__", 1, ""),
        ("{x|__nowhere__}", 1, "x"),  # not drawn, not needed
    ],
)
def test_wildcards(text: str, seed: int, expected: str) -> None:
    assert expand(text, seed, WILDCARDS) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__brid__", r"There is no wildcard brid; there are: bird.*\\__brid__"),
        ("__self__", "go round in a circle.*: self → self"),
        ("__a__", "go round in a circle.*: a → b → a"),
        ("__none__", "wildcard none has no entries"),
        ("__bomb__ " * 20, "add more than 100,000 characters"),
        ("__long__ __long__", "add more than 100,000 characters"),
        ("__deep0__", "more than 16 deep"),
        ("{" * 4001, "more than 4,000 choices"),
    ],
)
def test_wildcards_that_cannot_work(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message) as caught:
        expand(text, 1, WILDCARDS)
    assert isinstance(caught.value, BadRequest)
    assert caught.value.status == 422


def test_without_wildcards_the_error_says_so() -> None:
    with pytest.raises(PromptError, match="no wildcards at all"):
        expand("__bird__", 1)


@given(anything)
def test_expand_raises_nothing_else(text: str) -> None:
    _tolerant(lambda text: expand(text, 3, WILDCARDS), text)
    _tolerant(lambda text: parse(expand(text, 3, WILDCARDS)), text)


def test_wildcards_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "animals").mkdir()
    (tmp_path / "bird.txt").write_text("# birds\n\nowl\n  heron  \r\n", "utf-8-sig")
    (tmp_path / "animals" / "big_cat.txt").write_text("lion\n大猫", "utf-8")
    (tmp_path / "no name.txt").write_text("x")
    (tmp_path / "notes.md").write_text("x")
    assert read_wildcards(tmp_path) == {"animals/big_cat": ["lion", "大猫"], "bird": ["owl", "heron"]}
    assert read_wildcards(tmp_path / "nowhere") == {}


# LoRAs, embeddings, styles


@pytest.mark.parametrize(
    ("text", "loras", "embeddings"),
    [
        ("a fox", [], []),
        ("<lora:ink:0.8>", [("ink", 0.8)], []),
        ("<lora:ink>", [("ink", 1)], []),
        ("<lora: ink wash : -.5 >", [("ink wash", -0.5)], []),
        ("a<lora:x:1><lora:y:2>b", [("x", 1), ("y", 2)], []),
        ("(a <lora:x:1>:1.2)", [("x", 1)], []),
        (r"\<lora:x:1>", [], []),
        ("<lora:x", [], []),
        ("<hyper:x:1>", [], []),
        ("EasyNegative, x", [], ["EasyNegative"]),
        ("(easynegative:1.2)", [], ["EasyNegative"]),
        ("an easynegative.", [], ["EasyNegative"]),
        ("easynegatives uneasynegative", [], []),
        ("bad-hands-5 v1.5.", [], ["bad-hands-5", "v1.5"]),
        ("embedding:unheard_of", [], ["unheard_of"]),
        ("(embedding:easynegative:1.2)", [], ["EasyNegative"]),
        (r"embedding\:x", [], []),
        ("embedding: x", [], []),
    ],
)
def test_extras(text: str, loras: list[tuple[str, float]], embeddings: list[str]) -> None:
    found = extras(text, ["EasyNegative", "bad-hands-5", "v1.5"])
    assert [(lora.name, lora.weight) for lora in found.loras] == loras
    assert [embedding.name for embedding in found.embeddings] == embeddings
    assert all(text[lora.start] == "<" and text[lora.end - 1] == ">" for lora in found.loras)
    assert all(text[e.start : e.end].lower() == e.name.lower() for e in found.embeddings)
    if loras or embeddings:
        with pytest.raises(UnsupportedExtra, match=r"cannot be loaded yet: take .+ out"):
            refuse_extras(text, ["EasyNegative", "bad-hands-5", "v1.5"])
    else:
        refuse_extras(text)


@pytest.mark.parametrize("tag", ["<lora:>", "<lora::1>", "<lora:x:>", "<lora:x:y>", "<lora:x:1:1>", "<lora:x:1e3>"])
def test_broken_tags_say_how_to_write_them(tag: str) -> None:
    with pytest.raises(PromptError, match="write <lora:name> or <lora:name:weight>"):
        extras(f"a {tag} b")


@given(anything)
def test_extras_point_into_the_text(text: str) -> None:
    try:
        found = extras(text, ["a", "猫"])
    except PromptError:
        assert "<lora:" in text
        return
    assert all(lora.name in text[lora.start : lora.end] for lora in found.loras)
    assert all(text[word.start : word.end].lower() == word.name.lower() for word in found.embeddings)


@pytest.mark.parametrize(
    ("prompt", "styles", "expected"),
    [
        ("fox", [], "fox"),
        ("fox", ["ink of {prompt}"], "ink of fox"),
        ("fox", ["ink"], "fox, ink"),
        ("fox", ["ink of {prompt}", "old {prompt}, torn", "dim"], "old ink of fox, torn, dim"),
        ("fox", ["{prompt} and {prompt}"], "fox and fox"),
        ("{prompt}", ["ink of {prompt}"], "ink of {prompt}"),
        ("", ["ink of {prompt}"], "ink of "),
        ("", ["ink"], "ink"),
        (" ", ["ink"], "ink"),
        ("fox", ["", "  "], "fox"),
        ("{a|b}", ["{x|y} {prompt}"], "{x|y} {a|b}"),
    ],
)
def test_styles(prompt: str, styles: list[str], expected: str) -> None:
    assert apply_styles(prompt, styles) == expected


def test_styles_cannot_multiply_without_end() -> None:
    with pytest.raises(PromptError, match="longer than 100,000 characters"):
        apply_styles("fox", ["{prompt} " * 100] * 50)
