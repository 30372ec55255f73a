"""The fall-back chain: what one backend cannot translate, or the checks reject, goes to the next; the best text wins.

A step of the chain is `propose` (ask a backend, and others to translate back) and `settle` (judge the answers). All
unsettled rows go through a step together, so that batches are large.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.text.invisible import without_hidden
from polyrefuse_data.text.wrapping import cleaned
from polyrefuse_data.translation.base import (
    NO_MATCH,
    Failure,
    Pair,
    Particular,
    Request,
    Result,
    Translation,
    Translator,
    total_usage,
)

FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """A backend in the chain, or among those that translate back, with the languages it is asked for."""

    translator: Translator
    languages: frozenset[str] | None = None  # their codes; None: all

    @property
    def name(self) -> str:
        return self.translator.name

    def takes(self, asked: Request | Pair) -> bool:
        """Whether it is asked for this direction, from or into English."""
        other = asked.target if asked.source.code == SOURCE_LANGUAGE else asked.source
        if self.languages is not None and other.code not in self.languages:
            return False
        translator = self.translator
        return not isinstance(translator, Particular) or translator.takes(Pair(asked.source, asked.target))


@dataclass(frozen=True)
class Candidate:
    """A candidate translation of a row; `attempt` counts the attempts at this row up to this text, from 1.

    `usage` is what it took, back-translation included; what several took together is counted for the first.
    """

    text: str
    origin: str
    translator: str
    attempt: int
    back_translation: str | None = None
    back_translator: str = ""
    back_reasons: tuple[str, ...] = ()  # why backends that were asked did not translate it back
    usage: dict[str, float] = field(default_factory=dict)
    normalised: bool = False
    notes: tuple[str, ...] = ()  # what the backend had to do to find the text in the answer


@dataclass(frozen=True)
class Verdict:
    """The checks' verdict on a candidate. Among rejected candidates, the one with the highest `score` is kept.

    `row` is the candidate's row after the checks, and `scores` are its scores, so that nothing is checked twice.
    """

    status: str
    accepted: bool
    reasons: tuple[str, ...]
    score: tuple[float, ...]
    row: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Attempt:
    """One attempt at a row. `outcome` is the status that the checks gave the text, or FAILED, and `reasons` say why.
    `usage` is what all its candidates and their back-translations took."""

    number: int
    translator: str
    outcome: str
    reasons: tuple[str, ...] = ()
    detail: str = ""
    back_reasons: tuple[str, ...] = ()
    usage: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass
class Outcome:
    """The result of the chain for one row: the candidate to keep, or None, and every attempt in order.

    `ask_again`: a backend gave no answer (a time-out, a lost connection), so another run may end otherwise.
    """

    chosen: Candidate | None = None
    verdict: Verdict | None = None
    attempts: list[Attempt] = field(default_factory=list)
    ask_again: bool = False

    @property
    def settled(self) -> bool:
        return self.verdict is not None and self.verdict.accepted

    @property
    def lacks_an_answer(self) -> bool:
        """Whether another run may get a missing answer: no backend gave a good translation, or none translated it
        back."""
        kept = self.chosen
        lacks_back = kept is not None and kept.back_translator != "" and not kept.back_translation
        return self.ask_again and (lacks_back or not self.settled)


# The candidates of each row that has any, best first.
Proposals = dict[int, list[Candidate]]
# Translate requests with one backend, results in their order.
Translate = Callable[[Translator, Sequence[Request]], list[Result]]
# Judge candidates of distinct rows (row number, candidate), verdicts in their order.
Judge = Callable[[Sequence[tuple[int, Candidate]]], list[Verdict]]


def propose(
    outcomes: Sequence[Outcome],
    requests: Sequence[Request],
    step: Step,
    back: Sequence[Step],
    translate: Translate,
) -> Proposals:
    """Candidates for the unsettled rows that `step` is asked for. `outcomes` and `requests` are parallel, with one
    entry per row.

    Each text is translated back before it is judged, by the first of `back` that does so: a chat model refuses to
    translate back what it would refuse to translate.
    """
    translator = step.translator
    unsettled = [row for row, outcome in enumerate(outcomes) if not outcome.settled and step.takes(requests[row])]
    results = translate(translator, [requests[row] for row in unsettled])
    proposals: Proposals = {}
    for row, result in zip(unsettled, results, strict=True):
        number = len(outcomes[row].attempts) + 1
        if isinstance(result, Translation):
            first = Candidate(
                result.text, result.origin, translator.name, number, usage=result.usage, notes=result.notes
            )
            others = (replace(first, text=text, usage={}) for text in result.alternatives)
            proposals[row] = [_normalised(candidate, requests[row]) for candidate in (first, *others)]
        elif result.reason != NO_MATCH:
            outcomes[row].ask_again |= result.ask_again
            outcomes[row].attempts.append(
                Attempt(number, translator.name, FAILED, (result.reason,), result.detail, usage=result.usage)
            )
    for back_step in back:
        _translate_back(outcomes, requests, proposals, back_step, translate)
    return proposals


def _normalised(candidate: Candidate, request: Request) -> Candidate:
    """The candidate without invisible characters and a model's wrapping; whatever may stand for something lost is left
    to the checks."""
    text, notes = cleaned(without_hidden(candidate.text, request.target.orthography), request.text)
    if text == candidate.text:
        return candidate
    return replace(candidate, text=text, normalised=True, notes=(*candidate.notes, *notes))


def _translate_back(
    outcomes: Sequence[Outcome],
    requests: Sequence[Request],
    proposals: Proposals,
    step: Step,
    translate: Translate,
) -> None:
    """Fill in missing back-translations of `proposals`, for the languages that `step` is asked for."""
    back_translator = step.translator
    missing = [
        (row, rank)
        for row, candidates in proposals.items()
        for rank, candidate in enumerate(candidates)
        if candidate.back_translation is None and step.takes(Pair(requests[row].target, requests[row].source))
    ]
    asks = [Request(proposals[row][rank].text, requests[row].target, requests[row].source) for row, rank in missing]
    for (row, rank), result in zip(missing, translate(back_translator, asks), strict=True):
        candidate = proposals[row][rank]
        # Who was asked is told even where nothing came back: the checks flag such a row.
        candidate = replace(
            candidate, back_translator=back_translator.name, usage=total_usage((candidate.usage, result.usage))
        )
        if isinstance(result, Failure):
            outcomes[row].ask_again |= result.ask_again
            proposals[row][rank] = replace(candidate, back_reasons=(*candidate.back_reasons, result.reason))
        else:
            proposals[row][rank] = replace(candidate, back_translation=result.text)


def settle(outcomes: Sequence[Outcome], proposals: Proposals, judge: Judge) -> None:
    """Judge the proposals of a step and keep the best candidate so far for each row.

    The n-th candidates of all rows are judged together, so that no judgement sees two candidates of one row.
    """
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    for rank in range(max(map(len, proposals.values()), default=0)):
        ranked = [(row, candidates[rank]) for row, candidates in proposals.items() if rank < len(candidates)]
        for (row, _), verdict in zip(ranked, judge(ranked), strict=True):
            verdicts[row].append(verdict)
    for row, candidates in proposals.items():
        outcome = outcomes[row]
        best = max(range(len(candidates)), key=lambda index: (_merit(verdicts[row][index]), -index))
        candidate, verdict = candidates[best], verdicts[row][best]
        outcome.attempts.append(
            Attempt(
                candidate.attempt,
                candidate.translator,
                verdict.status,
                verdict.reasons,
                back_reasons=candidate.back_reasons,
                usage=total_usage(candidate.usage for candidate in candidates),
                notes=candidate.notes,
            )
        )
        if outcome.verdict is None or _merit(verdict) > _merit(outcome.verdict):
            outcome.chosen, outcome.verdict = candidate, verdict


def _merit(verdict: Verdict) -> tuple[bool, tuple[float, ...]]:
    return verdict.accepted, verdict.score
