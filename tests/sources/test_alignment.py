"""Rows in parallel and out of it, made of the seed prompts in every language, with lexicons and without."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.languages.lexicon import Lexicon, lexicon_for
from polyrefuse_data.sources.alignment import Alignment, alignment
from polyrefuse_data.sources.evidence import pair_odds

Pair = tuple[str, str]  # (English, its translation)

every_language = pytest.mark.parametrize("language", TARGET_LANGUAGES)
some_languages = pytest.mark.parametrize("language", ["de", "ja", "th", "yo"])
with_and_without = pytest.mark.parametrize("with_lexicon", [True, False], ids=["lexicon", "no lexicon"])


def pairs(language: str, count: int = 144, seed: int = 0) -> list[Pair]:
    """Seed prompts with their translations, in no order."""
    english, texts = seed_texts("en").prompts, seed_texts(language).prompts
    return [(english[key], texts[key]) for key in random.Random(seed).sample(sorted(english), count)]


def align(english: Sequence[Pair], texts: Sequence[Pair], lexicon: Lexicon | None) -> Alignment:
    return alignment([pair[0] for pair in english], [pair[1] for pair in texts], lexicon)


def lexicon_if(wanted: bool, language: str) -> Lexicon | None:
    return lexicon_for(language) if wanted else None


@every_language
@with_and_without
def test_parallel_rows_are_believed(language: str, with_lexicon: bool) -> None:
    rows = pairs(language, 60)
    found = align(rows, rows, lexicon_if(with_lexicon, language))
    assert not found.refuted.any()
    if with_lexicon or language != "th":  # short prompts in Thai keep no word and no mark: some cannot be told
        assert found.proven.mean() > 0.95


@every_language
def test_twenty_rows_and_a_lexicon_are_enough(language: str) -> None:
    for seed in range(5):
        rows = pairs(language, 20, seed)
        assert align(rows, rows, lexicon_for(language)).proven.mean() >= 0.95


@every_language
@with_and_without
def test_shifted_shuffled_and_other_rows_are_not(language: str, with_lexicon: bool) -> None:
    rows = pairs(language, 80)
    lexicon = lexicon_if(with_lexicon, language)
    rows, others = rows[:40], rows[40:]
    for shift in (1, -1, 7):
        assert not align(rows, rows[shift:] + rows[:shift], lexicon).proven.any()
    assert align(rows, rows[1:] + rows[:1], lexicon).shift[5:30].tolist() == [1] * 25
    shuffled = random.Random(1).sample(rows, len(rows))
    in_place = np.array([one == other for one, other in zip(rows, shuffled, strict=True)])
    assert not align(rows, shuffled, lexicon).proven[~in_place].any()
    foreign = align(rows, others, lexicon)
    assert not foreign.proven.any()
    assert foreign.refuted.mean() > 0.9


@some_languages
@pytest.mark.parametrize("first", [3, 50, 90])
def test_from_a_lost_row_on_nothing_is_believed_and_before_it_everything(language: str, first: int) -> None:
    rows = pairs(language, 101)
    rows, last = rows[:-1], rows[-1]
    for texts in ([*rows[:first], *rows[first + 1 :], last], [*rows[:first], *rows[first + 1 :]]):
        found = align(rows, texts, lexicon_for(language))
        assert found.proven[: first - 2].all()
        assert not found.proven[first:].any()
        assert (found.shift[first + 2 : -3] == 1).all()


@some_languages
def test_a_doubled_row_shifts_what_follows_the_other_way(language: str) -> None:
    rows = pairs(language, 60)
    found = align(rows, [*rows[:30], *rows[29:-1]], lexicon_for(language))
    assert found.proven[:28].all()
    assert not found.proven[30:].any()
    assert str(found).endswith("fit 1 row further up")


@some_languages
def test_swapped_blocks_are_found_and_the_others_kept(language: str) -> None:
    rows = pairs(language, 120)
    texts = rows[:20] + rows[70:90] + rows[40:70] + rows[20:40] + rows[90:]
    found = align(rows, texts, lexicon_for(language))
    wrong = np.array([one != other for one, other in zip(rows, texts, strict=True)])
    assert not found.proven[wrong].any()
    assert found.proven[~wrong].mean() > 0.85
    assert (found.shift[25:35] == 50).all()


@some_languages
def test_two_neighbours_that_changed_places_are_found_among_rows_that_are_right(language: str) -> None:
    rows = pairs(language, 60)
    found = align(rows, [*rows[:30], rows[31], rows[30], *rows[32:]], lexicon_for(language))
    assert not found.proven[30:32].any()
    assert np.delete(found.proven, [30, 31]).mean() > 0.95
    assert str(found) == "rows 1-60 parallel, except 2 that seem swapped"


@every_language
def test_a_fifth_of_garbage_loses_no_other_row_much(language: str) -> None:
    rows = pairs(language, 100)
    texts = [text for _, text in rows]
    bad = random.Random(2).sample(range(100), 20)
    for place in bad:
        texts[place] = random.Random(place).choice(["...", "error 500", "", "Sorry, I can't.", rows[place][0]])
    found = alignment([english for english, _ in rows], texts, lexicon_for(language))
    assert np.delete(found.proven, bad).mean() > 0.95


def test_a_block_that_says_nothing_is_carried_by_its_neighbours() -> None:
    """Twenty rows without evidence of their own once cost a file of 260 its English."""
    rows = pairs("de", 60)
    texts = [text for _, text in rows]
    texts[20:40] = [""] * 20
    assert alignment([english for english, _ in rows], texts, lexicon_for("de")).proven.all()


def test_what_says_nothing_is_neither_believed_nor_refuted() -> None:
    for english, texts in ((["same"] * 50, ["gleich"] * 50), (["a b c"] * 9, [""] * 9), (["Name a fruit."], ["Obst?"])):
        found = alignment(english, texts)
        assert not found.proven.any()
        assert not found.refuted.any()
        assert str(found) in (f"rows 1-{len(texts)} unproven", "row 1 unproven")


def test_prompts_that_repeat_are_no_evidence_for_a_shift() -> None:
    rows = pairs("fr", 30)
    rows = [row for row in rows for _ in range(3)]
    assert align(rows, rows, lexicon_for("fr")).proven.all()


def test_texts_past_the_end_of_the_english_list_are_not_parallel() -> None:
    rows = pairs("it", 60)
    found = align(rows[:40], rows, lexicon_for("it"))
    assert found.proven[:40].all()
    assert found.refuted[40:].all()
    assert alignment([], ["Testo"]).refuted.tolist() == [True]
    assert alignment(["Text"], []).proven.tolist() == []


def test_long_lists_are_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row with every other one would take gigabytes for a file of a megabyte."""
    compared: list[tuple[int, int]] = []

    def counted(english: Sequence[str], texts: Sequence[str], lexicon: Lexicon | None) -> npt.NDArray[np.float32]:
        compared.append((len(english), len(texts)))
        return pair_odds(english, texts, lexicon)

    monkeypatch.setattr("polyrefuse_data.sources.alignment._PART_ROWS", 30)
    monkeypatch.setattr("polyrefuse_data.sources.alignment.pair_odds", counted)
    rows = pairs("pl", 100)
    assert align(rows, rows, lexicon_for("pl")).proven.all()
    assert compared == [(25, 25)] * 4
    found = align(rows, [*rows[:60], *rows[61:], rows[60]], lexicon_for("pl"))
    assert found.proven[:58].all()
    assert not found.proven[60:].any()


def test_runs_are_told_apart_in_words_and_only_the_first_of_many() -> None:
    probability, shift = np.array([1.0, 1.0, 0.5, 0.0, 0.0, 0.0]), np.array([0, 0, 0, -2, -2, 0])
    nowhere = np.zeros(6, dtype=bool)
    assert str(Alignment(probability, shift, nowhere)) == (
        "rows 1-2 parallel, row 3 unproven, rows 4-5 fit 2 rows further up, "
        "row 6 fit no run of the list (other prompts, or another order)"
    )
    many = Alignment(np.array([1.0, 0.5] * 10), np.zeros(20, dtype=np.int64), np.zeros(20, dtype=bool))
    assert str(many).endswith("row 6 unproven, and 14 more runs")
