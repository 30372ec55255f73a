"""Prompts rendered with the model's own chat template, thinking closed, and replies with their reasoning taken off."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
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


# Goes into a control token that somebody wrote in a prompt: nobody sees it, and it is no such token any more.
_BREAKS_TOKEN = "\u200b"


def render_chat(tokenizer: Any, messages: Sequence[dict[str, Any]], name: str, **options: Any) -> str:
    """`messages` in the chat template of `tokenizer`: a program of the model's makers, run in Jinja's sandbox within
    bounds of time, memory and length. Raises ModelError where it raises or exceeds them.

    Control tokens in what is said are text (`as_said`).
    """
    messages = [{**message, "content": _content_as_said(tokenizer, message["content"])} for message in messages]
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
        raise ModelError(f"{name}: its chat template makes {len(text)} characters of a short message")
    return text


def as_said(tokenizer: Any, text: str) -> str:
    """A text in which no control token is left: what somebody wrote is text, and opens and ends no turn."""
    tokens = _control_tokens(tokenizer, str(tokenizer.chat_template))
    return tokens.sub(lambda token: f"{token[0][0]}{_BREAKS_TOKEN}{token[0][1:]}", text)


@lru_cache(maxsize=2)
def _control_tokens(tokenizer: Any, template: str) -> re.Pattern[str]:
    """What the tokenizer reads as one token wherever it stands: its special tokens, and others of the template."""
    added = tokenizer.added_tokens_decoder.values()
    tokens = {token.content for token in added if token.special or token.content in template}
    tokens |= set(tokenizer.all_special_tokens)
    longest_first = sorted(filter(str.strip, tokens), key=lambda token: (-len(token), token))
    return re.compile("|".join(map(re.escape, longest_first)) or r"\b\B")


def _content_as_said(tokenizer: Any, content: Any) -> Any:
    if isinstance(content, str):
        return as_said(tokenizer, content)
    return [{**part, "text": as_said(tokenizer, part["text"])} if "text" in part else part for part in content]


class ChatTemplate:
    """Renders single-turn prompts for one tokenizer. Raises ModelError where the tokenizer has no chat template."""

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
        """What the template reads as a message's content: its text, or a list of parts. A template that iterates over
        parts drops a text without a word."""
        forms: tuple[Callable[[str], Any], ...] = (str, _as_parts)
        for form in forms:
            self._content = form
            rendered = self.render(_PROBE_TEXT)
            texts = [_PROBE_TEXT, *([self._system_prompt.strip()] if self._system_prompt else [])]
            if all(text in rendered for text in texts):
                return form
        raise ModelError(
            f"{self._name}: its chat template leaves out what the user or the system says; put a chat_template.jinja "
            "that renders it in the model folder"
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
        """Token ids of the rendered prompts; the template already holds the special tokens."""
        if not prompts:
            return []
        ids: list[list[int]] = self._tokenizer([self.render(prompt) for prompt in prompts], add_special_tokens=False)[
            "input_ids"
        ]
        return ids

    def post_instruction_token_ids(self) -> list[int]:
        """Longest common suffix, in tokens, of rendered probes, no longer than the text they share has tokens.

        The second bound keeps an instruction's last token out where a tokenizer gives all probes the same one, the
        unknown token. Raises ModelError where there is no such token.
        """
        rendered = [self.render(probe) for probe in _PROBES]
        most = len(self._tokenizer(_common_ending(rendered), add_special_tokens=False)["input_ids"])
        suffix: list[int] = []
        for column in zip(*(reversed(ids) for ids in self.encode(_PROBES)), strict=False):
            if len(set(column)) > 1 or len(suffix) == most:
                break
            suffix.insert(0, column[0])
        if not suffix:
            raise ModelError(f"{self._name}: its chat template puts no token after the instruction")
        return suffix


def _as_parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _common_ending(texts: Sequence[str]) -> str:
    length = 0
    while length < min(map(len, texts)) and len({text[len(text) - length - 1] for text in texts}) == 1:
        length += 1
    return texts[0][len(texts[0]) - length :]


def strip_reasoning(reply: str) -> str:
    """The answer of a reply: what follows the reasoning. A reply that never leaves its reasoning has an empty
    answer."""
    for end in _REASONING_ENDS:
        if end in reply:
            return reply.rsplit(end, 1)[1].strip()
    return "" if reply.lstrip().startswith(_REASONING_STARTS) else reply.strip()
