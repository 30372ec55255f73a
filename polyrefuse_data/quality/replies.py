"""Replies of a chat model that refused or answered the prompt instead of translating it.

They are looked for in the text, in its language and in English, and in the back-translation, which is English. An
opening that the English prompt may have itself does not count. Without an English prompt, only openings count that no
prompt has. A text that says what its prompt says refuses nothing further in: "I am sorry" there is what somebody says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language, packs_digest
from polyrefuse_data.languages.replies import CANNOT, Opening, Openings, Replies, excuses
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.correspondence import correspondence, correspondence_signature
from polyrefuse_data.text.clauses import read_clauses
from polyrefuse_data.text.folding import fold_letters, fold_reply

_OPENING = 400  # a reply shows what it is in its first sentences
_PROMPT = 2000  # and what excuses it may stand anywhere in a prompt
_BEGINNING = 60  # characters: what is declined is said by then ("I am sorry, but as an assistant I cannot help with")
# Nats of `correspondence` from which a text says what its prompt says. Of 4,200 planted replies, none has more than 6.
_CORRESPONDS = 10.0
_LATIN = re.compile("[a-z]{2}")
_QUOTES = frozenset("\"'“”„‟‘’‚«»‹›「『《")


@dataclass(frozen=True)
class Reading:
    """The text of a row and its back-translation, prepared for the search; `prompt` is folded, and `corresponds` tells
    that the text says what it says."""

    prompt: str
    texts: Sequence[_Text]
    corresponds: bool

    @property
    def refuses(self) -> bool:
        anywhere = bool(self.prompt) and not self.corresponds
        return any(_counts(text.refusals(anywhere), self.prompt) for text in self.texts)

    @property
    def answers(self) -> bool:
        return any(_counts(text.answers(bool(self.prompt)), self.prompt) for text in self.texts)


def readings(batch: Batch) -> list[Reading | None]:
    """The reading of each row; None for English and empty rows."""
    corresponds = (batch.once(correspondence) > _CORRESPONDS).tolist()
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.language, batch.known, corresponds, strict=True)
    return [
        None if code == SOURCE_LANGUAGE or not text.strip() else _reading(text, source, back, known, agrees)
        for text, source, back, code, known, agrees in rows
    ]


def _reading(text: str, source: str, back: str | None, language: Language | None, corresponds: bool) -> Reading:
    english = LANGUAGES[SOURCE_LANGUAGE]
    texts = [_Text(text, language)] if language and language.replies else []
    if _LATIN.search(fold_letters(text[:_OPENING])):
        texts.append(_Text(text, english))
    if back:
        texts.append(_Text(back, english))
    return Reading(fold_letters(source[:_PROMPT].strip()), texts, corresponds)


def _counts(openings: Iterable[Opening], prompt: str) -> bool:
    """Whether any of these openings counts against a translation of a folded English prompt (empty if there is
    none)."""
    for opening in openings:
        found = [excuse for says in opening.says for excuse in excuses()[says]]
        if not any(excuse.words.search(prompt) for excuse in found) if prompt else all(each.alone for each in found):
            return True
    return False


class _Text:
    """A text prepared for the openings of a language; without an English prompt, only its beginning."""

    def __init__(self, text: str, language: Language) -> None:
        assert language.replies is not None
        self._replies: Replies = language.replies
        self._text = text[:_OPENING]
        self._folded = read_clauses(fold_letters(self._text), language.traits.writing.space_ends_sentence)

    def refusals(self, anywhere: bool) -> Iterator[Opening]:
        yield from self._at(self._replies.refuses, self._folded.clauses, anywhere)
        for match in self._replies.declines.find(self._folded.text, _OPENING if anywhere else _BEGINNING):
            yield from self._replies.declines.at(self._folded.text, match.start())
        if self._replies.cannot(fold_reply(self._text), _BEGINNING):
            yield Opening((CANNOT,))

    def answers(self, anywhere: bool) -> Iterable[Opening]:
        text, (first, *others) = self._folded.text, self._folded.sentences
        spoken = [place for place in others if text[place - 1] not in _QUOTES]  # not what somebody says
        return self._at(self._replies.answers, [first, *spoken], anywhere)

    def _at(self, openings: Openings, places: Sequence[int], anywhere: bool) -> Iterable[Opening]:
        text, may_begin = self._folded.text, openings.first_look.match
        hopeful = [place for place in (places if anywhere else places[:1]) if may_begin(text, place)]
        return chain.from_iterable([openings.at(text, place) for place in hopeful]) if hopeful else ()


def replies_signature() -> str:
    """The signature of every pack's replies, of what excuses them, and of what tells a translation."""
    return f"replies-{packs_digest('replies.toml', 'excuses.toml')} {correspondence_signature()}"
