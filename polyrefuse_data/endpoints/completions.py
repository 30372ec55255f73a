"""Reads chat completions as APIs really send them: the model's text, or the reason why there is none.

Everything that asks a model uses this reader. What is no completion at all (HTML, `[]`, a message that is a number,
half a JSON object) is no answer and may pass. What an API will say again (its content filter, a refusal, a text too
long) is an answer without text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from polyrefuse_data.endpoints.logprobs import Token, read_tokens
from polyrefuse_data.system.redaction import one_line

# What APIs call the end of an answer that their own filter stopped: OpenAI and Azure, Gemini (upper case and through
# its compatible API), Anthropic and gateways to it, Zhipu, DashScope.
_FILTERED = frozenset(
    {
        "content_filter",
        "content_filtered",
        "contentfilter",
        "safety",
        "image_safety",
        "prohibited_content",
        "blocklist",
        "spii",
        "recitation",
        "guardrail_intervened",
        "refusal",
        "sensitive",
        "data_inspection_failed",
        "model_armor",
    }
)
# ... and of one that was cut at its longest length: OpenAI and most others, Gemini, Anthropic, Cohere, Hugging Face.
_CUT = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded", "max_output_tokens"})
# ... and of one that broke off for the server's own trouble: Gemini's tool parser, OpenRouter, gateways.
_BROKEN = frozenset({"error", "malformed_function_call", "other", "network_error", "insufficient_system_resource"})

# Parts of a content that are not the answer but the way to it.
_REASONING_PARTS = frozenset({"thinking", "reasoning", "reasoning_text", "redacted_thinking", "summary_text"})

CUT = "cut"  # among the notes of a completion: it reached its longest length

_MOST_TOKENS = 10**8  # no answer takes so many: a greater count is no count, and limits per minute would wait for ever

# Our names of the token counts, and those of a completion.
_TOKEN_COUNTS = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}


@dataclass(frozen=True)
class Completion:
    """The text of an answer, and the tokens it took: `input_tokens` and `output_tokens`, both or neither. `notes` name
    the wrapping that it came in, `tokens` are there where the ask was for `top_logprobs` and the API knows them."""

    text: str
    usage: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no text: `reason` is a short name that is counted, `detail` is a message.

    With `may_pass`, the cause is not the request: a time-out, a busy API, something that is no completion.
    """

    reason: str
    detail: str = ""
    may_pass: bool = False
    usage: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.reason}, {one_line(self.detail)}" if self.detail else self.reason


Answer = Completion | NoAnswer


def read_completion(body: Any, may_be_cut: bool = False) -> Answer:
    """Read a chat completion (the API's JSON) as its text, or the reason why there is none, with its token counts.

    A text that reached the length limit is half an answer, so none, except for callers that ask for so many tokens
    and no more (`may_be_cut`): then its notes contain CUT. Errors instead of a completion must be caught first, with
    ApiError.
    """
    return replace(_read(body, may_be_cut), usage=_usage(body))


def _read(body: Any, may_be_cut: bool) -> Answer:
    if not isinstance(body, dict):
        return _malformed(f"a JSON {type(body).__name__} instead of a chat completion")
    blocked = _blocked_prompt(body)
    if blocked is not None:
        return blocked
    choices = body.get("choices")
    if choices == []:
        return _without_choices(body)
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, dict):
        return _malformed("a chat completion without choices")
    reason = choice.get("finish_reason")
    ended = _words(reason)
    message = choice.get("message")
    if message is None and "text" in choice:  # the completion of a text, of models without a chat template
        message = {"content": choice["text"]}
    said = message.get("refusal") if isinstance(message, dict) else None
    if said:
        return NoAnswer("refused", str(said))
    if ended & _FILTERED:
        return NoAnswer("content_filter", f"the answer was stopped by the API's content filter ({reason})")
    if ended & _CUT and not may_be_cut:
        return NoAnswer("truncated", "the answer reached the length limit")
    if ended & _BROKEN:
        return _malformed(f"the answer broke off ({reason})")
    if not isinstance(message, dict):
        return _malformed("a choice without a message")
    answer = _read_message(message)
    if isinstance(answer, Completion) and (tokens := read_tokens(choice)):
        answer = replace(answer, tokens=tokens)
    if not ended & _CUT:
        return answer
    if isinstance(answer, Completion):
        return replace(answer, notes=(*answer.notes, CUT))
    # All of it went into reasoning.
    return NoAnswer("truncated", answer.detail) if answer.reason == "empty" else answer


