"""Invisible characters, and their legitimate uses.

Zero-width and bidirectional controls, soft hyphens, byte order marks, fillers, variation selectors and tags. Some
belong to the spelling: joiners in Persian, marks and isolates in right-to-left text, breaks between Thai words, emoji.
All others are traces of tools, or hide something.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from polyrefuse_data.text.scripts import Orthography

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)

_EMOJI = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff"
)
_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ANYWHERE = (
    rf"(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])",
    "(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f",  # the flag of Scotland
    f"(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]",
)

# Joiners are letters, as it were, of Indic scripts (and of Persian, Urdu and their like, which say so themselves).
_JOINING_SCRIPTS = frozenset(
    {"Deva", "Beng", "Gujr", "Guru", "Knda", "Mlym", "Orya", "Sinh", "Taml", "Telu", "Mymr", "Khmr"}
)
# Arabic has two uses for them: a letter by itself in its joined form, and a word that runs on in another script.
_ARABIC = "\u0620-\u065f\u066e-\u06d3"
_ARABIC_JOINERS = (
    rf"(?<=\W[{_ARABIC}])\u200d(?!\w)|(?<=[{_ARABIC}])[\u200c\u200d](?=[A-Za-z0-9])"
    rf"|(?<=[A-Za-z0-9])[\u200c\u200d](?=[{_ARABIC}])"
)

_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr"})
_OPENED = {"\u202a": "\u202c", "\u202b": "\u202c", "\u2066": "\u2069", "\u2067": "\u2069", "\u2068": "\u2069"}
_CLOSED = frozenset(_OPENED.values())

# Scripts without spaces, in which zero-width spaces may part the words: all of them, and never within a syllable.
_BROKEN_SCRIPTS = frozenset({"Thai", "Laoo", "Khmr", "Mymr"})
_BREAK = "\u200b"
_LEADING_VOWELS = frozenset("เแโใไເແໂໃໄ\u17d2\u1039")
_TRAILING_VOWELS = frozenset("ะาำๅๆະາຳໆ")
_SILENCER = "\u0e4c"  # thanthakhat, on the last letters of a word
_LETTERS = re.compile(r"[^\W\d_A-Za-z]+")
_LONGEST_WORD = 12  # base letters


def hidden_places(text: str, written: Orthography | None) -> list[int]:
    """Where `text` contains invisible characters that this writing does not need."""
    places = [match.start() for match in INVISIBLE.finditer(text)]
    if not places:
        return places
    lawful = {place for match in _lawful(written).finditer(text) for place in range(*match.span())}
    if written is not None and written.script in _RIGHT_TO_LEFT:
        lawful |= _balanced(text, places)
    if written is not None and written.script in _BROKEN_SCRIPTS:
        lawful |= _word_breaks(text, places)
    return [place for place in places if place not in lawful]


def without_hidden(text: str, written: Orthography | None) -> str:
    """The text without the characters at `hidden_places`: what a new translation becomes before it is a row."""
    hidden = set() if text.isascii() else set(hidden_places(text, written))
    return "".join(character for place, character in enumerate(text) if place not in hidden) if hidden else text


@lru_cache
def _lawful(written: Orthography | None) -> re.Pattern[str]:
    """The legitimate uses that the neighbouring characters show."""
    uses = [*_ANYWHERE]
    if written is not None and written.script in _RIGHT_TO_LEFT:
        uses.append("[\u061c\u200e\u200f]")
    if written is not None:
        if written.joiners or written.script in _JOINING_SCRIPTS:
            uses.append("[\u200c\u200d]")
        elif written.script == "Arab":
            uses.append(_ARABIC_JOINERS)
    return re.compile("|".join(uses))


def _balanced(text: str, places: list[int]) -> set[int]:
    """Embeddings and isolates that are closed, and their ends. Not overrides, which reverse words."""
    found: set[int] = set()
    opened: list[int] = []
    for place in places:
        if text[place] in _OPENED:
            opened.append(place)
        elif text[place] in _CLOSED and opened and _OPENED[text[opened[-1]]] == text[place]:
            found |= {opened.pop(), place}
    return found


def _word_breaks(text: str, places: list[int]) -> set[int]:
    """Zero-width spaces that separate all words of a text. A few in a long run of letters separate nothing."""
    breaks = [place for place in places if text[place] == _BREAK]
    around = [(text[max(0, place - 1) : place], text[place + 1 : place + 3]) for place in breaks]
    possible = all(before and after and _parts_words(before, after) for before, after in around)
    letters = "".join(c for c in text if not _is_mark(c))
    longest = max(map(len, _LETTERS.findall(letters)), default=0)
    return set(breaks) if possible and longest <= _LONGEST_WORD else set()


def _parts_words(before: str, after: str) -> bool:
    """Whether a word may end with `before` and the next begin with `after` (two characters)."""
    within = _is_mark(after[0]) or after[0] in _TRAILING_VOWELS or after[1:] == _SILENCER
    return before not in _LEADING_VOWELS and not within


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def visible(text: str) -> str:
    """NFC without invisible characters: what a reader sees, and what is scored."""
    if text.isascii():
        return text
    return INVISIBLE.sub("", unicodedata.normalize("NFC", text))
