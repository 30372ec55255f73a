"""Chat models behind any OpenAI-compatible API: many requests at once, within the API's limits, none lost."""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import os
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, TranslationError
from polyrefuse_data.redaction import declare_secret, redact
from polyrefuse_data.translation import chat
from polyrefuse_data.translation.base import Failure, Pair, Price, Request, Result, Translation, Units
from polyrefuse_data.translation.limits import RateLimits
from polyrefuse_data.translation.streams import stream

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

_LONGEST_TEXT = 8000  # characters; longer ones are cut, so that no answer nears the longest that models give

_LONGEST_DETAIL = 300

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0  # seconds
_LONGEST_WAIT = 600.0  # a server that asks for more (a daily limit) ends the run; the next one goes on
_RETRIED_STATUS = {408, 409, 429}

# Our names of the token counts, and those of a completion.
_TOKEN_COUNTS = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}

# After this many texts in a row that got no answer, retries and all, the API is taken to be down.
_GIVE_UP_AFTER = 20

_USUAL_DELAY = 2.0  # seconds from a request to its answer, for estimates

# Further candidates are sampled; at temperature 0 they would all be the first again.
_SAMPLING_TEMPERATURE = 0.7


class OpenAITranslator:
    """One chat model. Its limits hold for everything that this object, and those made from it, ask."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, limits: RateLimits | None = None) -> None:
        self.config = config
        self.candidates = candidates
        self.limits = limits or RateLimits(config.requests_per_minute, config.tokens_per_minute)

    def with_candidates(self, candidates: int) -> OpenAITranslator:
        """The same model under the same limits, asked for that many texts a row."""
        return OpenAITranslator(self.config, candidates, self.limits)

    @property
    def name(self) -> str:
        host = urlsplit(self.config.base_url).hostname if self.config.base_url else None
        return f"openai:{self.config.model}" + (f"@{host}" if host else "")

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "engine": "openai",
            "model": self.config.model,
            "host": urlsplit(self.config.base_url).netloc.rpartition("@")[2] if self.config.base_url else "",
            "temperature": self._temperature,
            "max_output_tokens": self.config.max_output_tokens,
            "candidates": self.candidates,
            "instructions": chat.INSTRUCTIONS,
        }

    @property
    def units(self) -> Units:
        return Units(_LONGEST_TEXT, sentences=False)

    def prepare(self, pairs: Iterable[Pair]) -> None:
        self._key()

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [[index] for index in range(len(requests))]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        return stream(lambda: self._translate(batches))

    def close(self) -> None:
        """Connections live as long as a call of `translate`."""

    @property
    def _temperature(self) -> float | str:
        return (
            _SAMPLING_TEMPERATURE if self.candidates > 1 and self.config.temperature == 0 else self.config.temperature
        )

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body of one request for a chat completion."""
        body: dict[str, Any] = {
            "model": self.config.model,
            "messages": chat.messages(request),
            "response_format": chat.RESPONSE_FORMAT,
        }
        if self._temperature != "default":
            body["temperature"] = self._temperature
        if self.config.max_output_tokens is not None:
            body["max_completion_tokens"] = self.config.max_output_tokens
        return body

    def client(self) -> AsyncOpenAI:
        """A client without retries of its own: ours share the limits."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self._key(),
            base_url=self.config.base_url,
            timeout=self.config.timeout_seconds,
            max_retries=0,
        )

    def result(self, completion: Any) -> Result:
        """The result of a completion, with what it used and cost."""
        return replace(chat.read_completion(completion), usage=self._usage(completion))

    def explain(self, error: object) -> str:
        """An error in one line for people, without the key, which servers like to repeat."""
        return redact(" ".join(str(error).split()))[:_LONGEST_DETAIL]

    def _key(self) -> str:
        variable = self.config.api_key_env
        declare_secret(variable)
        key = os.environ.get(variable, "") if variable else "none"
        if not key.strip():
            raise MissingPrerequisite(
                f"translation.backends: {self.name} needs an API key: `export {variable}=...`, "
                'or set api_key_env = "" for a server that asks for none'
            )
        return key.strip()

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
                    lost = isinstance(result, Failure) and result.transient
                    unanswered = unanswered + 1 if lost else 0
                    if unanswered >= _GIVE_UP_AFTER:
                        raise TranslationError(
                            f"{self.name} did not answer {unanswered} texts in a row (last: {result}); what was "
                            "answered is kept: run again to go on"
                        )
                ready.put_nowait((number, results))

        async def work_all() -> None:
            async with self.client() as client:
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
        return self.merge([await self._complete(client, request) for _ in range(self.candidates)])

    def merge(self, results: Sequence[Result]) -> Result:
        """The candidates for one text as one result, used and paid for together."""
        usage: dict[str, float] = {}
        for result in results:
            usage = {key: usage.get(key, 0) + result.usage.get(key, 0) for key in {**usage, **result.usage}}
        texts = list(dict.fromkeys(result.text for result in results if isinstance(result, Translation)))
        if not texts:
            return replace(results[-1], usage=usage)
        return Translation(texts[0], alternatives=tuple(texts[1:]), usage=usage)

    async def _complete(self, client: AsyncOpenAI, request: Request) -> Result:
        """One completion, retried while the API is busy, slow or broken."""
        import openai

        estimate = sum(chat.estimate_tokens(request))
        failure = Failure("no_answer", transient=True)
        for attempt in range(self.config.max_retries + 1):
            await self.limits.acquire(estimate)
            wait = _backoff(attempt)
            try:
                async with asyncio.timeout(self.config.timeout_seconds):
                    response = await client.chat.completions.with_raw_response.create(**self.body(request))
                completion = json.loads(response.text)
            except openai.APIStatusError as error:
                if error.status_code not in _RETRIED_STATUS and error.status_code < 500:
                    return self.refused_request(error)
                wait = self._wait_as_told(error, wait)
                failure = Failure(f"http_{error.status_code}", self.explain(error), transient=True)
            except (openai.APITimeoutError, TimeoutError):
                failure = Failure("timeout", f"no answer in {self.config.timeout_seconds:g} seconds", transient=True)
            except openai.APIConnectionError as error:
                failure = Failure("connection", self.explain(error.__cause__ or error), transient=True)
            except ValueError as error:
                failure = Failure("malformed_response", f"not JSON: {self.explain(error)}", transient=True)
            else:
                result = self.result(completion)
                self.limits.correct(estimate, int(sum(result.usage.get(key, 0) for key in _TOKEN_COUNTS)))
                return result
            if attempt < self.config.max_retries:
                await asyncio.sleep(wait)
        return failure

    def price(self, requests: Sequence[Request]) -> Price:
        """What asking for `requests` will take, by the length of the texts, the limits and a usual delay."""
        tokens = [chat.estimate_tokens(request) for request in requests]
        sent = sum(sent for sent, _ in tokens) * self.candidates
        received = sum(received for _, received in tokens) * self.candidates
        count = len(requests) * self.candidates
        seconds = max(
            count * _USUAL_DELAY / self.config.concurrency,
            count * 60 / self.config.requests_per_minute if self.config.requests_per_minute else 0,
            (sent + received) * 60 / self.config.tokens_per_minute if self.config.tokens_per_minute else 0,
        )
        return Price(sent, received, self.cost(sent, received), seconds)

    def refused_request(self, error: APIStatusError) -> Failure:
        """The failure of one row whose request the API did not accept.

        Raises MissingPrerequisite, ConfigError or TranslationError where no request would be; `from None`, because the
        API's own error may repeat the key, and a traceback would show it.
        """
        told = self.explain(error)
        if _is_content_filter(error):
            return Failure("content_filter", told)
        if error.status_code in (401, 403):
            variable = self.config.api_key_env or "api_key_env"
            raise MissingPrerequisite(
                f"{self.name} does not accept the API key ({told}): put a valid one in {variable}"
            ) from None
        if error.status_code == 402:
            raise TranslationError(f"{self.name}: the account is out of credit ({told}); run again to go on") from None
        if error.status_code == 404:
            raise ConfigError(
                f"translation.backends: {self.name} is not there ({told}): check model and base_url "
                f"({self.config.base_url or 'default'})"
            ) from None
        # Called transient although it is not: it cost nothing, and if it is the config's fault the next run mends it.
        return Failure("bad_request", told, transient=True)

    def _wait_as_told(self, error: APIStatusError, wait: float) -> float:
        """How long to wait after a retryable status. A 429 holds back every other request too."""
        told = _retry_after(error)
        if error.status_code != 429:
            return told or wait
        if error.code == "insufficient_quota" or (told or 0) > _LONGEST_WAIT:
            raise TranslationError(
                f"{self.name}: {self.explain(error)}"
                + (f" (asks to wait {told:.0f} seconds)" if told else "")
                + "; what was answered is kept: run again to go on"
            ) from None
        self.limits.pause(told or wait)
        return told or wait

    def _usage(self, completion: Any) -> dict[str, float]:
        reported = completion.get("usage") if isinstance(completion, dict) else None
        if not isinstance(reported, dict):
            return {}
        usage = {
            ours: float(reported[theirs])
            for ours, theirs in _TOKEN_COUNTS.items()
            if isinstance(reported.get(theirs), int | float)
        }
        cost = self.cost(usage.get("input_tokens", 0), usage.get("output_tokens", 0))
        return usage if cost is None else {**usage, "cost_usd": cost}

    def cost(self, input_tokens: float, output_tokens: float) -> float | None:
        """US dollars of so many tokens; None where the config does not say the prices."""
        if self.config.input_price is None or self.config.output_price is None:
            return None
        return (input_tokens * self.config.input_price + output_tokens * self.config.output_price) / 1e6


def _backoff(attempt: int) -> float:
    """Exponential, with jitter so that requests that failed together do not come back together."""
    return float(min(_FIRST_BACKOFF * 2**attempt, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))


def _retry_after(error: APIStatusError) -> float | None:
    """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
    headers = error.response.headers
    for header, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        with contextlib.suppress(KeyError, ValueError):
            return max(float(headers[header]) / unit, 0.0)
    with contextlib.suppress(KeyError, ValueError, TypeError):
        # By the server's own clock, where it tells: ours may be years behind, and we would wait for years.
        now = _timestamp(headers["date"]) if "date" in headers else time.time()
        return max(_timestamp(headers["retry-after"]) - now, 0.0)
    return None


def _timestamp(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp()


def _is_content_filter(error: APIStatusError) -> bool:
    """Whether the API refused the text itself."""
    return error.status_code in (400, 403, 422) and chat.is_content_filter(error.code, str(error))
