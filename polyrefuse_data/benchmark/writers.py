"""Which modules of a block write into the residual stream: those whose outputs add up to what the block adds.

No table of architectures, no names: arithmetic decides. A block is understood when `output = input + sum of scale *
what a module returns` holds on a probe, for the fewest of its modules: attention and MLP, one mixer, attention, state
space and MLP side by side, or whatever the architecture has.

The sum is compared entry by entry, each within the rounding of its own terms. Real models have massive activations:
single entries of the stream in the tens of thousands where blocks add ten. Measured against the largest entry, any
structure would pass; measured against what is added, the rounding of the stream would make every structure fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from polyrefuse_data.benchmark.module_io import block_input, first_tensor, is_stream

# Modules that write into the stream, at most: Falcon-H1 has three.
_MOST_WRITERS = 3
# How far an entry of the output may be from the sum, in epsilons of its dtype times the entry's largest term: scaling
# both of two terms, adding one and then the other rounds by 1 + 1 + 2 + 3 half epsilons at most; a third adds two.
_ROUNDING = 5
_HEAVIEST = 1e100  # weight of an entry that is 0 throughout, whose rounding in float64 has no reciprocal
_SAMPLE = 512  # entries on which most wrong sums are told, before all are looked at


@dataclass
class Trace:
    """What one block and the modules below it received and returned on the probe, by name; "" is the block itself."""

    received: dict[str, Tensor] = field(default_factory=dict)
    returned: dict[str, Tensor] = field(default_factory=dict)  # in the order in which they returned
    again: set[str] = field(default_factory=set)  # modules called more than once


@contextmanager
def recording(block: Any, trace: Trace) -> Iterator[None]:
    """Fill `trace` for as long as the context lasts."""

    def recorder(name: str) -> Callable[..., None]:
        def hook(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            if is_stream(returned := first_tensor(output)):
                if name in trace.returned:
                    trace.again.add(name)
                trace.returned[name] = returned.clone()  # Falcon adds to it in place
                if is_stream(received := block_input(args, kwargs)):
                    trace.received[name] = received

        return hook

    handles = [module.register_forward_hook(recorder(name), with_kwargs=True) for name, module in block.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def find_writers(block: Any, trace: Trace) -> tuple[tuple[str, str], ...] | None:
    """(sublayer, writer) pairs by name, in the order in which they ran; None where no modules add up.

    A writer's output is added to the stream. Its sublayer is the attention or MLP whose output it is: the writer
    itself, or the module before it, where the writer normalises (Gemma 2/3, OLMo 2: "post-norms") or passes on what
    that returned. The children of the block are tried first, then all that is in it (Bloom adds inside its sublayers).
    """
    if "" not in trace.received or trace.received[""].shape != trace.returned[""].shape:
        return None
    if trace.returned[""].ndim != 3:  # several copies of the stream, which the block mixes
        return None
    for names in (_children(block, trace), _all_within(block, trace)):
        groups = _same_outputs(block, trace, names)
        found = _adding_up(trace, [group[0] for group in groups])
        if found is not None:
            return tuple(_pair(block, trace, groups[index]) for index in found)
    return None


def output_linear(block: Any, trace: Trace, sublayer: str) -> Any | None:
    """The plain linear map whose output is the sublayer's output, or None (experts, quantised weights)."""
    for name, module in block.get_submodule(sublayer).named_modules():
        path = ".".join(filter(None, (sublayer, name)))
        if type(module) is nn.Linear and path in trace.returned and path not in trace.again:
            returned = trace.returned[path]
            if returned.shape == trace.returned[sublayer].shape and torch.equal(returned, trace.returned[sublayer]):
                return module
    return None


def _children(block: Any, trace: Trace) -> list[str]:
    children = dict(block.named_children())
    return [name for name in _all_within(block, trace) if name in children]


def _all_within(block: Any, trace: Trace) -> list[str]:
    """Modules that ran once and returned something of the stream's shape."""
    shape = trace.returned[""].shape
    return [name for name, value in trace.returned.items() if name and name not in trace.again and value.shape == shape]


