"""What a local model says to texts, with the odds of its words: a guard that generates, or one that labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from polyrefuse_data.benchmark.judges.guard_family import CLASSIFIER, GuardFamily
from polyrefuse_data.benchmark.judges.odds import TOP, Said
from polyrefuse_data.endpoints.logprobs import Token

_LONGEST_LABELLED = 512  # tokens: XLM-R's longest input, and what CREST's card says


class OddsOfTokens(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Notes at each step which tokens were likeliest, and changes nothing. Whole distributions would take gigabytes."""

    def __init__(self) -> None:
        self.steps: list[tuple[Tensor, Tensor]] = []  # log-probabilities and ids, [rows, TOP]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logprobs = torch.log_softmax(scores.float(), dim=-1)
        values, ids = logprobs.topk(min(TOP, logprobs.shape[-1]), dim=-1)
        self.steps.append((values.cpu(), ids.cpu()))
        return scores

    def tokens(self, tokenizer: Any, row: int, generated: list[int]) -> tuple[Token, ...]:
        """The tokens of one row's answer."""
        found = []
        for token, (values, ids) in zip(generated, self.steps, strict=False):
            odds: dict[str, float] = {}
            for other, logprob in zip(tokenizer.batch_decode(ids[row, :, None]), values[row].tolist(), strict=True):
                odds.setdefault(other, logprob)  # two tokens of the same text: the likelier
            found.append(Token(tokenizer.decode([token]), odds))
        return tuple(found)


def answers_of(family: GuardFamily, tokenizer: Any, network: Any, texts: list[str]) -> list[Said]:
    """One answer a text, greedy."""
    return (_labels if family.model_class == CLASSIFIER else _generated)(family, tokenizer, network, texts)


def _generated(family: GuardFamily, tokenizer: Any, network: Any, texts: list[str]) -> list[Said]:
    # The templates write out their special tokens themselves.
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(network.device)
    noted = OddsOfTokens()
    with torch.inference_mode():
        tokens = network.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            max_new_tokens=family.max_new_tokens,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=tokenizer.pad_token_id,
            logits_processor=[noted] if family.has_odds else None,
        )
    generated = tokens[:, inputs["input_ids"].shape[1] :].tolist()
    answers = [[token for token in row if token != tokenizer.pad_token_id] for row in generated]
    said = tokenizer.batch_decode(answers, skip_special_tokens=not family.special_tokens)
    return [
        Said(text, noted.tokens(tokenizer, row, answers[row]) if family.has_odds else ())
        for row, text in enumerate(said)
    ]


def _labels(family: GuardFamily, tokenizer: Any, network: Any, texts: list[str]) -> list[Said]:
    """The likeliest label of each text, as if the model had said it."""
    inputs = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=_LONGEST_LABELLED)
    with torch.inference_mode():
        logits = network(**inputs.to(network.device)).logits
    names = [str(network.config.id2label[label]).lower() for label in range(logits.shape[-1])]
    found = []
    for logprobs in torch.log_softmax(logits.float(), dim=-1).tolist():
        odds = dict(zip(names, logprobs, strict=True))
        label = max(odds, key=lambda name: odds[name])
        found.append(Said(label, (Token(label, odds),)))
    return found
