"""What all prompts begin with, run once: where that is done, and where it must not be. That scores stay the same is
tried in test_architectures.py."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, ablate, extract_directions, score_candidates, shared_beginning
from polyrefuse_data.benchmark.scoring import CandidateScorer
from polyrefuse_data.benchmark.shared_beginning import SharedBeginning
from polyrefuse_data.models.batches import Batch
from tests.benchmark.conftest import word_tokenizer
from tests.benchmark.tiny_models import tiny_network

SYSTEM = "please tell me how to draw a boat , and a lamp , and a chair ; then "
HARMFUL = [SYSTEM + text for text in ("steal the car", "wreck the house", "poison", "forge")]
HARMLESS = [SYSTEM + text for text in ("paint the car", "wash the boat", "draw", "mend")]


def test_each_row_of_the_cache_has_its_own_direction_and_stays_as_it_was(chat_model: ChatModel) -> None:
    encoded = chat_model.encode(HARMFUL)
    beginning = SharedBeginning(chat_model, encoded)
    directions = torch.randn(3, chat_model.d_model, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    cache = beginning.run(3, lambda rows: ablate(chat_model, directions[rows]))
    batch = chat_model.batch(encoded[:2])
    for own in ([2, 0], [1, 1], [2, 0]):
        with ablate(chat_model, directions[own]):
            assert torch.allclose(beginning.last_logits(batch, cache, own), chat_model.last_logits(batch), atol=1e-5)


def test_it_is_run_in_parts_where_a_batch_does_not_hold_it(
    chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = chat_model.encode(HARMFUL)
    beginning = SharedBeginning(chat_model, encoded)
    whole = beginning.run(5, lambda rows: nullcontext())
    monkeypatch.setattr(shared_beginning, "batch_tokens", lambda device: 2 * beginning.length)
    asked: list[slice] = []

    def changed(rows: slice) -> nullcontext[None]:
        asked.append(rows)
        return nullcontext()

    parts = beginning.run(5, changed)
    assert asked == [slice(0, 2), slice(2, 4), slice(4, 5)]
    for one, other in zip(parts.layers, whole.layers, strict=True):
        assert torch.allclose(one.keys, other.keys, atol=1e-6) and len(one.keys) == 5


def test_it_is_run_in_halves_where_memory_runs_out(chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    beginning = SharedBeginning(chat_model, chat_model.encode(HARMFUL))
    whole = beginning.run(5, lambda rows: nullcontext())
    asked: list[slice] = []
    cache = chat_model.cache

    def small(batch: Batch) -> Any:
        if len(batch.input_ids) > 2:
            raise torch.OutOfMemoryError
        return cache(batch)

    def changed(rows: slice) -> nullcontext[None]:
        asked.append(rows)
        return nullcontext()

    monkeypatch.setattr(chat_model, "cache", small)
    halves = beginning.run(5, changed)
    assert asked == [slice(0, 5), slice(0, 2), slice(2, 5), slice(2, 3), slice(3, 5)]
    for one, other in zip(halves.layers, whole.layers, strict=True):
        assert torch.allclose(one.keys, other.keys, atol=1e-6) and len(one.keys) == 5


def test_what_would_not_fit_is_not_kept_and_scores_are_the_same(
    chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    directions = extract_directions(chat_model, HARMFUL, HARMLESS)
    kept = score_candidates(chat_model, directions, HARMFUL, HARMLESS, [9])
    monkeypatch.setattr(shared_beginning, "_MOST_BYTES", 100)
    scorer = CandidateScorer(chat_model, directions, HARMFUL, HARMLESS, [9])
    assert scorer.refusal([(-1, 1), (-1, 2)]) == pytest.approx(
        [row["refusal_score"] for row in kept if row["position"] == -1 and row["layer"] in (1, 2)], abs=1e-5
    )


def test_a_short_beginning_is_not_worth_it(chat_model: ChatModel) -> None:
    texts = ["steal the car", "bitte sag mir wie ich male : Auto , Haus , Brief , Garten , Boot , Stuhl , Lampe , Buch"]
    assert SharedBeginning(chat_model, chat_model.encode(texts)).length == 0


def test_of_equal_prompts_the_last_token_is_left(chat_model: ChatModel) -> None:
    encoded = chat_model.encode([SYSTEM, SYSTEM])
    assert SharedBeginning(chat_model, encoded).length == len(encoded[0]) - 1


@pytest.mark.parametrize("model_type", ["mamba", "recurrent_gemma"])
def test_a_model_that_does_not_go_on_rightly_runs_prompts_whole(model_type: str) -> None:
    tokenizer = word_tokenizer()
    model = ChatModel(tiny_network(model_type, len(tokenizer)), tokenizer, name=model_type)
    assert SharedBeginning(model, model.encode(HARMFUL)).length == 0
