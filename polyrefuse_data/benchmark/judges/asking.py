"""Opinions of a model behind an endpoint: many replies at once, each answer kept as it comes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from polyrefuse_data.benchmark.judges.base import NO_OPINION, Opinion
from polyrefuse_data.benchmark.judges.kept_opinions import kept_in
from polyrefuse_data.benchmark.purse import TEMPLATE_TOKENS, Purse
from polyrefuse_data.endpoints import Ask, Client, NoAnswer
from polyrefuse_data.endpoints.completions import Answer
from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError
from polyrefuse_data.system.progress import tracked
from polyrefuse_data.system.redaction import one_line
from polyrefuse_data.text.counts import counted

Asks = tuple[Ask, ...]  # what is asked of one reply

_CONCURRENCY = 8
_MANY = 10  # replies without an opinion from which it is the judge: fewer may all be unclear

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keep:
    """Where opinions are kept, what they are paid from, and how many tokens the server's template may add."""

    journal: Path | None = None
    purse: Purse = field(default_factory=Purse)
    template_tokens: int = TEMPLATE_TOKENS


def ask_for_opinions(
    client: Client,
    asked: Sequence[Asks],
    read: Callable[[Sequence[Answer]], Opinion],
    told: tuple[str, str],
    keep: Keep,
) -> list[Opinion]:
    """One opinion a reply, `read` from the answers to its asks. `told` are the judge's signature and what the progress
    bar says.

    Raises EndpointError if replies are left without an answer, or there is no money left to ask; these do not count as
    invalid. Logs a warning if the judge has no opinion on any of many replies: it is the wrong model, or keeps to no
    format.
    """
    signature, title = told
    unclear = ""  # the first answer without an opinion
    lost: list[NoAnswer] = []
    unpaid: EndpointError | None = None

    def work(asks: Asks, line: Line) -> tuple[list[Answer], float, EndpointError | None]:
        answers: list[Answer] = []
        cost = 0.0
        for ask in asks:
            answer, paid = keep.purse.ask(client, ask, line, keep.template_tokens)
            if isinstance(answer, EndpointError):
                return answers, cost, answer
            answers.append(answer)
            cost += paid
        return answers, cost, None

    with kept_in(keep.journal) as kept:
        keys = [_key(signature, asks) for asks in asked]
        opinions = dict(kept.known) if kept else {}
        left = list({key: number for number, key in enumerate(keys) if key not in opinions}.values())
        found = client.work(work, [asked[number] for number in left], _CONCURRENCY)
        for number, (answers, cost, stopped) in tracked(found, title, "replies", len(left)):
            gone = [answer for answer in answers if isinstance(answer, NoAnswer) and answer.may_pass]
            lost += gone[:1]
            unpaid = stopped or unpaid
            usage: dict[str, float] = dict(sum((Counter(answer.usage) for answer in answers), Counter()))
            if keep.purse.prices:
                usage["cost_usd"] = cost
            if gone or stopped:  # of several questions, one may be answered and paid
                if kept and usage:
                    kept.add_without_opinion(usage)
                continue
            key, opinion = keys[left[number]], read(answers)
            opinions[key] = opinion
            if opinion == NO_OPINION:
                unclear = unclear or " / ".join(map(_said, answers))
            if kept:
                kept.add(key, opinion, usage)
    given = [opinions[keys[number]] for number in left if keys[number] in opinions]
    if len(given) >= _MANY and all(opinion == NO_OPINION for opinion in given):
        _logger.warning(
            "judge %s has no verdict on any of %d replies; its first answer is: %s", signature, len(given), unclear
        )
    if unpaid is not None:
        raise unpaid
    if lost:
        raise EndpointError(
            f"judge {signature} gave no verdict on {len(lost)} of {counted(len(asked), 'reply', 'replies')} "
            f"(last: {lost[-1]}): run again"
        )
    return [opinions[key] for key in keys]


def _said(answer: Answer) -> str:
    return str(answer) if isinstance(answer, NoAnswer) else one_line(answer.text)


def _key(signature: str, asks: Asks) -> str:
    """Of the judge and all that it is asked."""
    told = [[ask.messages, ask.prompt, ask.max_tokens, dict(ask.extra)] for ask in asks]
    text = json.dumps([signature, told], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
