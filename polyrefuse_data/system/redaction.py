"""Secrets stay out of what people read and what is kept: API keys, tokens, passwords in addresses.

A secret is the value of an environment variable that is named like one (OPENAI_API_KEY, HF_TOKEN) or that a config
names (`api_key_env`), and whatever looks like a key, wherever it stands. Servers like to repeat a key in their errors,
libraries in their logs and tracebacks; all of that ends in our messages, in the details that the journal keeps, or on
the standard streams (streams.py), and each of the three goes through `redact`.
"""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

_MASK = "***"
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_LONGEST_DETAIL = 300  # characters
_SHORTEST = 8  # characters; shorter values are switches and words, and would mask half of a text

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


def declare_secret(variable: str) -> None:
    """Count the value of this environment variable as a secret from now on, whatever it is called."""
    _declared.add(variable)


def without_credentials(address: str) -> str:
    """The URL itself, which results may name: it has a host, and no user, password or query.

    Raises ValueError for any other, without repeating it.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no address such as http://localhost:8000/v1")
    if "@" in parts.netloc or parts.query:
        raise ValueError("no user, password or query in the address: the key goes into an environment variable")
    return address


def environment_without_secrets() -> dict[str, str]:
    """The environment for a process that needs no key."""
    return {name: value for name, value in os.environ.items() if not _names_a_secret(name)}


def redact(text: str) -> str:
    """The same text with every secret masked."""
    for secret in _secrets():
        text = text.replace(secret, _MASK)
    for shape in _SHAPES:
        text = shape.sub(rf"\1{_MASK}", text)
    return text


def _names_a_secret(variable: str) -> bool:
    return variable in _declared or _SECRET_VARIABLE.search(variable) is not None


def one_line(text: str) -> str:
    """What somebody else said, as a detail: on one line, without secrets, and cut after they were found."""
    encodable = text.encode("utf-8", "replace").decode()
    return " ".join(redact(encodable).split())[:_LONGEST_DETAIL]


def _secrets() -> list[str]:
    """The longest first, so that one that holds another is masked whole."""
    values = {value.strip() for name, value in os.environ.items() if _names_a_secret(name)}
    return sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
