"""What a translation may keep of its English prompt: quotations, names and terms."""

from __future__ import annotations

import re
from functools import lru_cache

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE
from polyrefuse_data.quality.english_words import loans
from polyrefuse_data.text.words import quotations, without_shared_words, words

_COMPOUND = re.compile(r"\w+(?:-\w+)+")  # for-loop, Denial-of-Service: a term, also where only the translation joins it
# get_user_by_id(), getUserById: what a program calls something has no translation.
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+|(?<![A-Za-z0-9])[a-z]+(?:[A-Z][a-z0-9]+)+(?![A-Za-z0-9])")
_TOKEN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][0-9A-Za-z\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff'’]*")
_OPENS_A_SENTENCE = frozenset(".!?:\n")
_ABBREVIATION = re.compile(r"\b[A-Z]{2,6}\b")
_LONGEST = 4000  # characters
_MOST_NAMES = 5  # capitalised words of a prompt that is no title (Summarize The Great Gatsby)


def without_kept(text: str, source: str) -> tuple[list[str], list[str]]:
    """The words of `text` and of its prompt `source`, without what the text may keep: quotations and names that are in
    both, hyphenated terms, identifiers, loans, numbers and single letters. Both are read up to _LONGEST."""
    text, source = text[:_LONGEST], source[:_LONGEST]
    of_text, of_prompt = words(_without_terms(text)), words(_without_terms(source))
    target, prompt = f" {' '.join(of_text)} ", f" {' '.join(of_prompt)} "
    for phrase in (*_kept_of_prompt(source), *_phrases(_names_among(frozenset(of_text).intersection(of_prompt), text))):
        if phrase in target and phrase in prompt:
            target, prompt = target.replace(phrase, " "), prompt.replace(phrase, " ")
    return _free(target), _free(prompt)


def counts(word: str) -> bool:
    """Whether a word shows its language by itself: not a loan, a number or a single letter."""
    return len(word) > 1 and not word.isdecimal() and word not in loans()


def without_names(text: str, source: str) -> str:
    """The text without words that show little about its language: those of the prompt `source` or, without a prompt,
    its own capitalised words, quotations and loans. An abbreviation of the prompt may be written out."""
    shared = " ".join([source, *_written_out(text, source)]) if source else ""
    return without_shared_words(text, shared or " ".join([*_names(text), *quotations(text), *sorted(loans())]))


def _written_out(text: str, source: str) -> list[str]:
    """Capitalised words of the text, side by side, with the initials of an abbreviation in the prompt (NSF: National
    Science Foundation)."""
    short = set(_ABBREVIATION.findall(source[:_LONGEST]))
    if not short:
        return []
    capitals = [match.group() for match in _TOKEN.finditer(text[:_LONGEST]) if match.group()[0].isupper()]
    return [
        word
        for letters in short
        for start in range(len(capitals) - len(letters) + 1)
        if all(word[0] == letter for word, letter in zip(capitals[start:], letters, strict=False))
        for word in capitals[start : start + len(letters)]
    ]


def _without_terms(text: str) -> str:
    """The text without compounds and identifiers."""
    return _IDENTIFIER.sub(" ", _COMPOUND.sub(" ", text) if "-" in text else text)


def _free(joined: str) -> list[str]:
    borrowed = loans()
    return [word for word in joined.split() if len(word) > 1 and word not in borrowed and not word.isdecimal()]


@lru_cache(maxsize=1024)
def _kept_of_prompt(source: str) -> list[str]:
    foreign = (word for word in words(source) if not word.isascii())  # crème brûlée
    return _phrases(_names(source).union(quotations(source), foreign))


def _phrases(found: set[str]) -> list[str]:
    """Each phrase as its words between spaces, longest first."""
    phrases = (f" {' '.join(split)} " for split in map(words, found) if split)
    return sorted(phrases, key=lambda phrase: (-len(phrase), phrase))


def _names(text: str) -> set[str]:
    """Capitalised Latin words that do not open a sentence, each alone and with its neighbours (Lord of the Rings)."""
    if text[1:].islower():  # nothing but the first letter can be a capital, and that opens a sentence
        return set()
    within = LANGUAGES[SOURCE_LANGUAGE].traits.english.within_names
    tokens = [(token[0], token.start()) for token in _TOKEN.finditer(text)]
    capitals = [place for word, place in tokens if word[0].isupper()]
    opening = {place for place in capitals if _opens_a_sentence(text, place)}
    if len(capitals) == len(opening):
        return set()
    if len(capitals) > _MOST_NAMES and all(word[0].isupper() or word in within for word, _ in tokens):
        return set()  # a title, or all capitals: nothing tells its names
    names: set[str] = set()
    start: int | None = None  # of the name that is being read
    end = 0
    for word, place in tokens:
        if word[0].isupper() and place not in opening:
            start = place if start is None else start
            end = place + len(word)
            names.add(word)
        elif start is not None and word not in within:
            names.add(text[start:end])
            start = None
    return names if start is None else names | {text[start:end]}


def _names_among(shared: frozenset[str], text: str) -> set[str]:
    """The names of a text if one of them may consist of these words. In German every noun is read as a name, and
    hardly any of them is in the prompt."""
    for token in _TOKEN.findall(text):
        if token[0].isupper() and (token.casefold() in shared or not (token.isascii() and token.isalpha())):
            return _names(text)
    return set()


def _opens_a_sentence(text: str, place: int) -> bool:
    before = text[:place].rstrip(" \"'“”‘’«(")
    return not before or before[-1] in _OPENS_A_SENTENCE
