"""The type of engines: they take items through stages, wherever that is, and know nothing of what stages do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Stage:
    """One step for every item.

    `work` takes an item and returns the item for the next stage. It can be pickled, and opens heavy resources on first
    use. A stage that `keeps_state` (a model in memory, connections) is held by few workers for a long time and called
    repeatedly; any other may run in any process at any time, and again if its worker died.
    """

    name: str
    work: Callable[[Any], Any]
    keeps_state: bool


class Engine(AbstractContextManager["Engine"], Protocol):
    """Where stages run. Entering the context starts what it needs, leaving it stops that."""

    def share(self, make: Callable[[], Thing]) -> Thing:
        """One object for all workers, made by `make`: a journal, a rate limit. It behaves like the object itself."""
        ...

    def run(self, stages: Sequence[Stage], items: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield every item after its last stage, in the order in which they are ready; few are in memory at a time.

        An error in a stage is raised here, after the workers have stopped. Raises EngineError if workers keep dying.
        """
        ...
