"""Mojibake: text whose bytes were read in another encoding than they were written in.

Two signs. UTF-8 that was read as Windows-1252 becomes valid UTF-8 again when written as such. And any misreading puts
into words what the language does not write there: letters of another alphabet, symbols, capitals after small letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from polyrefuse_data.text.clauses import QUESTION_MARKS
from polyrefuse_data.text.scripts import Orthography


def _bytes_as(codec: str, first: int, last: int) -> str:
    """A character class of the bytes from `first` to `last`, as `codec` reads them."""
    return "[" + "".join(re.escape(bytes([byte]).decode(codec, "ignore")) for byte in range(first, last + 1)) + "]"


def _letters(*ranges: tuple[int, int]) -> str:
    return "".join(filter(str.isalpha, map(chr, (point for first, end in ranges for point in range(first, end)))))


# UTF-8 read as Latin-1 or Windows-1252: a lead byte followed by continuation bytes, as characters. Not of Syriac,
# Thaana and N'Ko (0xDC to 0xDF), which would be the end of a quotation: `süß“`.
_CONTINUATION = f"[\x80-\xbf{_bytes_as('cp1252', 0x80, 0x9F)[1:]}"
FOLLOWS_LEAD = frozenset("".join(map(chr, range(0x80, 0xC0))) + bytes(range(0x80, 0xA0)).decode("cp1252", "ignore"))
_MISREAD = re.compile(f"[\xc2-\xdb]{_CONTINUATION}|[\xe0-\xef]{_CONTINUATION}{{2}}|[\xf0-\xf4]{_CONTINUATION}{{3}}")

# Letters beyond ASCII that names and loans of Western European languages pass around.
_WESTERN_GUESTS = "áàâãäåæçéèêëíîïñóôöøúûü"
SPACED_SCRIPTS = {
    "Latn": _letters((0xC0, 0x2C2), (0x1D00, 0x1DC0), (0x1E00, 0x1F00), (0xA720, 0xA800)),  # of Africa, of phonetics
    "Cyrl": _letters((0x400, 0x530), (0x1C80, 0x1C90)),
    "Arab": _letters((0x600, 0x780), (0x870, 0x900), (0xFB50, 0xFE00), (0xFE70, 0xFEFD)),
}
_EVERYWHERE = "".join(map(chr, range(128))) + "\xa0\u202f“”„‚‘’«»‹›–—…¿¡ʼʻ،؛؟٪"

# What no word of a spaced script holds, and what stands behind none. Neither holds the marks of everyday prose that
# touch words (quotation marks, ®, ™, m², 20 °C), nor what stands between the single letters of a formula.
_LETTER = r"[^\W\d_]"
_BOXES = "\u2500-\u259f"
_SIGNS = "¢£¤¥¦§¨©¬®¯°±²³´¶¸¹¼½¾¿¡÷‰•†‡€™№⌐◊„‚”‹›\u02c6-\u02dd\u2200-\u22ff\uff61-\uff9f"
_MARKS = _SIGNS + _BOXES
_INSIDE = re.compile(rf"[{_MARKS}](?:(?<={_LETTER}{_LETTER}.)(?={_LETTER})|(?<={_LETTER}.)(?={_LETTER}{_LETTER}))")
_BEHIND = re.compile(
    rf"[¢¤¦¨¬¯±´¶¸¹¼½¾÷†‡⌐„‚\u02c6-\u02dd{_BOXES}](?<={_LETTER}.)|[{_BOXES}](?={_LETTER})"
    rf"|[√¬{_BOXES}](?=[{_SIGNS}ªº\u00c0-\u00ff])|·(?=[{_SIGNS}ªºπ])"
)
_CAPITALS = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞĀĂĄĆČĎĐĒĘĚĞĢĪĮİĶĹĽŁŃŇŌŐŒŔŘŚŞŠŢŤŪŮŰŲŸŹŻŽ")
_CAPITAL_INSIDE = re.compile(f"[{''.join(sorted(_CAPITALS))}](?<=[a-zß-öø-ÿ].)")
_QUOTES = frozenset("„‚”‹›¿¡·")  # marks of everyday prose, broken ones of words
_NAME_BEGINS = 4  # letters
_FOLDED = str.maketrans("łøđæœßı", "lodaosi")

# Where letters became question marks. Where sentences may follow a question without a space, it takes two marks in a
# row, or more questions than the prompt asks.
_ALPHABETIC = "A-Za-zªº\u00c0-\u024f\u0370-\u052f\u0600-\u06ff\u1e00-\u1fff"
_QUESTIONED = re.compile(rf"\?(?<=[{_ALPHABETIC}].)(?=[a-z\u00df-\u00ff\u0430-\u045f])|\?{{2,}}(?={_LETTER})")
_QUESTIONED_START = re.compile(rf"(?<![^\s\"'(«“„])\?(?={_LETTER})")
_QUESTIONED_EDGE = re.compile(
    rf"{_QUESTIONED_START.pattern}|(?<={_LETTER})\?(?={_LETTER}|[.,;:]| \?)|\? (?=[a-z\u00df-\u00ff\u0430-\u045f])"
)

# Cyrillic letters keep no case when one Cyrillic encoding is read as another.
_CASE_LOST = re.compile("[а-џ][А-Я]")
_CAPITAL = re.compile("[А-Я]")
_MOST_CASE_LOST = 1  # кВт, мРНК

_CJK = re.compile("[가-힣\u3400-\u9fff]")


def misread_utf8(text: str) -> int:
    """The number of runs of characters that are valid UTF-8 when written as Windows-1252 or Latin-1."""
    return sum(_is_utf8(match.group()) for match in _MISREAD.finditer(text))


def lost_letters(text: str, source: str) -> int:
    """The number of question marks that replace letters an encoding lacks, within and at the edge of words."""
    if "?" not in text:
        return 0
    lost = len(_QUESTIONED.findall(text)) - len(_QUESTIONED.findall(source))
    if _questions(text) > _questions(source):
        lost = max(lost, 0) + len((_QUESTIONED_EDGE if source else _QUESTIONED_START).findall(text))
    return max(0, lost)


def misread_letters(text: str, source: str, written: Orthography) -> int:
    """The number of characters in words of `text` that its language does not write there, minus those that `source` has
    too."""
    if written.encodings:
        return _rare_characters(text, source, written)
    quiet = _quiet(written)
    if quiet is None:
        return 0
    characters = set(text)
    odd = characters - quiet
    if odd:
        odd.difference_update(source)
    found = []
    if not _CAPITALS.isdisjoint(characters):
        found += [match.start() for match in _CAPITAL_INSIDE.finditer(text)]
    if odd or not _QUOTES.isdisjoint(characters):
        found += [match.start() for sign in (_INSIDE, _BEHIND) for match in sign.finditer(text)]
    for character in filter(_is_letter, odd):
        found += [match.start() for match in _touching(character, written.script).finditer(text)]
    broken = sum(text[place] not in source and not _is_name(source, text, place) for place in found)
    return broken + (_lost_cases(text) if written.script == "Cyrl" and not _CASE_LOST.search(source) else 0)


def _questions(text: str) -> int:
    return sum(map(text.count, QUESTION_MARKS))


def _is_utf8(run: str) -> bool:
    try:
        bytes(ord(c) if ord(c) < 256 else c.encode("cp1252")[0] for c in run).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@lru_cache
def _quiet(written: Orthography) -> frozenset[str] | None:
    """Characters that a text may contain anywhere; None for scripts without spaces."""
    if written.script not in SPACED_SCRIPTS:
        return None
    letters = SPACED_SCRIPTS[written.script] if written.letters is None else letters_of_words(written)
    return frozenset(letters + letters.upper() + _EVERYWHERE)


def letters_of_words(written: Orthography) -> str:
    """Letters beyond ASCII in the words, names and loans of a language, in lower case, as far as its pack names them.
    In Latin script, names have those of Western Europe unless the pack says otherwise."""
    guests = written.guest_letters
    if guests is None:
        guests = _WESTERN_GUESTS if written.script == "Latn" else ""
    return (written.letters or "") + guests


@lru_cache(maxsize=1024)
def _touching(character: str, script: str) -> re.Pattern[str]:
    """`character`, an odd letter, where it does not belong: in a word of `script`, or anywhere in a Latin text."""
    own = f"A-Za-z{SPACED_SCRIPTS[script]}" if script == "Latn" else SPACED_SCRIPTS[script]
    if unicodedata.name(character, "").startswith("GREEK"):  # Δt, kΩ, α
        return re.compile(rf"(?<=[{own}]){character}(?=[{own}])|(?<=[{own}]{{2}}){character}")
    if script == "Latn":
        return re.compile(character)
    return re.compile(rf"(?<=[{own}]){character}|{character}(?=[{own}])")


def _is_letter(character: str) -> bool:
    """Whether it is a letter, and not a sign made of one: ª, µ, ℝ, ﬁ, ᵉ."""
    return character.isalpha() and unicodedata.normalize("NFKC", character) == character


def _lost_cases(text: str) -> int:
    """Capitals after small letters, if there are several or the text is mostly capitals."""
    lost = len(_CASE_LOST.findall(text))
    capitals = len(_CAPITAL.findall(text)) if lost else 0
    return lost if lost > _MOST_CASE_LOST or 2 * capitals > sum(map(str.isalpha, text)) else 0


def _is_name(source: str, text: str, place: int) -> bool:
    """Whether the Latin letter at `place` is in a word that begins in the same way in `source`, accents aside."""
    if not unicodedata.name(text[place], "").startswith("LATIN"):
        return False
    start, end = place, place + 1
    while start and text[start - 1].isalpha():
        start -= 1
    while end < len(text) and end < start + _NAME_BEGINS and text[end].isalpha():
        end += 1
    return end - start > 1 and _folded(text[start:end]) in _folded(source)


@lru_cache(maxsize=256)
def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower()).translate(_FOLDED)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _rare_characters(text: str, source: str, written: Orthography) -> int:
    if _is_everyday(text, written.encodings):
        return 0
    rare = [c for c in _CJK.findall(text) if c not in source and not _is_everyday(c, written.encodings)]
    return len(rare) if len(rare) > written.rare_characters else 0


def _is_everyday(text: str, encodings: Sequence[str]) -> bool:
    for codec in encodings:
        try:
            text.encode(codec)
        except UnicodeEncodeError:
            continue
        return True
    return False
