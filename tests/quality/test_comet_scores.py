"""examples/comet_scores.py speaks the protocol of `[quality.scores.NAME] command`, whatever the package prints.

The package stands in here: it has unbabel-comet's names, which the script was run with once, by hand (a made
reference-free model, unbabel-comet 2.2.7).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from polyrefuse_data.errors import PluginError
from polyrefuse_data.quality.auditing import audit_rows
from tests.quality.tables import ENGLISH, GERMAN, make_table

SCRIPT = Path(__file__).parents[2] / "examples" / "comet_scores.py"
PACKAGE = """
class Model:
    def __init__(self, path):
        self.path = path
    def requires_references(self):
        return "with-reference" in self.path
    def predict(self, samples, batch_size, gpus, num_workers, progress_bar):
        print("GPU available: False")
        return type("Prediction", (), {"scores": [len(one["mt"]) / len(one["src"]) for one in samples]})

def load_from_checkpoint(path, local_files_only):
    print("Encoder model frozen.")
    return Model(path)
"""


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "comet.py").write_text(PACKAGE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return [sys.executable, str(SCRIPT)]


def test_each_translation_gets_the_score_of_its_source_and_text(command: list[str]) -> None:
    config = {"scores": {"kiwi": {"command": [*command, "model.ckpt"], "at_least": 0.5}}}
    rows = make_table({"text": GERMAN, "text_en": ENGLISH}, {"text": "Nennen Sie drei.", "text_en": "Name three."})
    assert audit_rows(rows, config)[1]["kiwi"].to_pylist() == [len(GERMAN) / len(ENGLISH), 16 / 11]


def test_a_model_that_needs_references_is_refused(command: list[str]) -> None:
    config = {"scores": {"comet22": {"command": [*command, "with-reference.ckpt"], "at_least": 0.5}}}
    with pytest.raises(PluginError, match="compares with references"):
        audit_rows(make_table({"text": GERMAN, "text_en": ENGLISH}), config)
