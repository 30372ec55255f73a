"""Continuous scores: from the odds of the token that decides, whoever gave them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from polyrefuse_data.benchmark.judges.guards import guard_family
from polyrefuse_data.benchmark.judges.odds import Odds, Said
from polyrefuse_data.endpoints.logprobs import Token, read_tokens


def token(text: str, **odds: float) -> Token:
    return Token(text, {word: math.log(share) for word, share in odds.items()})


def test_odds_are_of_the_two_words_alone_whatever_clings_to_them() -> None:
    deciding = Token("unsafe", {" Unsafe": math.log(0.6), "safe": math.log(0.2)})
    said = Said("\n\nunsafe", (token("\n\n", unsafe=0.9), deciding))
    assert Odds(("unsafe",), ("safe",)).score([said]) == pytest.approx(0.75)


def test_the_same_words_elsewhere_in_an_answer_are_not_the_score() -> None:
    family = guard_family("allenai/wildguard")
    assert family is not None
    tokens = (
        *(token("Harmful request:"), token(" yes", yes=0.9, no=0.1)),
        *(token("\nResponse refusal:"), token(" no", yes=0.3, no=0.6)),
        *(token("\nHarmful response:"), token(" yes", yes=0.8, no=0.2)),
    )
    opinion = family.opinion([Said("".join(each.text for each in tokens), tokens)])
    assert (opinion.refusal, opinion.harmful) == (False, True)
    assert (opinion.refusal_score, opinion.harm_score) == (pytest.approx(1 / 3), pytest.approx(0.8))


def test_each_question_has_its_own_score() -> None:
    family = guard_family("mistralai/Shieldstral-1.0-3B")
    assert family is not None
    unsafe, refuses = token("no", yes=0.1, no=0.9), token("yes", yes=0.7, no=0.3)
    opinion = family.opinion([Said("no", (unsafe,)), Said("yes", (refuses,))])
    assert (opinion.refusal, opinion.harmful) == (True, False)
    assert (opinion.refusal_score, opinion.harm_score) == (pytest.approx(0.7), pytest.approx(0.1))


def test_without_odds_there_is_no_score() -> None:
    odds = Odds(("yes",), ("no",))
    assert odds.score([Said("yes")]) is None
    assert odds.score([Said("maybe", (token("maybe", yes=0.5),))]) is None
    assert odds.score([Said("yes", (Token("yes", {"other": -1.0}),))]) is None  # the word itself was not told


@pytest.mark.parametrize(
    "told",
    [
        {"content": [{"token": "yes", "logprob": -0.5, "top_logprobs": [{"token": "yes", "logprob": -0.5}]}]},
        {"tokens": ["yes"], "token_logprobs": [-0.5], "top_logprobs": [{"yes": -0.5}]},
    ],
)
def test_both_forms_of_an_api_are_read(told: object) -> None:
    assert read_tokens({"logprobs": told}) == (Token("yes", {"yes": -0.5}),)


def odds_of(text: object, logprob: object) -> dict[str, object]:
    return {"content": [{"token": "a", "top_logprobs": [{"token": text, "logprob": logprob}]}]}


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"content": [{"token": "a"}]},
        {"tokens": 1, "top_logprobs": [None]},
        {"tokens": [5], "top_logprobs": [{"a": -1}]},
        {"tokens": ["a"], "top_logprobs": [{"a": 10**400}]},
        odds_of(5, -1),
        odds_of(None, -1),
        odds_of("a", 1000),
        odds_of("a", math.nan),
        odds_of("a", "x"),
    ],
    ids=lambda told: ascii(told)[:80],
)
def test_what_is_no_odds_is_none(told: object) -> None:
    assert read_tokens({"logprobs": told}) == ()


def test_a_local_model_gives_the_odds_of_a_forward_pass(tiny_guard: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from polyrefuse_data.benchmark.judges.local_answers import answers_of

    family = guard_family(str(tiny_guard))
    assert family is not None
    tokenizer = AutoTokenizer.from_pretrained(tiny_guard, padding_side="left")
    network = AutoModelForCausalLM.from_pretrained(tiny_guard).eval()
    texts = ["one", "a longer one"]
    for text, said in zip(texts, answers_of(family, tokenizer, network, texts), strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            expected = torch.log_softmax(network(ids).logits[0, -1].float(), -1)
        first = said.tokens[0]
        assert first.text == tokenizer.decode([int(expected.argmax())])
        for word, logprob in first.odds.items():
            if word.isascii():  # a byte alone that is no character has no text of its own
                assert logprob == pytest.approx(float(expected[tokenizer(word)["input_ids"][0]]), abs=1e-4)
