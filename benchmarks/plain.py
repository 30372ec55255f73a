"""The reference pipeline's algorithm, the plain way: what the package is compared with.

One candidate direction a forward; hooks on every block input, attention output and MLP output; logits of all
positions in float64, of which the last is used. Written from Arditi et al. 2024 (arXiv 2406.11717), on plain
transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

BATCH = 32


class PlainPipeline:
    """Scores candidates and generates replies without any of the package's shortcuts."""

    def __init__(self, network: Any, tokenizer: Any) -> None:
        self.network = network.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.tokenizer.padding_side = "left"
        self.blocks = network.model.layers

    def tokenize(self, prompts: Sequence[str]) -> Any:
        rendered = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]
        return self.tokenizer(rendered, padding=True, add_special_tokens=False, return_tensors="pt")

    def mean_differences(self, harmful: Sequence[str], harmless: Sequence[str], n_positions: int) -> Tensor:
        return self._means(harmful, n_positions) - self._means(harmless, n_positions)

    def score(
        self,
        directions: Tensor,
        harmful: Sequence[str],
        harmless: Sequence[str],
        tokens: Sequence[int],
        layers: Sequence[int] | None = None,
    ) -> list[dict[str, Any]]:
        """The full table of candidates, of all layers or of these: three forwards over the prompts for each."""
        plain = self._last_logits(harmless)
        table = []
        for position in range(-directions.shape[0], 0):
            for layer in layers or range(directions.shape[1]):
                direction = directions[position, layer]
                with self.ablated(direction):
                    refusal = _refusal(self._last_logits(harmful), tokens)
                    ablated = self._last_logits(harmless)
                with self._added(direction, layer):
                    steering = _refusal(self._last_logits(harmless), tokens)
                table.append(
                    {
                        "position": position,
                        "layer": layer,
                        "refusal_score": refusal.mean().item(),
                        "steering_score": steering.mean().item(),
                        "kl_div_score": _kl(plain, ablated).mean().item(),
                    }
                )
        return table

    def generate(self, prompts: Sequence[str], max_new_tokens: int, batch: int = 8) -> list[list[int]]:
        """Greedy replies in batches of 8, in the order given."""
        replies: list[list[int]] = []
        for start in range(0, len(prompts), batch):
            inputs = self.tokenize(prompts[start : start + batch])
            output = self.network.generate(
                **inputs, max_new_tokens=max_new_tokens, do_sample=False, pad_token_id=self.tokenizer.pad_token_id
            )
            replies += output[:, inputs["input_ids"].shape[1] :].tolist()
        return replies

    @contextmanager
    def ablated(self, direction: Tensor) -> Iterator[None]:
        unit = direction / (direction.norm() + 1e-8)

        def project(hidden: Tensor) -> Tensor:
            vector = unit.to(hidden)
            return hidden - (hidden @ vector).unsqueeze(-1) * vector

        def before(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
            return (project(args[0]), *args[1:])

        def after(module: Any, args: Any, output: Any) -> Any:
            return (project(output[0]), *output[1:]) if isinstance(output, tuple) else project(output)

        handles = [block.register_forward_pre_hook(before) for block in self.blocks]
        handles += [block.self_attn.register_forward_hook(after) for block in self.blocks]
        handles += [block.mlp.register_forward_hook(after) for block in self.blocks]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def _added(self, direction: Tensor, layer: int) -> Iterator[None]:
        def before(module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
            return (args[0] + direction.to(args[0]), *args[1:])

        handle = self.blocks[layer].register_forward_pre_hook(before)
        try:
            yield
        finally:
            handle.remove()

    def _last_logits(self, prompts: Sequence[str]) -> Tensor:
        chunks = []
        for start in range(0, len(prompts), BATCH):
            logits = self.network(**self.tokenize(prompts[start : start + BATCH]), use_cache=False).logits
            chunks.append(logits.to(torch.float64)[:, -1, :])
        return torch.cat(chunks)

    def _means(self, prompts: Sequence[str], n_positions: int) -> Tensor:
        sums = torch.zeros(n_positions, len(self.blocks), self.network.config.hidden_size, dtype=torch.float64)

        def keep(layer: int) -> Callable[..., None]:
            def hook(module: Any, args: tuple[Any, ...]) -> None:
                sums[:, layer] += args[0][:, -n_positions:].to(torch.float64).sum(0)

            return hook

        handles = [block.register_forward_pre_hook(keep(layer)) for layer, block in enumerate(self.blocks)]
        try:
            self._last_logits(prompts)
        finally:
            for handle in handles:
                handle.remove()
        return sums / len(prompts)


def _refusal(logits: Tensor, tokens: Sequence[int]) -> Tensor:
    p = logits.softmax(-1)[:, list(tokens)].sum(-1)
    return torch.log(p + 1e-8) - torch.log(1 - p + 1e-8)


def _kl(plain: Tensor, changed: Tensor) -> Tensor:
    p, q = plain.softmax(-1), changed.softmax(-1)
    return (p * (torch.log(p + 1e-6) - torch.log(q + 1e-6))).sum(-1)
