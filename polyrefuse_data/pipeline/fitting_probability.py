"""Fits probability.toml of a language pack to aligned rows: they are the good ones, and faults are planted in them.

The lexicon has learnt from these rows, so each half of the prompts is scored with what the other half teaches. Like the
tables of this package, this one takes half of all rows for faulty, and one faulty row in three for one that says
something else in good form.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from polyrefuse_data.languages import Language, add_pack
from polyrefuse_data.languages.lexicon.train import Pairs, learn
from polyrefuse_data.quality.probability.fit import LENGTH, SIGNS, Known
from polyrefuse_data.quality.probability.own_language import fit_own
from polyrefuse_data.quality.probability.tables import FILE, table_text
from polyrefuse_data.quality.score_table import numbers_of
from polyrefuse_data.system.files import replace_kept
from polyrefuse_data.text.invisible import visible

Row = dict[str, Any]
Scorer = Callable[[Sequence[Row]], pa.Table]

_GOOD, _REWORDED = "good", "reworded"
_REWORDED_SHARE = 1 / 3  # of faulty rows
_LONG = 5  # letters of a word that says something


def fit_probability(known: Language, rows: Sequence[Row], where: str, score: Scorer) -> dict[str, str]:
    """Write probability.toml of a pack that is in use. Returns what is printed of it. Needs scikit-learn."""
    assert known.pack is not None
    parts = [part for half in range(2) for part in _scored_half(known, rows, half, score)]
    lengths, calibration = fit_own(_known(parts))
    curves = {LENGTH: lengths} if lengths else {}
    source = f"{where}, and {sum(table.num_rows for kind, table in parts if kind != _GOOD)} with faults planted in them"
    text = table_text(curves, calibration, source, is_common=False, command="polyrefuse languages --fit")
    replace_kept(known.pack / FILE, text)
    return {"written": FILE, "value": f"intercept {calibration[0]:.2f}, slope {calibration[1]:.2f}", "from": source}


def _scored_half(known: Language, rows: Sequence[Row], half: int, score: Scorer) -> Iterator[tuple[str, pa.Table]]:
    """(kind, scores) of the good and the faulty rows of one half of the prompts, with the lexicon of the other."""
    assert known.pack is not None
    own = [row for row in rows if _half(row["text_en"]) == half]
    others: Pairs = sorted({(visible(r["text_en"]), visible(r["text"])) for r in rows if _half(r["text_en"]) != half})
    with TemporaryDirectory() as folder:
        pack = Path(folder) / known.code
        shutil.copytree(known.pack, pack)
        (pack / "lexicon.tsv").write_text(learn(others, known).to_tsv(), encoding="utf-8")
        (pack / FILE).unlink(missing_ok=True)
        add_pack(pack)
        try:
            for kind, some in (faulty_rows(own) | {_GOOD: own}).items():
                prompts = pa.array([_number(row["prompt"] if "prompt" in row else row["text_en"]) for row in some])
                yield kind, score(some).append_column("prompt", prompts)
        finally:
            add_pack(known.pack)


def faulty_rows(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Kind of fault -> rows with it; `prompt` is the one they were made from."""
    rng = random.Random(0)
    words = sorted({word for row in rows for word in row["text_en"].split() if len(word) >= _LONG and word.isalpha()})
    found: dict[str, list[Row]] = {}
    for place, row in enumerate(rows):
        text, english, other = row["text"], row["text_en"].split(), rows[(place + 1 + len(rows) // 3) % len(rows)]
        changes = {
            "another text": {"text": other["text"], "back_translation": other.get("back_translation")},
            "cut": {"text": text[: max(1, len(text) // 3)].rstrip()},
            "untranslated": {"text": row["text_en"]},
            "half in English": {"text": f"{text[: len(text) // 2]} {' '.join(english[len(english) // 2 :])}"},
            "looped": {"text": " ".join([text] * 4)},
            "longer": {"text": f"{text} {other['text']}"},
        }
        kind = rng.choice(sorted(changes))
        long = [number for number, word in enumerate(english) if len(word) >= _LONG]
        found.setdefault(kind, []).append({**row, **changes[kind], "prompt": row["text_en"]})
        if long and words:
            english[rng.choice(long)] = rng.choice(words)
            changed = {"text_en": " ".join(english), "back_translation": None, "prompt": row["text_en"]}
            found.setdefault(_REWORDED, []).append({**row, **changed})
    return found


def _known(parts: Sequence[tuple[str, pa.Table]]) -> Known:
    """The scores as arrays, weighed as the head of this file says."""
    table = pa.concat_tables([own for _, own in parts])
    kinds = np.concatenate([np.full(own.num_rows, kind) for kind, own in parts])
    good, reworded = kinds == _GOOD, kinds == _REWORDED
    shares = ((good, 1.0), (reworded, _REWORDED_SHARE), (~good & ~reworded, 1 - _REWORDED_SHARE))
    weight = sum(share * own / max(1, own.sum()) for own, share in shares) * len(good) / 2
    scores = {name: numbers_of(table, name) for name in (*SIGNS, LENGTH)}
    return Known(scores, np.full(len(good), "own"), good, weight, np.array(table["prompt"].to_pylist()))


def _number(prompt: str) -> int:
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()[1]


def _half(prompt: str) -> int:
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()[0] % 2
