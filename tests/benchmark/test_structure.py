"""What the proof on load accepts, what it takes as wholes or refuses, and what its errors advise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark import ChatModel, ModuleNames, ablate
from polyrefuse_data.benchmark.writers import Trace, find_writers, recording
from polyrefuse_data.errors import ConfigError, ModelError
from tests.benchmark.architectures import LAYERS, random_network
from tests.benchmark.conftest import word_tokenizer
from tests.cases import quick

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def massive_network(size: float, dtype: torch.dtype, model_type: str = "llama") -> Any:
    """A random network whose stream has one massive entry: at the template's own tokens, in one dimension."""
    tokenizer = word_tokenizer()
    network = random_network(model_type, len(tokenizer))
    rows = [tokenizer.convert_tokens_to_ids(token) for token in ("<|user|>", "<|end|>", "<|assistant|>")]
    with torch.no_grad():
        network.get_input_embeddings().weight[rows, 5] = size
    return network.to(dtype)


def chat(network: Any, **options: Any) -> ChatModel:
    return ChatModel(network, word_tokenizer(), name="toy", **options)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", quick([3000.0], [1000.0]))
@pytest.mark.parametrize("model_type", ["llama", "gemma2", "granite"])
def test_massive_activations_load(model_type: str, size: float, dtype: torch.dtype) -> None:
    model = chat(massive_network(size, dtype, model_type))
    layers = model.network.model.layers
    assert [block.sublayers for block in model.blocks] == [(x.self_attn, x.mlp) for x in layers]
    batch = model.batch(model.encode(["paint the car"]))
    states = model.network(**model.inputs(batch), output_hidden_states=True).hidden_states
    assert float(states[LAYERS // 2].abs().max()) >= size / 2  # it is still there in the middle of the model


def test_weights_in_float64(chat_folder: Path) -> None:
    """The rounding of an entry that is 0 throughout is too small there to be divided by."""
    model = ChatModel.load(chat_folder, dtype="float64")
    assert not any(block.is_whole for block in model.blocks)


def wrong(layer: Any, change: Callable[[Tensor], Tensor]) -> None:
    """Let a block return something else than it did."""
    plain = layer.forward
    layer.forward = lambda *args, **kwargs: change(plain(*args, **kwargs))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [0.0, 1000.0, 3000.0])
def test_a_block_that_adds_more_than_its_modules_return_is_taken_as_a_whole(size: float, dtype: torch.dtype) -> None:
    network = massive_network(size, dtype)
    wrong(network.model.layers[2], lambda hidden: hidden + 0.25)
    assert [block.is_whole for block in chat(network).blocks] == [False, False, True, False]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", quick([0.0, 3000.0], [1000.0]))
@pytest.mark.parametrize(("sublayer", "norm"), [("self_attn", "input_layernorm"), ("mlp", "post_attention_layernorm")])
def test_a_wrong_writer_is_refused_whatever_the_massive_entry_is(
    size: float, dtype: torch.dtype, sublayer: str, norm: str
) -> None:
    """The norm before a sublayer in the sublayer's place: its output has the right shape and another value."""
    model = chat(massive_network(size, dtype))
    block, trace = model.blocks[2].module, Trace()
    with recording(block, trace):
        model.run_blocks(model.batch(model.encode(["paint the car"])))
    assert find_writers(block, trace) == (("self_attn", "self_attn"), ("mlp", "mlp"))
    trace.returned = {
        name: trace.returned[norm] if name == sublayer else value
        for name, value in trace.returned.items()
        if not name.startswith(f"{sublayer}.")
    }
    assert find_writers(block, trace) is None


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [1000.0, 3000.0])
def test_a_post_norm_is_not_mistaken_for_its_sublayer(size: float, dtype: torch.dtype) -> None:
    assert all(block.has_post_norms for block in chat(massive_network(size, dtype, "gemma2")).blocks)
    assert not any(block.has_post_norms for block in chat(massive_network(size, dtype, "llama")).blocks)


def renamed(network: Any, **names: str) -> Any:
    """The same network with sublayers of other names."""
    for layer in network.model.layers:
        for old, new in names.items():
            module = layer._modules.pop(old)
            layer.add_module(new, module)
            layer.__dict__[old] = module  # its forward still calls it by the old one
    return network


