"""Tokens of a model: from tokenizer.json alone if there is one, which needs neither torch nor transformers (a fifth of
a gigabyte), else through transformers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

# What every kind of model calls them.
END, UNKNOWN = "</s>", "<unk>"


class UnknownCharacters:
    """The characters outside a vocabulary; each is looked up once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._known: dict[str, bool] = {}

    def of(self, text: str) -> frozenset[str]:
        """Those in a text. Every model knows ASCII."""
        characters = {character for character in text if not character.isascii() and not character.isspace()}
        new = sorted(characters - self._known.keys())
        unknown = self._vocabulary.index(UNKNOWN)
        for character, ids in zip(new, self._vocabulary.encode(new) if new else [], strict=True):
            self._known[character] = unknown not in ids
        return frozenset(character for character in characters if not self._known[character])


class Vocabulary(Protocol):
    """Converts texts to token ids and back. Text is text: an `</s>` or a language code in it is not a special token."""

    def index(self, token: str) -> int | None:
        """The id of a token; None if it does not exist."""
        ...

    def all_tokens(self) -> Iterable[str]: ...

    def tokens(self, ids: Sequence[int]) -> list[str]: ...

    def ids(self, tokens: Sequence[str]) -> list[int]:
        """The ids of tokens, without unknown ones: a converted model may give one that only pads its table."""
        ...

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without special tokens."""
        ...


class FileVocabulary:
    """A tokenizer.json. Raises ValueError if it is not one."""

    def __init__(self, path: Path) -> None:
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises nothing more exact
            raise ValueError(f"{path.name}: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.encode_special_tokens = True

    def index(self, token: str) -> int | None:
        index: int | None = self._tokenizer.token_to_id(token)
        return index

    def all_tokens(self) -> Iterable[str]:
        names: dict[str, int] = self._tokenizer.get_vocab()
        return names

    def tokens(self, ids: Sequence[int]) -> list[str]:
        return [self._tokenizer.id_to_token(index) or UNKNOWN for index in ids]

    def ids(self, tokens: Sequence[str]) -> list[int]:
        return [index for token in tokens if (index := self.index(token)) is not None]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text


class TransformersVocabulary:
    """A transformers tokenizer, for models with sentencepiece files only (M2M100)."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def index(self, token: str) -> int | None:
        index: int | None = self._tokenizer.convert_tokens_to_ids(token)
        return None if index == self._tokenizer.unk_token_id and token != UNKNOWN else index

    def all_tokens(self) -> Iterable[str]:
        names: dict[str, int] = self._tokenizer.get_vocab()
        return names

    def tokens(self, ids: Sequence[int]) -> list[str]:
        tokens: list[str] = self._tokenizer.convert_ids_to_tokens(list(ids))
        return tokens

    def ids(self, tokens: Sequence[str]) -> list[int]:
        return [index for token in tokens if (index := self.index(token)) is not None]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = self._tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
