"""Errors of the Hugging Face Hub, reported in the same way everywhere."""

from __future__ import annotations

import contextlib
import json
import re
import traceback
from collections.abc import Iterator
from typing import Any

from polyrefuse_data.errors import MissingPrerequisite, PolyrefuseError
from polyrefuse_data.system.redaction import one_line

LOGIN = "log in with `hf auth login`, or set HF_TOKEN"

_XET_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3})")  # the errors of hf_xet are text


def client_errors() -> tuple[type[Exception], ...]:
    """What huggingface_hub raises if a request fails: its own errors, its HTTP library's, bad answers, uploads."""
    # The HTTP library differs between versions of huggingface_hub; the name it imports is the same.
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    return HTTPError, OSError, ValueError, RuntimeError


class MalformedAnswer(ValueError):
    """The Hub, or whatever answered in its place, sent something that huggingface_hub stumbles over."""

    def __init__(self) -> None:
        super().__init__("not in the Hub's form: a proxy or a login page may have sent it")


@contextlib.contextmanager
def asking_the_hub() -> Iterator[None]:
    """Raise MalformedAnswer, one of the `client_errors`, for an answer of another form than the Hub's.

    huggingface_hub takes the form for granted: anything else ends in a KeyError, TypeError or AttributeError of its
    own. The same errors of our code stay what they are.
    """
    try:
        yield
    except json.JSONDecodeError as error:
        raise MalformedAnswer from error
    except (AttributeError, LookupError, TypeError) as error:
        modules = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
        if not any(module.startswith("huggingface_hub.") for module in modules):
            raise
        raise MalformedAnswer from error


class RedirectRefused(Exception):
    """What was to be uploaded is redirected to an address that nobody named."""


@contextlib.contextmanager
def uploads_go_nowhere_else() -> Iterator[None]:
    """Raise RedirectRefused where an upload of huggingface_hub is redirected to another scheme, host or port.

    huggingface_hub would follow, without the token but with the content. Downloads may be redirected: that is how a Hub
    delivers files. hf_xet has connections of its own, and sends no content after a redirect.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import _http

    # After a lost connection, huggingface_hub makes itself another client: so the factory counts, which has no getter.
    make_client = _http._GLOBAL_CLIENT_FACTORY

    def make_careful_client() -> Any:
        client = make_client()
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "response": [*hooks.get("response", ()), _refuse_redirect]}
        return client

    set_client_factory(make_careful_client)
    try:
        yield
    finally:
        set_client_factory(make_client)


def _refuse_redirect(response: Any) -> None:
    request = response.request
    if request.method in ("GET", "HEAD") or not response.has_redirect_location:
        return
    led = request.url.join(response.headers["location"])
    if any(getattr(led, part) != getattr(request.url, part) for part in ("scheme", "host", "port")):
        raise RedirectRefused(f"{led.scheme}://{led.netloc.decode()}")


def hub_error(error: Exception, where: str, kind: str, otherwise: type[PolyrefuseError]) -> PolyrefuseError:
    """The error to report for one of huggingface_hub: one line, with the fix. It never contains a token.

    `kind` is what was requested, a dataset or model; `otherwise` is raised if the user lacks nothing.
    """
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return MissingPrerequisite(f"{where} cannot be looked up while HF_HUB_OFFLINE is set: run this once online")
    if isinstance(error, RevisionNotFoundError):
        return otherwise(f"{where}: no such revision")
    if isinstance(error, GatedRepoError):
        return MissingPrerequisite(f"{where}: access is gated; ask for it on the {kind}'s page, then {LOGIN}")
    if isinstance(error, RepositoryNotFoundError):
        return MissingPrerequisite(
            f"{where} is neither a folder nor a {kind} on the Hub that you can see: check the name; "
            f"if it is private, {LOGIN}"
        )
    status = http_status(error)
    if status == 401:
        return MissingPrerequisite(f"{where}: the Hub does not know this token; {LOGIN}")
    said = one_line(getattr(error, "server_message", None) or "")
    if status == 403:
        return MissingPrerequisite(
            f"{where}: this token lacks the permission{f' ({said})' if said else ''}; "
            "use one with write access to the repository"
        )
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if type(error).__name__ in ("ConnectError", "ProxyError"):  # of the HTTP library, see client_errors
        return otherwise(f"{where}: the Hub cannot be reached ({reason}): check the connection, then run again")
    cause = f"HTTP {status}{f': {said}' if said else ''}" if status else reason
    return otherwise(f"{where}: unexpected answer from the Hub ({cause}); run again")


def http_status(error: Exception) -> int | None:
    """The HTTP status that an error of huggingface_hub or hf_xet reports; None for none."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return int(error.response.status_code)
    found = _XET_STATUS.search(str(error))
    return int(found[1]) if found else None
