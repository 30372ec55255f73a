"""The reliability diagram of calibration.py as SVG: the share of good rows over p_good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SIZE, _MARGIN = 420, 46
_LEAST = 20  # rows in a point of a single language
_STYLE = """text{font:12px system-ui,sans-serif;fill:#1f2430}
.frame{fill:#fff;stroke:#c9c5bb}
.ideal{stroke:#8a8f99;stroke-dasharray:4 4}
.one{fill:#1d6f8a;fill-opacity:.28}.all{fill:none;stroke:#c8452f;stroke-width:2}.dot{fill:#c8452f}"""


def diagram(curves: Mapping[str, Sequence[tuple[int, float, float, float]]]) -> str:
    """`curves` are (rows, weight, mean p_good, share of good rows) of each range, by name; the first is drawn as a
    line, the others as dots whose area grows with their rows."""
    (first, line), *others = curves.items()
    body = [f'<rect class="frame" x="{_MARGIN}" y="{_MARGIN // 2}" width="{_SIZE}" height="{_SIZE}"/>']
    body.append(f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    for name, points in others:
        for rows, _, p, share in points:
            if rows >= _LEAST:
                body.append(
                    f'<circle class="one" cx="{_x(p)}" cy="{_y(share)}" r="{rows**0.5 / 5 + 2:.1f}">'
                    f"<title>{name}: {rows} rows, p_good {p:.2f}, good {share:.2f}</title></circle>"
                )
    path = " ".join(f"{_x(p)},{_y(share)}" for _, _, p, share in line)
    body.append(f'<polyline class="all" points="{path}"><title>{first}</title></polyline>')
    body += [f'<circle class="dot" cx="{_x(p)}" cy="{_y(share)}" r="4"/>' for _, _, p, share in line]
    for tick in range(0, 11, 2):
        body.append(f'<text x="{_x(tick / 10)}" y="{_y(0) + 18}" text-anchor="middle">{tick / 10:g}</text>')
        body.append(f'<text x="{_MARGIN - 8}" y="{_y(tick / 10) + 4}" text-anchor="end">{tick / 10:g}</text>')
    body.append(f'<text x="{_x(0.5)}" y="{_y(0) + 38}" text-anchor="middle">p_good</text>')
    body.append(f'<text transform="translate(14 {_y(0.5)}) rotate(-90)" text-anchor="middle">share of good rows</text>')
    width, height = _SIZE + 2 * _MARGIN, _SIZE + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>Reliability of p_good: line for all languages, dots for single ones</title><style>{_STYLE}</style>"
        f'<rect width="{width}" height="{height}" fill="#fbfaf7"/>{"".join(body)}</svg>\n'
    )


def _x(p: float) -> float:
    return round(_MARGIN + p * _SIZE, 1)


def _y(share: float) -> float:
    return round(_MARGIN // 2 + (1 - share) * _SIZE, 1)
