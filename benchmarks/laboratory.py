"""Ways to find and to ablate a direction, side by side on a real chat model.

    python benchmarks/laboratory.py MODEL [--languages en,de] [--modes centred] [--tokens 24] [--out FILE.json]
    python benchmarks/laboratory.py MODEL --cone-at POSITION LAYER      # the cone alone, from a place chosen before

The direction is found on the English prompts of the demo's seeds, and ablated on harmful test prompts in each language.
Shown are the shares of replies that refuse, that comply coherently, and that are degenerate; of controls, the prompts
are shared out among the draws, and the range over draws stands behind. Coherent says that there is no loop within
--tokens, no more: a heap of words so short is not told. docs/notebook/real-models.md has the tables.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark import ChatModel, find_refusal_tokens, generate, harmless_means, judge_replies
from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.candidates import all_candidates
from polyrefuse_data.benchmark.coherence import coherence_prompts, is_coherent, with_coherence
from polyrefuse_data.benchmark.cone import Descent, refusal_cone
from polyrefuse_data.benchmark.controls import draw_controls, draw_shuffled
from polyrefuse_data.benchmark.cosmic import cosmic_choice, cosmic_table
from polyrefuse_data.benchmark.directions import difference_in_means
from polyrefuse_data.benchmark.erasure import erase, fit_erasures
from polyrefuse_data.benchmark.interventions import ABLATION_MODES, ablate, ablate_all, ablate_by_layer
from polyrefuse_data.benchmark.means import PlaceMeans
from polyrefuse_data.benchmark.principal import principal_directions
from polyrefuse_data.benchmark.scoring import score_candidates
from polyrefuse_data.benchmark.selection import RULES, Rule, select_direction
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.rows import HARMFUL, HARMLESS

COMPONENTS = 3
LOOSE_KL = 3.0  # with the paper's bound, nothing that works passes in models this small
MIN_COHERENT = 0.9

Context = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Sizes:
    """How much is looked at."""

    languages: Sequence[str] = ("en", "de")
    modes: Sequence[str] = ABLATION_MODES
    train: int = 32
    validation: int = 16
    test: int = 24
    tokens: int = 24
    draws: int = 10
    positions: Sequence[int] | None = None
    layers: Sequence[int] | None = None
    cone_steps: int = Descent.steps
    cone_batch: int = Descent.batch


@dataclass
class Laboratory:
    """A model, its English activations, and everything that is compared on it."""

    model: ChatModel
    sizes: Sizes
    train: dict[str, list[str]] = field(init=False)
    validation: dict[str, list[str]] = field(init=False)
    measured: dict[tuple[str, int, int], dict[str, Any]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        sizes = self.sizes
        self.train, self.validation = (
            {label: texts("en", split, label)[:count] for label in (HARMFUL, HARMLESS)}
            for split, count in (("train", sizes.train), ("validation", sizes.validation))
        )
        self.taken = {label: block_inputs(self.model, prompts) for label, prompts in self.train.items()}
        self.means = harmless_means(self.model, self.train[HARMLESS])
        asked = (self.train[label][: sizes.test] for label in (HARMFUL, HARMLESS))
        # A model that refuses nothing is measured by how the most do: "I cannot", "I'm sorry".
        said = find_refusal_tokens(self.model, *asked, "en")
        self.tokens = said or self.model.tokenizer("I", add_special_tokens=False)["input_ids"]
        self.directions = difference_in_means(self.taken[HARMFUL], self.taken[HARMLESS])

    def table(self, mode: str) -> list[dict[str, Any]]:
        """Scores of the candidates in a mode."""
        return score_candidates(
            self.model,
            self.directions,
            self.validation[HARMFUL],
            self.validation[HARMLESS],
            self.tokens,
            positions=self.sizes.positions,
            layers=self.sizes.layers,
            mode=mode,
            means=self.means_of(mode),
        )

    def means_of(self, mode: str) -> PlaceMeans | None:
        return self.means if mode == "centred" else None

    def compared(self) -> Iterator[dict[str, Any]]:
        """One row for each way: what was chosen, and what became of the replies."""
        yield {"way": "no intervention", **self.measure([nullcontext])}
        for mode in self.sizes.modes:
            table = self.table(mode)
            yield from self._chosen(mode, table, RULES["polyrefuse"])
            loose = RULES["polyrefuse"].with_max_kl(LOOSE_KL)
            yield from self._chosen(mode, table, loose)
            asked = coherence_prompts(self.validation[HARMFUL], self.validation[HARMLESS])
            careful = loose.with_min_coherent(MIN_COHERENT)
            spoken = with_coherence(self.model, self.directions, table, careful, asked, mode, self.means_of(mode))
            best = yield from self._chosen(mode, spoken, careful)
            place = best or select_direction(table, self.model.n_layers, Rule("any", 1e9, -1e9))
            if place is not None:
                yield from self._controls(mode, place)
        yield from self._erasures()
        yield from self._other_extractors(place)

    def _chosen(self, mode: str, table: list[dict[str, Any]], rule: Rule) -> Iterator[dict[str, Any]]:
        way = f"{mode}: {rule.name}"
        chosen = select_direction(table, self.model.n_layers, rule)
        if chosen is None:
            yield {"way": way, "chosen": None}
            return None
        place = mode, chosen["position"], chosen["layer"]
        if place not in self.measured:  # rules often choose the same
            self.measured[place] = self.measure([self._ablation(mode, self._at(chosen))])
        yield {"way": way, "chosen": chosen, **self.measured[place]}
        return chosen

    def _controls(self, mode: str, place: dict[str, Any]) -> Iterator[dict[str, Any]]:
        harmful, harmless = (self.taken[label][:, place["position"], place["layer"]] for label in (HARMFUL, HARMLESS))
        drawn = draw_controls(self._at(place), harmful, harmless, "laboratory:en", self.sizes.draws)
        for kind, vectors in drawn.items():
            yield {
                "way": f"{mode}: control, {kind}",
                "draws": len(vectors),
                **self.measure([self._ablation(mode, vector) for vector in vectors]),
            }

    def _erasures(self) -> Iterator[dict[str, Any]]:
        """The English classes' difference at the last position erased at every layer, and its control."""
        own = self.directions[-1]
        drawn = draw_shuffled(
            *(self.taken[label][:, -1] for label in (HARMFUL, HARMLESS)), "laboratory", self.sizes.draws
        )
        others = [code for code in self.sizes.languages if code != "en"]
        elsewhere = [text for code in others for text in texts(code, "train", HARMLESS)[: self.sizes.train // 2]]
        fitted = fit_erasures(self.model, self.train[HARMFUL], self.train[HARMLESS], [own, *drawn], elsewhere)
        yield {"way": "erasure", **self.measure([partial(erase, self.model, fitted[0])])}
        controls = [partial(erase, self.model, erasure) for erasure in fitted[1:]]
        yield {"way": "erasure: control, shuffled", "draws": len(controls), **self.measure(controls)}

    def _other_extractors(self, best: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Compared in centred mode, at the place of its choice."""
        validation = self.validation[HARMFUL], self.validation[HARMLESS]
        candidates = all_candidates(self.directions, self.sizes.positions, self.sizes.layers)
        scored = cosmic_table(self.model, self.directions, *validation, candidates, "centred", self.means)
        if (choice := cosmic_choice(scored)) is not None:
            measured = self.measure([self._ablation("centred", self._at(choice))])
            yield {"way": "centred: COSMIC's choice", "chosen": choice, **measured}
        if best is None:
            return
        position, layer = best["position"], best["layer"]
        own = self.directions[position]
        yield {
            "way": "centred: each layer its own direction",
            **self.measure([partial(ablate_by_layer, self.model, own, self.means)]),
        }
        same = self.directions[position, layer].expand(self.model.n_layers, -1)
        yield {
            "way": "centred: each layer the chosen layer's direction",
            **self.measure([partial(ablate_by_layer, self.model, same, self.means)]),
        }
        at = [self.taken[label][:, position, layer] for label in (HARMFUL, HARMLESS)]
        components = principal_directions(at[0], at[1], COMPONENTS)
        for count in range(1, COMPONENTS + 1):
            span = partial(ablate_all, self.model, components[:count], "centred", self.means)
            yield {"way": f"centred: {count} principal component{'s' * (count > 1)}", **self.measure([span])}
        yield from self.cone(position, layer)

    def cone(self, position: int, layer: int) -> Iterator[dict[str, Any]]:
        """A cone that begins at the difference in means of a place, measured at its edges and between them."""
        asked = self.train[HARMFUL], self.train[HARMLESS]
        start = self.directions[position, layer]
        how = Descent(steps=self.sizes.cone_steps, batch=min(self.sizes.cone_batch, self.sizes.train))
        (first, second), _ = refusal_cone(self.model, start, layer, *asked, self.tokens, how, "centred", self.means)
        for name, vector in (("first edge", first), ("second edge", second), ("between both", first + second)):
            yield {"way": f"centred: cone by gradient, {name}", **self.measure([self._ablation("centred", vector)])}

    def _at(self, place: dict[str, Any]) -> Tensor:
        return self.directions[place["position"], place["layer"]]

    def _ablation(self, mode: str, direction: Tensor) -> Context:
        return partial(ablate, self.model, direction, mode, self.means_of(mode))

    def measure(self, interventions: Sequence[Context]) -> dict[str, Any]:
        """Shares of outcomes by language; prompts take the interventions in turn, and shares get their range over
        them."""
        found: dict[str, Any] = {}
        for language in self.sizes.languages:
            asked = texts(language, "test", HARMFUL)[: self.sizes.test]
            by_draw = []
            for turn, intervention in enumerate(interventions):
                if part := asked[turn :: len(interventions)]:
                    with intervention():
                        said = generate(self.model, part, max_new_tokens=self.sizes.tokens)
                    by_draw.append(_outcomes([reply.text for reply in said], language))
            found[language] = _shares(by_draw)
        return {"languages": found}


def texts(language: str, split: str, label: str) -> list[str]:
    """The demo's seed prompts."""
    prompts = seed_texts(language).prompts
    return [prompts[seed.key] for seed in seed_prompts() if seed.split == split and seed.label == label]


def _outcomes(replies: Sequence[str], language: str) -> list[str]:
    verdicts = judge_replies(replies, language)
    return [
        "refused" if verdict.refusal else "coherent" if is_coherent(reply) else "degenerate"
        for reply, verdict in zip(replies, verdicts, strict=True)
    ]


def _shares(by_draw: Sequence[Sequence[str]]) -> dict[str, Any]:
    every = [outcome for outcomes in by_draw for outcome in outcomes]
    shares: dict[str, Any] = {"n": len(every)}
    for name in ("refused", "coherent", "degenerate"):
        shares[name] = every.count(name) / len(every)
        if len(by_draw) > 1:
            drawn = [outcomes.count(name) / len(outcomes) for outcomes in by_draw]
            shares[f"{name}_range"] = [min(drawn), max(drawn)]
    return shares


def markdown(rows: Sequence[dict[str, Any]], languages: Sequence[str]) -> str:
    """The table of docs/notebook/real-models.md: refused / coherent / degenerate."""
    lines = [f"| | layer | {' | '.join(languages)} |", f"|---|---|{'---|' * len(languages)}"]
    for row in rows:
        chosen = row.get("chosen")
        layer = f"{chosen['layer']} ({chosen['position']})" if chosen else ""
        cells = [_cell(row["languages"][code]) for code in languages] if "languages" in row else ["nothing passes"]
        lines.append(f"| {row['way']} | {layer} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(shares: dict[str, Any]) -> str:
    text = " / ".join(f"{shares[name]:.2f}" for name in ("refused", "coherent", "degenerate"))
    if "degenerate_range" not in shares:
        return text
    low, high = shares["degenerate_range"]
    return f"{text} (degenerate {low:.2f} to {high:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model's folder, GGUF file or id")
    parser.add_argument("--languages", default="en,de")
    for name in ("train", "validation", "test", "tokens", "draws", "cone_steps", "cone_batch"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Sizes, name))
    parser.add_argument("--cone-at", type=int, nargs=2, metavar=("POSITION", "LAYER"), help="measure the cone alone")
    parser.add_argument("--modes", nargs="+", default=list(ABLATION_MODES), choices=ABLATION_MODES)
    parser.add_argument("--positions", type=int, nargs="*")
    parser.add_argument("--layers", type=int, nargs="*")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    given = vars(parser.parse_args())
    name, dtype, device, out, cone = (given.pop(option) for option in ("model", "dtype", "device", "out", "cone_at"))
    sizes = Sizes(**{**given, "languages": given["languages"].split(",")})
    start = time.process_time()
    laboratory = Laboratory(ChatModel.load(name, dtype=dtype, device=device), sizes)
    rows = []
    for row in laboratory.cone(*cone) if cone else laboratory.compared():
        rows.append(row)
        print(markdown([row], sizes.languages).splitlines()[-1], flush=True)
        if out:
            seconds = round(time.process_time() - start)
            about = {"model": name, "dtype": dtype, "date": date.today().isoformat(), "machine": platform.machine()}
            result = {**about, "processor_seconds": seconds, "sizes": vars(sizes), "rows": rows}
            out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(markdown(rows, sizes.languages))


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
