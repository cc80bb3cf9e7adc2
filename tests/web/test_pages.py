"""The page as it is served, read by an HTML parser that knows nothing of the templates, against the contract."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contract.catalogue import SAMPLERS, SCHEDULES
from contract.grid import FIELDS
from contract.library import Sort, Wanted
from contract.requests import Extend, Hires, Img2Img, Inpaint, Txt2Img, Variation
from contract.settings import Settings
from contract.upscale import Upscale
from web.pages import CSP, make_router, mount_static

WEB = Path(__file__).resolve().parents[2] / "web"
VOID = {"meta", "link", "input", "img", "br", "hr", "use", "path", "circle", "rect"}
# Told by the light table; always on; and what is for programs until the studio has a place for it.
NOT_IN_THE_FORM = {
    "kind",
    "image",
    "mask",
    "previews",
    "start_within",
    "finish_within",
    "webhook",
    "blend",
    "directions",
    "seed_size",
    "metadata",
} | {f"hires.{name}" for name in ("sampler", "schedule", "prompt", "negative_prompt")}
INSIDE: dict[type[BaseModel], str] = {Variation: "variation.", Hires: "hires.", Extend: "extend."}


class Element:
    def __init__(self, tag: str, attrs: dict[str, str], parent: "Element | None") -> None:
        self.tag, self.attrs, self.parent, self.text = tag, attrs, parent, ""


class Parser(HTMLParser):
    """Every element of a page with its parents and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, self._open[-1] if self._open else None)
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop().tag == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    settings = Settings(_env_file=None, data=tmp_path, max_upload=5_000_000, max_pixels=300_000)
    app = FastAPI()
    app.include_router(make_router(settings))
    mount_static(app)
    return TestClient(app)


@pytest.fixture
def html(client: TestClient) -> str:
    return client.get("/").text


@pytest.fixture
def elements(html: str) -> list[Element]:
    return Parser(html).elements


def control(elements: list[Element], name: str) -> Element:
    (found,) = [e for e in elements if e.attrs.get("name") == name and e.tag in ("input", "select", "textarea")]
    return found


def options(elements: list[Element], name: str) -> list[tuple[str, str, bool]]:
    select = control(elements, name)
    homes = [select, *(e for e in elements if e.tag == "optgroup" and e.parent is select)]
    inside = [e for e in elements if e.tag == "option" and e.parent in homes]
    return [(e.attrs["value"], e.text, "selected" in e.attrs) for e in inside]


def limits(field: FieldInfo) -> dict[str, float]:
    """A field's limits from pydantic's own metadata, under their HTML names."""
    names = {
        annotated_types.Ge: ("ge", "min"), annotated_types.Gt: ("gt", "min"), annotated_types.Le: ("le", "max"),
        annotated_types.MultipleOf: ("multiple_of", "step"), annotated_types.MaxLen: ("max_length", "maxlength"),
    }  # fmt: skip
    parts = list(field.metadata)
    for part in getattr(field.annotation, "__args__", ()):  # `Side | None` keeps its limits inside
        inner = getattr(part, "__metadata__", ())
        parts += [m for piece in inner for m in (piece.metadata if isinstance(piece, FieldInfo) else [piece])]
    return {names[type(p)][1]: getattr(p, names[type(p)][0]) for p in parts if type(p) in names}


