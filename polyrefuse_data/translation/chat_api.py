"""One chat model behind an OpenAI-compatible API: what it is asked, what its answers mean, and what they cost."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import MissingPrerequisite
from polyrefuse_data.system.redaction import declare_secret
from polyrefuse_data.translation import chat
from polyrefuse_data.translation.base import Pair, Request, Result, Translation, Units, total_usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_LONGEST_TEXT = 8000  # characters; longer ones are cut, so that no answer nears the longest that models give
_UNITS = Units(_LONGEST_TEXT, sentences=False)

# Our names of the token counts, and those of a completion.
_TOKEN_COUNTS = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}

# Further candidates are sampled; at temperature 0 they would all be the first again.
_SAMPLING_TEMPERATURE = 0.7

# What the Batch API takes for a token, against the prices of single requests.
_BATCH_DISCOUNT = 0.5


class ChatApi:
    """The model of a config, asked for so many candidates a text; it opens no connection of its own."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1) -> None:
        self.config = config
        self.candidates = candidates

    @property
    def name(self) -> str:
        host = urlsplit(self.config.base_url).hostname if self.config.base_url else None
        return f"openai:{self.config.model}" + (f"@{host}" if host else "")

    @property
    def address(self) -> str:
        """Host, port and path of the API, empty for OpenAI's own: gateways have a path for each model."""
        parts = urlsplit(self.config.base_url or "")
        return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "engine": "openai",
            "model": self.config.model,
            "address": self.address,
            "temperature": self._temperature,
            "max_output_tokens": self.config.max_output_tokens,
            "candidates": self.candidates,
            "instructions": chat.INSTRUCTIONS,
        }

    @property
    def _temperature(self) -> float | str:
        asked = self.config.temperature
        return _SAMPLING_TEMPERATURE if self.candidates > 1 and asked == 0 else asked

    def key(self) -> str:
        """The API key. Raises MissingPrerequisite where its variable is empty."""
        variable = self.config.api_key_env
        declare_secret(variable)
        key = os.environ.get(variable, "") if variable else "none"
        if not key.strip():
            raise MissingPrerequisite(
                f"translation.backends: {self.name} needs an API key: `export {variable}=...`, "
                'or set api_key_env = "" for a server that asks for none'
            )
        return key.strip()

    def client(self, max_retries: int = 0) -> AsyncOpenAI:
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self.key(),
            base_url=self.config.base_url,
            timeout=self.config.timeout_seconds,
            max_retries=max_retries,
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

    def result(self, completion: Any) -> Result:
        """The result of a completion, with what it used and cost."""
        return replace(chat.read_completion(completion), usage=self._usage(completion))

    def merge(self, results: Sequence[Result]) -> Result:
        """The candidates for one text as one result, used and paid for together."""
        usage = total_usage(result.usage for result in results)
        texts = list(dict.fromkeys(result.text for result in results if isinstance(result, Translation)))
        if not texts:
            return replace(results[-1], usage=usage)
        return Translation(texts[0], alternatives=tuple(texts[1:]), usage=usage)

    def estimate_tokens(self, requests: Sequence[Request]) -> tuple[int, int]:
        """About how many tokens `requests` send and get back, all candidates together."""
        tokens = [chat.estimate_tokens(request) for request in requests]
        return sum(sent for sent, _ in tokens) * self.candidates, sum(got for _, got in tokens) * self.candidates

    def cost(self, input_tokens: float, output_tokens: float) -> float | None:
        """US dollars of so many tokens; None where the config does not say the prices."""
        if self.config.input_price is None or self.config.output_price is None:
            return None
        full = (input_tokens * self.config.input_price + output_tokens * self.config.output_price) / 1e6
        return full * _BATCH_DISCOUNT if self.config.mode == "batch" else full

    def _usage(self, completion: Any) -> dict[str, float]:
        """Token counts and cost, where the API reports both counts."""
        reported = completion.get("usage") if isinstance(completion, dict) else None
        if not isinstance(reported, dict):
            return {}
        counts = [reported.get(theirs) for theirs in _TOKEN_COUNTS.values()]
        if not all(isinstance(count, int | float) and math.isfinite(count) and count >= 0 for count in counts):
            return {}
        usage = {ours: float(reported[theirs]) for ours, theirs in _TOKEN_COUNTS.items()}
        cost = self.cost(*usage.values())
        return usage if cost is None else {**usage, "cost_usd": cost}


class ChatBackend:
    """What a backend is, however it sends its requests: one by one, or as batches."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1) -> None:
        self.config = config
        self.api = ChatApi(config, candidates)

    @property
    def name(self) -> str:
        return self.api.name

    @property
    def settings(self) -> dict[str, Any]:
        return self.api.settings

    @property
    def units(self) -> Units:
        return _UNITS

    def prepare(self, pairs: Iterable[Pair]) -> None:
        self.api.key()

    def close(self) -> None:
        """Connections live as long as a call of `translate`."""
