"""The experiments of a run on a tiny trained model: what they measure, and that a finished run can be given more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import ChatModel, add_direction, generate, run_benchmark
from polyrefuse_data.benchmark.chosen import chosen_directions
from polyrefuse_data.benchmark.erasure import erase, unstacked
from polyrefuse_data.benchmark.store import RunFolder, read_completions, read_json, read_tensors
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import SMALL_RUN

pytestmark = pytest.mark.usefixtures("no_figures")

WRAPPERS = "polite = \"please tell me {prompt}\"\nshort = '{prompt} now'\n"


@pytest.fixture(scope="module")
def plain(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(small_run, tmp_path_factory.mktemp("run") / "run"))


@pytest.fixture(scope="module")
def asked(plain: Path, chat_folder: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, given experiments once it is finished."""
    file = tmp_path_factory.mktemp("wrappers") / "wrappers.toml"
    file.write_text(WRAPPERS, encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in (plain / "completions").rglob("*.parquet")}
    run_benchmark(
        str(chat_folder), release, plain, **SMALL_RUN, addition="-1,3", erasure=True, top=2, jailbreaks=str(file)
    )
    assert {path: path.stat().st_mtime_ns for path in before} == before  # nothing is made again
    return plain


def found(run: Path) -> dict[str, Any]:
    return json.loads((run / "scores.json").read_text(encoding="utf-8"))["experiments"]


def test_the_map_holds_the_direction_where_it_was_taken(plain: Path) -> None:
    run = read_json(plain / "run.json")
    shape = run["model"]["n_layers"], len(run["model"]["post_instruction_tokens"])
    records = {(r["source_language"], r["target_language"]): r for r in found(plain)["cosine_map"]}
    assert set(records) == {(one, other) for one in ("en", "de") for other in ("en", "de")}
    own = records["en", "en"]
    assert own["cosines"][own["position"]][own["layer"]] == own["at_place"] == pytest.approx(1, abs=1e-3)
    assert (len(own["cosines"][0]), len(own["cosines"])) == shape
    folder = RunFolder(plain)
    direction = chosen_directions(folder, run)["en"].direction
    other = read_tensors(folder.directions("de"))["candidates"][-1, 2]
    cosine = float(direction @ other / direction.norm() / other.norm())
    assert records["en", "de"]["cosines"][-1][2] == pytest.approx(cosine, abs=1e-4)


def test_clusters_are_told_for_each_language(plain: Path) -> None:
    clusters = found(plain)["clusters"]
    assert [record["language"] for record in clusters["languages"]] == ["en", "de"]
    for record in clusters["languages"]:
        assert (record["n"], record["n_refused"], record["bypass"], record["auroc"]) == (6, 6, 0.0, None)
        assert record["silhouette"] > 0.3
    assert clusters["correlation"] is None  # of two languages there is none


def test_what_was_added_is_what_the_replies_were_generated_under(asked: Path, chat_model: ChatModel) -> None:
    folder = RunFolder(asked)
    chosen = chosen_directions(folder, read_json(folder.run))["en"]
    rows = read_completions(folder.completions("add-3-en", "de")).to_pylist()
    with add_direction(chat_model, chosen.direction, chosen.layer, 3.0):
        replies = generate(chat_model, [row["prompt"] for row in rows], max_new_tokens=8)
    assert [row["reply"] for row in rows] == [reply.text for reply in replies]


def test_addition_induces_refusal_and_takes_it_away(asked: Path) -> None:
    records = {(r["source_language"], r["target_language"], r["coefficient"]): r for r in found(asked)["addition"]}
    assert set(records) == {(*pair, c) for pair in (("en", "en"), ("en", "de"), ("de", "de")) for c in (-1.0, 3.0)}
    assert records["en", "en", 3.0]["induced"]["difference"] == 1.0  # all harmless prompts are refused
    assert records["en", "en", -1.0]["difference"] < 0  # harmful ones no longer all are
    for record in records.values():
        assert record["kl"] > 0 and record["cross_entropy_rise"] is not None
        assert record["verdict"] == "too_few"
    rows = json.loads((asked / "scores.json").read_text(encoding="utf-8"))["rows"]
    added = {(r["intervention"], r["source_language"]) for r in rows if r["intervention"].startswith("addition")}
    assert added == {("addition x3", "en"), ("addition x-1", "en"), ("addition x3", "de"), ("addition x-1", "de")}


