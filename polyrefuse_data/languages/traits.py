"""traits.toml of a language pack: how a language is written, and the numbers and words that checks hold it against.

template/traits.toml says of each key what it means and what is done without it.
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
        raise ValueError(f"Python knows no encoding {name!r}") from None
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression ({error})") from None
    return text


def _script(code: str) -> str:
    if code not in SCRIPT_NAMES:
        raise ValueError(
            f"{code!r} is no ISO 15924 code that is known here; there are {', '.join(sorted(SCRIPT_NAMES))}"
        )
    return code


def _split(text: Any) -> Any:
    return frozenset(text.split()) if isinstance(text, str) else text


Encoding = Annotated[str, AfterValidator(_encoding)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Script = Annotated[str, AfterValidator(_script)]
Words = Annotated[frozenset[str], BeforeValidator(_split)]  # in the file: words between blanks


class Section(BaseModel):
    """A table of a pack's files: every key is known, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Writing(Section):
    """How texts are written; what is not given follows from the script."""

    script: Script | None = None
    spaced: bool | None = None
    word_borders: bool | None = None
    density: float | None = Field(default=None, gt=0)
    space_ends_sentence: bool = False
    never_without: list[str] = []
    joiners: bool = False
    letters: str | None = None
    guest_letters: str | None = None
    encodings: list[Encoding] = []
    rare_characters: int = Field(default=0, ge=0)
    regions: dict[str, Script] = {}
    abbreviations: Pattern = ""


class Era(Section):
    """Years counted in another way: where `sign` stands in a text, this many are added to the year."""

    sign: str
    years: int


class Counting(Section):
    """Numbers that a translation writes where the English has none, or leaves out where it has one."""

    article_is_one: bool = False
    numbered_months: bool = False
    dual: bool = False
    eras: list[Era] = []


class Characters(Section):
    """Characters that `foreign` encodes and `own` does not, each worth `weight` signs; where `balanced`, less those for
    which it is the other way round."""

    foreign: Encoding
    own: Encoding
    weight: float = 1
    balanced: bool = False


class Relatives(Section):
    """Close relatives: codes of those that the identifier's model knows, signs of those that it does not."""

    known: Words = frozenset()
    words: Words = frozenset()
    pattern: Pattern = ""
    characters: Characters | None = None


class English(Section):
    """English words in texts of the language. The lists of words are of the English pack alone."""

    homographs: Words = frozenset()
    everyday: Words = frozenset()
    loans: Words = frozenset()
    within_names: Words = frozenset()


class Units(Section):
    """What the lexicon counts; what is not given follows from the script."""

    stem: int | None = Field(default=None, ge=1)
    run: int | None = Field(default=None, ge=1)
    marked: bool = True
    prefixes: Pattern = ""


class Polarity(Section):
    """The whole of polarity.toml: what says no, a regular expression for a text in lower case."""

    negation: Pattern = ""


class Bound(Section):
    """A bound of the language's own on a score, and where it comes from."""

    bound: float
    source: str = Field(min_length=1)


class Traits(Section):
    """The whole of traits.toml. `flores` and `name` are needed for a language beyond NLLB-200."""

    code: str = Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")
    flores: str | None = Field(default=None, pattern=r"^[a-z]{3}_[A-Z][a-z]{3}$")
    name: str | None = None
    aliases: list[str] = []
    numbers_of: str | None = None
    writing: Writing = Writing()
    counting: Counting = Counting()
    relatives: Relatives | None = None
    english: English = English()
    units: Units = Units()
    bounds: dict[str, Bound] = {}


def read_part(kind: type[Model], path: Path) -> Model:
    """A file of a pack. Raises ConfigError naming the file, and the key that is wrong."""
    new = "`polyrefuse languages --new CODE DIR` writes "
    return validated(kind, read_toml(path, f"{new}one"), path, f"{new}a file with the keys there are")
