"""What the page does with words: tokens counted, styles, and what steers a picture beside the prompt."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Browser, Page, expect

from contract.requests import Hires, Txt2Img, Variation
from tests.contract.vocabulary import tokenizer
from tests.web.conftest import Studio

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def published(studio: Studio) -> None:
    """The worker has told how its model cuts words."""
    (model,) = studio.store.models().values()
    studio.store.publish_tokenizer(model, tokenizer().dump)


def generate(page: Page, studio: Studio) -> Txt2Img:
    page.click("#generate")
    request = studio.next_job().request
    assert isinstance(request, Txt2Img)
    return request


def test_tokens_are_counted_while_typing(page: Page) -> None:
    page.fill("#prompt", "cat, cat")
    expect(page.locator("#prompt-tokens")).to_have_text("3 tokens · 72 left")
    page.fill("#prompt", "cat " * 80)
    expect(page.locator("#prompt-tokens")).to_have_text("80 tokens · 2 chunks · 70 left in the last")
    page.fill("#prompt", "cat AND [cat:a:0.5]")
    expect(page.locator("#prompt-tokens")).to_have_text(
        "2 tokens · 2 prompts composed · 74 left in the last · changes after step 10"
    )


def test_tokens_of_the_negative_prompt_are_counted_too(page: Page) -> None:
    place, line = page.locator("#negative_prompt-told"), page.locator("#negative_prompt-tokens")
    expect(place).to_be_hidden()
    page.fill("#negative_prompt", "cat AND (cat:1.2)")
    expect(line).to_have_text("5 tokens · 70 left")  # AND is a word like others, and spelled here
    page.fill("#negative_prompt", "cat " * 80)
    expect(line).to_have_text("80 tokens · 2 chunks · 70 left in the last")
    expect(page.locator("#negative_prompt-chunks button")).to_have_count(2)
    page.locator("#negative_prompt-chunks button").nth(1).click()
    selected = "field => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert page.locator("#negative_prompt").evaluate(selected) == " ".join(["cat"] * 5)
    expect(page.locator("#prompt-tokens")).to_have_text("0 tokens · 75 left")
    page.reload()
    expect(line).to_have_text("80 tokens · 2 chunks · 70 left in the last")
    page.fill("#negative_prompt", "")
    expect(place).to_be_hidden()


def test_a_style_and_what_steers_reach_the_request(page: Page, studio: Studio) -> None:
    page.fill("#prompt", "a cat")
    expect(page.locator("#styles option")).to_have_count(4)
    page.select_option("#styles", "Watercolor")
    for fold in ("#variation-more", "#guidance-more", "#queue-more"):
        page.click(f"{fold} summary")
    for name, value in {
        "variation.seed": "12",
        "guidance_end": "0.8",
        "guidance_rescale": "0.5",
        "clip_skip": "1",
    }.items():
        page.fill(f"[name='{name}']", value)
    page.select_option("#tiling", "x")
    page.select_option("#priority", "high")
    expect(page.locator("#priority-hint")).to_have_text("Overtakes your other pictures, between two of their steps.")
    if folder := os.environ.get("LOOK"):
        page.screenshot(path=f"{folder}/words.png", full_page=True)
        page.locator(".panel-body").screenshot(path=f"{folder}/panel.png")
    request = generate(page, studio)
    assert request.styles == ("Watercolor",)
    assert request.variation == Variation(seed=12, strength=0.2)
    assert (request.guidance_end, request.guidance_rescale, request.clip_skip) == (0.8, 0.5, 1)
    assert (request.tiling, request.priority) == ("x", "high")


def test_a_second_pass_and_what_belongs_to_it(page: Page, studio: Studio) -> None:
    page.fill("#prompt", "a cat")
    assert generate(page, studio).hires is None
    page.click("#hires-more summary")
    page.fill("[name='hires.factor']", "2")
    page.select_option("[name='hires.upscaler']", "lanczos")
    request = generate(page, studio)
    assert request.hires == Hires(factor=2, upscaler="lanczos", strength=0.6)
    page.reload()
    assert generate(page, studio).hires == request.hires


def test_the_page_begins_with_the_guidance_that_suits_the_model(browser: Browser, studio: Studio) -> None:
    studio.announce(guidance=4.5)
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio.url)
    expect(page.locator("#guidance")).to_have_value("4.5")
    page.fill("#guidance", "7.5")  # a choice, and the contract's own default
    page.reload()
    expect(page.locator("#width")).to_have_attribute("placeholder", "128")  # the models are there
    expect(page.locator("#guidance")).to_have_value("7.5")
    context.close()
    studio.announce()


def test_the_page_begins_with_the_second_pass_that_suits_the_model(browser: Browser, studio: Studio) -> None:
    worker = studio.store.workers()[0]
    suited = worker.models[0].model_copy(update={"hires": Hires(upscaler="lanczos", strength=0.3)})
    studio.present(worker.model_copy(update={"models": [suited]}))
    context = browser.new_context()
    page = context.new_page()
    page.goto(studio.url)
    expect(page.locator("[name='hires.strength']")).to_have_value("0.3")
    expect(page.locator("[name='hires.upscaler']")).to_have_value("lanczos")
    expect(page.locator("[name='hires.factor']")).to_have_value("")
    context.close()
    studio.announce()


def test_a_reload_keeps_them(page: Page, studio: Studio) -> None:
    page.fill("#prompt", "a cat")
    expect(page.locator("#styles option")).to_have_count(4)
    page.select_option("#styles", "Pixel art")
    page.click("#variation-more summary")
    page.fill("[name='variation.seed']", "3")
    page.reload()
    expect(page.locator("#styles")).to_have_value("Pixel art")
    request = generate(page, studio)
    assert (request.styles, request.variation) == (("Pixel art",), Variation(seed=3, strength=0.2))


def test_the_facts_of_a_job_tell_what_steered_it(page: Page, studio: Studio) -> None:
    page.fill("#prompt", "a cat")
    page.fill("#count", "2")
    page.click("#variation-more summary")
    page.fill("[name='variation.seed']", "3")
    page.click("#hires-more summary")
    page.fill("[name='hires.factor']", "1.5")
    generate(page, studio)
    facts = page.locator(".job .facts")
    expect(facts).to_contain_text("then 1.5 times as large")
    expect(facts).to_contain_text("variation 0.2")
    captions = page.locator(".job .frame .seed")
    expect(captions).to_have_text(["variation 3", "variation 4"])


def test_an_error_inside_a_field_stands_beside_it(page: Page) -> None:
    page.fill("#prompt", "a cat")
    page.click("#variation-more summary")
    page.fill("[name='variation.seed']", "3")
    page.fill("[name='variation.strength']", "0")  # within min and max as HTML knows them; the server says above 0
    page.click("#generate")
    expect(page.locator("[id='variation.strength-error']")).to_contain_text("greater than 0")
    expect(page.locator("#strength-error")).to_be_hidden()
