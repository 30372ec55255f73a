"""Opinions that an endpoint was asked for, kept as they come: a run that is stopped asks again for nothing it has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.appended_lines import open_to_append
from polyrefuse_data.system.input_files import read_input, reason

_TOKENS = ("input_tokens", "output_tokens")
_USAGE = (*_TOKENS, "cost_usd")


class KeptOpinions:
    """The journal of a run, one JSON object a line, by what was asked of whom. One writer: the folder is locked."""

    def __init__(self, path: Path) -> None:
        self.known = {line["key"]: Opinion(**line["opinion"]) for line in _read(path) if line["key"]}
        self._file = open_to_append(path)

    def add(self, key: str, opinion: Opinion, usage: Mapping[str, float]) -> None:
        """Keep an opinion, and how many tokens it took: on the disk before this returns."""
        self.known[key] = opinion
        self._write({"key": key, "opinion": asdict(opinion)}, usage)

    def add_without_opinion(self, usage: Mapping[str, float]) -> None:
        """Keep what was paid for answers that make no opinion yet."""
        self._write({"key": "", "opinion": None}, usage)

    def _write(self, said: dict[str, Any], usage: Mapping[str, float]) -> None:
        line = said | {name: usage.get(name) for name in _USAGE}
        self._file.write(json.dumps(line, ensure_ascii=True).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@contextmanager
def kept_in(path: Path | None) -> Iterator[KeptOpinions | None]:
    """The journal at a path; None without one."""
    if path is None:
        yield None
        return
    kept = KeptOpinions(path)
    try:
        yield kept
    finally:
        kept.close()


def judge_usage(path: Path) -> dict[str, float] | None:
    """What the opinions of a run took in all, as far as servers said, in US dollars where prices are known;
    None where no endpoint was asked."""
    lines = _read(path)
    counts = {name: int(sum(line.get(name) or 0 for line in lines)) for name in _TOKENS}
    paid = [line["cost_usd"] for line in lines if line.get("cost_usd") is not None]
    opinions = sum(bool(line["key"]) for line in lines)
    return {"opinions": opinions, **counts, **({"cost_usd": sum(paid)} if paid else {})} if lines else None


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in read_input(path).split(b"\n")[:-1]]
        [Opinion(**line["opinion"]) for line in lines if line["key"]]
        return lines
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ConfigError(
            f"{path} is not a journal of opinions ({reason(error)}): delete it; the run requests those verdicts again"
        ) from error
