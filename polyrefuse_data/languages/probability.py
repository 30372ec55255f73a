"""probability.toml of a language pack: what each score says about a row being good, in nats.

Curves are fitted (quality/probability/fit.py), not written by hand. Those of the English pack hold for every language;
a language's own table adds curves that need its own numbers (lengths), and calibrates the sum for its rows.
"""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field, model_validator

from polyrefuse_data.languages.traits import Section


class Curve(Section):
    """Log-odds at some values of a score, straight lines between them, and level beyond."""

    at: tuple[float, ...] = Field(min_length=1)
    nats: tuple[float, ...]

    @model_validator(mode="after")
    def _is_a_curve(self) -> Curve:
        if len(self.at) != len(self.nats):
            raise ValueError(f"{len(self.at)} values in `at`, but {len(self.nats)} in `nats`")
        if any(left >= right for left, right in pairwise(self.at)):
            raise ValueError("the values in `at` do not increase")
        return self


class ProbabilityTable(Section):
    """The whole of probability.toml: log-odds = intercept + slope * (sum of the curves), `curves` by score."""

    source: str = Field(min_length=1)
    intercept: float
    slope: float = Field(gt=0)
    curves: dict[str, Curve] = Field(default_factory=dict)