def test_limits_are_the_contracts(elements: list[Element]) -> None:
    checked: dict[str, dict[str, float]] = {}
    for model in (Txt2Img, Img2Img, Inpaint, Variation, Hires):
        for inner, field in model.model_fields.items():
            wanted, name = limits(field), INSIDE.get(model, "") + inner
            if name in {*NOT_IN_THE_FORM, "model", "styles"} or not wanted:
                continue
            attrs = control(elements, name).attrs
            found = {key: float(attrs[key]) for key in ("min", "max", "maxlength") if key in attrs}
            assert found == {key: value for key, value in wanted.items() if key != "step"}, name
            if "step" in wanted:
                assert float(attrs["step"]) == wanted["step"]
            checked[name] = wanted
    assert checked["steps"] == {"min": 1, "max": 1000}
    assert checked["width"] == {"min": 64, "max": 4096, "step": 8}
    assert checked["strength"] == {"min": 0, "max": 1}
    assert set(checked) == {
        "prompt", "negative_prompt", "width", "height", "steps", "guidance", "seed", "count", "strength", "mask_blur",
        "clip_skip", "guidance_start", "guidance_end", "guidance_rescale", "feature_cache", "variation.seed",
        "variation.strength",
        "hires.factor", "hires.steps", "hires.strength",
        "padding", "eta", "s_churn", "s_tmin", "s_tmax", "s_noise", "sigma_min", "sigma_max", "rho",
    }  # fmt: skip


def test_defaults_are_the_contracts(elements: list[Element]) -> None:
    wanted: dict[str, Any] = {
        "negative_prompt": "", "width": "", "height": "", "steps": "20", "guidance": "7.5", "seed": "", "count": "1",
        "strength": "0.75", "mask_blur": "4", "padding": "32",
    }  # fmt: skip
    for name, value in wanted.items():
        element = control(elements, name)
        assert element.attrs.get("value", element.text) == value, name
    chosen = {name: [v for v, _, on in options(elements, name) if on] for name in ("sampler", "schedule", "resize")}
    assert chosen == {"sampler": ["dpmpp_2m"], "schedule": ["karras"], "resize": ["stretch"]}
    for name in ("invert_mask", "soft", "colour_match"):
        assert "checked" not in control(elements, name).attrs
    (strength,) = [e.attrs for e in elements if e.attrs.get("id") == "strength-defaults"]
    assert (strength["data-default-img2img"], strength["data-default-inpaint"]) == ("0.75", "1.0")


def test_every_field_of_every_kind_can_be_set_and_nothing_else(elements: list[Element]) -> None:
    names = {e.attrs["name"] for e in elements if e.tag in ("input", "select", "textarea") and "name" in e.attrs}
    fields = {name for model in (Txt2Img, Img2Img, Inpaint) for name in model.model_fields}
    inside = {outer + name for model, outer in INSIDE.items() for name in model.model_fields}
    larger = {"upscale.factor", "upscale.method", "upscale.strength"}  # in a dialog
    assert names - larger == ((fields | inside) - NOT_IN_THE_FORM) - {"variation", "hires", "extend"}
    assert larger <= names


def test_larger_pictures_and_comparisons_are_the_contracts(elements: list[Element]) -> None:
    for name in ("factor", "strength"):
        field = Upscale.model_fields[name]
        attrs = control(elements, f"upscale.{name}").attrs
        assert {key: float(attrs[key]) for key in ("min", "max")} == limits(field)
        assert float(attrs["value"]) == field.default
    ways = [e.attrs for e in elements if e.attrs.get("name") == "upscale.method"]
    assert {way["value"] for way in ways} == set(get_args(Upscale.model_fields["method"].annotation))
    assert [way["value"] for way in ways if "checked" in way] == [Upscale.model_fields["method"].default]
    for axis in ("x", "y", "z"):
        (select,) = [e for e in elements if e.attrs.get("id") == axis]
        assert [e.attrs["value"] for e in elements if e.tag == "option" and e.parent is select] == ["", *FIELDS]


def test_the_sides_of_extend_have_the_contracts_limits(elements: list[Element]) -> None:
    for side in Extend.model_fields:
        attrs = control(elements, f"extend.{side}").attrs
        assert (attrs["min"], attrs["max"], attrs["step"], attrs["value"]) == ("0", "1024", "8", "0")


@pytest.mark.parametrize("model", [Img2Img, Inpaint])
def test_a_field_is_shown_for_the_kinds_that_have_it(
    elements: list[Element], model: type[Img2Img] | type[Inpaint]
) -> None:
    kind = model.model_fields["kind"].default
    for name in set(model.model_fields) - set(Txt2Img.model_fields) - NOT_IN_THE_FORM:
        part: Element | None = control(elements, "extend.left" if name == "extend" else name)
        while part is not None and "data-kinds" not in part.attrs:
            part = part.parent
        assert part is not None, name
        assert kind in part.attrs["data-kinds"].split(), name
        assert "hidden" in part.attrs


