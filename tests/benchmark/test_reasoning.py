"""Reasoning in every format: closed before it begins, or read within a budget of its own and taken off the reply.

The models are chains: each token is followed by one other, whatever came before, so that what they write is known.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.benchmark.chat import ChatTemplate
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.reasoning import FORMATS, Format, strip_reasoning
from polyrefuse_data.benchmark.refusal_tokens import first_tokens
from tests.benchmark.conftest import TEMPLATE, word_tokenizer

ASKED = ["please tell me how to steal the car", "wash the boat"]
ANSWER = ["I", "cannot", "help", "with", "that", "."]
HARMONY = next(form for form in FORMATS if form.leads)
THINKING = ["car", "house", "boat"]


def chain_model(form: Format, *, asked: str = "", endless: bool = False) -> ChatModel:
    """A model that reasons in this format, then refuses. `asked` is what its generation prompt ends in.

    The network is a table of what follows what: one-hot embeddings, blocks that add next to nothing, and the table as
    the output head.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = word_tokenizer()
    marks = [form.opens, form.ends, form.leads or "<|start|>assistant"]
    tokenizer.add_tokens(marks, special_tokens=True)
    tokenizer.chat_template = TEMPLATE.replace("<|assistant|>{% endif %}", f"<|assistant|>{asked}{{% endif %}}")
    chain = [form.opens, *THINKING, form.ends, *ANSWER, "<|end|>"]
    follows = dict(pairwise(chain)) | {"<|assistant|>": form.opens, marks[2]: form.opens}
    if endless:
        follows["boat"] = "car"
    size = len(tokenizer)
    torch.manual_seed(0)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=size,
            hidden_size=size + size % 2,
            intermediate_size=4,
            num_hidden_layers=2,
            num_attention_heads=1,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            initializer_range=1e-3,
        )
    )
    table = torch.zeros(size, size + size % 2)
    for word, after in follows.items():
        table[tokenizer.convert_tokens_to_ids(after), tokenizer.convert_tokens_to_ids(word)] = 1.0
    network.get_input_embeddings().weight.data = torch.eye(size, size + size % 2)
    network.lm_head.weight.data = table
    return ChatModel(network, tokenizer, name="chain")


@pytest.fixture(params=FORMATS, ids=lambda form: form.opens)
def form(request: pytest.FixtureRequest) -> Format:
    return request.param


def texts(model: ChatModel, **options: Any) -> set[str]:
    return {reply.text for reply in generate(model, ASKED, **options)}


def test_a_model_that_begins_to_reason_by_itself_is_led_past_it(form: Format) -> None:
    model = chain_model(form, asked=form.leads)
    (reply, _) = generate(model, ASKED, max_new_tokens=6)
    assert (reply.text, reply.n_reasoning) == ("I cannot help with that .", 0)
    next_token = model.last_logits(model.batch(model.encode(ASKED))).argmax(-1)  # where scores are taken
    assert model.tokenizer.decode(next_token[0]) == "I"
    assert model.post_instruction_token_ids[-1] == model.tokenizer.convert_tokens_to_ids(form.ends)


def test_reasoning_that_the_template_begins_is_closed(form: Format) -> None:
    model = chain_model(form, asked=form.leads or form.opens)
    assert model.chat.before_answer == ""
    assert texts(model, max_new_tokens=6) == {"I cannot help with that ."}


@pytest.mark.parametrize("asked", [False, True])
def test_reasoning_that_is_let_run_has_a_budget_of_its_own_and_is_taken_off(form: Format, asked: bool) -> None:
    model = chain_model(form, asked=(form.leads or form.opens) if asked else "")
    (reply, _) = generate(model, ASKED, max_new_tokens=2, reasoning=True)
    begun = asked and not form.leads
    assert reply.text == "I cannot"
    assert reply.n_reasoning == len(THINKING) + (1 if begun else 2)
    assert model.tokenizer.decode(reply.answer_token_ids) == "I cannot"


def test_reasoning_without_end_is_closed_when_its_budget_is_spent(form: Format) -> None:
    model = chain_model(form, endless=True)
    (reply, _) = generate(model, ASKED, max_new_tokens=6, reasoning=True, reasoning_tokens=20)
    assert reply.text == "I cannot help with that ."
    closing = model.tokenizer(form.closing, add_special_tokens=False)["input_ids"]
    assert reply.token_ids[20 : reply.n_reasoning] == closing


def test_refusal_tokens_are_those_of_the_answer(form: Format) -> None:
    model = chain_model(form)
    refusing, _ = first_tokens(model, ASKED, ["paint the car"], "en")
    assert dict(refusing) == {model.tokenizer.convert_tokens_to_ids("I"): 3}


def test_a_reply_that_ends_within_its_reasoning_has_no_answer() -> None:
    model = chain_model(FORMATS[0])
    boat, end = (model.tokenizer.convert_tokens_to_ids(word) for word in ("boat", "<|end|>"))
    model.network.lm_head.weight.data[:, boat] = 0
    model.network.lm_head.weight.data[end, boat] = 1
    (reply, _) = generate(model, ASKED, reasoning=True)
    assert (reply.text, reply.answer_token_ids) == ("", [])


def test_marks_in_an_answer_begin_no_reasoning() -> None:
    assert strip_reasoning("Write <think> before it.") == "Write <think> before it."
    assert strip_reasoning("Use <think> and </think> around it.") == "Use <think> and </think> around it."
    assert strip_reasoning("<think>hm</think>\n\nNo.") == "No."
    assert strip_reasoning("hm hm</think>No.") == "No."  # the prompt had begun it
    assert strip_reasoning("[THINK]never done") == ""
    assert strip_reasoning("<|channel|>analysis<|message|>hm<|channel|>final<|message|>No.") == "No."
    assert strip_reasoning(" Plain. ") == "Plain."


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ enable_thinking }} {{ thinking }} ", "False False "),
        ("{{ reasoning_effort if reasoning_effort in ['none', 'high'] else raise_exception('no') }} ", "none "),
        ("{% if reasoning_effort == 'low' %}briefly {% endif %}", "briefly "),
        ("{{ reasoning_effort | default('medium') }} ", "medium "),
        ("{{ thinking_budget }} ", "0 "),
    ],
)
def test_templates_are_told_to_keep_reasoning_short(template: str, shown: str) -> None:
    tokenizer = word_tokenizer()
    tokenizer.chat_template = template + TEMPLATE
    assert ChatTemplate(tokenizer, "toy").render("hi").startswith(f"{shown}<|user|>")
