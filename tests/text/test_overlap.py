"""chrF++ and BLEU against sacrebleu itself."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from polyrefuse_data.quality.checks.back_translation import signature
from polyrefuse_data.text import overlap
from polyrefuse_data.text.overlap import chrf_and_bleu

TEXT = st.text(alphabet="ab .,'-\n&;19äé日本🙂", max_size=40)
TOKENS = ["&lt;", "&amp;", "&quot;", "<skipped>", "-\n", "1-2", "a.b", "1,5", "x,", "e-f", "word", "9.", " ", "\u2028"]
ASCII = st.lists(st.sampled_from([*TOKENS, *map(chr, range(32, 127))]), max_size=20).map("".join)


def sacrebleu_scores(pairs: list[tuple[str, str]]) -> tuple[list[float], list[float]]:
    chrf, bleu = CHRF(word_order=2), BLEU(effective_order=True)
    return (
        [chrf.sentence_score(hypothesis, [reference]).score for hypothesis, reference in pairs],
        [bleu.sentence_score(hypothesis, [reference]).score for hypothesis, reference in pairs],
    )


def assert_identical(pairs: list[tuple[str, str]]) -> None:
    chrf, bleu = chrf_and_bleu([pair[0] for pair in pairs], [pair[1] for pair in pairs])
    expected_chrf, expected_bleu = sacrebleu_scores(pairs)
    np.testing.assert_allclose(chrf, expected_chrf, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(bleu, expected_bleu, rtol=1e-12, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT | ASCII, TEXT | ASCII), min_size=1, max_size=6))
def test_any_text_scores_as_in_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    assert_identical(pairs)


def test_edge_cases_score_as_in_sacrebleu() -> None:
    assert_identical(
        [
            ("", ""),
            ("", "a"),
            ("a", ""),
            ("the cat", "the cat"),
            ("(hi)", "hi"),
            ("1,000 x-\ny", "1000 x y"),
            ("aaaa", "aa"),
        ]
    )


def test_published_back_translations_score_as_in_sacrebleu(published: list[dict[str, Any]]) -> None:
    rows = [row for row in published if row["back_translation"]]
    sample = random.Random(0).sample(rows, 300)
    others = random.Random(1).sample(rows, 300)
    assert_identical([(row["back_translation"], row["text_en"]) for row in sample])
    assert_identical([(a["back_translation"], b["text_en"]) for a, b in zip(sample, others, strict=True)])


def test_more_pairs_than_a_batch_holds(monkeypatch: Any) -> None:
    monkeypatch.setattr(overlap, "MOST_PAIRS", 3)
    assert_identical([(f"a line of {n} words", f"another line of {n * 2} words") for n in range(8)])


def test_alphabets_too_large_for_a_key_score_as_in_sacrebleu(monkeypatch: Any, published: list[dict[str, Any]]) -> None:
    wide = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    assert_identical([(wide, wide[::-1]), (wide[:1500] * 2, wide[700:]), ("", wide)])
    monkeypatch.setattr(overlap, "_KEY_BITS", 20)
    rows = [row for row in published if row["back_translation"]]
    assert_identical([(row["back_translation"], row["text_en"]) for row in rows[:50]])


def test_signatures_are_those_of_sacrebleu() -> None:
    metrics = CHRF(word_order=2), BLEU(effective_order=True)
    for metric in metrics:  # a metric knows its signature once it has seen how many references there are
        metric.sentence_score("", [""])
    assert signature() == " ".join(str(metric.get_signature()) for metric in metrics)
