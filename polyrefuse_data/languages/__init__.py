"""The languages: BCP-47 code, FLORES-200 code, script, English name, and how language identifiers call them.

The paper's 14 languages are listed here by name. The other languages of NLLB-200 stand in languages.tsv, and any of
them can be added to a build by its BCP-47 or FLORES code (`languages = ["de", "ibo_Latn"]` in polyrefuse.toml).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from polyrefuse_data.errors import ConfigError

SOURCE_LANGUAGE = "en"

_SHORT_CODE = 3  # letters; in so short a code every slip is another code
_ALIKE = 0.75  # of difflib's ratio, from which on a name may be another one's slip: germn, igbo_Latn

# ISO 15924 codes that FLORES-200 uses, and the Unicode scripts that text in them is written in.
SCRIPT_NAMES: dict[str, tuple[str, ...]] = {
    "Latn": ("Latin",),
    "Arab": ("Arabic",),
    "Cyrl": ("Cyrillic",),
    "Grek": ("Greek",),
    "Hang": ("Hangul",),
    "Hans": ("Han",),
    "Hant": ("Han",),
    "Hebr": ("Hebrew",),
    "Jpan": ("Han", "Hiragana", "Katakana"),
    "Thai": ("Thai",),
    "Deva": ("Devanagari",),
    "Beng": ("Bengali",),
    "Armn": ("Armenian",),
    "Ethi": ("Ethiopic",),
    "Geor": ("Georgian",),
    "Gujr": ("Gujarati",),
    "Guru": ("Gurmukhi",),
    "Khmr": ("Khmer",),
    "Knda": ("Kannada",),
    "Laoo": ("Lao",),
    "Mlym": ("Malayalam",),
    "Mymr": ("Myanmar",),
    "Olck": ("Ol_Chiki",),
    "Orya": ("Oriya",),
    "Sinh": ("Sinhala",),
    "Taml": ("Tamil",),
    "Telu": ("Telugu",),
    "Tfng": ("Tifinagh",),
    "Tibt": ("Tibetan",),
}


# Languages whose NLLB-200 code names another script than the one they are written in: the code says Bengali, the
# training text of Santali is in Ol Chiki (FLORES-200 later renamed it sat_Olck).
_WRITTEN_IN: dict[str, str] = {"sat_Beng": "Olck"}


@dataclass(frozen=True)
class Language:
    """One language of a dataset.

    `code` is the BCP-47 tag of the `language` column, `flores` the FLORES-200 / NLLB code;
    `aliases` are the codes of language identifiers that count as this language (ISO 639, e.g. `arz` for Arabic).
    """

    code: str
    flores: str
    name: str
    aliases: tuple[str, ...] = ()

    @property
    def script(self) -> str:
        """The ISO 15924 code of the script that the language is written in."""
        return _WRITTEN_IN.get(self.flores) or self.flores.split("_")[1]

    @property
    def scripts(self) -> tuple[str, ...]:
        """Unicode script names in which text of this language is written."""
        return SCRIPT_NAMES.get(self.script, ())

    @property
    def identifiers(self) -> frozenset[str]:
        """Every code that a language identifier may give a text of this language."""
        return frozenset({self.code, *self.aliases})


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "eng_Latn", "English"),
        Language("ar", "arb_Arab", "Arabic", ("arz", "ary", "arb")),
        Language("de", "deu_Latn", "German"),
        Language("es", "spa_Latn", "Spanish"),
        Language("fr", "fra_Latn", "French"),
        Language("it", "ita_Latn", "Italian"),
        Language("ja", "jpn_Jpan", "Japanese"),
        Language("ko", "kor_Hang", "Korean"),
        Language("nl", "nld_Latn", "Dutch"),
        Language("pl", "pol_Latn", "Polish"),
        Language("ru", "rus_Cyrl", "Russian"),
        Language("th", "tha_Thai", "Thai"),
        Language("yo", "yor_Latn", "Yoruba"),
        Language("zh", "zho_Hans", "Chinese", ("wuu", "yue", "zh-cn", "zh-tw", "cmn")),
    )
}

TARGET_LANGUAGES: tuple[str, ...] = tuple(code for code in LANGUAGES if code != SOURCE_LANGUAGE)


@cache
def nllb_languages() -> dict[str, Language]:
    """The 202 languages of NLLB-200 by BCP-47 code, the paper's 14 among them, in the order of their FLORES codes."""
    with Path(__file__).with_name("languages.tsv").open(encoding="utf-8", newline="") as table:
        rows = [
            Language(row["code"], row["flores"], row["name"], tuple(row["aliases"].split()))
            for row in csv.DictReader(table, delimiter="\t")
        ]
    return {row.code: LANGUAGES.get(row.code, row) for row in rows}


@cache
def _by_flores() -> dict[str, Language]:
    return {known.flores: known for known in nllb_languages().values()}


def find_language(code: str) -> Language | None:
    """A language of NLLB-200 by its BCP-47 code (`ig`) or its FLORES-200 code (`ibo_Latn`); None for anything else."""
    return LANGUAGES.get(code) or nllb_languages().get(code) or _by_flores().get(code)


def language(code: str) -> Language:
    """The same, where it must be one. Raises ConfigError for anything else, naming the codes that come near."""
    found = find_language(code)
    if found is None:
        near = _near(code)
        meant = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(LANGUAGES)}, or another code;"
        raise ConfigError(f"unknown language {code!r}: {meant} `polyrefuse languages --all` lists the codes")
    return found


def language_codes(asked: str | Iterable[str]) -> list[str]:
    """The codes of languages that somebody names, each once: a list of codes, or a text of them with commas between.

    Raises ConfigError for a language that there is not, and where none is named.
    """
    names = [name.strip() for name in asked.split(",") if name.strip()] if isinstance(asked, str) else asked
    codes = list(dict.fromkeys(language(name).code for name in names))
    if not codes:
        raise ConfigError(f"no language is named: name some of {', '.join(LANGUAGES)}")
    return codes


def _near(code: str) -> list[str]:
    """Languages that somebody may have meant, `ja (Japanese)`: by a tag (DE, de-AT), by the first letters of a code
    (jp, deu), by a name (german), or by either with a slip in it."""
    from polyrefuse_data.languages.tags import language_of_tag

    wanted = code.casefold()
    every = nllb_languages().values()
    if tagged := language_of_tag(code):
        found = [tagged]
    elif len(wanted) <= _SHORT_CODE:
        found = [known for known in every if wanted and known.flores.startswith(wanted)]
    else:
        called = {name.casefold(): known for known in every for name in (known.flores, known.name)}
        found = [called[slip] for slip in [wanted] * (wanted in called) or get_close_matches(wanted, called, 3, _ALIKE)]
    return [f"{known.code} ({known.name})" for known in found[:3]]


def describe_languages(everything: bool = False) -> list[dict[str, str]]:
    """What `polyrefuse languages` prints: the paper's 14 languages, or all of NLLB-200."""
    return [
        {"code": known.code, "flores": known.flores, "script": known.script, "name": known.name}
        for known in (nllb_languages() if everything else LANGUAGES).values()
    ]
