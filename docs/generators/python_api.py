"""docs/reference/python.md: every public name with its signature and docstring."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import is_dataclass
from types import UnionType
from typing import Any, get_args

from docs.generators.markdown import MADE

# The modules whose public names are promised, each with what it is for.
MODULES = {
    "polyrefuse_data": "Datasets, from prompts to a loaded release. [From Python](../python.md) is the guide.",
    "polyrefuse_data.benchmark": "Measuring models. [A direction by hand](../benchmark-python.md) is the guide.",
    "polyrefuse_data.quality": "Checks of your own ([extending](../extending.md)).",
    "polyrefuse_data.translation": "Backends of your own ([extending](../extending.md)).",
    "polyrefuse_data.sources": "Prompt sets of your own ([extending](../extending.md)).",
    "polyrefuse_data.release": "Releases and the Hub ([release](../release.md)).",
    "polyrefuse_data.errors": "Every failure that a caller can do something about.",
}

_WIDEST = 100  # characters of a line of code

_HEAD = f"# Python reference\n\n{MADE}\n"


def page() -> str:
    return "\n".join([_HEAD, *(_module(name, purpose) for name, purpose in MODULES.items())])


def public_names(name: str) -> list[str]:
    """The public names of a module: `__all__`, or the classes that it defines."""
    module = importlib.import_module(name)
    own = [key for key, value in vars(module).items() if inspect.isclass(value) and value.__module__ == name]
    return sorted(key for key in getattr(module, "__all__", own) if not key.startswith("_"))


def _module(name: str, purpose: str) -> str:
    module = importlib.import_module(name)
    entries = [_entry(key, getattr(module, key)) for key in public_names(name)]
    return "\n".join([f"## {name}\n\n{purpose}\n", *entries])


def _entry(name: str, value: Any) -> str:
    if not callable(value):
        return f"### {name}\n\n```python\n{_alias(name, value)}\n```\n"
    parts = [f"### {name}\n", f"```python\n{_signature(name, value)}\n```\n", _as_text(inspect.getdoc(value) or "")]
    if inspect.isclass(value) and (methods := _methods(value)):
        parts += ["", *methods]
    return "\n".join(parts) + "\n"


def _alias(name: str, value: Any) -> str:
    if isinstance(value, UnionType):
        return f"{name} = {' | '.join(one.__name__ for one in get_args(value))}"
    return f"{name}: {type(value).__name__}"


def _signature(name: str, value: Any) -> str:
    if not inspect.isclass(value):
        return _in_lines(_call(name, value))
    if is_dataclass(value):
        return _in_lines(f"class {_call(name, value).removesuffix(' -> None')}")
    bases = [base.__name__ for base in value.__bases__ if base is not object and not base.__name__.startswith("_")]
    return f"class {name}({', '.join(bases)})" if bases else f"class {name}"


def _call(name: str, value: Any) -> str:
    """Name and parameters: annotations, which are strings, without quotation marks, functions without addresses."""
    parameters = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(value)))
    return name + re.sub(r"<function \S+ at 0x\w+>", "...", parameters)


def _in_lines(signature: str) -> str:
    """A signature as it is, or with a line for each parameter where it would not fit the page."""
    if len(signature) <= _WIDEST:
        return signature
    head, _, rest = signature.partition("(")
    depth, lines, start = 0, [], 0
    for place, character in enumerate(rest):
        if depth == 0 and character in ",)":
            lines.append(f"    {rest[start:place].strip()},")
            start = place + 1
        if depth == 0 and character == ")":
            break
        depth += (character in "([{") - (character in ")]}")
    return "\n".join([f"{head}(", *lines, f"){rest[start:]}"])


def _methods(value: type) -> list[str]:
    """A line for each public method and property that the class itself defines."""
    lines = []
    for name, member in vars(value).items():
        found = member.__func__ if isinstance(member, staticmethod | classmethod) else member
        doc = inspect.getdoc(found)
        if not name.startswith("_") and doc and (inspect.isfunction(found) or isinstance(found, property)):
            called = name if isinstance(found, property) else _call(name, found)
            lines.append(f"- `{called}`: {_as_text(' '.join(doc.split(chr(10) * 2)[0].split()))}")
    return lines


def _as_text(doc: str) -> str:
    return doc.replace("<", "&lt;")
