"""Byte-pair encoding in CLIP's manner (Sennrich et al. 2016; Radford et al. 2021), learnt from our captions.

Words are lower-cased and written as bytes, the last byte marked `</w>`. Every byte is in the vocabulary, with and
without the mark, so that any text in any language encodes; frequent pairs are merged until each common word is one
token.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from worker.training.world.captions import caption
from worker.training.data import scene

MERGES = 900
START, END = "<|startoftext|>", "<|endoftext|>"
# Words that people write into prompts, each worth a token though no caption has them.
PROMPT_WORDS = """
    the and with without of in on at by over under near behind above photo photograph painting oil art artwork
    illustration cartoon style detailed highly beautiful cute small big little large old young happy sad
    dark light bright colorful simple background blurry low high quality best masterpiece ugly bad deformed text
    watermark man woman girl boy person people face portrait landscape sky sun moon cloud rain forest
    mountain river lake garden road bridge castle tower room window door table chair book rabbit mouse
    lion tiger bear elephant fox wolf sheep cow pig duck chicken frog snake butterfly train plane bicycle truck ship
    robot dragon apple banana strawberry hat shirt one two three sitting standing running flying swimming
    realistic anime abstract minimal vintage modern gold silver turquoise violet morning noon spring autumn
"""

Word = tuple[str, ...]


def learn_merges(words: Counter[Word], count: int) -> list[tuple[str, str]]:
    """The `count` most frequent pairs, each merged before the next is counted (Sennrich et al., algorithm 1)."""
    merges = []
    for _ in range(count):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, times in words.items():
            for pair in pairwise(word):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))  # ties by spelling, so that runs agree
        merges.append(best)
        words = Counter({_merged(word, best): times for word, times in words.items()})
    return merges


def build(captions: int = 20_000) -> CLIPTokenizer:
    """A CLIPTokenizer for our captions and the commonest words of prompts: bytes, merges, two marks."""
    rng = np.random.default_rng(0)
    counts = Counter(word for i in range(captions) for word in re.findall(r"[a-z]+", caption(scene(i), rng).lower()))
    counts.update(dict.fromkeys(PROMPT_WORDS.split(), 1 + captions // 500))
    merges = learn_merges(Counter({(*word[:-1], word[-1] + "</w>"): n for word, n in counts.items()}), MERGES)
    alphabet = sorted(ByteLevel.alphabet())
    tokens = [*alphabet, *(byte + "</w>" for byte in alphabet), *("".join(pair) for pair in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def _merged(word: Word, pair: tuple[str, str]) -> Word:
    parts: list[str] = []
    for part in word:
        if parts and (parts[-1], part) == pair:
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)
