"""ComfyUI's parameters: the graph in a file's text `prompt`, node id → `{class_type, inputs}`.

An input is a value, or `[node id, output]`: a link to the node it comes from. Everything here walks links backwards
with a memory of where it was, so cycles and long chains end.
"""

from collections.abc import Iterator
from typing import Any

from contract.drafts import Draft
from contract.infotext import sampler_of, schedule_of
from contract.phrases import Phrase

_MOST, _FEW = 300, 5  # nodes looked at on one walk, and walks of a kind
_SAMPLERS = ("KSampler", "KSamplerAdvanced")
_OUTPUTS = ("SaveImage", "PreviewImage")
_NAMES = {"seed": ("seed", "noise_seed"), "steps": ("steps",), "guidance": ("cfg",)}  # ours → theirs
_PRIMITIVES = ("value", "seed", "noise_seed", "int", "float", "string", "text", "text_g")  # where a value's node has it
_LOADERS = ("ckpt_name", "unet_name")
_READ = {
    *_SAMPLERS, *_OUTPUTS, "VAEDecode", "VAELoader", "CLIPTextEncode", "CLIPTextEncodeSDXL", "CLIPSetLastLayer",
    "CheckpointLoaderSimple", "EmptyLatentImage", "LoadImage", "VAEEncode",
}  # fmt: skip


class Graph:
    """Nodes by id, as far as they are nodes."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.nodes: dict[str, dict[str, Any]] = {
            key: node["inputs"]
            for key, node in found.items()
            if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
        }
        self.kinds = {key: str(found[key].get("class_type"))[:80] for key in self.nodes}

    def source(self, value: object) -> str | None:
        """The node that an input links to; None where it is a value."""
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int):
            return str(value[0]) if str(value[0]) in self.nodes else None
        return None

    def above(self, value: object, through: str = "") -> Iterator[str]:
        """The nodes that an input comes from, nearest first. Of one with an input `through` only that is followed."""
        queue = [self.source(value)]
        seen: set[str] = set()
        for key in queue:  # which grows meanwhile
            if key is None or key in seen or len(seen) >= _MOST:
                continue
            seen.add(key)
            yield key
            inputs = self.nodes[key]
            queue += map(self.source, [inputs[through]] if through in inputs else inputs.values())

    def value(self, value: object) -> object:
        """A value, where it is linked that of the nearest node that has one."""
        if not isinstance(value, list):
            return value
        for key in self.above(value):
            for name in _PRIMITIVES:
                if isinstance(self.nodes[key].get(name), str | int | float):
                    return self.nodes[key][name]
        return None


def read(found: dict[str, Any]) -> Draft:
    """What the graph says of the picture's making."""
    graph, draft = Graph(found), Draft()
    samplers = _samplers(graph)
    if not samplers:
        draft.note("There is no KSampler in the graph, so its parameters cannot be told.")
        return draft
    first = graph.nodes[samplers[-1]]
    if len(samplers) > 1:
        draft.note(
            Phrase(
                "The graph has {count} samplers, one after another; only the first is carried over.",
                count=len(samplers),
            )
        )
    _read_sampler(graph, first, draft)
    _read_words(graph, first, draft)
    _read_model(graph, first, draft)
    _read_size(graph, first, draft)
    others = sorted({kind for kind in graph.kinds.values() if kind not in _READ})
    if others:
        draft.note(Phrase("Nodes that are not carried over: {names}.", names=", ".join(others[:10])))
    return draft


def _samplers(graph: Graph) -> list[str]:
    """Those the saved picture comes from, the first pass last; of all there are, where none is saved."""
    outputs = [key for key, kind in graph.kinds.items() if kind in _OUTPUTS]
    for output in outputs[:_FEW]:
        found = [key for key in graph.above([output, 0]) if graph.kinds[key] in _SAMPLERS]
        if found:
            return found
    return [key for key, kind in graph.kinds.items() if kind in _SAMPLERS][::-1]


def _read_sampler(graph: Graph, inputs: dict[str, Any], draft: Draft) -> None:
    for ours, theirs in _NAMES.items():
        value = next((graph.value(inputs[name]) for name in theirs if name in inputs), None)
        if value is not None:
            draft.found(theirs[0], value)
            draft.fields[ours] = value
    for name, look_up in (("sampler", sampler_of), ("schedule", schedule_of)):
        key = "sampler_name" if name == "sampler" else "scheduler"
        value = graph.value(inputs.get(key))
        if isinstance(value, str):
            draft.found(key, value)
            answer = look_up(value, draft)
            chosen = answer[0] if isinstance(answer, tuple) else answer
            draft.fields |= {name: chosen} if chosen else {}
    denoise = graph.value(inputs.get("denoise", 1))
    if isinstance(denoise, int | float) and denoise != 1:
        draft.found("denoise", denoise)
        draft.fields["strength"] = denoise


def _read_words(graph: Graph, inputs: dict[str, Any], draft: Draft) -> None:
    for name, side in (("prompt", "positive"), ("negative_prompt", "negative")):
        encoders = [key for key in graph.above(inputs.get(side), side) if graph.kinds[key].startswith("CLIPTextEncode")]
        texts = [graph.value(_spoken(graph.nodes[key])) for key in encoders[:_FEW]]
        spoken = [text for text in texts if isinstance(text, str)]
        if len(encoders) > 1:
            draft.note(
                Phrase(
                    "{side}: made of {count} prompts; only the first is carried over.", side=side, count=len(encoders)
                )
            )
        if spoken:
            draft.prompt(name, draft.found(side, spoken[0]))
        elif encoders:
            draft.note(Phrase("{side}: the prompt is not in the graph as text.", side=side))
        for key in encoders[:1]:
            _read_skip(graph, graph.nodes[key].get("clip"), draft)


def _spoken(inputs: dict[str, Any]) -> object:
    return next((inputs[name] for name in ("text", "text_g") if name in inputs), None)


def _read_skip(graph: Graph, clip: object, draft: Draft) -> None:
    for key in graph.above(clip):
        last = graph.nodes[key].get("stop_at_clip_layer")
        if isinstance(last, int) and -24 <= last < 0:
            draft.fields["clip_skip"] = -1 - last  # there -1 is the last layer
            draft.found("stop_at_clip_layer", last)
            return


def _read_model(graph: Graph, inputs: dict[str, Any], draft: Draft) -> None:
    for key in graph.above(inputs.get("model"), "model"):
        node = graph.nodes[key]
        for name in ("lora_name", *_LOADERS):
            value = node.get(name)
            if isinstance(value, str) and name == "lora_name":
                draft.note(Phrase("LoRAs cannot be loaded yet; {name} was left out.", name=value[:80]))
            elif isinstance(value, str) and draft.model is None:
                draft.model = draft.found(name, value[:200])


def _read_size(graph: Graph, inputs: dict[str, Any], draft: Draft) -> None:
    for key in graph.above(inputs.get("latent_image")):
        node = graph.nodes[key]
        if graph.kinds[key] in ("LoadImage", "VAEEncode", "VAEEncodeForInpaint"):
            draft.fields["kind"] = "img2img"
            return
        if graph.kinds[key].startswith("Empty") and {"width", "height"} <= node.keys():
            for side in ("width", "height"):
                draft.fields[side] = graph.value(node[side])
            draft.found("size", f"{draft.fields['width']}x{draft.fields['height']}")
            if node.get("batch_size", 1) != 1:
                draft.note("One of a batch: beyond the first, its noise cannot be drawn here from the seed.")
            break
    if draft.fields.pop("strength", None) is not None:
        draft.note("denoise: without a picture to start from it is not carried over.")
