"""The summary of a build, and the estimate of one."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.rows import ACCEPTED
from polyrefuse_data.system.input_files import regular_file
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted, each_counted
from polyrefuse_data.translation.chain import FAILED
from polyrefuse_data.translation.estimate import Estimate
from polyrefuse_data.workspace import Workspace

_MANY = 20  # answers of a backend; fewer might by chance all be refusals
_MOST_READ = 1000  # failed attempts searched per row group for an example of each backend


@dataclass(frozen=True)
class BuildSummary:
    """Rows by language and status, attempts by translator and outcome, and the reasons for rejections."""

    workspace: Path
    prompts: int
    rows: int
    languages: dict[str, dict[str, int]]
    translators: dict[str, dict[str, int]]
    reasons: dict[str, int]
    usage: dict[str, dict[str, float]]  # over all runs of the workspace, back-translation included
    unanswered: int  # rows that some backend did not answer in this run; the next run asks it again
    missing: int  # those that no other backend translated either
    useless: dict[str, str]  # backends without a single translation, each with one of its answers

    @property
    def problems(self) -> list[str]:
        """Why a finished build counts as failed: a language without accepted rows, a backend without translations."""
        none = [
            f"no row of {code} was accepted: {each_counted(counts)}"
            for code, counts in self.languages.items()
            if code != SOURCE_LANGUAGE and not counts.get(ACCEPTED)
        ]
        return none + [
            f"{name} gave no translation, only answers like this one: {answer}" for name, answer in self.useless.items()
        ]

    @property
    def accepted(self) -> int:
        return sum(counts.get("accepted", 0) for counts in self.languages.values())

    def to_text(self) -> str:
        prompts = counted(self.prompts, "prompt")
        lines = [f"{counted(self.rows, 'row')} of {prompts} in {self.workspace}, {self.accepted} accepted"]
        lines += [f"  {code}: {each_counted(counts)}" for code, counts in self.languages.items()]
        lines += [f"  {name}: {each_counted(counts)}" for name, counts in self.translators.items()]
        if self.reasons:
            lines.append(f"  rejected because of: {each_counted(self.reasons)}")
        for name, used in self.usage.items():
            cost = f", {_money(used['cost_usd'])}" if "cost_usd" in used else ""
            tokens = f"{used.get('input_tokens', 0):.0f} tokens in, {used.get('output_tokens', 0):.0f} out"
            lines.append(f"  used by {name} so far: {tokens}{cost}")
        if self.unanswered:
            lines.append(
                f"  rows that a backend did not answer: {self.unanswered} "
                f"({self.missing} without another translation); run again to ask for them"
            )
        if sum(counts.get(FAILED, 0) for counts in self.translators.values()) > self.unanswered:
            lines.append("  failed answers are kept: `polyrefuse build --refresh BACKEND` asks for them again")
        return printable.lines([*lines, *(f"  WARNING: {problem}" for problem in self.problems)])

    def to_json(self) -> str:
        told = {**asdict(self), "workspace": str(self.workspace), "problems": self.problems}
        return json.dumps(told, ensure_ascii=False, indent=1)


@dataclass(frozen=True)
class BuildEstimate:
    """What a build would take: rows, and for each backend texts, tokens, cost in USD and seconds; and whether another
    backend would retry rejected texts at additional cost."""

    prompts: int
    rows: int
    backends: list[Estimate]
    falls_back: bool = False

    def to_text(self) -> str:
        lines = [
            f"estimate: {counted(self.rows, 'row')} of {counted(self.prompts, 'prompt')}; nothing was written "
            "and no paid service was called"
        ]
        for backend in self.backends:
            price = backend.price
            parts = [f"{counted(backend.texts, 'text')}"]
            if backend.known:
                parts.append(f"{backend.known} more in the journal")
            if price.input_tokens is not None:
                parts.append(f"about {price.input_tokens} tokens in, {price.output_tokens} out")
                parts.append(
                    "set input_price and output_price to see the cost" if price.usd is None else _money(price.usd)
                )
            parts.append(f"{'within' if price.at_most else 'about'} {_duration(price.seconds)}")
            lines.append(f"  {backend.purpose} by {backend.translator}: {', '.join(parts)}")
        if self.falls_back:
            lines.append("  rows that the checks reject go to the next backend, at extra cost")
        return printable.lines(lines)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


def _money(usd: float) -> str:
    """`$12.50`; below a dollar, two significant digits: `$0.0022`."""
    decimals = 2 if usd >= 1 or usd <= 0 else max(2, 1 - math.floor(math.log10(usd)))
    return f"${usd:.{decimals}f}"


def _duration(seconds: float) -> str:
    """`40 seconds`, `12 minutes`, `3.5 hours`."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{round(seconds / 3600, 1):g} hours"


def summarize(
    workspace: Workspace, usage: dict[str, dict[str, float]], unanswered: int, missing: int, remarks: Collection[str]
) -> BuildSummary:
    """Count the rows and attempts of a finished build, one row group at a time. `remarks` are flags that reject
    nothing."""
    languages: dict[str, Counter[str]] = {}
    for batch in _batches(workspace.rows, ["language", "status"]):
        for code, status, count in _groups(batch, ["language", "status"]):
            languages.setdefault(code, Counter())[status] += count
    translators: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    first: dict[str, str] = {}
    for batch in _batches(workspace.attempts, ["translator", "outcome", "reasons", "detail"]):
        for record in batch.filter(pc.equal(batch["outcome"], FAILED)).slice(0, _MOST_READ).to_pylist():
            first.setdefault(record["translator"], ": ".join(filter(None, [*record["reasons"], record["detail"]])))
        for name, outcome, count in _groups(batch, ["translator", "outcome"]):
            translators.setdefault(name, Counter())[outcome] += count
        lost = batch.filter(pc.not_equal(batch["outcome"], ACCEPTED))
        reasons.update(pc.list_flatten(lost["reasons"]).to_pylist())
    return BuildSummary(
        workspace=workspace.path,
        prompts=sum(languages.get(SOURCE_LANGUAGE, Counter()).values()),
        rows=sum(sum(counts.values()) for counts in languages.values()),
        languages={code: dict(sorted(counts.items())) for code, counts in sorted(languages.items())},
        translators={name: dict(sorted(counts.items())) for name, counts in sorted(translators.items())},
        reasons={name: count for name, count in sorted(reasons.items()) if name not in remarks},
        usage=usage,
        unanswered=unanswered,
        missing=missing,
        useless={
            name: first[name]
            for name, outcomes in sorted(translators.items())
            if name in first and set(outcomes) == {FAILED} and outcomes[FAILED] >= _MANY
        },
    )


def _batches(path: Path, columns: list[str]) -> Iterator[pa.Table]:
    with pq.ParquetFile(regular_file(path)) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=columns)


def _groups(table: pa.Table, columns: list[str]) -> Iterator[tuple[str, str, int]]:
    """(value of the first column, value of the second, rows)."""
    counted = table.group_by(columns).aggregate([([], "count_all")])
    return zip(*(counted[name].to_pylist() for name in (*columns, "count_all")), strict=True)
