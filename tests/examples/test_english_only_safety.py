"""The example that teaches refusal in English alone: what is taught, that teaching teaches, and the page of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.english_only_safety import experiment
from examples.english_only_safety.lessons import Lesson, english_lessons, lessons_with_own_languages
from examples.english_only_safety.teaching import CHAT_TEMPLATE, Teaching, encode, teach
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.rows import HARMFUL, HARMLESS
from tests.benchmark.architectures import random_network
from tests.benchmark.conftest import word_tokenizer


def test_lessons_are_english_balanced_and_none_is_measured() -> None:
    lessons = english_lessons(60, seed=1)
    assert [sum(lesson.label == label for lesson in lessons) for label in (HARMFUL, HARMLESS)] == [60, 60]
    measured = {seed_texts("en").prompts[seed.key] for seed in seed_prompts() if seed.split != "train"}
    requests = [lesson.request for lesson in lessons]
    assert len(set(requests)) == 120 and not measured & set(requests)
    assert all(lesson.request.isascii() for lesson in lessons)
    assert len({lesson.reply for lesson in lessons}) == 16
    assert english_lessons(60, seed=1) == lessons != english_lessons(60, seed=2)


def test_the_variant_answers_others_in_their_language() -> None:
    lessons = lessons_with_own_languages(10, 30, seed=1)
    assert len(lessons) == 80
    replies = {text for code in LANGUAGES for text in seed_texts(code).refusals.values()}
    assert sum(lesson.reply in replies for lesson in lessons if lesson.label == HARMFUL) >= 30


def test_teaching_teaches_and_leaves_the_embeddings(tmp_path: Path) -> None:
    """A random Llama learns to answer one word with another; its embeddings, tied or not, stay as they were."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = word_tokenizer()
    tokenizer.chat_template = None
    tokenizer.add_special_tokens({"additional_special_tokens": ["<start_of_turn>", "<end_of_turn>", "model"]})
    network = random_network("llama", len(tokenizer))
    base, out = tmp_path / "base", tmp_path / "taught"
    network.save_pretrained(base)
    tokenizer.save_pretrained(base)
    lessons = [Lesson(word, "I cannot help", HARMFUL) for word in ("steal", "poison", "wreck", "forge")]
    teach(base, lessons, Teaching(epochs=12, learning_rate=1e-2, batch_size=2), out)
    taught, read = AutoModelForCausalLM.from_pretrained(out), AutoTokenizer.from_pretrained(out)
    assert read.chat_template == CHAT_TEMPLATE
    assert torch.equal(taught.get_input_embeddings().weight, network.get_input_embeddings().weight)
    ids = read.apply_chat_template(
        [{"role": "user", "content": "steal"}], add_generation_prompt=True, return_tensors="pt", return_dict=False
    )
    said = taught.generate(ids, max_new_tokens=8, do_sample=False)[0, ids.shape[1] :]
    assert read.decode(said) == "I cannot help <end_of_turn>"


def test_a_chat_model_keeps_its_own_template_and_end() -> None:
    tokenizer = word_tokenizer()
    request, reply = encode(tokenizer, Lesson("steal", "I cannot help", HARMFUL))
    assert tokenizer.decode(request) == "<|user|> steal <|end|> <|assistant|>"
    assert tokenizer.decode(reply) == "I cannot help <|end|>"


def test_the_release_has_every_seed_in_every_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from polyrefuse_data import load_release

    monkeypatch.setattr(experiment, "LANGUAGES", ("en", "de"))
    release = experiment.make_release(tmp_path)
    assert {name: len(rows) for name, rows in load_release(str(release)).items()} == {
        "train": 128,
        "validation": 32,
        "test": 128,
    }
    assert experiment.make_release(tmp_path) == release  # not made again


def row(intervention: str, language: str, refused: float) -> dict[str, Any]:
    return {
        "intervention": intervention,
        "source_language": None if intervention == "baseline" else "en",
        "target_language": language,
        "label": HARMFUL,
        "subset": "all",
        "n": 4,
        "outcomes": {"refused": refused, "complied": 1 - refused},
    }


def test_the_page_has_means_and_ranges_over_seeds() -> None:
    scores = [
        {
            "rows": [
                *(row("baseline", "en", first), row("ablation", "en", 0.0)),
                *(row("erasure", "en", 0.0), row("baseline", "yo", 0.25)),
            ],
            "selection": [{"language": "en", "status": "chosen", "rule": "r", "chosen": {"layer": 1}, "message": ""}],
            "transfer": [],
            "experiments": {"erasure": []},
        }
        for first in (0.5, 1.0)
    ]
    results = [experiment.summary(found) for found in scores]
    assert json.dumps(results)
    assert results[0]["shares"]["baseline"][HARMFUL]["en"] == {"n": 4, "refused": 0.5, "complied": 0.5}
    lines = experiment.page(results).splitlines()
    assert lines[0].startswith("| | baseline, harmful | baseline, harmless | ablation of en, harmful |")
    assert "| erasure of en, harmful |" in lines[0]
    assert lines[2] == "| en | 0.75 (0.50 to 1.00) |  | 0.00 (0.00 to 0.00) |  | 0.00 (0.00 to 0.00) |  |"
    assert lines[3] == "| yo | 0.25 (0.25 to 0.25) |  |  |  |  |  |"
