"""Whole runs on a tiny trained model: results, resuming after kill -9, and languages that cannot be measured."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.benchmark import run_benchmark
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import world_rows, write_release_of

pytestmark = pytest.mark.usefixtures("no_figures")

OPTIONS: dict[str, Any] = {"max_new_tokens": 8, "max_kl": 50.0, "limit": 8}


@pytest.fixture(scope="module")
def run(chat_folder: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_benchmark(str(chat_folder), release, tmp_path_factory.mktemp("run") / "run", **OPTIONS)


def scores_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "scores.json").read_text(encoding="utf-8"))


def row_of(
    scores: dict[str, Any], intervention: str, target: str, label: str, source: str | None = None
) -> dict[str, Any]:
    (row,) = (
        r
        for r in scores["rows"]
        if (r["intervention"], r["target_language"], r["label"]) == (intervention, target, label)
        and (source is None or r["source_language"] == source)
    )
    return row


def test_the_model_refuses_what_it_was_trained_to_refuse(run: Path) -> None:
    scores = scores_of(run)
    for code in ("en", "de", "fr"):
        assert row_of(scores, "baseline", code, "harmful")["refusal"] == 1.0
        assert row_of(scores, "baseline", code, "harmless")["compliance"] == 1.0
    assert [row["selectivity"] for row in scores["selectivity"] if row["intervention"] == "baseline"] == [1.0] * 3


def test_every_language_is_a_source_for_every_language(run: Path) -> None:
    scores = scores_of(run)
    assert [record["status"] for record in scores["selection"]] == ["chosen", "ineffective", "ineffective"]
    pairs = {(r["source_language"], r["target_language"]) for r in scores["rows"] if r["intervention"] == "ablation"}
    assert pairs == {(source, target) for source in ("de", "en", "fr") for target in ("de", "en", "fr")}
    for code in ("en", "de", "fr"):
        selection = json.loads((run / "selection" / f"{code}.json").read_text(encoding="utf-8"))
        assert selection["refusal_tokens"]["source"] == "found"
        before = row_of(scores, "baseline", code, "harmful")["refusal"]
        assert before == 1.0
        assert selection["chosen"]["refusal_score"] == min(
            row["refusal_score"] for row in selection["candidates"] if row["dropped"][selection["rule"]] is None
        )


def test_numbers_carry_where_they_come_from(run: Path, release: Path) -> None:
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    table = pq.read_table(run / "scores.parquet")
    assert set(table["content_sha256"].to_pylist()) == {manifest["content_sha256"]}
    assert set(table["dataset_version"].to_pylist()) == {"1.2.3"}
    assert set(table["rule"].to_pylist()) == {"polyrefuse with KL up to 50"}
    assert all(judge.startswith("phrases") for judge in table["judge"].to_pylist())
    assert (table["n"].to_pylist(), table.num_rows) == ([8] * 42, 42)  # (3 + 9 + 9) files, two labels


def test_test_prompts_are_never_trained_or_chosen_on(run: Path) -> None:
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    for code in ("en", "de", "fr"):
        selection = json.loads((run / "selection" / f"{code}.json").read_text(encoding="utf-8"))
        used = [set(ids) for ids in selection["prompts"].values()]
        tested = [set(ids) for ids in record["test_prompts"][code].values()]
        everything = used + tested
        assert sum(map(len, everything)) == len(set.union(*everything))
        assert record["test_prompts"][code] == record["test_prompts"]["en"]  # parallel


def test_running_again_changes_nothing_and_loads_no_model(run: Path, release: Path, chat_folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.safetensors")} | {
        path: path.stat().st_mtime_ns for path in (run / "completions").rglob("*.parquet")
    }
    scores = (run / "scores.json").read_bytes()
    run_benchmark(str(chat_folder), release, run, **OPTIONS)
    assert (run / "scores.json").read_bytes() == scores
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_run_in_the_same_folder_is_refused_by_name(run: Path, release: Path, chat_folder: Path) -> None:
    with pytest.raises(ConfigError, match="max_new_tokens"):
        run_benchmark(str(chat_folder), release, run, **{**OPTIONS, "max_new_tokens": 9})


@pytest.mark.slow
def test_killed_in_every_stage_it_ends_with_the_same_scores(
    run: Path, release: Path, chat_folder: Path, tmp_path: Path
) -> None:
    """kill -9 as soon as each stage has written its first file, then run on: the scores are the uninterrupted run's."""
    out = tmp_path / "run"
    for stage in ("completions/baseline", "refusal_tokens.json", "selection", "completions/en", "completions/random"):
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(chat_folder), str(release), str(out), json.dumps(OPTIONS)],
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not any((out / stage).glob("*.*")) and not (out / stage).is_file():
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (out / "scores.json").exists(), f"too late to be killed in {stage}"
    run_benchmark(str(chat_folder), release, out, **OPTIONS)
    assert (out / "scores.json").read_bytes() == (run / "scores.json").read_bytes()


_PROGRAM = """
import json, sys, torch
torch.set_num_threads(1)
from polyrefuse_data.benchmark import run_benchmark
run_benchmark(sys.argv[1], sys.argv[2], sys.argv[3], **json.loads(sys.argv[4]))
"""


def test_languages_without_what_a_direction_needs_are_results(chat_folder: Path, tmp_path: Path) -> None:
    """fr has no harmless training prompts, th is not in the dataset: both are reported, and the others are measured."""
    rows = [
        r for r in world_rows() if not (r["language"] == "fr" and r["label"] == "harmless" and r["split"] == "train")
    ]
    dataset = write_release_of(rows, tmp_path)
    out = run_benchmark(
        str(chat_folder), dataset, tmp_path / "run", languages=["en", "fr", "th"], transfer="own", **OPTIONS
    )
    scores = scores_of(out)
    statuses = {record["language"]: (record["status"], record["message"]) for record in scores["selection"]}
    assert statuses["en"][0] == "chosen"
    assert statuses["fr"] == ("empty_class", "the dataset has no train harmless prompts")
    assert statuses["th"] == ("missing_language", "the dataset has no rows in this language")
    assert row_of(scores, "baseline", "fr", "harmful")["refusal"] == 1.0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "the dataset has no train harmless prompts" in page


def test_no_candidate_left_is_a_result_and_told(
    chat_folder: Path, release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = run_benchmark(
        str(chat_folder),
        release,
        tmp_path / "run",
        languages=["en"],
        **{**OPTIONS, "max_kl": -1.0, "min_coherent": 0.5, "filter_prompts": True},
    )
    (record,) = scores_of(out)["selection"]
    assert record["status"] == "no_candidate"
    assert f"no direction in en: {record['message']}" in caplog.text
    assert "drops all" in record["message"]
    assert record["message"].endswith("; 100% of the same replies are coherent if nothing is ablated")
    assert set(record["filtered_out"]) == {
        "train_harmful",
        "train_harmless",
        "validation_harmful",
        "validation_harmless",
    }


def test_unknown_options_name_the_known_ones(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_tokens: unknown key"):
        run_benchmark("x", release, tmp_path, max_tokens=3)
    with pytest.raises(ConfigError, match=r"transfer: .some."):
        run_benchmark("x", release, tmp_path, transfer="some")
    with pytest.raises(ConfigError, match="transfer names 'th'"):
        run_benchmark("x", release, tmp_path, transfer=["en", "th"])
