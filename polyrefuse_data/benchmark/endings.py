"""What an API gave in answer to a prompt, as a reply and how it ended (store.py)."""

from __future__ import annotations

from polyrefuse_data.benchmark import store
from polyrefuse_data.endpoints import Completion
from polyrefuse_data.endpoints.completions import CUT, Answer
from polyrefuse_data.models.reasoning import strip_reasoning

# What an API returns in place of text, and would return again.
_ENDINGS = {
    "refused": store.REFUSED,
    "content_filter": store.FILTERED,
    "truncated": store.LENGTH,
    "empty": store.EMPTY,
    "too_long": store.TOO_LONG,
}


def reply_and_ending(answer: Answer) -> tuple[str, str] | None:
    """The reply without its reasoning, or a refusal from the field that the API has for it; None where the answer says
    nothing about the prompt."""
    if isinstance(answer, Completion):
        reply = strip_reasoning(answer.text)
        return reply, store.LENGTH if CUT in answer.notes else store.STOP if reply else store.EMPTY
    if answer.reason not in _ENDINGS:
        return None
    ended = _ENDINGS[answer.reason]
    return answer.detail if ended == store.REFUSED else "", ended
