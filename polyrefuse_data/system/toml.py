"""Reads TOML written by people and validates it against a pydantic model, with errors that name file and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.input_files import HANDWRITTEN_BYTES, read_input_text, reason

Model = TypeVar("Model", bound=BaseModel)

_MOST_ERRORS = 10  # shown at once
_MOST_PARTS = 16  # of a dotted key; the deepest of ours has 4
_KEY_PART = r"""(?:(?<![\w-])[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_DEEP_KEY = re.compile(rf"{_KEY_PART}(?:\.[ \t]*{_KEY_PART}){{{_MOST_PARTS}}}")


def read_toml(path: Path, mend: str) -> dict[str, Any]:
    """Read a TOML file. Raises ConfigError if it is invalid or, with `mend`, missing."""
    try:
        return parse_toml(read_input_text(path, HANDWRITTEN_BYTES))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: {mend}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({reason(error)})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not readable as TOML: {error}") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML. Raises ValueError if it is invalid or nested more deeply than any config: tomllib takes quadratic
    time for dotted keys and recurses for the rest."""
    if _DEEP_KEY.search(text):
        raise ValueError(f"a key with more than {_MOST_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def validated(
    kind: type[Model], data: dict[str, Any], path: Path | None, keys: str, unnamed: Collection[object] = ()
) -> Model:
    """Validate settings as `kind`. Raises ConfigError with every wrong key; `keys` says how to find the right ones, and
    `unnamed` are parts of pydantic's locations that are not in the file."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        where = f"{path}: " if path else ""
        lines = [f"{where}{_explain(item, keys, unnamed)}" for item in error.errors()]
        more = [f"{where}{len(lines) - _MOST_ERRORS} more errors like these"] if len(lines) > _MOST_ERRORS else []
        raise ConfigError("\n".join(lines[:_MOST_ERRORS] + more)) from None


def _explain(item: Any, keys: str, unnamed: Collection[object]) -> str:
    """One pydantic error as `key: what is wrong`, with the key as it is in the file."""
    name = ".".join(str(key) for key in item["loc"] if key not in unnamed) or "config"
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{name}: unknown key; {keys}"
    return f"{name}: {item['msg'].removeprefix('Value error, ')}"
