"""Public names that load on first use, so that importing a package does not load the heavy libraries behind it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from polyrefuse_data.system.extras import missing_extra


def lazy_names(
    package: str, homes: Mapping[str, str], extras: tuple[str, ...] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for a package. `homes` maps each public name to the module that defines it.

    If a module needs one of `extras` and it is not installed, the name raises MissingPrerequisite with the pip command.
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = importlib.import_module(f"{package}.{homes[name]}")
        except ModuleNotFoundError as error:
            missing = missing_extra(error, f"{package}.{name}", extras)
            if missing is None:
                raise
            raise missing from error
        return getattr(module, name)

    def __dir__() -> list[str]:
        return sorted({*homes, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return __getattr__, __dir__
