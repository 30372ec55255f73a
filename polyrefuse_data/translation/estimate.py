"""What a build will ask, take and cost, before it is run (`build --dry-run`)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from polyrefuse_data.translation.backends import Chain
from polyrefuse_data.translation.base import (
    NO_MATCH,
    Failure,
    Price,
    Priced,
    Request,
    Translator,
    identity,
    translate_requests,
)
from polyrefuse_data.translation.documents import Document
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.memory import TranslationMemory

# Texts that are really translated, to measure the speed of a model that costs nothing.
_SAMPLE = 16


@dataclass(frozen=True)
class Estimate:
    """One backend's part of a build: `texts` to ask, `known` ones that the journal holds already."""

    translator: str
    purpose: str
    texts: int
    known: int
    price: Price


def estimate_chain(requests: Sequence[Request], chain: Chain, journal: Journal | None) -> list[Estimate]:
    """Estimates of memories, of the first machine backend and of translating back. Nobody knows beforehand what will be
    rejected: fall-backs come on top."""
    estimates = []
    waiting = list(requests)
    for step in chain.steps:
        if not isinstance(step, TranslationMemory):
            estimates.append(_estimate(step, "translation", waiting, journal))
            break
        results = translate_requests(step, waiting)
        unmatched = [result == Failure(NO_MATCH) for result in results]
        matched = len(waiting) - sum(unmatched)
        estimates.append(Estimate(step.name, "exact matches", matched, 0, Price(None, None, None, 0.0)))
        waiting = [request for request, alone in zip(waiting, unmatched, strict=True) if alone]
    if chain.back:
        # The translations are not there yet; the English texts stand in for them.
        back = [Request(request.text, request.target, request.source) for request in requests]
        estimates.append(_estimate(chain.back[0], "back-translation", back, None))
    return estimates


def _estimate(translator: Translator, purpose: str, requests: Sequence[Request], journal: Journal | None) -> Estimate:
    asks = list(dict.fromkeys(ask for request in requests for ask in Document(request, translator.units).asks()))
    known = journal.find(identity(translator), asks) if journal is not None else {}
    new = [ask for ask in asks if ask not in known]
    price = translator.price(new) if isinstance(translator, Priced) else _measure(translator, new)
    return Estimate(translator.name, purpose, len(new), len(known), price)


def _measure(translator: Translator, requests: Sequence[Request]) -> Price:
    """Time a sample, spread over the texts, after a first text that loads the model."""
    sample = requests[:: max(len(requests) // _SAMPLE, 1)][:_SAMPLE]
    translate_requests(translator, sample[:1])
    started = time.monotonic()
    translate_requests(translator, sample)
    seconds = (time.monotonic() - started) * len(requests) / max(len(sample), 1)
    return Price(None, None, None, seconds)
