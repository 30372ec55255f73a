"""The language identifiers that a config may name, each as it is installed."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from polyrefuse_data.demo.seeds import SEEDS
from polyrefuse_data.errors import MissingPrerequisite
from polyrefuse_data.quality import audit, signature
from polyrefuse_data.quality.identifiers import identifier, identifier_name
from polyrefuse_data.text import naive_bayes
from tests.quality.tables import make_table

ENGLISH = "Explain how the sun is different from other stars."
_TRAIN = """import fasttext
settings = dict(dim=16, minn=1, maxn=2, bucket=2000, epoch=40, lr=0.3, thread=1, verbose=0)
fasttext.train_supervised("train.txt", **settings).save_model("model.bin")"""
LABELS = {"de": "deu_Latn", "fr": "fra_Latn", "yo": "yor_Latn", "zh": "cmn_Hani"}  # as GlotLID writes them


@pytest.fixture
def rows() -> pa.Table:
    """Yoruba, German, Chinese, and French that says it is German."""
    return make_table(
        {"language": "yo", "text": "Ṣe alaye bi oorun ṣe yatọ si awọn irawọ miiran.", "text_en": ENGLISH},
        {"text": "Erklären Sie, wie sich die Sonne von anderen Sternen unterscheidet.", "text_en": ENGLISH},
        {"language": "zh", "text": "解释太阳与其他恒星有何不同。", "text_en": ENGLISH},
        {"text": "Explique en quoi le soleil est différent des autres étoiles.", "text_en": ENGLISH},
    )


def test_a_signature_loads_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """`polyrefuse status` asks for it."""
    names = {name: identifier(name).name for name in ("py3langid", "langdetect")}
    monkeypatch.setattr(naive_bayes, "Model", lambda: pytest.fail("the model is loaded"))
    identifier.cache_clear()
    naive_bayes.model.cache_clear()
    assert names["py3langid"] in signature()
    assert {name: identifier_name(name) for name in names} == names


def test_langdetect_gives_no_verdict_on_yoruba_and_the_same_one_twice(rows: pa.Table) -> None:
    first = audit(rows, {"identifier": "langdetect"})
    assert first["language_confidence"].to_pylist()[0] is None
    assert "language_unverified" in first["flags"].to_pylist()[0]
    assert first["detected_language"].to_pylist()[1:] == ["de", "zh", "fr"]
    assert first.equals(audit(rows, {"identifier": "langdetect"}))


def test_lingua_tells_the_languages_apart(rows: pa.Table) -> None:
    pytest.importorskip("lingua", reason="needs `pip install lingua-language-detector`")
    audited = audit(rows, {"identifier": "lingua"})
    assert audited["detected_language"].to_pylist() == ["yo", "de", "zh", "fr"]
    assert audited["status"].to_pylist() == ["accepted", "accepted", "accepted", "rejected"]
    assert "language_id" in audited["flags"].to_pylist()[3]
    assert identifier("lingua").probability("12 34", frozenset({"de"}))[1] == 0.0  # nothing to go by


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A fastText model of four languages, trained on the bundled seeds, with the labels of GlotLID."""
    pytest.importorskip("fasttext", reason="needs `pip install fasttext-wheel`")
    lines = [
        f"__label__{label} {text}"
        for code, label in LABELS.items()
        for text in json.loads((SEEDS / f"{code}.json").read_text(encoding="utf-8"))["prompts"].values()
    ]
    (tmp_path / "train.txt").write_text("\n".join(sorted(lines, key=lambda line: line[::-1])), encoding="utf-8")
    # In a process of its own: in one that has used its memory before, fastText's training may meet NaN.
    subprocess.run([sys.executable, "-c", _TRAIN], cwd=tmp_path, check=True)
    return tmp_path / "model.bin"


def test_a_fasttext_model_is_asked_with_its_own_labels(rows: pa.Table, model: Path) -> None:
    audited = audit(rows, {"identifier": f"fasttext:{model}"})
    assert identifier(f"fasttext:{model}").labels == set(LABELS)
    assert audited["detected_language"].to_pylist() == ["yo", "de", "zh", "fr"]
    assert min(audited["language_confidence"].to_pylist()[:3]) > 0.5
    assert ["language_id" in flags for flags in audited["flags"].to_pylist()] == [False, False, False, True]


def test_a_file_that_is_no_fasttext_model_is_named(tmp_path: Path) -> None:
    pytest.importorskip("fasttext", reason="needs `pip install fasttext-wheel`")
    (tmp_path / "model.bin").write_bytes(b"nothing")
    for name in ("model.bin", "none.bin"):
        with pytest.raises(MissingPrerequisite, match=name):
            identifier(f"fasttext:{tmp_path / name}")


@pytest.mark.parametrize("name", ["lingua", "fasttext:/nowhere/model.bin"])
def test_a_missing_identifier_says_how_to_get_it(name: str) -> None:
    if importlib.util.find_spec(name.split(":")[0]) is not None:
        pytest.skip(f"{name} is installed here")
    with pytest.raises(MissingPrerequisite, match="pip install"):
        audit(make_table({}), {"identifier": name})
