"""Where the demo's trained models lie."""

from __future__ import annotations

from pathlib import Path

from polyrefuse_data.errors import ConfigError, MissingPrerequisite

MODELS = Path(__file__).parent / "models"
CHAT, TRANSLATOR = "demo-chat", "demo-translator"


def bundled_model(name: str) -> str:
    """The folder of a bundled model.

    Raises ConfigError for a name that is none, MissingPrerequisite where the model was not trained yet.
    """
    if name not in (CHAT, TRANSLATOR):
        raise ConfigError(f"no model called {name!r} comes with this package: there are {CHAT} and {TRANSLATOR}")
    folder = MODELS / name
    if not (folder / "model.safetensors").exists():
        raise MissingPrerequisite(f"{folder} holds no model: make it with `python -m polyrefuse_data.demo.train`")
    return str(folder)
