"""The monitor: measured beside a probe, exported, loaded by another program, and applied to prompts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.chosen import chosen_directions
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.monitors.comparing import compare_detectors
from polyrefuse_data.benchmark.monitors.detectors import recalibration
from polyrefuse_data.benchmark.monitors.file import export_monitor, load_monitor
from polyrefuse_data.benchmark.monitors.probe import train_probe
from polyrefuse_data.benchmark.monitors.scoring import score_prompts
from polyrefuse_data.benchmark.store import RunFolder, read_json, read_tensors, write_tensors
from polyrefuse_data.errors import ConfigError
from tests.benchmark.conftest import world_rows
from tests.faults.launcher import Call


@pytest.fixture(scope="module")
def file(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_monitor(small_run, tmp_path_factory.mktemp("monitor") / "m.safetensors")


def prompts_file(folder: Path, split: str = "test") -> Path:
    rows = [row for row in world_rows(("en", "de")) if row["split"] == split]
    path = folder / "prompts.jsonl"
    kept = ("id", "language", "text")
    path.write_text("".join(json.dumps({name: row[name] for name in kept}) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_probe_separates_what_is_separable_and_weighs_raw_activations() -> None:
    generator = np.random.default_rng(0)
    harmless = generator.normal(0, 1, (40, 30))
    harmful = generator.normal(0, 1, (40, 30)) + np.eye(30)[3] * 6
    harmless[:, 5] = harmful[:, 5] = 7.0  # an entry that never changes
    probe = train_probe(harmful, harmless)
    assert probe is not None
    assert (probe.scores(harmful) > 0).mean() > 0.95 and (probe.scores(harmless) < 0).mean() > 0.95
    assert np.abs(probe.weights).argmax() == 3
    assert train_probe(harmful, harmless[:0]) is None
    assert train_probe(harmful * np.nan, harmless) is None


def test_examples_of_a_language_bring_its_false_alarms_down() -> None:
    """Scores of the language lie two units higher than those of the source: without examples all is an alarm."""
    generator = np.random.default_rng(0)
    source = generator.normal(0, 1, 200)
    target = {
        "train_harmless": generator.normal(6, 1, 64),
        "test_harmless": generator.normal(6, 1, 200),
        "test_harmful": generator.normal(12, 1, 200),
    }
    none, eight, many = recalibration(source, target)
    assert (none["examples"], none["fpr"], none["tpr"]) == (0, pytest.approx(1, abs=0.02), 1.0)
    assert eight["fpr"] < 0.1 and many["fpr"] < 0.05 and many["tpr"] > 0.97
    assert many["fpr_high"] - many["fpr_low"] < eight["fpr_high"] - eight["fpr_low"]  # more examples, surer
    assert none["tpr_low"] < 1  # 200 prompts prove no certainty
    assert [p["examples"] for p in recalibration(source, {**target, "train_harmless": source[:10]})] == [0, 8]


def test_a_run_tells_of_the_direction_and_of_probes(small_run: Path) -> None:
    records = read_json(RunFolder(small_run).scores)["detectors"]
    told = {(r["language"], r["detector"], r["trained_on"]) for r in records}
    assert told == {
        ("en", "direction", "en"), ("en", "probe", "en"),
        ("de", "direction", "en"), ("de", "probe", "en"), ("de", "probe", "de"),
    }  # fmt: skip
    for record in records:
        assert record["auroc_low"] <= record["auroc"] <= record["auroc_high"] and not record["concludes"]
        assert [point["examples"] for point in record["curve"]] == [0, 8]  # 16 training prompts
    assert "Detectors of harmful prompts" in (small_run / "report.html").read_text(encoding="utf-8")


def test_another_program_needs_safetensors_alone(file: Path, small_run: Path, chat_model: ChatModel) -> None:
    """No torch, no package of ours: the scores are a product and a sum."""
    texts = [row["text"] for row in world_rows(("en",)) if row["split"] == "test"][:4]
    program = (
        "import json, sys, numpy as np\nfrom safetensors import safe_open\n"
        "with safe_open(sys.argv[1], 'np') as file:\n"
        "    told = json.loads(file.metadata()['monitor']); x = np.array(json.loads(sys.argv[2]))\n"
        "    direction, probe = file.get_tensor('direction'), file.get_tensor('probe')\n"
        "print(json.dumps([(x @ direction).tolist(), (x @ probe + told['probe_bias']).tolist()]))\n"
        "assert 'torch' not in sys.modules and 'polyrefuse_data' not in sys.modules\n"
    )
    monitor = load_monitor(file)
    taken = block_inputs(chat_model, texts)[:, monitor.told["position"], monitor.told["layer"]]
    done = subprocess.run(
        [sys.executable, "-c", program, file, json.dumps(taken.tolist())], capture_output=True, text=True, check=True
    )
    expected = monitor.score(taken)
    assert np.array(json.loads(done.stdout)) == pytest.approx(np.array([expected["direction"], expected["probe"]]))
    chosen = chosen_directions(RunFolder(small_run), read_json(small_run / "run.json"))["en"]
    assert expected["direction"] == pytest.approx(chosen.project(block_inputs(chat_model, texts)).tolist(), abs=1e-5)
    assert file.stat().st_size < 10_000


def test_prompts_are_scored_by_a_command(
    file: Path, small_run: Path, chat_folder: Path, tmp_path: Path, polyrefuse: Call
) -> None:
    """In a process of its own, and as in this one and in the run."""
    prompts = prompts_file(tmp_path)
    done = polyrefuse("monitor", "score", file, prompts, "--model", chat_folder)
    assert done.returncode == 0, done.stderr
    records = {(r["language"], r["id"]): r for r in map(json.loads, done.stdout.splitlines())}
    for record in score_prompts(file, chat_folder, [prompts]):
        assert records[record["language"], record["id"]] == pytest.approx(record, abs=1e-5)
    run = read_json(small_run / "run.json")
    chosen = chosen_directions(RunFolder(small_run), run)["en"]
    kept = chosen.project(read_tensors(RunFolder(small_run).activations("de"))["test_harmful"])
    scored = [records["de", prompt]["direction"] for prompt in run["test_prompts"]["de"]["harmful"]]
    assert scored == pytest.approx(kept.tolist(), abs=1e-4)
    wanted = {(row["language"], row["id"]): row["label"] for row in world_rows(("en", "de")) if row["split"] == "test"}
    assert set(records) == set(wanted)
    for detector in ("direction_alarm", "probe_alarm"):
        right = [records[key][detector] == (label == "harmful") for key, label in wanted.items()]
        assert sum(right) / len(right) > 0.8
    assert {code for code, _ in records} == {r["threshold_of"] for r in records.values()}


def test_the_model_is_loaded_as_it_was_for_the_monitor(
    file: Path, chat_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A monitor of half-precision weights, and of one commit of a Hub model, is applied to just these."""
    told = load_monitor(file).told
    half = tmp_path / "half.safetensors"
    tensors = {name: torch.zeros(chat_width(file)) for name in ("direction", "probe")}
    of = {**told["model"], "model": "org/name", "revision": "0123abc", "dtype": "bfloat16"}
    write_tensors(half, tensors, {"monitor": json.dumps({**told, "model": of})})
    asked: list[dict[str, Any]] = []

    def load(model: Any, **options: Any) -> ChatModel:
        asked.append(options)
        return loaded(chat_folder, dtype=options["dtype"])

    loaded = ChatModel.load
    monkeypatch.setattr(ChatModel, "load", load)
    list(score_prompts(half, "org/name", [prompts_file(tmp_path)]))
    list(score_prompts(half, chat_folder, [prompts_file(tmp_path)], dtype="float32"))
    loads = [(options["revision"], options["dtype"]) for options in asked]
    assert loads == [("0123abc", "bfloat16"), (None, "float32")]
    assert "was exported from the model in bfloat16" in caplog.text


