"""MADLAD-400, and the first T5 models."""

from __future__ import annotations

import re
from functools import cached_property

from polyrefuse_data.errors import ModelError
from polyrefuse_data.languages import Language
from polyrefuse_data.translation.base import Pair
from polyrefuse_data.translation.kinds import LanguageTokens
from polyrefuse_data.translation.sentencepieces import SentencePieces
from polyrefuse_data.translation.vocabulary import Vocabulary


class T5(LanguageTokens):
    """MADLAD-400 (`<2de>` before the text), and the first T5 models (`translate English to German: `, for the
    directions that their config.json lists)."""

    name = "t5"
    pattern = re.compile(r"<2([\w-]+)>")

    def vocabulary(self) -> Vocabulary:
        # The model card's way. A tokenizer.json made of it has lost the byte fallback, or takes another <unk>.
        try:
            path = self.checkpoint.file("spiece.model")
        except FileNotFoundError:
            return self.checkpoint.stored_vocabulary()
        return SentencePieces(path)

    def check(self, pair: Pair) -> None:
        if not self._task(pair):
            for language in pair:
                self._token(language)

    def before_source(self, pair: Pair) -> list[int]:
        vocabulary = self.checkpoint.vocabulary
        if task := self._task(pair):
            return vocabulary.encode([task.strip()])[0]
        token = self._token(pair.target)
        index = vocabulary.index(token)
        assert index is not None
        written = vocabulary.encode([token])[0]  # it may come with the mark of a word's beginning
        return written if index in written else [index]

    def as_text(self, text: str) -> str:
        known = self.checkpoint.vocabulary.index
        return self.pattern.sub(lambda told: told[0] if known(told[0]) is None else f"< {told[0][1:]}", text)

    @cached_property
    def never_said(self) -> list[int]:
        # T5's table has rows for more tokens than its sentencepiece model: masks of its training, and padding.
        known, rows = len(list(self.checkpoint.vocabulary.all_tokens())), self.checkpoint.config.get("vocab_size")
        return [*super().never_said, *range(known, rows if isinstance(rows, int) else known)]

    def before_target(self, target: Language) -> int | None:
        return None

    def _token(self, language: Language) -> str:
        if language.code not in self.tokens:
            raise ModelError(
                f"translation model {self.checkpoint.model!r} has no token <2{language.code}> for {language.name}: "
                "leave it out, or use a model that knows it (MADLAD-400 has over 400 such tokens)"
            )
        return self.tokens[language.code]

    def _task(self, pair: Pair) -> str:
        tasks = self.checkpoint.config.get("task_specific_params")
        task = tasks.get(f"translation_{pair.source.code}_to_{pair.target.code}") if isinstance(tasks, dict) else None
        prefix = task.get("prefix") if isinstance(task, dict) else None
        return prefix if isinstance(prefix, str) else ""
