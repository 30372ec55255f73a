"""A plugged-in judge. Its faults become errors that name it, and its version is part of every verdict's signature."""

from __future__ import annotations

from collections.abc import Sequence

from polyrefuse_data.benchmark.judges.base import Judge, Opinion
from polyrefuse_data.plugins import Plugin
from polyrefuse_data.text.counts import counted

_MEMBERS = ("needs_prompts", "signature", "opinions", "close")


class PluggedJudge:
    """The judge of a plug-in: an object, or a class that is called without arguments."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        with plugin.blamed():
            self._judge: Judge = plugin.value() if isinstance(plugin.value, type) else plugin.value
            missing = [name for name in _MEMBERS if not hasattr(self._judge, name)]
            if missing:
                raise plugin.error(f"has no {', '.join(missing)}: a Judge has {', '.join(_MEMBERS)}")

    @property
    def needs_prompts(self) -> bool:
        with self._plugin.blamed():
            return bool(self._judge.needs_prompts)

    def signature(self, language: str | None = None) -> str:
        with self._plugin.blamed():
            return f"{self._judge.signature(language)} ({self._plugin.origin})"

    def prepare(self) -> None:
        with self._plugin.blamed():
            if prepare := getattr(self._judge, "prepare", None):
                prepare()

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        with self._plugin.blamed():
            found = list(self._judge.opinions(responses, language, prompts))
            if len(found) != len(responses):
                raise self._plugin.error(
                    f"gave {counted(len(found), 'opinion')} on {counted(len(responses), 'reply', 'replies')}: give "
                    "one per reply"
                )
            for opinion in found:
                if not isinstance(opinion, Opinion) or opinion.refusal not in (True, False, None):
                    raise self._plugin.error(f"gave {opinion!r}, which is not an Opinion(True, False or None)")
        return found

    def close(self) -> None:
        with self._plugin.blamed():
            self._judge.close()