def _same_outputs(block: Any, trace: Trace, names: Sequence[str]) -> list[list[str]]:
    """Modules by what they returned, the first of the outermost first: dropout returns what it was given."""
    groups: list[list[str]] = []
    for name in sorted(names, key=lambda name: name.count(".")):
        same = (group for group in groups if torch.equal(trace.returned[group[0]], trace.returned[name]))
        group = next(same, None)
        if group is None:
            groups.append([name])
        elif _has_a_matrix(block.get_submodule(name)) and not name.startswith(f"{group[0]}."):
            group.append(name)
    order = list(trace.returned)
    return sorted(groups, key=lambda group: order.index(group[0]))


def _pair(block: Any, trace: Trace, group: Sequence[str]) -> tuple[str, str]:
    first, last = group[0], group[-1]
    if first != last or _has_a_matrix(block.get_submodule(first)):
        return first, last
    before = (
        name
        for name in sorted(_all_within(block, trace), key=lambda name: name.count("."))
        if name != first
        and first in trace.received
        and _has_a_matrix(block.get_submodule(name))
        and torch.equal(trace.returned[name], trace.received[first])
    )
    return next(before, first), first


def _has_a_matrix(module: Any) -> bool:
    """What tells a sublayer from a norm. Quantised weights may be buffers."""
    return any(tensor.ndim > 1 for tensor in (*module.parameters(), *module.buffers()))


def _adding_up(trace: Trace, names: Sequence[str]) -> tuple[int, ...] | None:
    """Indices of the fewest modules whose outputs add up."""
    tensors = [trace.returned[""], trace.received[""], *(trace.returned[name] for name in names)]
    epsilon = max(torch.finfo(tensor.dtype).eps for tensor in tensors)
    smallest = max(torch.finfo(tensor.dtype).smallest_normal for tensor in tensors)  # below it, steps get no finer
    # In float64, so that the only rounding is the model's; on the CPU, for no GPU solves least squares of any rank.
    output, stream, *written = (tensor.to("cpu", torch.float64).flatten() for tensor in tensors)
    if not bool(output.isfinite().all()):
        return None
    terms = _Terms(output, stream, written, _ROUNDING * epsilon, smallest)
    some = terms.sample(_SAMPLE)
    sizes: Iterable[int] = range(1, _MOST_WRITERS + 1)
    sets = (chosen for size in sizes for chosen in combinations(range(len(names)), size))
    return next((chosen for chosen in sets if some.add_up(chosen) and terms.add_up(chosen)), None)


@dataclass(frozen=True)
class _Terms:
    """A block's output, its input, and what modules returned, entry by entry."""

    output: Tensor
    stream: Tensor
    written: Sequence[Tensor]
    rounding: float  # the error of an entry, relative to its largest term
    smallest: float

    def sample(self, size: int) -> _Terms:
        places = torch.randperm(len(self.output), generator=torch.Generator().manual_seed(0))[:size]
        some = [tensor[places] for tensor in (self.output, self.stream, *self.written)]
        return _Terms(some[0], some[1], some[2:], self.rounding, self.smallest)

    def add_up(self, chosen: Sequence[int]) -> bool:
        """Whether output = input + sum of scale * written at every entry: as they are, or for scales above zero, one
        for all (Granite) or one each (Falcon-H1)."""
        written = torch.stack([self.written[index] for index in chosen])
        if not bool(written.abs().amax(-1).all()):
            return False
        added = self.output - self.stream
        if self._holds(written, added):
            return True
        # Least squares in units of each entry's rounding: an entry that massive activations drown tells nothing of it.
        weights = self._rounding_of(written).reciprocal().clamp_max(_HEAVIEST)
        together = (written.sum(0, keepdim=True) * weights)[0]
        one = float(together @ (added * weights)) / max(float(together @ together), self.smallest)
        if one > 0 and self._holds(one * written, added):
            return True
        scales = torch.linalg.lstsq((written * weights).T, (added * weights)[:, None], driver="gelsd").solution
        return bool((scales > 0).all()) and self._holds(scales * written, added)

    def _holds(self, terms: Tensor, added: Tensor) -> bool:
        return bool(((added - terms.sum(0)).abs() <= self._rounding_of(terms)).all())

    def _rounding_of(self, terms: Tensor) -> Tensor:
        largest = torch.maximum(self.stream.abs(), terms.abs().amax(0))
        return self.rounding * largest.clamp_min(self.smallest)
