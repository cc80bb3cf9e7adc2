"""What a model folder must be before anything in it is loaded: safetensors by content, known classes, no way out.

Weights in other formats are programs (a pickle runs what it likes), a class named in a configuration is code that
would be fetched, and a link leads to files that are nobody's model. So all of it is looked at first, and nothing is run
for that.
"""

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

PARTS = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")
MAX_HEADER = 100_000_000  # bytes, as the safetensors library has it

# Bits of each number format (safetensors 0.8, `tensor.rs`).
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "C64": 64, "U64": 64, "I64": 64,
    "F64": 64,
}  # fmt: skip

_DIFFUSERS, _TRANSFORMERS = "diffusers", "transformers"
_PIPELINES = {
    "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline",
    "LatentConsistencyModelPipeline",
}  # fmt: skip
_SCHEDULERS = {
    "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler",
    "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler", "LCMScheduler",
    "LMSDiscreteScheduler", "PNDMScheduler", "TCDScheduler", "UniPCMultistepScheduler",
}  # fmt: skip
_CLASSES = {  # part → (library, class) it may name in model_index.json
    "scheduler": {(_DIFFUSERS, name) for name in _SCHEDULERS},
    "text_encoder": {(_TRANSFORMERS, "CLIPTextModel")},
    "tokenizer": {(_TRANSFORMERS, "CLIPTokenizer"), (_TRANSFORMERS, "CLIPTokenizerFast")},
    "unet": {(_DIFFUSERS, "UNet2DConditionModel")},
    "vae": {(_DIFFUSERS, "AutoencoderKL")},
    # Never loaded here; named so that a folder as it is published can be used.
    "feature_extractor": {(_TRANSFORMERS, "CLIPImageProcessor"), (_TRANSFORMERS, "CLIPFeatureExtractor")},
    "image_encoder": {(_TRANSFORMERS, "CLIPVisionModelWithProjection")},
    "safety_checker": {("stable_diffusion", "StableDiffusionSafetyChecker")},
}
_REMOTE = {"auto_map", "custom_pipeline", "trust_remote_code"}  # keys that ask for code from elsewhere


class Refused(ValueError):
    """A folder or file that is not to be loaded; says why."""


def check_folder(folder: Path) -> None:
    """Look at all that loading would read. Raises Refused; OSError where the folder cannot be read."""
    root = folder.resolve()
    _check_index(_json(root / "model_index.json"))
    for file in _files(root):
        if not file.resolve().is_relative_to(root):
            raise Refused(f"{file.relative_to(root)} leads out of the model's folder")
        if file.name.endswith(".index.json"):
            _check_shards(file)
        elif file.suffix == ".safetensors":
            with file.open("rb") as stream:
                _check_file(stream, file)
        elif file.name == "config.json":
            _check_config(file)


def read_header(stream: BinaryIO, size: int) -> dict[str, Any]:
    """The header of a safetensors file of `size` bytes: name → dtype, shape, data_offsets.

    Raises Refused where it is none, or says what the bytes behind it do not bear out: every tensor lies within them, as
    long as its shape says, in one row without gaps. Never takes more memory than the header's own multiple.
    """
    start = stream.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or not 2 <= length <= min(MAX_HEADER, size - 8):
        raise Refused("is no safetensors file: its header is as long as no header can be")
    try:
        text = stream.read(length).decode()
        header = json.loads(text, parse_constant=_no_number, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError among them
        raise Refused("is no safetensors file: its header is not JSON") from None
    if not isinstance(header, dict) or not text.startswith("{"):
        raise Refused("is no safetensors file: its header is no JSON object")
    told = header.pop("__metadata__", None)
    if told is not None and not (isinstance(told, dict) and all(isinstance(text, str) for text in told.values())):
        raise Refused("is no safetensors file: its metadata are more than texts")
    end = 0
    for begin, stop in sorted(_span(entry) for entry in header.values()):
        if begin != end:
            raise Refused("is damaged: its tensors overlap, or leave bytes between them")
        end = stop
    if end != size - 8 - length:
        raise Refused("is damaged: its tensors end elsewhere than its bytes")
    return header


def _span(entry: Any) -> tuple[int, int]:
    """Where a tensor begins and ends, if that fits its shape."""
    try:
        bits, shape, (begin, end) = _BITS[entry["dtype"]], entry["shape"], entry["data_offsets"]
        whole = isinstance(shape, list) and all(type(number) is int and number >= 0 for number in (*shape, begin, end))
        if whole and len(shape) <= 64 and begin + math.prod(shape) * bits // 8 == end:
            return begin, end
    except (KeyError, TypeError, ValueError):
        pass
    raise Refused("is damaged: a tensor's type, shape and place do not fit each other")


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _check_file(stream: BinaryIO, file: Path) -> None:
    try:
        read_header(stream, os.fstat(stream.fileno()).st_size)
    except Refused as error:
        raise Refused(f"{file.parent.name}/{file.name} {error}") from None


def _check_shards(file: Path) -> None:
    """Weights in several files: the libraries would load whatever file the index names, pickles too."""
    shards = _json(file).get("weight_map")
    for name in shards.values() if isinstance(shards, dict) else [None]:
        if not isinstance(name, str) or not name.endswith(".safetensors") or Path(name).name != name:
            raise Refused(f"{file.parent.name}/{file.name} names weights that are no safetensors file beside it")


def _check_index(index: dict[str, Any]) -> None:
    """The classes that model_index.json names are those this engine loads, and no others."""
    if index.get("_class_name") not in tuple(_PIPELINES):  # a list given here has no hash
        raise Refused(f"model_index.json names a pipeline other than {', '.join(sorted(_PIPELINES))}")
    for part, named in index.items():
        if part in _REMOTE:
            raise Refused(f"model_index.json asks for code from elsewhere ({part})")
        if isinstance(named, list) and named != [None, None] and not _known(part, named):
            raise Refused(f"model_index.json names a class for {part} that this engine does not load")


def _known(part: str, named: list[Any]) -> bool:
    return any(named == list(known) for known in _CLASSES.get(part, ()))


def _check_config(file: Path) -> None:
    if asked := _REMOTE & set(_json(file)):
        raise Refused(f"{file.parent.name}/{file.name} asks for code from elsewhere ({', '.join(sorted(asked))})")


def _files(root: Path) -> Iterator[Path]:
    """Files at the top and in the parts that are loaded. Links to folders are given too, and not followed."""
    yield from (path for path in root.iterdir() if path.name in PARTS or path.is_symlink() or not path.is_dir())
    for part in PARTS:
        for folder, folders, files in os.walk(root / part):
            yield from (Path(folder) / name for name in (*folders, *files))


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise Refused(f"{file.parent.name}/{file.name} is not JSON") from None
    if not isinstance(found, dict):
        raise Refused(f"{file.parent.name}/{file.name} is no JSON object")
    return found
