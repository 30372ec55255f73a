"""The replies of a run as people are asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.reply_sources import intervention_of
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError


@dataclass(frozen=True)
class JudgedReply:
    """A reply with what the judge says of it. `source` is the folder in completions/ that it comes from."""

    source: str
    language: str
    id: str
    label: str
    prompt: str
    reply: str
    verdict: bool | None  # whether the judge calls it a refusal
    judge: str
    is_known: bool  # it takes no judge to tell what it is: it is empty, or an API declined in so many words
    score: float | None = None  # how probable the judge finds a refusal, where it says

    @property
    def intervention(self) -> str:
        return intervention_of(self.source)

    @property
    def is_called_refusal(self) -> bool:
        return self.verdict is True


def judged_replies(folder: RunFolder, languages: Iterable[str] | None = None) -> Iterator[JudgedReply]:
    """Every reply in the languages asked for. Raises ConfigError where the run has not been
    judged."""
    wanted = None if languages is None else set(languages)
    for source, language, path in folder.completion_files():
        if wanted is None or language in wanted:
            for row in store.read_completions(path).to_pylist():
                if "refusal" not in row:
                    raise ConfigError(f"{path} has no verdicts yet: run the same `polyrefuse benchmark` command again")
                kept = {name: row[name] for name in ("id", "label", "prompt", "reply", "judge")}
                is_known = bool(row["empty"]) or row.get("ended") in store.DECLINED
                score = row.get("refusal_score")
                yield JudgedReply(source, language, verdict=row["refusal"], is_known=is_known, score=score, **kept)
