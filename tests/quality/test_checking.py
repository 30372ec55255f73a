"""check: verdicts from kept scores, and nothing scored twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import QualityConfig, load_config
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import audit, batch, check, scoring, suite
from polyrefuse_data.quality.checks import CHECKS
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.checks.punctuation import PUNCTUATION
from polyrefuse_data.quality.score_table import origins, with_origins
from polyrefuse_data.rows import sort_rows, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.quality.tables import make_table

STRICT: dict[str, Any] = {"thresholds": {"length_ratio_max": {"de": 1.2}, "language_id": 0.99}, "disable": ["script"]}


def seed_table(count: int = 30) -> pa.Table:
    """Seed prompts in three languages; the German of the tenth stands for the first prompt too."""
    rows = []
    for place, prompt in enumerate(seed_prompts()[:count]):
        for code in ("en", "de", "yo"):
            source = seed_prompts()[9] if (code, place) == ("de", 0) else prompt
            made = {"id": prompt.key, "language": code, "label": prompt.label, "split": prompt.split, "source": "seeds"}
            texts = {"text": seed_texts(code).prompts[source.key], "text_en": seed_texts("en").prompts[prompt.key]}
            rows.append({**made, **texts, "license": "Apache-2.0"})
    return sort_rows(table_from_rows(rows))


@pytest.fixture(scope="module")
def checked_once(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("checked") / "ws")
    write_table(seed_table(), workspace.rows)
    check(workspace, progress=False)
    return workspace


@pytest.fixture
def workspace(checked_once: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(checked_once.path, tmp_path / "ws")))


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Check -> rows that it had to score."""
    counts: Counter[str] = Counter()
    scorer = scoring.scorer

    def counting(suite: suite.Suite, names: Collection[str]) -> Callable[[pa.Table], pa.Table]:
        def work(rows: pa.Table) -> pa.Table:
            counts.update(dict.fromkeys(names, rows.num_rows))
            return scorer(suite, names)(rows)

        return work

    monkeypatch.setattr(scoring, "scorer", counting)
    return counts


def set_punctuation(monkeypatch: pytest.MonkeyPatch, new: Check) -> None:
    monkeypatch.setattr(suite, "CHECKS", tuple(new if check is PUNCTUATION else check for check in CHECKS))


def files(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in workspace.path.iterdir() if path.name != ".lock"}


def fresh(tmp_path: Path, table: pa.Table, config: Any = None) -> dict[str, bytes]:
    """The files of a workspace of these rows, checked for the first time."""
    workspace = Workspace(tmp_path / "fresh")
    write_table(table.replace_schema_metadata(None), workspace.rows)
    check(workspace, config, progress=False)
    return files(workspace)


def set_cell(workspace: Workspace, column: str, row: int, value: Any) -> pa.Table:
    """Change rows.parquet as somebody does who knows nothing of checks."""
    table = workspace.read_rows()
    values = table[column].to_pylist()
    values[row] = value
    changed = table.set_column(
        table.column_names.index(column), table.schema.field(column), pa.array(values, table[column].type)
    )
    write_table(changed, workspace.rows)
    return changed


def test_scores_that_follow_from_others_are_derived_from_kept_ones(workspace: Workspace, scored: Counter[str]) -> None:
    scores = pq.read_table(workspace.scores)
    assert scores["p_good"].null_count == 30  # the English rows
    made_by = {identity: names for identity, names in origins(scores).items() if "p_good" not in names}
    write_table(with_origins(scores.drop_columns(["p_good"]), made_by), workspace.scores)  # as an older version left it
    summary = check(workspace, {"thresholds": {"improbable": 0.7}}, progress=False)
    assert not scored and summary.scored == 0
    assert pq.read_table(workspace.scores)["p_good"].equals(scores["p_good"])
    marked = ["improbable" in flags for flags in workspace.read_rows()["flags"].to_pylist()]
    assert marked == [p is not None and p < 0.7 for p in scores["p_good"].to_pylist()]
    assert any(marked)


def test_a_change_of_bounds_scores_nothing_and_gives_the_bytes_of_a_fresh_check(
    workspace: Workspace, scored: Counter[str], tmp_path: Path
) -> None:
    scores = workspace.scores.read_bytes()
    summary = check(workspace, STRICT, progress=False)
    assert not scored and summary.scored == 0
    assert summary.changed["accepted -> rejected"] > 10
    assert workspace.scores.read_bytes() == scores  # thresholds have no part in them
    assert files(workspace) == fresh(tmp_path, seed_table(), STRICT)
    assert workspace.read_rows().to_pylist() == audit(seed_table(), STRICT).to_pylist()


