"""Opinions of a model behind an endpoint: many replies at once, each answer kept as it comes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.kept_opinions import kept_in
from polyrefuse_data.endpoints import Ask, Client, NoAnswer
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.system.progress import tracked
from polyrefuse_data.system.redaction import one_line

Asks = tuple[Ask, ...]  # what is asked of one reply

_CONCURRENCY = 8


def ask_for_opinions(
    client: Client,
    asked: Sequence[Asks],
    read: Callable[[Sequence[Answer]], Opinion],
    told: tuple[str, str],
    journal: Path | None,
) -> list[Opinion]:
    """One opinion a reply, `read` from the answers to its asks. `told` are the judge's signature and what the progress
    bar says.

    Raises EndpointError if replies are left without an answer; these do not count as invalid.
    """
    signature, title = told
    lost: list[NoAnswer] = []

    def work(asks: Asks, line: Line) -> list[Answer]:
        return [client.ask(ask, line) for ask in asks]

    with kept_in(journal) as kept:
        keys = [_key(signature, asks) for asks in asked]
        opinions = dict(kept.known) if kept else {}
        left = list({key: number for number, key in enumerate(keys) if key not in opinions}.values())
        found = client.work(work, [asked[number] for number in left], _CONCURRENCY)
        for number, answers in tracked(found, title, "replies", len(left)):
            if gone := [answer for answer in answers if isinstance(answer, NoAnswer) and answer.may_pass]:
                lost += gone[:1]
                continue
            key, opinion = keys[left[number]], read(answers)
            opinions[key] = opinion
            if kept:
                kept.add(key, opinion, sum((Counter(answer.usage) for answer in answers), Counter()))
    if lost:
        raise EndpointError(
            f"judge {signature} gave no verdict on {len(lost)} of {len(asked)} replies (last: {lost[-1].reason}, "
            f"{one_line(lost[-1].detail)}): run again"
        )
    return [opinions[key] for key in keys]


def _key(signature: str, asks: Asks) -> str:
    """Of the judge and all that it is asked."""
    told = [[ask.messages, ask.prompt, ask.max_tokens, dict(ask.extra)] for ask in asks]
    text = json.dumps([signature, told], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
