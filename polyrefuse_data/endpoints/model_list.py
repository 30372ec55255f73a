"""The models that an API lists, which shows for nothing whether it is there, takes the key and has the model."""

from __future__ import annotations

import json


def model_ids(content: bytes) -> set[str] | None:
    """Their ids; None where it is no such list."""
    try:
        listed = json.loads(content)
        return {str(model["id"]) for model in listed["data"]}
    except (ValueError, RecursionError, LookupError, TypeError):
        return None


def is_listed(model: str, models: set[str]) -> bool:
    """Gemini lists `models/NAME` for NAME, Ollama `NAME:latest`."""
    return bool({model, f"models/{model}", f"{model}:latest"} & models)
