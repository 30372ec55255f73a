"""Reasoning in every format: closed before it begins, or read within a budget of its own and taken off the reply.

The models are chains: each token is followed by one other, whatever came before, so that what they write is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.benchmark.chat import ChatTemplate
from polyrefuse_data.benchmark.generation import generate
from polyrefuse_data.benchmark.refusal_tokens import first_tokens
from polyrefuse_data.models.reasoning import close_prompt, follows_marks, strip_reasoning, template_options
from polyrefuse_data.models.reasoning_formats import ANSWERS, FORMATS, Format
from tests.benchmark.conftest import TEMPLATE, word_tokenizer
from tests.cases import quick

ASKED = ["please tell me how to steal the car", "wash the boat"]
ANSWER = ["I", "cannot", "help", "with", "that", "."]
THINKING = ["car", "house", "boat"]


def chain_model(
    form: Format,
    *,
    asked: str = "",
    endless: bool = False,
    before_answer: Sequence[str] = (),
    after: Sequence[str] = (),
) -> ChatModel:
    """A model that reasons in this format, then refuses. `asked` is what its generation prompt ends in."""
    tokenizer = word_tokenizer()
    written = next((opener for opener, _ in ANSWERS if form.closing.endswith(opener)), "")  # closes and opens at once
    lead = form.leads or "<|start|>assistant"
    marks = [form.opens, form.ends, lead, *before_answer, *after, *([written] if written else [])]
    tokenizer.add_tokens([*marks, *([form.skips] if form.skips else [])], special_tokens=True)
    template = TEMPLATE.replace("<|assistant|>{% endif %}", f"<|assistant|>{asked}{{% endif %}}")
    tokenizer.chat_template = f"{{# writes {form.opens} #}}{template}"
    chain = [form.opens, *THINKING, form.ends, *before_answer, *ANSWER, *after, "<|end|>"]
    follows = dict(pairwise(chain)) | {"<|assistant|>": form.opens, lead: form.opens}
    follows |= dict.fromkeys(filter(None, [written, form.skips]), "I")
    if endless:
        follows["boat"] = "car"
    return table_model(tokenizer, follows)


def table_model(tokenizer: Any, follows: dict[str, str]) -> ChatModel:
    """A network that is a table of what follows what: one-hot embeddings, blocks that add next to nothing, and the
    table as the output head."""
    from transformers import LlamaConfig, LlamaForCausalLM

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


# One of each kind: marks that are tokens, words, more than one, a choice between two, with and without a newline.
_KINDS = ("<think>", "<seed:think><seed:cot_budget_reflect>", "<|channel|>analysis<|message|>", "/think")
_QUICK = [form for form in FORMATS if form.opens in (*_KINDS, "<|open|>think<|sep|>", "Here is my thought process:")]


@pytest.fixture(params=quick(_QUICK, [form for form in FORMATS if form not in _QUICK]), ids=lambda form: form.opens)
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
    assert model.chat.render("hi").endswith(form.empty)


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
    assert strip_reasoning("Here is my thought process: hm Here is my response: No.") == "No."
    assert strip_reasoning("Sure. Here is my response: no.") == "Sure. Here is my response: no."
    ran_on = "No.<|im_end|>\n<|im_start|>assistant\nYes."
    assert strip_reasoning(ran_on) == ran_on


@pytest.mark.parametrize(("opener", "closer"), ANSWERS)
def test_what_an_answer_is_wrapped_in_is_taken_off(opener: str, closer: str) -> None:
    assert strip_reasoning(f"<think>hm</think>\n{opener}\nNo.\n{closer}") == "No."
    assert strip_reasoning(f"{opener}No.") == "No."  # cut before its end
    assert strip_reasoning(f"No.{closer}") == "No."  # the prompt had begun it
    if all(form.ends != opener for form in FORMATS):
        for text in (f"Write {opener} and {closer}", f"Write {closer} last."):
            assert strip_reasoning(text) == text


WRAPPED = {"before_answer": ["<answer>"], "after": ["</answer>"]}


@pytest.mark.parametrize("asked", ["", "<think>", "<think></think>"])
def test_scores_are_taken_after_the_mark_that_answers_are_wrapped_in(asked: str) -> None:
    """Hunyuan, and whoever is taught as DeepSeek R1 Zero was."""
    model = chain_model(FORMATS[0], asked=asked, **WRAPPED)
    assert model.chat.render("hi").endswith("<answer>")
    next_token = model.last_logits(model.batch(model.encode(ASKED))).argmax(-1)
    assert model.tokenizer.decode(next_token[0]) == "I"
    assert texts(model, max_new_tokens=20) == {"I cannot help with that ."}


def test_an_answer_after_reasoning_that_is_read_begins_after_its_mark() -> None:
    (reply, _) = generate(model := chain_model(FORMATS[0], **WRAPPED), ASKED, max_new_tokens=2, reasoning=True)
    assert reply.text == "I cannot"
    assert model.tokenizer.decode(reply.answer_token_ids) == "I cannot"


def test_scores_are_taken_after_the_space_before_every_answer() -> None:
    """GLM 4.5 writes a line's end after the reasoning that its template has closed."""
    model = chain_model(FORMATS[0], asked="<think></think>", before_answer=["\n"])
    assert model.chat.render("hi").endswith("<think></think>\n")
    assert [reply.answer_token_ids[0] for reply in generate(model, ASKED, max_new_tokens=1)] == [
        model.tokenizer.convert_tokens_to_ids("I")
    ] * 2


