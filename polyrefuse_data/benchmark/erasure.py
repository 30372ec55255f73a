"""Erasure: at each block's input, a class is read where it stands out from the noise, and only that is taken out.

x - ((x - mu) . w) d, with d the difference in means, w = S^-1 d / (d . S^-1 d), S the covariance of tokens within their
class, and mu the mean of harmless tokens. It is the oblique projection of LEACE (Belrose et al. 2023, arXiv 2306.03819)
for two classes. Ablation reads along d itself, where massive activations move every token by many times the difference
between the classes; w all but ignores what moves so much, and leaves those tokens as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from polyrefuse_data.benchmark.activations import run_reading_inputs
from polyrefuse_data.benchmark.interventions import on_input
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.module_io import one_stream
from polyrefuse_data.benchmark.selection import MIN_NORM
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.batches import batch_tokens, with_backoff

# Share of each coordinate's own variance that is added to it: prompts have too few tokens for a covariance of d_model
# coordinates. A choice of ours, which .01 to .1 leave as it is.
SHRINKAGE = 0.05

COVARIANCE_BYTES = 2**30  # layers whose covariances would take more are visited in several passes


@dataclass(frozen=True)
class Erasure:
    """What is taken out at the input of each block: (x . reader - kept) times the direction."""

    directions: Tensor  # [n_layers, d_model], float64 on CPU; a layer of zeros is left alone
    readers: Tensor  # [n_layers, d_model]
    kept: Tensor  # [n_layers]


def fit_erasures(
    model: ChatModel,
    harmful: Sequence[str],
    harmless: Sequence[str],
    directions: Sequence[Tensor],
    elsewhere: Sequence[str] = (),
) -> list[Erasure]:
    """One erasure for each of `directions`, which are [n_layers, d_model]: as a rule a position of
    `extract_directions`. The covariance is taken over the tokens of these prompts from the first in which any two
    differ: earlier ones, where massive activations sit, say nothing about the class. `elsewhere` are harmless prompts
    in the other languages where it will be used: how far their tokens lie from these harmless ones is noise too.

    Raises ConfigError if a class is empty or a direction has another shape.
    """
    if not harmful or not harmless:
        raise ConfigError("an erasure needs harmful and harmless prompts: it is fitted on both")
    given = torch.stack([direction.to("cpu", torch.float64) for direction in directions], 1)
    if (given.shape[0], given.shape[2]) != (model.n_layers, model.d_model):
        raise ConfigError(f"this model needs one direction per layer, of shape [{model.n_layers}, {model.d_model}]")
    readers, kept = torch.zeros_like(given), torch.zeros(given.shape[:2], dtype=torch.float64)
    encoded = [model.encode(prompts) for prompts in (harmful, harmless)]
    others = model.encode(elsewhere)
    shared = max(1, _shared_beginning([row for rows in encoded for row in rows]))
    at_once = max(1, COVARIANCE_BYTES // (8 * model.d_model**2))
    for start in range(0, model.n_layers, at_once):
        layers = range(start, min(start + at_once, model.n_layers))
        classes = [_tokens(model, rows, layers, shared) for rows in encoded]
        far = _tokens(model, others, layers, shared)
        for layer in layers:
            mean = classes[1].mean(layer)
            scatter = sum(tokens.scatter(layer, tokens.mean(layer)) for tokens in classes) + far.scatter(layer, mean)
            covariance = scatter / (sum(tokens.count for tokens in classes) + far.count)
            readers[layer], kept[layer] = _read(covariance, given[layer], mean)
    return [Erasure(given[:, index], readers[:, index], kept[:, index]) for index in range(given.shape[1])]


@contextmanager
def erase(model: ChatModel, erasure: Erasure) -> Iterator[None]:
    """Erase at the input of every block, at every token, while the context is open."""
    with ExitStack() as stack:
        for layer, block in enumerate(model.blocks):
            if erasure.directions[layer].norm() >= MIN_NORM:
                change = _eraser(erasure.directions[layer], erasure.readers[layer], erasure.kept[layer])
                stack.enter_context(on_input(block.module, change))
        yield


def stacked(erasures: Sequence[Erasure]) -> dict[str, Tensor]:
    """Erasures as tensors to be stored, over a new first axis."""
    return {name: torch.stack([getattr(each, name) for each in erasures]) for name in ("directions", "readers", "kept")}


def unstacked(tensors: dict[str, Tensor]) -> list[Erasure]:
    """The erasures that `stacked` stored."""
    return [Erasure(*each) for each in zip(*(tensors[n] for n in ("directions", "readers", "kept")), strict=True)]


def _eraser(direction: Tensor, reader: Tensor, kept: Tensor) -> Callable[[Tensor], Tensor]:
    @cache
    def cast(device: torch.device, precision: torch.dtype) -> list[Tensor]:  # once, not for every token
        return [tensor.to(device, precision) for tensor in (direction, reader, kept)]

    def change(hidden: Tensor) -> Tensor:
        precision = torch.promote_types(hidden.dtype, torch.float32)  # massive activations cancel in x . w
        along, by, level = cast(hidden.device, precision)
        wide = hidden.to(precision)
        return (wide - (wide @ by - level).unsqueeze(-1) * along).to(hidden.dtype)

    return change


def _read(covariance: Tensor, directions: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """w of each direction ([k, d_model]), and what the mean has along it ([k])."""
    variances = covariance.diagonal()
    floor = 1e-9 * variances.mean().clamp_min(1e-300)  # a coordinate that never moves
    shrunk = covariance + torch.diag(SHRINKAGE * variances + floor)
    solved = torch.linalg.solve(shrunk, directions.T).T
    scale = (solved * directions).sum(-1, keepdim=True)
    readers = torch.where(scale > 0, solved / scale, torch.zeros_like(solved))
    return readers, readers @ mean


def _shared_beginning(encoded: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with."""
    columns = zip(*encoded, strict=False)
    return next((place for place, column in enumerate(columns) if len(set(column)) > 1), 0)


