"""Chat models behind OpenAI-compatible APIs. Translation and judging both ask them through this package.

    endpoint = Endpoint(model="m", base_url="http://localhost:8000/v1", api_key_env="", asked_for="judge")
    client = Client(endpoint)
    client.probe()                                         # is the server there, and does it accept the key?
    for number, answer in client.ask_all([Ask(messages)], concurrency=8):
        ...                                                # a Completion, or NoAnswer with its reason

Knows nothing of translations, rows or judges.
"""

from __future__ import annotations

from polyrefuse_data.endpoints.client import Client
from polyrefuse_data.endpoints.completions import Completion, NoAnswer
from polyrefuse_data.endpoints.dialect import Ask
from polyrefuse_data.endpoints.endpoint import Endpoint

__all__ = ["Ask", "Client", "Completion", "Endpoint", "NoAnswer"]
