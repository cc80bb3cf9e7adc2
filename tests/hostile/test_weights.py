"""Model folders that mean harm: headers that lie, programs for weights, classes nobody knows, links that lead out."""

import io
import json
import shutil
import struct
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

from worker.models.intake import MAX_HEADER, Refused, check_folder, read_header

HEADERS = 5_000
GOOD: dict[str, Any] = {
    "__metadata__": {"format": "pt"},
    "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "F16", "shape": [], "data_offsets": [24, 26]},
    "c": {"dtype": "I64", "shape": [0, 7], "data_offsets": [26, 26]},
    "d": {"dtype": "BF16", "shape": [5], "data_offsets": [26, 36]},
}
DATA = bytes(36)


def packed(header: bytes, data: bytes = DATA, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def accepted(file: bytes) -> bool:
    try:
        read_header(io.BytesIO(file), len(file))
    except Refused:
        return False
    return True


def library_accepts(file: bytes) -> bool:
    try:
        safetensors.deserialize(file)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError:
        return False
    return True


WILD: list[Any] = [
    "",
    None,
    -1,
    0,
    1,
    2**31,
    2**63,
    2**64,
    10**30,
    1.5,
    True,
    "F32",
    "F9",
    [],
    [0, 0],
    [24, 0],
    {},
    "__metadata__",
]


def spoiled(rng: np.random.Generator) -> bytes:
    """A file with one to three lies in it."""
    header = json.loads(json.dumps(GOOD))
    data = DATA
    for _ in range(rng.integers(1, 4)):
        name = str(rng.choice([*GOOD, "new"]))
        wild = WILD[rng.integers(len(WILD))]
        way = rng.integers(7)
        if way == 0:
            header[name] = wild
        elif way == 1 and isinstance(header.get(name), dict):
            header[name][str(rng.choice(["dtype", "shape", "data_offsets", "odd"]))] = wild
        elif way == 2 and isinstance(header.get(name), dict):
            header[name]["data_offsets"] = [int(n) for n in rng.integers(0, 40, 2)]
        elif way == 3 and isinstance(header.get(name), dict):
            header[name]["shape"] = [int(n) for n in rng.integers(0, 4, rng.integers(0, 4))]
        elif way == 4:
            data = data[: rng.integers(len(data) + 1)] + bytes(rng.integers(0, 3))
    text = json.dumps(header).encode()
    if rng.random() < 0.4:
        changed = bytearray(text)
        changed[rng.integers(len(changed))] = rng.integers(256)
        text = bytes(changed)
    lengths = [None] * 6 + [0, 1, 7, len(text) + 1, len(text) + len(data) + 1, MAX_HEADER, 2**32, 2**63, 2**64 - 1]
    return packed(text, data, lengths[rng.integers(len(lengths))])


def test_headers_that_lie() -> None:
    """The safetensors library, which is written in Rust, is the judge: what it refuses is refused here."""
    rng = np.random.default_rng(1)
    outcomes: Counter[tuple[bool, bool]] = Counter()
    tracemalloc.start()
    for _ in range(HEADERS):
        file = spoiled(rng)
        outcomes[accepted(file), library_accepts(file)] += 1
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000  # bytes
    assert outcomes[True, False] == 0, outcomes
    assert outcomes[True, True] > 50
    assert outcomes[False, False] > 1000


WHOLE = b'"%s":{"dtype":"U8","shape":[36],"data_offsets":[0,36]}'
NAMED = {
    "nothing": b"",
    "seven bytes": bytes(7),
    "no header": packed(b"", b""),
    "longer than the file": packed(b"{}", b"", 2**40),
    "longer than any": packed(b"{}", b"", 2**64 - 1),
    "nested": packed(b"[" * 200_000),
    "nested objects": packed(b'{"a":' * 100_000),
    "digits": packed(b'{"a":{"dtype":"F32","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,36]}}'),
    "NaN": packed(b'{"a":NaN}'),
    "utf-16": packed(json.dumps(GOOD).encode("utf-16")),
    "overlap": packed(b"{" + WHOLE % b"d" + b"," + WHOLE % b"e" + b"}"),
    "a pickle": b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94." + bytes(40),
    "a zip, as torch.save writes": b"PK\x03\x04" + bytes(200),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_is_none(name: str) -> None:
    assert not accepted(NAMED[name])
    assert not library_accepts(NAMED[name])


def test_a_name_given_twice_is_refused_though_the_library_takes_the_last() -> None:
    assert not accepted(packed(b"{" + WHOLE % b"d" + b"," + WHOLE % b"d" + b"}"))


def test_a_good_file_is_taken() -> None:
    assert accepted(packed(json.dumps(GOOD).encode()))
    assert library_accepts(packed(json.dumps(GOOD).encode()))
    assert accepted(packed(json.dumps(GOOD).encode() + b"   "))  # padding, as the format allows


# --- folders ---------------------------------------------------------------------------------------------


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small folder that passes."""
    root = tmp_path / "model"
    write(
        root / "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.42.1",
            "scheduler": ["diffusers", "DDIMScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"], "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"], "safety_checker": [None, None], "requires_safety_checker": False,
        },
    )  # fmt: skip
    for part in ("text_encoder", "unet", "vae"):
        write(root / part / "config.json", {"_class_name": "whatever the library says"})
        write(root / part / "model.safetensors", packed(json.dumps(GOOD).encode()))
    check_folder(root)
    return root


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"_class_name": "EvilPipeline"}, "pipeline"),
        ({"_class_name": ["my_pipeline", "Evil"]}, "pipeline"),
        ({"_class_name": None}, "pipeline"),
        ({"unet": ["diffusers", "Evil"]}, "unet"),
        ({"unet": ["evil", "UNet2DConditionModel"]}, "unet"),
        ({"unet": ["my_unet.py", "UNet2DConditionModel"]}, "unet"),
        ({"vae": ["transformers", "AutoModel"]}, "vae"),
        ({"extra": ["os", "system"]}, "extra"),
        ({"safety_checker": ["subprocess", "Popen"]}, "safety_checker"),
        ({"custom_pipeline": "someone/evil"}, "custom_pipeline"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_classes_nobody_knows(folder: Path, change: dict[str, Any], word: str) -> None:
    index = folder / "model_index.json"
    write(index, json.loads(index.read_text()) | change)
    with pytest.raises(Refused, match=word):
        check_folder(folder)


def test_code_from_elsewhere(folder: Path) -> None:
    write(folder / "text_encoder" / "config.json", {"auto_map": {"AutoModel": "evil.Evil"}})
    with pytest.raises(Refused, match="auto_map"):
        check_folder(folder)


@pytest.mark.parametrize(
    "named", ["pytorch_model.bin", "../../x.safetensors", "/tmp/x.safetensors", None, "a/b.safetensors"]
)
def test_an_index_of_shards_names_safetensors_beside_it(folder: Path, named: Any) -> None:
    write(folder / "unet" / "diffusion_pytorch_model.safetensors.index.json", {"weight_map": {"a": named}})
    with pytest.raises(Refused, match="beside it"):
        check_folder(folder)


def test_a_pickle_by_another_name(folder: Path) -> None:
    write(folder / "unet" / "model.safetensors", NAMED["a pickle"])
    with pytest.raises(Refused, match=r"unet/model\.safetensors is no safetensors file"):
        check_folder(folder)


@pytest.mark.parametrize("place", ["preview.json", "unet/model.safetensors", "vae/deep", "tokenizer"])
def test_links_that_lead_out(folder: Path, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = folder / place
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    with pytest.raises(Refused, match="leads out"):
        check_folder(folder)


def test_links_within_are_fine_and_so_is_a_link_to_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "unet" / "again.safetensors").symlink_to("model.safetensors")
    check_folder(folder)
    (tmp_path / "link").symlink_to(folder)
    check_folder(tmp_path / "link")
    shutil.rmtree(folder / "vae")
    check_folder(folder)  # what is missing is the loader's to tell
