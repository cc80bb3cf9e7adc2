"""Languages: which one a page is in, that nothing is said in English only, and files that cannot be understood."""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jinja2 import Environment, nodes

import web.languages
from contract.catalogue import SAMPLERS, SCHEDULES
from contract.settings import Settings
from tests.web.answers import server_says, workers_say
from web.languages import ENGLISH, Language, languages, pick, places, read, sentences_in
from web.pages import make_router

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
SCRIPTS = [path for path in sorted((WEB / "static" / "js").rglob("*.js")) if path.name != "i18n.js"]
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
OTHERS = [language for language in languages().values() if language.code != "en"]
ADDRESSES = ("/", "/queue", "/library", "/settings")

# In a template these stand as they are: names, units and keys of the keyboard.
NAMES = re.compile("Darkroom|API|Ctrl|Enter|Esc|px|darkroom_…|blurry, text|English")
LABELS = {sampler.label for sampler in SAMPLERS} | {schedule.label for schedule in SCHEDULES}
AS_THEY_ARE = {"code", "kbd", "pre", "script"}  # elements whose text no language changes
PROMPTS = {"chip", "asked"}  # classes of elements that show what is typed for the model
SAID_IN = ("title", "aria-label", "placeholder", "alt", "data-hint", "label")  # attributes that people read or hear


def templates_say() -> set[str]:
    """What the templates hand to `_`. Where that is no text of their own, it is what signing in complained of."""
    said = set()
    for path in TEMPLATES:
        for call in Environment().parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                (sentence,) = call.args
                if isinstance(sentence, nodes.Const):
                    said.add(sentence.value)
                else:
                    assert path.name == "sign_in_form.html"
                    assert isinstance(sentence, nodes.Name)
                    assert sentence.name == "told"
    return said


def sign_in_says() -> set[str]:
    """The complaints, which the page gets from the api."""
    tree = ast.parse((ROOT / "api" / "routes" / "sign_in.py").read_text("utf-8"))
    texts = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
    }
    return {str(texts["_WRONG"]), str(texts["_SLOWER"])}


def contract_says() -> set[str]:
    return {each for s in SAMPLERS for each in (s.description, s.group)} | {s.description for s in SCHEDULES}


def scripts_say() -> set[str]:
    return set().union(*(sentences_in(path.read_text("utf-8")) for path in SCRIPTS))


SAID = templates_say() | sign_in_says() | contract_says() | scripts_say() | server_says()


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)
def test_every_sentence_is_there_and_none_that_nobody_says(language: Language) -> None:
    assert len(SAID) > 400
    assert SAID - language.texts.keys() == set(), "without a translation"
    assert language.texts.keys() - SAID == set(), "said nowhere"


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)
def test_translations_keep_the_places_for_values(language: Language) -> None:
    for sentence, text in language.texts.items():
        for form in [text] if isinstance(text, str) else text.values():
            assert sorted(re.findall(r"\{(\w+)\}", form)) == sorted(re.findall(r"\{(\w+)\}", sentence)), sentence