def test_space_is_given_after_marks_alone() -> None:
    """The reference pipeline scores what follows the template, and takes directions at its tokens; test_parity has a
    model that begins with space."""
    assert follows_marks("<|assistant|><think></think>\n") and follows_marks("<think></think><answer>")
    assert not follows_marks("<|assistant|>\n") and not follows_marks("say <answer> first [/INST]")


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("{{ enable_thinking }} {{ thinking }} ", "False False "),
        ("{{ reasoning_effort if reasoning_effort in ['none', 'high'] else raise_exception('no') }} ", "none "),
        ("{% if reasoning_effort == 'low' %}briefly {% endif %}", "briefly "),
        ("{{ reasoning_effort | default('medium') }} ", "medium "),
        ("{{ thinking_budget }} ", "0 "),
        ("{{ reasoning }} {{ skip_reasoning }} {{ thinking_mode }} ", "False True disabled "),
        ("{% if reasoning_effort == 'no_think' %}at once {% endif %}", "at once "),
    ],
)
def test_templates_are_told_to_keep_reasoning_short(template: str, shown: str) -> None:
    tokenizer = word_tokenizer()
    tokenizer.chat_template = template + TEMPLATE
    assert ChatTemplate(tokenizer, "toy").render("hi").startswith(f"{shown}<|user|>")


# How prompts of recent families end, in short: what their templates do with the options, and what has to stand there
# for the answer to be next.
ENDS = {
    "qwen3": (
        "<|im_start|>assistant\n{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
        "<|im_start|>assistant\n<think>\n\n</think>\n\n",
    ),
    "qwq": ("<|im_start|>assistant\n<think>\n", "<think>\n\n</think>\n\n"),
    "nemotron nano 2": ("<SPECIAL_11>Assistant\n<think>\n\n", "<think>\n\n\n</think>\n\n"),
    "deepseek v3.1": ("<|Assistant|>{{ '<think>' if thinking else '</think>' }}", "<|Assistant|></think>"),
    "seed-oss": (
        "<seed:bos>assistant\n{% if thinking_budget == 0 %}<seed:think><seed:cot_budget_reflect>{% endif %}",
        "so I will directly start answering the question.</seed:cot_budget_reflect>\n</seed:think>",
    ),
    "command a": (
        "<|CHATBOT_TOKEN|>{{ '<|START_THINKING|>' if reasoning else '<|START_THINKING|><|END_THINKING|>' }}",
        "<|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|>",
    ),
    "hy3": (
        "{{ '<think>' if reasoning_effort not in ['no_think', 'low'] else '<think></think>' }}",
        "<think></think>",
    ),
    "minimax m3": ("{{ '</mm:think>' if thinking_mode == 'disabled' else '<mm:think>' }}", "</mm:think>"),
    "kimi k3": (
        "<|open|>{{ 'think' if thinking else 'response' }}<|sep|>",
        "<|open|>response<|sep|>",
    ),
    "apriel": (
        "<|begin_assistant|>\nHere are my reasoning steps:\n",
        "Here are my reasoning steps:\n\n[BEGIN FINAL RESPONSE]\n",
    ),
    "hyperclova x": (
        "{# assistant/think #}<|im_start|>{{ 'assistant\n' if skip_reasoning else 'assistant' }}",
        "<|im_start|>assistant\n",
    ),
    "gpt-oss": (
        "{# <|channel|>analysis<|message|> #}<|start|>assistant",
        "<|start|>assistant<|channel|>final<|message|>",
    ),
    "muse glimmer": ("{# to=self<|message|> #}<|start|>assistant", "<|start|>assistant to=user<|message|>"),
    "solar open": (
        "{% if reasoning_effort == 'low' %}<|begin|>assistant<|think|><|end|>{% endif %}<|begin|>assistant",
        "<|begin|>assistant<|think|><|end|><|begin|>assistant<|content|>",
    ),
    "inkling": ("{# <|content_thinking|> #}<|message_model|>", "<|message_model|><|content_text|>"),
    "plain": ("<|start|>assistant", "<|start|>assistant"),
}


@pytest.mark.parametrize("family", ENDS)
def test_prompts_end_where_the_answer_of_their_family_begins(family: str) -> None:
    asks, ends = ENDS[family]
    tokenizer = word_tokenizer()
    tokenizer.chat_template = TEMPLATE.replace("<|assistant|>{% endif %}", f"{asks}{{% endif %}}")
    assert ChatTemplate(tokenizer, family).render("hi").endswith(ends)
    assert close_prompt(ends, asks) == ends  # closed, and not once more


def test_what_templates_are_told_where_the_model_may_reason() -> None:
    told = template_options("thinking_budget reasoning_effort 'low'", closed=False)
    assert told == {
        "enable_thinking": True,
        "thinking": True,
        "reasoning": True,
        "skip_reasoning": False,
        "thinking_mode": "enabled",
    }
