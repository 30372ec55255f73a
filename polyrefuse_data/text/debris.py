"""What a machine leaves in a translation and no prompt has: tokens, JSON, markup, labels, notes, alternatives.

None of it is wrong by itself, for prompts hold code, tags and quotations too. So it is counted against the English:
debris is what the translation has more of. Good translations have no more of these marks than their English has
(benchmarks/debris.py), whatever the language; of single languages only their words for labels and notes are known.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from polyrefuse_data.text.clauses import JOINED_ENDS, SPACED_ENDS
from polyrefuse_data.text.wrapping import ENTITY, QUOTE, QUOTES, is_quoted, quotes

# Each kind is counted as a whole: a bracket may become a full-width one.
_KINDS = {
    "line": r"[\n\r\x0b\x0c\x85\u2028\u2029]\s*",  # another paragraph: a note, an alternative, thinking aloud
    "entity": ENTITY,
    "brace": r"[{}]",
    "bracket": r"[\[\]【】]",
    "tag": r"[<>◁▷]",  # <|im_end|>, </s>, <think>, <2de>, >>deu<<
    "fence": "`",
    "escape": r"\\|u00[0-9a-fA-F]{2}|(?:%[0-9A-Fa-f]{2}){2}",
    "emphasis": r"\*|~~",
    "heading": "#",
    "underscore": "_",  # deu_Latn, __de__
    "piece": "[▁⁇ĠĊ￭]|@@",  # of tokenizers: for a space, for what they do not know, where they cut a word
    "sign": "[|^=→⇒]",
    "emoji": "[\u2705\u270d\u2728\u2764\U0001f300-\U0001faff]",
    "address": r"https?://|\bwww\.|\.com\b",  # "translated with ..."
}
_MARK = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _KINDS.items()))

# A text without any of these within, and of those at its ends, has no debris. Most have none: this is what they take.
_SUSPECT = re.compile(
    r"[\n\r\x0b\x0c\x85\u2028\u2029&{}\[\]【】<>◁▷`\\%*~#_▁⁇ĠĊ￭@|^=→⇒:：()（）/"
    "\u2705\u270d\u2728\u2764\U0001f300-\U0001faff]"
)
_SUSPECT_WORDS = (".com", "u00")
_SUSPECT_FIRST, _SUSPECT_LAST = frozenset(f"{QUOTES}-–—•·▪●0123456789"), frozenset(QUOTES)

_COLON, _ROUND = re.compile("[:：](?!//)"), re.compile("[()（）]")
_OPENING, _CLOSING = "(（", ")）"
_ENDS = f"{SPACED_ENDS}{JOINED_ENDS}"
_WORD = r"[^\s:：.,;!?()（）。，、；「」“”]"
# A label before the text, "Deutsch:", "Übersetzung (formell):", "\"translation\":", or before a second one.
_LABEL = rf"{_WORD}{{1,24}}(?: {_WORD}{{1,16}}){{0,3}}(?:\s?[(（][^()（）]{{1,40}}[)）])?\W{{0,2}}[:：](?![\d/])"
_FIRST_LABEL = re.compile(rf"\W{{0,4}}{_LABEL}")
_LATER_LABEL = re.compile(rf"[{_ENDS};；][\"”»』」)）]?\s*{_LABEL}")
_QUOTATION = re.compile(rf"[:：]\s*[{QUOTES}]")  # a colon where the English has a comma
# A note in brackets: after the end of the sentence, or in small Latin letters behind another script.
_LAST_NOTE = re.compile(rf"[{_ENDS}][\"”»』」]?\s*[(（][^()（）]*[)）][.。\s]*\Z")
_FOREIGN_NOTE = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f\u1e00-\u1eff]\W*[(（]([a-z][a-z ,:/'-]*)[)）][.。！？!?\s]*\Z")
_NUMBER = re.compile(r"(\d{1,2}|[a-zA-Z])[.)]\s|[-–—•·▪●]\s")  # "1. ", "- "
_CHOICE = re.compile(r"(?<!\d) / (?!\d)")

# What labels and notes say in English, in which models are asked, whatever they translate into.
_ALTERNATIVES = r"or|alternatively|alternatives?|alt\.?"
_REMARKS = r"n\.?b\.?|(?:translator'?s )?notes?|(?:literal )?translat(?:ion|ed)\b[^:：()]*|explanation|output|response"
_NOTES = (
    rf"{_REMARKS}|(?:in)?formal(?:ly)?|polite(?:ly)?|casual(?:ly)?|colloquial(?:ly)?|literal(?:ly)?|lit\.?|masculine"
    r"|feminine|singular|plural|variant|version|answer|result|original|source"
)
_NOTHING = r"\b\B"
_IN_BRACKETS = r"(?:\s?[(（][^()（）]{1,40}[)）])?"
_STARTS, _STOPS = r"(?<![^\W\d_])", r"(?![^\W\d_])"  # a word


def _any_of(words: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(map(re.escape, words)) or _NOTHING})"


@dataclass(frozen=True)
class Labels:
    """What the target language is called, in English and in itself, and its codes; regular expressions of what stands
    before alternatives in it, and of what a translator's notes begin with; `borders`: whether its words stand by
    themselves."""

    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    alternatives: str = ""
    notes: str = ""
    borders: bool = True

    @cached_property
    def own_name(self) -> re.Pattern[str]:
        """The name of the language before the text: "Deutsch: ...", "Deutsch - ...", "de: ..."."""
        names, codes = _any_of(self.names), _any_of(self.codes)
        return re.compile(
            rf"\W{{0,4}}(?:{names}{_IN_BRACKETS}\W{{0,3}}[:：\-–—\n]|{codes}\W{{0,3}}[:：\n]|{names}\s+\W)"
        )

    @cached_property
    def english(self) -> re.Pattern[str]:
        """An English note as a label: "Translation: ...", "Note: ..."."""
        return re.compile(rf"{_STARTS}(?:{_ALTERNATIVES}|{_REMARKS}){_IN_BRACKETS}\W?\s?[:：]", re.IGNORECASE)

    @cached_property
    def own(self) -> re.Pattern[str]:
        """The same in the language: "oder: ..."."""
        said = "|".join(filter(None, (_NOTES, self.alternatives, self.notes)))
        return re.compile(rf"{_STARTS if self.borders else ''}(?:{said}){_IN_BRACKETS}\s?[:：]", re.IGNORECASE)

    @cached_property
    def in_brackets(self) -> re.Pattern[str]:
        """A note in brackets: "(formell)", "(de)"."""
        own = f"|(?:{self.notes}){_STOPS if self.borders else ''}" if self.notes else ""
        return re.compile(rf"[(（]\s*(?:(?:{_NOTES}){_STOPS}|(?-i:{_any_of(self.codes)})\s*[)）]{own})", re.IGNORECASE)


def debris(text: str, source: str, labels: Labels) -> list[str]:
    """The kinds of debris in a translation of an English text, each once."""
    text = text.strip()
    if not _is_suspect(text, labels):
        return []
    source = source.strip()
    found = _gained_marks(text, source)
    if is_quoted(text, source):
        found.append("quotes")
    elif _has_lone_quote(text, source):
        found.append("lone_quote")
    if _has_label(text, source, labels):
        found.append("label")
    if _gained(_ROUND, text, source) and _has_note(text, source, labels):
        found.append("note")
    if text[-1] in _CLOSING and _balance(text) < 0 <= _balance(source):
        found.append("lone_bracket")
    number = _NUMBER.match(text)
    if number and not _NUMBER.match(source) and not (number[1] and re.search(rf"\b{number[1]}\b", source)):
        found.append("number")
    if "/" not in source and _is_choice(text):
        found.append("choice")
    return found


def _has_lone_quote(text: str, source: str) -> bool:
    """Whether a mark at one end of a text has no partner, and the English has none at that end."""
    if text.count('"') % 2 == 0 or quotes(text) <= quotes(source):
        return False
    ends = ((text[0], source[:1]), (_last(text), _last(source)))
    return any(own == '"' and theirs not in _SUSPECT_LAST for own, theirs in ends)


def _last(text: str) -> str:
    return text.rstrip(" .,;")[-1:]


def _is_suspect(text: str, labels: Labels) -> bool:
    if not text:
        return False
    if text[0] in _SUSPECT_FIRST or text[-1] in _SUSPECT_LAST or text[1:2] == "." or text.startswith(labels.names):
        return True
    return _SUSPECT.search(text) is not None or any(word in text for word in _SUSPECT_WORDS)


def _gained_marks(text: str, source: str) -> list[str]:
    counts = _count_marks(text)
    if not counts:
        return []
    theirs = _count_marks(source)
    return [kind for kind, count in counts.items() if count > theirs[kind]]


def _count_marks(text: str) -> Counter[str]:
    return Counter(match.lastgroup or "" for match in _MARK.finditer(text))


def _gained(mark: re.Pattern[str], text: str, source: str) -> bool:
    return len(mark.findall(text)) > len(mark.findall(source))


def _balance(text: str) -> int:
    return sum(map(text.count, _OPENING)) - sum(map(text.count, _CLOSING))


def _is_choice(text: str) -> bool:
    """Whether two texts stand for one: "... / ...". Less than a third of the text is a choice of words."""
    return any(3 * min(match.start(), len(text) - match.end()) >= len(text) for match in _CHOICE.finditer(text))


def _has_label(text: str, source: str, labels: Labels) -> bool:
    if labels.own_name.match(text) and not any(name in source for name in labels.names):
        return True
    if _COLON.search(text) is None:
        return False
    if labels.english.search(text) and not labels.english.search(source):
        return True
    if not _gained(_COLON, text, source):
        return False
    if labels.own.search(text) and not labels.english.search(source):
        return True
    first = _FIRST_LABEL.match(text)
    if first and not (QUOTE.search(source) and _QUOTATION.match(text, first.end() - 1)):
        return _FIRST_LABEL.match(source) is None
    return _LATER_LABEL.search(text) is not None and _LATER_LABEL.search(source) is None


def _has_note(text: str, source: str, labels: Labels) -> bool:
    if labels.in_brackets.search(text) and not labels.in_brackets.search(source):
        return True
    if text[0] in _OPENING and source[:1] not in _OPENING:
        return True
    foreign = _FOREIGN_NOTE.search(text)
    if foreign and foreign[1] not in source:
        return True
    return _LAST_NOTE.search(text) is not None and _LAST_NOTE.search(source) is None
