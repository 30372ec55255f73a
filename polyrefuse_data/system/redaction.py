"""Keeps secrets out of what people read and what is stored: API keys, tokens, passwords in addresses.

A secret is the value of an environment variable that is named like one (OPENAI_API_KEY, HF_TOKEN) or that a config
names (`api_key_env`), and anything that looks like a key, wherever it is. Servers repeat keys in their errors, and
libraries in logs and tracebacks. All of that ends in our messages, in the details that the journal stores, or on the
standard streams (streams.py), and each of the three goes through `redact`.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

_MASK = "***"
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_LONGEST_DETAIL = 300  # characters
_SHORTEST = 8  # characters; shorter values are switches and words, and masking them would ruin the text

# What a key looks like without its variable, as (before, secret): the part before is kept. Addresses also occur within
# addresses (redirects, proxies), where their punctuation is percent-encoded, and as paths, which have single slashes.
_NAMES = r"[\w.-]*(?:key|key[-_]?id|token|secret|passw(?:or)?d|pwd|sig|signature|credentials?|auth)"
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        # The prefixes of OpenAI and Anthropic, the Hub, GitHub, GitLab, Google, Groq, xAI, NVIDIA and Replicate.
        r"(\b)(?:(?:sk|xai|nvapi|glpat)-[\w-]{16,}|(?:hf|gsk|r8|gh[opsu]|github_pat)_\w{16,}|AIza[\w-]{30,})",
        r"((?<![\w-]))eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*",  # a JSON web token
        r"(\bhttps?:/|://)[^/?#\s\"'<>]+(?=@)",
        r"(%3A%2F%2F)(?:(?!%2F|%3F|%23)[^/?#\s\"'<>])+?(?=%40)",
        rf"([?&;]{_NAMES}=)[^&#\s\"'<>]+",
        rf"((?:%3F|%26){_NAMES}%3D)(?:(?!%26|%23)[^&#\s\"'<>])+",
        r"(\b(?:bearer|basic)(?: |\+|%20))[\w.~+/=-]{8,}",
        # A header or a parameter, as it is sent, as JSON, in a dict, or in a list of pairs. A secret has a digit.
        r"(\b(?:authorization|api[-_]?key)[\"']?\s*[:=,]\s*b?[\"']?(?:[a-z]+ )?)(?=[\w.~+/=-]{,99}\d)[\w.~+/=-]{8,}",
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
    """The secrets, longest first, so that one that contains another is masked completely; also as an address
    would write them."""
    values = _values | {value.strip() for name, value in os.environ.items() if _names_a_secret(name)}
    values = {value for value in values if len(value) >= _SHORTEST}
    in_addresses = {quote(value, safe="", errors="surrogateescape") for value in values}
    return sorted(values | in_addresses, key=len, reverse=True)
