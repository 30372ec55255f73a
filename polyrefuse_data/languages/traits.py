"""traits.toml of a language pack: how a language is written, and numbers and words that the checks use.

template/traits.toml explains each key and what happens without it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from polyrefuse_data.system.toml import Model, read_toml, validated
from polyrefuse_data.text.scripts import SCRIPT_NAMES


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"Python has no encoding {name!r}") from None
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from None
    return text


def _script(code: str) -> str:
    if code not in SCRIPT_NAMES:
        raise ValueError(f"{code!r} is not a known ISO 15924 code; use one of {', '.join(sorted(SCRIPT_NAMES))}")
    return code


def _split(text: Any) -> Any:
    return frozenset(text.split()) if isinstance(text, str) else text


Encoding = Annotated[str, AfterValidator(_encoding)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Script = Annotated[str, AfterValidator(_script)]
Words = Annotated[frozenset[str], BeforeValidator(_split)]  # in the file: words between blanks


class Section(BaseModel):
    """A table in a pack's files: unknown keys are errors, and values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Writing(Section):
    """How texts are written; missing values follow from the script."""

    script: Script | None = None
    spaced: bool | None = None
    word_borders: bool | None = None
    density: float | None = Field(default=None, gt=0)
    space_ends_sentence: bool = False
    never_without: list[str] = []
    joiners: bool = False
    letters: str | None = None
    guest_letters: str | None = None
    stand_ins: str = ""
    encodings: list[Encoding] = []
    rare_characters: int = Field(default=0, ge=0)
    regions: dict[str, Script] = {}
    abbreviations: Pattern = ""


class Era(Section):
    """Years counted in another era: if `sign` is in a text, this many are added to the year."""

    sign: str
    years: int


class Counting(Section):
    """Numbers that a translation adds where the English has none, or omits where it has one."""

    article_is_one: bool = False
    numbered_months: bool = False
    dual: bool = False
    eras: list[Era] = []


class Characters(Section):
    """Characters that `foreign` encodes and `own` does not, each worth `weight` signs; if `balanced`, minus those the
    other way round."""

    foreign: Encoding
    own: Encoding
    weight: float = 1
    balanced: bool = False


class Relatives(Section):
    """Close relatives: codes of those known to the identifier's model, signs of the others."""

    known: Words = frozenset()
    words: Words = frozenset()
    pattern: Pattern = ""
    characters: Characters | None = None


class English(Section):
    """English words in texts of the language. Only the English pack has the word lists."""

    homographs: Words = frozenset()
    everyday: Words = frozenset()
    loans: Words = frozenset()
    within_names: Words = frozenset()


class Labels(Section):
    """What machines write around a translation: the language's name for itself, what stands before a second one ("oder:
    ..."), and what a translator's notes begin with ("(formell)", "Anmerkung: ...")."""

    own: list[str] = []
    alternatives: Pattern = ""
    notes: Pattern = ""


class Units(Section):
    """What the lexicon counts; missing values follow from the script."""

    stem: int | None = Field(default=None, ge=1)
    run: int | None = Field(default=None, ge=1)
    marked: bool = True
    prefixes: Pattern = ""


class Polarity(Section):
    """The whole of polarity.toml: what says no, a regular expression for a text in lower case."""

    negation: Pattern = ""


class Bound(Section):
    """A language's own bound on a score, and its source."""

    bound: float
    source: str = Field(min_length=1)


class Traits(Section):
    """The whole of traits.toml. `flores` and `name` are required for a language beyond NLLB-200."""

    code: str = Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")
    flores: str | None = Field(default=None, pattern=r"^[a-z]{3}_[A-Z][a-z]{3}$")
    name: str | None = None
    aliases: list[str] = []
    numbers_of: str | None = None
    writing: Writing = Writing()
    counting: Counting = Counting()
    relatives: Relatives | None = None
    english: English = English()
    labels: Labels = Labels()
    units: Units = Units()
    bounds: dict[str, Bound] = {}


def read_part(kind: type[Model], path: Path) -> Model:
    """Read a file of a pack. Raises ConfigError naming the file and the wrong key."""
    new = "`polyrefuse languages --new CODE DIR` writes "
    return validated(kind, read_toml(path, f"{new}one"), path, f"{new}a file with all keys")
