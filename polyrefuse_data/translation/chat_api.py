"""One chat model behind an OpenAI-compatible API as a translator: its requests, its answers and their cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints import Ask, Client, Endpoint
from polyrefuse_data.endpoints.budget import Budget
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.dialect import Dialect
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.endpoints.openai_client import GivenClient
from polyrefuse_data.endpoints.presets import PRESETS
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.translation.base import Pair, Request, Result, Translation, Units, total_usage
from polyrefuse_data.translation.chat import Chat
from polyrefuse_data.translation.families import family_of
from polyrefuse_data.translation.guidance import Guidance
from polyrefuse_data.translation.together import ask_together, estimate_tokens, read_together, share_usage

# Further candidates are sampled; at temperature 0 they would all be the first again.
_SAMPLING_TEMPERATURE = 0.7

_DEFAULT_PRESET = "openai"

_OF_A_CLIENT = ", or give the client another key"
_NAME_A_KEY = 'name the environment variable that holds it in api_key_env (api_key_env = "MY_KEY")'

Usage = dict[str, float]

# Tokens of an answer that nobody bounds, for each token of what is asked and expected; and of the longest there was.
_MOST_GROWTH, _TWICE = 4, 2

# What the Batch API takes for a token, against the prices of single requests.
_BATCH_DISCOUNT = 0.5


class ChatApi:
    """The model in a config, asked for a number of candidates per text."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, client: Client | Any = None) -> None:
        self.config = config
        self.candidates = candidates
        self.chat = Chat(
            family_of(config.prompt, config.model, config.preset), Guidance(config.examples, config.glossary)
        )
        if config.prompts_per_request > 1 and self.chat.family is not None:
            raise ConfigError(
                f"translation.backends: prompts_per_request: {config.model} takes one text per request: leave it "
                'out, or set prompt = "json" for a model that keeps to JSON'
            )
        preset = PRESETS[config.preset or _DEFAULT_PRESET]
        ours = client if isinstance(client, Client) else None
        theirs = config.client if client is None else client
        given = ours.given if ours else GivenClient(theirs) if theirs else None
        self.endpoint = Endpoint(
            model=config.model,
            base_url=given.base_url if given else config.base_url or preset.base_url,
            api_key_env="" if given else preset.api_key_env if config.api_key_env is None else config.api_key_env,
            key_header=preset.key_header,
            key_setting=_OF_A_CLIENT if given else ', or set api_key_env = "" for a server that needs none',
            how_to_name_a_key="give the client one that is accepted" if given else _NAME_A_KEY,
            timeout_seconds=config.timeout_seconds,
            max_retries=config.max_retries,
        )
        dialect = Dialect(config.response_format, config.extra_body, preset.first_format, preset.limit)
        limits = RateLimits(config.requests_per_minute, config.tokens_per_minute)
        self.client = ours or Client(self.endpoint, dialect, limits, given)
        self._longest_answer = 0.0  # in tokens

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that affects the output. Keys with a default appear only if they differ from it, so that older
        answers are still recognised."""
        asked: dict[str, Any] = {
            "engine": "openai",
            "model": self.config.model,
            "address": self.endpoint.address,
            "temperature": self._temperature,
            "max_output_tokens": self.config.max_output_tokens,
            "candidates": self.candidates,
            **self.chat.settings,
        }
        if self.config.response_format != "auto":
            asked["response_format"] = self.config.response_format
        if self.config.extra_body:
            asked["extra_body"] = self.config.extra_body
        return asked

    @property
    def _temperature(self) -> float | str:
        asked = self.config.temperature
        return _SAMPLING_TEMPERATURE if self.candidates > 1 and asked == 0 else asked

    def ask(self, request: Request) -> Ask:
        temperature = self._temperature
        sent = None if isinstance(temperature, str) else temperature
        return self.chat.ask(request, sent, self.config.max_output_tokens)

    def ask_together(self, requests: Sequence[Request]) -> Ask:
        temperature = self._temperature
        sent = None if isinstance(temperature, str) else temperature
        return ask_together(self.chat, requests, sent, self.config.max_output_tokens)

    def results_together(self, answer: Answer, requests: Sequence[Request]) -> tuple[list[Result | None], list[Usage]]:
        """What an answer has for each text, None where there is nothing of use, and its part in the usage and cost."""
        self._note_length(answer, len(requests))
        usages = share_usage(answer.usage, requests)
        for usage in usages:
            cost = self.cost(*usage.values()) if usage else None
            usage.update({} if cost is None else {"cost_usd": cost})
        found = read_together(self.chat, answer, requests)
        return [one and replace(one, usage=usage) for one, usage in zip(found, usages, strict=True)], usages

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON body of one chat completion request."""
        return self.client.dialect.body(self.config.model, self.ask(request))

    def result(self, answer: Answer, request: Request | None = None) -> Result:
        """The result of an answer, with its usage and cost."""
        result = self.chat.read(answer, request)
        self._note_length(answer, 1)
        cost = self.cost(*answer.usage.values()) if answer.usage else None
        return result if cost is None else replace(result, usage={**answer.usage, "cost_usd": cost})

    def _note_length(self, answer: Answer, texts: int) -> None:
        self._longest_answer = max(self._longest_answer, answer.usage.get("output_tokens", 0.0) / texts)

    def merge(self, results: Sequence[Result]) -> Result:
        """The candidates for one text as one result, with their usage and cost added up."""
        usage = total_usage(result.usage for result in results)
        given = [result for result in results if isinstance(result, Translation)]
        texts = list(dict.fromkeys(result.text for result in given))
        if not texts:
            return replace(results[-1], usage=usage)
        notes = tuple(dict.fromkeys(note for result in given for note in result.notes))
        return Translation(texts[0], alternatives=tuple(texts[1:]), usage=usage, notes=notes)

    def estimate_tokens(self, groups: Iterable[Sequence[Request]]) -> tuple[int, int]:
        """The approximate number of tokens sent and received for groups that are asked together, all candidates
        added up."""
        tokens = [
            self.chat.estimate_tokens(group[0])
            if len(group) == 1
            else estimate_tokens(self.chat, group, self.ask_together(group).messages)
            for group in groups
        ]
        return sum(sent for sent, _ in tokens) * self.candidates, sum(got for _, got in tokens) * self.candidates

    def most_cost(self, ask: Ask, texts: int = 1) -> float:
        """What one request can cost at most, in US dollars; 0 where the config does not say the prices.

        No text has more tokens than bytes. How long an answer gets nobody knows without `max_output_tokens`: several
        times what it should, or twice the longest so far, for models that think.
        """
        if self.cost(1, 1) is None:
            return 0.0
        body = json.dumps(self.client.dialect.body(self.config.model, ask), ensure_ascii=False)
        sent = len(body.encode("utf-8", "replace"))
        expected = max(_MOST_GROWTH * ask.tokens, _TWICE * self._longest_answer * texts)
        return self.cost(sent, ask.max_tokens or expected) or 0.0

    def cost(self, input_tokens: float, output_tokens: float) -> float | None:
        """US dollars for these tokens; None if the config states no prices."""
        if self.config.input_price is None or self.config.output_price is None:
            return None
        full = (input_tokens * self.config.input_price + output_tokens * self.config.output_price) / 1e6
        return full * _BATCH_DISCOUNT if self.config.mode == "batch" else full


class ChatBackend:
    """The common part of backends that send single requests and of those that send batches."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, client: Client | Any = None) -> None:
        self.config = config
        self.api = ChatApi(config, candidates, client)
        self.budget = Budget()

    @property
    def knows_its_cost(self) -> bool:
        """Whether the config says the prices."""
        return self.api.cost(1, 1) is not None

    @property
    def name(self) -> str:
        return self.api.name

    @property
    def settings(self) -> dict[str, Any]:
        return self.api.settings

    @property
    def units(self) -> Units:
        return self.api.chat.units

    def takes(self, pair: Pair) -> bool:
        return self.api.chat.takes(pair)

    def prepare(self, pairs: Iterable[Pair]) -> None:
        self.api.chat.check()
        self.api.endpoint.key()
        self.api.client.probe()

    def close(self) -> None:
        """Nothing to do: connections last for one call of `translate`."""
