"""hidden_characters: what a reader does not see (zero-width, bidirectional and control characters, letters of another
script that look alike), and mojibake.

Texts are scored without them (batch.visible). Two scores, so that a harmless trace does not cost a row: published sets
carry pairs of zero-width spaces that a web translator left in front of a word (5% of the Dutch rows); those are shown,
and anything that breaks a word, hides in greater number or is not a zero-width space at all rejects.
"""

from __future__ import annotations

import re

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.batch import INVISIBLE, LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of
from polyrefuse_data.spans import without_spans

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\ufffd\ue000-\uf8ff]")
_TRANSLATOR_TRACE = re.compile('(?<=[\\s("])\u200b\u200b(?=\\S)|(?<=[^\\W\\d_])\u200b\u200b(?=[^\\W\\d_])')
_MOST_TRACES = 2  # no published row has more than two such pairs

# Joiners belong to the spelling of these: Indic scripts, and Persian, Urdu and their like.
_JOINERS = re.compile("[\u200c\u200d]")
_JOINING_SCRIPTS = frozenset(
    {"Deva", "Beng", "Gujr", "Guru", "Knda", "Mlym", "Orya", "Sinh", "Taml", "Telu", "Mymr", "Khmr"}
)
_JOINING_LANGUAGES = frozenset({"pes", "prs", "urd", "ckb", "snd", "uig", "pbt", "azb"})
_EMOJI_JOINER = re.compile("(?<=[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d")
_DIRECTION_MARKS = re.compile("[\u200e\u200f]")  # ordinary typing in right-to-left scripts
_RIGHT_TO_LEFT = frozenset({"Arab", "Hebr"})

# A word of Latin and Cyrillic letters: `pаypal` with a Cyrillic а. No published row has one.
_TWO_SCRIPTS = re.compile("[A-Za-z\u00c0-\u024f][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z\u00c0-\u024f]")
_QUESTIONED = re.compile(r"(?<=[^\W\d_])\?(?=[^\W\d_])")  # a letter that no longer fitted: `Erkl?ren`


def _bytes_as(codec: str, first: int, last: int) -> str:
    """A character class of the bytes from `first` to `last` as `codec` reads them."""
    return "[" + "".join(re.escape(bytes([byte]).decode(codec, "ignore")) for byte in range(first, last + 1)) + "]"


# UTF-8 read as Latin-1 or Windows-1252: a lead byte followed by continuation bytes, as characters.
_CONTINUATION = f"[\x80-\xbf{_bytes_as('cp1252', 0x80, 0x9F)[1:]}"
_MOJIBAKE = re.compile(f"[\xc2-\xdf]{_CONTINUATION}|[\xe0-\xef]{_CONTINUATION}{{2}}|[\xf0-\xf4]{_CONTINUATION}{{3}}")

# UTF-8 read in yet another encoding: accented Latin letters and typographic marks alone, since other scripts fail the
# script check when they are misread, and since a Russian text holds such pairs by chance.
_OTHER_CODECS = ("cp1250", "cp1251", "koi8-r", "mac-roman", "cp437", "cp850")
_MISREAD_LATIN = re.compile(
    "|".join(
        f"{_bytes_as(codec, 0xC2, 0xC5)}{_bytes_as(codec, 0x80, 0xBF)}"
        f"|{_bytes_as(codec, 0xE1, 0xE2)}{_bytes_as(codec, 0x80, 0xBF)}{{2}}"
        for codec in _OTHER_CODECS
    )
)


def hidden_characters(batch: Batch) -> Scores:
    """`hidden_characters`: how many there are; `damage`: how many of them are more than a translator's trace."""
    hidden: list[float | None] = []
    damage: list[float | None] = []
    for raw, source, known in zip(batch.raw, batch.text_en, batch.known, strict=True):
        count, traces = (0, 0) if raw.isascii() and raw.isprintable() else inspect(raw[:LONGEST_TEXT], known)
        if "?" in raw and not _QUESTIONED.search(source[:LONGEST_TEXT]):
            count += len(_QUESTIONED.findall(without_spans(raw[:LONGEST_TEXT])))
        hidden.append(count)
        damage.append(count - traces)
    return Scores({"hidden_characters": score_of(hidden), "damage": score_of(damage)})


def inspect(text: str, language: Language | None) -> tuple[int, int]:
    """How many characters of `text` are hidden or broken, and how many of these are a translator's trace."""
    if language is not None and (
        language.script in _JOINING_SCRIPTS or language.flores.split("_")[0] in _JOINING_LANGUAGES
    ):
        text = _JOINERS.sub("", text)
    if language is not None and language.script in _RIGHT_TO_LEFT:
        text = _DIRECTION_MARKS.sub("", text)
    text = _EMOJI_JOINER.sub("", text)
    invisible = len(INVISIBLE.findall(text))
    traces = 2 * len(_TRANSLATOR_TRACE.findall(text)) if invisible else 0
    if traces > 2 * _MOST_TRACES:
        traces = 0
    broken = len(_CONTROL.findall(text.replace("\r\n", "\n"))) + len(_TWO_SCRIPTS.findall(text)) + mojibake(text)
    if language is not None and language.script == "Latn":
        broken += len(_MISREAD_LATIN.findall(text))
    return invisible + broken, traces


def mojibake(text: str) -> int:
    """Runs of characters that are UTF-8 once more when written as Windows-1252 or Latin-1."""
    return sum(_is_utf8(match.group()) for match in _MOJIBAKE.finditer(text))


def _is_utf8(run: str) -> bool:
    try:
        bytes(ord(c) if ord(c) < 256 else c.encode("cp1252")[0] for c in run).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


CHECK = Check("hidden_characters", hidden_characters)
