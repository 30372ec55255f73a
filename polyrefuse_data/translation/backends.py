"""From the `[translation]` section of a config to translators."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, runtime_checkable

from polyrefuse_data.config import Backend, CommandBackend, MemoryBackend, OpenAIBackend, TranslationConfig
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.translation.base import Pair, SeveralCandidates, Translator
from polyrefuse_data.translation.command import CommandTranslator
from polyrefuse_data.translation.memory import TranslationMemory

_logger = logging.getLogger(__name__)


def open_backend(config: Backend) -> Translator:
    """The translator of one backend."""
    if isinstance(config, MemoryBackend):
        return TranslationMemory(config.paths)
    if isinstance(config, CommandBackend):
        return CommandTranslator(config)
    if isinstance(config, OpenAIBackend):
        from polyrefuse_data.translation.openai import OpenAITranslator
        from polyrefuse_data.translation.openai_batch import OpenAIBatchTranslator

        return OpenAIBatchTranslator(config) if config.mode == "batch" else OpenAITranslator(config)
    from polyrefuse_data.translation.nllb import open_nllb

    return open_nllb(config)


@runtime_checkable
class Limited(Protocol):
    """A backend that keeps to limits, possibly together with others."""

    limits: RateLimits

    @property
    def limited_as(self) -> tuple[str, ...]:
        """What its limits are for: backends that are the same in this keep them together."""
        ...


@dataclass(frozen=True)
class Chain:
    """The backends of a build: `steps` in the order in which a row goes through them, and who translates back: the
    first of `back`, and for what it does not translate the next."""

    steps: list[Translator]
    back: list[Translator]

    def prepare(self, pairs: Sequence[Pair]) -> Chain:
        """Find what would stop every row; the chain that is left. A backend that only steps in for another's
        back-translations and cannot do these pairs is left out, and said so; every other one has to be ready."""
        for translator in self.steps:
            translator.prepare(pairs)
        reverse = [Pair(pair.target, pair.source) for pair in pairs]
        for translator in self.back[:1]:
            translator.prepare(reverse)
        return replace(self, back=[*self.back[:1], *(back for back in self.back[1:] if _can(back, reverse))])

    def share_limits(self, share: Callable[[Callable[[], RateLimits]], RateLimits]) -> None:
        """Put what `share` makes of the rate limits in their place: copies of a backend then keep them together."""
        shared: dict[int, RateLimits] = {}
        for translator in {id(step): step for step in (*self.steps, *self.back)}.values():
            if isinstance(translator, Limited):
                own = translator.limits
                if id(own) not in shared:
                    shared[id(own)] = share(partial(_same, own))
                translator.limits = shared[id(own)]

    def close(self) -> None:
        for translator in (*self.steps, *self.back):
            translator.close()


def open_chain(config: TranslationConfig) -> Chain:
    """Open the backends of a config, each different one once. One with `candidates` is two steps: its first text, then,
    for the rows whose first text was rejected, the best of several."""
    opened: dict[str, Translator] = {}
    limits: dict[tuple[str, ...], RateLimits] = {}

    def once(backend: Backend) -> Translator:
        key = backend.model_dump_json()
        if key not in opened:
            opened[key] = translator = open_backend(backend)
            if isinstance(translator, Limited):
                shared = limits.setdefault(translator.limited_as, translator.limits)
                shared.tighten(translator.limits)
                translator.limits = shared
        return opened[key]

    steps = []
    for backend in config.backends:
        translator = once(backend)
        steps.append(translator)
        candidates = getattr(backend, "candidates", 1)
        if candidates > 1 and isinstance(translator, SeveralCandidates):
            steps.append(translator.with_candidates(candidates))
    asked = [config.back_translation] if config.back_translation else []
    machines = [backend for backend in config.backends if not isinstance(backend, MemoryBackend)]
    return Chain(steps, list({id(once(backend)): once(backend) for backend in [*asked, *machines]}.values()))


def _same(limits: RateLimits) -> RateLimits:
    return limits


def _can(translator: Translator, pairs: Sequence[Pair]) -> bool:
    try:
        translator.prepare(pairs)
    except PolyrefuseError as error:
        _logger.warning("%s is not asked to translate back: %s", translator.name, error)
        return False
    return True
