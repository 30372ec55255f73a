"""Chat models behind any OpenAI-compatible API: many requests at once, within the API's limits, none lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints import Ask, Client
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.translation.base import Pair, Price, Request, Result
from polyrefuse_data.translation.chat_api import ChatBackend
from polyrefuse_data.translation.first_answers import FirstAnswers

_PLAIN_SENTENCE = "How are you?"

_LOOK_SECONDS = 0.1  # between two looks whether money that was set aside is free again
_USUAL_DELAY = 2.0  # seconds from a request to its answer, for estimates


class OpenAITranslator(ChatBackend):
    """One chat model. Its limits apply to everything that this object, and copies of it, ask."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, client: Client | None = None) -> None:
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
        self.client.prove(self.api.ask(Request(_PLAIN_SENTENCE, *pair)))

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [[index] for index in range(len(requests))]

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
        sent, received = self.api.estimate_tokens(requests)
        count = len(requests) * self.api.candidates
        seconds = max(
            count * _USUAL_DELAY / self.config.concurrency,
            count * 60 / self.config.requests_per_minute if self.config.requests_per_minute else 0,
            (sent + received) * 60 / self.config.tokens_per_minute if self.config.tokens_per_minute else 0,
        )
        return Price(sent, received, self.api.cost(sent, received), seconds)

    def _translate(self, batch: Sequence[Request], line: Line) -> list[Result] | EndpointError:
        results = []
        for request in batch:
            ask = self.api.ask(request)
            reserved = self.api.most_cost(ask) * self.api.candidates
            try:
                while not self.budget.reserve(reserved):
                    line.wait(_LOOK_SECONDS)
            except EndpointError as error:
                return error
            result = None
            try:
                result = self._ask(request, ask, line)
            finally:
                self.budget.settle(reserved, result.usage.get("cost_usd", 0.0) if result else 0.0)
            results.append(result)
        return results

    def _ask(self, request: Request, ask: Ask, line: Line) -> Result:
        """One text, as many times as there are candidates to be had."""
        answers = [self.client.ask(ask, line) for _ in range(self.api.candidates)]
        result = self.api.merge([self.api.result(answer, request) for answer in answers])
        self._first.watch(result)
        return result
