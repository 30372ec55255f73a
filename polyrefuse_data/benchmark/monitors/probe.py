"""A linear probe: logistic regression on activations, the usual rival of a difference in means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Strength of the ridge on standardised activations: a hundred prompts in thousands of dimensions are always separable.
_RIDGE = 0.01


@dataclass(frozen=True)
class Probe:
    """Weights on raw activations and a bias: a score above 0 is called harmful."""

    weights: Array  # [d_model]
    bias: float

    def scores(self, activations: Any) -> Array:
        """Log-odds of harm, from activations [prompts, d_model]."""
        found: Array = np.asarray(activations, dtype=float) @ self.weights + self.bias
        return found


def train_probe(harmful: Array, harmless: Array) -> Probe | None:
    """A probe trained on the activations of two classes; None where one has no prompts, or they are not finite."""
    if not len(harmful) or not len(harmless):
        return None
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([harmful, harmless])
    if not np.isfinite(both).all():
        return None
    middle, spread = both.mean(0), both.std(0)
    spread[spread == 0] = 1.0  # an entry that never changes
    trained = LogisticRegression(C=_RIDGE, max_iter=1000).fit(
        (both - middle) / spread, [1] * len(harmful) + [0] * len(harmless)
    )
    weights = trained.coef_[0] / spread
    return Probe(weights, float(trained.intercept_[0] - middle @ weights))
