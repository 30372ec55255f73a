"""Maps language tags of other tools (`EN-us`, `zh_TW`, `deu_Latn`) to our languages."""

from __future__ import annotations

import re
from functools import lru_cache

from polyrefuse_data.languages import Language, find_language

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}))?(?:-|$)",
    re.IGNORECASE,
)

# Scripts that are another one's parts and name: Korean is written in Hangul, with a rare Han character.
_SAME_SCRIPTS = {"Kore": "Hang"}


@lru_cache(maxsize=1024)
def language_of_tag(tag: str) -> Language | None:
    """The language of a BCP-47 tag or FLORES-200 code, in any case, with `-` or `_`; None if it is not one of ours.

    A region does not matter (pt-BR is Portuguese) unless it implies the script (zh-TW is zh-Hant). A script does
    matter: a language in another script than ours (sr-Latn) is not ours.
    """
    if known := find_language(tag):
        return known
    match = _TAG.match(tag.replace("_", "-"))
    if match is None:
        return None
    names = [name.lower() for name in (match["extended"], match["language"]) if name]
    script = (match["script"] or "").capitalize()
    script = _SAME_SCRIPTS.get(script, script) or _script_of_region(names[-1], (match["region"] or "").upper())
    for name in names:
        if not script:
            found = find_language(name)
        else:
            of_script = (find_language(code) for code in (f"{name}-{script}", f"{name}_{script}", name))
            found = next((known for known in of_script if known and known.script == script), None)
        if found:
            return found
    return None


def _script_of_region(code: str, region: str) -> str:
    """The script of a region that writes the language in another script than usual; empty for others."""
    known = find_language(code)
    return known.traits.writing.regions.get(region, "") if known else ""
