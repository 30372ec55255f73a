"""What a run may still spend on an endpoint: kept to before a request is sent, not noticed after it."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True)
class Prices:
    """US dollars for a million tokens, there and back."""

    sent: float
    received: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        return (self.sent * input_tokens + self.received * output_tokens) / 1e6


class Budget:
    """A limit shared by all requests that are under way. Each reserves the most that it can cost, and gives back what
    it did not take."""

    def __init__(self, limit: float | None, spent: float) -> None:
        self._limit = limit
        self._taken = spent
        self._lock = threading.Lock()

    def reserve(self, most: float) -> bool:
        """Whether a request that costs so much at most may be sent."""
        with self._lock:
            if self._limit is not None and self._taken + most > self._limit:
                return False
            self._taken += most
            return True

    def settle(self, most: float, cost: float) -> None:
        """A request for which `most` was reserved has cost this."""
        with self._lock:
            self._taken += cost - most
