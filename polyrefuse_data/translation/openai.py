"""Chat models behind any OpenAI-compatible API: many requests at once, within the API's limits, none lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints import Ask, Client
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.translation.base import Pair, Price, Request, Result, Translation, total_usage
from polyrefuse_data.translation.chat_api import ChatBackend
from polyrefuse_data.translation.first_answers import FirstAnswers
from polyrefuse_data.translation.halving import PLAIN_SENTENCE
from polyrefuse_data.translation.together import groups

ASKED_ALONE = "asked_alone"  # a note: a request for several texts brought nothing for this one

_USUAL_DELAY = 2.0  # seconds from a request to its answer, for estimates


class OpenAITranslator(ChatBackend):
    """One chat model. Its limits apply to everything that this object, and copies of it, ask.

    `client` may be an `openai.OpenAI` with an address and a key of its own (extra `openai`).
    """

    def __init__(self, config: OpenAIBackend, candidates: int = 1, client: Client | Any = None) -> None:
        super().__init__(config, candidates, client)
        self._first = FirstAnswers(self.name)

    def with_candidates(self, candidates: int) -> OpenAITranslator:
        """The same model under the same limits, asked for that many texts per row."""
        return OpenAITranslator(self.config, candidates, self.client)

    @property
    def client(self) -> Client:
        return self.api.client

    @property
    def limits(self) -> RateLimits:
        return self.client.limits

    @limits.setter
    def limits(self, limits: RateLimits) -> None:
        self.client.limits = limits

    @property
    def limited_as(self) -> tuple[str, ...]:
        """What the API's limits apply to: a model and an account."""
        endpoint = self.api.endpoint
        return endpoint.address, endpoint.model, endpoint.api_key_env

    def prove(self, pair: Pair) -> None:
        self.client.prove(self.api.ask(Request(PLAIN_SENTENCE, *pair)))

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return groups(requests, self.config.prompts_per_request if self.api.candidates == 1 else 1)

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        """`concurrency` batches at a time; the first error that concerns all rows ends it. Where money runs out, what
        is under way is waited for: it is paid."""
        stopped: EndpointError | None = None
        for number, results in self.client.work(self._translate, batches, self.config.concurrency):
            if isinstance(results, EndpointError):
                stopped = results
            else:
                yield number, results
        if stopped is not None:
            raise stopped

    def price(self, requests: Sequence[Request]) -> Price:
        """The price of `requests`, from the length of the texts, the limits and a usual delay."""
        planned = [[requests[index] for index in group] for group in self.plan(requests)]
        sent, received = self.api.estimate_tokens(planned)
        count = len(planned) * self.api.candidates
        seconds = max(
            count * _USUAL_DELAY / self.config.concurrency,
            count * 60 / self.config.requests_per_minute if self.config.requests_per_minute else 0,
            (sent + received) * 60 / self.config.tokens_per_minute if self.config.tokens_per_minute else 0,
        )
        return Price(sent, received, self.api.cost(sent, received), seconds)

    def _translate(self, batch: Sequence[Request], line: Line) -> list[Result] | EndpointError:
        """Set aside the most that a batch can cost, and ask for it. Returns the error where there is too little."""
        together = self.api.ask_together(batch) if len(batch) > 1 else None
        asks = [self.api.ask(request) for request in batch]
        reserved = sum(map(self.api.most_cost, asks)) * self.api.candidates
        if together is not None:
            reserved += self.api.most_cost(together, len(batch))
        try:
            self.budget.reserve_in(line, reserved)
        except EndpointError as error:
            return error
        results: list[Result] = []
        try:
            found: list[Result | None] = [None] * len(batch)
            usages: list[dict[str, float]] = [{} for _ in batch]
            if together is not None:
                found, usages = self.api.results_together(self.client.ask(together, line), batch)
            for request, ask, result, usage in zip(batch, asks, found, usages, strict=True):
                if result is None:
                    result = self._ask_alone(request, ask, line)
                    result = result if together is None else _after_all(result, usage)
                results.append(result)
                self._first.watch(result)
        finally:
            self.budget.settle(reserved, sum(result.usage.get("cost_usd", 0.0) for result in results))
        return results

    def _ask_alone(self, request: Request, ask: Ask, line: Line) -> Result:
        """One text, as many times as there are candidates to be had."""
        answers = [self.client.ask(ask, line) for _ in range(self.api.candidates)]
        return self.api.merge([self.api.result(answer, request) for answer in answers])


def _after_all(result: Result, used: dict[str, float]) -> Result:
    """The result for a text that was asked for by itself, with its part in the request that brought nothing for it."""
    result = replace(result, usage=total_usage([used, result.usage]))
    return replace(result, notes=(*result.notes, ASKED_ALONE)) if isinstance(result, Translation) else result
