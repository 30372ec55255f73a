"""What an endpoint answered, kept as it comes: a run that is killed asks again for nothing that was paid for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.appended_lines import open_to_append
from polyrefuse_data.system.input_files import read_input, reason


@dataclass(frozen=True)
class Answered:
    """The reply to one prompt, how it ended (store.py), and what it took. `is_sampled`: the server took no temperature
    of 0, so that the reply is one of many."""

    language: str
    id: str
    reply: str
    ended: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    is_sampled: bool = False


class Answers:
    """The journal of a run, one JSON object a line. One writer: the folder is locked."""

    def __init__(self, path: Path) -> None:
        self.known = {(answer.language, answer.id): answer for answer in _read(path)}
        self._file = open_to_append(path)

    def add(self, answer: Answered) -> None:
        """Keep an answer: on the disk before this returns."""
        self.known[answer.language, answer.id] = answer
        self._file.write(json.dumps(asdict(answer), ensure_ascii=True).encode() + b"\n")
        self._file.flush()

    @property
    def spent(self) -> float:
        """US dollars of all answers so far, as far as prices are known."""
        return sum(answer.cost_usd or 0.0 for answer in self.known.values())

    def close(self) -> None:
        self._file.close()


def read_usage(path: Path) -> dict[str, Any] | None:
    """What a run's answers took in all; None where none was asked for."""
    answers = _read(path)
    return _usage(answers) if answers else None


def _usage(answers: Iterable[Answered]) -> dict[str, Any]:
    kept = list(answers)
    priced = [answer.cost_usd for answer in kept if answer.cost_usd is not None]
    return {
        "answers": len(kept),
        "input_tokens": sum(answer.input_tokens or 0 for answer in kept),
        "output_tokens": sum(answer.output_tokens or 0 for answer in kept),
        "cost_usd": sum(priced) if priced else None,
        "sampled": sum(answer.is_sampled for answer in kept),
    }


def _read(path: Path) -> list[Answered]:
    """The answers of a journal, without a last line that was never finished. Raises ConfigError for a broken one."""
    try:
        lines = read_input(path).split(b"\n")
        return [Answered(**json.loads(line)) for line in lines[:-1]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not a journal of answers ({reason(error)}): delete it; the run requests those answers again"
        ) from error
