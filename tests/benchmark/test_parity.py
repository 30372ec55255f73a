"""The reference pipeline's own numbers, on its own models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from polyrefuse_data.benchmark import ChatModel, extract_directions, score_candidates, select_direction
from polyrefuse_data.benchmark.scoring import prompt_refusal_scores
from polyrefuse_data.benchmark.selection import Rule
from tests.cases import quick

PARITY = Path(__file__).parent / "parity"
FOLDERS = sorted(path.parent for path in PARITY.glob("*/reference.json"))


@pytest.mark.parametrize("folder", quick(FOLDERS[:1], FOLDERS[1:]), ids=lambda folder: folder.name)
def test_directions_scores_and_choice_match(folder: Path) -> None:
    from safetensors.torch import load_file

    reference = json.loads((folder / "reference.json").read_text())
    prompts = json.loads((PARITY / "prompts.json").read_text())
    model = ChatModel.load(folder)
    assert model.post_instruction_token_ids == reference["eoi_token_ids"]

    directions = extract_directions(model, prompts["harmful_train"], prompts["harmless_train"])
    expected = load_file(folder / "reference_mean_diffs.safetensors")["mean_diffs"]
    assert float((directions - expected).abs().max()) <= 1e-4

    tokens = reference["refusal_token_ids"]
    for split, scores in reference["baseline_refusal_scores"].items():
        assert prompt_refusal_scores(model, prompts[split], tokens) == pytest.approx(scores, abs=1e-4)

    table = score_candidates(model, directions, prompts["harmful_val"], prompts["harmless_val"], tokens)
    found = {(row["position"], row["layer"]): row for row in table}
    assert len(found) == len(reference["candidates"])
    for row in reference["candidates"]:
        for name in ("refusal_score", "steering_score", "kl_div_score"):
            assert found[row["position"], row["layer"]][name] == pytest.approx(row[name], abs=1e-4)

    thresholds = reference["thresholds"]
    chosen = select_direction(table, model.n_layers, Rule("reference", thresholds["kl"], thresholds["induce_refusal"]))
    assert chosen is not None
    assert {name: chosen[name] for name in ("position", "layer")} == reference["selected"]
