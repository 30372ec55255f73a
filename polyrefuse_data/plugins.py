"""The one way in for plug-ins: `"module:NAME"`, or the name of an entry point of an installed distribution.

Modules are found on Python's path, in the current folder and in that of the config. Naming a plug-in runs its code. Its
`origin` is part of the signature of everything it decides: another version of the file is another origin.
"""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from polyrefuse_data.errors import ConfigError, PluginError, PolyrefuseError
from polyrefuse_data.system.input_files import sha256_of
from polyrefuse_data.system.signals import Stopped

CHECKS = "polyrefuse.checks"
JUDGES = "polyrefuse.judges"
TRANSLATORS = "polyrefuse.translators"
PROMPT_SETS = "polyrefuse.prompt_sets"
RULES = "polyrefuse.rules"
EXTRACTORS = "polyrefuse.extractors"
LANGUAGES = "polyrefuse.languages"

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_REFERENCE = re.compile(rf"(?P<module>{_NAME}):(?P<name>{_NAME})")

Kind = TypeVar("Kind")
_folders: list[str] = []  # of configs that were read


@dataclass(frozen=True)
class Plugin:
    """A plug-in: `value` is what was found under `name`; `origin` names the module, the object, and a digest of the
    module's file."""

    name: str
    value: Any
    origin: str

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Turn errors in the block into a PluginError that names this plug-in; errors of this package keep their exit
        code."""
        with _blamed(self.name, ""):
            yield

    def error(self, message: str) -> PluginError:
        """The error to raise if this plug-in cannot be used."""
        return PluginError(f"plug-in {self.name}: {message}")

    def of_kind(self, kind: type[Kind] | tuple[type[Kind], ...], wanted: str) -> Any:
        """The value, if it is of that kind. Raises PluginError saying what is `wanted` otherwise."""
        if not isinstance(self.value, kind):
            raise self.error(f"is {_told(self.value)}, not {wanted}")
        return self.value


def look_in(folder: Path) -> None:
    """Also look for modules in this folder, after all others, once a plug-in is named."""
    if str(folder.absolute()) not in _folders:
        _folders.append(str(folder.absolute()))


def is_reference(name: str) -> bool:
    """Whether a name has the form `module:NAME`."""
    return _REFERENCE.fullmatch(name) is not None


def find(group: str, name: str) -> Plugin | None:
    """The plug-in with this name, `module:NAME` or an entry point of the group; None if it is neither.

    Raises PluginError if it cannot be loaded.
    """
    if match := _REFERENCE.fullmatch(name):
        return _load(name, match["module"], lambda: _attribute(match["module"], match["name"]))
    points = sorted(entry_points(group=group, name=name), key=lambda point: point.value)
    if len({point.value for point in points}) > 1:
        raise PluginError(
            f"plug-in {name}: {' and '.join(map(_distribution, points))} both have an entry point of this name in "
            f"{group}: uninstall one, or name it as {points[0].value}"
        )
    for point in points[:1]:
        return _load(name, point.module, point.load)
    return None


def named(name: str, key: str) -> Plugin:
    """The object `module:NAME`, for kinds without entry points. Raises ConfigError naming `key` for another name."""
    found = find("", name) if is_reference(name) else None
    if found is None:
        raise ConfigError(f"{key}: {name!r} is not an object: write module:NAME")
    return found


def load(group: str, name: str, key: str, known: Iterable[str]) -> Plugin:
    """The plug-in with this name. Raises ConfigError naming `key` and the alternatives if there is none."""
    found = find(group, name)
    if found is None:
        names = [*known, *installed(group)]
        raise ConfigError(
            f"{key}: {name!r} is unknown: use one of {', '.join(names)}, write module:NAME, or install a "
            f"distribution with such an entry point in {group}"
            if names
            else f"{key}: {name!r} is not a plug-in: write module:NAME, or install a distribution with such an entry "
            f"point in {group}"
        )
    return found


def installed(group: str) -> list[str]:
    """The names of the group's entry points."""
    return sorted({point.name for point in entry_points(group=group)})


def _load(name: str, module: str, value: Callable[[], Any]) -> Plugin:
    for folder in (*_folders, str(Path.cwd())):
        if folder not in sys.path:
            sys.path.append(folder)  # it stays: what is loaded may import what lies beside it later
    with _blamed(name, "cannot be loaded: "):
        loaded = value()
    return Plugin(name, loaded, _origin(name, sys.modules.get(module)))


def _attribute(module: str, name: str) -> Any:
    value: Any = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _origin(name: str, module: ModuleType | None) -> str:
    file = getattr(module, "__file__", None)
    if not file or not Path(file).is_file():
        return name
    return f"{name} {sha256_of(Path(file))[:8]}"


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name if point.dist else 'a distribution'} ({point.value})"


@contextmanager
def _blamed(name: str, what: str) -> Iterator[None]:
    try:
        yield
    except Stopped:
        raise
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # sys.exit of a plug-in would end the command without a word
        blamed = PluginError(f"plug-in {name}: {what}{_explained(error)}")
        blamed.exit_code = error.exit_code if isinstance(error, PolyrefuseError) else blamed.exit_code
        raise blamed from error


def _explained(error: BaseException) -> str:
    """An error's message, and the line of the plug-in where it occurred."""
    if isinstance(error, PolyrefuseError):
        return str(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    ours = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<")
    frames = traceback.extract_tb(error.__traceback__)
    own = next((frame for frame in frames if not frame.filename.startswith(ours)), None)
    return f"{said} ({Path(own.filename).name}, line {own.lineno})" if own else said


def _told(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
