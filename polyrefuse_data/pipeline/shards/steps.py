"""The steps for a shard: ask a backend, check its answers, and finally make the rows. All steps can be pickled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from polyrefuse_data import rows
from polyrefuse_data.pipeline.shards.work import FinishedShard, Shard, Task
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.suite import Suite
from polyrefuse_data.translation.attempts import attempts_table
from polyrefuse_data.translation.backends import Chain
from polyrefuse_data.translation.base import NO_MATCH
from polyrefuse_data.translation.chain import FAILED, Attempt, Candidate, Judge, Outcome, Verdict, propose, settle
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.run import TranslationRun


@dataclass(frozen=True)
class Propose:
    """Ask one backend of the chain about the unsettled rows, and translate its answers back."""

    chain: Chain
    step: int
    journal: Journal
    progress: bool

    def __call__(self, shard: Shard) -> Shard:
        run = TranslationRun(self.journal, self.progress)
        requests = [task.request for task in shard.tasks]
        shard.outcomes = shard.outcomes or [Outcome() for _ in requests]
        step = self.chain.steps[self.step]
        shard.proposals = propose(shard.outcomes, requests, step, self.chain.back, run.translate)
        if self.step == len(self.chain.steps) - 1:
            _note_unmatched(shard, self.chain)
        return shard


@dataclass(frozen=True)
class Settle:
    """Check the proposals."""

    suite: Suite

    def __call__(self, shard: Shard) -> Shard:
        settle(shard.outcomes, shard.proposals, _judge(shard.tasks, self.suite))
        shard.proposals = {}
        return shard


@dataclass(frozen=True)
class Finish:
    """Check the last proposals and make the rows."""

    suite: Suite

    def __call__(self, shard: Shard) -> FinishedShard:
        Settle(self.suite)(shard)
        tasks = shard.tasks
        prompts, languages = [task.prompt for task in tasks], [task.language.code for task in tasks]
        made, scores = make_rows(shard, self.suite)
        return FinishedShard(
            shard.number,
            made,
            scores,
            attempts_table(prompts, languages, shard.outcomes),
            unanswered=sum(outcome.ask_again for outcome in shard.outcomes),
            missing=sum(outcome.lacks_an_answer for outcome in shard.outcomes),
        )


def _note_unmatched(shard: Shard, chain: Chain) -> None:
    """If only memories were asked and none has the text, record that as the one attempt."""
    for row, (task, outcome) in enumerate(zip(shard.tasks, shard.outcomes, strict=True)):
        if not outcome.attempts and row not in shard.proposals:
            asked = [step.name for step in chain.steps if step.takes(task.request)]
            outcome.attempts.append(Attempt(1, asked[-1], FAILED, (NO_MATCH,)))


def make_rows(shard: Shard, suite: Suite) -> tuple[pa.Table, pa.Table]:
    """All rows of a shard, English included, each checked by itself, and their scores, both sorted. `parallel` is set
    once all shards are there."""
    made = list(zip(shard.tasks, shard.outcomes, strict=True))
    kept = [outcome.verdict for _, outcome in made if outcome.verdict]
    unchecked = [rows.english_row(prompt) for prompt in shard.prompts]
    unchecked += [_failed_row(task, outcome) for task, outcome in made if outcome.verdict is None]
    checked, scores = audit_rows(rows.table_from_rows(unchecked), suite)
    all_rows = rows.table_from_rows([*checked.to_pylist(), *(verdict.row for verdict in kept)])
    kept_scores = pa.Table.from_pylist([dict(verdict.scores) for verdict in kept], schema=scores.schema)
    return rows.sort_rows(all_rows), rows.sort_rows(pa.concat_tables([scores, kept_scores]))


def _judge(tasks: Sequence[Task], suite: Suite) -> Judge:
    """Candidates judged by the same checks as finished rows."""

    def judge(candidates: Sequence[tuple[int, Candidate]]) -> list[Verdict]:
        records = [_candidate_row(tasks[row], candidate) for row, candidate in candidates]
        audited, scores = audit_rows(rows.table_from_rows(records), suite)
        verdicts = zip(audited.to_pylist(), rows.usable(audited).to_pylist(), scores.to_pylist(), strict=True)
        return [_verdict(row, good, scored) for row, good, scored in verdicts]

    return judge


def _verdict(row: dict[str, Any], accepted: bool, scores: dict[str, Any]) -> Verdict:
    merit = (-len(row["flags"]), row["chrf"] or 0.0, row["language_confidence"] or 0.0)
    return Verdict(row["status"], accepted, tuple(row["flags"]), merit, row, scores)


def _candidate_row(task: Task, candidate: Candidate) -> dict[str, Any]:
    return rows.translated_row(
        task.prompt,
        task.language.code,
        text=candidate.text,
        origin=candidate.origin,
        translator=candidate.translator,
        attempts=candidate.attempt,
        back_translation=candidate.back_translation,
        back_translator=candidate.back_translator,
        flags=[rows.NORMALISED] if candidate.normalised else [],
    )


def _failed_row(task: Task, outcome: Outcome) -> dict[str, Any]:
    """The row of a text that no backend gave. Its maker sets the flags, because the checks cannot know why."""
    last = outcome.attempts[-1] if outcome.attempts else None
    why = last.reasons[:1] if last else ()
    return rows.translated_row(
        task.prompt,
        task.language.code,
        text="",
        origin="machine",
        translator=last.translator if last else "",
        attempts=len(outcome.attempts),
        flags=[rows.TRANSLATION_FAILED, *why],
        status=rows.REJECTED,
    )
