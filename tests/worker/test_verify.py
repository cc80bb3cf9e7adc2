"""A picture made again, against its file: by hand, and by a worker with a real, tiny model."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from api.remake import remake
from contract.ids import new_job_id
from contract.jobs import Job, JobState
from contract.requests import Img2Img, Inpaint, Txt2Img, Variation
from contract.settings import Settings
from contract.verification import MadeBy, Original, Verification
from tests.worker.bench import Bench, at_work
from tests.worker.engine.tiny import tiny
from tests.worker.kit import photo
from worker import files
from worker.models.loader import Components
from worker.verify import verify

HERE: MadeBy = {"model": "a" * 64, "device": "cpu", "strict": True}
ORIGINAL = Original(image_id="img_" + "a" * 26, role="output", modelled=True, maker="mine", made_by=HERE)
PIXELS = np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8)
FILE = files.png(PIXELS, {"request": {"prompt": "a café, 猫"}}, "a café, 猫\nSteps: 4")


@pytest.mark.parametrize("data", [FILE, files.png(PIXELS, None), files.png(PIXELS, {"prompt": "a cat"}, "a cat")])
def test_the_same_pixels_are_the_same_bytes_whatever_the_file_says(data: bytes) -> None:
    expected = Verification(image_id=ORIGINAL.image_id, same=True, greatest=0, mean=0.0)
    assert verify(ORIGINAL, data, PIXELS, "mine", HERE) == expected
    assert verify(ORIGINAL, data, PIXELS, "another", {**HERE, "device": "cuda"}) == expected


def test_how_far_off_it_is_and_why() -> None:
    other = PIXELS.copy()
    other[3, 4, 1] ^= 0b11  # by one to three
    other[5, 6] = 255 - other[5, 6]
    found = verify(ORIGINAL, FILE, other, "another", {**HERE, "device": "cuda"})
    apart = np.abs(PIXELS.astype(float) - other.astype(float))
    assert (found.same, found.reasons) == (False, ["the device: cpu then, cuda here"])
    assert found.greatest == apart.max()
    assert found.mean == pytest.approx(apart.sum() / apart.size, abs=1e-4)


def test_what_nothing_explains_is_said_so() -> None:
    other = PIXELS ^ np.uint8(1)
    assert verify(ORIGINAL, FILE, other, "mine", HERE).reasons == [
        "nothing that is noted differs: the file is not what its job made"
    ]
    (told,) = verify(ORIGINAL, FILE, other, "mine", {**HERE, "strict": False, "model": "a" * 64}).reasons
    assert "strict" in told


def test_another_size_and_another_packing() -> None:
    found = verify(ORIGINAL, FILE, PIXELS[:8, :16], "mine", HERE)
    assert (found.same, found.greatest, found.mean) == (False, None, None)
    assert found.reasons[0] == "its size: 56 x 40 then, 16 x 8 here"
    text, packed = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("darkroom", "{}")
    Image.fromarray(PIXELS).save(packed, "PNG", pnginfo=text)
    found = verify(ORIGINAL, packed.getvalue(), PIXELS, "mine", HERE)
    assert (found.same, found.greatest, found.mean) == (False, 0, 0.0)
    assert found.reasons == ["the pixels are the same; the file was packed otherwise"]


# --- by a worker --------------------------------------------------------------------------------------

BASE = Txt2Img(prompt="a cat", width=64, height=64, seed=7, steps=3, model="mini")
IMAGE, MASK = "img_" + "a" * 26, "img_" + "b" * 26


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


@pytest.fixture
def bench(settings: Settings, components: Components) -> Iterator[Bench]:
    with at_work(settings.model_copy(update={"checkpoint_seconds": 3600.0}), components) as bench:
        yield bench


def verified(bench: Bench, image_id: str, settings: Settings) -> Job:
    """The job that makes a picture again, at its end."""
    store = bench.store
    image = store.image(image_id)
    assert image is not None
    made = remake(image, store.models(), settings)
    job = made.job
    job_id = store.submit(
        new_job_id(), job.request, owner="local", steps=job.steps, inputs=job.inputs, drawn=job.drawn,
        max_queue=100, verifies=made.original,
    ).id  # fmt: skip
    return bench.run(job_id)


def stored(bench: Bench) -> Sequence[str]:
    return [sha for shelf in range(256) for sha in bench.blobs.stored(shelf, -60.0)]


def test_every_picture_of_a_job_is_made_again_alone_to_the_same_bytes(bench: Bench, settings: Settings) -> None:
    variations = BASE.model_copy(update={"count": 2, "variation": Variation(seed=3, strength=0.4)})
    several = BASE.model_copy(update={"count": 2, "metadata": False})
    for request in (variations, several):
        drawn = (("a black cat", "rain"), ("a white cat", "snow"))
        job = bench.run(bench.submit(request, 6, drawn=drawn))
        assert len({image.sha256 for image in job.images}) == 2
        before = stored(bench)
        for image in job.images:
            again = verified(bench, image.id, settings)
            assert (again.state, again.images) == (JobState.SUCCEEDED, [])
            assert again.verification == Verification(image_id=image.id, same=True, greatest=0, mean=0.0)
        assert stored(bench) == before


def test_pictures_made_from_pictures_too(bench: Bench, settings: Settings) -> None:
    inputs = {IMAGE: bench.put(photo(64, 64)), MASK: bench.put(np.tri(64, dtype=np.uint8) * 255)}
    shared = {"prompt": "a cat", "image": IMAGE, "width": 64, "height": 64, "seed": 7, "steps": 3, "model": "mini"}
    requests = (Img2Img.model_validate(shared), Inpaint.model_validate({**shared, "mask": MASK}))
    for request in requests:
        job = bench.run(bench.submit(request, 3, inputs))
        assert job.state is JobState.SUCCEEDED
        for image in job.images:
            again = verified(bench, image.id, settings).verification
            assert again is not None
            assert (image.role, again.same) == (image.role, True)
    assert {image.role for image in job.images} == {"output", "raw"}


def test_other_weights_are_told_and_how_far_off_they_lead(settings: Settings, components: Components) -> None:
    with at_work(settings, components) as bench:
        image = bench.run(bench.submit(BASE, 3)).images[0]
        first = bench.pixels(image).astype(float)
    with at_work(settings, replace(tiny(seed=1), sha256="1" * 64)) as other:
        found = verified(other, image.id, settings).verification
        second = other.pixels(other.run(other.submit(BASE, 3)).images[0]).astype(float)
    assert found is not None
    assert found.same is False
    assert [reason.partition(":")[0] for reason in found.reasons] == ["the model's weights"]
    assert found.greatest == np.abs(first - second).max() > 0
    assert found.mean == pytest.approx(np.abs(first - second).mean(), abs=1e-4)
