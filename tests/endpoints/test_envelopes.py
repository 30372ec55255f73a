"""Exactly one JSON object, whatever it is wrapped in; and whatever is not exactly one."""

from __future__ import annotations

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyrefuse_data.endpoints.completions import Completion, read_completion
from polyrefuse_data.endpoints.envelopes import unwrap
from polyrefuse_data.translation import Failure, Translation
from polyrefuse_data.translation.chat import Chat
from tests.endpoints.servers import completion
from tests.patience import in_time

ONE = '{"translation": "Wie backe ich Brot?"}'
OBJECT = {"translation": "Wie backe ich Brot?"}

WRAPPED = {
    ONE: (),
    f"  {ONE}\n": (),
    f"```json\n{ONE}\n```": ("fence",),
    f"```\n{ONE}\n```\n": ("fence",),
    f"```{ONE}```": ("fence",),
    f"```JSON\r\n{ONE}\r\n```": ("fence",),
    f"\ufeff{ONE}": ("bom",),
    f"<think>\nBread. {{no object}}\n</think>\n\n{ONE}": ("reasoning",),
    f"Bread means Brot.\n</think>\n{ONE}": ("reasoning",),
    f"[THINK]Bread.[/THINK]{ONE}": ("reasoning",),
    f"<seed:think>{ONE}</seed:think>{ONE}": ("reasoning",),
    f"<|channel|>analysis<|message|>Bread.<|end|><|start|>assistant<|channel|>final<|message|>{ONE}<|return|>": (
        "reasoning",
        "end_token",
    ),
    f"{ONE}<|im_end|>": ("end_token",),
    f"{ONE} </s>\n": ("end_token",),
    f"<think></think>```json\n{ONE}\n```<|eot_id|>": ("reasoning", "end_token", "fence"),
    json.dumps(ONE): ("double_encoded",),
    f"```json\n{json.dumps(ONE)}\n```": ("fence", "double_encoded"),
}


@pytest.mark.parametrize(("text", "notes"), WRAPPED.items(), ids=ascii)
def test_one_object_is_found_in_its_wrapping_and_told(text: str, notes: tuple[str, ...]) -> None:
    assert unwrap(text) == (OBJECT, notes)


def test_line_breaks_in_a_string_are_text() -> None:
    assert unwrap('{"translation": "eins\nzwei\tdrei"}') == ({"translation": "eins\nzwei\tdrei"}, ("raw_newline",))


NOT_ONE = [
    "",
    "Wie backe ich Brot?",
    "I'm sorry, but I can't help with that.",
    f"Here is the translation:\n{ONE}",
    f"{ONE}\nI softened the wording.",
    f"{ONE}{ONE}",
    f"{ONE}\n{ONE}",
    f"```json\n{ONE}\n```\n```json\n{ONE}\n```",
    f"```json\n{ONE}\n```\nor:\n{ONE}",
    f"```json\n{ONE}",
    f"<think>{ONE}",
    f"<think>{ONE}</think>",
    f"<think>{ONE}</think>I cannot translate this.",
    f"<think></think>{ONE}{ONE}",
    ONE[:-3],
    f"<think></think>{ONE[:-3]}",
    '{"translation": "a", "translation": "b"}',
    f"[{ONE}]",
    '"Wie backe ich Brot?"',
    "null",
    "``````",
    "<|im_end|>",
    "[" * 100_000,
]


@pytest.mark.parametrize("text", NOT_ONE, ids=lambda text: ascii(text)[:40])
def test_what_is_not_exactly_one_object_is_none(text: str) -> None:
    assert unwrap(text) == (None, ())


@given(st.text())
def test_a_text_that_looks_like_wrapping_comes_back_as_it_is(text: str) -> None:
    for inner in (text, f"</think>{text}", f"{text}</s>", f"```\n{text}\n```", f'"{text}"'):
        expected = {"translation": inner}
        assert unwrap(json.dumps(expected, ensure_ascii=False))[0] == expected
        assert unwrap(f"<think>x</think>{json.dumps(expected)}")[0] in (expected, None)


def test_a_megabyte_made_to_cost_time_costs_little() -> None:
    started = time.monotonic()
    for text in (
        "<think>" * 150_000,
        "```" * 300_000,
        "</s>" * 250_000,
        "\ufeff" * 10**6,
        '"\\"' * 300_000,
        " " * 10**6,
    ):
        unwrap(text)
    assert in_time(started, 10)


@pytest.mark.parametrize(
    ("message", "notes"),
    [
        ({"content": None, "tool_calls": [{"function": {"name": "translation", "arguments": ONE}}]}, ("tool_call",)),
        ({"content": "", "tool_calls": [{"function": {"name": "translation", "arguments": ONE}}]}, ("tool_call",)),
        ({"content": None, "function_call": {"name": "translation", "arguments": ONE}}, ("tool_call",)),
        ({"content": [{"type": "text", "text": ONE[:9]}, {"type": "text", "text": ONE[9:]}]}, ("parts",)),
        (
            {"content": [{"type": "thinking", "thinking": [{"text": "Bread."}]}, {"type": "text", "text": ONE}]},
            ("parts",),
        ),
        ({"content": ["```json\n", ONE, "\n```"]}, ("parts", "fence")),
        ({"content": ONE, "reasoning_content": "Bread."}, ()),
    ],
)
def test_an_answer_in_parts_or_as_the_call_of_a_tool_is_one(message: dict[str, object], notes: tuple[str, ...]) -> None:
    result = Chat().read(read_completion(completion(**message)))  # type: ignore[arg-type]
    assert result == Translation(OBJECT["translation"], notes=notes)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            {"content": None, "tool_calls": [{"function": {"arguments": ONE}}, {"function": {"arguments": ONE}}]},
            "empty",
        ),
        ({"content": None, "tool_calls": []}, "empty"),
        ({"content": None, "reasoning_content": ONE}, "empty"),
        ({"content": [{"type": "text", "text": ONE}, {"type": "text", "text": ONE}]}, "not_structured"),
        ({"content": "Sure! Here it is:", "tool_calls": [{"function": {"arguments": ONE}}]}, "not_structured"),
    ],
)
def test_two_answers_or_none_are_a_failure(message: dict[str, object], reason: str) -> None:
    result = Chat().read(read_completion(completion(**message)))  # type: ignore[arg-type]
    assert isinstance(result, Failure)
    assert (result.reason, result.ask_again) == (reason, False)


def test_a_completion_says_what_it_took() -> None:
    body = {**completion(ONE), "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}}
    assert read_completion(body) == Completion(ONE, {"input_tokens": 5.0, "output_tokens": 7.0})


@pytest.mark.parametrize("count", [10**400, 1e300, -1, math.nan, True, "5"], ids=lambda count: ascii(count)[:9])
@pytest.mark.parametrize("key", ["prompt_tokens", "completion_tokens"])
def test_a_count_that_no_answer_can_have_is_none(key: str, count: object) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 7, key: count}
    assert read_completion({**completion(ONE), "usage": usage}) == Completion(ONE)
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": count}
    assert read_completion({**completion(ONE), "usage": usage}).usage == {"input_tokens": 5.0, "output_tokens": 7.0}
