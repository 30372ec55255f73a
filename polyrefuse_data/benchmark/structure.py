"""Finds a decoder's blocks and what each adds to the residual stream, and verifies the guess on a forward pass.

There is no table of architectures: names suggest candidates, arithmetic decides. A block is understood if `output =
input + scale * (attention writer + MLP writer)` holds on a probe, where a writer is the attention (or MLP) module
itself, or a child that normalises its output before it is added (Gemma 2/3, OLMo 2: "post-norms").

The sum is compared entry by entry, each within the rounding of its own terms. Real models have massive activations:
single entries of the stream in the tens of thousands where blocks add ten. Compared with the largest entry, any
structure would pass; compared with what is added, the rounding of the stream would make every structure fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark.module_names import ModuleNames
from polyrefuse_data.errors import ModelError

# What architectures call the two sublayers of a block. Norms may carry the same words ("post_attention_layernorm").
_ATTENTION = re.compile(r"attn|attention|mixer|linear_attn", re.IGNORECASE)
_MLP = re.compile(r"mlp|ffn|feed_?forward|moe|experts", re.IGNORECASE)
_NOT_A_SUBLAYER = re.compile(r"norm|ln|dropout|drop", re.IGNORECASE)

# How far an entry of the output may be from the sum, in epsilons of its dtype times the entry's largest term: scaling
# both terms, adding one and then the other rounds by 1 + 1 + 2 + 3 half epsilons at most.
_ROUNDING = 4


@dataclass(frozen=True)
class Block:
    """One decoder block. `attention` and `mlp` are the modules whose outputs the reference pipeline ablates;
    `writers` are the modules whose outputs are added to the residual stream: the same two, or the post-norms after
    them."""

    module: Any
    attention: Any
    mlp: Any
    writers: tuple[Any, Any]
    output_linears: tuple[Any | None, Any | None]  # the linear maps that end attention and MLP, where there is one

    @property
    def has_post_norms(self) -> bool:
        return self.writers != (self.attention, self.mlp)


def first_tensor(output: Any) -> Tensor:
    """The hidden states in a module's output (a tensor, or a tuple that starts with one)."""
    return output[0] if isinstance(output, tuple | list) else output


