"""Chat models behind OpenAI-compatible APIs. Translation and judging both ask them through this package.

    endpoint = Endpoint(model="m", base_url="http://localhost:8000/v1", api_key_env="", asked_for="judge")
    client = Client(endpoint)
    client.probe()                                         # is the server there, and does it accept the key?
    for number, answer in client.ask_all([Ask(messages)], concurrency=8):
        ...                                                # a Completion, or NoAnswer with its reason

Knows nothing of translations, rows or judges. The names below load on first use: a config that only names endpoints
loads no HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polyrefuse_data.system.lazy import lazy_names

if TYPE_CHECKING:
    from polyrefuse_data.endpoints.client import Client as Client
    from polyrefuse_data.endpoints.completions import Completion as Completion
    from polyrefuse_data.endpoints.completions import NoAnswer as NoAnswer
    from polyrefuse_data.endpoints.dialect import Ask as Ask
    from polyrefuse_data.endpoints.endpoint import Endpoint as Endpoint

_HOMES = {
    "Ask": "dialect",
    "Client": "client",
    "Completion": "completions",
    "Endpoint": "endpoint",
    "NoAnswer": "completions",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
