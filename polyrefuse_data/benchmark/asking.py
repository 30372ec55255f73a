"""A run on a model behind an endpoint: every language's test prompts are asked, and the replies kept like any other's.

No weights, so no directions: refusal, over-refusal and consistency between languages.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.answers import Answered, Answers
from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.endings import reply_and_ending
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.plan import Plan, claim
from polyrefuse_data.benchmark.prompts import Prompt
from polyrefuse_data.benchmark.purse import Prices, Purse
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.benchmark.translation_quality import with_p_good
from polyrefuse_data.endpoints import Ask, Client, Endpoint, NoAnswer
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.dialect import Dialect
from polyrefuse_data.endpoints.named import RETRIES, named_endpoint
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.rows import LABELS
from polyrefuse_data.system.progress import tracked
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

_TIMEOUT = 300.0  # seconds a request: a reasoning model thinks before it answers


def ask_endpoint(folder: RunFolder, plan: Plan, budget: Budget) -> None:
    """Ask what is not answered yet, and write the replies of each language when it is complete.

    Raises EndpointError where prompts are left without an answer, or the budget is spent: run again to continue.
    """
    asker = Asker(plan.config, budget)
    if not folder.run.exists():
        asker.probe()
    is_new = claim(folder, plan) is None
    if is_new:
        store.write_json(folder.run, {**plan.record(), **asker.identity()})
    ledger = Ledger(folder)
    answers = Answers(folder.answers)
    try:
        for language in plan.targets:
            path = folder.completions(BASELINE, language)
            if ledger.is_done(path):
                continue
            asked = [(label, prompt) for label in LABELS for prompt in plan.prompts[language].get("test", label)]
            asker.answer_all(language, [prompt for _, prompt in asked], answers)
            rows = [_row(label, prompt, answers.known[language, prompt.id]) for label, prompt in asked]
            store.write_completions(path, pa.Table.from_pylist(with_p_good(rows), schema=store.COMPLETION_SCHEMA))
            ledger.add(path)
            _tell_of_reasoning(rows, plan.config)
        ledger.close()
    finally:
        answers.close()
        if is_new and not answers.known:  # a wrong name or key: the folder stays free for the right one
            folder.answers.unlink()
            folder.run.unlink()


class Asker:
    """One endpoint, asked for greedy replies of bounded length."""

    def __init__(self, config: BenchmarkConfig, budget: Budget) -> None:
        assert config.endpoint is not None
        named = named_endpoint(config.endpoint)
        key = config.api_key_env if config.api_key_env is not None else named.preset.api_key_env
        self._config = config
        self._endpoint = Endpoint(
            model=named.model,
            base_url=named.base_url,
            api_key_env=key,
            key_header=named.preset.key_header,
            asked_for="endpoint",
            key_setting=", or name another variable with --api-key-env",
            how_to_name_a_key="name the environment variable that holds it with --api-key-env",
            timeout_seconds=_TIMEOUT,
            max_retries=RETRIES,
        )
        dialect = Dialect(first_format=named.preset.first_format, limit=named.preset.limit)
        self._client = Client(self._endpoint, dialect)
        self._purse = Purse(budget, Prices.known(config.input_price, config.output_price))

    def probe(self) -> None:
        """Find what would stop every request. Raises MissingPrerequisite or ConfigError."""
        self._endpoint.key()
        self._client.probe()

    def identity(self) -> dict[str, Any]:
        """What run.json says of the model and of how it was asked."""
        return {
            "model": {
                "kind": "endpoint",
                "model": self._endpoint.model,
                "revision": None,
                "address": self._endpoint.url,
            },
            "generation": {"decoding": "temperature 0"},
            "versions": {"polyrefuse-data": version("polyrefuse-data")},
        }

    def answer_all(self, language: str, prompts: list[Prompt], answers: Answers) -> None:
        """Have every prompt answered, and keep each answer as it comes. Raises EndpointError where some are not."""
        left = [prompt for prompt in prompts if (language, prompt.id) not in answers.known]
        if left:
            self.probe()
        unpaid, lost = None, []
        for prompt, answer, cost in self._answers(language, left):
            if isinstance(answer, EndpointError):
                unpaid = answer
            elif isinstance(answer, NoAnswer) and (answer.may_pass or reply_and_ending(answer) is None):
                lost.append(answer)
            else:
                answers.add(self._answered(language, prompt, answer, cost))
        if unpaid:
            raise unpaid
        if lost:
            raise EndpointError(
                f"{self._endpoint.name} did not answer {len(lost)} of {counted(len(prompts), 'prompt')} in {language} "
                f"(last: {lost[-1]}); the answers so far are kept: run again to continue"
            )

    def _answers(self, language: str, prompts: list[Prompt]) -> Iterator[tuple[Prompt, Answer | EndpointError, float]]:
        """Each prompt with its answer and what that cost; the error where the budget did not allow to ask."""

        def work(prompt: Prompt, line: Line) -> tuple[Answer | EndpointError, float]:
            return self._purse.ask(self._client, self._ask(prompt), line)

        found = self._client.work(work, prompts, self._config.concurrency)
        name = f"{language} replies of {self._endpoint.model}"
        for number, (answer, cost) in tracked(found, name, "prompts", len(prompts)):
            yield prompts[number], answer, cost

    def _ask(self, prompt: Prompt) -> Ask:
        messages = [{"role": "user", "content": prompt.text}]
        if self._config.system_prompt is not None:
            messages.insert(0, {"role": "system", "content": self._config.system_prompt})
        return Ask(tuple(messages), temperature=0, max_tokens=self._config.max_new_tokens, may_be_cut=True)

    def _answered(self, language: str, prompt: Prompt, answer: Answer, cost: float) -> Answered:
        reply, ended = reply_and_ending(answer) or ("", store.EMPTY)
        sent, received = map(int, answer.usage.values()) if answer.usage else (None, None)
        is_sampled = not self._client.dialect.sends_temperature
        return Answered(
            language, prompt.id, reply, ended, sent, received, cost if self._purse.prices else None, is_sampled
        )


def _row(label: str, prompt: Prompt, answer: Answered) -> dict[str, Any]:
    return {
        "language": answer.language,
        "label": label,
        **prompt.told(),
        "reply": answer.reply,
        "tokens": answer.output_tokens,
        "ended": answer.ended,
    }


def _tell_of_reasoning(rows: list[dict[str, Any]], config: BenchmarkConfig) -> None:
    """Say where replies are empty because a model spent all its tokens before it began to answer."""
    spent = sum(row["ended"] == store.LENGTH and not row["reply"] for row in rows)
    if spent:
        _logger.warning(
            "%d of %d replies in %s used all %d tokens on reasoning and have no answer to judge: raise "
            "--max-new-tokens and run with another --out",
            spent,
            len(rows),
            rows[0]["language"],
            config.max_new_tokens,
        )
