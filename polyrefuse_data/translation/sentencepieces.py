"""The tokens of OPUS-MT and T5 models, from their sentencepiece files alone: as they were trained, and without torch or
transformers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.system.input_files import read_input
from polyrefuse_data.translation.vocabulary import UNKNOWN

_BEGIN = "▁"  # of a word
_NO_TEXT = frozenset({"<pad>", "<s>", "</s>", UNKNOWN})


class SentencePieces:
    """A Vocabulary. Texts are split by `source` and translations joined by `target`; `table` has the ids where they are
    not sentencepiece's own (Marian's vocab.json)."""

    def __init__(self, source: Path, target: Path | None = None, table: dict[str, int] | None = None) -> None:
        self._source = _processor(source)
        self._target = _processor(target) if target else self._source
        self._table = table

    def all_tokens(self) -> Iterable[str]:
        return self._ids.keys()

    def index(self, token: str) -> int | None:
        return self._ids.get(token)

    def tokens(self, ids: Sequence[int]) -> list[str]:
        return [self._names.get(index, UNKNOWN) for index in ids]

    def ids(self, tokens: Sequence[str]) -> list[int]:
        return [index for token in tokens if (index := self.index(token)) is not None]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        unknown = self._ids.get(UNKNOWN, 0)
        pieces: list[list[str]] = self._source.encode(list(texts), out_type=str)
        return [[self._ids.get(piece, unknown) for piece in row] for row in pieces]

    def decode(self, ids: Sequence[int]) -> str:
        pieces = [piece for piece in self.tokens(ids) if piece not in _NO_TEXT]
        text: str = self._target.decode_pieces(pieces)
        return text.replace(_BEGIN, " ")

    @cached_property
    def _ids(self) -> dict[str, int]:
        if self._table is not None:
            return self._table
        return {self._source.id_to_piece(index): index for index in range(self._source.get_piece_size())}

    @cached_property
    def _names(self) -> dict[int, str]:
        return {index: piece for piece, index in self._ids.items()}


def _processor(path: Path) -> Any:
    """Raises ValueError for a file that is no model."""
    import sentencepiece

    content = read_input(path)
    if not content:  # sentencepiece would take it for no argument
        raise ValueError(f"{path.name} is empty")
    try:
        return sentencepiece.SentencePieceProcessor(model_proto=content)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{path.name}: not a sentencepiece model ({error})") from error
