"""Endpoints in one word, as flags name them: MODEL@URL, MODEL@PRESET, or MODEL for OpenAI's own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from polyrefuse_data.endpoints.endpoint import Endpoint
from polyrefuse_data.endpoints.presets import PRESETS, Preset
from polyrefuse_data.system.redaction import without_credentials

# The last @ before an address or a preset's name: names of models hold @ themselves (revisions, Vertex).
_NAME = re.compile(rf"(?P<model>.+)@(?P<at>https?://.+|{'|'.join(map(re.escape, PRESETS))})", re.DOTALL)


@dataclass(frozen=True)
class Named:
    """A model, where it is (None: OpenAI's own), and how servers there want to be asked."""

    model: str
    base_url: str | None
    preset: Preset


RETRIES = 6  # of an endpoint that is named so, as of one in polyrefuse.toml
KEY_VARIABLE = "OPENAI_API_KEY"
_TIMEOUT = 120.0  # seconds a request to a judge, which may think before it answers


def judging_endpoint(named: Named, asked_for: str) -> Endpoint:
    """The endpoint of a judge. Its key is in OPENAI_API_KEY: local servers rarely need one, OpenAI's always does."""
    has_key = bool(os.environ.get(KEY_VARIABLE, "").strip())
    return Endpoint(
        model=named.model,
        base_url=named.base_url,
        api_key_env=KEY_VARIABLE if has_key or named.base_url is None else "",
        asked_for=asked_for,
        key_setting=f" (`export {KEY_VARIABLE}=...`)",
        how_to_name_a_key=f"`export {KEY_VARIABLE}=...`",
        timeout_seconds=_TIMEOUT,
        max_retries=RETRIES,
    )


def named_endpoint(name: str) -> Named:
    """What MODEL@URL, MODEL@PRESET or MODEL stands for. Raises ValueError where it holds no model, a key or a password,
    or names a preset that has no address of its own."""
    match = _NAME.fullmatch(name)
    model, at = (match["model"], match["at"]) if match else (name, "")
    if not model.strip() or "://" in model:
        raise ValueError("the model's name is missing")
    if at.startswith("http"):
        without_credentials(at)
        return Named(model, at, Preset())
    preset = PRESETS[at or "openai"]
    if preset.example:
        raise ValueError(f"{at} needs your server's address: write MODEL@{preset.example}")
    return Named(model, preset.base_url, preset)
