"""What an API's error means: for one text, for now, or for every text.

APIs that call themselves compatible share the form of an error but little of its content, so its wording counts too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from polyrefuse_data.endpoints.completions import NoAnswer
from polyrefuse_data.endpoints.endpoint import Endpoint
from polyrefuse_data.endpoints.session import Response
from polyrefuse_data.endpoints.wording import (
    CREDIT_CODES,
    KEY_CODES,
    MODEL_CODES,
    is_content_filter,
    is_of_the_key,
    is_too_long,
)
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite, PolyrefuseError
from polyrefuse_data.system.redaction import one_line, redact
from polyrefuse_data.system.retry_after import retry_after

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0  # seconds
_LONGEST_WAIT = 600.0  # a server that asks for more (a daily limit) ends the run; the next one goes on

_LONGEST_MESSAGE = 20_000  # characters: what follows echoes the request, or is there to cost the search for words time

_PASSING_STATUS = {408, 409, 425, 429}  # and everything from 500 on
_ANY_PASSING_STATUS = 500


@dataclass(eq=False)
class ApiError(Exception):
    """An error reported by an API: as the status of a response, within a 200, or in a line of a batch."""

    status: int
    code: str | None
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)
    param: str = ""  # the key of the request that is at fault, where the API names one
    kind: str = ""  # its `type`

    @classmethod
    def of_response(cls, response: Response) -> ApiError:
        """The error in a response with an error status."""
        body = _parsed(response.content)
        if isinstance(body, list) and len(body) == 1:  # Gemini's
            body = body[0]
        told = body.get("error") if isinstance(body, dict) else None
        return cls.of(response.status, told or body, response.headers)

    @classmethod
    def of_body(cls, status: int, body: Any) -> ApiError | None:
        """The error in a JSON body; None if it contains none. Gateways send the errors of servers behind them with
        status 200, with the real status as a number in `code`, or with nothing to go by, in which case it may pass."""
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
        """From the object under `error` in an API's answer, or whatever the API sent instead."""
        code = told.get("code") if isinstance(told, dict) else None
        message = told.get("message") if isinstance(told, dict) else told
        if not isinstance(message, str):
            message = json.dumps(told, default=str)
        if len(message) > _LONGEST_MESSAGE:  # masked before it is cut, which could leave half of a secret
            message = redact(message)[:_LONGEST_MESSAGE]
        param, kind = (told.get("param"), told.get("type")) if isinstance(told, dict) else (None, None)
        return cls(
            status, None if code is None else str(code), message, headers or {}, str(param or ""), str(kind or "")
        )

    def __str__(self) -> str:
        return one_line(f"status {self.status}: {self.message}")

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self._may_pass and (self.retry_after or 0.0) <= _LONGEST_WAIT

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait; None for none."""
        return retry_after(self.headers)

    def no_answer(self) -> NoAnswer:
        """The result for this text, if the error says nothing about other texts."""
        if self._is_content_filter:
            return NoAnswer("content_filter", self.message)
        if self._may_pass:
            return NoAnswer(f"http_{self.status}", self.message, may_pass=True)
        if self.is_too_long:
            return NoAnswer("too_long", self.message)
        # Asked again although the answer would be the same: it cost nothing, and may be the server's or config's fault.
        return NoAnswer("bad_request", self.message, may_pass=True)

    def stops(self, endpoint: Endpoint, batch: bool = False) -> PolyrefuseError | None:
        """The error that should end the run, if no other request would fare better; else None.

        Raise it `from None`: the API's own error may repeat the key, and a traceback would show it.
        """
        name = endpoint.name
        if self._is_content_filter:
            return None
        if self.status == 402 or self.code in CREDIT_CODES:
            return EndpointError(f"{name}: the account is out of credit ({self}); top it up and run again to continue")
        if self.is_passing:
            return None
        if self._may_pass:
            return EndpointError(
                f"{name}: {self} (asks to wait {self.retry_after:.0f} seconds); answers are kept: run again to continue"
            )
        if is_of_the_key(self.status, self._codes, self.message):
            mend = (
                f"set a valid one in {endpoint.api_key_env} (`export {endpoint.api_key_env}=...`)"
                if endpoint.api_key_env
                else f"it requires a key: {endpoint.how_to_name_a_key}"
            )
            return MissingPrerequisite(f"{name} does not accept the API key ({self}): {mend}")
        if self.status == 404 or self.code in MODEL_CODES:
            lacking = ", and that there is a Batch API" if batch else ""
            return ConfigError(
                f"{endpoint.asked_for}: {name} was not found ({self}): check the model and the address "
                f"({endpoint.url}){lacking}"
            )
        return None

    @property
    def is_too_long(self) -> bool:
        """Whether the text did not fit into the model."""
        return is_too_long(self.status, self._codes, self.message)

    @property
    def _may_pass(self) -> bool:
        final = self._is_content_filter or self.is_too_long or self.code in CREDIT_CODES | MODEL_CODES | KEY_CODES
        return not final and (self.status in _PASSING_STATUS or self.status >= _ANY_PASSING_STATUS)

    @property
    def _is_content_filter(self) -> bool:
        return is_content_filter(self.status, self._codes, self.message)

    @property
    def _codes(self) -> set[str]:
        return {code for code in (self.code, self.kind) if code}


def backoff(attempt: int) -> float:
    """Seconds to wait after an attempt, the first being 0: exponential, with jitter, so that requests that failed
    together are not repeated together."""
    return float(min(_FIRST_BACKOFF * 2**attempt, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))


def _parsed(content: bytes) -> Any:
    """The content as JSON, or as text if it is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content.decode(errors="replace")
