"""Public names that load on first use, so that importing a room loads none of the heavy libraries behind it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

from polyrefuse_data.system.extras import missing_extra


def lazy_names(
    package: str, homes: Mapping[str, str], extras: tuple[str, ...] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A module's `__getattr__` and `__dir__`: `homes` says in which of its modules each public name of `package` lives.

    A name whose module needs one of `extras` that is not installed raises MissingPrerequisite with the pip command.
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
