"""A choice that does nothing says so, and what a looser bound would give."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.benchmark import ablate, explain_selection, run_benchmark
from polyrefuse_data.benchmark.effect import MARGIN, Plain, lacks, looser_choice
from polyrefuse_data.benchmark.selection import RULES
from polyrefuse_data.errors import ConfigError
from tests.benchmark.test_selection import candidate
from tests.cases import quick

pytestmark = pytest.mark.usefixtures("no_figures")

PLAIN = Plain(harmful=5.0, harmless=-9.0)


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        (candidate(refusal=-4.0, steering=3.0), 0),
        (candidate(refusal=2.7, steering=3.0), 1),  # 2.3 below the plain score, and refusal is still the likelier
        (candidate(refusal=-4.0, steering=-9.0 + MARGIN - 0.1), 1),
        (candidate(refusal=-4.0, steering=-9.0 + MARGIN + 0.1), 0),
        (candidate(refusal=4.9, steering=-8.9), 2),
    ],
)
def test_what_a_choice_fails_to_do(row: dict[str, Any], faults: int) -> None:
    assert len(lacks(row, PLAIN)) == faults


def test_a_model_that_hardly_refuses_has_to_be_moved_all_the_same() -> None:
    plain = Plain(harmful=-3.0, harmless=-9.0)
    assert lacks(candidate(refusal=-4.0), plain)
    assert not lacks(candidate(refusal=-3.0 - MARGIN - 0.1), plain)


def test_the_looser_choice_is_the_one_that_the_looser_rule_makes() -> None:
    table = [
        candidate(layer=1, refusal=2.7, steering=-5.8, kl=0.1),
        candidate(layer=2, refusal=1.0, steering=9.0, kl=0.9),
        candidate(layer=3, refusal=-2.0, steering=-9.0, kl=1.5),  # the choice at 1.5, and it does not steer
        candidate(layer=4, refusal=-1.0, steering=9.0, kl=2.0),  # works, and is not chosen at 2
        candidate(layer=5, refusal=-18.0, steering=5.0, kl=3.0),
        candidate(layer=6, refusal=-19.0, steering=5.0, kl=4.0),
        candidate(layer=9, refusal=-20.0, steering=5.0, kl=0.2),  # too late a layer
        candidate(layer=7, refusal=math.nan, steering=5.0, kl=0.2),
    ]
    looser = looser_choice(table, 10, RULES["polyrefuse"], PLAIN)
    assert looser == table[4]
    assert looser_choice(table[:4], 10, RULES["polyrefuse"], PLAIN) is None


def test_a_rule_says_what_it_left_out() -> None:
    table = [
        candidate(kl=9.0),
        candidate(kl=9.0),
        candidate(layer=8),
        candidate(steering=-1.0),
        candidate(refusal=math.nan),
        candidate(),
    ]
    assert explain_selection(table, 10, "polyrefuse") == {"nan": 1, "layer": 1, "kl": 2, "passes": 2}
    assert explain_selection(table, 10, "arditi") == {"nan": 1, "layer": 1, "kl": 2, "steering": 1, "passes": 1}


def selection_of(run: Path) -> dict[str, Any]:
    (record,) = json.loads((run / "scores.json").read_text(encoding="utf-8"))["selection"]
    return record


@pytest.mark.slow
def test_a_run_says_what_a_looser_bound_would_give_and_it_does(
    chat_folder: Path, release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """English has a direction that works, and with the bound just below its KL one that does not is the choice."""
    options: dict[str, Any] = {"languages": ["en"], "limit": 4, "max_new_tokens": 8}
    working = run_benchmark(chat_folder, release, tmp_path / "working", **options)
    record = selection_of(working)
    assert (record["status"], record["message"]) == ("chosen", "")
    assert record["plain"]["harmful"] > 0 > record["plain"]["harmless"]
    kl = record["chosen"]["kl_div_score"]

    tight = run_benchmark(chat_folder, release, tmp_path / "tight", max_kl=kl - 1e-6, **options)
    found = selection_of(tight)
    assert found["status"] == "ineffective"
    assert "ablating it only moves the refusal score of harmful prompts from" in found["message"]
    looser = found["looser"]
    assert (looser["layer"], looser["position"]) == (record["chosen"]["layer"], record["chosen"]["position"])
    assert kl <= looser["max_kl"] < kl + 0.01
    assert f"`--max-kl {looser['max_kl']:g}` would give layer {looser['layer']}, position" in found["message"]
    counts = found["removed"][found["rule"]]
    assert sum(counts.values()) == 2 * 4  # positions x layers
    assert counts["passes"] >= 1
    assert f"an ineffective direction in en: {found['message']}" in caplog.text
    page = (tight / "report.html").read_text(encoding="utf-8")
    assert "ineffective: ablating it only moves" in page
    assert f"{counts['kl']} by KL" in page
    refusals = {
        path.parent.parent.parent.name: pq.read_table(path)["refusal"].to_pylist()[:4]
        for path in tmp_path.glob("*/completions/en/en.parquet")
    }
    assert refusals == {"working": [False] * 4, "tight": [True] * 4}  # measured all the same, and as was said


@pytest.mark.parametrize(
    ("scoring", "told"), quick([("staged", 'scoring="full" would show')], [("full", "no KL bound gives")])
)
def test_a_language_in_which_no_direction_works(
    chat_folder: Path, release: Path, tmp_path: Path, scoring: str, told: str
) -> None:
    out = run_benchmark(
        chat_folder, release, tmp_path / "run", languages=["de"], limit=4, max_new_tokens=8, scoring=scoring
    )
    record = selection_of(out)
    assert record["status"] == "ineffective"
    assert told in record["message"]


def test_centred_needs_means_and_the_others_have_no_use_for_them(chat_model: Any) -> None:
    from polyrefuse_data.benchmark import harmless_means

    direction = harmless_means(chat_model, ["wash the car"]).of("input", 2)
    with pytest.raises(ConfigError, match="needs means=harmless_means"), ablate(chat_model, direction, mode="centred"):
        pass
    means = harmless_means(chat_model, ["wash the car"])
    with pytest.raises(ConfigError, match="means work only with"), ablate(chat_model, direction, means=means):
        pass
    with pytest.raises(ConfigError, match="reference or complete or centred"), ablate(chat_model, direction, "all"):
        pass
    with pytest.raises(ConfigError, match="no harmless prompts"):
        harmless_means(chat_model, [])


def test_a_centred_run_keeps_the_means_and_resumes_with_them(chat_folder: Path, release: Path, tmp_path: Path) -> None:
    from polyrefuse_data.benchmark import store

    options: dict[str, Any] = {"languages": ["en", "de"], "limit": 4, "max_new_tokens": 8, "max_kl": 50.0}
    out = run_benchmark(chat_folder, release, tmp_path / "run", mode="centred", **options)
    tensors = store.read_tensors(out / "directions" / "en.safetensors")
    assert tensors["mean_input"].shape == tensors["mean_writer1"].shape == (4, 32)
    before = (out / "scores.json").read_bytes()
    for name in ("en/de", "random/de"):
        (out / "completions" / f"{name}.parquet").unlink()
    run_benchmark(chat_folder, release, out, mode="centred", **options)
    assert (out / "scores.json").read_bytes() == before
    with pytest.raises(ConfigError, match="another mode"):
        run_benchmark(chat_folder, release, out, **options)
