"""Requests through a client of the openai package that somebody has configured: with certificates, a proxy, a provider
of tokens, or whatever else no setting of ours can say.

Retries, limits and dialects stay ours. Where it falls behind our own sessions: a request under way is not cut off when
a build stops, the time-out starts anew with every byte, and a row takes 1.8 ms of processor time instead of 0.7.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polyrefuse_data import plugins
from polyrefuse_data.endpoints.endpoint import OPENAI_URL
from polyrefuse_data.endpoints.session import (
    MOST_BYTES,
    LostConnection,
    NotReached,
    OversizedAnswer,
    RedirectRefused,
    Response,
    TooSlow,
)
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.redaction import declare_secret_value

_SETTING = "translation.backends: client"


@dataclass(frozen=True)
class GivenClient:
    """An `openai.OpenAI`, or `module:NAME` of one, which can be sent to a worker process.

    Raises ConfigError where it is something else, MissingPrerequisite where the package is not installed.
    """

    given: Any

    def __post_init__(self) -> None:
        _ = self.base_url

    @property
    def base_url(self) -> str | None:
        """Its address; None for OpenAI's own."""
        url = str(self._client.base_url).rstrip("/")
        return None if url == OPENAI_URL else url

    def open_session(self) -> OpenAIClientSession:
        return OpenAIClientSession(self._client)

    @property
    def _client(self) -> Any:
        require(_SETTING, "openai")
        import openai

        client = self.given
        if isinstance(client, str):
            client = plugins.named(client, _SETTING).value
        if not isinstance(client, openai.OpenAI):
            raise ConfigError(
                f"{_SETTING}: {type(client).__name__} is not openai.OpenAI: give one, or an openai.AzureOpenAI (not an "
                "AsyncOpenAI: requests come from threads)"
            )
        if isinstance(client.api_key, str):
            declare_secret_value(client.api_key)
        return client


class OpenAIClientSession:
    """What a Session is, through such a client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.deadline: float | None = None  # the client's own time-out ends a request

    def request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Response:
        """The answer to one request, whatever its status. Raises LostConnection (or a subclass) or RedirectRefused."""
        import openai

        options = {"timeout": seconds, "max_retries": 0, "follow_redirects": False, "headers": dict(headers or {})}
        try:
            if method == "GET":
                reply = self._client.get(path, cast_to=_reply_type(), options=options)
            else:
                reply = self._client.post(path, cast_to=_reply_type(), body=json.loads(body or b"{}"), options=options)
        except openai.APIStatusError as error:
            reply = error.response
        except openai.APITimeoutError:
            raise TooSlow from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            kind = NotReached if type(cause).__name__ in ("ConnectError", "ProxyError") else LostConnection
            raise kind(str(cause or error)) from None
        if 300 <= reply.status_code < 400 and "location" in reply.headers:
            raise RedirectRefused(f"it redirects to {reply.headers['location']}")
        if len(reply.content) > most_bytes:
            raise OversizedAnswer(f"more than {most_bytes >> 20} MiB")
        return Response(reply.status_code, reply.headers, reply.content)

    def cut(self) -> None:
        """Nothing to do: the connections are the client's, and others may be using them."""

    def close(self) -> None:
        """Nothing to do: whoever made the client closes it."""


def _reply_type() -> Any:
    """The class of replies in the HTTP library that this version of openai is built on (httpx, httpx2)."""
    import openai

    packages = [kind.__module__.partition(".")[0] for kind in openai.DefaultHttpxClient.__mro__]
    return sys.modules[next(package for package in packages if package.startswith("httpx"))].Response
