"""`POST /api/v1/read`: pictures as each program writes them, what is made of them, and files that mean harm."""

import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image, PngImagePlugin

from api.deps import Services
from api.reading import interpret
from contract.access import Scope
from tests.api.kit import MAX_UPLOAD, MODEL, key_of, noise, png
from tests.hostile.corpus import CORPUS, chunk, stuffed

READ = "/api/v1/read"
PLAIN = png(noise(32, 32))
INFOTEXT = "a cat\nNegative prompt: dog\nSteps: 9, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x128, Model: mini"

GRAPH: dict[str, Any] = {
    "3": {"class_type": "KSampler", "inputs": {
        "seed": 156680208700286, "steps": 25, "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1,
        "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "folder\\mini.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": ["20", 0], "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a galaxy {in|out} bottle", "clip": ["11", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["21", 0], "clip": ["11", 0]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "C", "images": ["8", 0]}, "is_changed": ["NaN"]},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "model": ["4", 0], "clip": ["4", 1]}},
    "11": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["10", 1]}},
    "20": {"class_type": "PrimitiveInt", "inputs": {"value": 768}},
    "21": {"class_type": "PrimitiveString", "inputs": {"value": "text, watermark"}},
}  # fmt: skip
INVOKE: dict[str, Any] = {
    "generation_mode": "txt2img", "positive_prompt": "a lighthouse", "negative_prompt": "low quality", "width": 768,
    "height": 432, "seed": 356120443, "rand_device": "cpu", "cfg_scale": 7.5, "cfg_rescale_multiplier": 0.25,
    "steps": 50, "scheduler": "dpmpp_2m_sde_k", "clip_skip": 1, "seamless_x": True, "seamless_y": False,
    "model": {"model_name": "mini", "base_model": "sd-1", "model_type": "main"}, "loras": [{"lora": "x", "weight": 1}],
    "app_version": "3.3.0",
}  # fmt: skip
OLDER = {
    "model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_version": "v2.2.5",
    "image": {"prompt": [{"prompt": "a lighthouse [fog]", "weight": 1.0}], "steps": 30, "cfg_scale": 6.5, "width": 512,
              "height": 512, "seed": 42, "sampler": "k_dpmpp_2_a", "type": "txt2img"},
}  # fmt: skip
DREAM = '"a lighthouse [fog]" -s 50 -S 1950357039 -W 512 -H 704 -C 7.5 -A k_euler_a'


