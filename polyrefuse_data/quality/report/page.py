"""The page: one file without external references, in which prompts are data and never markup.

Rows are JSON in an inert script element and reach the page through textContent. The content security policy allows
exactly our own script, by its hash, and no network at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from polyrefuse_data.languages import find_language
from polyrefuse_data.quality.report import charts
from polyrefuse_data.quality.report.summary import Report
from polyrefuse_data.quality.report.worst import MOST_ROWS_SHOWN
from polyrefuse_data.text.html import encodable, html_environment, inert_json, script_hash
from polyrefuse_data.text.printable import printable_line

_ASSETS = Path(__file__).parent / "assets"


def render(report: Report, *, title: str) -> str:
    """The whole page as text."""
    environment = html_environment()
    safe = environment.filters["safe"]
    script, style = _asset("report.js"), _asset("report.css")
    summary = report.summary
    languages = summary["languages"]
    kinds = charts.line_kinds(list(languages))
    carried = {code: line["flags"] for code, line in languages.items()}
    first_reasons = {code: line["rejected_by_first_reason"] for code, line in languages.items()}
    reasons = _commonest(first_reasons)
    colours = {reason: charts.reason_kind(place) for place, reason in enumerate(reasons)}
    text = environment.from_string(_asset("report.html.j2")).render(
        title=printable_line(title),
        summary=summary,
        names={code: known.name if (known := find_language(code)) else "" for code in languages},
        won_by_repair=sum(line["won_by_repair"] for line in summary["engines"].values()),
        colours=_legend(colours),
        bars=[_bar(code, line, colours) for code, line in languages.items()],
        most_rows=max((line["rows"] for line in languages.values()), default=1) or 1,
        reasons=reasons,
        first_reasons=_with_rows(first_reasons, summary),
        flags=_commonest(carried),
        carried=_with_rows(carried, summary),
        detected=_in_order(_commonest(summary["confusion"]), list(languages)),
        confusion=_with_rows(summary["confusion"], summary),
        distributions=[(chart.score, safe(charts.distribution(chart))) for chart in report.distributions],
        sweeps=[(chart, safe(charts.sweep(chart, kinds))) for chart in report.sweeps],
        lines=[(kind, code) for code, kind in kinds.items()],
        scatters=[safe(charts.length_scatter(code, points)) for code, points in report.lengths.items()],
        filters=_filters(report),
        rows_shown=len(report.rows),
        uncertain=len(report.meaning),
        to_look_at=report.to_look_at,
        cut=report.to_look_at > MOST_ROWS_SHOWN,
        data=safe(inert_json({"rows": report.rows, "meaning": report.meaning})),
        script=safe(script),
        script_hash=script_hash(script),
        style=safe(style),
    )
    return encodable(text)


def _commonest(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Every name counted in any group, most common first."""
    totals: Counter[str] = Counter()
    for own in counts.values():
        totals.update(own)
    return sorted(totals, key=lambda name: (-totals[name], name))


def _in_order(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """The names with those of `first` in front, in its order, so that a matrix has its diagonal where one expects
    it."""
    return [*(name for name in first if name in names), *(name for name in names if name not in first)]


def _with_rows(counts: Mapping[str, Mapping[str, int]], summary: dict[str, Any]) -> dict[str, tuple[Any, int]]:
    """Language -> (its counts, its rows)."""
    return {code: (own, summary["languages"][code]["rows"] or 1) for code, own in counts.items()}


def _bar(code: str, line: dict[str, Any], colours: Mapping[str, str]) -> tuple[str, list[Any], int, int]:
    """(language, (class, name, rows) of each part, accepted rows, rows) for a bar."""
    parts = [("accepted", "accepted", line["accepted"]), ("edited", "edited", line["edited"])]
    parts += [(colours[reason], reason, count) for reason, count in line["rejected_by_first_reason"].items()]
    return code, [part for part in parts if part[2]], line["accepted"] + line["edited"], line["rows"]


def _legend(colours: Mapping[str, str]) -> list[tuple[str, str]]:
    """(class, name) of each colour in the bars; reasons that share the last colour are listed together."""
    shared: dict[str, list[str]] = {"accepted": ["accepted"], "edited": ["edited"]}
    for reason, kind in colours.items():
        shared.setdefault(kind, []).append(reason)
    return [(kind, ", ".join(names)) for kind, names in shared.items()]


def _filters(report: Report) -> list[tuple[str, str, list[str]]]:
    """(column, label for "all", values) of each row filter."""
    named = [
        ("language", "every language"),
        ("status", "every status"),
        ("reason", "every first reason"),
        ("flag", "every flag"),
        ("label", "both labels"),
        ("split", "every split"),
        ("category", "every category"),
        ("translator", "every translator"),
        ("detected", "identified as any"),
    ]
    return [(name, every, _values(report, name)) for name, every in named]


def _values(report: Report, name: str) -> list[str]:
    if name == "flag":
        return sorted({flag for row in report.rows for flag in row["flags"]})
    return sorted({row[name] for row in report.rows if row[name]})


@lru_cache(maxsize=8)
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
