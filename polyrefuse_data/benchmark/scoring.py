"""Scores of candidate directions: refusal under ablation, refusal under steering, and KL on harmless prompts.

The numbers are those of the reference pipeline (Arditi et al. 2024, appendix C), but computed faster: many candidates
share a forward pass, each row with its own direction; only the last token's logits are computed; what all prompts begin
with is run once for each direction; steering restarts from the cached input of its layer; prompts of equal length share
a batch, so that nothing is padded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark import last_token
from polyrefuse_data.benchmark.candidates import Candidate, all_candidates
from polyrefuse_data.benchmark.interventions import ablate, add_direction, check_mode
from polyrefuse_data.benchmark.last_token import only_last_token
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.metrics import kl_scores, least_kl, probabilities, refusal_scores
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.restart import Restart
from polyrefuse_data.benchmark.shared_beginning import SharedBeginning
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.models.batches import Batch, batch_tokens, equal_length_batches, with_backoff

_NULL_NORM = 1e-12  # rounding error of a mean over prompts that all have the same vector


class CandidateScorer:
    """The three scores of any subset of the candidates, as means over prompts; `by_prompt` holds those of the last call
    by the score's name, [candidates, prompts].

    `directions` is [n_pos, n_layers, d_model]; a candidate (position, layer) stands for `directions[position, layer]`.
    At most `at_once` candidates share a forward pass (default: as many as the token budget allows).
    """

    def __init__(
        self,
        model: ChatModel,
        directions: Tensor,
        harmful: Sequence[str],
        harmless: Sequence[str],
        refusal_token_ids: Sequence[int],
        mode: str = "reference",
        means: PlaceMeans | None = None,
        at_once: int | None = None,
    ) -> None:
        check_mode(mode, means)
        _check(model, directions, harmful, harmless, refusal_token_ids)
        self._model = model
        self._directions = directions
        self._harmful = model.encode(harmful)
        self._harmless = model.encode(harmless)
        self._tokens = list(refusal_token_ids)
        self._mode, self._means = mode, means
        self._at_once = at_once or batch_tokens(model.device)
        self._restart = Restart(model)
        self.by_prompt: dict[str, Tensor] = {}
        self._shortcut = only_last_token if last_token.is_proved(model) else _no_shortcut
        self._beginning = SharedBeginning(model, [*self._harmful, *self._harmless])
        self._begun: Any = None  # the cache of the beginning, and which of its rows is whose
        self._begun_rows: dict[Candidate, int] = {}

    def refusal(self, candidates: Sequence[Candidate]) -> list[float]:
        """Mean refusal score on harmful prompts with each candidate ablated."""
        scores = _table(candidates, self._harmful)
        active, null = self._split(candidates)
        self._begin([candidates[index] for index in active])
        for prompts, batch in self._batches(self._harmful):
            if null:
                scores[_cells(null, prompts)] = self._plain_refusal(batch)

            def score(chunk: Sequence[int], batch: Batch = batch) -> Tensor:
                logits = self._ablated_logits(batch, [candidates[index] for index in chunk])
                return refusal_scores(logits, self._tokens)

            self._fill(scores, prompts, active, batch, score, self._begun)
        return self._kept("refusal_score", scores)

    def kl(self, candidates: Sequence[Candidate], cutoff: float = math.inf) -> list[float]:
        """Mean KL on harmless prompts from the plain last-token distribution to the one with each candidate ablated.

        A candidate whose mean must exceed `cutoff` after some of the prompts is not scored further and gets infinity.
        """
        scores = _table(candidates, self._harmless)
        alive, null = self._split(candidates)
        scores[null] = 0.0
        self._begin([candidates[index] for index in alive])
        done = 0
        for prompts, batch in self._batches(self._harmless):
            p = probabilities(self._model.last_logits(batch))

            def score(chunk: Sequence[int], batch: Batch = batch, p: Tensor = p) -> Tensor:
                return kl_scores(p, self._ablated_logits(batch, [candidates[index] for index in chunk]))

            self._fill(scores, prompts, alive, batch, score, self._begun)
            done += len(prompts)
            least_to_come = (len(self._harmless) - done) * least_kl(p.shape[-1])
            least = (scores[alive].nansum(-1) + least_to_come) / len(self._harmless)
            over = [index for index, bound in zip(alive, least.tolist(), strict=True) if bound > cutoff]
            scores[over] = math.inf
            alive = [index for index in alive if index not in set(over)]
        return self._kept("kl_div_score", scores)

    def steering(self, candidates: Sequence[Candidate]) -> list[float]:
        """Mean refusal score on harmless prompts with each candidate added to its own layer's input."""
        scores = _table(candidates, self._harmless)
        active, null = self._split(candidates)
        by_layer: dict[int, list[int]] = {}
        for index in active:
            by_layer.setdefault(candidates[index][1], []).append(index)
        most = min(self._at_once, max((len(indices) for indices in by_layer.values()), default=1))
        begun = self._begun_steered([candidates[index] for index in active])
        for prompts, batch in self._padded_batches(self._harmless, most):
            if null:
                scores[_cells(null, prompts)] = self._plain_refusal(batch)
            cached = self._restart.capture(batch, sorted(by_layer)) if self._restart.works else {}
            for layer, indices in by_layer.items():
                hidden = cached.get(layer)

                def score(
                    chunk: Sequence[int], batch: Batch = batch, layer: int = layer, hidden: Tensor | None = hidden
                ) -> Tensor:
                    added = self._rows([candidates[index] for index in chunk], batch)
                    own = [active.index(index) for index in chunk for _ in batch.input_ids]
                    with self._steering(layer, added, hidden, begun), self._shortcut(self._model):
                        return refusal_scores(self._logits(batch.repeat(len(chunk)), begun, own), self._tokens)

                self._fill(scores, prompts, indices, batch, score, begun)
        return self._kept("steering_score", scores)

    def table(self, candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
        """All three scores of each candidate, as `score_candidates` gives them."""
        columns = zip(candidates, self.refusal(candidates), self.steering(candidates), self.kl(candidates), strict=True)
        return [
            {
                "position": position,
                "layer": layer,
                "refusal_score": refusal,
                "steering_score": steering,
                "kl_div_score": kl,
                "norm": float(self._directions[position, layer].norm()),
            }
            for (position, layer), refusal, steering, kl in columns
        ]

    def _kept(self, name: str, scores: Tensor) -> list[float]:
        self.by_prompt[name] = scores
        return [float(mean) for mean in scores.mean(-1)]

    def _split(self, candidates: Sequence[Candidate]) -> tuple[list[int], list[int]]:
        """Indices of the candidates, and of those with norm zero: ablating or adding these changes nothing.

        Layer 0 reads embeddings, and the embedding of a template token is the same in every prompt.
        """
        norms = [float(self._directions[candidate].norm()) for candidate in candidates]
        null = [index for index, norm in enumerate(norms) if norm < _NULL_NORM]
        return [index for index in range(len(candidates)) if index not in set(null)], null

    def _plain_refusal(self, batch: Batch) -> Tensor:
        return refusal_scores(self._model.last_logits(batch), self._tokens).cpu()

    def _ablated_logits(self, batch: Batch, candidates: Sequence[Candidate]) -> Tensor:
        """Last-token logits [candidates * rows, vocabulary] of the batch under each candidate's ablation."""
        rows = self._rows(candidates, batch)
        own: list[int] = []
        if self._begun is not None:
            own = [self._begun_rows[candidate] for candidate in candidates for _ in batch.input_ids]
        with ablate(self._model, rows, self._mode, self._means), self._shortcut(self._model):
            return self._logits(batch.repeat(len(candidates)), self._begun, own)

    def _logits(self, batch: Batch, begun: Any, own: Sequence[int]) -> Tensor:
        """Last-token logits, going on from each row's own row of what was begun, if anything was."""
        return self._model.last_logits(batch) if begun is None else self._beginning.last_logits(batch, begun, own)

    def _done(self, begun: Any) -> int:
        """How many tokens of each prompt have been run by then."""
        return 0 if begun is None else self._beginning.length

    def _begin(self, candidates: Sequence[Candidate]) -> None:
        """Run what all prompts begin with under each candidate's ablation, where that is to be shared."""
        if not self._beginning.length or set(candidates) <= set(self._begun_rows):
            return
        directions = self._stacked(candidates)
        self._begun = self._beginning.run(
            len(candidates), lambda some: ablate(self._model, directions[some], self._mode, self._means)
        )
        self._begun_rows = {} if self._begun is None else {each: row for row, each in enumerate(candidates)}

    def _begun_steered(self, candidates: Sequence[Candidate]) -> Any:
        """The same with each candidate added at its own layer: the cache, or None."""
        if not self._beginning.length or not candidates:
            return None
        added = self._stacked(candidates)
        layers = torch.tensor([layer for _, layer in candidates])

        @contextmanager
        def each_at_its_own(some: slice) -> Iterator[None]:
            with ExitStack() as stack:
                for layer in layers[some].unique().tolist():
                    at_layer = added[some] * (layers[some] == layer).to(added)[:, None]
                    stack.enter_context(add_direction(self._model, at_layer, layer))
                yield

        return self._beginning.run(len(candidates), each_at_its_own)

    @contextmanager
    def _steering(self, layer: int, added: Tensor, hidden: Tensor | None, begun: Any) -> Iterator[None]:
        """Add one vector per row to the input of `layer`; forwards begin there if `hidden` is given, that input of the
        batch that the rows repeat."""
        if hidden is None:
            with add_direction(self._model, added, layer):
                yield
            return
        shifted = hidden[:, self._done(begun) :].repeat(len(added) // len(hidden), 1, 1)
        shifted += added.to(shifted.device, shifted.dtype)[:, None, :]
        with self._restart.at(layer, shifted):
            yield

    def _rows(self, candidates: Sequence[Candidate], batch: Batch) -> Tensor:
        """Each candidate's direction, once per row of the batch: [candidates * rows, d_model]."""
        return self._stacked(candidates).repeat_interleave(len(batch.input_ids), dim=0)

    def _stacked(self, candidates: Sequence[Candidate]) -> Tensor:
        return torch.stack([self._directions[position, layer] for position, layer in candidates])

    def _batches(self, encoded: Sequence[Sequence[int]]) -> Iterator[tuple[list[int], Batch]]:
        """Batches of prompts of equal length, within the token budget."""
        for group in equal_length_batches([len(ids) for ids in encoded]):
            rows = max(1, batch_tokens(self._model.device) // len(encoded[group[0]]))
            for start in range(0, len(group), rows):
                prompts = group[start : start + rows]
                yield prompts, self._model.batch([encoded[prompt] for prompt in prompts])

    def _padded_batches(self, encoded: Sequence[Sequence[int]], times: int) -> Iterator[tuple[list[int], Batch]]:
        """Batches of prompts of similar length, padded, large enough that `times` candidates fill a forward pass.

        A layer has few candidates: without padding their forward passes would be too small to be efficient. A quarter
        of the token budget is enough for that and adds little padding.
        """
        budget = max(1, batch_tokens(self._model.device) // (4 * times))
        for prompts in self._model.row_batches([len(ids) for ids in encoded], budget):
            yield prompts, self._beginning.batch([encoded[prompt] for prompt in prompts])

    def _fill(
        self,
        scores: Tensor,
        prompts: Sequence[int],
        indices: Sequence[int],
        batch: Batch,
        score: Callable[[Sequence[int]], Tensor],
        begun: Any,
    ) -> None:
        """Fill `scores[indices, prompts]`, with as many candidates per forward pass as the token budget allows, fewer
        if memory runs out. `begun` is the cache of what all prompts begin with, if they go on from one."""

        def work(chunk: Sequence[int]) -> None:
            found = score(chunk).view(len(chunk), len(prompts))
            scores[_cells(chunk, prompts)] = found.to(scores.device)

        tokens = batch.input_ids[:, self._done(begun) :].numel()
        at_once = min(self._at_once, max(1, batch_tokens(self._model.device) // tokens))
        for start in range(0, len(indices), at_once):
            with_backoff(work, list(indices[start : start + at_once]))


def score_candidates(
    model: ChatModel,
    directions: Tensor,
    harmful: Sequence[str],
    harmless: Sequence[str],
    refusal_token_ids: Sequence[int],
    *,
    positions: Sequence[int] | None = None,
    layers: Sequence[int] | None = None,
    mode: str = "reference",
    means: PlaceMeans | None = None,
) -> list[dict[str, Any]]:
    """Score candidate directions. Returns a dict per candidate: position (-n_pos..-1), layer, refusal_score,
    steering_score, kl_div_score, and the direction's norm.

    `directions` is [n_pos, n_layers, d_model]; `positions` and `layers` restrict the candidates. Refusal scores are
    under ablation on `harmful` (in `mode` with `means`, as in `ablate`); steering scores and KL are on `harmless`. All
    are means over prompts (Arditi et al. 2024, appendix C).

    Raises ConfigError if a class is empty, no refusal token is given, or a position or layer does not exist.
    """
    scorer = CandidateScorer(model, directions, harmful, harmless, refusal_token_ids, mode, means)
    return scorer.table(all_candidates(directions, positions, layers))


def prompt_refusal_scores(model: ChatModel, prompts: Sequence[str], refusal_token_ids: Sequence[int]) -> list[float]:
    """Refusal score of each prompt without any intervention."""
    encoded = model.encode(prompts)
    scores = torch.empty(len(prompts), dtype=torch.float64)
    for rows in model.row_batches([len(ids) for ids in encoded], batch_tokens(model.device)):
        logits = model.last_logits(model.batch([encoded[row] for row in rows]))
        scores[rows] = refusal_scores(logits, refusal_token_ids).to(scores.device)
    return [float(score) for score in scores]


def _no_shortcut(model: ChatModel) -> AbstractContextManager[None]:
    return nullcontext()


def _table(candidates: Sequence[Candidate], prompts: Sequence[Any]) -> Tensor:
    return torch.full((len(candidates), len(prompts)), math.nan, dtype=torch.float64)


def _cells(rows: Sequence[int], columns: Sequence[int]) -> tuple[Tensor, Tensor]:
    return torch.tensor(rows)[:, None], torch.tensor(columns)


def _check(
    model: ChatModel,
    directions: Tensor,
    harmful: Sequence[str],
    harmless: Sequence[str],
    refusal_token_ids: Sequence[int],
) -> None:
    wanted = (model.n_layers, model.d_model)
    if directions.ndim != 3 or tuple(directions.shape[1:]) != wanted:
        shape = tuple(directions.shape)
        raise ConfigError(f"directions have shape {shape}, but this model needs [n_pos, {wanted[0]}, {wanted[1]}]")
    given = {"harmful prompts": harmful, "harmless prompts": harmless, "refusal tokens": refusal_token_ids}
    for name, values in given.items():
        if not len(values):
            raise ConfigError(f"no {name} to score with")
