"""A decoder's blocks, found by what they do and proved on a forward.

Blocks are the modules of a list that run one after the other, each on what the one before it returned. What each of
them writes into the residual stream is found by arithmetic (`writers.py`). Where that finds nothing, for a block that
does more than add to its input, the block as a whole is taken for the writer: what it returns is the stream.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark.module_io import block_input, copies_axis, first_tensor, is_stream
from polyrefuse_data.benchmark.module_names import ModuleNames
from polyrefuse_data.benchmark.writers import Trace, find_writers, output_linear, recording
from polyrefuse_data.errors import ModelError


@dataclass(frozen=True)
class Block:
    """One decoder block. `sublayers` are the modules whose outputs the reference pipeline ablates: attention, MLP, or
    whatever stands in their place. `writers`, one each, are the modules whose outputs are added to the residual stream:
    the same, or the post-norms after them. `output_linears` are the linear maps that end them, where there is one."""

    module: Any
    sublayers: tuple[Any, ...]
    writers: tuple[Any, ...]
    output_linears: tuple[Any | None, ...]
    width: int
    copies: int | None = None  # the axis of the stream's copies, where there are several (module_io.py)

    @property
    def is_whole(self) -> bool:
        """Whether nothing smaller than the block is known to write into the stream."""
        return self.writers == (self.module,)

    @property
    def has_post_norms(self) -> bool:
        return self.writers != self.sublayers


def find_blocks(
    network: Any, forward: Callable[[], Any], names: ModuleNames, probe_shape: tuple[int, int]
) -> list[Block]:
    """The decoder blocks of `network`, in order, proved on `forward`, a run of a probe ([rows, tokens]). Raises
    ModelError where there is no list of them, or several of which none is named."""
    lists = _lists(network, names.blocks)
    found = _chains(lists, forward)
    if len(found) != 1:
        seen = ", ".join(found or lists) or "none"
        choices = " or ".join(f"blocks={name}" for name in found)
        mend = f"name one with `--modules {choices}`, in Python ChatModel.load(..., modules=ModuleNames(...))"
        raise ModelError(
            f"{type(network).__name__}: expected one list of blocks, each run on the hidden states of the one before, "
            f"found {len(found)} (lists: {seen}); {mend if found else 'so this architecture cannot be measured'}"
        )
    (modules,) = found.values()
    try:
        return _own_modules([_understood(module, trace, *probe_shape) for module, trace in _traces(modules, forward)])
    except ValueError as error:
        raise ModelError(f"{type(network).__name__} has {error}, so this architecture cannot be measured") from error


def _lists(network: Any, name: str | None) -> dict[str, list[Any]]:
    """Lists of modules by their path, not those within another's modules; the one of this name, where it is given."""
    lists = {
        path: list(module)
        for path, module in network.named_modules()
        if isinstance(module, nn.ModuleList) and len(module)
    }
    if name is None:
        return lists
    try:
        return {name: list(network.get_submodule(name))}
    except (AttributeError, TypeError):
        raise ModelError(
            f"{type(network).__name__} has no list of blocks called {name!r}; it has {', '.join(lists) or 'none'}"
        ) from None


def _chains(lists: dict[str, list[Any]], forward: Callable[[], Any]) -> dict[str, list[Any]]:
    """Those lists whose modules run once each, on what the one before returned, without those that do not run on text
    alone; the longest, where some are within others."""
    modules = {id(module): module for members in lists.values() for module in members}
    calls: Counter[int] = Counter()
    seen: dict[int, tuple[Tensor, Tensor]] = {}

    def keep(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        calls[id(module)] += 1
        received, returned = block_input(args, kwargs), first_tensor(output)
        if is_stream(received) and is_stream(returned) and received.shape == returned.shape:
            seen[id(module)] = received, returned

    handles = [module.register_forward_hook(keep, with_kwargs=True) for module in modules.values()]
    try:
        forward()
    finally:
        for handle in handles:
            handle.remove()

    def is_chain(members: Sequence[Any]) -> bool:
        ids = [id(member) for member in members]
        return (
            len(ids) > 0
            and all(calls[member] == 1 and member in seen for member in ids)
            and all(
                torch.equal(seen[before][1], seen[after][0].to(seen[before][1].device))
                for before, after in pairwise(ids)
            )
        )

    running = {path: [member for member in members if calls[id(member)]] for path, members in lists.items()}
    chains = {path: members for path, members in running.items() if is_chain(members)}
    longest = max(map(len, chains.values()), default=0)
    return {path: members for path, members in chains.items() if len(members) == longest}


def _traces(blocks: Sequence[Any], forward: Callable[[], Any]) -> Iterator[tuple[Any, Trace]]:
    """Trace one block at a time, so that a large model's probe holds one block's tensors."""
    for block in blocks:
        trace = Trace()
        with recording(block, trace):
            forward()
        yield block, trace


def _understood(module: Any, trace: Trace, rows: int, tokens: int) -> Block:
    pairs, width = find_writers(module, trace), trace.returned[""].shape[-1]
    if pairs is None:
        return _whole(module, width, copies_axis(trace.returned[""], rows, tokens))
    sublayers = [sublayer for sublayer, _ in pairs]
    return Block(
        module,
        tuple(module.get_submodule(name) for name in sublayers),
        tuple(module.get_submodule(name) for _, name in pairs),
        tuple(output_linear(module, trace, name) for name in sublayers),
        width,
    )


def _whole(module: Any, width: int, copies: int | None = None) -> Block:
    return Block(module, (module,), (module,), (None,), width, copies)


def _own_modules(blocks: list[Block]) -> list[Block]:
    """Blocks that share a writer (Zamba) as wholes: a hook on it could not tell whose output it sees."""
    uses = Counter(id(writer) for block in blocks for writer in block.writers)
    return [
        _whole(block.module, block.width) if any(uses[id(writer)] > 1 for writer in block.writers) else block
        for block in blocks
    ]
