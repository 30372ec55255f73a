"""What sets the kinds of encoder-decoder models apart: how they are told the languages, and which ones they know.

config.json says which kind a checkpoint is. Everything else is the same for all of them (nllb.py, runtimes.py). This
module: NLLB and M2M100; also madlad.py and opus_mt.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from polyrefuse_data.languages import Language
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.translation.base import Pair
from polyrefuse_data.translation.vocabulary import Vocabulary

if TYPE_CHECKING:
    from polyrefuse_data.translation.checkpoint import Checkpoint


class Kind(Protocol):
    """One kind of model. `name` is what the transformers runtime is called in rows."""

    name: str

    def vocabulary(self) -> Vocabulary:
        """Raises OSError or ValueError for files that are missing or broken."""
        ...

    def takes(self, pair: Pair) -> bool:
        """Whether to ask it for this direction at all."""
        ...

    def check(self, pair: Pair) -> None:
        """Raise ModelError if it does not know a language of this direction."""
        ...

    def before_source(self, pair: Pair) -> list[int]:
        """The tokens before those of the text."""
        ...

    def as_text(self, text: str) -> str:
        """A text, with what would be read as the token of a language taken apart."""
        ...

    def before_target(self, target: Language) -> int | None:
        """The token that a translation begins with, which the model is given."""
        ...

    @property
    def control_tokens(self) -> frozenset[int]:
        """Tokens that name a language: none of them is part of a translation."""
        ...

    @property
    def never_said(self) -> list[int]:
        """Tokens that are suppressed in decoding."""
        ...


class LanguageTokens:
    """A kind whose vocabulary has a token for each language that it translates into."""

    pattern: re.Pattern[str]  # of such a token; its first group is the language's tag

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def takes(self, pair: Pair) -> bool:
        return True

    def as_text(self, text: str) -> str:
        return text  # the tokenizer reads no such token in a text

    @cached_property
    def control_tokens(self) -> frozenset[int]:
        vocabulary = self.checkpoint.vocabulary
        found = (vocabulary.index(token) for token in vocabulary.all_tokens() if self.pattern.fullmatch(token))
        return frozenset(index for index in found if index is not None)

    @cached_property
    def never_said(self) -> list[int]:
        return [] if self.checkpoint.unknown is None else [self.checkpoint.unknown]

    @cached_property
    def tokens(self) -> Mapping[str, str]:
        """The token of each of our languages by its code, whatever tag the model has for it."""
        return by_language(self.checkpoint.vocabulary.all_tokens(), self.pattern)


class M2M100(LanguageTokens):
    """NLLB and M2M100: the source's language is told before the text, the target's as the first token of the
    translation."""

    name = "nllb"
    pattern = re.compile(r"([a-z]{3}_[A-Z][a-z]{3})|__[a-z]{2,3}__")

    def vocabulary(self) -> Vocabulary:
        return self.checkpoint.stored_vocabulary()

    def check(self, pair: Pair) -> None:
        for language in pair:
            self.checkpoint.language_token(language)

    def before_source(self, pair: Pair) -> list[int]:
        return [self.checkpoint.language_token(pair.source)]

    def before_target(self, target: Language) -> int | None:
        return self.checkpoint.language_token(target)


def by_language(tokens: Iterable[str], pattern: re.Pattern[str]) -> dict[str, str]:
    found: dict[str, list[tuple[bool, bool, int, str]]] = {}
    for token in tokens:
        match = pattern.fullmatch(token)
        known = language_of_tag(match[1]) if match and match[1] else None
        if match and known:
            tag = match[1].replace("_", "-").casefold()
            # A model may have several: the one in our words, in our script, the shortest.
            rank = (tag != known.code.casefold(), not tag.endswith(known.script.casefold()), len(tag), token)
            found.setdefault(known.code, []).append(rank)
    return {code: min(ranks)[-1] for code, ranks in found.items()}
