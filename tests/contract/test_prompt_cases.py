r"""The prompt language as a table: what is typed, and what it means, written down by hand from docs/prompts.md."""

import pytest

from contract.prompt import Run, parse, runs

Expected = list[tuple[str, float] | str]

B = "BREAK"
UP, DOWN = 1.1, 1 / 1.1
MIDDLE: Expected = [B, (" a ", 1)] * 18

# (prompt, runs of text with their weights at step 1 of 20)
WEIGHTS: list[tuple[str, Expected]] = [
    # text
    ("", []),
    (" ", [(" ", 1)]),
    ("\n\t", [("\n\t", 1)]),
    ("a fox", [("a fox", 1)]),
    ("a fox, 4k. (c", [("a fox, 4k. ", 1), ("c", UP)]),
    ("time: 16:9", [("time: 16:9", 1)]),
    ("a cat :0.5", [("a cat :0.5", 1)]),
    ("a|b", [("a|b", 1)]),
    ("::", [("::", 1)]),
    ("|", [("|", 1)]),
    ("🦊 in ❄️", [("🦊 in ❄️", 1)]),
    ("(🦊:1.2)👩‍🚀", [("🦊", 1.2), ("👩‍🚀", 1)]),
    ("(狐狸)在雪地里", [("狐狸", UP), ("在雪地里", 1)]),
    ("（狐:1.2）", [("（狐:1.2）", 1)]),  # full-width brackets are letters like others
    ("(e\u0301:1.2)\u0301", [("e\u0301", 1.2), ("\u0301", 1)]),
    ("(نمر) שועל", [("نمر", UP), (" שועל", 1)]),
    ("<b>", [("<b>", 1)]),
    ("a < b > c", [("a < b > c", 1)]),
    ("{a|b}", [("{a|b}", 1)]),  # expand() comes before
    ("__bird__", [("__bird__", 1)]),
    ("word " * 2000, [("word " * 2000, 1)]),
    # weights
    ("(a)", [("a", UP)]),
    ("((a))", [("a", UP**2)]),
    ("(((a)))", [("a", UP**3)]),
    ("[a]", [("a", DOWN)]),
    ("[[a]]", [("a", DOWN**2)]),
    ("[(a)]", [("a", 1)]),
    ("([a])", [("a", 1)]),
    ("a (b) c", [("a ", 1), ("b", UP), (" c", 1)]),
    ("(a)(b)", [("ab", UP)]),
    ("(a) (b)", [("a", UP), (" ", 1), ("b", UP)]),
    ("(a (b) c)", [("a ", UP), ("b", UP**2), (" c", UP)]),
    ("(a [b] c)", [("a ", UP), ("b", 1), (" c", UP)]),
    ("()", []),
    ("[]", []),
    ("(())[[]]", []),
    ("a()b", [("ab", 1)]),
    ("( )", [(" ", UP)]),
    ("(a,b)", [("a,b", UP)]),
    # numbers
    ("(a:1.3)", [("a", 1.3)]),
    ("(a:2)", [("a", 2)]),
    ("(a:1.)", [("a", 1)]),
    ("(a:.5)", [("a", 0.5)]),
    ("(a:0)", [("a", 0)]),
    ("(a:-1)", [("a", -1)]),
    ("(a:-.5)", [("a", -0.5)]),
    ("(a:+1.5)", [("a", 1.5)]),
    ("(a:007)", [("a", 7)]),
    ("(a : 1.3 )", [("a ", 1.3)]),
    ("(a:\n1.3\n)", [("a", 1.3)]),
    ("(a:1.2999999523162842)", [("a", 1.2999999523162842)]),
    ("(a:1e3)", [("a:1e3", UP)]),
    ("(a:nan)", [("a:nan", UP)]),
    ("(a:inf)", [("a:inf", UP)]),
    ("(a:-)", [("a:-", UP)]),
    ("(a:.)", [("a:.", UP)]),
    ("(a:)", [("a:", UP)]),
    ("(a: )", [("a: ", UP)]),
    ("(a:1,3)", [("a:1,3", UP)]),
    ("(a:1.2.3)", [("a:1.2.3", UP)]),
    ("(a:--1)", [("a:--1", UP)]),
    ("(a:1 2)", [("a:1 2", UP)]),
    ("(a:1_000)", [("a:1_000", UP)]),
    ("(a:٣)", [("a:٣", UP)]),  # Arabic digits
    ("(a:1.3x)", [("a:1.3x", UP)]),
    ("(a:12345678901234567890)", [("a:12345678901234567890", UP)]),
    ("(a:999999999)", [("a", 1000)]),
    ("(a:-999999999)", [("a", -1000)]),
    ("((a:999):999)", [("a", 1000)]),
    ("(:1.2)", []),
    ("( :1.2)", [(" ", 1.2)]),
    ("(::1.2)", [(":", 1.2)]),
    ("(1.2)", [("1.2", UP)]),
    # colons in text
    ("(a:b)", [("a:b", UP)]),
    ("(a:b:1.2)", [("a:b", 1.2)]),
    ("(16:9)", [("16", 9)]),
    (r"(16\:9)", [("16:9", UP)]),
    (r"(16\:9:1.2)", [("16:9", 1.2)]),
    ("(a:1.2:1.3)", [("a:1.2", 1.3)]),
    ("(a:1.2, b)", [("a:1.2, b", UP)]),
    ("(a:1.2)(b:1.3)", [("a", 1.2), ("b", 1.3)]),
    ("(http://x.y/z:1.2)", [("http://x.y/z", 1.2)]),
    ("(a (b):1.2)", [("a ", 1.2), ("b", 1.2 * UP)]),
    ("((a):1.2)", [("a", 1.2 * UP)]),
    ("((a:1.5):1.2)", [("a", 1.8)]),
    ("(a:(1.2))", [("a:", UP), ("1.2", UP**2)]),
    ("(a:1.2(b))", [("a:1.2", UP), ("b", UP**2)]),
    ("[a:b]", [("a:b", DOWN)]),
    ("[a:]", [("a:", DOWN)]),
    ("[:]", [(":", DOWN)]),
    ("[::]", [("::", DOWN)]),
    ("[a:b:c]", [("a:b:c", DOWN)]),
    ("[a:b:c:5]", [("a:b:c:5", DOWN)]),
    ("[a:b:nan]", [("a:b:nan", DOWN)]),
    ("[a:b:1e1]", [("a:b:1e1", DOWN)]),
    # unbalanced
    ("(a", [("a", UP)]),
    ("((a", [("a", UP**2)]),
    ("((a)", [("a", UP**2)]),
    ("(a (b", [("a ", UP), ("b", UP**2)]),
    ("[a", [("a", DOWN)]),
    ("(a:1.3", [("a", 1.3)]),
    ("((a:1.3", [("a", 1.3 * UP)]),
    ("a)", [("a)", 1)]),
    ("a]", [("a]", 1)]),
    (")(", [(")", 1)]),
    ("][", [("]", 1)]),
    ("a) (b)", [("a) ", 1), ("b", UP)]),
    ("(a)) b", [("a", UP), (") b", 1)]),
    ("(a]", [("a]", UP)]),
    ("[a)", [("a)", DOWN)]),
    ("(a]b)", [("a]b", UP)]),
    ("(a[b)c", [("a[b", UP), ("c", 1)]),
    ("[a(b]c", [("a(b", DOWN), ("c", 1)]),
    ("(a[b)c]", [("a[b", UP), ("c]", 1)]),
    ("([bad:1.3)", [("[bad", 1.3)]),
    ("[sad :( face]", [("sad :( face", DOWN)]),
    ("(", []),
    (")", [(")", 1)]),
    # escapes
    (r"\(a\)", [("(a)", 1)]),
    (r"\[a\]", [("[a]", 1)]),
    (r"(\(a\))", [("(a)", UP)]),
    (r"\\", [("\\", 1)]),
    (r"\\(a)", [("\\", 1), ("a", UP)]),
    (r"\\\(a\)", [("\\(a)", 1)]),
    ("a\\", [("a\\", 1)]),
    ("(a\\", [("a\\", UP)]),
    (r"(a\)", [("a)", UP)]),
    (r"a\b", [("a\\b", 1)]),
    (r"\n", [("\\n", 1)]),
    (r"saber \(fate\), (smile:1.2)", [("saber (fate), ", 1), ("smile", 1.2)]),
    (r"[a\|b]", [("a|b", DOWN)]),
    (r"[a\:b:5]", []),
    (r"\{\}\<\>\_", [("{}<>_", 1)]),
    (r"(a:1.2\)", [("a:1.2)", UP)]),
    # BREAK
    ("a BREAK b", [("a ", 1), B, (" b", 1)]),
    ("BREAK", [B]),
    ("BREAK BREAK", [B, (" ", 1), B]),
    ("a\nBREAK\nb", [("a\n", 1), B, ("\nb", 1)]),
    ("a,BREAK,b", [("a,", 1), B, (",b", 1)]),
    ("(a BREAK b)", [("a ", UP), B, (" b", UP)]),
    ("(a BREAK b:1.3)", [("a ", 1.3), B, (" b", 1.3)]),
    ("(a)BREAK(b)", [("a", UP), B, ("b", UP)]),
    ("(a BREAK:1.3)", [("a ", 1.3), B]),
    ("break", [("break", 1)]),
    ("Break", [("Break", 1)]),
    ("BREAKFAST", [("BREAKFAST", 1)]),
    ("TIEBREAK", [("TIEBREAK", 1)]),
    ("BREAK-DANCE", [("BREAK-DANCE", 1)]),
    (r"\BREAK", [("BREAK", 1)]),
    ("a BREAK " * 19 + "a", [("a ", 1), *MIDDLE, B, (" a", 1)]),
    # AND inside brackets, or not as a word of its own, is text
    ("(a AND b)", [("a AND b", UP)]),
    ("[a AND b]", [("a AND b", DOWN)]),
    ("(a AND b", [("a AND b", UP)]),
    ("(a :0.5 AND b:1.2)", [("a :0.5 AND b", 1.2)]),
    ("a and b", [("a and b", 1)]),
    ("a And b", [("a And b", 1)]),
    ("SAND ANDROID", [("SAND ANDROID", 1)]),
    ("R-AND-B", [("R-AND-B", 1)]),
    ("猫AND犬", [("猫AND犬", 1)]),
    ("a AND\u0301 b", [("a AND\u0301 b", 1)]),
    ("_AND_", [("_AND_", 1)]),
    (r"a \AND b", [("a AND b", 1)]),
    (r"a \\AND b", [("a \\AND b", 1)]),
    # tags
    ("a <lora:ink:0.8> b", [("a  b", 1)]),
    ("(a <lora:ink:0.8>:1.2)", [("a ", 1.2)]),
    (r"\<lora\:ink>", [("<lora:ink>", 1)]),
    ("<lora:ink", [("<lora:ink", 1)]),
    ("<LORA:ink>", [("<LORA:ink>", 1)]),
]

