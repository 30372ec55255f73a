"""One reply while it grows, token by token: where its reasoning ends, how long it may get, and when it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any

from polyrefuse_data.models.reasoning import beginning, opens_answer
from polyrefuse_data.models.reasoning_formats import Format

_WINDOW = 8  # tokens before a marker's own that are read for it: it may share its first one with what stands before


@dataclass
class GrowingReply:
    """`form` is the reasoning that the prompt has begun already, None where it has begun none."""

    tokenizer: Any
    stop: Set[int]
    form: Format | None
    answer_limit: int
    reasoning_limit: int
    token_ids: list[int] = field(default_factory=list)
    n_reasoning: int = 0  # how many of them are reasoning, including its marks, and space and mark before the answer
    is_done: bool = False

    def __post_init__(self) -> None:
        self._reasons = self.form is not None
        self._undecided = self.form is None
        self._leads = True  # to the answer, after the reasoning
        self._forced: deque[int] = deque()

    def add(self, chosen: int) -> int:
        """Take the model's choice, or what has to come instead; the one that was taken."""
        token = self._forced.popleft() if self._forced else chosen
        self.token_ids.append(token)
        if self._undecided:
            self.form, self._undecided = beginning(self._text(self.token_ids))
            self._reasons = self.form is not None
        if self._reasons:
            self._reason(token)
        else:
            self._answer(token)
        return token

    def fail(self) -> None:
        """The model computes no token: there is no reply."""
        self.token_ids.clear()
        self.n_reasoning, self.is_done = 0, True

    def _reason(self, token: int) -> None:
        assert self.form is not None
        self.n_reasoning = len(self.token_ids)
        marks = self._ids(self.form.closing)
        if self.form.ends in self._text(self.token_ids[-len(marks) - _WINDOW :]):
            self._reasons = bool(self._forced)
        elif token in self.stop and token not in marks:
            self.is_done = True
        elif self.n_reasoning == self.reasoning_limit:
            self._forced.extend(marks)

    def _answer(self, token: int) -> None:
        if self.n_reasoning and self._leads:
            opens, self._leads = opens_answer(self._text(self.token_ids[self.n_reasoning :]))
            self.n_reasoning = len(self.token_ids) if opens else self.n_reasoning
        is_long = len(self.token_ids) - self.n_reasoning >= self.answer_limit
        self.is_done = token in self.stop or is_long

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _text(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text
