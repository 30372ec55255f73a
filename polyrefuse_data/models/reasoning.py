"""Reasoning before an answer: how models mark it, how it is closed before it begins, how it is taken off replies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Format:
    """How a family of models marks its reasoning."""

    opens: str  # what the reasoning begins with
    ends: str  # what the answer follows
    leads: str = ""  # the end of a generation prompt after which reasoning comes, where that is not `opens`
    leaves: str = ""  # what is written to leave it, where that is more than `ends`

    @property
    def closing(self) -> str:
        """What ends reasoning that has begun."""
        return self.leaves or f"\n{self.ends}\n\n"

    def closes(self, prompt: str) -> str | None:
        """What a generation prompt that leads into reasoning still needs for the answer to be next; None for others."""
        if self.leads:
            return self.ends if prompt.endswith(self.leads) else None
        return self.closing if prompt.rstrip().endswith(self.opens) else None

    @property
    def empty(self) -> str:
        """Reasoning that is none, for models that begin it themselves."""
        return f"{self.opens}\n{self.closing}"


_FINAL = "<|channel|>final<|message|>"

FORMATS = (
    Format("<think>", "</think>"),  # DeepSeek, Qwen, GLM, SmolLM3 and most others
    Format("<thinking>", "</thinking>"),
    Format("[THINK]", "[/THINK]"),  # Magistral
    Format("<seed:think>", "</seed:think>"),  # Seed-OSS
    Format("<thought>", "</thought>"),  # EXAONE Deep
    Format("<reasoning>", "</reasoning>"),
    Format("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A Reasoning
    Format("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    Format("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    Format("◁think▷", "◁/think▷"),  # Kimi-VL Thinking
    Format("<|channel>thought", "<channel|>", leaves="<channel|>"),  # Gemma 4
    Format(
        "<|channel|>analysis<|message|>", _FINAL, "<|start|>assistant", f"<|end|><|start|>assistant{_FINAL}"
    ),  # harmony: gpt-oss
)

# Efforts that templates may know, least first.
_EFFORTS = ("none", "minimal", "low")


def template_options(template: str, closed: bool) -> dict[str, Any]:
    """What a template is told of reasoning: templates ignore what they do not know."""
    options: dict[str, Any] = {"enable_thinking": not closed, "thinking": not closed}
    if closed and "thinking_budget" in template:
        options["thinking_budget"] = 0
    if closed and "reasoning_effort" in template:
        known = [effort for effort in _EFFORTS if re.search(rf"""['"]{effort}['"]""", template)]
        if known:
            options["reasoning_effort"] = known[0]
    return options


def close_prompt(prompt: str) -> str:
    """A generation prompt after which the answer comes next."""
    return prompt + next((closing for each in FORMATS if (closing := each.closes(prompt)) is not None), "")


def begun_in(prompt: str) -> Format | None:
    """The format in which a generation prompt already reasons."""
    return next((each for each in FORMATS if not each.leads and each.closes(prompt) is not None), None)


def beginning(reply: str) -> tuple[Format | None, bool]:
    """The format that a reply's beginning is of, and whether more of it is needed to tell."""
    text = reply.lstrip()
    found = next((each for each in FORMATS if text.startswith(each.opens)), None)
    return found, found is None and any(each.opens.startswith(text) for each in FORMATS)


def strip_reasoning(reply: str) -> str:
    """The answer of a reply: what follows the reasoning. A reply that never leaves its reasoning has an empty
    answer."""
    found = next(_ended(reply), None)
    if found is not None:
        return reply.rsplit(found.ends, 1)[1].strip()
    return "" if beginning(reply)[0] else reply.strip()


def _ended(reply: str) -> Iterator[Format]:
    """Formats whose reasoning a reply has left: it began with it, or the generation prompt had."""
    text = reply.lstrip()
    for each in FORMATS:
        before, ends, _ = text.partition(each.ends)
        if ends and (text.startswith(each.opens) or each.opens not in before):
            yield each
