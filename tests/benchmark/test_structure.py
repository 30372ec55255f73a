"""What the proof on load accepts, what it refuses, and what its errors advise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark import ChatModel, ModuleNames, ablate
from polyrefuse_data.errors import ConfigError, ModelError
from tests.benchmark.architectures import LAYERS, random_network
from tests.benchmark.conftest import word_tokenizer

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
@pytest.mark.parametrize("size", [1000.0, 3000.0])
@pytest.mark.parametrize("model_type", ["llama", "gemma2", "granite"])
def test_massive_activations_load(model_type: str, size: float, dtype: torch.dtype) -> None:
    model = chat(massive_network(size, dtype, model_type))
    layers = model.network.model.layers
    assert [(block.attention, block.mlp) for block in model.blocks] == [(x.self_attn, x.mlp) for x in layers]
    batch = model.batch(model.encode(["paint the car"]))
    states = model.network(**model.inputs(batch), output_hidden_states=True).hidden_states
    assert float(states[LAYERS // 2].abs().max()) >= size / 2  # it is still there in the middle of the model


def wrong(layer: Any, change: Callable[[Tensor], Tensor]) -> None:
    """Let a block return something else than it did."""
    plain = layer.forward
    layer.forward = lambda *args, **kwargs: change(plain(*args, **kwargs))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [0.0, 1000.0, 3000.0])
def test_what_a_block_adds_beside_attention_and_mlp_is_refused(size: float, dtype: torch.dtype) -> None:
    network = massive_network(size, dtype)
    wrong(network.model.layers[2], lambda hidden: hidden + 0.25)
    with pytest.raises(ModelError, match=r"block 2 .*is not supported"):
        chat(network)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [0.0, 1000.0, 3000.0])
@pytest.mark.parametrize("sublayer", ["attention", "mlp"])
def test_a_wrong_writer_is_refused_whatever_the_massive_entry_is(
    size: float, dtype: torch.dtype, sublayer: str
) -> None:
    """The norm before a sublayer in the sublayer's place: its output has the right shape and another value."""
    network = massive_network(size, dtype)
    names = ModuleNames(**{sublayer: {"attention": "input_layernorm", "mlp": "post_attention_layernorm"}[sublayer]})
    with pytest.raises(ModelError, match=r"its output is not its input plus"):
        chat(network, modules=names)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [1000.0, 3000.0])
def test_a_post_norm_is_not_mistaken_for_its_sublayer(size: float, dtype: torch.dtype) -> None:
    assert all(block.has_post_norms for block in chat(massive_network(size, dtype, "gemma2")).blocks)
    assert not any(block.has_post_norms for block in chat(massive_network(size, dtype, "llama")).blocks)


def test_a_swapped_pair_is_refused_by_the_order_of_names() -> None:
    network = random_network("llama", len(word_tokenizer()))
    model = chat(network, modules=ModuleNames(blocks="model.layers", attention="self_attn", mlp="mlp"))
    assert [block.mlp for block in model.blocks] == [layer.mlp for layer in network.model.layers]
    with pytest.raises(ModelError, match="has no module 'ffn' that returns hidden states; it has self_attn, mlp"):
        chat(network, modules=ModuleNames(mlp="ffn"))


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
    assert [(block.attention, block.mlp) for block in model.blocks] == [
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


def test_where_several_modules_prove_the_advice_names_them_and_helps() -> None:
    network = renamed(random_network("llama", len(word_tokenizer())), mlp="second")
    for layer in network.model.layers:
        layer.third = _Passed(32)
        plain = layer.second.forward
        layer.second.forward = lambda hidden, plain=plain, layer=layer: plain(hidden)
        layer.second.register_forward_hook(lambda module, args, output, layer=layer: layer.third(output))
    with pytest.raises(ModelError) as caught:
        chat(network)
    advice = str(caught.value).split("`--modules ")[1].split("`")[0].split(" or ")
    assert advice == ["attention=self_attn,mlp=third", "attention=self_attn,mlp=second"]
    for text in advice:
        assert chat(network, modules=ModuleNames.parse(text)).n_layers == LAYERS


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


def test_no_advice_where_no_name_would_help() -> None:
    network = random_network("llama", len(word_tokenizer()))
    wrong(network.model.layers[1], lambda hidden: 2 * hidden)
    with pytest.raises(ModelError) as caught:
        chat(network)
    assert "--modules" not in str(caught.value)
    assert "ModuleNames" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "mlp", "mlp=", "mpl=mlp", "mlp=a,mlp=b", "attention=x,"])
def test_module_names_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="write blocks=NAME,attention=NAME,mlp=NAME"):
        ModuleNames.parse(text)
