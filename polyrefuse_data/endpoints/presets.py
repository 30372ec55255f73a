"""Known servers by name: their address, the variable with their key, and how they want to be asked.

From their documentation, in 2026. Only differences are listed; anything else that a server rejects is learnt
(dialect.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from polyrefuse_data.endpoints.dialect import ResponseFormat


@dataclass(frozen=True)
class Preset:
    base_url: str | None = None  # None with `example`: everybody has one of their own; else OpenAI's
    api_key_env: str = ""  # empty: it asks for no key
    first_format: ResponseFormat = "json_schema"
    limit: str = "max_completion_tokens"
    key_header: str = "Authorization"
    example: str = ""  # of an address


PRESETS: dict[str, Preset] = {
    "openai": Preset(api_key_env="OPENAI_API_KEY"),
    "azure": Preset(
        api_key_env="AZURE_OPENAI_API_KEY",
        key_header="api-key",
        example="https://RESOURCE.openai.azure.com/openai/v1",
    ),
    "gemini": Preset("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", limit="max_tokens"),
    "mistral": Preset("https://api.mistral.ai/v1", "MISTRAL_API_KEY", limit="max_tokens"),
    "deepseek": Preset("https://api.deepseek.com", "DEEPSEEK_API_KEY", first_format="json_object", limit="max_tokens"),
    "openrouter": Preset("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", limit="max_tokens"),
    "vllm": Preset("http://localhost:8000/v1"),
    "sglang": Preset("http://localhost:30000/v1"),
    "llama.cpp": Preset("http://localhost:8080/v1", limit="max_tokens"),
    # It silently ignores max_completion_tokens.
    "ollama": Preset("http://localhost:11434/v1", limit="max_tokens"),
}
