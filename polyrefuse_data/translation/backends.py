"""Opens the translators of a config's `[translation]` section."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, runtime_checkable

from polyrefuse_data.config import (
    Backend,
    CommandBackend,
    LocalChatBackend,
    MemoryBackend,
    OpenAIBackend,
    PluginBackend,
    TranslationConfig,
)
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.errors import ConfigError, PolyrefuseError
from polyrefuse_data.languages import language
from polyrefuse_data.translation.base import Local, Pair, Provable, SeveralCandidates, Translator
from polyrefuse_data.translation.chain import Step
from polyrefuse_data.translation.command import CommandTranslator
from polyrefuse_data.translation.memory import TranslationMemory
from polyrefuse_data.translation.plugged import open_plugged

_logger = logging.getLogger(__name__)


def open_backend(config: Backend) -> Translator:
    """The translator for one backend."""
    if isinstance(config, MemoryBackend):
        return TranslationMemory(config.paths)
    if isinstance(config, CommandBackend):
        return CommandTranslator(config)
    if isinstance(config, PluginBackend):
        return open_plugged(config)
    if isinstance(config, OpenAIBackend):
        from polyrefuse_data.translation.openai import OpenAITranslator
        from polyrefuse_data.translation.openai_batch import OpenAIBatchTranslator

        return OpenAIBatchTranslator(config) if config.mode == "batch" else OpenAITranslator(config)
    if isinstance(config, LocalChatBackend):
        from polyrefuse_data.translation.local_chat import open_local_chat

        return open_local_chat(config)
    from polyrefuse_data.translation.nllb import open_nllb

    return open_nllb(config)


@runtime_checkable
class Limited(Protocol):
    """A backend with rate limits, possibly shared with others."""

    limits: RateLimits

    @property
    def limited_as(self) -> tuple[str, ...]:
        """What its limits apply to: backends with the same value share them."""
        ...


@runtime_checkable
class Costly(Protocol):
    """A backend that pays for what it asks, as far as `budget` allows."""

    budget: Budget

    @property
    def knows_its_cost(self) -> bool: ...


@dataclass(frozen=True)
class Chain:
    """The backends of a build.

    `steps` are in the order in which a row goes through them. `back` translate back, each what the ones before it did
    not. The first `required` of `back` must be ready; the others step in if they can.
    """

    steps: list[Step]
    back: list[Step]
    required: int = 1

    @property
    def translators(self) -> list[Translator]:
        """Each backend once."""
        return list({id(step.translator): step.translator for step in (*self.steps, *self.back)}.values())

    def prepare(self, pairs: Sequence[Pair], spend: bool = False) -> Chain:
        """Check for problems that would affect every row. Returns the chain with only the backends needed for `pairs`.

        A backend that only steps in for back-translation and cannot do these pairs is left out with a warning; every
        other one must be ready. With `spend`, a backend that is not asked first may be asked for one sentence, if
        nothing else shows that it answers. (The first one shows it with the first row.)
        """
        for pair in pairs:
            if not any(step.takes(pair) for step in self.steps):
                names = ", ".join(step.name for step in self.steps)
                raise ConfigError(
                    f"translation.backends: no backend translates into {pair.target.name} ({pair.target.code}) "
                    f"(configured: {names}): add a backend, a command `{pair.source.code}-{pair.target.code}`, or the "
                    "language to the `languages` of one"
                )
        reverse = [Pair(pair.target, pair.source) for pair in pairs]
        steps = [step for step in self.steps if _asked(step, pairs)]
        required = [step for step in self.back[: self.required] if _asked(step, reverse)]
        stand_ins = [step for step in self.back[self.required :] if _asked(step, reverse)]
        first = steps[0].translator if steps else None  # none: English alone has no pairs
        due: dict[int, tuple[Translator, list[Pair]]] = {}
        for step, directions in [(step, pairs) for step in steps] + [(step, reverse) for step in required]:
            translator, taken = due.setdefault(id(step.translator), (step.translator, []))
            taken += [pair for pair in directions if step.takes(pair)]
        # What takes no time comes first: a key that is missing is told before a model is fetched.
        for translator, taken in sorted(due.values(), key=lambda item: isinstance(item[0], Local)):
            translator.prepare(taken)
            if spend and translator is not first and isinstance(translator, Provable):
                translator.prove(taken[0])
        back = [*required, *(step for step in stand_ins if _can(step, reverse))]
        alone = [pair.source.code for pair in reverse if not any(step.takes(pair) for step in back)]
        if alone and self.back:
            _logger.warning(
                "no backend translates back from %s: these rows are judged without a back-translation", ", ".join(alone)
            )
        return Chain(steps, back, len(required))

    def share_limits(self, share: Callable[[Callable[[], RateLimits]], RateLimits]) -> None:
        """Replace the rate limits by what `share` makes of them, so that copies of a backend share them."""
        shared: dict[int, RateLimits] = {}
        for translator in self.translators:
            # One that is asked for several candidates has the limits of the one that is asked for one.
            if isinstance(translator, Limited) and all(translator.limits is not known for known in shared.values()):
                own = translator.limits
                if id(own) not in shared:
                    shared[id(own)] = share(partial(_same, own))
                translator.limits = shared[id(own)]

    def keep_to(self, budget: Budget) -> None:
        """Have everything that costs money ask `budget` first. Raises ConfigError where somebody's prices are not
        known."""
        for translator in self.translators:
            if isinstance(translator, Costly):
                if not translator.knows_its_cost:
                    raise ConfigError(
                        f"--max-cost: {translator.name} has no prices: set input_price and output_price (0 for your "
                        "own server)"
                    )
                translator.budget = budget

    def close(self) -> None:
        for translator in self.translators:
            translator.close()


def open_chain(config: TranslationConfig, given: Sequence[Translator] = ()) -> Chain:
    """Open the backends of a config, each distinct one once. One with `candidates` becomes two steps: its first text,
    then, for rejected rows, the best of several. Translations that are `given`, which people made, come first."""
    opened: dict[str, Translator] = {}
    limits: dict[tuple[str, ...], RateLimits] = {}

    def once(backend: Backend) -> Translator:
        key = backend.model_dump_json(exclude={"languages"})
        if key not in opened:
            opened[key] = translator = open_backend(backend)
            if isinstance(translator, Limited):
                shared = limits.setdefault(translator.limited_as, translator.limits)
                shared.tighten(translator.limits)
                translator.limits = shared
        return opened[key]

    def step(backend: Backend) -> Step:
        return Step(once(backend), _codes(backend))

    steps = [Step(translator) for translator in given]
    for backend in config.backends:
        steps.append(step(backend))
        translator, candidates = steps[-1].translator, getattr(backend, "candidates", 1)
        if candidates > 1 and isinstance(translator, SeveralCandidates):
            steps.append(replace(steps[-1], translator=translator.with_candidates(candidates)))
    asked = config.back_translation
    if isinstance(asked, list):
        back = list(dict.fromkeys(map(step, asked)))
        return Chain(steps, back, len(back))
    first = [step(asked)] if asked else []
    machines = [step(backend) for backend in config.backends if not isinstance(backend, MemoryBackend)]
    others = [machine for machine in machines if all(machine.translator is not known.translator for known in first)]
    return Chain(steps, list(dict.fromkeys([*first, *others])))


def _codes(backend: Backend) -> frozenset[str] | None:
    return None if backend.languages is None else frozenset(language(code).code for code in backend.languages)


def _same(limits: RateLimits) -> RateLimits:
    return limits


def _asked(step: Step, pairs: Sequence[Pair]) -> bool:
    return any(map(step.takes, pairs))


def _can(step: Step, pairs: Sequence[Pair]) -> bool:
    try:
        step.translator.prepare([pair for pair in pairs if step.takes(pair)])
    except PolyrefuseError as error:
        _logger.warning("%s will not translate back: %s", step.name, error)
        return False
    return True