def test_sublayers_of_unknown_names_are_found_by_arithmetic() -> None:
    network = renamed(random_network("llama", len(word_tokenizer())), self_attn="first", mlp="second")
    model = chat(network)
    batch = model.batch(model.encode(["paint the car"]))
    assert [block.sublayers for block in model.blocks] == [
        (layer.first, layer.second) for layer in network.model.layers
    ]
    before = model.last_logits(batch)
    with ablate(model, torch.ones(model.d_model, dtype=torch.float64)):
        assert not torch.equal(model.last_logits(batch), before)


class _Passed(nn.Module):
    """A linear map that starts as the identity: what it returns is what it was given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(width))

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden


def test_what_passes_a_sublayers_output_on_is_the_writer() -> None:
    network = renamed(random_network("llama", len(word_tokenizer())), mlp="second")
    for layer in network.model.layers:
        layer.third = _Passed(32)
        layer.__dict__["mlp"] = lambda hidden, layer=layer: layer.third(layer.second(hidden))
    for block in chat(network).blocks:
        assert block.sublayers == (block.module.self_attn, block.module.second)
        assert block.writers == (block.module.self_attn, block.module.third)
        assert block.has_post_norms


def test_a_mixer_alone_three_writers_and_scales_of_their_own_are_found() -> None:
    class Sum(nn.Module):
        def __init__(self, scales: tuple[float, ...]) -> None:
            super().__init__()
            self.parts = nn.ModuleList(nn.Linear(8, 8) for _ in scales)
            self.other = nn.Linear(8, 8)
            self.scales = scales

        def forward(self, hidden: Tensor) -> Tensor:
            self.other(hidden)
            return hidden + sum(scale * part(hidden) for scale, part in zip(self.scales, self.parts, strict=True))

    for scales in [(1.0,), (0.5,), (1.0, 1.0, 1.0), (0.5, 1.0, 2.0), (0.3, 0.3)]:
        torch.manual_seed(0)
        block, trace = Sum(scales).requires_grad_(False), Trace()
        with recording(block, trace):
            block(torch.randn(2, 9, 8))
        names = [f"parts.{index}" for index in range(len(scales))]
        assert find_writers(block, trace) == tuple((name, name) for name in names)
    block, trace = Sum((1.0, -1.0)).requires_grad_(False), Trace()
    with recording(block, trace):
        block(torch.randn(2, 9, 8))
    assert find_writers(block, trace) is None


def test_several_lists_of_blocks_are_told_apart_by_name() -> None:
    network = random_network("llama", len(word_tokenizer()))
    network.twin = network.model.layers
    network.model.layers = nn.ModuleList(list(network.twin))
    with pytest.raises(ModelError) as caught:
        chat(network)
    advice = str(caught.value).split("`--modules ")[1].split("`")[0].split(" or ")
    assert advice == ["blocks=model.layers", "blocks=twin"]
    for text in advice:
        assert chat(network, modules=ModuleNames.parse(text)).n_layers == LAYERS


def test_a_name_that_is_none_of_the_lists_names_them() -> None:
    with pytest.raises(ModelError, match=r"has no list of blocks called 'model\.blocks'; it has model\.layers$"):
        chat(random_network("llama", len(word_tokenizer())), modules=ModuleNames("model.blocks"))


def test_no_advice_where_no_name_would_help() -> None:
    network = random_network("llama", len(word_tokenizer()))
    for layer in network.model.layers:  # what a block reads is not what the one before it returned
        layer.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] + 1,), kwargs), with_kwargs=True)
    with pytest.raises(ModelError, match=r"found 0 \(lists: model\.layers\).*cannot be measured") as caught:
        chat(network)
    assert "--modules" not in str(caught.value)
    assert "ModuleNames" not in str(caught.value)


def test_a_whole_block_leaves_nothing_behind_and_is_named() -> None:
    network = random_network("llama", len(word_tokenizer()))
    wrong(network.model.layers[1], lambda hidden: 2 * hidden)
    model = chat(network)
    direction = torch.randn(model.d_model, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    seen: list[Tensor] = []
    with ablate(model, direction):
        handles = [
            block.module.register_forward_hook(lambda module, args, output: seen.append(output))
            for block in model.blocks
        ]
        model.run_blocks(model.batch(model.encode(["paint the car"])))
    for handle in handles:
        handle.remove()
    assert max(float((hidden.double() @ direction).abs().max()) for hidden in seen) < 1e-4
    assert [index for index, block in enumerate(model.blocks) if block.is_whole] == [1]


@pytest.mark.parametrize("text", ["", "blocks", "blocks=", "mlp=x"])
def test_module_names_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="write blocks=NAME"):
        ModuleNames.parse(text)
