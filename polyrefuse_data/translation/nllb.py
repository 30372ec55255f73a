"""Encoder-decoder models (NLLB, MADLAD, OPUS-MT): length-sorted batches on a token budget; greedy, beam or n-best."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.errors import ConfigError, PolyrefuseError
from polyrefuse_data.languages import SOURCE_LANGUAGE, Language, language
from polyrefuse_data.system.extras import is_installed, require
from polyrefuse_data.translation.base import SENTENCES, Failure, Pair, Request, Result, Translation, Units
from polyrefuse_data.translation.batches import token_batches
from polyrefuse_data.translation.checkpoint import Checkpoint
from polyrefuse_data.translation.ctranslate2 import CTranslate2Runtime
from polyrefuse_data.translation.halving import PLAIN_SENTENCE, in_halves
from polyrefuse_data.translation.kinds import Kind
from polyrefuse_data.translation.runtimes import Hypotheses, Runtime, TransformersRuntime
from polyrefuse_data.translation.trimming import RULE, Kept, Trimming

# A translation rarely has more than three times the tokens of its source; the constant is room for short ones.
_TARGET_TOKENS_PER_SOURCE_TOKEN = 3
_TARGET_TOKENS_ROOM = 32

# Budgets of `token_batches`: on two cores larger batches bring little speed for their memory (the 600M model takes
# 1.1 GiB with this one); a GPU wants many.
BATCH_TOKENS = {"cpu": 1300, "cuda": 24_000}

UNKNOWN_CHARACTERS = "unknown_characters"  # a note: the model could not read all of the text


class NllbTranslator:
    """Any checkpoint of a kind in kinds.py; rows of all its language pairs share batches."""

    def __init__(self, config: NllbBackend, runtime: Runtime, checkpoint: Checkpoint, candidates: int = 1) -> None:
        self.config = config
        self.runtime = runtime
        self.checkpoint = checkpoint
        self.candidates = candidates

    def with_candidates(self, candidates: int) -> NllbTranslator:
        """The same model, shared, asked for that many texts per row."""
        return NllbTranslator(self.config, self.runtime, self.checkpoint, candidates)

    @property
    def name(self) -> str:
        return f"{self.runtime.name}:{self.checkpoint.label}"

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "engine": self.runtime.name,
            "model": self.checkpoint.label,
            "dtype": self.runtime.dtype,
            "num_beams": self._beams,
            "max_new_tokens": self.config.max_new_tokens,
            "candidates": self.candidates,
            "unknown": "suppressed",
            **({"vocabulary": f"language-{RULE}"} if self._trims else {}),
        }

    @cached_property
    def units(self) -> Units:
        return replace(SENTENCES, unknown=self._carried)

    def takes(self, pair: Pair) -> bool:
        return self._kind is None or self._kind.takes(pair)

    def prepare(self, pairs: Iterable[Pair]) -> None:
        pairs = list(pairs)
        self.checkpoint.check(pairs)
        self.runtime.check([self._trimming.kept(pair) for pair in pairs] if self._trims else [])

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        sources = self.checkpoint.encode(requests)
        budget = self.config.batch_tokens or BATCH_TOKENS.get(self.runtime.device.split(":")[0], BATCH_TOKENS["cpu"])
        together: dict[Kept | None, list[int]] = {}
        for index, (request, ids) in enumerate(zip(requests, sources, strict=True)):
            together.setdefault(self._kept(request, ids), []).append(index)
        return [
            [indices[index] for index in batch]
            for indices in together.values()
            for batch in token_batches([len(sources[index]) for index in indices], max(budget // self._beams, 1))
        ]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            yield number, self._translate_batch(batch)

    def close(self) -> None:
        self.runtime.close()

    @cached_property
    def _kind(self) -> Kind | None:
        """None for a checkpoint that cannot be read: `prepare` says so."""
        try:
            return self.checkpoint.kind
        except PolyrefuseError:
            return None

    @property
    def _beams(self) -> int:
        return max(self.config.num_beams, self.candidates)

    @property
    def _trims(self) -> bool:
        """Greedy search alone: a beam's score is a share of the probability of all tokens, so fewer would change it."""
        return self.config.vocabulary == "language" and self._beams == 1

    @cached_property
    def _trimming(self) -> Trimming:
        return Trimming(self.checkpoint.vocabulary, self.checkpoint.size)

    def _kept(self, request: Request, ids: Sequence[int]) -> Kept | None:
        """The tokens that a text is translated with; None for all."""
        if not self._trims:
            return None
        kept = self._trimming.kept(Pair(request.source, request.target))
        return kept if kept.holds(ids) else None

    def _carried(self, request: Request) -> frozenset[str]:
        """Unknown characters that are not part of a word of the source language: emoji, signs, a name in another
        script.

        One within a word stays where it is; without it, half a word would be translated.
        """
        unknown = self.checkpoint.unknown_characters.of(request.text)
        is_english = request.source.code == SOURCE_LANGUAGE
        return frozenset(
            character
            for character in unknown
            if not unicodedata.category(character).startswith(("L", "M"))
            or (is_english and not unicodedata.name(character, "LATIN").startswith("LATIN"))
        )

    def _translate_batch(self, batch: Sequence[Request]) -> list[Result]:
        sources = self.checkpoint.encode(batch)
        most = self.checkpoint.most_source_tokens
        results: list[Result] = [Failure("too_long", f"more than {most} tokens")] * len(batch)
        fitting = [index for index, ids in enumerate(sources) if len(ids) <= most]
        rows = [(sources[index], batch[index].target) for index in fitting]
        kept = {self._kept(batch[index], sources[index]) for index in fitting}
        outputs = self._generate(rows, kept.pop() if len(kept) == 1 else None)
        for index, result in zip(fitting, outputs, strict=True):
            if isinstance(result, Translation) and self.checkpoint.unknown in sources[index]:
                result = replace(result, notes=(UNKNOWN_CHARACTERS,))
            results[index] = result
        return results

    def _generate(self, rows: Sequence[tuple[list[int], Language]], kept: Kept | None) -> list[Result]:
        """Generate. If memory runs out, or the model fails on a row, each half is done separately."""
        compute = partial(self._compute, kept)
        return in_halves(rows, compute, self._prove(compute, rows), self.checkpoint.label)

    def _compute(self, kept: Kept | None, rows: Sequence[tuple[list[int], Language]]) -> list[Result]:
        sources, targets = [source for source, _ in rows], [self.checkpoint.kind.before_target(to) for _, to in rows]
        bound = _TARGET_TOKENS_PER_SOURCE_TOKEN * max(map(len, sources)) + _TARGET_TOKENS_ROOM
        most = min(bound, self.config.max_new_tokens)
        hypotheses = self.runtime.generate(sources, targets, self._beams, self.candidates, most, kept)
        return [self._result(row) for row in hypotheses]

    def _prove(
        self,
        compute: Callable[[Sequence[tuple[list[int], Language]]], object],
        rows: Sequence[tuple[list[int], Language]],
    ) -> Callable[[], None]:
        def prove() -> None:
            target = rows[0][1]
            sentence = Request(PLAIN_SENTENCE, language(SOURCE_LANGUAGE), target)
            compute([(self.checkpoint.encode([sentence])[0], target)])

        return prove

    def _result(self, hypotheses: Hypotheses) -> Result:
        ended = [ids for ids in hypotheses if ids is not None]
        known = [ids for ids in ended if self.checkpoint.unknown not in ids]
        if ended and not known:
            return Failure("unknown_token", "the model left a gap, because it has no token for a character")
        whole = [ids for ids in known if self.checkpoint.kind.control_tokens.isdisjoint(ids)]
        if known and not whole:
            return Failure("control_token", "the model named a language within its translation")
        texts = [self.checkpoint.decode(ids) for ids in whole]
        distinct = [text for text in dict.fromkeys(texts) if text]
        if distinct:
            return Translation(distinct[0], alternatives=tuple(distinct[1:]))
        if texts:
            return Failure("empty", "the model gave no text")
        return Failure("truncated", f"no end after {self.config.max_new_tokens} tokens or three times the source")


def open_nllb(config: NllbBackend) -> NllbTranslator:
    """A translator on the runtime in the config; `auto` is CTranslate2 if installed.

    Raises MissingPrerequisite if the extra of the runtime is not installed.
    """
    if config.names_several:
        raise ConfigError(
            f"translation.backends: model = {config.model!r} names several models: name one, or let parse_config make "
            "a backend of each"
        )
    checkpoint = Checkpoint(str(config.model), config.revision)
    fast = is_installed("fast") if config.runtime == "auto" else config.runtime == "ctranslate2"
    if fast:
        require('translation.backends: runtime = "ctranslate2"', "fast")
    else:
        require('translation.backends: engine = "nllb"', "nllb")
    runtime: Runtime = CTranslate2Runtime(config, checkpoint) if fast else TransformersRuntime(config, checkpoint)
    return NllbTranslator(config, runtime, checkpoint)
