"""What an API's error means: for one text, for the moment, or for every text there is.

APIs that call themselves compatible share the form of an error and little of what they say in it: its words count too.
"""

from __future__ import annotations

import contextlib
import email.utils
import json
import math
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from polyrefuse_data.endpoints.completions import NoAnswer
from polyrefuse_data.endpoints.endpoint import Endpoint
from polyrefuse_data.endpoints.session import Response
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite, PolyrefuseError
from polyrefuse_data.system.redaction import one_line

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0  # seconds
_LONGEST_WAIT = 600.0  # a server that asks for more (a daily limit) ends the run; the next one goes on

_PASSING_STATUS = {408, 409, 425, 429}  # and everything from 500 on
_ANY_PASSING_STATUS = 500

_CONTENT_FILTER_STATUS = {400, 403, 422}
# In `code` or `type`, in lower case: OpenAI, Azure, Moonshot; DashScope; Zhipu; MiniMax; gateways.
_CONTENT_FILTER_CODES = {
    "content_filter",
    "content_filter_error",
    "content_moderation",
    "content_policy",
    "content_policy_violation",
    "data_inspection_failed",
    "datainspectionfailed",
    "guardrail_intervened",
    "invalid_prompt",
    "moderation_blocked",
    "prohibited_content",
    "prompt_blocked",
    "responsibleaipolicyviolation",
    "sensitive_words_detected",
    "1301",
    "1026",
    "1027",
}
# "Flagged" and the like count only of the text: an account can be flagged as well, and a request blocked on its way.
_TEXT = r"\b(?:input|prompt|text|content|output|response)s?\b"
_CONTENT_FILTER_WORDS = re.compile(
    r"content[ _]filter|content management policy|content moderation|content exists risk|inappropriate content"
    r"|considered high risk|violates usage guidelines|prohibited[ _]content|sensitive (?:content|words?)|unsafe content"
    r"|responsible ai polic|敏感|不安全|违规"
    rf"|{_TEXT}[^.]{{0,20}}\b(?:flagged|blocked|filtered)"
    r"|\b(?:request|message)s?\b[^.]{0,20}\bflagged"
    rf"|(?:{_TEXT}|\b(?:request|message)s?\b)[^.]{{0,30}}\b(?:rejected|denied|failed|violat\w+)\b"
    r"[^.]{0,60}\b(?:safety|moderation|usage polic|content polic)",
    re.IGNORECASE,
)
_ACCOUNT_WORDS = re.compile(
    r"\b(?:account|organi[sz]ation|project|user|key)\b[^.]{0,30}\b(?:flagged|suspended|disabled|deactivated|banned)",
    re.IGNORECASE,
)

_KEY_CODES = {"invalid_api_key", "account_deactivated"}
_KEY_WORDS = re.compile(
    r"\b(?:api|access)[ _-]?key\b[^.]{0,40}\b(?:not valid|invalid|incorrect|expired|missing|not found)"
    r"|\b(?:invalid|incorrect|expired|missing)\b[^.]{0,20}\b(?:api|access)[ _-]?key\b",
    re.IGNORECASE,
)
_CREDIT_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_MODEL_CODES = {"model_not_found", "invalid_model", "unknown_model", "DeploymentNotFound"}
# OpenAI; llama.cpp; Anthropic and Mistral through gateways.
_LENGTH_CODES = {
    "context_length_exceeded",
    "string_above_max_length",
    "exceed_context_size_error",
    "invalid_request_prompt_too_long",
}
_LENGTH_STATUS = {400, 413, 422, 500}
# vLLM, OpenAI, DeepSeek, OpenRouter; llama.cpp; SGLang; Gemini; Mistral, Anthropic, Bedrock, Ollama; TGI.
_LENGTH_WORDS = re.compile(
    r"maximum context length|context (?:length|window)[^.]{0,60}exceed|exceed[^.]{0,60}context (?:length|window|size)"
    r"|context size has been exceeded|longer than the (?:model's context|maximum model) length"
    r"|input token count[^.]{0,20}exceeds|(?:prompt|input)s?\b[^.]{0,60}\btoo (?:long|large)\b"
    r"|inputs.{0,3} tokens \+ .{0,3}max_new_tokens",
    re.IGNORECASE,
)
# vLLM says it of the answer's longest length too, which the config sets for every text alike.
_LIMIT_WORDS = re.compile(r"max_(?:completion_)?tokens\W[^.]{0,60}\btoo (?:large|high|big)", re.IGNORECASE)