def _words(reason: Any) -> set[str]:
    """The words in `FinishReason.SAFETY` or `content_filter: PROHIBITED_CONTENT`."""
    return set(re.findall(r"[a-z_]+", reason.lower())) if isinstance(reason, str) else set()


def _read_message(message: dict[str, Any]) -> Answer:
    content = message.get("content")
    notes: tuple[str, ...] = ()
    if content in (None, "") and (arguments := _arguments(message)) is not None:
        content, notes = arguments, ("tool_call",)
    elif content is None:
        content = ""
    elif isinstance(content, list):
        parts = list(map(_part, content))
        if None in parts:
            return _malformed("a content with invalid parts")
        content, notes = "".join(part for part in parts if part is not None), ("parts",)
    if not isinstance(content, str):
        return _malformed(f"a content of JSON type {type(content).__name__}")
    return Completion(content, notes=notes) if content.strip() else NoAnswer("empty", "the model gave no text")


def _part(part: Any) -> str | None:
    """The text of one part of a content; None for anything else."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return None
    if part.get("type") in _REASONING_PARTS:
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else None


def _arguments(message: dict[str, Any]) -> str | None:
    """The arguments of a tool call, if the model made exactly one instead of answering."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if not functions:
        functions = [message.get("function_call")]
    arguments = [function.get("arguments") for function in functions if isinstance(function, dict)]
    return arguments[0] if len(arguments) == 1 and isinstance(arguments[0], str) else None


def _blocked_prompt(body: dict[str, Any]) -> NoAnswer | None:
    """The failure if Gemini, or a gateway to it, reports beside the choices (there may be none) that the prompt was
    blocked."""
    for key in ("prompt_feedback", "promptFeedback"):
        feedback = body.get(key)
        if isinstance(feedback, dict):
            for name in ("block_reason", "blockReason"):
                if feedback.get(name):
                    return NoAnswer("content_filter", f"the prompt was blocked by the API ({feedback[name]})")
    return None


def _without_choices(body: dict[str, Any]) -> NoAnswer:
    """The failure if there are no choices. Gemini and gateways to it then have blocked the prompt, and count no tokens
    of an answer. One whose tokens are counted has been paid for and is empty: asked again, it would be again."""
    usage = body.get("usage")
    if _words(body.get("finish_reason")) & _FILTERED:
        return NoAnswer("content_filter", f"the API gave no answer ({body['finish_reason']})")
    if isinstance(usage, dict) and usage.get("completion_tokens"):
        return NoAnswer("empty", f"the API counts {usage['completion_tokens']} tokens of an answer and gives none")
    if isinstance(usage, dict) and usage.get("prompt_tokens"):
        return NoAnswer("content_filter", "the API read the prompt and gave no answer to choose from")
    return _malformed("a chat completion without choices")


def _malformed(detail: str) -> NoAnswer:
    return NoAnswer("malformed_response", detail, may_pass=True)


def _usage(body: Any) -> dict[str, float]:
    """The token counts, if the API reports both."""
    reported = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(reported, dict):
        return {}
    counts = dict(_counts(reported, _TOKEN_COUNTS))
    if len(counts) < len(_TOKEN_COUNTS):
        return {}
    # Some APIs (Gemini, xAI) count thinking separately and only in the total; everywhere it is billed as output.
    total = dict(_counts(reported, {"total": "total_tokens"})).get("total", 0.0)
    counts["output_tokens"] = max(counts["output_tokens"], total - counts["input_tokens"])
    return counts


def _counts(reported: dict[str, Any], names: dict[str, str]) -> Iterator[tuple[str, float]]:
    for ours, theirs in names.items():
        count = reported.get(theirs)
        if isinstance(count, int | float) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS:
            yield ours, float(count)
