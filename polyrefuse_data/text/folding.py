"""One spelling for texts and patterns alike, so that a list need not foresee apostrophes, accents and markup."""

from __future__ import annotations

import re
import unicodedata

from polyrefuse_data.text.invisible import INVISIBLE

# Stands where words were struck out: no word, and no end of a sentence.
STRUCK = "□"

_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼʻ`´ʹ′＇"), "'")
# Accents of Latin and Cyrillic letters, Arabic vowel signs and tatweel: writers (and models, in Yoruba above all) leave
# them out or get them wrong. Thai vowels and Japanese voicing marks carry the word and stay.
_MARKS = re.compile("[\u0300-\u036f\u0640\u064b-\u065f\u0670]")
_MARKUP = re.compile(r"[*_#>~]+")
_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|„[^“”"]*[“”"]|«[^»]*»|「[^」]*」|『[^』]*』|《[^》]*》')


def fold_letters(text: str) -> str:
    """NFKC, one apostrophe, lower case, without accents; safe for regular expressions too."""
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).lower()
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


def fold_reply(text: str) -> str:
    """The words of a reply in one line: letters folded, no markup, invisible characters or quoted passages.

    What stands in quotation marks is somebody else's voice (a title, a line of dialogue), unless it is the whole reply.
    """
    plain = _MARKUP.sub(" ", INVISIBLE.sub("", text))
    unquoted = _QUOTED.sub(f" {STRUCK} ", plain)
    if not any(char.isalpha() for char in unquoted):
        unquoted = plain.strip(' "“”„«»「」『』')
    return " ".join(fold_letters(unquoted).split())