def test_choices_are_the_catalogues(elements: list[Element]) -> None:
    assert [(v, t) for v, t, _ in options(elements, "sampler")] == [(s.name.value, s.label) for s in SAMPLERS]
    assert [(v, t) for v, t, _ in options(elements, "schedule")] == [(s.name.value, s.label) for s in SCHEDULES]
    assert [v for v, _, _ in options(elements, "resize")] == ["stretch", "crop", "fill"]
    assert [v for v, _, _ in options(elements, "fill")] == ["original", "blur", "noise", "zero"]
    assert [v for v, _, _ in options(elements, "area")] == ["whole", "masked"]


def test_samplers_stand_under_headings_the_first_choices_first(elements: list[Element]) -> None:
    headings = [e.attrs["label"] for e in elements if e.tag == "optgroup"]
    assert headings == list(dict.fromkeys(sampler.group for sampler in SAMPLERS))
    select = control(elements, "sampler")
    under = {e.attrs["value"]: e.parent.attrs["label"] for e in elements if e.parent and e.parent.parent is select}
    assert under == {sampler.name.value: sampler.group for sampler in SAMPLERS}
    assert headings[0] == "First choices"
    assert under["dpmpp_2m"] == headings[0]


def test_limits_of_the_service_are_the_settings(elements: list[Element]) -> None:
    (form,) = [e.attrs for e in elements if e.attrs.get("id") == "form"]
    (chooser,) = [e.attrs for e in elements if e.attrs.get("id") == "image-file"]
    assert (chooser["data-max-upload"], form["data-max-pixels"], form["data-default-model"]) == (
        "5000000", "300000", "mini",
    )  # fmt: skip


def test_every_control_has_a_name_and_a_place_for_its_error(elements: list[Element]) -> None:
    ids = {e.attrs["id"] for e in elements if "id" in e.attrs}
    labels = {e.attrs["for"] for e in elements if e.tag == "label" and "for" in e.attrs}
    for element in elements:
        if element.tag in ("input", "select", "textarea", "button"):
            parent: Element | None = element
            while parent is not None and parent.tag != "label":
                parent = parent.parent
            inside = parent is not None and parent.text.strip()
            own = element.tag == "button" and element.text.strip()
            assert element.attrs.get("aria-label") or element.attrs.get("id") in labels or inside or own, element.attrs
        if "name" in element.attrs and element.tag != "meta":
            assert f"{element.attrs['name']}-error" in ids
        for reference in element.attrs.get("aria-describedby", "").split():
            assert reference in ids


def test_ids_are_unique_and_those_that_others_rely_on_are_there(elements: list[Element]) -> None:
    ids = Counter(e.attrs["id"] for e in elements if "id" in e.attrs)
    assert set(ids.values()) == {1}
    promised = (
        "prompt negative_prompt width height steps sampler schedule guidance seed count strength image-file "
        "mask-canvas brush-size eraser undo clear-mask generate cancel progress"
    )
    assert set(promised.split()) <= set(ids)


PAGES = {
    "/": "main.js",
    "/queue": "queue/main.js",
    "/settings": "settings/main.js",
    "/library": "library/main.js",
    f"/library/img_{'a' * 26}": "library/main.js",
}


@pytest.mark.parametrize("address", PAGES)
def test_nothing_runs_or_loads_but_our_own_files(client: TestClient, address: str) -> None:
    html = client.get(address).text
    elements = Parser(html).elements
    assert "style" not in {name for e in elements for name in e.attrs}
    assert not [name for e in elements for name in e.attrs if name.startswith("on")]
    scripts = [e.attrs for e in elements if e.tag == "script"]
    (data,) = [attrs for attrs in scripts if attrs.get("type") == "application/json"]  # which no browser runs
    assert [attrs.get("src") for attrs in scripts if attrs is not data] == [f"/static/js/{PAGES[address]}"]
    assert not re.search(r"<style|javascript:|https?://", html)
    for path in {e.attrs[a] for e in elements for a in ("src", "href") if e.attrs.get(a, "").startswith("/static")}:
        assert client.get(path).status_code == 200, path


