"""The models that an API lists. This shows free of charge whether it is there, accepts the key and has the model."""

from __future__ import annotations

import json


def model_ids(content: bytes) -> set[str] | None:
    """The ids of the models; None if the content is not such a list."""
    try:
        listed = json.loads(content)
        return {str(model["id"]) for model in listed["data"]}
    except (ValueError, RecursionError, LookupError, TypeError):
        return None


def is_listed(model: str, models: set[str]) -> bool:
    """Whether the model is listed. Gemini lists `models/NAME` for NAME, Ollama `NAME:latest`."""
    return bool({model, f"models/{model}", f"{model}:latest"} & models)
