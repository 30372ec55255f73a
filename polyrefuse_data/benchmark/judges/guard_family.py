"""How the models of one family are asked, and how their answers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.odds import Odds, Said
from polyrefuse_data.models.control_tokens import control_tokens, escape
from polyrefuse_data.models.rendering import render_chat

Messages = list[dict[str, Any]]

# A reply longer than this (characters) is judged by its start: guards have short contexts.
LONGEST_REPLY = 6000
CLASSIFIER = "AutoModelForSequenceClassification"  # of a text: says one of its labels


@dataclass(frozen=True)
class GuardFamily:
    """A family of guard models. `questions` gives one conversation a question about (prompt, reply), `parse` takes the
    answers to them, as text."""

    name: str
    ids: str  # regular expression for the last part of a model id or folder
    questions: Callable[[str, str], list[Messages]]
    parse: Callable[..., Opinion]
    languages: frozenset[str] | None = None  # that it was trained on, according to its card; None: any but `not_in`
    not_in: frozenset[str] = frozenset()
    labels_refusal: bool = True
    max_new_tokens: int = 64
    options: Mapping[str, Any] = field(default_factory=dict)  # that the chat template is told
    frame: str | None = None  # for models without a chat template: what stands around each message, by its role
    served_as_chat: bool = True  # whether servers know how to write a chat for it
    frame_tokens: tuple[str, ...] = ()  # of the frame, that the tokenizer has to know as such
    model_class: str = "AutoModelForCausalLM"  # of transformers
    special_tokens: bool = False  # whether the answer is read with its control tokens
    refusal_odds: Odds | None = None
    harm_odds: Odds | None = None

    def covers(self, language: str) -> bool:
        """Whether the family's card says that it knows a language."""
        return language in self.languages if self.languages is not None else language not in self.not_in

    @property
    def has_odds(self) -> bool:
        return self.refusal_odds is not None or self.harm_odds is not None

    def build(self, tokenizer: Any, prompt: str, response: str) -> list[str]:
        """The text that a local model goes on with, for each question."""
        return [self._text(tokenizer, messages) for messages in self.questions(prompt, response)]

    def _text(self, tokenizer: Any, messages: Messages) -> str:
        if self.frame is None:
            return render_chat(tokenizer, messages, tokenizer.name_or_path, **self.options)
        tokens = control_tokens(tokenizer, self.frame)
        return self.framed([{**message, "content": escape(message["content"], tokens)} for message in messages])

    def framed(self, messages: Messages) -> str:
        """The messages in the frame. Control tokens in them have to be escaped."""
        assert self.frame is not None
        return self.frame.format(**{message["role"]: message["content"] for message in messages})

    def opinion(self, answers: Sequence[Said]) -> Opinion:
        """What the answers say, with the scores that their odds give."""
        return replace(
            self.parse(*(answer.text for answer in answers)),
            refusal_score=self.refusal_odds.score(answers) if self.refusal_odds else None,
            harm_score=self.harm_odds.score(answers) if self.harm_odds else None,
        )