@dataclass(eq=False)
class ApiError(Exception):
    """An error as an API told it: as the status of a response, within a 200, or in a line of a batch."""

    status: int
    code: str | None
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    param: str = ""  # the key of the request that is at fault, where the API names one
    kind: str = ""  # its `type`

    @classmethod
    def of_response(cls, response: Response) -> ApiError:
        """The error of a response whose status says that it is one."""
        body = _parsed(response.content)
        if isinstance(body, list) and len(body) == 1:  # Gemini's
            body = body[0]
        told = body.get("error") if isinstance(body, dict) else None
        return cls.of(response.status, told or body, response.headers)

    @classmethod
    def of_body(cls, status: int, body: Any) -> ApiError | None:
        """The error that a JSON body tells; None where it tells none. Gateways send the errors of those behind them
        with status 200, the real one as a number in `code`, or nothing to go by: then it may pass."""
        told = body.get("error") if isinstance(body, dict) else None
        if told is None and status == 200:
            choices = body.get("choices") if isinstance(body, dict) else None
            first = choices[0] if isinstance(choices, list) and choices else None
            told = first.get("error") if isinstance(first, dict) else None
        if not told and status == 200:
            return None
        if status == 200:
            code = told.get("code") if isinstance(told, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else _ANY_PASSING_STATUS
        return cls.of(status, told if told is not None else body)

    @classmethod
    def of(cls, status: int, told: Any, headers: Mapping[str, str] | None = None) -> ApiError:
        """`told` is the object that APIs put under `error`, or whatever one sent in its place."""
        code = told.get("code") if isinstance(told, dict) else None
        message = told.get("message") if isinstance(told, dict) else told
        if not isinstance(message, str):
            message = json.dumps(told, default=str)
        param, kind = (told.get("param"), told.get("type")) if isinstance(told, dict) else (None, None)
        return cls(
            status, None if code is None else str(code), message, headers or {}, str(param or ""), str(kind or "")
        )

    def __str__(self) -> str:
        return one_line(f"status {self.status}: {self.message}")

    @property
    def is_passing(self) -> bool:
        """Whether the same request may be answered a little later."""
        return self._may_pass and (self.retry_after or 0.0) <= _LONGEST_WAIT

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
        for header, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
            with contextlib.suppress(KeyError, ValueError):
                seconds = float(self.headers[header]) / unit
                return max(seconds, 0.0) if math.isfinite(seconds) else None
        with contextlib.suppress(KeyError, ValueError, TypeError):
            # By the server's own clock, where it tells: ours may be years behind, and we would wait for years.
            now = _timestamp(self.headers["date"]) if "date" in self.headers else time.time()
            return max(_timestamp(self.headers["retry-after"]) - now, 0.0)
        return None

    def no_answer(self) -> NoAnswer:
        """What it means for what was asked, where it means nothing for anything else."""
        if self._is_content_filter:
            return NoAnswer("content_filter", self.message)
        if self._may_pass:
            return NoAnswer(f"http_{self.status}", self.message, may_pass=True)
        if self.is_too_long:
            return NoAnswer("too_long", self.message)
        # Asked again although the answer would be the same: it cost nothing, and may be the server's or config's fault.
        return NoAnswer("bad_request", self.message, may_pass=True)

    def stops(self, endpoint: Endpoint, batch: bool = False) -> PolyrefuseError | None:
        """The error to end a run with, where nothing else that is asked would fare better.

        To be raised `from None`: the API's own error may repeat the key, and a traceback would show it.
        """
        name = endpoint.name
        if self._is_content_filter:
            return None
        if self.status == 402 or self.code in _CREDIT_CODES:
            return EndpointError(f"{name}: the account is out of credit ({self}); run again to go on")
        if self.is_passing:
            return None
        if self._may_pass:
            return EndpointError(
                f"{name}: {self} (asks to wait {self.retry_after:.0f} seconds); what was answered is kept: "
                "run again to go on"
            )
        if self.status in (401, 403) or self.code in _KEY_CODES or _KEY_WORDS.search(self.message):
            mend = (
                f"put a valid one in {endpoint.api_key_env} (`export {endpoint.api_key_env}=...`)"
                if endpoint.api_key_env
                else f"it asks for a key, so name the environment variable that holds it{endpoint.key_setting}"
            )
            return MissingPrerequisite(f"{name} does not accept the API key ({self}): {mend}")
        if self.status == 404 or self.code in _MODEL_CODES:
            lacking = ", and that there is a Batch API" if batch else ""
            return ConfigError(
                f"{endpoint.asked_for}: {name} is not there ({self}): check the model and the address "
                f"({endpoint.url}){lacking}"
            )
        return None

    @property
    def is_too_long(self) -> bool:
        """Whether the text did not fit into the model."""
        if self.code in _LENGTH_CODES or self.kind in _LENGTH_CODES:
            return True
        return (
            self.status in _LENGTH_STATUS
            and _LENGTH_WORDS.search(self.message) is not None
            and _LIMIT_WORDS.search(self.message) is None
        )

    @property
    def _may_pass(self) -> bool:
        final = self._is_content_filter or self.is_too_long or self.code in _CREDIT_CODES | _MODEL_CODES | _KEY_CODES
        return not final and (self.status in _PASSING_STATUS or self.status >= _ANY_PASSING_STATUS)

    @property
    def _is_content_filter(self) -> bool:
        """Whether the API refused the text itself. Providers say so in a code, or only in words."""
        if {str(self.code).lower(), self.kind.lower()} & _CONTENT_FILTER_CODES:
            return True
        return (
            self.status in _CONTENT_FILTER_STATUS
            and _CONTENT_FILTER_WORDS.search(self.message) is not None
            and _ACCOUNT_WORDS.search(self.message) is None
        )


def backoff(attempt: int) -> float:
    """Seconds to wait after a try, the first being 0: exponential, with jitter so that requests that failed together do
    not come back together."""
    return float(min(_FIRST_BACKOFF * 2**attempt, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))


def _parsed(content: bytes) -> Any:
    """JSON, or the text of what is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")


def _timestamp(date: str) -> float:
    return email.utils.parsedate_to_datetime(date).timestamp()