def test_scripts_say_whole_sentences_that_can_be_found() -> None:
    """A call with anything but texts of its own would be missed above."""
    call = re.compile(r"\b(?:t|written)\((?!\s*\")|\btn\((?!\s*\"(?:[^\"\\\n]|\\.)*\",\s*\")")
    for path in SCRIPTS:
        source = re.sub(r"//.*|/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not call.search(source), path


def test_the_page_knows_what_workers_write() -> None:
    """Of a job that failed, and of a picture that came out otherwise: the page says it in its own language."""
    reports = (WEB / "static" / "js" / "reports.js").read_text("utf-8")
    written = {re.sub(r"\{\w+\}", "{}", each) for each in re.findall(r'written\("([^"]+)"\)', reports)}
    said = workers_say()
    assert len(said) > 30
    assert said - written == {"its size: {} then, {} here"}  # one of "{what}: {before} then, {now} here"
    assert written - said == {"signal {}", "its size"}


class Brackets(dict[str, str]):
    """Translations of everything: in brackets that no template has."""

    def __contains__(self, sentence: object) -> bool:
        return True

    def __missing__(self, sentence: str) -> str:
        return f"⟦{sentence}⟧" if sentence else ""

    def get(self, sentence: str, default: object = None) -> str:
        return self[sentence]


class Said(HTMLParser):
    """What a page says: its texts in their order, and its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.attributes: list[str] = []
        self._skipping: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.attributes += [given[name] for name in SAID_IN if given.get(name) and tag not in ("symbol",)]
        if tag in AS_THEY_ARE or PROMPTS & set(given.get("class", "").split()):
            self._skipping.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping and self._skipping[-1] == tag:
            self._skipping.pop()

    def handle_data(self, data: str) -> None:
        if not self._skipping and data not in LABELS:
            self.text += data


def outside_brackets(text: str) -> str:
    while "⟦" in text:
        text, before = re.sub(r"⟦[^⟦⟧]*⟧", "", text), text
        assert text != before, text
    return NAMES.sub("", text)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = FastAPI()
    app.include_router(make_router(Settings(_env_file=None, data=tmp_path)))
    return TestClient(app)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_template_says_anything_past_the_translations(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """In a language that puts every sentence in brackets no word stands outside of them."""
    monkeypatch.setattr(web.languages, "languages", lambda: {"qq": Language("qq", "Brackets", Brackets())})
    client.cookies.set("darkroom-language", "qq")
    html = client.get(address).text
    said = Said(html)
    assert len(said.text.split("⟦")) > 30
    assert re.findall(r".{0,40}[A-Za-z]{2,}.{0,40}", outside_brackets(said.text)) == []
    examples = set(re.findall(r'<button type="button" class="chip">([^<]+)<', html))
    for attribute in said.attributes:
        assert not re.search("[A-Za-z]{2,}", outside_brackets(attribute)) or attribute in examples, attribute


@pytest.mark.parametrize(
    ("cookie", "accept", "code"),
    [
        (None, None, "en"),
        (None, "ja", "ja"),
        (None, "ja-JP,ja;q=0.9,en-US;q=0.8", "ja"),
        (None, "en-US,en;q=0.9,ja;q=0.8", "en"),
        (None, "fr;q=1, de;q=0.9, JA;q=0.1", "ja"),
        (None, "ja;q=0", "en"),
        (None, "*", "en"),
        (None, "ja;q=0.2, en;q=0.3", "en"),
        (None, ";;,q=,ja;q=x,\x00", "en"),
        ("ja", "en", "ja"),
        ("en", "ja", "en"),
        ("tlh", "ja", "ja"),
        ("../ja", None, "en"),
    ],
)
def test_the_language_is_the_one_chosen_else_the_one_liked_best(
    client: TestClient, cookie: str | None, accept: str | None, code: str
) -> None:
    assert pick(cookie, accept).code == code
    if accept and not accept.isprintable():
        return
    client.cookies.update({"darkroom-language": cookie} if cookie else {})
    page = client.get("/", headers={"Accept-Language": accept or ""})
    assert re.findall(r'<html lang="(\w+)"', page.text) == [code]
    assert page.headers["vary"] == "Accept-Language, Cookie"
    assert ("ネガティブプロンプト" in page.text) == (code == "ja")
    assert (">Negative prompt<" in page.text) == (code == "en")


@pytest.mark.parametrize(
    ("cookie", "theme", "colours"),
    [
        (None, "system", 2),
        ("dark", "dark", 1),
        ("light", "light", 1),
        ("system", "system", 2),
        ('"><script>', "system", 2),
    ],
)
def test_the_theme_stands_in_the_page_before_any_script_runs(
    client: TestClient, cookie: str | None, theme: str, colours: int
) -> None:
    page = client.get("/library", headers={"Cookie": f"darkroom-theme={cookie}"} if cookie else {})
    assert f'data-theme="{theme}"' in page.text.partition(">\n<head>")[0]
    assert page.text.count('name="theme-color"') == colours


def test_a_page_has_the_messages_of_its_own_scripts_and_no_others(client: TestClient) -> None:
    found = {}
    for address in ADDRESSES:
        html = client.get(address, headers={"Accept-Language": "ja"}).text
        (block,) = re.findall(r'<script type="application/json" id="messages">(.*?)</script>', html, re.DOTALL)
        found[address] = json.loads(block)
        assert re.search(r'id="messages">\{\}<', client.get(address).text)
    assert found["/"]["Getting ready"] == "準備中"
    assert "Nothing found" not in found["/"]
    assert found["/library"]["Nothing found"] == "見つかりませんでした"
    assert "{count} tokens" not in found["/library"]


def test_a_translation_is_text_and_never_markup(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "</script><img src=x onerror=alert(1)>&\"'"
    said = dict.fromkeys(SAID, evil)
    monkeypatch.setattr(web.languages, "languages", lambda: {"ja": Language("ja", "Evil", said)})
    for address in ADDRESSES:
        html = client.get(address, headers={"Accept-Language": "ja"}).text
        assert "<img src=x" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;&amp;&#34;&#39;" in html
        (block,) = re.findall(r'id="messages">(.*?)</script>', html, re.DOTALL)
        assert set(json.loads(block).values()) == {evil}


def test_values_are_escaped_but_for_what_a_template_made() -> None:
    ours = Language("qq", "Q", {"{a} of {b}": "<{b}>: {a}{a}"})
    assert str(ours.say("{a} of {b}", a="<i>", b=3)) == "&lt;3&gt;: &lt;i&gt;&lt;i&gt;"
    assert str(ours.say("{a} of {b}", a=ENGLISH.say("<"), b="{a}")) == "&lt;{a}&gt;: &lt;&lt;"
    with pytest.raises(KeyError):
        ours.say("{a} of {b}", a=1)


def files(folder: Path, **texts: str) -> Path:
    folder.mkdir()
    for name, text in {"language": '{"name": "Q"}', **texts}.items():
        (folder / f"{name}.json").write_text(text, "utf-8")
    return folder


def test_a_folder_is_a_language(tmp_path: Path) -> None:
    plural = '{"{count} pictures in {time}": {"one": "one in {time}", "other": "{count} in {time}"}}'
    found = read(files(tmp_path / "pt-BR", frame='{"Studio": "Estúdio"}', studio=plural))
    assert (found.code, found.name, found.texts["Studio"]) == ("pt-BR", "Q", "Estúdio")
    assert str(found.say("Library")) == "Library"


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"frame": '{"a": "b",}'}, r"frame\.json: .*line 1"),
        ({"frame": '["a"]'}, r"frame\.json: must be"),
        ({"frame": '{"a": 1}'}, r"frame\.json: must be"),
        ({"frame": '{"a": "b", "a": "c"}'}, r"frame\.json: says 'a' twice"),
        ({"frame": '{"a": "b"}', "studio": '{"a": "c"}'}, r"studio\.json: 'a' has another translation"),
        ({"frame": '{"{a} b": "b"}'}, r"frame\.json: '\{a\} b': must have the places \['a'\]"),
        ({"frame": '{"b": "{a}"}'}, r"frame\.json: 'b': must have the places \[\]"),
        ({"frame": '{"{count} b": {"one": "b"}}'}, 'must have the form "other"'),
        ({"frame": '{"{count} of {a}": {"other": "{count}"}}'}, "only the count may be left out"),
        ({"language": "{}"}, r"language\.json: must be"),
        ({"language": '{"name": {"other": "Q"}}'}, r"language\.json: must be"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read(files(tmp_path / "qq", **texts))


def test_a_folder_without_a_name_is_no_language(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"language\.json: .*No such file"):
        read(tmp_path)


def test_what_scripts_say_is_read_from_their_source() -> None:
    source = 't("a \\"b\\" \\u00a0"); tn("x", "y {count}", n, {a: t(\n  "z",\n)}); at("no"); dt("no"); t(no)'
    assert sentences_in(source) == {'a "b" \xa0', "y {count}", "z"}
    assert places("{a} of {b_c} {}") == {"a", "b_c"}
