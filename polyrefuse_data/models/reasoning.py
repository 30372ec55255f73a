"""Reasoning before an answer: closed before it begins, found where it begins, taken off replies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from polyrefuse_data.models.reasoning_formats import ANSWERS, FORMATS, Format

# Efforts that templates may know, least first.
_EFFORTS = ("none", "no_think", "minimal", "low")


def template_options(template: str, closed: bool) -> dict[str, Any]:
    """What a template is told of reasoning: templates ignore what they do not know."""
    options: dict[str, Any] = {
        "enable_thinking": not closed,
        "thinking": not closed,
        "reasoning": not closed,  # Command A Reasoning, GigaChat
        "skip_reasoning": closed,  # HyperCLOVA X Think
        "thinking_mode": "disabled" if closed else "enabled",  # MiniMax M3
    }
    if closed and "thinking_budget" in template:
        options["thinking_budget"] = 0
    if closed and "reasoning_effort" in template:
        known = [effort for effort in _EFFORTS if re.search(rf"""['"]{effort}['"]""", template)]
        if known:
            options["reasoning_effort"] = known[0]
    return options


def close_prompt(prompt: str, template: str) -> str:
    """A generation prompt of this template after which the answer comes next."""
    closings = (each.closes(prompt, template) for each in FORMATS)
    return prompt + next((closing for closing in closings if closing is not None), "")


def begun_in(prompt: str) -> Format | None:
    """The format in which a generation prompt already reasons."""
    return next((each for each in FORMATS if not each.leads and each.closes(prompt, "") is not None), None)


def beginning(reply: str) -> tuple[Format | None, bool]:
    """The format that a reply's beginning is of, and whether more of it is needed to tell."""
    text = reply.lstrip()
    found = next((each for each in FORMATS if text.startswith(each.opens)), None)
    return found, found is None and any(each.opens.startswith(text) for each in FORMATS)


def opens_answer(text: str) -> tuple[bool, bool]:
    """Whether a text is the mark that an answer is wrapped in, or nothing but space, and whether more of it is needed
    to tell."""
    mark = text.strip()
    openers = [opener for opener, _ in ANSWERS]
    return not mark or mark in openers, any(opener.startswith(mark) for opener in openers)


def follows_marks(prompt: str) -> bool:
    """Whether a generation prompt ends with reasoning that is closed, or with the mark of an answer."""
    marks = (*(each.ends for each in FORMATS), *(opener for opener, _ in ANSWERS))
    return prompt.rstrip().endswith(marks)


def strip_reasoning(reply: str) -> str:
    """The answer of a reply: what follows the reasoning, without what it is wrapped in. A reply that never leaves its
    reasoning has an empty answer."""
    found = next(_ended(reply), None)
    if found is not None:
        return _unwrapped(reply.rsplit(found.ends, 1)[1])
    return "" if beginning(reply)[0] else _unwrapped(reply)


def _ended(reply: str) -> Iterator[Format]:
    """Formats whose reasoning a reply has left: it began with it, or the generation prompt had."""
    text = reply.lstrip()
    for each in FORMATS:
        before, ends, _ = text.partition(each.ends)
        if ends and (text.startswith(each.opens) or (each.tells and each.opens not in before)):
            yield each


def _unwrapped(answer: str) -> str:
    """An answer without the marks around it. The generation prompt may have had the first of them."""
    text = answer.strip()
    for opener, closer in ANSWERS:
        if text.startswith(opener):
            return text.removeprefix(opener).partition(closer)[0].strip()
        if text.endswith(closer) and opener not in text:
            return text.removesuffix(closer).strip()
    return text
