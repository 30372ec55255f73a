"""Chat templates run on messages: programs by the authors of models, in a sandbox, with limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.models.control_tokens import control_tokens, escape
from polyrefuse_data.models.template_clock import DATE_OPTIONS, stopped
from polyrefuse_data.system.limits import bounded

# Templates take milliseconds and add at most some thousand characters (tool descriptions, dates) to a message.
_RENDER_SECONDS, _RENDER_MEGABYTES, _LONGEST_RENDERING = 10.0, 512, 100_000


def render_chat(tokenizer: Any, messages: Sequence[dict[str, Any]], name: str, **options: Any) -> str:
    """Render `messages` with the chat template of `tokenizer`.

    A template is a program by the model's authors. It runs in Jinja's sandbox, with limits on time, memory and length.
    Control tokens in a message are escaped. Raises ModelError if the template fails or exceeds the limits.
    """
    try:
        template = tokenizer.get_chat_template()
        tokens = control_tokens(tokenizer, template)
        escaped = [{**message, "content": _escaped(message["content"], tokens)} for message in messages]
        with bounded(_RENDER_SECONDS, _RENDER_MEGABYTES):
            text: str = tokenizer.apply_chat_template(
                escaped, tokenize=False, chat_template=stopped(template), **DATE_OPTIONS, **options
            )
    except Exception as error:  # templates raise anything that jinja or their authors raise
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise ModelError(f"{name}: its chat template does not render a user message ({reason})") from error
    if len(text) > _LONGEST_RENDERING + len(str(messages)):
        raise ModelError(f"{name}: its chat template turns a short message into {len(text)} characters")
    return text


def _escaped(content: Any, tokens: Sequence[str]) -> Any:
    """A message's text, or its parts, without control tokens."""
    if isinstance(content, str):
        return escape(content, tokens)
    return [{**part, "text": escape(part["text"], tokens)} for part in content]
