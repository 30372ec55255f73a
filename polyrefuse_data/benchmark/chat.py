"""Renders prompts with the model's own chat template, without thinking, and strips reasoning from replies."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.limits import bounded

# What templates that print today's date are told it is, so that they print the same from day to day: the date that
# Llama 3.1 and later fall back on. It is in run.json.
TEMPLATE_DATE = datetime.datetime(2024, 7, 26)

# Handed to every template; templates ignore what they do not know.
_TEMPLATE_OPTIONS = {"enable_thinking": False, "thinking": False, "date_string": TEMPLATE_DATE.strftime("%d %b %Y")}

# The clock of templates is a function of transformers that reads the machine's. It takes no other from outside, so a
# macro of the same name goes before the template: it puts our date into the format.
_CLOCK = "strftime_now"
_CODES = [f"%{flag}{code}" for code in "aAbBcdHIjmMpSwxXyYZz" for flag in ("-", "")]
_FROZEN_CLOCK = (
    f"{{%- macro {_CLOCK}(format) -%}}{{{{ format"
    + "".join(f".replace({code!r}, {TEMPLATE_DATE.strftime(code)!r})" for code in _CODES)
    + " }}{%- endmacro -%}"
)

# Templates take milliseconds and add at most some thousand characters (tool descriptions, dates) to a message.
_RENDER_SECONDS, _RENDER_MEGABYTES, _LONGEST_RENDERING = 10.0, 512, 100_000

# Generation prompts that lead into hidden reasoning, and what closes it, so that the first token scored is the
# answer's.
_REASONING_CLOSERS = (
    (re.compile(r"<think>\s*\Z"), "\n</think>\n\n"),
    (re.compile(r"<\|start\|>assistant\Z"), "<|channel|>final<|message|>"),  # harmony format (gpt-oss)
)

# Reasoning that a reply still carries: everything up to the marker that ends it.
_REASONING_ENDS = ("</think>", "<|channel|>final<|message|>")
_REASONING_STARTS = ("<think>", "<|channel|>analysis")

_PROBE_TEXT = "Say hello to everyone, please."  # comes back in every rendering that keeps what the user says

# Instructions that share no first or last character, so that what their renderings share is the template's.
_PROBES = ("a", "Hello?", "7 + 5 =", "你好。", "Tell me more!", "(x)")


def render_chat(tokenizer: Any, messages: Sequence[dict[str, Any]], name: str, **options: Any) -> str:
    """Render `messages` with the chat template of `tokenizer`.

    A template is a program by the model's authors. It runs in Jinja's sandbox, with limits on time, memory and length.
    Raises ModelError if it fails or exceeds them.
    """
    try:
        template = tokenizer.get_chat_template()
        if _CLOCK in template:
            options["chat_template"] = _FROZEN_CLOCK + template
        with bounded(_RENDER_SECONDS, _RENDER_MEGABYTES):
            text: str = tokenizer.apply_chat_template(messages, tokenize=False, **options)
    except Exception as error:  # templates raise whatever jinja and their authors raise
        reason = str(error) or type(error).__name__
        raise ModelError(f"{name}: its chat template does not render a user message ({reason})") from error
    if len(text) > _LONGEST_RENDERING + len(str(messages)):
        raise ModelError(f"{name}: its chat template turns a short message into {len(text)} characters")
    return text


class ChatTemplate:
    """Renders single-turn prompts for one tokenizer. Raises ModelError if the tokenizer has no usable chat template."""

    def __init__(self, tokenizer: Any, name: str, system_prompt: str | None = None) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise ModelError(
                f"{name}: the tokenizer has no chat template; use the instruction-tuned checkpoint, or put its "
                "chat_template.jinja in the model folder"
            )
        self._tokenizer = tokenizer
        self._name = name
        self._system_prompt = system_prompt
        self._content = self._find_content()

    def _find_content(self) -> Callable[[str], Any]:
        """How the template expects a message's content: as text, or as a list of parts. A template that iterates over
        parts silently drops plain text."""
        forms: tuple[Callable[[str], Any], ...] = (str, _as_parts)
        for form in forms:
            self._content = form
            rendered = self.render(_PROBE_TEXT)
            texts = [_PROBE_TEXT, *([self._system_prompt.strip()] if self._system_prompt else [])]
            if all(text in rendered for text in texts):
                return form
        raise ModelError(
            f"{self._name}: its chat template drops the user or system message; put a chat_template.jinja "
            "that renders both in the model folder"
        )

    def render(self, prompt: str) -> str:
        """The text the model reads: template, instruction, generation prompt."""
        messages = [{"role": "user", "content": self._content(prompt)}]
        if self._system_prompt is not None:
            messages.insert(0, {"role": "system", "content": self._content(self._system_prompt)})
        text = render_chat(self._tokenizer, messages, self._name, add_generation_prompt=True, **_TEMPLATE_OPTIONS)
        for opened, closer in _REASONING_CLOSERS:
            if opened.search(text):
                text += closer
        return text

    def encode(self, prompts: Sequence[str]) -> list[list[int]]:
        """Token ids of the rendered prompts. The template already contains the special tokens."""
        if not prompts:
            return []
        ids: list[list[int]] = self._tokenizer([self.render(prompt) for prompt in prompts], add_special_tokens=False)[
            "input_ids"
        ]
        return ids

    def post_instruction_token_ids(self) -> list[int]:
        """The longest common suffix of rendered probes, in tokens, and no longer than their common text is in tokens.

        The second limit matters if a tokenizer maps the ends of all probes to the unknown token. Raises ModelError if
        the suffix is empty.
        """
        rendered = [self.render(probe) for probe in _PROBES]
        most = len(self._tokenizer(_common_ending(rendered), add_special_tokens=False)["input_ids"])
        suffix: list[int] = []
        for column in zip(*(reversed(ids) for ids in self.encode(_PROBES)), strict=False):
            if len(set(column)) > 1 or len(suffix) == most:
                break
            suffix.insert(0, column[0])
        if not suffix:
            raise ModelError(f"{self._name}: its chat template adds no token after the instruction")
        return suffix


def _as_parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _common_ending(texts: Sequence[str]) -> str:
    length = 0
    while length < min(map(len, texts)) and len({text[len(text) - length - 1] for text in texts}) == 1:
        length += 1
    return texts[0][len(texts[0]) - length :]


def strip_reasoning(reply: str) -> str:
    """The part of a reply after its reasoning; empty if the reply never leaves its reasoning."""
    for end in _REASONING_ENDS:
        if end in reply:
            return reply.rsplit(end, 1)[1].strip()
    return "" if reply.lstrip().startswith(_REASONING_STARTS) else reply.strip()
