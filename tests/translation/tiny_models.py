"""Tiny models of OPUS-MT's and MADLAD's kinds, with real tokenizers, that have learnt ENGLISH into toy languages."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.translation.conftest import ENGLISH, toy_translation

CODES = ("de", "yo", "zh")
OPUS_TOKENS = {"de": ">>deu<<", "yo": ">>yor<<", "zh": ">>cmn_Hans<<"}
MADLAD_TOKENS = {"en": "<2en>", "de": "<2de>", "yo": "<2yo>", "zh": "<2zh>"}
_LEARNT = 0.01  # loss


def opus_mt(folder: Path, codes: Sequence[str] = CODES, sides: tuple[str, str] = ("eng", "mul")) -> Path:
    """For several targets with tokens for them, or for one without any."""
    import torch
    from transformers import MarianConfig, MarianMTModel

    pieces = _sentencepiece(folder / "source.spm", folder / "target.spm")
    tokens = [OPUS_TOKENS[code] for code in codes] if len(codes) > 1 else []
    table = {token: index for index, token in enumerate(["</s>", "<unk>", *tokens, *pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(table), encoding="utf-8")
    described = {"tokenizer_class": "MarianTokenizer", "source_lang": sides[0], "target_lang": sides[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    torch.manual_seed(0)
    pad = table["<pad>"]
    model = MarianMTModel(
        MarianConfig(
            vocab_size=len(table),
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            dropout=0.0,
            activation_function="swish",
            scale_embedding=True,
            max_position_embeddings=512,
            pad_token_id=pad,
            eos_token_id=0,
            forced_eos_token_id=0,
            decoder_start_token_id=pad,
        )
    )
    spm = _processor(folder / "source.spm")

    def ids(text: str) -> list[int]:
        return [table.get(piece, 1) for piece in spm.encode(text, out_type=str)]

    told = {code: [table[OPUS_TOKENS[code]]] if tokens else [] for code in codes}
    _train(model, codes, lambda text, code: [*told[code], *ids(text), 0], lambda text: [*ids(text), 0], pad)
    model.save_pretrained(folder)
    return folder


def madlad(folder: Path, tokens: Mapping[str, str] = MADLAD_TOKENS) -> Path:
    """With the ids and the byte fallback of MADLAD-400, and a table that is longer than its vocabulary."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    _sentencepiece(folder / "spiece.model", tokens=list(tokens.values()))
    described = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "unk_token": "<unk>", "pad_token": "<s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    spm = _processor(folder / "spiece.model")
    torch.manual_seed(0)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=spm.get_piece_size() + 8,
            d_model=32,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            pad_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=0,
        )
    )
    codes = [code for code in CODES if code in tokens]
    _train(
        model,
        codes,
        lambda text, code: [*spm.encode(f"{tokens[code]} {text}"), 2],
        lambda text: [*spm.encode(text), 2],
        1,
    )
    model.save_pretrained(folder)
    return folder


def _train(
    model: Any,
    codes: Sequence[str],
    source: Callable[[str, str], list[int]],
    target: Callable[[str], list[int]],
    pad: int,
) -> None:
    import torch

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        width = max(map(len, rows))
        return torch.tensor([row + [filler] * (width - len(row)) for row in rows])

    sources = padded([source(text, code) for text in ENGLISH for code in codes], pad)
    labels = padded([target(toy_translation(text, code)) for text in ENGLISH for code in codes], -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    loss = float("inf")
    while loss > _LEARNT:
        result = model(input_ids=sources, attention_mask=sources.ne(pad).long(), labels=labels)
        loss = result.loss.item()
        result.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        with torch.no_grad():
            model.get_input_embeddings().weight[pad] = 0.0  # as Marian's are, which begins with it
    model.eval()


def _sentencepiece(*paths: Path, tokens: Sequence[str] = ()) -> list[str]:
    """Train a model on ENGLISH, write it to each path, and give its pieces."""
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(ENGLISH * 4),
        model_writer=written,
        model_type="unigram",
        vocab_size=400 if tokens else 100,
        hard_vocab_limit=False,
        user_defined_symbols=list(tokens),
        byte_fallback=bool(tokens),
        unk_id=0,
        bos_id=1,
        eos_id=2,
        num_threads=1,
        minloglevel=2,
    )
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(written.getvalue())
    spm = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return [spm.id_to_piece(index) for index in range(3, spm.get_piece_size())]


def _processor(path: Path) -> Any:
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(path))
