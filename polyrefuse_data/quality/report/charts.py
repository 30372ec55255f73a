"""Charts of the report as inline SVG text. Every label is escaped; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from polyrefuse_data.quality.report.scores import Distribution, Sweep
from polyrefuse_data.quality.report.summary import Report

_LABEL, _BAR, _GAP = 44, 20, 6
_WIDTH = 860
_FIGURES = 170  # room for the figures behind a bar


def _svg(width: float, height: float, body: Sequence[str], label: str, kind: str = "") -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}" class="chart {kind}">'
        f"<title>{escape(label)}</title>{''.join(body)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'


def reason_colours(report: Report) -> dict[str, int]:
    """A colour number for each reason of rejection, the commonest first."""
    totals: dict[str, int] = {}
    for line in report.summary["languages"].values():
        for flag, count in line["rejected_by_first_reason"].items():
            totals[flag] = totals.get(flag, 0) + count
    return {flag: index % 10 for index, flag in enumerate(sorted(totals, key=lambda flag: (-totals[flag], flag)))}


def kept_and_rejected(report: Report) -> str:
    """A bar a language: accepted, edited, and rejected by the first reason."""
    languages = report.summary["languages"]
    colours = reason_colours(report)
    most = max((line["rows"] for line in languages.values()), default=1) or 1
    scale = (_WIDTH - _LABEL - _FIGURES) / most
    body: list[str] = []
    for place, (code, line) in enumerate(languages.items()):
        y = place * (_BAR + _GAP)
        body.append(_text(_LABEL - 8, y + 15, code, "end", "code"))
        parts = [("accepted", line["accepted"], "accepted"), ("edited", line["edited"], "edited")]
        parts += [(flag, count, f"reason{colours[flag]}") for flag, count in line["rejected_by_first_reason"].items()]
        x = float(_LABEL)
        for name, count, kind in parts:
            if count:
                width = max(1.5, count * scale)
                title = f"<title>{escape(code)}: {escape(name)} {count}</title>"
                body.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}" class="{kind}">{title}</rect>'
                )
                x += width
        kept = line["accepted"] + line["edited"]
        share = f"{kept / line['rows']:.1%}" if line["rows"] else ""
        body.append(_text(x + 8, y + 15, f"{kept} of {line['rows']}  {share}", "start", "figure"))
    return _svg(_WIDTH, max(1, len(languages)) * (_BAR + _GAP), body, "Rows kept and rejected by language")


def distribution(chart: Distribution) -> str:
    """A histogram a language, one below the other, with the bounds in force as lines."""
    row, width = 34, _WIDTH - _LABEL - 20
    low, high = chart.edges[0], chart.edges[-1]
    bar = width / (len(chart.edges) - 1)

    def place(value: float) -> float:
        return _LABEL + (min(max(value, low), high) - low) / (high - low) * width

    body: list[str] = []
    for index, (code, counts) in enumerate(chart.counts.items()):
        base = (index + 1) * row
        body.append(_text(_LABEL - 8, base - 6, code, "end", "code"))
        body.append(f'<line x1="{_LABEL}" x2="{_LABEL + width}" y1="{base}" y2="{base}" class="axis"/>')
        most = max(counts) or 1
        path = "".join(
            f"M{_LABEL + bin * bar:.1f} {base}v{-(math.sqrt(count / most) * (row - 6)):.1f}h{bar:.2f}V{base}z"
            for bin, count in enumerate(counts)
            if count
        )
        body.append(f'<path d="{path}" class="area"><title>{escape(code)}: {sum(counts)} rows</title></path>')
        for name, bound in chart.bounds.get(code, []):
            if low <= bound <= high:
                x = place(bound)
                title = f"<title>{escape(name)} {bound:g}</title>"
                body.append(
                    f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{base - row + 6}" y2="{base}" class="bound">{title}</line>'
                )
    bottom = len(chart.counts) * row + 16
    for value in np.linspace(low, high, 6):
        body.append(_text(place(float(value)), bottom, f"{value:.3g}", "middle", "tick"))
    return _svg(_WIDTH, bottom + 6, body, f"Distribution of {chart.score} by language")


def line_kinds(codes: Sequence[str]) -> dict[str, str]:
    """The class of each language's line: ten colours, then the same ten dashed."""
    return {code: f"reason{index % 10}{' second' if index >= 10 else ''}" for index, code in enumerate(codes)}


def sweep(chart: Sweep, kinds: Mapping[str, str]) -> str:
    """Share of each language's rows that this threshold alone would reject, over the bound."""
    width, height, left = 420, 200, 40
    low, high = chart.steps[0], chart.steps[-1]
    totals = {code: max(1, max(counts)) for code, counts in chart.rejected.items()}
    most = max((max(counts) for counts in chart.rejected.values()), default=1) or 1

    def x(value: float) -> float:
        return left + (value - low) / ((high - low) or 1) * (width - left - 16)

    def y(count: float) -> float:
        return 12 + (1 - math.sqrt(count / most)) * (height - 44)

    body = [f'<line x1="{left}" x2="{width - 16}" y1="{y(0):.1f}" y2="{y(0):.1f}" class="axis"/>']
    for count in sorted({0, round(most / 16), round(most / 4), most}):
        body.append(_text(left - 6, y(count) + 4, str(count), "end", "tick"))
        body.append(f'<line x1="{left}" x2="{width - 16}" y1="{y(count):.1f}" y2="{y(count):.1f}" class="grid"/>')
    for code, counts in chart.rejected.items():
        points = " ".join(f"{x(step):.1f},{y(count):.1f}" for step, count in zip(chart.steps, counts, strict=True))
        title = f"<title>{escape(code)}: up to {totals[code]} rows</title>"
        body.append(f'<polyline points="{points}" class="line {kinds[code]}">{title}</polyline>')
    for bound in sorted(set(chart.current.values())):
        body.append(f'<line x1="{x(bound):.1f}" x2="{x(bound):.1f}" y1="12" y2="{y(0):.1f}" class="bound"/>')
    for value in np.linspace(low, high, 5):
        body.append(_text(x(float(value)), height - 16, f"{value:.3g}", "middle", "tick"))
    direction = "at least" if chart.is_floor else "at most"
    body.append(_text(width / 2, height - 2, f"{chart.score}, {direction}", "middle", "tick"))
    return _svg(width, height, body, f"Rows that {chart.threshold} would reject at each bound", "small")


def length_scatter(code: str, points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    """English characters against characters of the translation, both on a log scale; outliers stand out."""
    size, margin = 190, 14
    logs = np.log(points[:, :2])
    low, high = logs.min(axis=0), logs.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    place = margin + (logs - low) / span * (size - 2 * margin)
    dots = {"dot": "", "outlier": ""}
    for (x, y), marked in zip(place, points[:, 2], strict=True):
        dots["outlier" if marked else "dot"] += f"M{x:.1f} {size - y:.1f}h.01"
    body = [f'<path d="{path}" class="{kind}"/>' for kind, path in dots.items() if path]
    body.append(_text(margin, margin, code, "start", "code"))
    outliers = int(points[:, 2].sum())
    return _svg(size, size, body, f"{code}: length of English and translation, {outliers} outliers", "tiny")


def legend(colours: Mapping[str, int]) -> list[tuple[str, str]]:
    """(class, name) of each colour of the bars."""
    return [
        ("accepted", "accepted"),
        ("edited", "edited"),
        *((f"reason{index}", flag) for flag, index in colours.items()),
    ]
