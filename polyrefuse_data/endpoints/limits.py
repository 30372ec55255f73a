"""Limits on requests and tokens per minute, shared by everything that a run asks of one API."""

from __future__ import annotations

import threading
import time

_MINUTE = 60.0

# What may be sent at once after a quiet time, as a share of a minute's allowance: were it the whole of it, the first
# minute would send twice what is allowed.
_BURST = 5 / _MINUTE


class RateLimits:
    """Two token buckets, and a pause requested by the server. Nothing waits in here; callers are told how long to
    wait."""

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        self._lock = threading.Lock()
        self._hold(requests_per_minute, tokens_per_minute)
        self._paused_until = 0.0

    def __reduce__(self) -> tuple[type[RateLimits], tuple[int | None, ...]]:
        return RateLimits, self._per_minute

    def tighten(self, other: RateLimits) -> None:
        """Adopt the stricter limits of the two, from the first request on."""
        self._hold(*map(_stricter, self._per_minute, other._per_minute))

    def reserve(self, tokens: int) -> float:
        """Count a request of about `tokens` tokens. Returns the seconds to wait before sending it."""
        amounts = 1, tokens
        with self._lock:
            wait = max(bucket.wait(amount) for bucket, amount in zip(self._buckets, amounts, strict=True))
            for bucket, amount in zip(self._buckets, amounts, strict=True):
                bucket.take(amount)
        return max(wait, self.paused())

    def correct(self, estimated_tokens: int, used_tokens: int) -> None:
        """Replace the estimated tokens of a request by those it used."""
        with self._lock:
            self._buckets[1].take(used_tokens - estimated_tokens)

    def pause(self, seconds: float) -> None:
        """Send nothing for `seconds`, as the server asked."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def paused(self) -> float:
        """Remaining seconds of the pause. Ask again after any wait, because a pause may have begun meanwhile."""
        return max(self._paused_until - time.monotonic(), 0.0)

    def _hold(self, *per_minute: int | None) -> None:
        self._per_minute = per_minute
        self._buckets = [_Bucket(rate) for rate in per_minute]


def _stricter(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


class _Bucket:
    """A token bucket that fills evenly, up to the burst; no limit if `per_minute` is None."""

    def __init__(self, per_minute: int | None) -> None:
        self._rate = None if per_minute is None else per_minute / _MINUTE
        self._size = max((per_minute or 0) * _BURST, 1.0)
        self._level = self._size
        self._filled = time.monotonic()

    def wait(self, amount: float) -> float:
        """Seconds until `amount` is available. More than the bucket holds waits for a full bucket, not for ever."""
        if self._rate is None:
            return 0.0
        self._fill(self._rate)
        return max((min(amount, self._size) - self._level) / self._rate, 0.0)

    def take(self, amount: float) -> None:
        """Take an amount. The bucket may go into debt, and the next one waits longer."""
        if self._rate is not None:
            self._fill(self._rate)
            self._level = min(self._level - amount, self._size)

    def _fill(self, rate: float) -> None:
        now = time.monotonic()
        self._level = min(self._level + (now - self._filled) * rate, self._size)
        self._filled = now
