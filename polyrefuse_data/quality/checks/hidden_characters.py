"""hidden_characters: invisible characters (text/invisible.py), control characters, look-alike letters of another
script, and mojibake.

Texts are scored without invisible characters (batch.visible). There are two scores, so that a harmless trace does not
cost a row: published datasets contain pairs of zero-width spaces that a web translator left before a word (5% of the
Dutch rows), files begin with a byte order mark, web pages contain soft hyphens. Those are only flagged; everything else
rejects.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.checks.base import Check, Scores, score_of, traits_signature
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.text.invisible import INVISIBLE, hidden_places
from polyrefuse_data.text.mojibake import FOLLOWS_LEAD, lost_letters, misread_letters, misread_utf8

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\ufffd\ue000-\uf8ff]")
_TRANSLATOR_TRACE = re.compile('(?<=[\\s("])\u200b\u200b(?=\\S)|(?<=[^\\W\\d_])\u200b\u200b(?=[^\\W\\d_])')
_MOST_TRACES = 2  # no published row has more than two such pairs
_FILE_TRACE = re.compile(r"\A\ufeff|(?<=[^\W\d_]{2})\u00ad(?=[^\W\d_]{2})")
_HYPHENATED_SCRIPTS = frozenset({"Latn", "Cyrl", "Grek"})

_CYRILLIC = re.compile("[\u0400-\u04ff]")
# A word of Latin and Cyrillic letters: `pаypal` with a Cyrillic а. No published row has one.
_TWO_SCRIPTS = re.compile("[A-Za-z\u00c0-\u024f][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z\u00c0-\u024f]")
_WHERE_SUSPECTS_ARE = (range(0x10000), range(0x1B000, 0x1E000), range(0xE0000, 0xE1000))  # to look at all takes long


def hidden_characters(batch: Batch) -> Scores:
    hidden: list[float | None] = []
    damage: list[float | None] = []
    for raw, text, source, known in zip(batch.raw, batch.prose, batch.prose_en, batch.known, strict=True):
        unseen, traces, broken, misread = 0, 0, 0, 0
        if not (raw.isascii() and raw.isprintable()):
            if not _suspects().isdisjoint(set(raw)):
                unseen, traces = invisible_characters(raw[:LONGEST_TEXT], known)
                broken = broken_characters(raw[:LONGEST_TEXT])
            misread = misread_letters(text, source, known.orthography) if known else 0
        if misread and known:
            traces += min(misread, sum(map(text.count, known.traits.writing.stand_ins)))
        broken += misread + lost_letters(text, source)
        hidden.append(unseen + broken)
        damage.append(unseen - traces + broken)
    return {"hidden_characters": score_of(hidden), "damage": score_of(damage)}


@cache
def _suspects() -> frozenset[str]:
    """Characters of which a text holds one if it holds anything invisible or broken."""
    every = "".join(map(chr, chain(*_WHERE_SUSPECTS_ARE)))
    return FOLLOWS_LEAD.union(INVISIBLE.findall(every), _CONTROL.findall(every), _CYRILLIC.findall(every))


def invisible_characters(text: str, language: Language | None) -> tuple[int, int]:
    """How many characters of `text` are hidden, and how many of those are a harmless trace."""
    places = hidden_places(text, language.orthography if language else None)
    if not places:
        return 0, 0
    pairs = _TRANSLATOR_TRACE.findall(text)
    traces = 2 * len(pairs) if len(pairs) <= _MOST_TRACES else 0
    if language is None or language.script in _HYPHENATED_SCRIPTS:
        traces += len(_FILE_TRACE.findall(text))
    else:
        traces += text.startswith("\ufeff")
    return len(places), traces


def broken_characters(text: str) -> int:
    """Control characters, words of two scripts, and UTF-8 that was read as Windows-1252."""
    control = len(_CONTROL.findall(text.replace("\r\n", "\n")))
    return control + len(_TWO_SCRIPTS.findall(text)) + misread_utf8(text)


HIDDEN_CHARACTERS = Check(
    name="hidden_characters",
    description="Invisible, control or look-alike characters, or mojibake. A few harmless ones do not reject the row.",
    score=hidden_characters,
    version="2",
    settings=traits_signature,
    scores={
        "hidden_characters": "number of such characters",
        "damage": "number beyond harmless traces: a leading byte order mark, soft hyphens within words, up to two "
        "pairs of zero-width spaces from a web translator, look-alike letters that writers of the language commonly "
        "use",
    },
    thresholds=[
        Threshold(
            "hidden_characters",
            "hidden_characters",
            at_most=0,
            source="readers must see every character",
            rejects=False,
        ),
        Threshold(
            "hidden_characters",
            "damage",
            at_most=0,
            source="published rows have only harmless traces",
            name="hidden_characters_damage",
        ),
    ],
)
