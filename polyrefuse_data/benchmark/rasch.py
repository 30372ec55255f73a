"""A Rasch model of yes-or-no outcomes of the same prompts in several languages, by penalised marginal likelihood.

    logit P(prompt i, language j) = level_j + slope * doubt_ij + hardness_i,    hardness_i ~ N(0, spread^2)

`hardness` is integrated out by Gauss-Hermite quadrature, so that languages and spread are estimated without the bias of
estimating every prompt with them (Bock and Aitkin 1981). Weak normal priors keep a language finite in which everything
or nothing happens. Numbers only: what they are of is `item_response`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()

# Standard deviations of the priors, in logits: a level of 8 is one in 3,000, a slope of 2 seven times the odds.
_LEVEL_PRIOR, _SLOPE_PRIOR, _LOG_SPREAD_PRIOR = 4.0, 2.0, 1.0

_STEPS, _ENOUGH = 200, 1e-7
_WIDTH = 1e-4  # of the differences that give second derivatives


@dataclass(frozen=True)
class Fit:
    """Estimates, in logits, with their covariance: levels, then the slope (if `doubt` was given), then log(spread)."""

    parameters: Array
    covariance: Array
    languages: int
    hardness: Array  # mean of each prompt's hardness, given its outcomes
    hardness_error: Array
    expected: Array  # [prompts, languages]: probability of each outcome, given all of its prompt

    @property
    def levels(self) -> Array:
        return self.parameters[: self.languages]

    @property
    def slope(self) -> float | None:
        return float(self.parameters[self.languages]) if len(self.parameters) > self.languages + 1 else None

    @property
    def spread(self) -> float:
        return float(np.exp(self.parameters[-1]))

    @property
    def errors(self) -> Array:
        return np.sqrt(np.diag(self.covariance))

    def draws(self, count: int, seed: int) -> Array:
        """Parameters drawn from their normal approximation, for intervals of what is computed from them."""
        generator = np.random.default_rng(seed)
        drawn: Array = generator.multivariate_normal(self.parameters, self.covariance, size=count)
        return drawn


def fit(outcomes: Array, doubt: Array | None = None) -> Fit:
    """Fit outcomes [prompts, languages] of 0 and 1, NaN where there is none; `doubt` is a covariate of the same
    shape."""
    model = _Model(outcomes, doubt)
    theta: Array = model.start()
    value, slope, outer = model.evaluate(theta)
    damping = 1e-3
    for _ in range(_STEPS):
        step = np.linalg.solve(outer + damping * np.eye(len(theta)), slope)
        better, further, product = model.evaluate(theta + step)
        if better >= value:
            theta, gain, value, slope, outer = theta + step, better - value, better, further, product
            damping = max(damping / 10, 1e-9)
            if gain < _ENOUGH:
                break
        else:
            damping *= 10
    covariance = np.asarray(np.linalg.inv(model.curvature(theta)), dtype=np.float64)
    posterior, chances = model.posterior(theta)
    spread = float(np.exp(theta[-1]))
    hardness: Array = spread * (posterior @ _NODES)
    error = np.sqrt(np.maximum(0.0, spread**2 * posterior @ _NODES**2 - hardness**2))
    expected = np.einsum("iq,ijq->ij", posterior, chances)
    return Fit(theta, covariance, outcomes.shape[1], hardness, error, expected)


class _Model:
    """The penalised log-likelihood of some outcomes, and its derivatives."""

    def __init__(self, outcomes: Array, doubt: Array | None) -> None:
        self._known = ~np.isnan(outcomes)
        self._outcomes = np.where(self._known, outcomes, 0.0)
        self._doubt = doubt
        languages = outcomes.shape[1]
        slopes = [] if doubt is None else [_SLOPE_PRIOR]
        self._priors = np.array([*[_LEVEL_PRIOR] * languages, *slopes, _LOG_SPREAD_PRIOR])

    def start(self) -> Array:
        counts = self._known.sum(0)
        rates = (self._outcomes.sum(0) + 0.5) / (counts + 1)
        theta = np.zeros(len(self._priors))
        theta[: len(rates)] = np.log(rates / (1 - rates))
        return theta

    def posterior(self, theta: Array) -> tuple[Array, Array]:
        """Weights of the nodes for each prompt, and chances [prompts, languages, nodes]."""
        logits = self._logits(theta)
        return self._weights(logits)[0], _chance(logits)

    def evaluate(self, theta: Array) -> tuple[float, Array, Array]:
        """The value, its gradient, and the sum over prompts of their gradients' outer products, which is near minus
        the second derivatives and costs nothing (Berndt, Hall, Hall and Hausman 1974)."""
        logits = self._logits(theta)
        weights, total = self._weights(logits)
        missed = np.where(self._known[:, :, None], self._outcomes[:, :, None] - _chance(logits), 0.0)
        by_cell = np.einsum("iq,ijq->ij", weights, missed)
        parts = [by_cell]
        if self._doubt is not None:
            parts.append((by_cell * self._doubt).sum(1, keepdims=True))
        parts.append(np.exp(theta[-1]) * (weights * missed.sum(1)) @ _NODES[:, None])
        by_prompt = np.concatenate(parts, axis=1)
        outer = by_prompt.T @ by_prompt + np.diag(self._priors**-2)
        gradient = by_prompt.sum(0) - theta / self._priors**2
        return total - float((theta**2 / self._priors**2).sum() / 2), gradient, outer

    def curvature(self, theta: Array) -> Array:
        """Minus the second derivatives, by central differences of the gradient."""
        rows = []
        for step in _WIDTH * np.eye(len(theta)):
            rows.append((self.evaluate(theta - step)[1] - self.evaluate(theta + step)[1]) / (2 * _WIDTH))
        found = np.array(rows)
        symmetric: Array = (found + found.T) / 2
        return symmetric

    def _logits(self, theta: Array) -> Array:
        languages = self._known.shape[1]
        fixed = theta[:languages][None, :]
        if self._doubt is not None:
            fixed = fixed + theta[languages] * self._doubt
        logits: Array = np.broadcast_to(fixed, self._known.shape)[:, :, None] + np.exp(theta[-1]) * _NODES
        return logits

    def _weights(self, logits: Array) -> tuple[Array, float]:
        """Posterior weights of the nodes for each prompt, and the log-likelihood."""
        signed = np.where(self._outcomes[:, :, None] > 0, logits, -logits)
        logs = np.where(self._known[:, :, None], -np.logaddexp(0.0, -signed), 0.0).sum(1) + np.log(_WEIGHTS)
        most = logs.max(1, keepdims=True)
        weights = np.exp(logs - most)
        total = weights.sum(1, keepdims=True)
        return weights / total, float((np.log(total) + most).sum())


def _chance(logits: Array) -> Array:
    chance: Array = 1 / (1 + np.exp(-logits))
    return chance
