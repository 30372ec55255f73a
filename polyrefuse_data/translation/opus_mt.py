"""OPUS-MT: models of Marian, for one direction each or for several targets."""

from __future__ import annotations

import json
import logging
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.languages import Language
from polyrefuse_data.languages.tags import language_of_tag
from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.translation.base import Pair
from polyrefuse_data.translation.kinds import LanguageTokens
from polyrefuse_data.translation.sentencepieces import SentencePieces
from polyrefuse_data.translation.vocabulary import Vocabulary

# Several languages are nb_NO+nb+nn+nog or, in the newest models, deu_eng_fra.
_SPELT_OUT = re.compile(r"[a-z]{3}(_[a-z]{3})+")

_logger = logging.getLogger(__name__)

# opus-mt-en-de, opus-mt-tc-big-en-es: source and target in the name of a model of OPUS-MT.
_NAME = re.compile(r"opus-mt-(?:tc-)?(?:bible-)?(?:base-|big-)?([^-]+)-([^-]+)$")


class Marian(LanguageTokens):
    """OPUS-MT: one direction a model, or several targets with `>>deu<<` before the text."""

    name = "marian"
    pattern = re.compile(r">>([\w-]+)<<")

    def vocabulary(self) -> Vocabulary:
        if self._described.get("separate_vocabs"):
            raise ValueError("it has separate vocabularies for source and target, which is not supported")
        pieces, others = self.checkpoint.file("source.spm"), self.checkpoint.file("target.spm")
        return SentencePieces(pieces, others, _table(self.checkpoint.file("vocab.json")))

    def takes(self, pair: Pair) -> bool:
        sources, targets = self._sides
        known = _languages(sources)
        if known is not None and pair.source.code not in known:
            return False
        return pair.target.code in self.tokens or pair.target.code in (_languages(targets) or ())

    def check(self, pair: Pair) -> None:
        sources, targets = self._sides
        if not self.takes(pair):
            several = f"{targets}, by the tokens {', '.join(sorted(self.tokens.values()))}" if self.tokens else targets
            raise ModelError(
                f"translation model {self.checkpoint.model!r} translates from {sources} into {several}, not from "
                f"{pair.source.name} into {pair.target.name}: leave it out, or name the model of that direction"
            )
        if _languages(sources) is None:
            _logger.warning(
                "%s translates from %s; its files do not say whether %s is one of them",
                self.checkpoint.model, sources, pair.source.name,
            )  # fmt: skip

    def before_source(self, pair: Pair) -> list[int]:
        index = self.checkpoint.vocabulary.index(self.tokens.get(pair.target.code, ""))
        return [] if index is None else [index]

    def before_target(self, target: Language) -> int | None:
        return None

    @cached_property
    def never_said(self) -> list[int]:
        # The padding that transformers added to Marian's vocabulary; CTranslate2 takes it out again.
        pad = self.checkpoint.vocabulary.index("<pad>")
        return [*super().never_said, *([] if pad is None else [pad])]

    @cached_property
    def _described(self) -> dict[str, Any]:
        try:
            described = json.loads(read_input_text(self.checkpoint.file("tokenizer_config.json")))
        except FileNotFoundError:
            return {}
        return described if isinstance(described, dict) else {}

    @cached_property
    def _sides(self) -> tuple[str, str]:
        """What it calls its source and its target: tags, several with `+`, or a group of languages (`mul`, `roa`)."""
        sides = self._described.get("source_lang"), self._described.get("target_lang")
        if not all(isinstance(side, str) and side for side in sides):
            name = _NAME.search(Path(self.checkpoint.model).name)
            if name is None:
                raise ModelError(
                    f"translation model {self.checkpoint.model!r} does not say which languages it translates: give "
                    "source_lang and target_lang in its tokenizer_config.json"
                )
            sides = name[1], name[2]
        return str(sides[0]), str(sides[1])


def _languages(side: str) -> frozenset[str] | None:
    """The codes of what a model translates from or into; None for a group that is not spelt out."""
    several = side.split("+") if "+" in side else side.split("_") if _SPELT_OUT.fullmatch(side) else [side]
    found = frozenset(known.code for part in several if (known := language_of_tag(part)))
    return found or None


def _table(path: Path) -> dict[str, int]:
    table = json.loads(read_input_text(path))
    if not isinstance(table, dict) or not all(isinstance(index, int) for index in table.values()):
        raise ValueError(f"{path.name} is not a table of tokens")
    return table