def saying(**texts: str) -> bytes:
    """A PNG with these texts, as Pillow writes them: tEXt, or iTXt where they are more than Latin-1."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key.replace("_", "-") if key == "sd_metadata" else key, text)
    return png(noise(32, 32), pnginfo=info)


def ask(client: TestClient, data: bytes, **headers: str) -> Any:
    return client.post(READ, content=data, headers={"Content-Type": "image/png", **headers})


def read(client: TestClient, data: bytes) -> Any:
    """What is answered, and of its request what differs from the defaults."""
    answer = ask(client, data)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    defaults = {"sampler": "dpmpp_2m", "schedule": "karras", "steps": 20, "guidance": 7.5, "guidance_end": 1.0}
    if told["request"] is not None:
        client.app.state.services.store.redis.delete("darkroom:queued")  # type: ignore[attr-defined]
        small = {**told["request"], "width": 64, "height": 64, "steps": 1}
        assert client.post("/api/v1/jobs", json=small).status_code == 202
        kept = {key: value for key, value in told["request"].items() if value not in (None, [], "none", 0, 1, "", True)}
        told["request"] = {key: value for key, value in kept.items() if defaults.get(key, "") != value}
        del told["request"]["priority"]
    return told


def test_a_text_of_the_web_ui_becomes_a_request(client: TestClient) -> None:
    told = read(client, saying(parameters=INFOTEXT))
    assert told == {
        "source": "a1111",
        "parameters": {
            "Prompt": "a cat", "Negative prompt": "dog", "Steps": "9", "Sampler": "Euler a", "CFG scale": "7",
            "Seed": "5", "Size": "64x128", "Model": "mini",
        },
        "texts": {"parameters": INFOTEXT},
        "request": {
            "kind": "txt2img", "prompt": "a cat", "negative_prompt": "dog", "steps": 9, "sampler": "euler_a",
            "schedule": "normal", "guidance": 7.0, "seed": 5, "width": 64, "height": 128, "model": "mini",
        },
        "notes": [],
    }  # fmt: skip


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
def test_jpeg_and_webp_say_it_in_exif(client: TestClient, format: str, order: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + INFOTEXT.replace("cat", "猫 cat").encode(order)
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, format, exif=exif)
    told = read(client, file.getvalue())
    assert (told["source"], told["request"]["prompt"], told["request"]["seed"]) == ("a1111", "a 猫 cat", 5)


def test_a_graph_of_comfyui(client: TestClient) -> None:
    text = json.dumps(GRAPH).replace('["NaN"]', "[NaN]")
    told = read(client, saying(prompt=text, workflow='{"nodes": []}'))
    assert told["source"] == "comfyui"
    assert told["request"] == {
        "kind": "txt2img", "prompt": "a galaxy \\{in|out\\} bottle", "negative_prompt": "text, watermark", "steps": 25,
        "guidance": 8.0, "seed": 156680208700286, "width": 512, "height": 768, "model": "mini",
    }  # fmt: skip
    assert told["parameters"]["ckpt_name"] == "folder\\mini.safetensors"
    assert "ink.safetensors" in " ".join(told["notes"])
    assert interpret({"prompt": text})[1].fields["clip_skip"] == 1


def test_comfyui_writes_webp_with_its_graph_in_exif(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = "prompt:" + json.dumps(GRAPH), 'workflow:{"nodes": []}'
    file = io.BytesIO()
    Image.new("RGB", (32, 32)).save(file, "WEBP", exif=exif)
    assert read(client, file.getvalue())["request"]["seed"] == 156680208700286


def test_the_first_of_two_samplers_and_a_seed_that_is_too_large() -> None:
    second = {**GRAPH["3"]["inputs"], "latent_image": ["31", 0], "steps": 10, "denoise": 0.5}
    upscaled = {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 1024, "height": 1024}}
    graph = {**GRAPH, "30": {"class_type": "KSampler", "inputs": second}, "31": upscaled}
    graph["8"] = {"class_type": "VAEDecode", "inputs": {"samples": ["30", 0]}}
    graph["3"] = {"class_type": "KSampler", "inputs": {**GRAPH["3"]["inputs"], "seed": 2**64 - 1}}
    _, draft, request = interpret({"prompt": json.dumps(graph)})
    assert request is not None
    assert (request.model_dump()["steps"], request.model_dump()["seed"]) == (25, None)
    assert "seed" in " ".join(draft.notes)
    assert "2 samplers" in " ".join(draft.notes)


def test_graphs_that_go_in_circles_or_are_none() -> None:
    circle = {
        "1": {"class_type": "KSampler", "inputs": {"latent_image": ["1", 0], "positive": ["2", 0], "model": ["3", 0]}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": ["2", 0], "clip": ["3", 0]}},
        "3": {"class_type": "LoraLoader", "inputs": {"model": ["3", 0], "clip": ["1", 0], "lora_name": ["3", 0]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
    }
    assert interpret({"prompt": json.dumps(circle)})[0] == "comfyui"
    for odd in ({"1": {"class_type": ["KSampler"], "inputs": []}}, {"1": {"class_type": "KSampler", "inputs": {}}}):
        source, _, request = interpret({"prompt": json.dumps(odd)})
        assert (source, request) == ("comfyui", None)


def test_what_invokeai_writes_today(client: TestClient) -> None:
    told = read(client, saying(invokeai_metadata=json.dumps(INVOKE)))
    assert told["source"] == "invokeai"
    assert told["request"] == {
        "kind": "txt2img", "prompt": "a lighthouse", "negative_prompt": "low quality", "width": 768, "height": 432,
        "seed": 356120443, "guidance_rescale": 0.25, "steps": 50, "sampler": "dpmpp_2m_sde", "tiling": "x",
        "model": "mini",
    }  # fmt: skip
    assert told["notes"] == ["Not carried over: LoRAs."]


def test_what_invokeai_wrote_before(client: TestClient) -> None:
    older = read(client, saying(sd_metadata=json.dumps(OLDER), Dream=DREAM))
    assert older["request"] == {
        "kind": "txt2img", "prompt": "a lighthouse", "negative_prompt": "fog", "width": 512, "height": 512, "seed": 42,
        "guidance": 6.5, "steps": 30, "sampler": "dpmpp_2s_a", "schedule": "normal",
    }  # fmt: skip
    assert "stable-diffusion-1.5" in " ".join(older["notes"])  # and no such model here
    told = read(client, saying(Dream=DREAM))
    assert (told["source"], told["request"]["seed"], told["request"]["height"]) == ("invokeai", 1950357039, 704)
    assert (told["request"]["sampler"], told["request"]["negative_prompt"]) == ("euler_a", "fog")


def made(request: dict[str, Any], **more: Any) -> str:
    told = {"request": request, "prompt": "drawn", "negative_prompt": "", "role": "output", "seed": 7, "inputs": {}}
    return json.dumps({**told, "model": {"name": "mini", "hash": MODEL.hash}, **more})


def test_our_own_chunk_makes_that_picture_again(client: TestClient) -> None:
    request = {"kind": "txt2img", "prompt": "a {red|blue} cat", "seed": 5, "count": 4, "guidance_end": 0.8}
    told = read(client, saying(darkroom=made(request), parameters="a red cat\nSteps: 20, Seed: 7, Size: 64x64"))
    assert told["source"] == "darkroom"
    expected = {"kind": "txt2img", "prompt": "a {red|blue} cat", "seed": 7, "guidance_end": 0.8, "model": "mini"}
    assert told["request"] == expected
    assert told["parameters"]["prompt"] == "drawn"
    grid = {"kind": "grid", "base": {**request, "count": 1}, "x": {"field": "steps", "values": [1, 2]}}
    again = ask(client, saying(darkroom=made(grid, role="grid"))).json()["request"]
    assert (again["kind"], again["base"]["model"], again["x"]["values"]) == ("grid", "mini", [1, 2])


def test_input_pictures_count_only_where_they_are_ones_own(client: TestClient, services: Services, upload: Any) -> None:
    image = upload(png(noise(40, 40)))["id"]
    request = {"kind": "img2img", "prompt": "a cat", "seed": 5, "image": image, "strength": 0.5, "resize": "crop"}
    told = read(client, saying(darkroom=made(request, seed=5)))
    assert (told["request"]["kind"], told["request"]["image"], told["notes"]) == ("img2img", image, [])
    _, bob = key_of(services, "bob")
    answer = ask(client, saying(darkroom=made(request)), **bob).json()
    assert (answer["request"]["kind"], answer["request"]["prompt"]) == ("txt2img", "a cat")
    assert "another picture" in " ".join(answer["notes"])
    enlarged = {"kind": "upscale", "image": "img_" + "a" * 26}
    assert ask(client, saying(darkroom=made(enlarged)), **bob).json()["request"] is None


def test_what_goes_beyond_this_installation_is_told(client: TestClient) -> None:
    told = ask(
        client, saying(parameters="a __nosuch\nSteps: 20, Seed: 1, Size: 4096x4096, Model: other, Version: x")
    ).json()
    assert (told["request"]["width"], told["request"]["model"]) == (4096, None)
    assert "'other'" in told["notes"][0]
    assert "at most" in told["notes"][-1]


def test_a_key_needs_the_scope_that_uploads_need(client: TestClient, services: Services) -> None:
    _, reader = key_of(services, "reader", Scope.READ)
    _, maker = key_of(services, "maker", Scope.GENERATE)
    assert ask(client, PLAIN, **reader).status_code == 403
    assert ask(client, PLAIN, **maker).status_code == 200


def test_a_picture_that_says_nothing(client: TestClient) -> None:
    for data in (PLAIN, saying(parameters="{}"), saying(prompt="a cat"), saying(comment="hello")):
        told = ask(client, data).json()
        assert (told["source"], told["request"]) == ("unknown", None)
        assert told["notes"]


def test_the_limits_of_uploads_hold(client: TestClient) -> None:
    assert ask(client, PLAIN + bytes(MAX_UPLOAD)).status_code == 413
    assert client.post(READ, json={}).status_code == 415
    form = client.post(READ, files={"file": ("a.png", saying(parameters=INFOTEXT))}, headers={"X-Requested-With": "x"})
    assert form.json()["request"]["seed"] == 5


HOSTILE = {
    **{name: data for name, (data, _) in CORPUS.items()},
    "zTXt bomb": stuffed(b"zTXt", 80),
    "iTXt of 1.9 MB": PLAIN[:33] + chunk(b"iTXt", b"prompt\0" + bytes(4) + b'{"' * 950_000) + PLAIN[33:],
    "40,000 texts": PLAIN[:33] + b"".join(chunk(b"tEXt", b"k%d\0v" % n) for n in range(40_000)) + PLAIN[33:],
    "no UTF-8": PLAIN[:33] + chunk(b"iTXt", b"prompt\0" + bytes(4) + b"\xff\xfe\xed\xa0\x80") + PLAIN[33:],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_mean_harm(client: TestClient, name: str) -> None:
    answer = ask(client, HOSTILE[name])
    assert answer.status_code in (200, 413, 415, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["request"] is None


DEEP = "[" * 100_000 + "]" * 100_000


def graph(value: Any) -> dict[str, str]:
    """The graph above, every input of it this."""
    nodes = {key: {**node, "inputs": dict.fromkeys(node["inputs"], value)} for key, node in GRAPH.items()}
    return {"prompt": json.dumps(nodes)}


def meta(value: Any) -> dict[str, str]:
    """InvokeAI's metadata, every field of it this."""
    return {"invokeai_metadata": json.dumps(dict.fromkeys((*INVOKE, "strength"), value))}


