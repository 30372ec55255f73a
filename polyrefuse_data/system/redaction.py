"""Keeps secrets out of what people read and what is stored: API keys, tokens, passwords in addresses.

A secret is the value of an environment variable that is named like one (OPENAI_API_KEY, HF_TOKEN) or that a config
names (`api_key_env`), and anything that looks like a key, wherever it is. Servers repeat keys in their errors, and
libraries in logs and tracebacks. All of that ends in our messages, in the details that the journal stores, or on the
standard streams (streams.py), and each of the three goes through `redact`.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

_MASK = "***"
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_LONGEST_DETAIL = 300  # characters
_SHORTEST = 8  # characters; shorter values are switches and words, and masking them would ruin the text

# What a key looks like without its variable, as (before, secret): the part before is kept.
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        r"(\b)(?:hf_[a-z0-9]{16,}|sk-[\w-]{16,})",
        r"(://)[^/\s:@]*:[^/\s@]+(?=@)",
        r"([?&](?:api[-_]?key|key|token|access[-_]token|password|secret|signature|sig)=)[^&#\s\"'<>]+",
        r"(\b(?:bearer|basic) )[\w.~+/=-]{8,}",
    )
)

_declared: set[str] = set()  # names of environment variables
_values: set[str] = set()  # secrets that are in no variable


def declare_secret(variable: str) -> None:
    """Treat the value of this environment variable as a secret from now on, whatever its name."""
    _declared.add(variable)


def declare_secret_value(secret: str) -> None:
    """Treat this text as a secret from now on."""
    _values.add(secret)


def without_credentials(address: str) -> str:
    """The URL, if it may appear in results: with a host, and without user, password or query.

    Raises ValueError for any other URL, without repeating it.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an address such as http://localhost:8000/v1")
    if "@" in parts.netloc or parts.query:
        raise ValueError("an address cannot have a user, password or query: put the key into an environment variable")
    return address


def environment_without_secrets() -> dict[str, str]:
    """The environment for a process that needs no secrets."""
    return {name: value for name, value in os.environ.items() if not _names_a_secret(name)}


def redact(text: str) -> str:
    """The text with every secret masked."""
    for secret in _secrets():
        text = text.replace(secret, _MASK)
    for shape in _SHAPES:
        text = shape.sub(rf"\1{_MASK}", text)
    return text


def _names_a_secret(variable: str) -> bool:
    return variable in _declared or _SECRET_VARIABLE.search(variable) is not None


def one_line(text: str) -> str:
    """A foreign message as a detail: on one line, with secrets masked, and then cut."""
    encodable = text.encode("utf-8", "replace").decode()
    return " ".join(redact(encodable).split())[:_LONGEST_DETAIL]


def _secrets() -> list[str]:
    """The secrets, longest first, so that one that contains another is masked completely."""
    values = _values | {value.strip() for name, value in os.environ.items() if _names_a_secret(name)}
    return sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
