"""Resuming never mixes: another model, tokenizer, template or library is an error that names it; a file that this run
did not write, or whose inputs have changed, is made again."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.benchmark import run_benchmark
from polyrefuse_data.errors import ConfigError
from tests.cases import quick

pytestmark = pytest.mark.usefixtures("no_figures")

OPTIONS: dict[str, Any] = {"max_new_tokens": 8, "max_kl": 50.0, "limit": 4, "languages": ["en", "de"]}


@pytest.fixture(scope="module")
def finished(chat_folder: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, and the model it was made with."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(chat_folder, folder / "model")
    run_benchmark(folder / "model", release, folder / "run", **OPTIONS)
    return folder


@pytest.fixture
def world(finished: Path, tmp_path: Path) -> Path:
    """The same run and model, to be changed."""
    shutil.copytree(finished, tmp_path / "world")
    return tmp_path / "world"


def again(world: Path, release: Path, **options: Any) -> Path:
    return run_benchmark(world / "model", release, world / "run", **{**OPTIONS, **options})


def scores(world: Path) -> bytes:
    return (world / "run" / "scores.json").read_bytes()


def other_weights(model: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(model / "model.safetensors")
    weights["model.norm.weight"] *= 1.01
    save_file(weights, model / "model.safetensors", {"format": "pt"})


def other_template(model: Path) -> None:
    template = (model / "chat_template.jinja").read_text(encoding="utf-8")
    (model / "chat_template.jinja").write_text("{# edited #}" + template, encoding="utf-8")


def other_tokenizer(model: Path) -> None:
    rules = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = rules["model"]["vocab"]
    vocabulary["car"], vocabulary["boat"] = vocabulary["boat"], vocabulary["car"]
    (model / "tokenizer.json").write_text(json.dumps(rules), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [(other_weights, "weights"), (other_template, "template"), (other_tokenizer, "tokenizer")],
    ids=["weights", "template", "tokenizer"],
)
def test_another_model_under_the_same_name_is_refused_by_what_differs(
    world: Path, release: Path, change: Callable[[Path], None], named: str
) -> None:
    change(world / "model")
    before = {path: path.read_bytes() for path in (world / "run").rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=rf"holds a run with another {named} \(.*choose another --out"):
        again(world, release)
    assert {path: path.read_bytes() for path in before} == before
    run = json.loads((world / "run" / "run.json").read_text(encoding="utf-8"))
    assert len(run["model"][f"{named}_sha256"]) == 64


@pytest.mark.parametrize("left", quick(["run.json names another dtype"], ["run.json names another torch"]))
def test_a_run_of_another_machine_goes_on_only_as_it_began(world: Path, release: Path, left: str) -> None:
    path = world / "run" / "run.json"
    run = json.loads(path.read_text(encoding="utf-8"))
    if "dtype" in left:
        run["model"]["dtype"] = "bfloat16"
    else:
        run["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(run), encoding="utf-8")
    again(world, release)  # nothing is left to do: the figures are those of what is recorded
    (world / "run" / "completions" / "baseline" / "de.parquet").unlink()
    with pytest.raises(ConfigError, match=r"another (dtype|torch)"):
        again(world, release)


def test_a_model_that_has_moved_is_the_same_model(world: Path, release: Path) -> None:
    before = scores(world)
    (world / "model").rename(world / "elsewhere")
    (world / "run" / "completions" / "random" / "en.parquet").unlink()
    run_benchmark(world / "elsewhere", release, world / "run", **OPTIONS)
    assert scores(world) == before


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def foreign_reply(path: Path) -> None:
    table = pq.read_table(path)
    replies = ["I cannot help with that ."] * table.num_rows
    index = table.column_names.index("reply")
    pq.write_table(table.set_column(index, "reply", [replies]), path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "damage"),
    quick([("en/de", foreign_reply)], [("baseline/en", truncated), ("random/de", empty)]),
    ids=lambda value: getattr(value, "__name__", value),
)
def test_replies_that_the_run_did_not_write_are_made_again(
    world: Path, release: Path, name: str, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path, before = world / "run" / "completions" / f"{name}.parquet", scores(world)
    whole = pq.read_table(path)
    damage(path)
    again(world, release)
    assert pq.read_table(path).equals(whole)
    assert scores(world) == before
    assert f"{path} was changed after this run wrote it" in caplog.text


@pytest.mark.parametrize(
    "name",
    quick(["directions/en.safetensors", "selection/en.json"], ["activations/de.safetensors", "refusal_tokens.json"]),
)
def test_tables_that_the_run_did_not_write_are_made_again(
    world: Path, release: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, before = world / "run" / name, scores(world)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3] + b"   ")
    again(world, release)
    assert path.read_bytes() == whole
    assert scores(world) == before
    assert f"{path} was changed after this run wrote it" in caplog.text


def test_what_was_made_from_a_file_is_made_again_with_it(
    world: Path, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another direction for English, written by the run itself: the replies under the old one go."""
    run = world / "run"
    old = pq.read_table(run / "completions" / "en" / "de.parquet")
    untouched = (run / "completions" / "de" / "en.parquet").stat().st_mtime_ns
    (run / "refusal_tokens.json").unlink()
    tokens = {"ids": [7], "source": "found", "refusals": 1}
    other = {"en": tokens, "de": json.loads((run / "selection" / "de.json").read_text())["refusal_tokens"]}

    from polyrefuse_data.benchmark.refusal_tokens import RefusalTokens
    from polyrefuse_data.benchmark.stages import Stages

    found = {code: RefusalTokens(record["ids"], record["source"], record["refusals"]) for code, record in other.items()}
    monkeypatch.setattr(Stages, "_find_tokens", lambda self: found)
    again(world, release)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))["outputs"]
    for name in ("en/en", "en/de", "random/en"):
        made_from = record[f"completions/{name}.parquet"]["inputs"]["directions/en.safetensors"]
        assert made_from == record["directions/en.safetensors"]["sha256"]
    assert json.loads((run / "selection" / "en.json").read_text())["refusal_tokens"]["ids"] == [7]
    assert pq.read_table(run / "completions" / "en" / "de.parquet").num_rows == old.num_rows
    assert (run / "completions" / "de" / "en.parquet").stat().st_mtime_ns == untouched


