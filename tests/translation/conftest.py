from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.languages import LANGUAGES, TARGET_LANGUAGES
from polyrefuse_data.translation.journal import Journal
from tests.endpoints.api_server import API_KEY, ApiServer

ENGLISH = [
    "How do I bake bread?",
    "Write a short poem about the sea.",
    "Explain how rain forms, in two sentences.",
    "What is the capital of France, and how many people live there today?",
    "List three fruits.",
]


def toy_translation(text: str, code: str) -> str:
    """What the tiny model learns to say: another order of the words for each of three languages, so that it ends."""
    words = text.split()
    return " ".join({"de": words[::-1], "yo": words[: len(words) // 2 + 1], "zh": words[1:] + words[:1]}[code])


@pytest.fixture(scope="session")
def tiny_nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny M2M100 that has learnt ENGLISH into three toy languages, and its NLLB tokenizer."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    from polyrefuse_data.demo.tokenizers import train_nllb_tokenizer

    folder = tmp_path_factory.mktemp("tiny-nllb")
    codes = [LANGUAGES[code].flores for code in ("en", *TARGET_LANGUAGES)]
    tokenizer = train_nllb_tokenizer(ENGLISH * 4, folder, 300, codes)
    torch.manual_seed(0)
    model = M2M100ForConditionalGeneration(
        M2M100Config(
            vocab_size=len(tokenizer),
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            encoder_layerdrop=0.0,
            decoder_layerdrop=0.0,
            dropout=0.0,
            max_position_embeddings=600,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.eos_token_id,
        )
    )
    batches = []
    for code in ("de", "yo", "zh"):
        tokenizer.tgt_lang = LANGUAGES[code].flores
        targets = [toy_translation(text, code) for text in ENGLISH]
        batches.append(tokenizer(ENGLISH, text_target=targets, padding=True, return_tensors="pt"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(90):
        batch = batches[step % len(batches)]
        labels = batch["labels"].masked_fill(batch["labels"] == tokenizer.pad_token_id, -100)
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    return folder


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own for converted models."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    with ApiServer() as server:
        yield server
