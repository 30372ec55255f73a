"""Selection of the refusal direction among candidates, by the reference pipeline's rule or the paper's.

Both drop candidates with NaN scores and those in the last fifth of the layers, then take the one with the lowest
refusal score. Sources: Arditi et al. 2024, appendix C; arXiv 2505.17306, section 3.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from polyrefuse_data import plugins
from polyrefuse_data.errors import ConfigError

LAYER_FRACTION = 0.8  # layers from int(0.8 L) on are dropped: too close to the output tokens

SCORES = ("refusal_score", "steering_score", "kl_div_score")

# Why a candidate is dropped, in the order of the tests.
REASONS = ("nan", "zero", "layer", "kl", "steering", "coherence", "untried")
PASSES = "passes"
REASON_NAMES = {  # how reports count them
    "nan": "without a score",
    "zero": "of norm zero",
    "layer": "by layer",
    "kl": "by KL",
    "steering": "by steering",
    "coherence": "by incoherent replies",
    "untried": "untried, after those incoherent ones",
    PASSES: "let through",
}


# A candidate this short is rounding, not a direction: a template token whose context is the same in every prompt.
MIN_NORM = 1e-6

Row = TypeVar("Row", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Rule:
    """The bounds of a rule: the highest KL on harmless prompts, the lowest refusal score when added, and the lowest
    share of coherent replies when ablated (0 asks for no replies)."""

    name: str
    max_kl: float
    min_steering: float = -math.inf
    min_coherent: float = 0.0

    def with_max_kl(self, max_kl: float | None) -> Rule:
        """The rule with another KL bound, which becomes part of its name; unchanged for None."""
        return self if max_kl is None else replace(self, name=f"{self.name} with KL up to {max_kl:g}", max_kl=max_kl)

    def with_min_coherent(self, share: float | None) -> Rule:
        """The same with another bound on coherent replies."""
        named = f"{self.name} with {share:.0%} coherent" if share is not None else self.name
        return self if share is None else replace(self, name=named, min_coherent=share)


RULES: dict[str, Rule] = {
    "arditi": Rule("arditi", max_kl=0.1, min_steering=0.0),
    "polyrefuse": Rule("polyrefuse", max_kl=0.2),
}


def rule_of(rule: str | Rule) -> Rule:
    """A rule by name; a Rule is returned unchanged. A plug-in's rule takes the name under which it was found. Raises
    ConfigError for an unknown name, PluginError if a plug-in is not a Rule."""
    if isinstance(rule, Rule):
        return rule
    if rule in RULES:
        return RULES[rule]
    plugin = plugins.find(plugins.RULES, rule)
    if plugin is None:
        names = [*RULES, *plugins.installed(plugins.RULES)]
        raise ConfigError(f"selection rule {rule!r} is unknown: use {' or '.join(names)}, or a plug-in, module:NAME")
    found: Rule = plugin.of_kind(Rule, "a polyrefuse_data.benchmark.Rule")
    return replace(found, name=plugin.origin)


def layer_limit(n_layers: int) -> int:
    """The first layer that is excluded: candidates come from lower layers."""
    return int(LAYER_FRACTION * n_layers)


def why_dropped(candidate: Mapping[str, Any], n_layers: int, rule: str | Rule) -> str | None:
    """Why a rule drops a candidate; None if it accepts it."""
    limits = rule_of(rule)
    if any(math.isnan(candidate[score]) for score in SCORES):
        return "nan"
    if candidate.get("norm", math.inf) < MIN_NORM:
        return "zero"
    if candidate["layer"] >= layer_limit(n_layers):
        return "layer"
    if candidate["kl_div_score"] > limits.max_kl:
        return "kl"
    if candidate["steering_score"] < limits.min_steering:
        return "steering"
    if limits.min_coherent > 0:
        share = candidate.get("coherent_share", 1.0)  # not looked at where another candidate is the choice
        if share is None:
            return "untried"
        if share < limits.min_coherent:
            return "coherence"
    return None


def explain_selection(
    candidates: Iterable[Mapping[str, Any]], n_layers: int, rule: str | Rule = "arditi"
) -> dict[str, int]:
    """How many candidates a rule drops, by the first reason that applies, and how many it accepts."""
    counts = Counter(why_dropped(candidate, n_layers, rule) or PASSES for candidate in candidates)
    return {reason: counts[reason] for reason in (*REASONS, PASSES) if counts[reason]}


def select_direction(
    candidates: Iterable[Mapping[str, Any]], n_layers: int, rule: str | Rule = "arditi"
) -> dict[str, Any] | None:
    """The candidate with the lowest refusal score among those that the rule accepts; None if there are none.

    `rule` is "arditi", "polyrefuse", a plug-in or a `Rule`. Ties go to the earlier layer, then the earlier position, so
    the order of `candidates` does not matter.
    """
    ranked = ranking(candidates, n_layers, rule)
    return dict(ranked[0]) if ranked else None


def ranking(candidates: Iterable[Row], n_layers: int, rule: str | Rule = "arditi") -> list[Row]:
    """The candidates that a rule accepts, the best first."""
    passed = [candidate for candidate in candidates if why_dropped(candidate, n_layers, rule) is None]
    return best_first(passed)


def best_first(candidates: Iterable[Row]) -> list[Row]:
    """Candidates by refusal score under ablation; ties go to the earlier layer, then the earlier position."""
    return sorted(candidates, key=lambda c: (c["refusal_score"], c["layer"], c["position"]))
