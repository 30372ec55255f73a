"""The location of the demo's trained models."""

from __future__ import annotations

from pathlib import Path

from polyrefuse_data.errors import ConfigError, MissingPrerequisite

MODELS = Path(__file__).parent / "models"
CHAT, TRANSLATOR = "demo-chat", "demo-translator"


def bundled_model(name: str) -> str:
    """The folder of a bundled model.

    Raises ConfigError for an unknown name, MissingPrerequisite if the model has not been trained.
    """
    if name not in (CHAT, TRANSLATOR):
        raise ConfigError(f"no bundled model is called {name!r}: use {CHAT} or {TRANSLATOR}")
    folder = MODELS / name
    if not (folder / "model.safetensors").exists():
        raise MissingPrerequisite(f"{folder} holds no model: train it with `python -m polyrefuse_data.demo.train`")
    return str(folder)