def test_the_config_of_the_workspace_counts_where_none_is_given(workspace: Workspace) -> None:
    workspace.config.write_text("[quality.thresholds]\nlength_ratio_max = 0.1\n")
    check(str(workspace.path), progress=False)  # a path will do
    assert set(
        workspace.read_rows().filter(pa.compute.equal(workspace.read_rows()["language"], "de"))["status"].to_pylist()
    ) == {"rejected"}
    lenient = load_config(workspace.config).model_copy(update={"quality": QualityConfig()})
    assert check(workspace, lenient, progress=False).status["accepted"] > 80


def test_a_score_next_to_its_bound_is_judged_as_it_was_computed(workspace: Workspace) -> None:
    """Rows keep single precision, in which 0.7 and 0.70000002 may be one number; verdicts are made from the score."""
    scores = np.array(pq.read_table(workspace.scores)["length_ratio"].to_pylist(), dtype=float)
    own = next(value for value in scores if np.isfinite(value) and float(np.float32(value)) > value)
    check(workspace, {"thresholds": {"length_ratio_max": own}}, progress=False)
    for row, value in zip(workspace.read_rows().to_pylist(), scores, strict=True):
        assert ("length_ratio" in row["flags"]) == (value > own)


def test_only_a_check_of_another_version_scores(
    workspace: Workspace, scored: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def harsher(rows: batch.Batch) -> dict[str, Any]:
        assert PUNCTUATION.score
        return {"punctuation": np.asarray(PUNCTUATION.score(rows)["punctuation"]) + 1}

    set_punctuation(monkeypatch, replace(PUNCTUATION, version="2", score=harsher))
    rows = workspace.read_rows().num_rows
    assert check(workspace, progress=False).scored == rows
    assert scored == {"punctuation": rows}
    assert "punctuation" in workspace.read_rows().to_pylist()[0]["flags"]
    assert files(workspace) == fresh(tmp_path, seed_table())


def test_a_check_with_other_data_scores(
    workspace: Workspace, scored: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_punctuation(monkeypatch, replace(PUNCTUATION, settings=lambda: "marks-2"))
    check(workspace, progress=False)
    assert set(scored) == {"punctuation"}
    scored.clear()
    check(workspace, {"identifier": "langdetect"}, progress=False)
    assert set(scored) == {"language_id", "language_unverified"}


def test_only_rows_that_changed_or_are_new_are_scored(
    workspace: Workspace, scored: Counter[str], tmp_path: Path
) -> None:
    changed = set_cell(workspace, "text", 4, "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht.")
    assert check(workspace, progress=False).scored == 1
    assert set(scored.values()) == {1}
    assert files(workspace) == fresh(tmp_path, changed)

    scored.clear()
    more = sort_rows(pa.concat_tables([workspace.read_rows(), make_table({"id": "zz"}), make_table({"id": "aa"})]))
    write_table(more, workspace.rows)
    assert check(workspace, progress=False).scored == 1  # two rows that say the same
    assert set(scored.values()) == {1}
    assert [row["flags"] for row in workspace.read_rows().to_pylist() if row["id"] in ("aa", "zz")] == [[], []]

    scored.clear()
    write_table(workspace.read_rows().slice(3).take(list(range(60))[::-1]), workspace.rows)
    assert check(workspace, progress=False).scored == 0  # scores are found wherever their rows stand
    assert not scored
    shared = [row["id"] for row in workspace.read_rows().to_pylist() if "duplicate_target" in row["flags"]]
    assert shared == []  # its twin is gone: what takes all rows to tell is told anew


def test_what_takes_all_rows_to_tell_is_told_anew_when_any_is_another(workspace: Workspace) -> None:
    def shared() -> list[int]:
        return [
            row for row, flags in enumerate(workspace.read_rows()["flags"].to_pylist()) if "duplicate_target" in flags
        ]

    (row,) = shared()
    set_cell(workspace, "text", row, "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht.")
    check(workspace, progress=False)
    assert shared() == []


def test_a_check_that_was_stopped_goes_on_where_it_was(
    workspace: Workspace, scored: Counter[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = files(workspace)
    monkeypatch.setattr(batch, "BATCH_ROWS", 20)
    before = workspace.rows.read_bytes()
    workspace.scores.unlink()
    add = scoring.PartialScores.add

    def stopped(self: scoring.PartialScores, scores: pa.Table) -> None:
        if sum(1 for _ in self) == 3:
            raise KeyboardInterrupt
        add(self, scores)

    monkeypatch.setattr(scoring.PartialScores, "add", stopped)
    with pytest.raises(KeyboardInterrupt):
        check(workspace, progress=False)
    assert workspace.rows.read_bytes() == before
    monkeypatch.setattr(scoring.PartialScores, "add", add)
    damaged = sorted(workspace.checking.glob("*.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:-9])
    scored.clear()
    assert check(workspace, progress=False).scored == 90 - 2 * 20
    assert files(workspace) == wanted
    assert not workspace.checking.exists()


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_scores_that_cannot_be_read_are_told_of_and_made_again(
    workspace: Workspace, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = files(workspace)
    if content is None:
        write_table(pa.table({"inputs": [1.5]}), workspace.scores)
    else:
        workspace.scores.write_bytes(content)
    assert check(workspace, progress=False).scored == 90
    assert "scoring its rows again" in caplog.text
    assert files(workspace) == wanted


def test_rows_of_an_older_version_are_checked_where_they_are(workspace: Workspace) -> None:
    wanted = files(workspace)
    write_table(workspace.read_rows().replace_schema_metadata(None), workspace.rows)
    workspace.scores.unlink()
    summary = check(workspace, progress=False)
    assert (summary.scored, summary.changed) == (90, {})
    assert files(workspace) == wanted


def test_what_others_noted_in_the_file_and_columns_that_they_added_stay(
    workspace: Workspace, scored: Counter[str]
) -> None:
    rows = workspace.read_rows()
    noted = rows.replace_schema_metadata({**rows.schema.metadata, b"polyrefuse.backends": b"{}"})
    write_table(noted.append_column("comet", pa.array([0.9, 0.1] * 45)), workspace.rows)
    check(workspace, progress=False)
    assert not scored  # an imported score is there as it is
    after = pq.read_table(workspace.rows)
    assert after.schema.metadata[b"polyrefuse.backends"] == b"{}"
    assert after["comet"].to_pylist() == [0.9, 0.1] * 45
    assert ["comet" in flags for flags in after["flags"].to_pylist()] == [False, True] * 45
    assert pq.read_table(workspace.scores)["comet"].to_pylist() == [0.9, 0.1] * 45


def test_row_groups_stay_as_they_are(workspace: Workspace) -> None:
    pq.write_table(workspace.read_rows(), workspace.rows, row_group_size=40)
    check(workspace, progress=False)
    for path in (workspace.rows, workspace.scores):
        metadata = pq.read_metadata(path)
        assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [40, 40, 10]


def test_translations_without_english_take_that_of_their_prompt(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "text_en": None},
        {"id": "a", "language": "en", "text": "Name three tips for a better sleep at night."},
    ]
    workspace = Workspace(tmp_path)
    write_table(make_table(*rows), workspace.rows)
    check(workspace, progress=False)
    german = workspace.read_rows().to_pylist()[0]
    assert (german["text_en"], german["flags"]) == (None, [])
    assert german["length_ratio"] is not None


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows_are_rows_too(tmp_path: Path, rows: int) -> None:
    workspace = Workspace(tmp_path)
    write_table(make_table({}).slice(0, rows), workspace.rows)
    for _ in range(2):
        assert check(workspace, progress=False).rows == rows
    assert pq.read_table(workspace.scores).num_rows == rows


def test_what_cannot_be_checked_is_said_and_changes_nothing(workspace: Workspace) -> None:
    before = files(workspace)
    with pytest.raises(ConfigError, match=r"quality\.thresholds\.nonsense"):
        check(workspace, {"thresholds": {"nonsense": 1}}, progress=False)
    with workspace.lock(), pytest.raises(ConfigError, match="another polyrefuse process"):
        check(workspace, progress=False)
    assert files(workspace) == before
    with pytest.raises(ConfigError, match=r"rows\.parquet does not exist"):
        check(workspace.path / "nowhere", progress=False)


_VERDICTS_ALONE = """
import sys
from polyrefuse_data.quality import check

summary = check(sys.argv[1], {"thresholds": {"length_ratio_max": 1.0}}, progress=False)
assert summary.scored == 0 and summary.changed, summary
print(*{"py3langid", "sacrebleu", "torch"}.intersection(sys.modules))
"""


def test_verdicts_from_kept_scores_load_no_model_and_no_library_that_scores(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    write_table(sort_rows(seed_table(4)), workspace.rows)
    check(workspace, progress=False)
    command = [sys.executable, "-c", _VERDICTS_ALONE, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (0, "\n"), ran.stderr
