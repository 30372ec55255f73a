"""Judging in English: the English prompt and the reply translated into English, as the paper's judge saw them.

Any judge can be asked so, also one that knows English only. Translations are kept in the run (translations.sqlite, by
the translator's fingerprint), so that none is made twice; long replies are split as prompts are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.judges import open_judge, prepare_judge
from polyrefuse_data.benchmark.judges.base import NO_OPINION, Judge, Opinion
from polyrefuse_data.benchmark.judges.conditions import is_empty
from polyrefuse_data.benchmark.purse import Purse
from polyrefuse_data.config import Backend, TranslationConfig, parse_config
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.errors import ConfigError, TranslationError
from polyrefuse_data.languages import SOURCE_LANGUAGE, language
from polyrefuse_data.system.toml import parse_toml
from polyrefuse_data.text.counts import counted
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.base import Failure, Pair, Request, Translation, identity
from polyrefuse_data.translation.chain import Step
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.run import TranslationRun

_logger = logging.getLogger(__name__)

NATIVE, ENGLISH = "native", "english"
BY_TRANSLATOR = "|english by:"  # stands between judge and translator in a signature
JUDGING = ("judge", "judge_on", "reply_translator")  # the settings that say who judges what


def reply_backends(named: Any, path: Path | None = None) -> list[Backend]:
    """Backends as a config names them: a table or several, the same as text, or the id or folder of a model.

    Relative paths are relative to the folder of `path`. Raises ConfigError, naming the key.
    """
    if isinstance(named, str):
        named = _of_text(named)
    tables = named if isinstance(named, list | tuple) else [named]
    given = [table if isinstance(table, Mapping) else table.model_dump(exclude_unset=True) for table in tables]
    try:
        return parse_config({"translation": {"backends": given}}, path).translation.backends
    except ConfigError as error:
        raise ConfigError(str(error).replace("translation.backends", "reply_translator")) from None


def _of_text(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return {"engine": "nllb", "model": text}
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError as error:
        raise ConfigError(
            f'reply_translator: {text!r} is not TOML ({error}): write {{ engine = "nllb", model = "ORG/NAME" }} or a '
            "model's id"
        ) from None


class EnglishJudge:
    """A judge that is shown English. Prompts have to be the English ones.

    Nothing is loaded before `translate` or `opinions`. `journal` is where translations are kept.
    """

    def __init__(self, judge: Judge, backends: Sequence[Backend], journal: Path) -> None:
        self.judge = judge
        self.needs_prompts = judge.needs_prompts
        self._chain = open_chain(TranslationConfig(backends=list(backends)))
        self._journal = journal

    def keep_to(self, budget: Budget) -> None:
        """Have translators ask `budget` before they spend. Raises ConfigError where their prices are not known."""
        self._chain.keep_to(budget)

    def signature(self, language: str | None = None) -> str:
        """The judge's own, and who translated; of English, the judge's own.

        Raises ConfigError for a language that no translator takes.
        """
        own = self.judge.signature(SOURCE_LANGUAGE if language is not None else None)
        return own if language in (None, SOURCE_LANGUAGE) else f"{own}{BY_TRANSLATOR}{self.translator(str(language))}"

    def signatures(self, language: str | None = None) -> list[str]:
        """Of each member, where several judge."""
        members = getattr(self.judge, "signatures", None)
        return list(members(SOURCE_LANGUAGE)) if members else []

    def translator(self, code: str) -> str:
        """Name and fingerprint of what translates from a language."""
        known = identity(self._step(code).translator)
        return f"{known.name}#{known.fingerprint}"

    def prepare(self, languages: Sequence[str]) -> None:
        """Check that the judge can judge English and replies in these languages can be translated into it. Raises what
        `prepare_judge` and the translators raise."""
        prepare_judge(self.judge, [SOURCE_LANGUAGE])
        for code in languages:
            if code != SOURCE_LANGUAGE:
                self._step(code).translator.prepare([_pair(code)])

    def translate(self, responses: Sequence[str], code: str) -> list[str | None]:
        """The replies in English; None of an empty one, and of one that cannot be translated. Those in English stay.

        Raises TranslationError if a translator did not answer: run again.
        """
        if code == SOURCE_LANGUAGE:
            return list(responses)
        asked = [index for index, response in enumerate(responses) if not is_empty(response)]
        requests = [Request(responses[index], *_pair(code)) for index in asked]
        journal = Journal(self._journal)
        try:
            results = TranslationRun(journal, progress=True).translate(self._step(code).translator, requests)
        finally:
            journal.close()
        failures = [result for result in results if isinstance(result, Failure)]
        if lost := [failure for failure in failures if failure.ask_again]:
            raise TranslationError(
                f"{counted(len(lost), 'reply', 'replies')} in {code} could not be translated "
                f"(last: {lost[-1].reason}, {lost[-1].detail}): run again to ask for them"
            )
        if failures:
            _logger.warning(
                "%d of %d replies in %s cannot be translated (%s): they have no verdict",
                len(failures),
                len(asked),
                code,
                failures[0].reason,
            )
        found: list[str | None] = [None] * len(responses)
        for index, result in zip(asked, results, strict=True):
            found[index] = result.text if isinstance(result, Translation) else None
        return found

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        texts = self.translate(responses, language)
        told = [index for index, text in enumerate(texts) if text is not None and not is_empty(text)]
        asked = [texts[index] or "" for index in told]
        found = self.judge.opinions(asked, SOURCE_LANGUAGE, prompts and [prompts[index] for index in told])
        opinions = [NO_OPINION] * len(responses)
        for index, opinion in zip(told, found, strict=True):
            opinions[index] = opinion
        return opinions

    def close_translators(self) -> None:
        """Free their memory, for the judge may be a model too."""
        self._chain.close()

    def close(self) -> None:
        self.close_translators()
        self.judge.close()

    def _step(self, code: str) -> Step:
        pair = _pair(code)
        for step in self._chain.steps:
            if step.takes(pair):
                return step
        raise ConfigError(f"reply_translator: no backend translates from {code!r} into English: choose another")


def judging_settings(judge: str, judge_on: str, reply_translator: Any) -> dict[str, Any]:
    """JUDGING as run.json keeps it. Raises ConfigError for settings that do not go together."""
    if judge_on not in (NATIVE, ENGLISH):
        raise ConfigError(f"judge_on {judge_on!r}: use {NATIVE} or {ENGLISH}")
    if reply_translator is not None and judge_on == NATIVE:
        raise ConfigError(f"reply_translator works only with judge_on = {ENGLISH!r}")
    named = None
    if judge_on == ENGLISH:
        backends = reply_backends(reply_translator) if reply_translator is not None else TranslationConfig().backends
        named = [backend.model_dump(mode="json") for backend in backends]
    return {"judge": judge, "judge_on": judge_on, "reply_translator": named}


def prepare_judging(settings: Mapping[str, Any], languages: Sequence[str]) -> None:
    """`prepare_judge` for a run's settings, and the translators of replies where it is shown English."""
    if settings["judge_on"] == NATIVE:
        prepare_judge(settings["judge"], languages)
        return
    judge = judge_of(settings, Path())
    try:
        assert isinstance(judge, EnglishJudge)
        judge.prepare(languages)
    finally:
        judge.close()


def judge_of(
    settings: Mapping[str, Any], journal: Path, opinions: Path | None = None, purse: Purse | None = None
) -> Judge:
    """The judge that a run's settings name, which sees what they say. Translations are kept in `journal`, what
    endpoints say in `opinions`; who is paid is paid from `purse`."""
    judge = open_judge(settings["judge"], opinions, purse)
    if settings.get("judge_on", NATIVE) == NATIVE:
        return judge
    english = EnglishJudge(judge, reply_backends(settings["reply_translator"]), journal)
    if purse is not None and purse.budget.is_limited:
        english.keep_to(purse.budget)
    return english


def _pair(code: str) -> Pair:
    return Pair(language(code), language(SOURCE_LANGUAGE))
