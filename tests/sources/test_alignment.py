from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path

import pytest

from polyrefuse_data.sources.alignment import BLOCK_THRESHOLD, DISPLACED_THRESHOLD, FILE_THRESHOLD, Alignment, alignment

UPSTREAM = Path(__file__).resolve().parents[2] / "../shared/upstream"

published = pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the published dataset is not here")


def texts(name: str) -> list[str]:
    return [record["instruction"] for record in json.loads((UPSTREAM / name).read_text(encoding="utf-8"))]


def pair(split: str, language: str) -> tuple[list[str], list[str]]:
    english = {"harmful_val": "harmful_val", "harmless_val": "harmless_val_200_sampled"}[split]
    return texts(f"english/{english}.json"), texts(f"PolyRefuse/{split}_translated_{language}.json")


@published
@pytest.mark.parametrize("language", ["de", "ja", "ko", "ru", "th", "yo"])
@pytest.mark.parametrize("split", ["harmful_val", "harmless_val"])
def test_published_parallel_files_are_believed_with_room_to_spare(split: str, language: str) -> None:
    proof = alignment(*pair(split, language))
    assert proof.holds
    assert proof.file > 2 * FILE_THRESHOLD
    assert proof.weakest_block > BLOCK_THRESHOLD


@published
def test_published_files_with_other_prompts_are_not_believed() -> None:
    proof = alignment(*pair("harmless_val", "zh"))
    assert not proof.holds
    assert abs(proof.file) < 2


@published
@pytest.mark.parametrize("language", ["de", "ja", "th"])
@pytest.mark.parametrize("split", ["harmful_val", "harmless_val"])
def test_shuffled_and_shifted_rows_are_not_believed(split: str, language: str) -> None:
    english, translated = pair(split, language)
    for shift in (1, -1, 2):
        assert not alignment(english, translated[shift:] + translated[:shift]).holds
    shuffled = random.Random(0).sample(translated, len(translated))
    assert not alignment(english, shuffled).holds


@published
@pytest.mark.parametrize("language", ["de", "ja"])
def test_a_row_lost_half_way_is_seen_although_the_whole_still_agrees(language: str) -> None:
    english, translated = pair("harmless_val", language)
    proof = alignment(english, [*translated[:100], *translated[101:], translated[100]])
    assert proof.file > FILE_THRESHOLD
    assert proof.weakest_block < BLOCK_THRESHOLD
    assert not proof.holds


@published
@pytest.mark.parametrize("language", ["de", "ja", "ru", "th", "yo"])
def test_a_row_lost_near_the_end_is_seen_although_the_whole_still_agrees(language: str) -> None:
    english, translated = pair("harmless_val", language)
    assert alignment(english, translated).displaced < DISPLACED_THRESHOLD - 1
    proof = alignment(english, [*translated[:-9], *translated[-8:], translated[-9]])
    assert proof.displaced > DISPLACED_THRESHOLD
    assert proof.file > FILE_THRESHOLD
    assert not proof.holds


def test_a_shifted_run_is_told_where_everything_else_agrees() -> None:
    assert str(Alignment(20.0, 4.0, 9.0)) == "20.0 sd above chance, weakest block 4.0, but some rows fit better shifted"
    assert str(Alignment(0.4, -1.0, 9.0)) == "0.4 sd above chance, weakest block -1.0"


def test_texts_that_say_nothing_prove_nothing() -> None:
    assert alignment(["same"] * 50, ["gleich"] * 50).file == 0
    assert not alignment(["a", "bb", "ccc"], ["x", "yy", "zzz"]).holds  # too few rows to tell from chance


def test_lists_of_unequal_length_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="2 English texts and 1 translations"):
        alignment(["a", "b"], ["x"])


def test_long_lists_are_compared_in_parts_and_in_bounded_memory() -> None:
    """Every row with every other one would take gigabytes for a file of a megabyte."""
    english = [f"Explain item {row} of the list {'again ' * (row % 31)}" for row in range(7000)]
    german = [f"Erkläre Punkt {row} der Liste {'noch einmal ' * (row % 31)}" for row in range(7000)]
    tracemalloc.start()
    assert alignment(english, german).holds
    assert tracemalloc.get_traced_memory()[1] < 600 * 2**20
    tracemalloc.stop()
    assert not alignment(english, [*german[:5000], *german[5001:], german[5000]]).holds