def block_input(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The hidden states among a block's arguments."""
    return args[0] if args else kwargs["hidden_states"]


def find_blocks(
    network: Any, forward: Callable[..., Any], n_layers: int, d_model: int, names: ModuleNames
) -> list[Block]:
    """The decoder blocks of `network`, in order, verified on `forward` (a probe run; `output_hidden_states=` is passed
    on).

    Raises ModelError, naming the override, if the structure cannot be verified.
    """
    lists = _block_lists(network, n_layers, names.blocks)
    found = [(name, modules) for name, modules in lists if _runs_as_blocks(modules, forward, d_model)]
    if len(found) != 1:
        seen = ", ".join(name for name, _ in (found or lists)) or "none"
        mend = (
            _how_to_name(" or ".join(f"blocks={name}" for name, _ in found))
            if found
            else "so this architecture is not supported"
        )
        raise ModelError(
            f"{type(network).__name__}: expected one list of {n_layers} blocks of width {d_model} that read the hidden "
            f"states that the model reports, but found {len(found)} (lists of that length: {seen}); {mend}"
        )
    modules = found[0][1]
    return [_prove(block, index, trace, names) for index, (block, trace) in enumerate(_traces(modules, forward))]


def _block_lists(network: Any, n_layers: int, name: str | None) -> list[tuple[str, list[Any]]]:
    if name is not None:
        try:
            return [(name, list(network.get_submodule(name)))]
        except (AttributeError, TypeError):
            raise ModelError(f"{type(network).__name__} has no list of blocks named {name!r}") from None
    return [
        (path, list(module))
        for path, module in network.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_layers
    ]


def _runs_as_blocks(modules: Sequence[Any], forward: Callable[..., Any], d_model: int) -> bool:
    """Whether the modules are called in order, on the hidden states that the model itself reports."""
    inputs: dict[int, Tensor] = {}

    def keep(index: int) -> Callable[..., None]:
        def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if args or "hidden_states" in kwargs:
                inputs[index] = block_input(args, kwargs)

        return hook

    handles = [module.register_forward_pre_hook(keep(i), with_kwargs=True) for i, module in enumerate(modules)]
    try:
        hidden = forward(output_hidden_states=True).hidden_states
    finally:
        for handle in handles:
            handle.remove()
    if hidden is None or len(inputs) != len(modules) or len(hidden) < len(modules):
        return False
    return all(
        tuple(inputs[i].shape) == tuple(hidden[i].shape)
        and inputs[i].shape[-1] == d_model
        and torch.equal(inputs[i].to(hidden[i].device), hidden[i])
        for i in range(len(modules))
    )


@dataclass
class _Trace:
    """The inputs and outputs of one block and its submodules on the probe."""

    received: dict[str, Tensor]
    returned: dict[str, Tensor]


def _traces(blocks: Sequence[Any], forward: Callable[..., Any]) -> Iterator[tuple[Any, _Trace]]:
    """Trace one block at a time, so that a large model's probe holds one block's tensors."""
    for block in blocks:
        trace = _Trace({}, {})
        with _recording(block, trace):
            forward()
        yield block, trace


@contextmanager
def _recording(block: Any, trace: _Trace) -> Iterator[None]:
    def recorder(name: str) -> Callable[..., None]:
        def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if isinstance(first_tensor(output), Tensor):
                trace.returned[name] = first_tensor(output)
                tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
                if tensors:
                    trace.received[name] = block_input(args, kwargs) if "hidden_states" in kwargs else tensors[0]

        return hook

    handles = [module.register_forward_hook(recorder(name), with_kwargs=True) for name, module in block.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _prove(block: Any, index: int, trace: _Trace, names: ModuleNames) -> Block:
    pairs = _candidates(block, trace, names)
    proved = [(pair, writers) for pair in pairs if (writers := _writers(block, trace, pair)) is not None]
    if len(proved) == 1:
        (attention, mlp), writers = proved[0]
        return Block(
            block,
            block.get_submodule(attention),
            block.get_submodule(mlp),
            (block.get_submodule(writers[0]), block.get_submodule(writers[1])),
            (_output_linear(block, trace, attention), _output_linear(block, trace, mlp)),
        )
    where = f"block {index} ({type(block).__name__})"
    if proved:
        choices = " or ".join(f"attention={attention},mlp={mlp}" for (attention, mlp), _ in proved)
        raise ModelError(f"{where}: several modules could be its attention and MLP; {_how_to_name(choices)}")
    tried = " or ".join(f"{attention} and {mlp}" for attention, mlp in pairs) or "no two modules of its width"
    children = ", ".join(name for name, _ in block.named_children())
    raise ModelError(
        f"{where}: its output is not its input plus what two of its modules return (children: {children}; tried: "
        f"{tried}), so this architecture is not supported"
    )


def _how_to_name(choice: str) -> str:
    return f"name them with `--modules {choice}`, in Python ChatModel.load(..., modules=ModuleNames(...))"


def _candidates(block: Any, trace: _Trace, names: ModuleNames) -> list[tuple[str, str]]:
    """(attention, MLP) pairs to try: the named one, or those suggested by names, else any two children in the order
    they ran."""
    if missing := [name for name in (names.attention, names.mlp) if name is not None and name not in trace.returned]:
        ran = ", ".join(name for name, _ in block.named_children() if name in trace.returned)
        raise ModelError(f"a block has no module {missing[0]!r} that returns hidden states; it has {ran}")
    shape = trace.returned[""].shape
    children = [
        name
        for name in trace.returned  # in the order in which they returned
        if name in dict(block.named_children())
        and not _NOT_A_SUBLAYER.search(name)
        and trace.returned[name].shape == shape
        and _has_a_matrix(block.get_submodule(name))
    ]
    given = [
        [name] if name is not None else [child for child in children if pattern.search(child)]
        for name, pattern in ((names.attention, _ATTENTION), (names.mlp, _MLP))
    ]
    attention, mlp = (found if len(found) == 1 else children for found in given)
    in_order = len(attention) > 1 and len(mlp) > 1
    return list(combinations(children, 2)) if in_order else [(a, m) for a in attention for m in mlp if a != m]


def _writers(block: Any, trace: _Trace, sublayers: tuple[str, str]) -> tuple[str, str] | None:
    """The modules whose outputs the block adds to its input for these two sublayers; None if nothing adds up."""
    attention, mlp = sublayers
    options = product(_writer_options(block, trace, attention), _writer_options(block, trace, mlp))
    return next((pair for pair in options if _adds_up(trace, *pair)), None)


def _has_a_matrix(module: Any) -> bool:
    """Whether the module has a matrix, which distinguishes a sublayer from a norm. Quantised weights may be buffers."""
    return any(tensor.ndim > 1 for tensor in (*module.parameters(), *module.buffers()))


def _writer_options(block: Any, trace: _Trace, sublayer: str) -> list[str]:
    """The sublayer itself, then the norms applied to its output."""
    output = trace.returned[sublayer]
    after = [
        child
        for child, module in block.named_children()
        if child != sublayer
        and not _has_a_matrix(module)
        and child in trace.received
        and trace.received[child].shape == output.shape
        and trace.returned[child].shape == output.shape
        and torch.equal(trace.received[child], output)
    ]
    return [sublayer, *after]


def _adds_up(trace: _Trace, attention: str, mlp: str) -> bool:
    """Whether output = input + scale * (attention + mlp) at every entry, for one scale (Granite's is not 1)."""
    tensors = (trace.returned[""], trace.received[""], trace.returned[attention], trace.returned[mlp])
    if len({tensor.shape for tensor in tensors}) != 1:
        return False
    epsilon = max(torch.finfo(tensor.dtype).eps for tensor in tensors)
    smallest = max(torch.finfo(tensor.dtype).smallest_normal for tensor in tensors)  # below, steps are no finer
    # In float64, so that the only rounding is the model's.
    output, stream, first, second = (tensor.to(torch.float64) for tensor in tensors)
    if not bool(output.isfinite().all()):
        return False
    added, written = output - stream, first + second

    def rounding(scale: float) -> Tensor:
        largest = torch.maximum(stream.abs(), scale * torch.maximum(first.abs(), second.abs()))
        return _ROUNDING * epsilon * largest.clamp_min(smallest)

    def holds(scale: float) -> bool:
        return scale > 0 and bool(((added - scale * written).abs() <= rounding(scale)).all())

    if holds(1.0):
        return bool(written.any())
    # Least squares in units of each entry's rounding: an entry that massive activations drown tells nothing of it.
    weights = rounding(1.0).reciprocal()
    x, y = (written * weights).flatten(), (added * weights).flatten()
    norm = float(x @ x)
    return norm > 0.0 and holds(float(x @ y) / norm)


def _output_linear(block: Any, trace: _Trace, sublayer: str) -> Any | None:
    """The plain linear map whose output is the sublayer's output; None for experts and quantised weights."""
    for name, module in block.get_submodule(sublayer).named_modules():
        path = f"{sublayer}.{name}"
        if (
            type(module) is nn.Linear
            and path in trace.returned
            and trace.returned[path].shape == trace.returned[sublayer].shape
            and torch.equal(trace.returned[path], trace.returned[sublayer])
        ):
            return module
    return None