def chat_width(file: Path) -> int:
    return len(load_monitor(file).direction)


def test_another_model_is_refused(file: Path, tmp_path: Path, polyrefuse: Call) -> None:
    done = polyrefuse("monitor", "score", file, prompts_file(tmp_path), "--model", "bundled:demo-chat")
    assert done.returncode == 2
    assert "was taken from" in done.stderr and "use that model" in done.stderr


def test_a_guards_scores_stand_beside(small_run: Path, tmp_path: Path, polyrefuse: Call) -> None:
    labels = {(row["language"], row["id"]): row["label"] for row in world_rows(("en",))}
    scores = [{"id": i, "language": code, "score": float(label == "harmful")} for (code, i), label in labels.items()]
    path = tmp_path / "guard.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in scores), encoding="utf-8")
    records = compare_detectors(small_run, [path])
    (guard,) = (record for record in records if record["detector"] == "guard")
    assert (guard["language"], guard["auroc"], guard["n_harmful"]) == ("en", 1.0, 6)
    done = polyrefuse("monitor", "compare", small_run, path)
    assert done.returncode == 0 and "guard" in done.stdout and "direction" in done.stdout
    one = read_json(small_run / "run.json")["test_prompts"]["en"]["harmful"][0]
    path.write_text(json.dumps({"id": one, "language": "en", "score": 1.0}) + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="scores 1 of 12 prompts in en: score all"):
        compare_detectors(small_run, [path])
    path.write_text(json.dumps({"id": "x", "language": "en", "score": 1}), encoding="utf-8")
    with pytest.raises(ConfigError, match="scores no test prompt"):
        compare_detectors(small_run, [path])
    path.write_text(json.dumps({"id": "x", "language": "en"}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"guard\.jsonl:1: score is not a number"):
        compare_detectors(small_run, [path])


def test_what_cannot_be_exported_or_loaded_is_said(file: Path, small_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no direction from fr: it has en, de"):
        export_monitor(small_run, tmp_path / "m.safetensors", "fr")
    with pytest.raises(ConfigError, match="is there already"):
        export_monitor(small_run, file)
    broken = tmp_path / "broken.safetensors"
    for content in (b"", b"pickle", file.read_bytes()[:200]):
        broken.write_bytes(content)
        with pytest.raises(ConfigError, match="cannot be read as a monitor"):
            load_monitor(broken)
    with pytest.raises(ConfigError, match="is not a polyrefuse-monitor/1"):
        load_monitor(RunFolder(small_run).directions("en"))


def test_the_file_says_what_it_is(file: Path) -> None:
    told: Any = load_monitor(file).told
    assert (told["format"], told["source_language"], set(told["thresholds"])) == (
        "polyrefuse-monitor/1", "en", {"en", "de"},
    )  # fmt: skip
    assert (told["model"]["dtype"], told["model"]["quantization"]) == ("float32", None)
    assert told["model"]["architecture"] == "LlamaForCausalLM" and len(told["model"]["template_sha256"]) == 64
    assert len(told["model"]["post_instruction_tokens"]) >= -told["position"] and told["template_date"]
    assert told["model"]["weights_sha256"] and told["dataset"]["version"] == "1.2.3"
    assert {record["trained_on"] for record in told["figures"]} == {"en"}
