"""The shallow twin of U-Nets of all the families, against a forward pass written out here."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor

from worker.models.depths import Depths

COMMON: dict[str, Any] = {"sample_size": 8, "in_channels": 4, "out_channels": 4, "norm_num_groups": 8}
FAMILIES: dict[str, dict[str, Any]] = {
    "as SD 1.x: attention at the outermost level": {
        "block_out_channels": (16, 24),
        "layers_per_block": 2,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
        "cross_attention_dim": 20,
        "attention_head_dim": 4,
    },
    "as SDXL: none there, sizes and pooled text beside the time": {
        "block_out_channels": (16, 24, 32),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "transformer_layers_per_block": (1, 1, 2),
        "cross_attention_dim": 20,
        "attention_head_dim": (2, 4, 4),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 6 * 8 + 10,
    },
    "one level": {
        "block_out_channels": (16,),
        "layers_per_block": 1,
        "down_block_types": ("CrossAttnDownBlock2D",),
        "up_block_types": ("CrossAttnUpBlock2D",),
        "cross_attention_dim": 20,
        "attention_head_dim": 4,
    },
}


@pytest.fixture(params=FAMILIES)
def unet(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    return UNet2DConditionModel(**COMMON, **FAMILIES[request.param]).eval().requires_grad_(False)


def inputs(unet: Any, seed: int) -> tuple[tuple[Tensor, Tensor], dict[str, Any]]:
    """What three rows ask, each at a time of its own; sides of 8 and 10, which the levels do not all divide."""
    torch.manual_seed(seed)
    named: dict[str, Any] = {"encoder_hidden_states": torch.randn(3, 7, 20), "return_dict": False}
    if unet.config.addition_embed_type:
        named["added_cond_kwargs"] = {"text_embeds": torch.randn(3, 10), "time_ids": torch.randn(3, 6)}
    return (torch.randn(3, 4, 8, 10), torch.rand(3) * 900), named


def by_hand(unet: Any, deep: Tensor, x: Tensor, t: Tensor, named: dict[str, Any]) -> Tensor:
    """The outermost blocks, layer by layer, on what came from below."""
    time = unet.time_embedding(unet.time_proj(t))
    if unet.config.addition_embed_type:
        added = named["added_cond_kwargs"]
        sizes = unet.add_time_proj(added["time_ids"].flatten()).view(3, -1)
        time = time + unet.add_embedding(torch.cat([added["text_embeds"], sizes], dim=1))
    text = named["encoder_hidden_states"]

    def layer(block: Any, number: int, h: Tensor) -> Tensor:
        h = block.resnets[number](h, time)
        return block.attentions[number](h, text, return_dict=False)[0] if hasattr(block, "attentions") else h

    first, last = unet.down_blocks[0], unet.up_blocks[-1]
    skips = [unet.conv_in(x)]
    for number in range(len(first.resnets)):
        skips.append(layer(first, number, skips[-1]))
    h = deep
    for number in range(len(last.resnets)):
        h = layer(last, number, torch.cat([h, skips.pop()], dim=1))
    out: Tensor = unet.conv_out(F.silu(unet.conv_norm_out(h)))
    return out


@torch.inference_mode()
def test_the_whole_twin_is_the_u_net(unet: Any) -> None:
    asked, named = inputs(unet, 1)
    seen: list[Tensor] = []
    hook = unet.up_blocks[-1].register_forward_pre_hook(
        lambda _, __, said: seen.append(said["hidden_states"]), with_kwargs=True
    )
    (expected,) = unet(*asked, **named)
    hook.remove()
    depths = Depths(unet)
    assert torch.equal(depths.whole(*asked, **named)[0], expected)
    assert depths.deep is not None
    assert torch.equal(depths.deep, seen[0])
    assert len(seen) == 1, "the U-Net itself was left as it is"


@torch.inference_mode()
def test_a_shallow_call_is_the_outermost_blocks_on_what_it_is_given(unet: Any) -> None:
    depths = Depths(unet)
    before, named = inputs(unet, 1)
    (whole,) = depths.whole(*before, **named)
    deep = depths.deep
    assert deep is not None
    torch.testing.assert_close(depths.shallow(deep, *before, **named)[0], whole, atol=0, rtol=0)
    now, named = inputs(unet, 2)
    (reused,) = depths.shallow(deep, *now, **named)
    torch.testing.assert_close(reused, by_hand(unet, deep, *now, named), atol=1e-6, rtol=1e-5)
    assert (reused - depths.whole(*now, **named)[0]).abs().max() > 1e-3
