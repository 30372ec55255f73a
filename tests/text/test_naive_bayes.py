"""py3langid's model, read our way: what it says is what py3langid says, for one text and for many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.text import naive_bayes
from polyrefuse_data.text.naive_bayes import Model, model

TEXTS = [
    "Der Hund schläft.",
    "今日は良い天気です。",
    "",
    "...",
    "UN TEXTE EN MAJUSCULES",
    "Ọjọ́ dára",
    "สวัสดีครับ ผมชื่อสมชาย",
    "Ein langer Text, länger als alle anderen. " * 40,
    "x",
    "broken \ud800 text",
    *(text for code in LANGUAGES for text in list(seed_texts(code).prompts.values())[::20]),
]


def test_many_texts_read_together_say_what_each_says_alone() -> None:
    alone = Model()
    for text, found in zip(TEXTS, Model().read_all(TEXTS), strict=True):
        own = alone.read(text)
        assert found.sequences.tolist() == own.sequences.tolist()
        assert found.words == own.words
        np.testing.assert_array_equal(found.probabilities, own.probabilities)


def test_probabilities_are_those_of_py3langid() -> None:
    theirs: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    for text, found in zip(TEXTS, model().read_all(TEXTS), strict=True):
        ranking: dict[str, float] = {}
        for label, p in zip(model().labels, found.probabilities.tolist(), strict=True):
            ranking[label] = ranking.get(label, 0.0) + p
        assert ranking == pytest.approx(dict(theirs.rank(text)), abs=1e-5)


def test_readings_are_kept_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive_bayes, "_READINGS", 10)
    read = Model()
    first = read.read_all([f"Text {number}" for number in range(8)])
    assert read.read("Text 3") is first[3]
    read.read_all([f"Text {number}" for number in range(6, 14)])
    assert read.read("Text 7") is first[7]
    assert read.read("Text 0") is not first[0]
