"""A plugged-in translator. Its faults become errors that name it, and its version is part of its settings, by which the
journal recognises answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from polyrefuse_data import plugins
from polyrefuse_data.config import BACKENDS, PluginBackend
from polyrefuse_data.plugins import Plugin
from polyrefuse_data.rows import ORIGINS
from polyrefuse_data.text.counts import counted
from polyrefuse_data.translation.base import Failure, Request, Result, Translation, Translator

_MEMBERS = ("name", "settings", "units", "prepare", "plan", "translate", "close")


def open_plugged(config: PluginBackend) -> Translator:
    """Create the translator that a config names, with the config's other keys.

    Raises ConfigError for an unknown name, PluginError for a class that cannot be loaded, created or used.
    """
    plugin = plugins.load(plugins.TRANSLATORS, config.engine, "translation.backends", BACKENDS)
    kind = _guarded(plugin, config)
    with plugin.blamed():
        translator: Translator = kind(**config.keys)
        missing = [name for name in _MEMBERS if not hasattr(translator, name)]
        if missing:
            raise plugin.error(f"has no {', '.join(missing)}: a Translator has {', '.join(_MEMBERS)}")
        if not isinstance(translator.name, str) or not translator.name.strip():
            raise plugin.error("has no name for the rows that it translates: set `name`")
        json.dumps(translator.settings)
    return translator


def _guarded(plugin: Plugin, config: PluginBackend) -> type[Any]:
    """The plug-in's class with its members wrapped by `_GUARDS`; everything else it can do stays available."""
    kind: type[Any] = plugin.of_kind(type, "the class of a polyrefuse_data.translation.Translator")

    class Guarded(kind):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            return _GUARDS[name](plugin, value) if name in _GUARDS else value

        def __reduce__(self) -> tuple[Any, ...]:
            return open_plugged, (config,)

    Guarded.__name__ = kind.__name__
    return Guarded


def _settings(plugin: Plugin, settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "plugin": plugin.origin}


def _blamed(plugin: Plugin, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        with plugin.blamed():
            return function(*arguments)

    return call


def _plan(plugin: Plugin, plan: Callable[..., Any]) -> Callable[..., Any]:
    def call(requests: Sequence[Request]) -> list[list[int]]:
        with plugin.blamed():
            batches = [list(batch) for batch in plan(requests)]
            if sorted(index for batch in batches for index in batch) != list(range(len(requests))):
                raise plugin.error(f"does not plan each of the {len(requests)} texts exactly once")
        return batches

    return call


def _translate(plugin: Plugin, translate: Callable[..., Any]) -> Callable[..., Any]:
    def call(batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        waiting = set(range(len(batches)))
        with plugin.blamed():
            answers = iter(translate(batches))
        while True:
            with plugin.blamed():
                answer = next(answers, None)
                if answer is None:
                    break
                number, results = answer[0], list(answer[1])
                if number not in waiting:
                    raise plugin.error(f"gave batch {number!r}, which is unknown or was already given")
                _check(plugin, results, len(batches[number]))
            waiting.remove(number)
            yield number, results
        if waiting:
            raise plugin.error(
                f"gave nothing for {len(waiting)} of {len(batches)} batches: give a Failure for a text that fails"
            )

    return call


def _check(plugin: Plugin, results: Sequence[Any], wanted: int) -> None:
    if len(results) != wanted:
        raise plugin.error(
            f"gave {counted(len(results), 'result')} for a batch of {counted(wanted, 'text')}: give a Failure for a "
            "text that fails"
        )
    for result in results:
        if not isinstance(result, Translation | Failure):
            raise plugin.error(f"gave a {type(result).__name__}, not a Translation or a Failure")
        if isinstance(result, Translation) and not isinstance(result.text, str):
            raise plugin.error(f"gave a Translation of a {type(result.text).__name__}, not of a str")
        if isinstance(result, Translation) and result.origin not in ORIGINS:
            raise plugin.error(f"gave a Translation of origin {result.origin!r}: use one of {', '.join(ORIGINS)}")


_GUARDS: dict[str, Callable[[Plugin, Any], Any]] = {
    "settings": _settings,
    "prepare": _blamed,
    "prove": _blamed,
    "price": _blamed,
    "plan": _plan,
    "translate": _translate,
    "close": _blamed,
}
