"""How well the item-response model of the benchmark finds what replies were simulated with.

    python benchmarks/item_response.py

Prints the table of docs/benchmark.md: replies of known languages, prompts and translations are drawn and fitted, and
how often the 95% intervals hold the truth is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyrefuse_data.benchmark.rasch import fit
from polyrefuse_data.benchmark.statistics import Z

SIMULATIONS = 100
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What replies are drawn with, in logits; `mean` is the level of the mean language, `range` how far from it the
    outer ones lie."""

    prompts: int
    languages: int
    mean: float = -1.5
    range: float = 1.0
    slope: float = 0.5
    spread: float = 1.5

    @property
    def levels(self) -> Array:
        return self.mean + np.linspace(-self.range, self.range, self.languages)

    def draw(self, seed: int) -> tuple[Array, Array]:
        """Outcomes and doubts, [prompts, languages]."""
        generator = np.random.default_rng(seed)
        doubt = generator.standard_normal((self.prompts, self.languages))
        hardness = self.spread * generator.standard_normal((self.prompts, 1))
        chance = 1 / (1 + np.exp(-(self.levels + self.slope * doubt + hardness)))
        return (generator.random(chance.shape) < chance).astype(float), doubt


TRUTHS = [
    Truth(24, 14),
    Truth(141, 14),
    Truth(141, 14, slope=0.0),
    Truth(141, 14, mean=-3.5),
    Truth(141, 3),
    Truth(572, 14),
    Truth(572, 14, slope=0.2, spread=0.5),
]


def coverage(truth: Truth, simulations: int = SIMULATIONS) -> dict[str, float]:
    """How often the intervals hold the levels, the slope and the spread, and the means of what was estimated."""
    held: dict[str, list[float]] = {name: [] for name in ("levels", "slope", "spread", "mean slope", "mean spread")}
    for seed in range(simulations):
        found = fit(*truth.draw(seed))
        reach = Z * found.errors
        off = np.abs(found.parameters - np.array([*truth.levels, truth.slope, np.log(truth.spread)]))
        held["levels"].append(float((off <= reach)[: truth.languages].mean()))
        held["slope"].append(float(off[-2] <= reach[-2]))
        held["spread"].append(float(off[-1] <= reach[-1]))
        held["mean slope"].append(found.slope or 0.0)
        held["mean spread"].append(found.spread)
    return {name: float(np.mean(values)) for name, values in held.items()}


def main() -> None:
    print(
        "| prompts | languages | mean level | slope | spread | levels | slope | spread | slope found | spread found |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for truth in TRUTHS:
        told = " | ".join(f"{value:.2f}" for value in coverage(truth).values())
        print(
            f"| {truth.prompts} | {truth.languages} | {truth.mean} | {truth.slope} | {truth.spread} | {told} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
