"""Families of models that translate and want to be asked in their own words: families.toml, read and chosen from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import Language
from polyrefuse_data.system.toml import read_toml
from polyrefuse_data.translation.base import Pair, Request

JSON = "json"  # no family: the text as data in JSON, for models that follow instructions (chat.py)
AUTO = "auto"

_LONGEST = 8000  # characters; longer texts are cut, so that no answer nears the longest that models give
_TERM, _TERMS = '"{source}" is "{target}"', "In this text {terms}. "

Terms = Sequence[tuple[str, str]]  # what the glossary says of words in a text


class _Wording(BaseModel):
    """How a pair is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = "{text}"
    languages: str = ""
    names: dict[str, str] = {}
    term: str = _TERM
    terms: str = _TERMS

    def codes(self) -> frozenset[str]:
        return frozenset(self.languages.split())

    def user_message(self, request: Request, codes: tuple[str, str], terms: Terms) -> str:
        said = (" and " if self.terms == _TERMS else "\n").join(
            _filled(self.term, source=source, target=target) for source, target in terms
        )
        return _filled(
            self.prompt,
            source=self._name(request.source),
            target=self._name(request.target),
            source_code=codes[0],
            target_code=codes[1],
            terms=_filled(self.terms, terms=said) if terms else "",
            text=request.text,
        )

    def _name(self, language: Language) -> str:
        return self.names.get(language.code, language.name)


class Family(_Wording):
    """One family. `languages` that are not listed are all there are."""

    card: str
    models: str = r"\b\B"
    presets: list[str] = []  # servers by name, where this way of asking goes before others of the same models
    content: Literal["text", "part", "completion"] = "text"
    template_arguments: list[str] = []
    codes_of: dict[str, str] = {}
    special: _Wording | None = None
    longest: int = _LONGEST

    def takes(self, pair: Pair) -> bool:
        """Whether the card lists both languages."""
        listed = self.codes()
        return not listed or {pair.source.code, pair.target.code} <= listed

    def content_of(self, request: Request, terms: Terms = ()) -> Any:
        """The content of the user's message: text, or a list of one part."""
        source, target = codes = self._code(request.source), self._code(request.target)
        if self.content == "part":
            part = {"type": "text", "source_lang_code": source, "target_lang_code": target, "text": request.text}
            return [part]
        pair = {request.source.code, request.target.code}
        wording: _Wording = self.special if self.special and self.special.codes() & pair else self
        return wording.user_message(request, codes, terms)

    def arguments(self, pair: Pair) -> dict[str, str]:
        """What the chat template is told beside the messages."""
        codes = (self._code(pair.source), self._code(pair.target))
        return dict(zip(self.template_arguments, codes, strict=False))

    def _code(self, language: Language) -> str:
        return self.codes_of.get(language.code, language.code)


def _filled(template: str, **values: str) -> str:
    """The template with its fields filled in; what a text looks like does not matter."""
    return re.sub(r"\{(\w+)\}", lambda field: values.get(field[1], field[0]), template)


@cache
def families() -> Mapping[str, Family]:
    """The families by name."""
    tables = read_toml(Path(__file__).with_suffix(".toml"), "it comes with the package")
    found: dict[str, Family] = {}
    for name, table in tables.items():
        table["codes_of"] = table.pop("codes", {})
        base = found[table.pop("same_as")].model_dump(exclude_unset=True) if "same_as" in table else {}
        kept = {key: value for key, value in base.items() if key not in ("content", "template_arguments", "presets")}
        found[name] = Family.model_validate({**kept, **{key: value for key, value in table.items() if value != {}}})
    return found


def family_of(prompt: str, model: str, preset: str | None = None) -> Family | None:
    """The family that a config names, or that the model's name shows; None for JSON. Raises ConfigError."""
    if prompt not in (AUTO, JSON, *families()):
        known = ", ".join((AUTO, JSON, *families()))
        raise ConfigError(f"translation.backends: prompt = {prompt!r} is unknown: use one of {known}")
    if prompt != AUTO:
        return None if prompt == JSON else families()[prompt]
    alike = [family for family in families().values() if re.search(family.models, model, re.IGNORECASE)]
    return min(alike, key=lambda family: preset not in family.presets, default=None) if alike else None
