"""What is ordered beside single pictures: comparisons and larger pictures."""

import pytest
from playwright.sync_api import Page, expect

from contract.grid import Grid
from contract.upscale import Upscale
from tests.web.conftest import Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser


def test_settings_are_compared_in_a_grid(page: Page, studio: Studio) -> None:
    page.fill("#prompt", "a cat")
    page.fill("#seed", "7")
    page.fill("#count", "4")
    page.click("#compare-more summary")
    compare = page.get_by_role("button", name="Make the comparison")
    expect(compare).to_be_disabled()
    page.select_option("#x", "steps")
    page.fill("#x-values", "4-8 (+2)")
    page.select_option("#y", "sampler")
    choices = page.get_by_role("group", name="Down: values")
    choices.get_by_role("button", name="Euler", exact=True).click()
    choices.get_by_role("button", name="Heun").click()
    page.reload()  # it is kept like the form
    page.click("#compare-more summary")
    compare.click()
    request = studio.next_job().request
    assert isinstance(request, Grid)
    assert (request.x.field, request.x.values) == ("steps", (4, 6, 8))
    assert request.y
    assert (request.y.field, request.y.values) == ("sampler", ("euler", "heun"))
    assert request.z is None
    assert (request.base.prompt, request.base.seed, request.base.count) == ("a cat", 7, 1)
    expect(page.locator(".job .facts li").first).to_have_text("Grid")


def test_a_grid_that_cannot_be_is_told_beside_the_axis(page: Page) -> None:
    page.fill("#prompt", "a cat")
    page.click("#compare-more summary")
    page.select_option("#x", "prompt")
    page.fill("#x-values", "dog, fish")
    page.click("#compare")
    expect(page.locator("#x-error")).to_contain_text("'dog' is not in the prompt")


@pytest.mark.parametrize("method", ["redraw", "lanczos"])
def test_a_picture_is_made_larger(page: Page, studio: Studio, method: str) -> None:
    page.fill("#negative_prompt", "rain")
    page.fill("#steps", "9")
    page.fill("#seed", "5")
    generate(page, "a boat")
    claim = studio.claim(studio.next_job())
    made = studio.picture(claim, 0, colour(10, 80, 90))
    studio.finish(claim)
    page.get_by_role("button", name="Make larger").click()
    dialog = page.get_by_role("dialog", name="Make larger")
    expect(dialog).to_contain_text("128 × 128 becomes 256 × 256")
    page.fill("[id='upscale.factor']", "3")
    expect(dialog).to_contain_text("128 × 128 becomes 384 × 384")
    page.check(f"input[value={method}]")
    dialog.get_by_role("button", name="Make larger").click()
    request = studio.next_job().request
    expect(dialog).to_be_hidden()
    assert isinstance(request, Upscale)
    assert (request.image, request.factor, request.method) == (made, 3, method)
    if method == "redraw":
        assert (request.prompt, request.negative_prompt, request.steps, request.seed) == ("a boat", "rain", 9, 5)
        assert request.strength == Upscale.model_fields["strength"].default
    expect(page.locator(".job")).to_have_count(2)
