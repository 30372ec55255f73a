"""Controls: drawn by name, of the norm of the direction, each kind as it is described, and shown with their spread."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import run_benchmark, store
from polyrefuse_data.benchmark.controls import draw_controls, score_controls, spread_of_replies
from tests.benchmark.conftest import world_rows

pytestmark = pytest.mark.usefixtures("no_figures")

WIDTH = 64
DRAWS = 3


@pytest.fixture
def activations() -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes apart along dimension 0, with one massive dimension (1) in which both vary."""
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(40, WIDTH, generator=generator)
    both[:, 1] = 3000 + 100 * both[:, 1]
    both[:20, 0] += 10
    return both[:20], both[20:]


def drawn(activations: tuple[torch.Tensor, torch.Tensor], name: str = "1:de") -> dict[str, torch.Tensor]:
    return draw_controls(torch.full((WIDTH,), 0.5, dtype=torch.float64), *activations, name, 10)


def test_draws_have_the_norm_of_the_direction_and_depend_on_their_names_alone(activations: Any) -> None:
    german = drawn(activations)
    assert list(german) == ["isotropic", "covariance", "shuffled"]
    for kind, vectors in german.items():
        assert vectors.shape == (10, WIDTH)
        assert vectors.norm(dim=-1).tolist() == pytest.approx([4.0] * 10)
        assert len({tuple(vector.tolist()) for vector in vectors}) == 10
        assert torch.equal(vectors, drawn(activations)[kind])
        few = draw_controls(vectors[0], *activations, "1:de", 3)[kind]
        assert torch.allclose(vectors[:3], few)
        for other in ("2:de", "1:en"):
            assert not torch.equal(vectors, drawn(activations, other)[kind])


def test_each_kind_points_where_it_should(activations: Any) -> None:
    share = {kind: (vectors / 4).abs().mean(0) for kind, vectors in drawn(activations).items()}
    assert share["isotropic"].max() < 0.3
    for kind in ("covariance", "shuffled"):  # where activations vary
        assert share[kind][1] > 0.9
    harmful, harmless = (part.clone() for part in activations)
    harmful[:, 1], harmless[:, 1] = 0, 0
    found = drawn((harmful, harmless))
    for kind in ("covariance", "shuffled"):  # the difference of the classes is no part of either
        assert float((found[kind] / 4).abs().mean(0)[0]) < 0.25


def test_a_kind_that_cannot_be_drawn_is_left_out() -> None:
    one = torch.ones(1, WIDTH)
    assert list(drawn((one, one))) == ["isotropic"]
    assert list(drawn((one, torch.full((1, WIDTH), torch.nan)))) == ["isotropic"]


def test_the_scores_of_a_kind_do_not_depend_on_the_others(chat_model: Any) -> None:
    prompts = [
        [row["text"] for row in world_rows() if (row["language"], row["label"]) == ("en", label)][:5]
        for label in ("harmful", "harmless")
    ]
    generator = torch.Generator().manual_seed(0)
    kinds = {
        kind: torch.randn(DRAWS, chat_model.d_model, generator=generator, dtype=torch.float64)
        for kind in store.CONTROLS.values()
    }

    def scored(controls: dict[str, torch.Tensor]) -> dict[str, dict[str, list[float]]]:
        return score_controls(chat_model, controls, 1, *prompts, [5], "reference", None)

    together = scored(kinds)
    assert together == {kind: scored({kind: drawn})[kind] for kind, drawn in kinds.items()}
    assert len({scores["kl_div_score"][0] for scores in together.values()}) == len(kinds)
    assert scored({}) == {}


def test_the_spread_is_over_draws() -> None:
    replies = [{"label": "harmful", "refusal": place % 3 == 0} for place in range(9)]
    found = spread_of_replies(replies, 3, "harmful", "refusal")
    assert (found["mean"], found["low"], found["high"]) == (pytest.approx(1 / 3), 0.0, 1.0)
    assert found["deviation"] == pytest.approx(3**-0.5)
    assert spread_of_replies(replies, 3, "harmless", "refusal") == {}


def test_a_run_scores_ablates_and_shows_them(chat_folder: Path, release: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_new_tokens": 8, "max_kl": 50.0, "limit": 4, "control_draws": DRAWS}
    runs = [
        run_benchmark(chat_folder, release, tmp_path / "-".join(languages), languages=languages, **options)
        for languages in (["en"], ["de", "en"])
    ]
    alone, beside = (store.read_tensors(run / "directions" / "en.safetensors") for run in runs)
    for kind in store.CONTROLS.values():
        assert alone[f"control_{kind}"].shape == (DRAWS, 32)
        assert torch.equal(alone[f"control_{kind}"], beside[f"control_{kind}"])
    record = json.loads((runs[0] / "selection" / "en.json").read_text(encoding="utf-8"))
    chosen = record["chosen"]["refusal_score"]
    for scores in record["controls"].values():
        assert {name: len(values) for name, values in scores.items()} == dict.fromkeys(
            ("refusal_score", "steering_score", "kl_div_score"), DRAWS
        )
        assert fmean(scores["refusal_score"]) > chosen
    found = json.loads((runs[0] / "scores.json").read_text(encoding="utf-8"))["controls"]
    assert [entry["kind"] for entry in found] == list(store.CONTROLS.values())
    for entry in found:
        for label in ("harmful", "harmless"):
            refusal = entry[label]["refusal"]
            assert 0 <= refusal["low"] <= refusal["mean"] <= refusal["high"] <= 1
        values = record["controls"][entry["kind"]]["refusal_score"]
        assert (entry["refusal_score"]["low"], entry["refusal_score"]["high"]) == (min(values), max(values))
    page = (runs[0] / "report.html").read_text(encoding="utf-8")
    assert "Controls" in page
    assert "shuffled" in page