def ours(more: str) -> dict[str, str]:
    return {"darkroom": f'{{"request": {{"prompt": "a", {more}}}, "seed": 1e999}}'}


CROWD = {str(n): {"class_type": "SaveImage", "inputs": {f"i{m}": [str(m), 0] for m in range(20)}} for n in range(1500)}
TYPES = made({"kind": [], "prompt": {}, "count": [], "hires": [], "variation": 1}, model=[], role=[])
HALVES = made({"prompt": "\ud800", "styles": ["\udfff"], "model": "\ud800"}, model={"name": "\ud800"})
NESTED = made({"kind": "txt2img", "prompt": "a", "blend": json.loads("[" * 45 + "]" * 45)})
TEXTS: dict[str, dict[str, str]] = {
    "deep": {
        "prompt": DEEP,
        "darkroom": f'{{"request": {DEEP}}}',
        "invokeai_metadata": '{"a":' * 500 + "1" + "}" * 500,
    },
    "nested below the limit": {"darkroom": NESTED},
    "digits": ours(f'"seed": {"9" * 10_000}'),
    "not numbers": ours('"guidance": NaN, "steps": Infinity, "seed": -1'),
    "surrogates": {"darkroom": HALVES},
    "types": {"darkroom": TYPES},
    "fields": {"darkroom": made({"prompt": "a", **{f"f{n}": n for n in range(5000)}})},
    "invokeai's types": meta({"a": [1]}),
    "invokeai's surrogates": meta("\ud800"),
    "invokeai's truths": meta(True),
    "older types": {"sd-metadata": '{"image": {"prompt": [[]], "sampler": 3}, "model_weights": {}}'},
    "dream": {"Dream": '"' * 1000 + " -s" * 10_000},
    "comfyui's types": graph({}),
    "comfyui's links": graph(["3", 0]),
    "comfyui's surrogates": graph("\ud800"),
    "comfyui's crowd": {"prompt": json.dumps(CROWD)},
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_mean_harm(client: TestClient, name: str) -> None:
    texts = TEXTS[name]
    _, draft, request = interpret(texts)
    json.dumps(
        [draft.notes, draft.parameters, request and request.model_dump(mode="json")], ensure_ascii=False
    ).encode()
    assert draft.notes or request is not None
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_itxt(key, text, zip=True)
    answer = ask(client, png(noise(32, 32), pnginfo=info))
    assert answer.status_code == 200, answer.text
