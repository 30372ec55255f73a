"""Chat models behind any OpenAI-compatible API: many requests at once, within the API's limits, none lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import TranslationError
from polyrefuse_data.translation import chat
from polyrefuse_data.translation.api_errors import ApiError, backoff, lost_connection
from polyrefuse_data.translation.base import Failure, Price, Request, Result
from polyrefuse_data.translation.chat_api import ChatBackend
from polyrefuse_data.translation.limits import RateLimits
from polyrefuse_data.translation.streams import stream

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# After this many texts in a row that got no answer, retries and all, the API is taken to be down.
_GIVE_UP_AFTER = 20

_USUAL_DELAY = 2.0  # seconds from a request to its answer, for estimates


class OpenAITranslator(ChatBackend):
    """One chat model. Its limits hold for everything that this object, and those made from it, ask."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, limits: RateLimits | None = None) -> None:
        super().__init__(config, candidates)
        self.limits = limits or RateLimits(config.requests_per_minute, config.tokens_per_minute)

    def with_candidates(self, candidates: int) -> OpenAITranslator:
        """The same model under the same limits, asked for that many texts a row."""
        return OpenAITranslator(self.config, candidates, self.limits)

    @property
    def limited_as(self) -> tuple[str, ...]:
        """What the API counts by: its limits hold for a model and an account."""
        return self.api.address, self.config.model, self.config.api_key_env

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [[index] for index in range(len(requests))]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        return stream(lambda: self._translate(batches))

    def price(self, requests: Sequence[Request]) -> Price:
        """What asking for `requests` will take, by the length of the texts, the limits and a usual delay."""
        sent, received = self.api.estimate_tokens(requests)
        count = len(requests) * self.api.candidates
        seconds = max(
            count * _USUAL_DELAY / self.config.concurrency,
            count * 60 / self.config.requests_per_minute if self.config.requests_per_minute else 0,
            (sent + received) * 60 / self.config.tokens_per_minute if self.config.tokens_per_minute else 0,
        )
        return Price(sent, received, self.api.cost(sent, received), seconds)

    async def _translate(self, batches: Sequence[Sequence[Request]]) -> AsyncIterator[tuple[int, list[Result]]]:
        """Ask for all batches, `concurrency` of them at a time; the first error that concerns all rows ends it."""
        waiting = iter(enumerate(batches))
        ready: asyncio.Queue[tuple[int, list[Result]] | BaseException | None] = asyncio.Queue()
        unanswered = 0

        async def work(client: AsyncOpenAI) -> None:
            nonlocal unanswered
            for number, batch in waiting:
                results = [await self._ask(client, request) for request in batch]
                for result in results:
                    lost = isinstance(result, Failure) and result.ask_again
                    unanswered = unanswered + 1 if lost else 0
                    if unanswered >= _GIVE_UP_AFTER:
                        raise TranslationError(
                            f"{self.name} did not answer {unanswered} texts in a row (last: {result}); what was "
                            "answered is kept: run again to go on"
                        )
                ready.put_nowait((number, results))

        async def work_all() -> None:
            async with self.api.client() as client:
                count = min(self.config.concurrency, len(batches))
                workers = [asyncio.create_task(work(client)) for _ in range(count)]
                try:
                    await asyncio.gather(*workers)
                    ready.put_nowait(None)
                except Exception as error:  # noqa: BLE001 - raised below, after what was ready before it
                    ready.put_nowait(error)
                finally:
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)

        working = asyncio.create_task(work_all())
        try:
            while (item := await ready.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _ask(self, client: AsyncOpenAI, request: Request) -> Result:
        """One text, as many times as there are candidates to be had."""
        return self.api.merge([await self._complete(client, request) for _ in range(self.api.candidates)])

    async def _complete(self, client: AsyncOpenAI, request: Request) -> Result:
        """One completion, retried while the API is busy, slow or broken."""
        import openai

        estimate = sum(chat.estimate_tokens(request))
        failure = Failure("no_answer", ask_again=True)
        for attempt in range(self.config.max_retries + 1):
            await self.limits.acquire(estimate)
            wait = backoff(attempt)
            try:
                completion = await self._send(client, request)
            except ApiError as error:
                if (stop := error.stops(self.name, self.config)) is not None:
                    raise stop from None
                failure = error.failure()
                if not error.is_passing:
                    return failure
                wait = error.retry_after or wait
                if error.status == 429:  # it holds back every other request too
                    self.limits.pause(wait)
            except (openai.APITimeoutError, TimeoutError):
                failure = Failure("timeout", f"no answer in {self.config.timeout_seconds:g} seconds", ask_again=True)
            except openai.APIConnectionError as error:
                failure = Failure("connection", lost_connection(error), ask_again=True)
            except (ValueError, RecursionError) as error:
                failure = Failure("malformed_response", f"not JSON: {error}", ask_again=True)
            else:
                result = self.api.result(completion)
                if result.usage:  # without it, what was thought stands
                    self.limits.correct(estimate, int(result.usage["input_tokens"] + result.usage["output_tokens"]))
                return result
            if attempt < self.config.max_retries:
                await asyncio.sleep(wait)
        return failure

    async def _send(self, client: AsyncOpenAI, request: Request) -> Any:
        """The completion as the API sent it. Raises ApiError, the client's errors, ValueError for what is no JSON."""
        import openai

        try:
            async with asyncio.timeout(self.config.timeout_seconds):
                response = await client.chat.completions.with_raw_response.create(**self.api.body(request))
        except openai.APIStatusError as error:
            raise ApiError.of_response(error) from None
        completion = json.loads(response.text)
        if (error_within := ApiError.of_body(200, completion)) is not None:
            raise error_within
        return completion
