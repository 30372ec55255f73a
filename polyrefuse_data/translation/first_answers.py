"""Watches a model's first answers: if none of them is a translation, it is the wrong model or asked wrongly."""

from __future__ import annotations

import logging
import threading

from polyrefuse_data.translation.base import Failure, Result

_logger = logging.getLogger(__name__)

_MANY = 20  # fewer may all be of texts that a model would not translate


class FirstAnswers:
    """Watches a model's answers until it proves useful, or useless, which is logged once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._failures: list[Failure] | None = []  # None: nothing left to watch for

    def __reduce__(self) -> tuple[type[FirstAnswers], tuple[str]]:
        return FirstAnswers, (self._name,)

    def watch(self, result: Result) -> None:
        with self._lock:
            if self._failures is None:
                return
            if not isinstance(result, Failure):
                self._failures = None
            elif not result.ask_again:  # what is no answer says nothing of the model
                self._failures.append(result)
                if len(self._failures) >= _MANY:
                    self._tell(self._failures[0])
                    self._failures = None

    def _tell(self, first: Failure) -> None:
        _logger.warning(
            "%s: none of its first %s answers is a translation; the first is %s: %s",
            self._name,
            _MANY,
            first.reason,
            first.detail,
        )