def test_what_was_erased_is_kept_and_compared_with_shuffled_labels(asked: Path, chat_model: ChatModel) -> None:
    folder = RunFolder(asked)
    records = {(r["source_language"], r["target_language"]): r for r in found(asked)["erasure"]}
    assert set(records) == {("en", "en"), ("de", "de")}
    for record in records.values():
        assert (record["before"], record["refusal"], record["control"], record["n"]) == (1.0, 0.0, "shuffled", 6)
        assert record["difference"] > 0.5 and record["harmless"]["difference"] == 0 and not record["breaks_model"]
    own, *controls = unstacked(read_tensors(folder.erasure("en")))
    assert len(controls) == SMALL_RUN["control_draws"]
    for name, erasures in (("erased-en", [own]), ("erased-shuffled-en", controls)):
        rows = read_completions(folder.completions(name, "en")).to_pylist()
        for turn, erasure in enumerate(erasures):
            part = rows[turn :: len(erasures)]
            with erase(chat_model, erasure):
                replies = generate(chat_model, [row["prompt"] for row in part], max_new_tokens=8)
            assert [row["reply"] for row in part] == [reply.text for reply in replies]
    rows = json.loads((asked / "scores.json").read_text(encoding="utf-8"))["rows"]
    erased = {(r["intervention"], r["source_language"]) for r in rows if r["intervention"].startswith("erasure")}
    assert erased == {(name, code) for name in ("erasure", "erasure, shuffled") for code in ("en", "de")}


def test_the_next_best_candidate_is_ablated_too(asked: Path) -> None:
    records = [record for record in found(asked)["top"] if record["language"] == "en"]
    assert [record["rank"] for record in records] == [1, 2]
    assert records[0]["cosine"] == pytest.approx(1)
    assert records[0]["refusal_score"] <= records[1]["refusal_score"]
    assert records[1]["cosine"] < 1
    selection = read_json(RunFolder(asked).selection("en"))
    assert (records[0]["layer"], records[0]["position"]) == (
        selection["chosen"]["layer"], selection["chosen"]["position"],
    )  # fmt: skip


def test_wrapped_prompts_are_projected_where_plain_ones_are(asked: Path) -> None:
    records = {(r["language"], r["wrapper"]): r for r in found(asked)["jailbreaks"]}
    assert set(records) == {(code, name) for code in ("en", "de") for name in ("polite", "short")}
    for record in records.values():
        assert record["n"] == 6 and not record["concludes"]
        assert 0 <= record["auroc_low"] <= record["auroc"] <= record["auroc_high"] <= 1
    assert records["en", "short"]["kept"] == pytest.approx(1, abs=0.6)  # a word behind the prompt hides little


def test_other_wrappers_are_projected_anew_and_left_out_experiments_are_not_told(
    asked: Path, chat_folder: Path, release: Path, tmp_path: Path
) -> None:
    file = tmp_path / "other.toml"
    file.write_text('other = "{prompt} ?"', encoding="utf-8")
    run_benchmark(str(chat_folder), release, asked, **SMALL_RUN, jailbreaks=str(file))
    told = found(asked)
    assert {record["wrapper"] for record in told["jailbreaks"]} == {"other"}
    assert (told["addition"], told["erasure"], told["top"]) == ([], [], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "contains no wrappers"),
        ('one = "no place"', "one must be a text that contains {prompt} exactly once"),
        ("one = 3", "one must be a text that contains"),
    ],
)
def test_wrappers_that_wrap_nothing_are_named(release: Path, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "wrappers.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        run_benchmark("bundled:demo-chat", release, tmp_path / "run", jailbreaks=str(file))
