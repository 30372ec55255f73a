"""Requests and tokens a minute, on a clock of the tests' own; and who shares them."""

from __future__ import annotations

import pytest

from polyrefuse_data.config import TranslationConfig
from polyrefuse_data.endpoints import limits
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.openai import OpenAITranslator


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(limits.time, "monotonic", lambda: self.now)

    def run(self, limited: RateLimits, tokens: list[int]) -> list[float]:
        """Seconds from now after which each of many requests, all there at once, may be sent."""
        return [limited.reserve(amount) for amount in tokens]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_requests_of_many_callers_are_spread_over_the_minute(clock: Clock) -> None:
    granted = clock.run(RateLimits(60, None), [1] * 30)  # one a second after the first five
    assert granted[:5] == [0.0] * 5
    assert granted[5:] == pytest.approx(range(1, 26))


def test_tokens_are_spread_too_and_more_than_fits_waits_for_a_full_bucket(clock: Clock) -> None:
    granted = clock.run(RateLimits(None, 6000), [500, 250, 250, 1000])  # 100 a second after the first 500
    assert granted == pytest.approx([0.0, 2.5, 5.0, 10.0])


def test_what_was_not_used_is_given_back_and_what_was_used_besides_is_owed(clock: Clock) -> None:
    limited = RateLimits(None, 6000)
    clock.run(limited, [500])
    limited.correct(500, 200)
    assert clock.run(limited, [300]) == [0.0]
    limited.correct(300, 800)
    assert clock.run(limited, [100]) == pytest.approx([6.0])


def test_what_comes_back_with_time_is_the_rate_and_no_more_than_the_burst(clock: Clock) -> None:
    limited = RateLimits(60, None)
    assert clock.run(limited, [1] * 6)[-1] == pytest.approx(1.0)
    clock.now += 3600
    assert clock.run(limited, [1] * 6) == pytest.approx([0.0] * 5 + [1.0])


def test_a_pause_holds_back_everybody(clock: Clock) -> None:
    limited = RateLimits(None, None)
    limited.pause(30)
    assert clock.run(limited, [1, 1]) == pytest.approx([30.0, 30.0])
    clock.now += 20
    assert limited.paused() == pytest.approx(10.0)
    clock.now += 20
    assert limited.paused() == 0.0


def test_backends_of_one_model_keep_the_stricter_limits_together() -> None:
    """The same model with another time-out is another backend, and the API counts what both ask."""
    model = {"engine": "openai", "model": "m", "requests_per_minute": 600, "tokens_per_minute": 9000}
    other = {**model, "timeout_seconds": 5, "requests_per_minute": 60, "tokens_per_minute": None}
    config = {"backends": [{**model, "candidates": 2}, {**model, "model": "n"}], "back_translation": other}
    chain = open_chain(TranslationConfig.model_validate(config))
    first, candidates, elsewhere, back = [step.translator for step in (*chain.steps, chain.back[0])]
    assert isinstance(first, OpenAITranslator)
    assert isinstance(candidates, OpenAITranslator)
    assert isinstance(elsewhere, OpenAITranslator)
    assert isinstance(back, OpenAITranslator)
    assert first.limits is candidates.limits is back.limits
    assert first.limits is not elsewhere.limits
    assert first.limits._per_minute == (60, 9000)


def test_the_stricter_limits_hold(clock: Clock) -> None:
    limited = RateLimits(6000, None)
    limited.tighten(RateLimits(60, 600))
    assert clock.run(limited, [1] * 7) == pytest.approx([0.0] * 5 + [1.0, 2.0])
