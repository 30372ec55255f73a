"""polyrefuse.toml: reading it, and what identifies it. Precedence: file < POLYREFUSE_* environment < flags.

Relative paths are relative to the file's folder. The sections are in config_sections.py.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from polyrefuse_data import plugins
from polyrefuse_data.config_sections import (
    BACKENDS,
    KINDS,
    Backend,
    CommandBackend,
    Config,
    EngineConfig,
    LocalChatBackend,
    MemoryBackend,
    NllbBackend,
    OpenAIBackend,
    PluginBackend,
    PromptColumn,
    QualityConfig,
    ReleaseConfig,
    ScoreBound,
    SourceConfig,
    TranslationConfig,
)
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import plugged_pack
from polyrefuse_data.system.files import write_new
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.system.toml import parse_toml, read_toml, validated

__all__ = [
    "BACKENDS",
    "ENVIRONMENT_PREFIX",
    "Backend",
    "CommandBackend",
    "Config",
    "EngineConfig",
    "LocalChatBackend",
    "MemoryBackend",
    "NllbBackend",
    "OpenAIBackend",
    "PluginBackend",
    "PromptColumn",
    "QualityConfig",
    "ReleaseConfig",
    "ScoreBound",
    "SourceConfig",
    "TranslationConfig",
    "config_hash",
    "load_config",
    "local_or_hub",
    "parse_config",
    "template",
    "write_template",
]

ENVIRONMENT_PREFIX = "POLYREFUSE_"


def load_config(path: Path | str | None, overrides: dict[str, Any] | None = None) -> Config:
    """Read polyrefuse.toml (or the defaults if `path` is None). POLYREFUSE_* variables override it, and `overrides`
    (by dotted key, e.g. `{"release.name": "x"}`) overrides both.

    `POLYREFUSE_RELEASE__NAME=x` sets `release.name`. A value is parsed as TOML if it is TOML, else taken as a string.
    Raises ConfigError, naming file and key.
    """
    path = None if path is None else Path(path)
    mend = f"create one with `polyrefuse init {shell_word(path.parent)}`" if path else ""
    if path is not None:
        plugins.look_in(path.parent)
    data = read_toml(path, mend) if path else {}
    for name, value in os.environ.items():
        section = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name.startswith(ENVIRONMENT_PREFIX) and section.split("__")[0] in Config.model_fields:
            try:
                f"{name}{value}".encode()
            except UnicodeEncodeError:
                raise ConfigError(f"{name}: this environment variable is not UTF-8") from None
            _set(data, section.split("__"), _toml_value(value), name)
    for key, value in (overrides or {}).items():
        _set(data, key.split("."), value, key)
    return parse_config(data, path)


def parse_config(data: dict[str, Any], path: Path | None = None) -> Config:
    """Validate a config from any source; local paths are resolved against the folder of `path`."""
    keys = "`polyrefuse init` writes a file with all keys"
    base = path.parent if path else Path.cwd()
    return _resolve(_one_model_each(validated(Config, _with_packs(data, base), path, keys, KINDS)), base)


def _one_model_each(config: Config) -> Config:
    """The config with a backend for each model where one names several."""

    def each(backend: Backend) -> list[Backend]:
        return [*backend.one_each(config.languages)] if isinstance(backend, NllbBackend) else [backend]

    translation = config.translation
    back = translation.back_translation
    named = [one for backend in translation.back_backends for one in each(backend)]
    several = isinstance(back, list) or len(named) > 1
    update = {
        "backends": [one for backend in translation.backends for one in each(backend)],
        "back_translation": named if several else back,
    }
    return config.model_copy(update={"translation": translation.model_copy(update=update)})


def _with_packs(data: dict[str, Any], base: Path) -> dict[str, Any]:
    """Split the table `[languages]` into the settings `languages` (its codes) and `language_packs` (its folders)."""
    table = data.get("languages")
    if not isinstance(table, dict):
        return data
    if unknown := sorted(table.keys() - {"codes", "packs"}):
        raise ConfigError(f"languages.{unknown[0]}: unknown key; [languages] has codes and packs")
    packs = table.get("packs", [])
    folders = [_pack(base, str(name)) for name in packs] if isinstance(packs, list) else packs
    codes = {"languages": table["codes"]} if "codes" in table else {}
    return {**{key: value for key, value in data.items() if key != "languages"}, **codes, "language_packs": folders}


def _pack(base: Path, name: str) -> Path:
    """The folder of a pack, given as a path or as a plug-in."""
    return plugged_pack(name) if plugins.is_reference(name) else _absolute(base, Path(name))


def write_template(path: Path) -> Path:
    """Write a commented polyrefuse.toml to start from. Raises ConfigError if the file already exists."""
    write_new(path, template(), "edit it, or choose another folder")
    return path


def template() -> str:
    """The text of a commented polyrefuse.toml."""
    return (Path(__file__).parent / "template.toml").read_text(encoding="utf-8")


_PUBLICATION = ("repo_id", "doi", "date_published", "gated_fields")


def config_hash(config: BaseModel) -> str:
    """sha256 of the canonical JSON of a config. The same settings give the same hash in any folder.

    Only the last part of a local path counts; the file's content is hashed where it is used. Where the work runs (the
    engine section) changes no row and does not count.
    """
    counted = config.model_dump(exclude={"engine"} if isinstance(config, Config) else None)
    if not counted.get("language_packs", True):  # a config without packs hashes as it did before packs existed
        del counted["language_packs"]
    for key in _PUBLICATION:  # where a release is published changes no row
        counted.get("release", {}).pop(key, None)
    for source in counted.get("sources", ()):  # and one whose files need no explaining as before that was possible
        for key in ("hub", "files", "revision", "columns", "labels", "encoding"):
            if not source[key]:
                del source[key]
    canonical = json.dumps(
        counted, default=lambda path: path.name, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _set(data: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ConfigError(f"{name}: {key} is not a section")
    data[keys[-1]] = value


def _toml_value(text: str) -> Any:
    try:
        parsed = parse_toml(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _absolute(base: Path, path: Path) -> Path:
    if "\0" in str(path):
        raise ConfigError(f"{path}: a path cannot contain a null character")
    try:
        return base / path.expanduser()  # an absolute path stays as it is
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such user; write the full path") from None


def _resolve(config: Config, base: Path) -> Config:
    def absolute(value: Any) -> Any:
        if isinstance(value, Path):
            return _absolute(base, value)
        if isinstance(value, BaseModel):
            fields = {name: absolute(getattr(value, name)) for name in type(value).model_fields}
            if isinstance(value, NllbBackend | LocalChatBackend):
                fields["model"] = local_or_hub(base, str(value.model))
            return value.model_copy(update=fields)
        if isinstance(value, list):
            return [absolute(item) for item in value]
        return value

    resolved: Config = absolute(config)
    return resolved


def local_or_hub(base: Path, name: str) -> str | Path:
    """A Hub id unchanged; a folder (an existing one, or a value that cannot be an id) as its path."""
    path = _absolute(base, Path(name))
    return path if path.is_dir() or name.startswith((".", "/", "~")) else name
