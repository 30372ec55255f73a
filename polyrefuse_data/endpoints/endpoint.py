"""The address of a chat model, its key, and how patient to be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from polyrefuse_data.errors import MissingPrerequisite
from polyrefuse_data.system.redaction import declare_secret

OPENAI_URL = "https://api.openai.com/v1"

# OpenAI bills a request to these where an account has several; no other server is told of them.
_OPENAI_ACCOUNT = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}


@dataclass(frozen=True)
class Endpoint:
    """A model behind an OpenAI-compatible API. It contains no key: the environment variable `api_key_env` does.

    `asked_for` is the setting that names the endpoint in messages: `translation.backends`, `judge`.
    """

    model: str
    base_url: str | None = None  # None: OpenAI's own
    api_key_env: str = "OPENAI_API_KEY"  # empty: the server asks for no key
    asked_for: str = "translation.backends"
    key_header: str = "Authorization"  # Azure's is `api-key`, without `Bearer`
    key_setting: str = ""  # how a setting says where the key is, for messages, e.g. `, or set api_key_env = ...`
    how_to_name_a_key: str = "name the environment variable that holds it"  # for messages, if `api_key_env` is empty
    timeout_seconds: float = 60.0
    max_retries: int = 6

    @property
    def url(self) -> str:
        return (self.base_url or OPENAI_URL).rstrip("/")

    @property
    def name(self) -> str:
        """`openai:MODEL`, or `openai:MODEL@HOST`."""
        host = urlsplit(self.base_url).hostname if self.base_url else None
        return f"openai:{self.model}" + (f"@{host}" if host else "")

    @property
    def address(self) -> str:
        """Host, port and path of the API (gateways have a path per model); empty for OpenAI's."""
        parts = urlsplit(self.base_url or "")
        return parts.netloc.rpartition("@")[2] + parts.path.rstrip("/")

    def headers(self) -> dict[str, str]:
        """The headers of every request. Raises MissingPrerequisite if the key's variable is empty."""
        headers = {"Accept": "application/json", "User-Agent": "polyrefuse-data"}
        if key := self.key():
            headers[self.key_header] = f"Bearer {key}" if self.key_header == "Authorization" else key
        if self.base_url is None:
            headers |= {
                name: os.environ[variable] for name, variable in _OPENAI_ACCOUNT.items() if variable in os.environ
            }
        return headers

    def key(self) -> str:
        """The API key; empty if none is needed. Raises MissingPrerequisite if its variable is empty."""
        if not self.api_key_env:
            return ""
        declare_secret(self.api_key_env)
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise MissingPrerequisite(
                f"{self.asked_for}: {self.name} needs an API key: `export {self.api_key_env}=...`{self.key_setting}"
            )
        if not (key.isascii() and key.isprintable()):
            raise MissingPrerequisite(
                f"{self.asked_for}: {self.api_key_env} contains characters that no API key has (a line break, a "
                f"typographic dash?): `export {self.api_key_env}=...` again"
            )
        return key
