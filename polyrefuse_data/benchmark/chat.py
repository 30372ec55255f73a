"""Renders prompts with the model's own chat template, without thinking, and strips reasoning from replies."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.models.control_tokens import control_tokens, escape
from polyrefuse_data.models.reasoning import begun_in, close_prompt, template_options
from polyrefuse_data.models.reasoning_formats import Format
from polyrefuse_data.models.rendering import render_chat

_PROBE_TEXT = "Say hello to everyone, please."  # comes back in every rendering that keeps what the user says

# Instructions that share no first or last character, so that what their renderings share is the template's.
_PROBES = ("a", "Hello?", "7 + 5 =", "你好。", "Tell me more!", "(x)")


class ChatTemplate:
    """Renders single-turn prompts for one tokenizer. Raises ModelError if the tokenizer has no usable chat template."""

    def __init__(self, tokenizer: Any, name: str, system_prompt: str | None = None) -> None:
        if not getattr(tokenizer, "chat_template", None):
            raise ModelError(
                f"{name}: the tokenizer has no chat template; use the instruction-tuned checkpoint, or put its "
                "chat_template.jinja in the model folder"
            )
        try:
            template = tokenizer.get_chat_template()
        except ValueError as error:  # several by name, of which none is the default
            raise ModelError(
                f"{name}: it has several named chat templates but no `default`; put the one to measure in the model "
                "folder as chat_template.jinja"
            ) from error
        if not isinstance(template, str):
            raise ModelError(f"{name}: its chat template is not text; put a chat_template.jinja in the model folder")
        self._tokenizer = tokenizer
        self._name = name
        self._system_prompt = system_prompt
        self.before_answer = ""  # what the model writes before its answers, given to it so that the answer comes next
        # A run encodes its prompts once for every direction.
        self._encoded: dict[tuple[str, bool, str], array[int]] = {}
        self._control_tokens = control_tokens(tokenizer, template)
        self._content = self._find_content()

    def _find_content(self) -> Callable[[str], Any]:
        """How the template expects a message's content: as text, or as a list of parts. A template that iterates over
        parts silently drops plain text, or refuses it."""
        failed = ModelError(
            f"{self._name}: its chat template drops the user message; put a chat_template.jinja that renders it in the "
            "model folder"
        )
        forms: tuple[Callable[[str], Any], ...] = (str, _as_parts)
        for form in forms:
            self._content = form
            try:
                rendered = self.render(_PROBE_TEXT)
            except ModelError as error:
                failed = error if form is str else failed
                continue
            texts = [_PROBE_TEXT, *([self._system_prompt.strip()] if self._system_prompt else [])]
            if all(escape(text, self._control_tokens) in rendered for text in texts):
                return form
        if self._system_prompt is not None:
            ChatTemplate(self._tokenizer, self._name)  # raises if the system prompt is not what is wrong
            raise ModelError(
                f"{self._name}: its chat template accepts no system message; leave out the system prompt, or put a "
                "chat_template.jinja that renders it in the model folder"
            ) from failed
        raise failed

    def render(self, prompt: str, reasoning: bool = False) -> str:
        """The text the model reads: template, instruction, generation prompt. With `reasoning` the model may reason
        first; else the answer comes next."""
        messages = [{"role": "user", "content": self._content(prompt)}]
        if self._system_prompt is not None:
            messages.insert(0, {"role": "system", "content": self._content(self._system_prompt)})
        template = self._tokenizer.get_chat_template()
        options = template_options(template, closed=not reasoning)
        text = render_chat(self._tokenizer, messages, self._name, add_generation_prompt=True, **options)
        return text if reasoning else close_prompt(text, template) + self.before_answer

    def encode(self, prompts: Sequence[str], reasoning: bool = False) -> list[list[int]]:
        """Token ids of the rendered prompts. The template already contains the special tokens."""
        keys = [(prompt, reasoning, self.before_answer) for prompt in prompts]
        if new := [key for key in dict.fromkeys(keys) if key not in self._encoded]:
            rendered = [self.render(prompt, reasoning) for prompt, _, _ in new]
            ids: list[list[int]] = self._tokenizer(rendered, add_special_tokens=False)["input_ids"]
            self._encoded.update((key, array("i", row)) for key, row in zip(new, ids, strict=True))
        return [list(self._encoded[key]) for key in keys]

    @property
    def begun_reasoning(self) -> Format | None:
        """The format in which the generation prompt already reasons, where the model may reason."""
        return begun_in(self.render(_PROBE_TEXT, reasoning=True))

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
            raise ModelError(
                f"{self._name}: its chat template adds no token after the instruction, where "
                "directions are read; put a chat_template.jinja that marks the assistant's turn in the model folder"
            )
        return suffix


def _as_parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _common_ending(texts: Sequence[str]) -> str:
    length = 0
    while length < min(map(len, texts)) and len({text[len(text) - length - 1] for text in texts}) == 1:
        length += 1
    return texts[0][len(texts[0]) - length :]
