"""The known languages: those with a pack in this folder, those of NLLB-200, and those of plugged-in packs.

The table languages.tsv names every language of NLLB-200. A pack describes one of them, or adds a language.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import ModuleType

from polyrefuse_data import plugins
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages.language import Language

SOURCE_LANGUAGE = "en"
TRAITS = "traits.toml"  # what makes a folder a pack
PACKS_VARIABLE = "POLYREFUSE_PACKS"  # folders of packs to use; also how processes that this one starts learn of them

_SHORT_CODE = 3  # letters; in so short a code every slip is another code
_ALIKE = 0.75  # of difflib's ratio, from which on a name may be another one's slip: germn, igbo_Latn
_HERE = Path(__file__).parent


def _read_table() -> dict[str, Language]:
    with (_HERE / "languages.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    packs = {path.parent.name: path.parent for path in _HERE.glob(f"*/{TRAITS}")}
    return {
        row["code"]: Language(
            row["code"], row["flores"], row["name"], tuple(row["aliases"].split()), row["facts"], packs.get(row["code"])
        )
        for row in rows
    }


_TABLE = _read_table()
_BY_FLORES = {known.flores: known for known in _TABLE.values()}
_added: dict[str, Language] = {}  # packs from outside, by BCP-47 and by FLORES code

# The paper's 14 languages, which have packs here: English, then the others by their codes.
LANGUAGES: dict[str, Language] = {
    code: _TABLE[code]
    for code in sorted((c for c in _TABLE if _TABLE[c].pack), key=lambda code: (code != SOURCE_LANGUAGE, code))
}
TARGET_LANGUAGES: tuple[str, ...] = tuple(code for code in LANGUAGES if code != SOURCE_LANGUAGE)


def nllb_languages() -> dict[str, Language]:
    """The 202 languages of NLLB-200 by BCP-47 code, the paper's 14 among them, in the order of their FLORES codes."""
    return dict(_TABLE)


def language_packs() -> dict[str, Language]:
    """The languages with a pack, by BCP-47 code: the 14 of this package, then those from outside."""
    outside = [*_installed().values(), *_added.values()]  # each under two codes
    return {**LANGUAGES, **{known.code: known for known in outside}}


def all_languages() -> dict[str, Language]:
    """Every known language, by BCP-47 code."""
    return {**_TABLE, **language_packs()}


def find_language(code: str) -> Language | None:
    """A language by its BCP-47 code (`ig`) or its FLORES-200 code (`ibo_Latn`); None for anything else."""
    known = _added.get(code) or LANGUAGES.get(code) or _BY_FLORES.get(code)
    if known is not None and known.pack:
        return known
    return _installed().get(code) or known or _TABLE.get(code)


def language(code: str) -> Language:
    """A language by its code. Raises ConfigError for an unknown one, naming similar codes."""
    found = find_language(code)
    if found is None:
        near = _near(code)
        meant = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(LANGUAGES)}, or another code;"
        raise ConfigError(
            f"unknown language {code!r}: {meant} `polyrefuse languages --all` lists the codes; "
            "a language beyond these needs a pack (docs/add-a-language.md)"
        )
    return found


def language_codes(asked: str | Iterable[str]) -> list[str]:
    """The codes of the requested languages without duplicates: a list of codes, or a comma-separated string.

    Raises ConfigError for an unknown language, or if none is given.
    """
    names = [name.strip() for name in asked.split(",") if name.strip()] if isinstance(asked, str) else asked
    codes = list(dict.fromkeys(language(name).code for name in names))
    if not codes:
        raise ConfigError(f"no language given: name some of {', '.join(LANGUAGES)}")
    return codes


def _near(code: str) -> list[str]:
    """Languages that may have been meant, as `ja (Japanese)`: from a tag (DE, de-AT), the first letters of a code (jp,
    deu), a name (german), or a misspelling."""
    from polyrefuse_data.languages.tags import language_of_tag

    wanted = code.casefold()
    every = all_languages().values()
    if tagged := language_of_tag(code):
        found = [tagged]
    elif len(wanted) <= _SHORT_CODE:
        found = [known for known in every if wanted and known.flores.startswith(wanted)]
    else:
        called = {name.casefold(): known for known in every for name in (known.flores, known.name)}
        found = [called[slip] for slip in [wanted] * (wanted in called) or get_close_matches(wanted, called, 3, _ALIKE)]
    return [f"{known.code} ({known.name})" for known in found[:3]]


def add_pack(folder: Path) -> Language:
    """Use the language pack in a folder from now on. Raises ConfigError if it is not one."""
    known = read_pack(folder.absolute())
    _added.update({known.code: known, known.flores: known})
    os.environ[PACKS_VARIABLE] = os.pathsep.join(dict.fromkeys(str(other.pack) for other in _added.values()))
    return known


def read_pack(folder: Path) -> Language:
    """Read the language of a pack, named by its traits or else by languages.tsv."""
    from polyrefuse_data.languages.traits import Traits, read_part

    path = folder / TRAITS
    traits = read_part(Traits, path)
    known = _TABLE.get(traits.code)
    flores, name = traits.flores or (known.flores if known else ""), traits.name or (known.name if known else "")
    if not flores or not name:
        raise ConfigError(f"{path}: {traits.code} is not an NLLB-200 language: also give `flores` and `name`")
    return Language(traits.code, flores, name, tuple(traits.aliases) or (known.aliases if known else ()), "", folder)


def language_or_pack(name: str) -> Language:
    """A language by its code, or from a pack (a folder or plug-in), which is used from now on."""
    if plugins.is_reference(name):
        return add_pack(plugged_pack(name))
    return add_pack(Path(name)) if Path(name).is_dir() else language(name)


def plugged_pack(name: str) -> Path:
    """The folder of a pack named as a plug-in: `module:NAME`, or an entry point of the group.

    Raises ConfigError for an unknown name, PluginError if it cannot be loaded or is not a folder.
    """
    plugin = plugins.load(plugins.LANGUAGES, name, "languages.packs", ())
    if isinstance(plugin.value, ModuleType):
        return Path(str(plugin.value.__file__)).parent
    folder = Path(plugin.of_kind((str, Path), "the folder of a language pack"))
    if not folder.is_dir():
        raise plugin.error(f"{folder} is not a folder")
    return folder


def packs_digest(*parts: str) -> str:
    """8 hex digits over these files in all packs, on which scores depend."""
    lines = [
        f"{code} {part} {known.digest(part)}" for code, known in sorted(language_packs().items()) for part in parts
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]


@cache
def _installed() -> dict[str, Language]:
    """Packs of installed distributions, by BCP-47 and FLORES code; none replaces one of this package."""
    found = [read_pack(plugged_pack(name)) for name in plugins.installed(plugins.LANGUAGES)]
    return {code: known for known in found if known.code not in LANGUAGES for code in (known.code, known.flores)}


def describe_languages(everything: bool = False) -> list[dict[str, str]]:
    """The table of `polyrefuse languages`: the languages with a pack, or all."""
    return [
        {"code": known.code, "flores": known.flores, "script": known.script, "name": known.name}
        for known in (all_languages() if everything else language_packs()).values()
    ]


for _folder_given in filter(None, os.environ.get(PACKS_VARIABLE, "").split(os.pathsep)):
    add_pack(Path(_folder_given))
