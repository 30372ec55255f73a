"""Charts of the report as inline SVG text. Every label is escaped; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from polyrefuse_data.quality.report.scores import Distribution, Sweep
from polyrefuse_data.text.counts import counted

_LABEL = 44
_WIDTH = 860
_COLOURS = 10


def _svg(width: float, height: float, body: Sequence[str], label: str, kind: str = "") -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}" class="chart {kind}">'
        f"<title>{escape(label)}</title>{''.join(body)}</svg>"
    )


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(text)}</text>'


def reason_kind(place: int) -> str:
    """The CSS class of the reason at this rank: nine colours, and one for all others."""
    return f"reason{place}" if place < _COLOURS - 1 else "further"


def distribution(chart: Distribution) -> str:
    """One histogram per language, one below the other, with the bounds as lines."""
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
        title = f"{escape(code)}: {counted(sum(counts), 'row')}"
        body.append(f'<path d="{path}" class="area"><title>{title}</title></path>')
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
    """The CSS class of each language's line: ten colours, then the same ten dashed."""
    return {
        code: f"reason{index % _COLOURS}{' second' if index >= _COLOURS else ''}" for index, code in enumerate(codes)
    }


def sweep(chart: Sweep, kinds: Mapping[str, str]) -> str:
    """Rows of each language that this threshold alone would reject, by bound. Elements name their languages."""
    width, height, left = 340, 200, 40
    low, high = chart.steps[0], chart.steps[-1]
    most = max((max(counts) for counts in chart.rejected.values()), default=1) or 1

    def x(value: float) -> float:
        return left + (value - low) / ((high - low) or 1) * (width - left - 16)

    def y(count: float) -> float:
        return 12 + (1 - math.sqrt(count / most)) * (height - 50)

    body = [f'<line x1="{left}" x2="{width - 16}" y1="{y(0):.1f}" y2="{y(0):.1f}" class="axis"/>']
    for count in sorted({0, round(most / 16), round(most / 4), most}):
        body.append(_text(left - 6, y(count) + 4, str(count), "end", "tick"))
        body.append(f'<line x1="{left}" x2="{width - 16}" y1="{y(count):.1f}" y2="{y(count):.1f}" class="grid"/>')
    for code, counts in chart.rejected.items():
        points = " ".join(f"{x(step):.1f},{y(count):.1f}" for step, count in zip(chart.steps, counts, strict=True))
        title = f"<title>{escape(code)}: up to {counted(max(counts), 'row')}</title>"
        body.append(
            f'<polyline points="{points}" class="line {kinds[code]}" data-line="{escape(code)}">{title}</polyline>'
        )
    for bound in sorted(set(chart.current.values())):
        codes = " ".join(code for code, own in chart.current.items() if own == bound)
        body.append(
            f'<line x1="{x(bound):.1f}" x2="{x(bound):.1f}" y1="12" y2="{y(0):.1f}" class="bound" '
            f'data-line="{escape(codes)}"><title>{escape(codes)}: {bound:g}</title></line>'
        )
    for value in np.linspace(low, high, 5):
        body.append(_text(x(float(value)), height - 22, f"{value:.3g}", "middle", "tick"))
    direction = "at least" if chart.is_floor else "at most"
    body.append(_text(width / 2, height - 6, f"{chart.score}, {direction}", "middle", "tick"))
    return _svg(width, height, body, f"Rows that {chart.threshold} would reject at each bound", "small")


def length_scatter(code: str, points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    """Characters of the translation against those of the English, both on a log scale, with outliers emphasised."""
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
