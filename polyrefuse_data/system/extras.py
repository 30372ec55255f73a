"""Extras: packages that only some tasks need, and the error if one is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from polyrefuse_data.errors import MissingPrerequisite

# extra -> the modules that show whether it is installed
EXTRAS = {
    "nllb": ("torch", "transformers", "sentencepiece"),
    "benchmark": ("torch", "transformers", "matplotlib", "sklearn", "accelerate"),
    "tasks": ("lm_eval",),
    "gguf": ("gguf",),
    "quantized": ("bitsandbytes", "torchao"),
    "fast": ("ctranslate2", "tokenizers"),
    "openai": ("openai",),
    "ray": ("ray",),
    "excel": ("openpyxl",),
}


def is_installed(extra: str) -> bool:
    return all(importlib.util.find_spec(module) is not None for module in EXTRAS[extra])


def require(what: str, *extras: str) -> None:
    """Raise MissingPrerequisite with the pip command unless the extras that `what` needs are installed."""
    missing = [extra for extra in extras if not is_installed(extra)]
    if missing:
        raise not_installed(what, f"polyrefuse-data[{','.join(missing)}]")


def not_installed(what: str, package: str) -> MissingPrerequisite:
    """The error for `what` needing `package` (in pip's notation)."""
    return MissingPrerequisite(f'{what} needs packages that are not installed: `pip install "{package}"`')


def missing_extra(error: BaseException, what: str, among: Sequence[str] = tuple(EXTRAS)) -> MissingPrerequisite | None:
    """The same error for an import that failed because an extra (the first of `among`) is missing, else None."""
    module = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    bringing = [extra for extra in among if module in EXTRAS[extra]]
    return not_installed(what, f"polyrefuse-data[{bringing[0]}]") if bringing else None