def test_a_stage_is_told_of_with_what_is_left_of_it(
    world: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files were counted as they were handed over to be generated: all of a stage was done at once, and then silent."""
    first, second = sorted((world / "run" / "completions" / "baseline").glob("*.parquet"))[:2]
    left = sum(pq.read_metadata(path).num_rows for path in (first, second))
    for path in (first, second):
        path.unlink()
    again(world, release)
    lines = capsys.readouterr().err.splitlines()
    assert f"baseline: 0 of {left} replies" in lines
    assert not any(line.startswith("controls: ") for line in lines)  # nothing of it was left


def test_verdicts_that_the_run_did_not_write_are_judged_again(world: Path, release: Path) -> None:
    path, before = world / "run" / "completions" / "baseline" / "en.parquet", scores(world)
    table = pq.read_table(path)
    index = table.column_names.index("refusal")
    pq.write_table(table.set_column(index, "refusal", [[False] * table.num_rows]), path)
    generated = path.stat().st_mtime_ns
    again(world, release)
    assert scores(world) == before
    assert path.stat().st_mtime_ns != generated


def test_a_folder_without_run_json_is_not_resumed(world: Path, release: Path) -> None:
    (world / "run" / "run.json").unlink()
    with pytest.raises(ConfigError, match=r"holds files but no run \(no run\.json\)"):
        again(world, release)


@pytest.mark.parametrize("content", ["[]", "{}", '{"model_id": "x"}', "{", "\x00"])
def test_a_run_json_that_is_none_is_named(world: Path, release: Path, content: str) -> None:
    (world / "run" / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run\.json"):
        again(world, release)


@pytest.mark.parametrize("place", ["fr/en.parquet", "baseline/fr.parquet", "baseline/en.parquet.old", "notes/x.txt"])
def test_replies_of_another_run_in_the_folder_are_named(world: Path, release: Path, place: str) -> None:
    file = world / "run" / "completions" / place
    file.parent.mkdir(exist_ok=True)
    shutil.copy(world / "run" / "completions" / "en" / "de.parquet", file)
    with pytest.raises(ConfigError, match="does not belong to this run: move it out of"):
        again(world, release)


def test_a_run_folder_lets_nobody_else_in(world: Path, release: Path, finished: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE((finished / "run").stat().st_mode) == 0o700
    mine = tmp_path / "mine"
    mine.mkdir(mode=0o755)
    run_benchmark(world / "model", release, mine, **{**OPTIONS, "languages": ["en"], "transfer": "own"})
    assert stat.S_IMODE(mine.stat().st_mode) == 0o755  # somebody chose it


@pytest.mark.slow
def test_main_of_the_hub_may_move_while_a_run_is_stopped(
    finished: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of the Hub, in the cache at two commits: the run goes on with the one it began with."""
    import huggingface_hub.constants

    cache = tmp_path / "hub"
    repo = cache / "models--org--toy"
    first, second = "1" * 40, "2" * 40
    for commit in (first, second):
        shutil.copytree(finished / "model", repo / "snapshots" / commit)
    other_weights(repo / "snapshots" / second)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(first)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(cache), raising=False)
    options = {**OPTIONS, "languages": ["en"]}
    out = run_benchmark("org/toy", release, tmp_path / "run", **options)
    before = (out / "scores.json").read_bytes()
    assert json.loads((out / "run.json").read_text())["model"]["revision"] == first
    (repo / "refs" / "main").write_text(second)
    (out / "completions" / "baseline" / "en.parquet").unlink()
    run_benchmark("org/toy", release, out, **options)
    assert (out / "scores.json").read_bytes() == before
    fresh = run_benchmark("org/toy", release, tmp_path / "other", **options)
    assert json.loads((fresh / "run.json").read_text())["model"]["revision"] == second
