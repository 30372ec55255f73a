"""Splits a text into units that a model can take, so that joining the parts gives exactly the text again.

Protected spans (placeholders, addresses, tags, code) are never split. The places to split are searched in the text's
shade, in which each character of a span is replaced by one that is neither letter, space nor mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import cycle
from typing import NamedTuple

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language
from polyrefuse_data.text.clauses import JOINED_ENDS, SPACED_ENDS
from polyrefuse_data.text.spans import SPAN

ENGLISH = LANGUAGES[SOURCE_LANGUAGE]

# Everything that str.splitlines treats as the end of a line.
_LINE_END = re.compile(r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

_FENCE = "```"

# What stands for the characters of a span: of private use, two of them, so that neighbouring spans can be told apart.
_SHADES = "\ue000\ue001"
_SHADED = re.compile("|".join(f"{shade}+" for shade in _SHADES))

# What stands before the words of a line: indentation, quote marks, bullets, numbers of a list, heading marks. A capital
# and a full stop may be a list's ("B. Mix") or a name's ("A. Lincoln").
_LINE_START = re.compile(
    r"\s*(?:>\s*)*(?:(?:[-*+•‣◦▪–—]|#{1,6}|\(?(?:\d{1,3}|[A-Za-z])\)|\(?(?:\d{1,3}|[a-z])\.|(?P<capital>[A-Z])\.)\s+)?"
)
_CAPITAL_MARK = re.compile(r"^[ \t>]*+([A-Z])\.\s", re.MULTILINE)

_SENTENCE_END = re.compile(
    rf"""
    (?<=[{SPACED_ENDS}])["'”’»)\]]*(?P<space>\s+)(?=\S)      # Latin and alike: white space follows
  | (?<=[{JOINED_ENDS}])["'”’»」』）)\]]*(?P<wide>\s*)(?=\S)  # nothing need follow
    """,
    re.VERBOSE,
)

_LONGEST_ABBREVIATION = 16

# Where a sentence that is too long is cut, the best place first.
_CLAUSE_ENDS = (re.compile(r"[;:—]\s|[；：]"), re.compile(r",\s|[，、،]"), re.compile(r"\s"))

# What the words between two protected spans begin and end with, and no translator should see by itself.
_EDGES = ".,;:!?()[]\"'"


Abbreviations = re.Pattern[str]


@lru_cache
def _abbreviations(language: Language) -> Abbreviations:
    """What ends in a full stop within a sentence: letters, initials, and abbreviations of the language or of
    English."""
    own = language.traits.writing.abbreviations or ENGLISH.traits.writing.abbreviations
    return re.compile(rf"(?:^|[\s(])(?:[A-Za-z]|[A-Za-z](?:\.[A-Za-z])+|{own})\.$")


class Part(NamedTuple):
    """A piece of a text: translate it (`translate`), or carry it over unchanged."""

    translate: bool
    text: str


class _Piece(NamedTuple):
    """A piece of a text, and its shade, character by character."""

    text: str
    shade: str

    def between(self, begin: int, end: int | None = None) -> _Piece:
        return _Piece(self.text[begin:end], self.shade[begin:end])


def split_sentences(text: str, max_chars: int, language: Language = ENGLISH) -> list[Part]:
    """One part per sentence, of at most `max_chars`. Line ends, bullets, spacing, fenced code and longer protected
    spans are carried over."""
    return _joined(list(_sentence_parts(_piece(text), max_chars, _abbreviations(language))))


def split_long(text: str, max_chars: int, language: Language = ENGLISH) -> list[Part]:
    """The whole text as one part if it fits, else as many neighbouring sentences per part as fit."""
    whole = _piece(text)
    if len(text) <= max_chars:
        return _joined(list(_trimmed(whole)))
    parts: list[Part] = []
    begin = 0
    for end, has_words in _packs(split_sentences(text, max_chars, language), max_chars):
        pack = whole.between(begin, end)
        parts += _trimmed(pack) if has_words else [Part(False, pack.text)]
        begin = end
    return _joined(parts)


def split_around_spans(text: str, also: frozenset[str] = frozenset()) -> list[Part]:
    """The words between protected spans, each a part of its own; characters of `also` are such spans too."""
    parts: list[Part] = []
    whole, end = _piece(text), 0
    for match in _protecting(also).finditer(text):
        parts += [*_trimmed(whole.between(end, match.start()), _EDGES), Part(False, match.group())]
        end = match.end()
    return _joined([*parts, *_trimmed(whole.between(end), _EDGES)])


def _protecting(characters: frozenset[str]) -> re.Pattern[str]:
    if not characters:
        return SPAN
    these = "".join(map(re.escape, sorted(characters)))
    # Joiners and selectors of variants belong to the emoji between or after which they stand.
    return re.compile(rf"{SPAN.pattern}|[{these}](?:[{these}\u200d\ufe0f]*[{these}\ufe0f])?", SPAN.flags)


def _piece(text: str) -> _Piece:
    shades = cycle(_SHADES)
    return _Piece(text, SPAN.sub(lambda span: next(shades) * len(span.group()), text))


def _sentence_parts(whole: _Piece, max_chars: int, short: Abbreviations) -> Iterator[Part]:
    listed = set(_CAPITAL_MARK.findall(whole.shade))
    begin = 0
    for end in _LINE_END.finditer(whole.shade):
        yield from _parts_of_line(whole.between(begin, end.start()), max_chars, listed, short)
        yield Part(False, end.group())
        begin = end.end()
    yield from _parts_of_line(whole.between(begin), max_chars, listed, short)


def _parts_of_line(line: _Piece, max_chars: int, listed: set[str], short: Abbreviations) -> Iterator[Part]:
    begin = _words_begin(line.shade, listed)
    yield Part(False, line.text[:begin])
    for match in _SHADED.finditer(line.shade):
        span = line.text[match.start() : match.end()]
        if span.startswith(_FENCE) or len(span) > max_chars or _LINE_END.search(span):
            yield from _parts_of_words(line.between(begin, match.start()), max_chars, short)
            yield Part(False, span)
            begin = match.end()
    yield from _parts_of_words(line.between(begin), max_chars, short)


def _parts_of_words(words: _Piece, max_chars: int, short: Abbreviations) -> Iterator[Part]:
    for sentence, space in _sentences(words, short):
        for chunk in _chunks(sentence, max_chars):
            yield from _trimmed(chunk)
        yield Part(False, space)


def _words_begin(line: str, listed: set[str]) -> int:
    """Where the words of a line begin, after list marks. A capital and a full stop are such a mark if the letter before
    or after it marks a line too."""
    start = _LINE_START.match(line)
    if start is None:
        return 0
    capital = start["capital"]
    if capital and listed.isdisjoint({chr(ord(capital) - 1), chr(ord(capital) + 1)}):
        return start.start("capital")
    return start.end()


def _sentences(line: _Piece, short: Abbreviations) -> Iterator[tuple[_Piece, str]]:
    """(sentence, space after it) of one line."""
    begin = 0
    for match in _SENTENCE_END.finditer(line.shade):
        end = match.start("space") if match["space"] is not None else match.start("wide")
        if end > begin and not _goes_on(line.shade, begin, end, match.end(), short):
            yield line.between(begin, end), line.text[end : match.end()]
            begin = match.end()
    yield line.between(begin), ""


def _goes_on(line: str, begin: int, end: int, following: int, short: Abbreviations) -> bool:
    """Whether the sentence continues after an apparent end: a small letter follows, or an abbreviation ended."""
    next_word = line[following:].lstrip("\"'“‘«([¿¡")[:1]
    tail = line[max(begin, end - _LONGEST_ABBREVIATION) : end]
    return next_word.islower() or short.search(tail) is not None


def _chunks(sentence: _Piece, max_chars: int) -> Iterator[_Piece]:
    """Split a sentence longer than `max_chars` at clauses, at words or, if there are none, anywhere."""
    begin = 0
    while len(sentence.text) - begin > max_chars:
        cut = begin + _cut(sentence.shade[begin : begin + max_chars + 1])
        yield sentence.between(begin, cut)
        begin = cut
    yield sentence.between(begin)


def _cut(shade: str) -> int:
    """Where to split a sentence, given the shade of as much as fits plus one character. A split in the first half would
    give needlessly short pieces, so a weaker one further on is preferred."""
    window, following = shade[:-1], shade[-1]
    for ends in _CLAUSE_ENDS:
        cuts = [match.end() for match in ends.finditer(window)]
        if cuts and cuts[-1] > len(window) // 2:
            return cuts[-1]
    before_span = len(window.rstrip(following)) if following in _SHADES else 0
    return before_span or len(window)


def _packs(parts: list[Part], max_chars: int) -> Iterator[tuple[int, bool]]:
    """Where to split a text of these parts so that each pack contains as many as fit, and whether the pack before the
    split contains any words. What is carried over goes with what follows: a bullet with its sentence."""
    begin = words_end = position = 0
    for part in parts:
        start, position = position, position + len(part.text)
        if not part.translate:
            continue
        if position - begin > max_chars and words_end > begin:
            yield words_end, True
            begin = words_end
        if position - begin > max_chars:  # there is too much to carry over for one pack
            yield start, False
            begin = start
        words_end = position
    if position - begin > max_chars and words_end > begin:
        yield words_end, True
        begin = words_end
    yield position, words_end > begin


def _trimmed(piece: _Piece, marks: str = "") -> Iterator[Part]:
    """Separate white space and `marks` around the words; anything without a letter outside of spans is carried over."""
    text, shade = piece
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or text[start] in marks):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in marks):
        end -= 1
    if any(character.isalpha() for character in shade[start:end]):
        yield from (Part(False, text[:start]), Part(True, text[start:end]), Part(False, text[end:]))
    else:
        yield Part(False, text)


def _joined(parts: list[Part]) -> list[Part]:
    """The parts without empty ones, and with neighbouring carried parts joined."""
    joined: list[Part] = []
    for part in parts:
        if not part.text:
            continue
        if joined and not part.translate and not joined[-1].translate:
            joined[-1] = Part(False, joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined
