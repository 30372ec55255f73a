"""The lexicons: learnt from pairs, read back as written, and right about pairs they have not seen."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import numpy as np
import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import language
from polyrefuse_data.languages.lexicon import english_overlap, lexicon_for
from polyrefuse_data.languages.lexicon.model import Lexicon, _question_odds, support_range
from polyrefuse_data.languages.lexicon.train import cross_validate, learn, model_one
from polyrefuse_data.languages.lexicon.units import english_stems, target_units
from tests.conftest import TARGETS

ENGLISH = ("dog", "cat", "house", "water", "night", "book", "bread", "green", "small", "river", "garden", "winter")
GERMAN = ("hund", "katze", "haus", "wasser", "nacht", "buch", "brot", "gruen", "klein", "fluss", "garten", "schnee")
DE = language("de")
WORDS = dict(zip(ENGLISH, GERMAN, strict=True))


def invented_pairs(count: int) -> list[tuple[str, str]]:
    """Sentences of five words of WORDS each, translated word by word in another order."""
    rng = random.Random(0)
    pairs = []
    for _ in range(count):
        chosen = rng.sample(sorted(WORDS), 5)
        pairs.append((" ".join(chosen), " ".join(sorted(WORDS[word] for word in chosen))))
    return pairs


def test_model_one_finds_the_translations_of_an_invented_language() -> None:
    table = model_one([(e.split(), t.split()) for e, t in invented_pairs(200)])
    for english, german in WORDS.items():
        best = max(WORDS.values(), key=lambda unit: table.get((english, unit), 0.0))
        assert best == german


def test_unseen_true_pairs_stand_above_swapped_ones() -> None:
    true, swapped = cross_validate(invented_pairs(200), DE)
    assert np.median(true) > 2 > -2 > np.median(swapped)


def test_a_lexicon_survives_its_file() -> None:
    lexicon = learn(invented_pairs(60), DE)
    again = Lexicon.from_tsv(lexicon.to_tsv(), DE)
    assert again.to_tsv() == lexicon.to_tsv()
    english, text = invented_pairs(60)[0]
    assert again.log_odds(text, english) == pytest.approx(lexicon.log_odds(text, english), abs=0.02)


@pytest.mark.parametrize("code", TARGETS)
def test_every_language_has_a_lexicon(code: str) -> None:
    lexicon = lexicon_for(code)
    assert lexicon is not None
    assert len(lexicon.translations) > 500


def test_a_bundled_lexicon_tells_a_pair_from_another() -> None:
    lexicon = lexicon_for("de")
    assert lexicon is not None
    source = "Write a letter about the history of computers."
    assert lexicon.log_odds("Schreiben Sie einen Brief über die Geschichte des Computers.", source) > 3
    assert lexicon.log_odds("Nennen Sie ein Rezept für eine gute Suppe mit Kartoffeln.", source) < -3


@pytest.mark.parametrize("code", ["ar", "ja", "ru", "th"])
def test_all_pairs_at_once_say_what_each_says_alone(code: str) -> None:
    lexicon = lexicon_for(code)
    assert lexicon is not None
    english, texts = (list(seed_texts(side).prompts.values())[:20] for side in ("en", code))
    at_once = lexicon.word_odds(english, texts)
    for row, source in enumerate(english):
        for column, text in enumerate(texts):
            if not any(character.isascii() and character.isalpha() for character in text):  # names are another matter
                rest = lexicon.lengths.log_odds(text, source) + _question_odds(text, source)
                assert at_once[row, column] == pytest.approx(lexicon.log_odds(text, source) - rest, abs=1e-4)


def test_words_nobody_knows_say_nothing() -> None:
    lexicon = learn(invented_pairs(60), language("ru"))
    known = lexicon.log_odds("hund katze", "dog cat")
    assert lexicon.log_odds("hund katze жж", "dog cat qq") == pytest.approx(known, abs=1.0)


def test_units() -> None:
    assert english_stems("Computers compute 2024!") == {"comput", "2024"}
    assert target_units("日本語 Python", language("ja")) == {"日本", "本語", "python"}
    assert target_units("والكتاب", language("ar")) == {"كتاب"}
    assert target_units("안녕하세요", language("ko")) == {"안녕"}


@pytest.mark.parametrize(
    ("code", "bare", "marked"),
    [
        ("ar", "اكتب رساله الى امي", "اُكْتُبْ رِسَالَه إِلَى أُمِّــي"),
        ("yo", "Se alaye oro", "Ṣé àlàyé ọ̀rọ̀"),
        ("yo", "oro", "o\u0329ro\u0329"),
    ],
)
def test_units_are_the_same_with_marks_and_without(code: str, bare: str, marked: str) -> None:
    assert target_units(bare, language(code)) == target_units(marked, language(code))


def test_overlap_weighs_rare_stems() -> None:
    assert english_overlap("Write about volcanoes", "Write about volcanoes") == pytest.approx(1.0)
    common = english_overlap("Write a story about cats", "Write a story about volcanoes")
    rare = english_overlap("Tell of volcanoes", "Write about volcanoes")
    assert rare > 0.3 > 0
    assert common < 0.75


def test_support_ranges() -> None:
    assert [support_range(n) for n in (1, 2, 3, 16, 17, 10_000)] == [0, 1, 2, 4, 5, 5]


def test_log_odds_are_the_same_in_every_process() -> None:
    """The order of a set changes with the process, and a sum or product with the order."""
    program = (
        "from polyrefuse_data.languages.lexicon import lexicon_for; "
        "print([lexicon_for('de').log_odds(word, 'Write a short letter about the history of computers.') "
        "for word in ('Brief', 'Geschichte', 'kurz', 'Computer', 'Schreiben', 'alte')])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(said) == 1


def test_what_a_lexicon_says_does_not_depend_on_what_it_has_read() -> None:
    """A row has the same verdict whichever rows were checked before it, and in whichever process."""

    def said(lexicon: Lexicon) -> object:
        return [(lexicon.says(english, german), lexicon.points(german)) for english, german in WORDS.items()]

    lexicon = Lexicon.from_tsv(learn(invented_pairs(200), DE).to_tsv(), DE)
    before = said(lexicon)
    for english, text in invented_pairs(200):
        lexicon.log_odds(text, english)
    assert said(lexicon) == before
    assert lexicon.says("dog", "der Hund schläft")
