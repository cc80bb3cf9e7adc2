"""Pictures that lie in the library of a running studio, without any job having been run."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import Browser, Page
from sqlalchemy import insert

from contract.jobs import StoredImage
from contract.library.records import described
from contract.library.tables import Picture
from contract.requests import Txt2Img
from tests.api.kit import emptied, png
from tests.contract.library.kit import made

if TYPE_CHECKING:
    from tests.web.conftest import Studio

COLOURS = ((200, 60, 40), (40, 90, 180), (60, 150, 80))


@contextmanager
def unopened(browser: Browser, studio: "Studio", height: int = 800) -> Iterator[Page]:
    """A page that has opened nothing yet, and nothing in the library. An error of a script fails the test."""
    emptied(studio.library)
    context = browser.new_context(viewport={"width": 1280, "height": height}, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    yield page
    context.close()
    assert not wrong


def blobs(studio: "Studio") -> list[str]:
    """Hashes of three pictures of 128 x 96, each of one colour."""
    return [studio.blobs.put(png(np.full((96, 128, 3), colour, np.uint8))) for colour in COLOURS]


def picture(studio: "Studio", sha: str, number: int, prompt: str, **fields: Any) -> StoredImage:
    """One picture of a whole request, not yet in the library. fields: of the request."""
    request = Txt2Img(prompt=prompt, model=studio.model, width=128, height=96, seed=number, **fields)
    return made(
        prompt, number=number, sha256=sha, width=128, height=96, seed=number, model=studio.model,
        request=request.model_dump(mode="json"), negative_prompt=request.negative_prompt,
    )  # fmt: skip


def put(studio: "Studio", *prompts: str, **fields: Any) -> list[str]:
    """Pictures of these prompts, the last one the newest; their ids."""
    shas = blobs(studio)
    images = [picture(studio, shas[at % 3], at, prompt, **fields) for at, prompt in enumerate(prompts)]
    for image in images:
        assert studio.library.add(image, 1)
    return [image.id for image in images]


def put_many(studio: "Studio", count: int) -> list[str]:
    """So many pictures at once, of three shapes."""
    shas = blobs(studio)
    shapes = ((128, 96), (96, 128), (128, 128))
    rows = []
    for at in range(count):
        width, height = shapes[at % 3]
        image = picture(studio, shas[at % 3], at, f"picture {at}").model_copy(update={"width": width, "height": height})
        values = image.model_dump(include=set(Picture.__table__.columns.keys()))
        rows.append({**values, "token": 1, "details": image.metadata, "favourite": False, **described(image)})
    with studio.library.database.writing() as session:
        session.execute(insert(Picture), rows)
    return [row["id"] for row in rows]
