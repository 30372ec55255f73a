"""One of each way to build a block, out of the matrix of all model types in docs/models.md."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import ChatModel
from polyrefuse_data.errors import ModelError
from tests.benchmark.conftest import word_tokenizer
from tests.benchmark.tiny_models import tiny_network
from tests.cases import every_second

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


def test_a_stream_in_several_copies_is_refused_in_one_line() -> None:
    tokenizer = word_tokenizer()
    with pytest.raises(ModelError, match=r"found 0 \(lists: model\.layers.*cannot be measured") as caught:
        ChatModel(tiny_network("deepseek_v4", len(tokenizer)), tokenizer, name="toy")
    assert "\n" not in str(caught.value)
