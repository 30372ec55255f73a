"""What a build will ask, take and cost, before it is run (`build --dry-run`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from polyrefuse_data.translation.backends import Chain
from polyrefuse_data.translation.base import (
    Identity,
    Price,
    Priced,
    Request,
    Result,
    Translation,
    Translator,
    identity,
    translate_requests,
)
from polyrefuse_data.translation.documents import Document
from polyrefuse_data.translation.memory import ExactMatches

# Texts that are really translated, to measure the speed of a model that costs nothing.
_SAMPLE = 16


class Known(Protocol):
    """The part of a journal that is needed here."""

    def find(self, backend: Identity, requests: Sequence[Request]) -> dict[Request, Result]: ...


@dataclass(frozen=True)
class Estimate:
    """One backend's part of a build: `texts` to ask, and `known` ones that the journal already has."""

    translator: str
    purpose: str
    texts: int
    known: int
    price: Price


def estimate_chain(requests: Sequence[Request], chain: Chain, journal: Known | None) -> list[Estimate]:
    """What each backend would be asked first, for its languages and whatever no memory has, and back.

    Rejections cannot be known in advance, so fall-backs come on top. A text that is not translated yet is translated
    back as its English, which stands in for it.
    """
    estimates = []
    texts: dict[Request, str] = {}  # translations that are known already
    waiting = list(requests)
    for step in chain.steps:
        taken = [request for request in waiting if step.takes(request)]
        if not taken:
            continue
        if isinstance(step.translator, ExactMatches):
            results = translate_requests(step.translator, taken)
            given = {
                request: result.text
                for request, result in zip(taken, results, strict=True)
                if isinstance(result, Translation)
            }
            estimates.append(Estimate(step.name, "exact matches", len(given), 0, Price(None, None, None, 0.0)))
        else:
            estimates.append(_estimate(step.translator, "translation", taken, journal))
            given = _known(step.translator, taken, journal)
        texts |= given
        done = set(given if isinstance(step.translator, ExactMatches) else taken)
        waiting = [request for request in waiting if request not in done]
    back = [Request(texts.get(request, request.text), request.target, request.source) for request in requests]
    for step in chain.back:
        taken = [request for request in back if step.takes(request)]
        if taken:
            estimates.append(_estimate(step.translator, "back-translation", taken, journal))
        back = [request for request in back if not step.takes(request)]
    return estimates


def _estimate(translator: Translator, purpose: str, requests: Sequence[Request], journal: Known | None) -> Estimate:
    asks = list(dict.fromkeys(ask for request in requests for ask in Document(request, translator.units).asks()))
    known = journal.find(identity(translator), asks) if journal is not None else {}
    new = [ask for ask in asks if ask not in known]
    price = translator.price(new) if isinstance(translator, Priced) else _measure(translator, new)
    return Estimate(translator.name, purpose, len(new), len(known), price)


def _known(translator: Translator, requests: Sequence[Request], journal: Known | None) -> dict[Request, str]:
    """The translations that the journal has in full."""
    if journal is None:
        return {}
    documents = {request: Document(request, translator.units) for request in requests}
    asks = list(dict.fromkeys(ask for document in documents.values() for ask in document.asks()))
    answers = journal.find(identity(translator), asks)
    whole = {}
    for request, document in documents.items():
        if all(ask in answers for ask in document.asks()) and not document.asks_again(answers):
            result = document.assemble(answers)
            if isinstance(result, Translation):
                whole[request] = result.text
    return whole


def _measure(translator: Translator, requests: Sequence[Request]) -> Price:
    """Time a sample, spread over the texts, after one text to load the model."""
    sample = requests[:: max(len(requests) // _SAMPLE, 1)][:_SAMPLE]
    translate_requests(translator, sample[:1])
    started = time.monotonic()
    translate_requests(translator, sample)
    seconds = (time.monotonic() - started) * len(requests) / max(len(sample), 1)
    return Price(None, None, None, seconds)
