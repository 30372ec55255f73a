"""Trains an NLLB tokenizer: sentencepiece BPE pieces and the language codes, saved as `tokenizer.json`.

transformers 5 reads an NLLB folder from `tokenizer.json` alone. From a bare sentencepiece file, it may map language
codes to <unk>, so the whole tokenizer is built here and saved as one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# The first ids of every NLLB vocabulary, in the order of the fairseq dictionary that the checkpoints were trained with.
_SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>")


def train_nllb_tokenizer(texts: Iterable[str], folder: Path, vocab_size: int, flores_codes: Sequence[str]) -> Any:
    """Train an NllbTokenizer on `texts`, save it in `folder` and return it as read back from there.

    `vocab_size` counts everything: 4 special tokens, pieces, <mask>, then `flores_codes` in the given order. It is
    lower if the texts contain fewer pieces, so size the model's embedding by `len(tokenizer)`. Text is not normalized
    (NLLB applies NFKC), so that training text comes back character by character. The same texts in the same order give
    the same files.
    """
    from transformers import NllbTokenizer

    pieces = _train_pieces(texts, vocab_size - len(_SPECIAL_TOKENS) - len(flores_codes) - 1)
    vocabulary = {token: index for index, token in enumerate((*_SPECIAL_TOKENS, *pieces))}
    tokenizer = NllbTokenizer(
        vocab=vocabulary, merges=_merges(pieces), extra_special_tokens=list(flores_codes), src_lang=flores_codes[0]
    )
    tokenizer.save_pretrained(folder)
    return NllbTokenizer.from_pretrained(folder)


def _train_pieces(texts: Iterable[str], count: int) -> list[str]:
    """The pieces of a sentencepiece BPE model, best merge first, single characters last."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        model_type="bpe",
        vocab_size=count + 1,  # sentencepiece counts its own <unk>
        hard_vocab_limit=False,
        character_coverage=1.0,  # every character of fourteen scripts; there is no byte fall-back in NLLB
        normalization_rule_name="identity",
        bos_id=-1,
        eos_id=-1,
        unk_id=0,
        num_threads=1,  # the same pieces every time
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(index) for index in range(1, processor.get_piece_size())]


def _merges(pieces: Sequence[str]) -> list[tuple[str, str]]:
    """The BPE merges that rebuild `pieces`: each piece's splits into two other pieces, in the order of the pieces."""
    rank = {piece: index for index, piece in enumerate(pieces)}
    merges = []
    for piece in pieces:
        splits = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        known = [split for split in splits if split[0] in rank and split[1] in rank]
        merges += sorted(known, key=lambda split: (rank[split[0]], rank[split[1]]))
    return merges
