"""Trains the demo's translator: a small M2M100 with an NLLB tokenizer, English to 13 languages and back.

It learns the seed pairs themselves, so it shows how a build runs but says nothing about translation quality.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch

from polyrefuse_data.demo.corpus import Pair, translation_pairs
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.demo.tokenizers import train_nllb_tokenizer
from polyrefuse_data.demo.training import Batch, Example, batches, fit
from polyrefuse_data.languages import LANGUAGES, language

VOCABULARY = 5000
HIDDEN, LAYERS, HEADS, MLP = 128, 3, 4, 512
EPOCHS = 60
LEARNING_RATE = 3e-3


def train_translator(folder: Path, *, seed: int = 0, epochs: int = EPOCHS) -> None:
    """Train tokenizer and model from scratch and write them to `folder` (safetensors, float16)."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(seed)
    rng = random.Random(seed)
    texts = [seed_texts(code).prompts[prompt.key] for code in LANGUAGES for prompt in seed_prompts()]
    tokenizer = train_nllb_tokenizer(texts, folder, VOCABULARY, [item.flores for item in LANGUAGES.values()])
    model = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=len(tokenizer),
            d_model=HIDDEN,
            encoder_layers=LAYERS,
            decoder_layers=LAYERS,
            encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS,
            encoder_ffn_dim=MLP,
            decoder_ffn_dim=MLP,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            dropout=0.0,
            attention_dropout=0.0,
            max_position_embeddings=256,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.eos_token_id,
        )
    )
    examples = [_encode(tokenizer, pair) for pair in translation_pairs()]

    def epoch_batches() -> list[Batch]:
        return batches(examples, tokenizer.pad_token_id, rng)

    fit(model, epoch_batches, epochs, LEARNING_RATE)
    model.half().save_pretrained(folder)


def _encode(tokenizer: Any, pair: Pair) -> Example:
    tokenizer.src_lang = language(pair.source).flores
    tokenizer.tgt_lang = language(pair.target).flores
    return Example(tokenizer(pair.text).input_ids, tokenizer(text_target=pair.translation).input_ids)
