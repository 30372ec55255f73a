"""docs/reference/config.md: every key of polyrefuse.toml and of a benchmark's file, from the pydantic models."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any, Literal, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.generators.attribute_comments import comments
from docs.generators.markdown import MADE, code, table
from polyrefuse_data import config
from polyrefuse_data.benchmark.config import BenchmarkConfig
from polyrefuse_data.benchmark.module_names import ModuleNames

_HEAD = f"""\
# Config keys

{MADE}

`polyrefuse init DIR` writes a commented `polyrefuse.toml` to start from. An environment variable overrides the file:
`POLYREFUSE_RELEASE__NAME=x` sets `name` of `[release]`. An unknown key is an error that names it. Relative paths are
relative to the folder of the file. The type `text` is a string; `column` is one of the columns in
[sources](../sources.md).
"""

# Section of polyrefuse.toml -> its model.
SECTIONS: dict[str, type[BaseModel]] = {
    "[[sources]]": config.SourceConfig,
    "[translation]": config.TranslationConfig,
    '[[translation.backends]], engine = "memory"': config.MemoryBackend,
    '[[translation.backends]], engine = "nllb" or "seq2seq"': config.NllbBackend,
    '[[translation.backends]], engine = "openai"': config.OpenAIBackend,
    '[[translation.backends]], engine = "chat"': config.LocalChatBackend,
    '[[translation.backends]], engine = "command"': config.CommandBackend,
    "[[translation.backends]], a plug-in": config.PluginBackend,
    "[quality]": config.QualityConfig,
    "[quality.scores.NAME]": config.ScoreBound,
    "[engine]": config.EngineConfig,
    "[release]": config.ReleaseConfig,
}

# Defaults that are no plain values.
_DEFAULTS: dict[type, str] = {config.NllbBackend: "NLLB-200 600M", ModuleNames: "found by itself"}
# How the code writes a type -> how a reader of TOML knows it.
_IN_TOML = (
    (r"Literal\[([^]]*)\]", lambda found: found[1].replace(", ", " | ").replace("'", '"')),
    (r"Annotated\[(\w+), Field\(.*?\)\]", r"\1"),
    (r"_OneOrChain", "backend | list[backend]"),
    (r"(tuple|list)\[Backend(, \.\.\.)?\]", "list[backend]"),
    (r"tuple\[(\w+), \.\.\.\]", r"list[\1]"),
    (r"PromptColumn", "column"),
    (r"dict\[", "table["),
    (r"\bstr\b", "text"),
    (r"\bPath\b", "path"),
)

_LANGUAGES = """\
## languages

A list of codes, or a table if you use your own language packs:

| key | type | default | meaning |
|---|---|---|---|
| `languages` | list of codes | the thirteen of the paper | the languages to translate into: `polyrefuse languages` |
| `languages.codes` | list of codes | the same | the same, as a key of the table |
| `languages.packs` | list of paths | `[]` | your own language packs, as folders or `module:NAME` |
"""

_BENCHMARK = """\
## Benchmark

The settings of `polyrefuse benchmark run --config FILE`, at the top of the file, and arguments of `BenchmarkConfig`. A
flag has the same name with hyphens and takes precedence.
"""


def page() -> str:
    sections = [f"## {name}\n\n{_purpose(model)}\n\n{keys(model)}" for name, model in SECTIONS.items()]
    return "\n".join([_HEAD, _LANGUAGES, *sections, _BENCHMARK, keys(BenchmarkConfig)])


def keys(model: type[BaseModel]) -> str:
    """The table of a model's keys."""
    said = meanings(model)
    rows = (
        (code(name), code(_type(model, name)), _default(field), said.get(name, ""))
        for name, field in model.model_fields.items()
        if not _is_said_by_the_heading(field)
    )
    return table(("key", "type", "default", "meaning"), rows)


def _is_said_by_the_heading(field: FieldInfo) -> bool:
    """`engine`, which chooses between the tables of a backend's keys."""
    return get_origin(field.annotation) is Literal and field.default in config.BACKENDS


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """Key -> what the code says of it; those that a model inherits included."""
    found = {name: text for base in reversed(model.__mro__) if issubclass(base, BaseModel) for name, text in _own(base)}
    return found | {name: field.description for name, field in model.model_fields.items() if field.description}


def _own(base: type[BaseModel]) -> Any:
    return () if base is BaseModel else comments(base).items()


def _purpose(model: type[BaseModel]) -> str:
    return " ".join((inspect.getdoc(model) or "").split())


def _type(model: type[BaseModel], name: str) -> str:
    """The type as a writer of TOML sees it."""
    written = next(base.__annotations__[name] for base in model.__mro__ if name in getattr(base, "__annotations__", {}))
    text = str(written).removesuffix(" | None")
    for pattern, plain in _IN_TOML:
        text = re.sub(pattern, plain, text)
    return text


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True) if field.default_factory else field.default
    if value is PydanticUndefined:
        return "required"
    if value is None:
        return ""
    first = value[0] if isinstance(value, list) and value else value
    if type(first) in _DEFAULTS:
        return _DEFAULTS[type(first)]
    return code(json.dumps(value, ensure_ascii=False))
