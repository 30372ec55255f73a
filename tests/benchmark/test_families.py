"""One of each way to build a block, out of the matrix of all model types in docs/models.md."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from polyrefuse_data.benchmark import (
    ChatModel,
    ablate,
    add_direction,
    erase,
    extract_directions,
    fit_erasures,
    harmless_means,
)
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.errors import ModelError
from tests.benchmark.conftest import word_tokenizer
from tests.benchmark.tiny_models import tiny_network
from tests.cases import every_second, quick

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"

# Model type -> its writers, and how its tokens are generated.
FAMILIES = {
    "mamba": ("mixer", "cached, no mask"),  # one writer, a state in place of a cache
    "falcon": ("self_attention, mlp", "cached"),  # side by side; one is added to the other in place
    "falcon_h1": ("mamba, self_attn, feed_forward", "cached"),  # three, with scales of their own
    "nemotron_h": ("mixer", "cached"),  # one a layer, of four kinds
    "jamba": ("mamba, feed_forward; self_attn, feed_forward", "cached"),  # differing by layer
    "bloom": ("self_attention.dense, mlp.dense_4h_to_h", "cached"),  # added within the sublayers
    "gemma4_text": ("self_attn, mlp, per_layer_projection (post-norms)", "cached"),
    "mistral3": ("self_attn, mlp", "cached"),  # the language model of a multimodal one
    "minimax": ("block", "whole"),  # scales its stream, and its cache keeps all rows
    "rwkv": ("block; attention, feed_forward", "whole, unpadded"),
    "modernbert-decoder": ("attn, mlp", "cached"),  # what it calls its decoder is its output head
    "qwen2_5_omni": ("self_attn, mlp", "cached"),  # holds models, of which one speaks
    "bert": ("block", "cached"),  # a decoder if told so
}


def _matrix() -> Any:
    path = _PAGE.parents[1] / "benchmarks" / "architectures.py"
    spec = importlib.util.spec_from_file_location("architectures_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model_type", every_second(FAMILIES))
def test_a_family_is_measured_right(model_type: str) -> None:
    row = _matrix().measure(model_type)
    assert (row.writers, row.generation) == FAMILIES[model_type]
    assert row.directions is None or row.directions < 1e-4
    assert row.left_complete < 1e-6
    assert row.left_reference < 1e-6 or "post-norms" in row.writers


def test_the_page_has_them() -> None:
    lines = _PAGE.read_text(encoding="utf-8").splitlines()
    for model_type, (writers, _) in FAMILIES.items():
        assert any(line.startswith(f"| {model_type} | {writers} |") for line in lines), model_type


def test_a_model_without_one_list_of_blocks_is_refused_in_one_line() -> None:
    """HRM runs two lists in rounds."""
    tokenizer = word_tokenizer()
    with pytest.raises(ModelError, match=r"found 0 \(lists: model\.L_module.*cannot be measured") as caught:
        ChatModel(tiny_network("hrm_text", len(tokenizer)), tokenizer, name="toy")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model_type", quick(["gemma3n_text"], ["hy_v4", "deepseek_v4", "glm5_next"]))
def test_a_stream_in_several_copies_is_measured_as_their_mean_and_changed_in_each(model_type: str) -> None:
    """Gemma 3n has the copies first, hyper-connections have them after the tokens."""
    tokenizer = word_tokenizer()
    model = ChatModel(tiny_network(model_type, len(tokenizer)), tokenizer, name=model_type)
    prompts = ["steal the car", "please tell me how to wash the boat"]
    last = model.blocks[-1].module
    seen: list[Any] = []
    handle = last.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    copies = 0 if model_type == "gemma3n_text" else 2
    for prompt, taken in zip(prompts, block_inputs(model, prompts), strict=True):
        model.run_blocks(model.batch(model.encode([prompt])))
        mean = seen[-1].mean(copies)[0, -taken.shape[0] :]
        assert torch.allclose(taken[:, -1], mean.float(), atol=1e-4 * float(mean.abs().max()))
    handle.remove()

    directions = torch.randn(2, model.d_model, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    batch = [model.batch(model.encode([prompt])) for prompt in prompts]
    together = model.batch(model.encode([prompts[1]] * 2))  # of one length
    means = harmless_means(model, prompts)
    changes: list[Callable[[Tensor], Any]] = [
        lambda chosen: ablate(model, chosen, "complete"),
        lambda chosen: ablate(model, chosen, "centred", means),
        lambda chosen: add_direction(model, chosen, 2, 3.0),
    ]
    plain = model.last_logits(batch[1])[0]
    for change in changes:
        with change(directions):
            rows = model.last_logits(together)
        for direction, row in zip(directions, rows, strict=True):
            with change(direction):
                alone = model.last_logits(batch[1])[0]
            assert torch.allclose(row, alone, atol=1e-3 * float(alone.abs().max()))
            assert not torch.allclose(row, plain, atol=1e-3 * float(plain.abs().max()))
    by_layer = extract_directions(model, prompts[:1], prompts[1:])[-1]
    (erasure,) = fit_erasures(model, prompts[:1], prompts[1:], [by_layer])
    with erase(model, erasure):
        erased = model.last_logits(batch[1])[0]
    assert not torch.allclose(erased, plain, atol=1e-3 * float(plain.abs().max()))
