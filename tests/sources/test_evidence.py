from __future__ import annotations

import numpy as np
import pytest

from polyrefuse_data.languages.lexicon import lexicon_for
from polyrefuse_data.sources.evidence import pair_odds

ENGLISH = ["Name 3 rivers of Africa.", "Why did Tolstoy write?", 'Translate "dog", "cat" and "cow".']


@pytest.mark.parametrize(
    "texts",
    [
        ["Назовите 3 реки Африки.", "Почему Tolstoy писал?", "Переведите «собака», «кот» и «корова»."],
        ["اذكر ٣ أنهار في أفريقيا.", "لماذا كتب Tolstoy؟", "ترجم «كلب»، «قطة» و«بقرة»."],
        ["अफ्रीका की ३ नदियाँ बताइए।", "Tolstoy ने क्यों लिखा?", '"कुत्ता", "बिल्ली" और "गाय" का अनुवाद करें।'],
    ],
    ids=["Cyrillic", "Arabic", "Devanagari"],
)
def test_numbers_names_and_marks_tell_in_any_script(texts: list[str]) -> None:
    odds = pair_odds(ENGLISH, texts)
    assert odds.argmax(axis=0).tolist() == odds.argmax(axis=1).tolist() == [0, 1, 2]
    assert (np.diagonal(odds) > 0.5).all()


def test_words_tell_where_there_is_a_lexicon() -> None:
    english = ["Write a song about love.", "Write a text about cars.", "Write a poem about rain."]
    german = ["Schreib ein Lied über die Liebe.", "Schreib einen Text über Autos.", "Schreib ein Gedicht über Regen."]
    told, untold = np.diagonal(pair_odds(english, german, lexicon_for("de"))), np.diagonal(pair_odds(english, german))
    assert (told > 0.8).all()
    assert told.sum() > untold.sum()


def test_what_all_texts_share_says_nothing() -> None:
    texts = ["Nenne 3 Flüsse in Afrika.", "Warum schrieb Tolstoi?", "Übersetze „Hund“, „Katze“ und „Kuh“."]
    plain = pair_odds(ENGLISH, texts)
    framed = pair_odds([f"In 2024: {text}" for text in ENGLISH], [f"Im Jahr 2024: {text}" for text in texts])
    assert framed == pytest.approx(plain, abs=1.5)
    assert pair_odds(["same"] * 3, ["gleich"] * 3) == pytest.approx(np.zeros((3, 3)), abs=1e-5)


def test_an_empty_text_says_nothing_and_changes_nothing() -> None:
    texts = ["Nenne 3 Flüsse.", "Warum schrieb Tolstoi?"]
    with_empty = pair_odds(ENGLISH, [texts[0], " \u200b", texts[1]])
    assert with_empty[:, 1].tolist() == [0, 0, 0]
    assert with_empty[:, [0, 2]] == pytest.approx(pair_odds(ENGLISH, texts))
    assert pair_odds(ENGLISH, ["", ""]).tolist() == [[0, 0]] * 3
    assert pair_odds([], texts).shape == (0, 2)
