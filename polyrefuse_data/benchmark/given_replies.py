"""A run on replies that somebody else generated: matched to the prompts of a release, judged and summed up like any."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.judges.in_english import NATIVE, judging_settings
from polyrefuse_data.benchmark.ledger import Ledger
from polyrefuse_data.benchmark.plan import claim, release_of, sorted_languages
from polyrefuse_data.benchmark.reply_files import GivenReply, read_replies
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.benchmark.translation_quality import with_p_good
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language_codes
from polyrefuse_data.languages.tags import code_of
from polyrefuse_data.rows import LABELS, as_compared
from polyrefuse_data.system.input_files import sha256_of
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

Row = Mapping[str, Any]
_SHOWN = 3  # how many unmatched replies a message names


@dataclass
class MatchedReplies:
    """Replies by language and prompt, and what became of the others. What a run folder is claimed for."""

    name: str
    dataset: dict[str, Any]
    files: list[dict[str, str]]
    judging: dict[str, Any]
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by language, as in completions/
    unmatched: list[str] = field(default_factory=list)  # where they are
    not_test: int = 0
    without_reply: dict[str, int] = field(default_factory=dict)

    is_local = False
    sources: list[str] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        return sorted_languages(self.rows)

    def record(self) -> dict[str, Any]:
        """As compared with run.json when the same replies are judged again."""
        return {
            "model_id": self.name,
            "requested_revision": None,
            "dataset": self.dataset,
            "source_languages": [],
            "languages": self.targets,
            "missing_languages": [],
            "test_prompts": {
                language: {label: [row["id"] for row in rows if row["label"] == label] for label in LABELS}
                for language, rows in sorted(self.rows.items())
            },
            "settings": {**self.judging, "replies": self.files},
        }

    def matching(self) -> dict[str, Any]:
        """How well they matched, for run.json and people."""
        return {
            "matched": sum(map(len, self.rows.values())),
            "unmatched": len(self.unmatched),
            "of_other_splits": self.not_test,
            "prompts_without_reply": self.without_reply,
        }

    def to_text(self) -> str:
        """For people: what would be judged."""
        found = self.matching()
        release = f"{self.dataset['name']} {self.dataset['version']}"
        replies = counted(found["matched"], "reply", "replies")
        lines = [f"would judge {replies} of {self.name} to {release}, with {self.judging['judge']}"]
        lines.append(
            f"  {found['unmatched']} match no prompt, {found['of_other_splits']} answer other splits than test"
        )
        for language in self.targets:
            replies = counted(len(self.rows[language]), "reply", "replies")
            missing = counted(self.without_reply.get(language, 0), "test prompt")
            lines.append(f"  {language}: {replies}, {missing} without one")
        return printable.lines(lines)

    def to_json(self) -> str:
        """For scripts: the same."""
        told = {"model": self.name, "judge": self.judging["judge"], **self.matching()}
        return json.dumps(told, ensure_ascii=False, indent=1)


def judge_run(
    replies: str | Path | Iterable[str | Path],
    dataset: str | Path,
    out: str | Path,
    *,
    judge: str = "phrases",
    judge_on: str = NATIVE,
    reply_translator: Any = None,
    model: str | None = None,
    languages: str | Iterable[str] | None = None,
    fields: Mapping[str, str] | None = None,
    judge_input_price: float | None = None,
    judge_output_price: float | None = None,
    max_cost: float | None = None,
) -> Path:
    """Judge replies from files (JSONL, JSON, CSV, Parquet, Inspect logs) and write a RUN folder with scores and report.

    A reply belongs to the test prompt with its `id` and `language`, or else with its prompt's text. `model` is their
    name in the report, `fields` the files' names for id, language, prompt and reply. With `judge_on` "english", the
    judge sees the English prompt and the reply as `reply_translator` translates it. With `max_cost`, judge and
    translator stop before more US dollars are spent; the prices are for a million input and output tokens of a judge
    behind an endpoint. Raises ConfigError where none matches, or a prompt has several; SourceError for a file that
    cannot be read; EndpointError where a judge does not answer or costs too much: run again to continue.
    """
    from polyrefuse_data.benchmark.budget import budget_of, check_costs
    from polyrefuse_data.benchmark.evaluation import evaluate
    from polyrefuse_data.benchmark.judges.in_english import prepare_judging
    from polyrefuse_data.benchmark.purse import Prices, Purse
    from polyrefuse_data.benchmark.report import write_report
    from polyrefuse_data.benchmark.run import opened_run

    prices = (judge_input_price, judge_output_price)
    check_costs(judge, prices, max_cost, is_paid=reply_translator is not None)
    told = {"judge": judge, "judge_on": judge_on, "reply_translator": reply_translator}
    matched = match_replies(replies, dataset, model=model, languages=languages, fields=fields, **told)
    folder = RunFolder(Path(out))
    prepare_judging(matched.judging, matched.targets)
    with opened_run(folder):
        _keep(folder, matched)
        evaluate(folder, Purse(budget_of(folder, max_cost), Prices.known(*prices)))
        write_report([folder.path], folder.report)
    return folder.path


def match_replies(
    replies: str | Path | Iterable[str | Path],
    dataset: str | Path,
    *,
    judge: str = "phrases",
    judge_on: str = NATIVE,
    reply_translator: Any = None,
    model: str | None = None,
    languages: str | Iterable[str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> MatchedReplies:
    """The replies of files, each with the prompt that it answers; nothing is judged. Raises as `judge_run` does."""
    paths = [Path(replies)] if isinstance(replies, str | Path) else [Path(path) for path in replies]
    if not paths:
        raise ConfigError("no reply files: name at least one")
    given = [reply for path in paths for reply in read_replies(path, fields)]
    info, rows = release_of(str(dataset), None if languages is None else language_codes(languages))
    files = [{"name": path.name, "sha256": sha256_of(path)} for path in paths]
    judging = judging_settings(judge, judge_on, reply_translator)
    matched = MatchedReplies(model or paths[0].stem, info, files, judging)
    _match(given, list(rows), matched)
    return matched


def _match(given: list[GivenReply], rows: list[Row], matched: MatchedReplies) -> None:
    prompts = Prompts(rows)
    found: dict[tuple[str, str], GivenReply] = {}
    for reply in given:
        row = prompts.answered_by(reply)
        if row is None:
            matched.unmatched.append(reply.where)
        elif row["split"] != "test":
            matched.not_test += 1
        else:
            key = row["language"], row["id"]
            if key in found:
                raise ConfigError(
                    f"{reply.where} and {found[key].where} both answer {row['id']} in {row['language']}: keep one "
                    "reply per prompt"
                )
            found[key] = reply
            matched.rows.setdefault(row["language"], []).append(_completion(row, reply))
    if not found:
        raise ConfigError(
            f"none of {counted(len(given), 'reply', 'replies')} ({given[0].where}, ...) answers a test prompt of "
            f"{matched.dataset['name']}: give each the `id` and `language` of its prompt, or the prompt's text"
        )
    for completions in matched.rows.values():
        completions.sort(key=lambda row: (LABELS.index(row["label"]), row["id"]))
    asked = Counter(row["language"] for row in rows if row["split"] == "test")
    matched.without_reply = {
        language: asked[language] - len(answered)
        for language, answered in sorted(matched.rows.items())
        if asked[language] > len(answered)
    }
    if matched.unmatched:
        shown = ", ".join(matched.unmatched[:_SHOWN])
        _logger.warning("%d of %d replies match no prompt: %s", len(matched.unmatched), len(given), shown)
    if matched.without_reply:
        told = ", ".join(f"{count} in {language}" for language, count in matched.without_reply.items())
        _logger.warning("test prompts without a reply: %s", told)


class Prompts:
    """The prompts of a release, to be found by id and language or by their text."""

    def __init__(self, rows: list[Row]) -> None:
        self._by_id: dict[tuple[str, str], Row] = {}
        self._by_text: dict[str, list[Row]] = {}
        self._languages_of: dict[str, list[str]] = {}
        for row in rows:
            self._by_id[row["id"], row["language"]] = row
            self._languages_of.setdefault(row["id"], []).append(row["language"])
            for text in {as_compared(row["text"]), as_compared(row["text_en"])}:
                self._by_text.setdefault(text, []).append(row)

    def answered_by(self, reply: GivenReply) -> Row | None:
        """The prompt that a reply answers; None where there is none, or several could be meant."""
        language = code_of(reply.language)
        if reply.id is not None:
            languages = self._languages_of.get(reply.id, [])
            if language is None and len(languages) == 1:
                language = languages[0]
            if language is not None and (row := self._by_id.get((reply.id, language))) is not None:
                return row
        rows = self._by_text.get(as_compared(reply.prompt), []) if reply.prompt else []
        if language is not None:
            rows = [row for row in rows if row["language"] == language]
        else:
            prompt = as_compared(reply.prompt or "")
            rows = [row for row in rows if as_compared(row["text"]) == prompt] or rows  # not those whose English it is
        return rows[0] if len(rows) == 1 else None


_KEPT = ("id", "language", "label", "source", "category", "origin", "back_translation", "back_translator")


def _completion(row: Row, reply: GivenReply) -> dict[str, Any]:
    kept = {name: row[name] for name in _KEPT}
    prompts = {"prompt": row["text"], "prompt_en": row["text_en"]}
    return {**kept, **prompts, "reply": reply.reply, "tokens": None, "ended": reply.ended}


def _keep(folder: RunFolder, matched: MatchedReplies) -> None:
    """Write the replies into the run folder, where they are not there already."""
    if claim(folder, matched) is None:
        model = {"kind": "replies", "model": matched.name, "revision": None}
        made = {"generation": {"decoding": "unknown"}, "versions": {"polyrefuse-data": version("polyrefuse-data")}}
        store.write_json(folder.run, {**matched.record(), "model": model, **made, "matching": matched.matching()})
    ledger = Ledger(folder)
    for language, rows in matched.rows.items():
        path = folder.completions(BASELINE, language)
        if not ledger.is_done(path):
            store.write_completions(path, pa.Table.from_pylist(with_p_good(rows), schema=store.COMPLETION_SCHEMA))
            ledger.add(path)
    ledger.close()
