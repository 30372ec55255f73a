"""The wording of requests. Servers that call themselves compatible reject each other's parameters.

A request is first written so that the strictest server accepts it. Whatever a server rejects by name is rephrased or
dropped from then on: learnt once, kept for the run, and logged. Parameters that a config sets explicitly are never
dropped silently; only what `auto` stands for can change.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from polyrefuse_data.endpoints.api_errors import ApiError

_logger = logging.getLogger(__name__)

ResponseFormat = Literal["auto", "json_schema", "json_object", "none"]

# From the strictest promise of an answer's form to none; the instructions ask for the object in any case.
_FORMATS: tuple[ResponseFormat, ...] = ("json_schema", "json_object", "none")
_LIMITS = ("max_completion_tokens", "max_tokens")

# Statuses with which servers have said that they do not take a parameter; OpenRouter says it with 404.
_STATUSES = frozenset({400, 404, 405, 406, 409, 413, 415, 422, 500, 501})
_REFUSED = re.compile(
    r"unsupported|not support|n.t support|not allowed|not permitted|unknown|unrecogni[sz]ed|unexpected|invalid|illegal"
    r"|unavailable|not available|extra (?:inputs|fields)|forbidden|not implemented|deprecated|only|must|cannot|can't"
    r"|does not|not compatible|incompatible|no such|no endpoints found",
    re.IGNORECASE,
)
# How servers name what they refuse, by the parameter that is meant.
_NAMES = {
    "response_format": re.compile(
        r"response[_ ]?(?:format|schema|mime)|json[_ ]?(?:schema|object|mode)|structured[_ ]?outputs?"
        r"|guided[_ ]?(?:json|decoding)|grammar|xgrammar|the requested parameters",
        re.IGNORECASE,
    ),
    "temperature": re.compile(r"\btemperature\b", re.IGNORECASE),
    "logprobs": re.compile(r"\b(?:top_)?log_?probs?\b", re.IGNORECASE),
    "limit": re.compile(r"\bmax_(?:completion_|output_|new_)?tokens\b", re.IGNORECASE),
}
# The keys of a config that stand for them.
_KEYS = {"response_format": "response_format", "temperature": "temperature", "limit": "max_output_tokens"}


@dataclass(frozen=True)
class Ask:
    """A request to a model, not yet in any dialect. `schema` is the JSON schema of the object to answer with."""

    messages: tuple[dict[str, Any], ...]
    schema: Mapping[str, Any] | None = None
    name: str = "answer"  # of the schema
    temperature: float | None = None  # None: the model's own
    max_tokens: int | None = None
    tokens: int = 0  # about how many it takes, there and back: for limits
    prompt: str | None = None  # to go on with as it is: in place of messages, for models without a chat template
    extra: Mapping[str, Any] = field(default_factory=dict)  # keys of the body that no other server knows
    may_be_cut: bool = False  # whether an answer that reached the length limit is one
    top_logprobs: int = 0  # how many tokens' odds to tell at each place of the answer


@dataclass
class Dialect:
    """The dialect of one server. A `response_format` other than auto, and everything in `extra_body`, stays fixed."""

    response_format: ResponseFormat = "auto"
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    first_format: ResponseFormat = _FORMATS[0]  # what auto begins with
    limit: str = _LIMITS[0]  # the name of the longest length of an answer

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._format = self.first_format if self.response_format == "auto" else self.response_format
        self._limit = self.limit
        self._sends_temperature = self._asks_for_odds = True

    def __reduce__(self) -> tuple[type[Dialect], tuple[Any, ...]]:
        return Dialect, (self.response_format, self.extra_body, self.first_format, self.limit)

    @property
    def sends_temperature(self) -> bool:
        """Whether the server takes the temperature that it is asked for."""
        return self._sends_temperature

    def body(self, model: str, ask: Ask) -> dict[str, Any]:
        """The JSON body of a chat completion request."""
        asked = {"messages": list(ask.messages)} if ask.prompt is None else {"prompt": ask.prompt}
        body: dict[str, Any] = {"model": model, **asked}
        if ask.schema is not None and self._format == "json_schema":
            schema = {"name": ask.name, "strict": True, "schema": dict(ask.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif ask.schema is not None and self._format == "json_object":
            body["response_format"] = {"type": "json_object"}
        if ask.temperature is not None and self._sends_temperature:
            body["temperature"] = ask.temperature
        if ask.max_tokens is not None:
            # Completions of a text have never had the newer name.
            body[self._limit if ask.prompt is None else "max_tokens"] = ask.max_tokens
        if ask.top_logprobs and self._asks_for_odds:
            chat = {"logprobs": True, "top_logprobs": ask.top_logprobs}
            body |= chat if ask.prompt is None else {"logprobs": ask.top_logprobs}
        return {**body, **ask.extra, **self.extra_body}

    def learn(self, error: ApiError, sent: Mapping[str, Any], name: str) -> bool:
        """Whether `sent` is worth sending again, in the words that `error` taught us. `name` is the backend's name."""
        if error.status not in _STATUSES or error.is_too_long:
            return False
        over_odds = "logprobs" in sent and self._names("logprobs", error)  # also "... of 20 is greater than 5"
        if not (error.param or over_odds or _REFUSED.search(error.message)):
            return False
        with self._lock:
            if "response_format" in sent and self._names("response_format", error):
                return self._relax_format(sent["response_format"], error, name)
            if "temperature" in sent and "temperature" not in self.extra_body and self._names("temperature", error):
                if self._sends_temperature:
                    self._sends_temperature = False
                    _tell(
                        name,
                        error,
                        'using its own temperature from now on; temperature = "default" does so from the start',
                    )
                return True
            if over_odds:
                if self._asks_for_odds:
                    self._asks_for_odds = False
                    _tell(name, error, "token probabilities are no longer requested, so there are no scores")
                return True
            for limit, other in (_LIMITS, _LIMITS[::-1]):
                if limit in sent and limit not in self.extra_body and self._names("limit", error):
                    return self._rename_limit(limit, other, error, name)
        return False

    def key_of(self, error: ApiError) -> str:
        """The config key for what an error names; all such keys if it names none."""
        told = f"{error.param} {error.message}"
        named = [f"extra_body.{name}" for name in self.extra_body if name in told]
        named += [key for parameter, key in _KEYS.items() if self._names(parameter, error)]
        return named[0] if named else f"one of {', '.join([*_KEYS.values(), 'extra_body'])}"

    def _relax_format(self, sent: Any, error: ApiError, name: str) -> bool:
        if self.response_format != "auto" or "response_format" in self.extra_body:
            return False
        kind = sent.get("type") if isinstance(sent, dict) else None
        if kind == self._format and kind != _FORMATS[-1]:
            self._format = _FORMATS[_FORMATS.index(self._format) + 1]
            _tell(name, error, f'response_format = "{self._format}" is used from now on')
        return kind != self._format

    def _rename_limit(self, limit: str, other: str, error: ApiError, name: str) -> bool:
        """Switch to the other name of the limit, once: a server that rejects both means its value."""
        if self._limit == limit == self.limit:
            self._limit = other
            _tell(name, error, f"{other} is sent instead of {limit} from now on")
        return self._limit != limit

    @staticmethod
    def _names(parameter: str, error: ApiError) -> bool:
        """Whether this parameter is what the error rejects, by the name that the API gives or else by its words."""
        return any(_NAMES[parameter].search(told) for told in (error.param, error.message) if told)


def _tell(name: str, error: ApiError, what: str) -> None:
    _logger.warning("%s does not accept the request (%s): %s", name, error, what)
