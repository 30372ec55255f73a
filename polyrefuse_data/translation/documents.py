"""Rows as documents: split into units that a backend takes, and reassembled from their translations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from polyrefuse_data.text.spans import lost_spans
from polyrefuse_data.translation.base import Failure, Request, Result, Translation, Units, total_usage
from polyrefuse_data.translation.split import Part, split_around_spans, split_long, split_sentences

Answers = Mapping[Request, Result]


@dataclass(frozen=True)
class Document:
    """A text to translate, as parts: some are asked, some carried over."""

    request: Request
    units: Units | None  # None: the backend takes the text as it is

    @cached_property
    def parts(self) -> list[Part]:
        if self.units is None:
            return [Part(True, self.request.text)]
        split = split_sentences if self.units.sentences else split_long
        return split(self.request.text, self.units.max_chars, self.request.source)

    def asks(self) -> list[Request]:
        """What the backend is asked first: every part whole, including protected spans."""
        return [self._ask(part.text) for part in self.parts if part.translate]

    def asks_again(self, answers: Answers) -> list[Request]:
        """What it is asked then: the words between protected spans, for each part whose translation lost one."""
        lost = [part for part in self.parts if part.translate and self._lost_span(part, answers)]
        return [self._ask(piece.text) for part in lost for piece in self._pieces(part) if piece.translate]

    def assemble(self, answers: Answers) -> Result:
        """The translation of the whole text from those of its parts; the first failed part fails it.

        The n-th alternative uses the n-th alternative of each part, or its last.
        """
        given = [answers[ask] for ask in dict.fromkeys([*self.asks(), *self.asks_again(answers)])]
        usage = total_usage(result.usage for result in given)
        results = [self._part_result(part, answers) for part in self.parts]
        for result in results:
            if isinstance(result, Failure):
                return Failure(result.reason, result.detail, result.ask_again, usage)
        variants = [(result.text, *result.alternatives) for result in results if isinstance(result, Translation)]
        texts = [
            "".join(variant[min(rank, len(variant) - 1)] for variant in variants)
            for rank in range(max(map(len, variants), default=0))
        ]
        if not texts:
            return Failure("empty_source", "there is no text to translate")
        origins = {result.origin for result in results if isinstance(result, Translation) and result.origin != _CARRIED}
        origin = origins.pop() if len(origins) == 1 else "machine"
        notes = tuple(dict.fromkeys(note for item in given if isinstance(item, Translation) for note in item.notes))
        return Translation(texts[0], origin, tuple(texts[1:]), usage, notes)

    def _part_result(self, part: Part, answers: Answers) -> Result:
        if not part.translate:
            return Translation(part.text, origin=_CARRIED)
        if not self._lost_span(part, answers):
            return answers[self._ask(part.text)]
        pieces = [
            answers[self._ask(piece.text)] if piece.translate else Translation(piece.text, origin=_CARRIED)
            for piece in self._pieces(part)
        ]
        for piece in pieces:
            if isinstance(piece, Failure):
                return piece
        return Translation("".join(piece.text for piece in pieces if isinstance(piece, Translation)))

    def _lost_span(self, part: Part, answers: Answers) -> bool:
        if self.units is None:
            return False
        answer = answers[self._ask(part.text)]
        if not isinstance(answer, Translation):
            return False
        unknown = self._unknown(part)
        return lost_spans(answer.text, part.text) > 0 or any(
            answer.text.count(character) < part.text.count(character) for character in unknown
        )

    def _pieces(self, part: Part) -> list[Part]:
        return split_around_spans(part.text, self._unknown(part))

    def _unknown(self, part: Part) -> frozenset[str]:
        """What the backend cannot read and must not see."""
        if self.units is None or self.units.unknown is None or part.text.isascii():
            return frozenset()
        return self.units.unknown(self._ask(part.text))

    def _ask(self, text: str) -> Request:
        return self.request._replace(text=text)


# Not an origin of rows: marks the parts that nobody translated.
_CARRIED = "carried"