@dataclass(frozen=True)
class _Tokens:
    """Sums over tokens by layer: of x ([d_model]), and of x x^T ([d_model, d_model])."""

    count: int
    sums: dict[int, Tensor]
    products: dict[int, Tensor]

    def mean(self, layer: int) -> Tensor:
        return self.sums[layer] / self.count

    def scatter(self, layer: int, about: Tensor) -> Tensor:
        """Sum of (x - about) (x - about)^T."""
        crossed = torch.outer(self.sums[layer], about)
        return self.products[layer] - crossed - crossed.T + self.count * torch.outer(about, about)


def _tokens(model: ChatModel, encoded: Sequence[Sequence[int]], layers: Sequence[int], skipped: int) -> _Tokens:
    """Block inputs of these rows, without padding and the first tokens of each row."""
    sums = {layer: torch.zeros(model.d_model, dtype=torch.float64) for layer in layers}
    products = {layer: torch.zeros(model.d_model, model.d_model, dtype=torch.float64) for layer in layers}

    def run(rows: Sequence[int]) -> None:
        batch = model.batch([encoded[row] for row in rows])
        counted = (batch.attention_mask.cumsum(-1) > skipped).cpu()
        seen: dict[int, Tensor] = {}

        def keep(layer: int, hidden: Tensor) -> None:
            seen[layer] = one_stream(hidden, model.blocks[layer].copies).to("cpu")[counted]

        run_reading_inputs(model, batch, layers, keep)
        for layer, hidden in seen.items():  # after the forward: rows that are tried again are counted once
            wide = hidden.to(torch.float64)
            sums[layer] += wide.sum(0)
            products[layer] += wide.T @ wide

    for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
        with_backoff(run, rows)
    return _Tokens(sum(len(row) - skipped for row in encoded), sums, products)
