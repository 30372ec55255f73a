"""What an engine is: it takes items through stages, wherever that is, and knows nothing of what the stages do."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Stage:
    """One step of the way of every item.

    `work` takes an item and gives the item of the next stage; it can be pickled, and opens what is heavy when first
    called. One that `keeps_state` (a model in memory, connections) is held by few workers for long and called again and
    again; any other may run in any process at any time, and again where its worker died.
    """

    name: str
    work: Callable[[Any], Any]
    keeps_state: bool


class Engine(AbstractContextManager["Engine"], Protocol):
    """Where stages run. Entering it starts what it needs, leaving it stops it."""

    def share(self, make: Callable[[], Thing]) -> Thing:
        """One object for all workers, made by `make`: a journal, a rate limit. It behaves like the object itself."""
        ...

    def run(self, stages: Sequence[Stage], items: Iterable[Any]) -> Generator[Any, None, None]:
        """Yield every item after its last stage, whichever is ready first; few are in memory at a time.

        An error that a stage raises is raised here, after the workers have stopped. Raises EngineError where workers
        die again and again.
        """
        ...
