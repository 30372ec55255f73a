"""Language tags as other tools write them (`EN-us`, `zh_TW`, `deu_Latn`, `GER`, `de_DE.UTF-8`, `English`): which of our
languages they mean."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from polyrefuse_data.languages import Language, find_language
from polyrefuse_data.languages.registry import all_languages

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}))?(?:-|$)",
    re.IGNORECASE,
)
_WELL_FORMED = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*", re.IGNORECASE)
_POSIX = re.compile(r"(?P<locale>[^.@]+)(?:\.[\w-]+)?(?:@(?P<modifier>\w+))?")  # de_DE.UTF-8@euro

# Scripts that are another one's parts and name: Korean is written in Hangul, with a rare Han character.
_SAME_SCRIPTS = {"Kore": "Hang"}
_MODIFIERS = {"latin": "Latn", "cyrillic": "Cyrl", "devanagari": "Deva", "arabic": "Arab"}  # of POSIX locales
_SCRIPTS = {**_MODIFIERS, "simplified": "Hans", "traditional": "Hant"}  # by name
_SCRIPT = "|".join(_SCRIPTS)
# Chinese (Simplified), German (Austria); Simplified Chinese
_QUALIFIED = re.compile(r"(?P<name>[^\W\d_][^()]*) \((?P<by>[^()]+)\)")
_WITH_SCRIPT = re.compile(rf"(?P<by>{_SCRIPT}) (?P<name>[^()]+)", re.IGNORECASE)
_OLD_CHINESE = re.compile(r"(?<=-)ch(?=[ts]$)|(?<=-)ch(?=[ts]-)", re.IGNORECASE)  # .NET's zh-CHT and zh-CHS

# ISO 639-2 where it is not ISO 639-3: bibliographic codes, and macrolanguages by the language that FLORES has of them.
# Also codes that models have of old (iw, jap), or that say no more than another one (cmn, fil, no).
_ISO_639_2 = {
    "alb": "als", "ara": "arb", "arm": "hye", "aze": "azj", "baq": "eus", "bur": "mya", "chi": "zho", "cze": "ces",
    "dut": "nld", "fas": "pes", "fre": "fra", "geo": "kat", "ger": "deu", "gre": "ell", "ice": "isl", "kur": "kmr",
    "lav": "lvs", "mac": "mkd", "mao": "mri", "may": "zsm", "mlg": "plt", "mon": "khk", "msa": "zsm", "nor": "nob",
    "ori": "ory", "per": "pes", "pus": "pbt", "rum": "ron", "slo": "slk", "sqi": "als", "swa": "swh", "tib": "bod",
    "uzb": "uzn", "wel": "cym", "yid": "ydd",
    "cmn": "zho", "fil": "tgl", "iw": "heb", "jap": "jpn", "no": "nob",
}  # fmt: skip


@lru_cache(maxsize=1024)
def language_of_tag(tag: str) -> Language | None:
    """The language of a BCP-47 tag, FLORES-200 or ISO 639-2 code, POSIX locale or name, in any case, with `-` or `_`;
    None where it is none of ours.

    A region does not matter (pt-BR is Portuguese) unless it implies the script (zh-TW is zh-Hant). A script does
    matter: a language in another script than ours (sr-Latn) is not ours.
    """
    if known := find_language(tag):
        return known
    if named := _of_name(tag.strip().casefold()):
        return named
    posix = _POSIX.fullmatch(tag.replace("_", "-"))
    match = _TAG.match(_OLD_CHINESE.sub("Han", posix["locale"])) if posix else None
    if match is None or posix is None:
        return None
    names = [name.lower() for name in (match["extended"], match["language"]) if name]
    script = (match["script"] or _MODIFIERS.get((posix["modifier"] or "").lower(), "")).capitalize()
    script = _SAME_SCRIPTS.get(script, script) or _script_of_region(names[-1], (match["region"] or "").upper())
    for name in names:
        if not script:
            found = find_language(name) or _by_iso_code().get(_ISO_639_2.get(name, name))
        else:
            own = _by_iso_code().get(_ISO_639_2.get(name, name))
            codes = [f"{name}-{script}", f"{name}_{script}", name, *([own.code, f"{own.code}-{script}"] if own else ())]
            of_script = map(find_language, codes)
            found = next((known for known in of_script if known and known.script == script), None)
        if found:
            return found
    return None


def code_of(tag: str | None) -> str | None:
    """Our code of the language that a tag means (see `language_of_tag`); what means none of ours stays as it is."""
    known = language_of_tag(tag.strip()) if tag else None
    return known.code if known else tag


def is_tag(tag: str) -> bool:
    """Whether something could be the tag of a language, of ours or of any other."""
    return _WELL_FORMED.fullmatch(tag.replace("_", "-").partition(".")[0].partition("@")[0]) is not None


def _script_of_region(code: str, region: str) -> str:
    """The script of a region that writes the language in another one than the language alone would say."""
    known = find_language(code) or _by_iso_code().get(_ISO_639_2.get(code, code))
    return known.traits.writing.regions.get(region, "") if known else ""


@cache
def _by_iso_code() -> dict[str, Language]:
    """Languages by the first part of their FLORES code, ISO 639-3; of two scripts the one whose code names none."""
    ordered = sorted(all_languages().values(), key=lambda known: (not known.pack, "-" in known.code))
    return {known.flores.partition("_")[0]: known for known in reversed(ordered)}


def _of_name(name: str) -> Language | None:
    """The language of a name, alone or with a script or region. A region tells nothing of a language whose script
    depends on it: those need the script."""
    known = _by_name().get(name)
    qualified = _QUALIFIED.fullmatch(name) or _WITH_SCRIPT.fullmatch(name)
    if known or qualified is None:
        return known
    found = _by_name().get(qualified["name"])
    script = _SCRIPTS.get(qualified["by"].removesuffix(" script"))
    if found is None or (script is None and found.traits.writing.regions):
        return None
    if script is None or found.script == script:
        return found
    alike = (known for known in all_languages().values() if known.name.partition(" (")[0] == found.name)
    return next((known for known in alike if known.script == script), None)


@cache
def _by_name() -> dict[str, Language]:
    """Languages by their English names, and by those of the packs in themselves; `Chinese` is the simplified one."""
    found: dict[str, Language] = {}
    for known in sorted(all_languages().values(), key=lambda known: not known.pack):
        own = known.traits.labels.own if known.pack else []
        for name in (known.name, known.name.partition(" (")[0], *own):
            found.setdefault(name.casefold(), known)
    return found
