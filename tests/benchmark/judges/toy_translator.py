"""A translator of the toy world's replies, sentence by sentence, that counts what it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from polyrefuse_data.translation import Failure, Pair, Request, Result, Translation, Units
from tests.benchmark.conftest import WORLD

ENGLISH = {
    getattr(words, kind): getattr(WORLD["en"], kind) for words in WORLD.values() for kind in ("refusal", "answer")
}
asked: list[str] = []
fails: dict[str, Failure] = {}


class Toy:
    """`version` is a key of the config."""

    units = Units(max_chars=60, sentences=True)

    def __init__(self, version: str = "1") -> None:
        self.name = f"toy:{version}"
        self.settings: dict[str, Any] = {"engine": "toy", "version": version}

    def prepare(self, pairs: Iterable[Pair]) -> None:
        assert all(pair.target.code == "en" for pair in pairs)

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [[index] for index in range(len(requests))]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            asked.extend(request.text for request in batch)
            if os.environ.get("TOY_STOPS_AFTER") and len(asked) > int(os.environ["TOY_STOPS_AFTER"]):
                raise KeyboardInterrupt
            yield number, [self._answer(request.text) for request in batch]

    def close(self) -> None:
        """Nothing to free."""

    def _answer(self, text: str) -> Result:
        return fails.get(text) or Translation(ENGLISH.get(text, f"English of {text}"))
