"""Cut a text into units that a model can take, so that joining the parts gives the text back to the character."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from polyrefuse_data.spans import SPAN

# Everything that str.splitlines treats as the end of a line.
_LINE_END = r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"

_FENCE = "```"

# What stands before the words of a line: indentation, quote marks, bullets, numbers of a list, heading marks.
_LINE_START = re.compile(r"\s*(?:>\s*)*(?:(?:[-*+•‣◦▪–—]|#{1,6}|\(?(?:\d{1,3}|[A-Za-z])[.)])\s+)?")

_SENTENCE_END = re.compile(
    r"""
    (?<=[.!?…])["'”’»)\]]*(?P<space>\s+)(?=\S)            # Latin and alike: white space follows
  | (?<=[。！？｡؟।۔])["'”’»」』）)\]]*(?P<wide>\s*)(?=\S)    # full-width, Arabic, Indic: nothing need follow
    """,
    re.VERBOSE,
)

# English words that end in a full stop within a sentence, before a capital letter or digit.
_LONGEST_ABBREVIATION = 16
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[A-Za-z]|[A-Za-z](?:\.[A-Za-z])+|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Nos|Fig|approx|Inc|Ltd|Co)\.$"
)

# Where a sentence that is too long is cut, the best place first.
_CLAUSE_ENDS = (re.compile(r"[;:—]\s|[；：]"), re.compile(r",\s|[，、،]"), re.compile(r"\s"))


# What the words between two protected spans begin and end with, and no translator should see by itself.
_EDGES = ".,;:!?()[]\"'"


class Part(NamedTuple):
    """A piece of a text: `translate` it, or carry it over as it is."""

    translate: bool
    text: str


def split_sentences(text: str, max_chars: int) -> list[Part]:
    """One part a sentence of at most `max_chars`; line ends, bullets, spacing and fenced code are carried over."""
    parts: list[Part] = []
    for line in _lines(text):
        if line.startswith(_FENCE):
            parts.append(Part(False, line))
            continue
        start = _LINE_START.match(line)
        words = start.end() if start else 0
        parts.append(Part(False, line[:words]))
        for sentence, space in _sentences(line[words:]):
            parts += [piece for chunk in _chunks(sentence, max_chars) for piece in _trimmed(chunk)]
            parts.append(Part(False, space))
    return _joined(parts)


def split_long(text: str, max_chars: int) -> list[Part]:
    """The whole text as one part where it fits, else sentence by sentence."""
    return _joined(_trimmed(text)) if len(text) <= max_chars else split_sentences(text, max_chars)


def split_around_spans(text: str) -> list[Part]:
    """The words between protected spans, each a part of its own."""
    parts: list[Part] = []
    end = 0
    for match in SPAN.finditer(text):
        parts += [*_trimmed(text[end : match.start()], _EDGES), Part(False, match.group())]
        end = match.end()
    return _joined([*parts, *_trimmed(text[end:], _EDGES)])


def _lines(text: str) -> list[str]:
    """Lines and line ends in turn; fenced code is one line."""
    pieces = re.split(rf"({_FENCE}.*?{_FENCE}|{_LINE_END})", text, flags=re.DOTALL)
    return [piece for piece in pieces if piece]


def _sentences(line: str) -> Iterator[tuple[str, str]]:
    """(sentence, space after it) of one line."""
    protected = [match.span() for match in SPAN.finditer(line)]
    begin = 0
    for match in _SENTENCE_END.finditer(line):
        end = match.start("space") if match["space"] is not None else match.start("wide")
        inside_span = any(start < end < stop for start, stop in protected)
        if end > begin and not inside_span and not _goes_on(line, begin, end, match.end()):
            yield line[begin:end], line[end : match.end()]
            begin = match.end()
    yield line[begin:], ""


def _goes_on(line: str, begin: int, end: int, following: int) -> bool:
    """Whether the sentence goes on after what looked like its end: a small letter follows, or an abbreviation ended."""
    next_word = line[following:].lstrip("\"'“‘«([¿¡")[:1]
    tail = line[max(begin, end - _LONGEST_ABBREVIATION) : end]
    return next_word.islower() or _ABBREVIATION.search(tail) is not None


def _chunks(sentence: str, max_chars: int) -> Iterator[str]:
    """Cut a sentence that is longer than `max_chars` at clauses, words, or, where there are none, anywhere."""
    begin = 0
    while len(sentence) - begin > max_chars:
        cut = begin + _cut(sentence[begin : begin + max_chars])
        yield sentence[begin:cut]
        begin = cut
    yield sentence[begin:]


def _cut(window: str) -> int:
    """Where to cut a window of a long sentence. A cut in its first half would make needlessly short pieces: a weaker
    one further on is taken instead."""
    for ends in _CLAUSE_ENDS:
        cuts = [match.end() for match in ends.finditer(window)]
        if cuts and cuts[-1] > len(window) // 2:
            return cuts[-1]
    return len(window)


def _trimmed(text: str, marks: str = "") -> list[Part]:
    """White space and `marks` around the words apart from them; what holds no letter needs no translation."""
    start, end = 0, len(text)
    while start < end and (text[start].isspace() or text[start] in marks):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in marks):
        end -= 1
    words = text[start:end]
    if not any(character.isalpha() for character in words) or SPAN.fullmatch(words):
        return [Part(False, text)]
    return [Part(False, text[:start]), Part(True, words), Part(False, text[end:])]


def _joined(parts: list[Part]) -> list[Part]:
    """Without empty parts, and neighbouring parts that are carried over as one."""
    joined: list[Part] = []
    for part in parts:
        if not part.text:
            continue
        if joined and not part.translate and not joined[-1].translate:
            joined[-1] = Part(False, joined[-1].text + part.text)
        else:
            joined.append(part)
    return joined
