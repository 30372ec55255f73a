"""Faults that the double answers with in place of, or after, the real work."""

from __future__ import annotations

import threading

# cut_before: the connection is cut with nothing done; cut_after: the work is done, the answer never arrives.
# echo: the error repeats the token; redirect: to an address with the token in it, which fails.
# cut_half: half of the answer arrives; stall: half of it arrives, and then nothing more; corrupt: one byte of it is
# another. page: a proxy answers with a page of its own, and nothing is done; object: with an empty JSON object.
KINDS = ("500", "cut_before", "cut_after", "401", "403", "409", "412", "429", "slow", "echo", "redirect")
KINDS += ("cut_half", "corrupt", "stall", "page", "object")


class Faults:
    """Counts requests since the last `reset` and says which of them goes wrong, and how."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[int, str] = {}
        self._of: dict[str, list[str]] = {}
        self._always: str | None = None
        self.requests: list[str] = []
        self.fired: list[str] = []

    def reset(self) -> None:
        with self._lock:
            self._planned, self._of, self._always, self.requests, self.fired = {}, {}, None, [], []

    def at(self, number: int, kind: str) -> None:
        """The request with this number (the first is 0) since the last reset goes wrong."""
        assert kind in KINDS
        self._planned[number] = kind

    def of(self, request: str, *kinds: str) -> None:
        """The next requests that end so go wrong, one after the other in these ways."""
        assert set(kinds) <= set(KINDS)
        self._of[request] = list(kinds)

    def from_now_on(self, kind: str) -> None:
        """Every request goes wrong."""
        assert kind in KINDS
        self._always = kind

    def next(self, request: str) -> str | None:
        """What goes wrong with this request."""
        with self._lock:
            kind = self._planned.get(len(self.requests), self._always)
            for end, kinds in self._of.items():
                if kinds and request.endswith(end):
                    kind = kinds.pop(0)
            self.requests.append(request)
            if kind:
                self.fired.append(f"{kind} at {request}")
            return kind
