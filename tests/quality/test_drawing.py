"""Samples for reviewers: as many rows for each language, equally from the strata that were asked for."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality import check, export_review
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.kept_scores import read_scores
from polyrefuse_data.quality.review.drawing import draw, read_drawn, read_keys
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call
from tests.quality.tables import make_table

GOOD = "Nennen Sie drei Tipps für einen besseren Schlaf in der Nacht."


def made(folder: Path, *rows: dict[str, Any]) -> Workspace:
    workspace = Workspace(folder)
    write_table(make_table(*({"id": f"own-{n:04}"} | row for n, row in enumerate(rows))), workspace.rows)
    return workspace


def drawn(workspace: Workspace, **options: Any) -> list[dict[str, Any]]:
    by = options.pop("by", "verdict")
    places = draw(read_keys(workspace, by), **{"size": 6, "seed": 0} | options, by=by)
    found: list[dict[str, Any]] = read_drawn(workspace, places).to_pylist()
    return found


def test_a_common_stratum_leaves_room_for_rare_ones(tmp_path: Path) -> None:
    """Of several flags, a row counts as what is rarest: 90 short ones hide neither the loop nor what passed."""
    rows: list[dict[str, Any]] = [{"flags": ["length"], "source": "a"}] * 90
    rows += [{"flags": [], "source": "b"}] * 5 + [{"flags": ["length", "repetition"], "source": "c"}]
    workspace = made(tmp_path, *rows)
    flags = Counter(tuple(row["flags"]) for row in drawn(workspace, by="flag"))
    assert flags == {("length",): 2, (): 3, ("length", "repetition"): 1}
    assert Counter(row["source"] for row in drawn(workspace, by="source")) == {"a": 3, "b": 2, "c": 1}
    assert len(drawn(workspace, by="flag", size=500)) == 96


def test_each_language_has_its_own_rows_and_another_seed_draws_others(tmp_path: Path) -> None:
    workspace = made(tmp_path, *({"language": code} for code in ("de", "yo") for _ in range(40)))
    first = drawn(workspace)
    assert Counter(row["language"] for row in first) == {"de": 6, "yo": 6}
    assert [row["id"] for row in first] == sorted(row["id"] for row in first)
    assert first == drawn(workspace) != drawn(workspace, seed=1)


def test_bands_of_p_good_are_drawn_alike(tmp_path: Path) -> None:
    """Most rows are good; those in doubt are what says whether the probability can be believed."""
    bad = "Name three tips for a better sleep at night, please, and more of them."
    workspace = made(tmp_path, *({"text": GOOD} for _ in range(30)), *({"text": bad} for _ in range(3)))
    with pytest.raises(ConfigError, match="has no p_good scores: run `polyrefuse check"):
        drawn(workspace, by="p_good")
    check(workspace.path)
    scores = read_scores(workspace.scores)
    assert scores
    sure = dict(zip(texts(scores, "id"), scores["p_good"].to_pylist(), strict=True))
    rows = drawn(workspace, by="p_good")
    assert Counter(sure[row["id"]] > 0.5 for row in rows) == {True: 3, False: 3}


def test_strata_that_are_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot stratify by 'moon': use verdict, flag, p_good, source"):
        export_review(made(tmp_path, {}), by="moon")


def test_sample_is_the_review_that_review_export_writes(tmp_path: Path, polyrefuse: Call) -> None:
    workspace = made(tmp_path / "ws", *({"source": name} for name in "aaaaaaaab"))
    options = ("--by", "source", "--seed", "7", "--json")
    done = polyrefuse("sample", workspace.path, "--per-language", "4", "--out", tmp_path / "a.csv", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == str(tmp_path / "a.csv")
    done = polyrefuse("review", "export", workspace.path, "--size", "4", "--out", tmp_path / "b.csv", *options)
    content = (tmp_path / "a.csv").read_bytes()
    assert content == (tmp_path / "b.csv").read_bytes()
    ids = {row["id"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))}
    assert len(ids) == 4 and "own-0008" in ids


@pytest.mark.parametrize("by", ["verdict", "flag", "source"])
def test_rows_are_read_in_parts_and_are_the_same(tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The drawn rows are those of the file, in the order of languages and ids, wherever a part of it ends."""
    flags: list[list[str]] = [[], ["length"], ["length", "script"]]
    rows = [{"language": code, "flags": flags[n % 3]} for code in ("yo", "de") for n in range(40)]
    workspace = made(tmp_path, *rows)
    whole = drawn(workspace, by=by)
    monkeypatch.setattr("polyrefuse_data.workspace._PART_ROWS", 7)
    assert drawn(workspace, by=by) == whole
    by_key = {(row["id"], row["language"]): row for row in workspace.read_rows().to_pylist()}
    assert [by_key[row["id"], row["language"]] for row in whole] == whole
    assert [row["language"] for row in whole] == ["de"] * 6 + ["yo"] * 6
