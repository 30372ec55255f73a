"""Directions by other ways than the difference in means, and ablating several of them, or one a layer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from polyrefuse_data.benchmark import ChatModel, harmless_means, run_benchmark, store
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.candidates import all_candidates
from polyrefuse_data.benchmark.cosmic import cosmic_choice, cosmic_table
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.extractors import extractor_of
from polyrefuse_data.benchmark.interventions import ablate, ablate_all, ablate_by_layer, unit
from polyrefuse_data.benchmark.module_io import block_input
from polyrefuse_data.benchmark.principal import first_principal_direction, principal_directions
from polyrefuse_data.errors import ConfigError, PluginError
from tests.benchmark.conftest import world_rows

pytestmark = pytest.mark.usefixtures("no_figures")

WIDTH = 12


def test_principal_components_span_what_differs_and_point_at_the_harmful() -> None:
    """Differences that are 4 long along one axis and spread along another: the first component is the one, the second
    the other."""
    generator = torch.Generator().manual_seed(0)
    harmful, harmless = (0.01 * torch.randn(20, 2, 3, WIDTH, generator=generator) for _ in range(2))
    harmful[..., 3] -= 4
    harmful[:10, ..., 5] += 2.1
    harmful[10:, ..., 5] -= 1.9
    first, second = principal_directions(harmful, harmless, 2)
    assert first.shape == (2, 3, WIDTH)
    assert torch.allclose(first[..., 3], torch.tensor(-4.0, dtype=torch.float64), atol=0.1)
    assert unit(second)[..., 5].abs().min() > 0.99
    assert (unit(first) * unit(second)).sum(-1).abs().max() < 1e-6
    difference = difference_in_means(harmful, harmless)
    assert torch.allclose(first_principal_direction(harmful, harmless), first)
    assert float(first.norm(dim=-1).max()) <= float(difference.norm(dim=-1).max()) + 1e-6
    with pytest.raises(ValueError, match="21 components need at least as many harmful prompts, not 20"):
        principal_directions(harmful, harmless, 21)


def prompts(label: str, split: str = "train") -> list[str]:
    return [row["text"] for row in world_rows(("en",)) if row["label"] == label and row["split"] == split]


def keep(seen: dict[int, torch.Tensor], layer: int, module: Any, args: Any, kwargs: Any) -> None:
    seen[layer] = block_input(args, kwargs)


def test_several_directions_and_one_a_layer_leave_the_stream_where_they_say(chat_model: ChatModel) -> None:
    asked = prompts("harmful")[:3]
    several = torch.randn(3, chat_model.d_model, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with ablate_all(chat_model, several):
        inside = block_inputs(chat_model, asked).double()
    assert float((inside @ unit(several).T).abs().max()) < 1e-5 * float(inside.norm(dim=-1).max())
    layers = torch.randn(
        chat_model.n_layers, chat_model.d_model, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    means = harmless_means(chat_model, prompts("harmless"))
    for about in (None, means):
        seen: dict[int, torch.Tensor] = {}
        with ablate_by_layer(chat_model, layers, about):
            handles = [
                block.module.register_forward_pre_hook(partial(keep, seen, layer), with_kwargs=True)
                for layer, block in enumerate(chat_model.blocks)
            ]
            chat_model.run_blocks(chat_model.batch(chat_model.encode(asked[:1])))
        for handle in handles:
            handle.remove()
        for layer, hidden in seen.items():
            along = hidden.double() @ unit(layers[layer])
            kept = 0.0 if about is None else float(unit(layers[layer]) @ about.of("input", layer))
            assert along.sub(kept).abs().max() < 1e-4
    plain = block_inputs(chat_model, asked)
    same = unit(several[0]).expand(chat_model.n_layers, -1)
    with ablate_by_layer(chat_model, same):
        by_layer = block_inputs(chat_model, asked)
    with ablate(chat_model, several[0], "complete"):
        at_once = block_inputs(chat_model, asked)
    assert torch.allclose(by_layer[:, :, 1:], at_once[:, :, 1:], atol=1e-4)
    assert not torch.allclose(plain, at_once, atol=1e-3)
    assert torch.equal(block_inputs(chat_model, asked), plain)  # undone
    with pytest.raises(ConfigError, match="one direction per layer"), ablate_by_layer(chat_model, several[:1]):
        pass


def test_cosmic_prefers_the_direction_of_refusal(chat_model: ChatModel) -> None:
    """The model's own difference in means against vectors of the same lengths in its places."""
    taken = [block_inputs(chat_model, prompts(label)) for label in ("harmful", "harmless")]
    directions = difference_in_means(*taken)
    asked = prompts("harmful", "validation"), prompts("harmless", "validation")
    places = all_candidates(directions, [-1], None)
    table = cosmic_table(chat_model, directions, *asked, places)
    assert {row["layer"] for row in table} == {1, 2}  # layer 0 has norm zero, and 3 is in the last fifth
    for row in table:
        assert row["cosmic"] == pytest.approx(row["comply"] + row["refuse"])
    other = torch.randn(directions.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    other *= directions.norm(dim=-1, keepdim=True) / other.norm(dim=-1, keepdim=True)
    best = cosmic_choice(table)
    assert best is not None and best["cosmic"] == max(row["cosmic"] for row in table)
    assert best["cosmic"] > max(row["cosmic"] for row in cosmic_table(chat_model, other, *asked, places)) + 0.1
    assert cosmic_choice([]) is None


def test_a_run_takes_candidates_by_the_extractor_that_it_names(
    chat_folder: Path, release: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"languages": ["en"], "limit": 2, "max_new_tokens": 2, "max_kl": 50.0, "control_draws": 2}
    out = run_benchmark(chat_folder, release, tmp_path / "run", extractor="principal", **options)
    folder = store.RunFolder(out)
    record = store.read_json(folder.selection("en"))
    train = store.read_tensors(folder.activations("en"))
    expected = first_principal_direction(train["train_harmful"], train["train_harmless"])
    assert record["extractor"] == "principal"
    assert torch.allclose(store.read_tensors(folder.directions("en"))["candidates"], expected)


def test_an_extractor_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "extracting.py").write_text(
        "def median(a, b):\n    return a.double().median(0).values - b.double().median(0).values\n"
        "def flat(a, b):\n    return a.mean()\nNONE = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    harmful, harmless = torch.ones(3, 2, 2, 4), torch.zeros(3, 2, 2, 4)
    extract, name = extractor_of("extracting:median")
    assert name.startswith("extracting:median ")
    assert torch.equal(extract(harmful, harmless), torch.ones(2, 2, 4, dtype=torch.float64))
    flat, _ = extractor_of("extracting:flat")
    with pytest.raises(PluginError, match=r"extracting:flat: returned no tensor of shape \[2, 2, 4\]"):
        flat(harmful, harmless)
    with pytest.raises(PluginError, match="cannot be called"):
        extractor_of("extracting:NONE")
    with pytest.raises(ConfigError, match="'cone' is unknown: use difference-in-means or principal"):
        extractor_of("cone")