def test_headers(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-security-policy"] == CSP
    assert "unsafe" not in CSP
    assert "script-src 'self';" in CSP
    first = client.get("/static/js/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("address", PAGES)
def test_a_pages_styles_are_one_file_that_is_asked_for_once(client: TestClient, address: str) -> None:
    sheets = [e.attrs for e in Parser(client.get(address).text).elements if e.attrs.get("rel") == "stylesheet"]
    (path,) = [attrs["href"] for attrs in sheets]
    sheet = client.get(path)
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert sheet.headers["cache-control"] == "public, max-age=31536000, immutable"
    files = {file: file.read_text() for file in (WEB / "static" / "css").glob("*.css")}
    used = [text for text in files.values() if text in sheet.text]
    assert len(sheet.text) == sum(map(len, used)) + len(used) - 1, "files, each once, and a line's end between two"
    assert sheet.text.startswith(files[WEB / "static" / "css" / "base.css"])
    yesterdays = client.get(re.sub(r"\.\w{12}\.", ".0123456789ab.", path))
    assert (yesterdays.text, yesterdays.headers["cache-control"]) == (sheet.text, "no-cache")
    assert client.get("/static/sheets/another.0123456789ab.css").status_code == 404


def test_a_page_of_the_studio_weighs_less_than_three_hundred_kilobytes(client: TestClient) -> None:
    page = client.get("/")
    weight = len(page.content)
    for address in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)):
        with client.stream("GET", address, headers={"Accept-Encoding": "gzip"}) as answer:
            sent = b"".join(answer.iter_raw())
        assert len(sent) < 1000 or answer.headers["content-encoding"] == "gzip"
        weight += len(sent)
    assert weight < 300_000


def test_a_page_fetches_all_its_modules_at_once_and_no_others(client: TestClient) -> None:
    """Each module that one of them imports, and none twice."""
    folder = WEB / "static" / "js"
    for address, main in PAGES.items():
        found = [
            e.attrs["href"] for e in Parser(client.get(address).text).elements if e.attrs.get("rel") == "modulepreload"
        ]
        sources = {path: (WEB / path.removeprefix("/")).read_text() for path in found}
        wanted = {
            "/" + (WEB / path.removeprefix("/")).parent.joinpath(name).resolve().relative_to(WEB).as_posix()
            for path, source in sources.items()
            for name in re.findall(r'from "([^"]+)"', source)
        }
        assert wanted | {f"/{(folder / main).relative_to(WEB).as_posix()}"} == set(found)
        assert len(found) == len(set(found))


def test_the_library_has_the_words_of_the_contract(client: TestClient) -> None:
    elements = Parser(client.get("/library").text).elements
    select = control(elements, "sampler")
    found = [e.attrs["value"] for e in elements if e.tag == "option" and e.parent is select]
    assert found == ["", *(sampler.name.value for sampler in SAMPLERS)]
    orders = [e.attrs["value"] for e in elements if e.tag == "option" and e.parent is control(elements, "sort")]
    assert orders == list(get_args(Sort))
    names = {e.attrs["name"] for e in elements if e.tag in ("input", "select") and "name" in e.attrs}
    assert names - {"sort"} == set(Wanted.model_fields) - {"id", "kind", "favourite"}  # those two are chips


def test_no_script_writes_markup() -> None:
    for path in (WEB / "static" / "js").rglob("*.js"):
        source = path.read_text()
        assert not re.search(r"(inner|outer|insertAdjacent)HTML|document\.write|\beval\(|new Function", source), path
        assert len(source.splitlines()) < 300, path