# (prompt, its text from step to step of 10: until which step, and what)
SCHEDULES: list[tuple[str, list[tuple[int, str]]]] = [
    ("a", [(10, "a")]),
    ("[a:b:4]", [(4, "a"), (10, "b")]),
    ("[a:b:0.4]", [(4, "a"), (10, "b")]),
    ("[a:b:.4]", [(4, "a"), (10, "b")]),
    ("[a:b:0.45]", [(4, "a"), (10, "b")]),
    ("[a:b:0.29]", [(2, "a"), (10, "b")]),
    ("[a:b:0.99]", [(9, "a"), (10, "b")]),
    ("[a:b:1]", [(1, "a"), (10, "b")]),
    ("[a:b:1.0]", [(1, "a"), (10, "b")]),
    ("[a:b:2.5]", [(2, "a"), (10, "b")]),
    ("[a:b:0]", [(10, "b")]),
    ("[a:b:0.0]", [(10, "b")]),
    ("[a:b:0.05]", [(10, "b")]),
    ("[a:b:-3]", [(10, "b")]),
    ("[a:b:-0.5]", [(10, "b")]),
    ("[a:b:10]", [(10, "a")]),
    ("[a:b:9]", [(9, "a"), (10, "b")]),
    ("[a:b:999999999]", [(10, "a")]),
    ("[a:b: 4 ]", [(4, "a"), (10, "b")]),
    ("[a : b : 4]", [(4, "a "), (10, " b ")]),
    ("[a:4]", [(4, ""), (10, "a")]),
    ("[:a:4]", [(4, ""), (10, "a")]),
    ("[a::4]", [(4, "a"), (10, "")]),
    ("[::4]", [(10, "")]),
    ("[:4]", [(10, "")]),
    ("x[a:b:4]y", [(4, "xay"), (10, "xby")]),
    ("[a:b:4", [(4, "a"), (10, "b")]),
    ("[a (b:c:4]", [(4, "a (b"), (10, "c")]),
    ("[a:b:4] [c:d:7]", [(4, "a c"), (7, "b c"), (10, "b d")]),
    ("[a:b:4] [c:d:0.4]", [(4, "a c"), (10, "b d")]),
    ("[[a:b:2]:c:6]", [(2, "a"), (6, "b"), (10, "c")]),
    ("[a:[b:c:6]:2]", [(2, "a"), (6, "b"), (10, "c")]),
    ("[a:[b:c:2]:6]", [(6, "a"), (10, "c")]),
    ("[a:[b::6]:2]", [(2, "a"), (6, "b"), (10, "")]),
    ("([a:b:4]:1.3)", [(4, "a"), (10, "b")]),
    ("[(a:1.3):(b:0.7):4]", [(4, "a"), (10, "b")]),
    (r"[16\:9:4\:3:4]", [(4, "16:9"), (10, "4:3")]),
    (r"[a\]:b:4]", [(4, "a]"), (10, "b")]),
    ("[a, BREAK b:c:4]", [(4, "a, BREAK b"), (10, "c")]),
    ("[a AND b:c:4]", [(4, "a AND b"), (10, "c")]),
    ("[<lora:ink:1>a:b:4]", [(4, "a"), (10, "b")]),
    ("[a|b]", [(step, "ab"[(step - 1) % 2]) for step in range(1, 11)]),
    ("[a|b|c]", [(step, "abc"[(step - 1) % 3]) for step in range(1, 11)]),
    ("c[a|o]t", [(step, ("cat", "cot")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[a|]", [(step, ("a", "")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[|a]", [(step, ("", "a")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[|]", [(10, "")]),
    ("[a||b]", [(step, ("a", "", "b")[(step - 1) % 3]) for step in range(1, 11)]),
    ("[16:9|4:3]", [(step, ("16:9", "4:3")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[a|b:0.5]", [(step, ("a", "b:0.5")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[sad :( |glad]", [(step, ("sad :( ", "glad")[(step - 1) % 2]) for step in range(1, 11)]),
    ("[a|b", [(step, "ab"[(step - 1) % 2]) for step in range(1, 11)]),
    ("[a|[b|c]]", [(step, "ac"[(step - 1) % 2]) for step in range(1, 11)]),  # one clock: b's turns are all a's
    ("[[a|b]:c:4]", [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (10, "c")]),
    ("[a|[b:c:4]]", [(1, "a"), (2, "b"), (3, "a"), (4, "b"), *((s, "ca"[s % 2]) for s in range(5, 11))]),
]

# (prompt, weights and texts of what it composes)
COMPOSED: list[tuple[str, list[tuple[float, str]]]] = [
    ("a AND b", [(1, "a "), (1, " b")]),
    ("a :1.2 AND b :0.5", [(1.2, "a "), (0.5, " b ")]),
    ("a:1.2 AND b:0.5", [(1.2, "a"), (0.5, " b")]),
    ("a :-0.5 AND b", [(-0.5, "a "), (1, " b")]),
    ("a :0 AND b", [(0, "a "), (1, " b")]),
    ("a : 1.2 AND b", [(1.2, "a "), (1, " b")]),
    ("a AND b AND c :2", [(1, "a "), (1, " b "), (2, " c ")]),
    ("a\nAND\nb", [(1, "a\n"), (1, "\nb")]),
    ("a,AND b", [(1, "a,"), (1, " b")]),
    ("(a)AND(b)", [(1, "a"), (1, "b")]),
    ("(a:1.2) AND b", [(1, "a "), (1, " b")]),
    ("(a):1.2 AND b", [(1.2, "a"), (1, " b")]),
    ("[c:d:5]:1.2 AND b", [(1.2, "c"), (1, " b")]),
    ("[c|d] AND b:2", [(1, "c "), (2, " b")]),
    ("a :1e3 AND b", [(1, "a :1e3 "), (1, " b")]),
    ("a :nan AND b", [(1, "a :nan "), (1, " b")]),
    (r"16\:9 AND b", [(1, "16:9 "), (1, " b")]),
    ("a :1.2, AND b", [(1, "a :1.2, "), (1, " b")]),
    ("16:9 AND b", [(9, "16"), (1, " b")]),
    ("x:y:2 AND b", [(2, "x:y"), (1, " b")]),
    ("a BREAK c AND b", [(1, "a BREAK c "), (1, " b")]),
    ("(a AND b) AND c", [(1, "a AND b "), (1, " c")]),
    ("a AND (b", [(1, "a "), (1, " b")]),
    ("a) AND b", [(1, "a) "), (1, " b")]),
    ("a AND", [(1, "a ")]),
    ("AND a", [(1, " a")]),
    ("a AND AND b", [(1, "a "), (1, " b")]),
    ("a AND :2 AND b", [(1, "a "), (1, " b")]),
    ("AND", [(1, "")]),
    (" AND AND ", [(1, "")]),
    ("a AND BREAK", [(1, "a "), (1, " BREAK")]),
]


def what(prompt: str, step: int, steps: int) -> list[tuple[float, Expected]]:
    """Weight and runs of each subprompt."""
    return [
        (weight, [(item.text, item.weight) if isinstance(item, Run) else B for item in runs(items)])
        for weight, items in parse(prompt).at(step, steps)
    ]


def text(items: Expected) -> str:
    return "".join(item if isinstance(item, str) else item[0] for item in items)


@pytest.mark.parametrize(("prompt", "expected"), WEIGHTS)
def test_weights(prompt: str, expected: Expected) -> None:
    ((weight, items),) = what(prompt, 1, 20)
    assert weight == 1
    assert [item if item == B else item[0] for item in items] == [item if item == B else item[0] for item in expected]
    weights = [item[1] for item in items if not isinstance(item, str)]
    assert weights == pytest.approx([item[1] for item in expected if not isinstance(item, str)], rel=1e-12)


@pytest.mark.parametrize(("prompt", "expected"), SCHEDULES)
def test_schedules(prompt: str, expected: list[tuple[int, str]]) -> None:
    by_step = [text(what(prompt, step, 10)[0][1]) for step in range(1, 11)]
    wanted = [next(said for until, said in expected if step <= until) for step in range(1, 11)]
    assert by_step == wanted
    schedule = parse(prompt).schedule(10)
    assert [until for until, _ in schedule] == [until for until, _ in expected]
    for until, composed in schedule:
        assert composed == parse(prompt).at(until, 10)


@pytest.mark.parametrize(("prompt", "expected"), COMPOSED)
def test_composed(prompt: str, expected: list[tuple[float, str]]) -> None:
    assert [(weight, text(items)) for weight, items in what(prompt, 1, 10)] == expected


def test_the_table_is_as_long_as_it_was_promised() -> None:
    prompts = [case[0] for case in (*WEIGHTS, *SCHEDULES, *COMPOSED)]
    assert len(set(prompts)) >= 250
