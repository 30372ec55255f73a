"""What a build or a run may cost, kept by all of it that asks for money: nothing is asked that might exceed it."""

from __future__ import annotations

import threading

from polyrefuse_data.endpoints.workers import Line
from polyrefuse_data.errors import EndpointError

_LOOK_SECONDS = 0.1  # between two looks whether money that was set aside is free again


class Budget:
    """So many US dollars at most, of which `spent` are gone. None: no end."""

    def __init__(self, most: float | None = None, spent: float = 0.0) -> None:
        self._most = most
        self._spent = spent
        self._reserved = 0.0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Budget], tuple[float | None, float]]:
        return Budget, (self._most, self._spent)

    def reserve(self, usd: float) -> bool:
        """Before something is asked that may cost so much: whether it may be asked now, or once what is under way has
        cost less than it might. Nothing waits in here. Raises EndpointError where it would be too much then too."""
        with self._lock:
            if self._most is None or self._spent + self._reserved + usd <= self._most:
                self._reserved += usd
                return True
            if self._reserved > 0 and self._spent + usd <= self._most:
                return False
            raise EndpointError(
                f"spent ${self._spent:.4f} so far, and the next requests may exceed --max-cost {self._most:g}; the "
                "answers are kept: run again with a higher --max-cost to continue"
            )

    def reserve_in(self, line: Line, usd: float) -> None:
        """The same for a worker, which waits for what is under way. Raises EndpointError where it would be too much
        then too."""
        while not self.reserve(usd):
            line.wait(_LOOK_SECONDS)

    @property
    def is_limited(self) -> bool:
        return self._most is not None

    def settle(self, reserved: float, used: float) -> None:
        """What was reserved has cost so much."""
        with self._lock:
            self._reserved -= reserved
            self._spent += used
