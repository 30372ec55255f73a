"""One self-contained HTML page on one or more runs: figures, sortable tables, and replies, which are redacted by
default."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.brokenness import MAX_BROKEN_RISE, MAX_CROSS_ENTROPY_RISE
from polyrefuse_data.benchmark.contrasts import VERDICT_NAMES
from polyrefuse_data.benchmark.experiments import EXPERIMENTS
from polyrefuse_data.benchmark.figures import Drawing, draw_all, draw_runs
from polyrefuse_data.benchmark.headline import headline
from polyrefuse_data.benchmark.judges.in_english import BY_TRANSLATOR
from polyrefuse_data.benchmark.latex import latex_table, runs_table
from polyrefuse_data.benchmark.outcomes import OUTCOME_NAMES, OUTCOMES
from polyrefuse_data.benchmark.runs_compared import baseline_replies, compare_runs, rates_of_runs
from polyrefuse_data.benchmark.selection import REASON_NAMES
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, wilson_interval
from polyrefuse_data.benchmark.store import BASELINE, ENDING_NAMES, RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language
from polyrefuse_data.rows import HARMFUL, HARMLESS
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.own_pages import write_page
from polyrefuse_data.text.counts import named
from polyrefuse_data.text.html import html_environment, script_hash

if TYPE_CHECKING:
    from markupsafe import Markup

# What scores.json of this version holds at the top; `calibration` and `breakdowns` may be there too.
_PARTS = (
    *("run", "languages", "source_languages", "selection", "rows", "selectivity", "languages_compared", "transfer"),
    *("capability", "monitor", "consistency", "endings", "usage", "agreement", "controls"),
)

_REPLIES_PER_FILE = 4  # of each label that the page shows; completions/ holds them all


def write_report(runs: Sequence[str | Path], out: str | Path, *, show_replies: bool = False) -> Path:
    """Write the page on these RUN folders to `out`, and each run's figures into its figures/ folder.

    The page contains no replies unless `show_replies`: what is not in the file cannot leak from it. Raises ConfigError
    if a folder holds no scores, or `out` exists and was not written by this package.
    """
    if not runs:
        raise ConfigError("no run to report: name one or more RUN folders")
    sections = _told_apart([_section(RunFolder(Path(run)), show_replies) for run in runs])
    against_each_other = _against_each_other(runs, sections, Path(out)) if len(sections) > 1 else None
    script = (Path(__file__).parent / "templates" / "report.js").read_text(encoding="utf-8")
    page = _template().render(
        sections=sections,
        comparison=_comparison(sections),
        runs_compared=against_each_other,
        shows_replies=show_replies,
        reason_names=REASON_NAMES,
        outcome_names={name: OUTCOME_NAMES[name] for name in OUTCOMES},
        verdict_names=VERDICT_NAMES,
        min_prompts=MIN_PROMPTS,
        max_broken_rise=MAX_BROKEN_RISE,
        max_cross_entropy_rise=MAX_CROSS_ENTROPY_RISE,
        script=script,
        # The page's security policy allows this script alone, so text from models and prompts cannot run any.
        script_hash=script_hash(script),
    )
    write_page(Path(out), page)
    return Path(out)


def _section(folder: RunFolder, show_replies: bool) -> dict[str, Any]:
    scores = _scores(folder)
    drawings = draw_all(scores, [store.read_json(folder.selection(code)) for code in scores["source_languages"]])
    for drawing in drawings:
        atomic_write(folder.figures / f"{drawing.name}.svg", drawing.svg)
        atomic_write(folder.figures / f"{drawing.name}.pdf", drawing.pdf)
    atomic_write(folder.latex, latex_table(scores))
    return {
        "name": _short(scores["run"]["model"]["model"]),
        "folder": folder.path.resolve().name,
        "run": scores["run"],
        "judges": sorted({row["judge"] for row in scores["rows"]}),
        "translators": sorted({row["judge"].partition(BY_TRANSLATOR)[2] for row in scores["rows"]} - {""}),
        "headline": headline(scores),
        "languages": scores["languages"],
        "figures": [_shown(drawing) for drawing in drawings if not drawing.of_candidates],
        "candidates": [_shown(drawing) for drawing in drawings if drawing.of_candidates],
        "selection": scores["selection"],
        "rows": scores["rows"],
        "selectivity": scores["selectivity"],
        "languages_compared": scores["languages_compared"],
        "transfer": scores["transfer"],
        "consistency": scores["consistency"],
        "endings": _endings(scores["endings"]),
        "usage": scores["usage"],
        "agreement": scores["agreement"],
        "calibration": scores.get("calibration") or {},
        "breakdowns": scores.get("breakdowns") or [],
        "item_response": scores.get("item_response") or [],
        "controls": scores["controls"],
        "capability": scores["capability"],
        "monitor": scores["monitor"],
        "detectors": scores.get("detectors") or [],
        "experiments": dict.fromkeys(EXPERIMENTS) | (scores.get("experiments") or {}),
        "replies": _replies(folder, show_replies),
    }


def _told_apart(sections: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections with names of their own, where runs are of the same model."""
    apart: dict[str, dict[str, Any]] = {}
    for section in sections:
        name, number = section["name"], 1
        while name in apart:
            number += 1
            name = f"{section['name']} ({number})"
        apart[name] = section | {"name": name}
    return list(apart.values())


def _scores(folder: RunFolder) -> dict[str, Any]:
    scores = store.read_json(folder.scores)
    missing = [name for name in _PARTS if not isinstance(scores, dict) or name not in scores]
    if missing:
        raise ConfigError(
            f"{folder.scores} lacks {', '.join(missing)}: delete it and run the benchmark again in that folder; if "
            "version 0.1.0 made the run, choose another --out"
        )
    return dict(scores)


def _endings(endings: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How the replies without intervention ended, where that is known."""
    counts: Counter[str] = Counter()
    for record in endings:
        if record["intervention"] == BASELINE:
            counts.update({name: n for name, n in record["counts"].items() if name in ENDING_NAMES})
    return {ENDING_NAMES[name]: counts[name] for name in ENDING_NAMES if counts[name]}


def _comparison(sections: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per run, if there is more than one."""
    return (
        [{"name": s["name"], "folder": s["folder"], "dataset": s["run"]["dataset"], **s["headline"]} for s in sections]
        if len(sections) > 1
        else []
    )


def _against_each_other(runs: Sequence[str | Path], sections: Sequence[dict[str, Any]], out: Path) -> dict[str, Any]:
    """The runs compared on the same prompts. Figure and table are written beside the page, for papers, and the
    numbers as JSON, for scripts."""
    replies: dict[str, Any] = {}
    for run, section in zip(runs, sections, strict=True):
        found = baseline_replies(RunFolder(Path(run)))
        replies[section["name"]] = {code: found[code] for code in section["languages"] if code in found}
    rates, compared = rates_of_runs(replies), compare_runs(replies)
    judges = sorted({section["run"]["settings"]["judge"] for section in sections})
    drawing = draw_runs(rates, compared, f"{named(len(judges), 'Judge')}: {', '.join(judges)}")
    beside = out.with_suffix("")
    store.write_json(beside.with_name(f"{beside.name}-comparison.json"), {"rates": rates, "changes": compared})
    atomic_write(beside.with_name(f"{beside.name}-comparison.tex"), runs_table(rates, compared, judges))
    if drawing is None:
        return {"records": compared, "figure": None}
    for kind, content in (("svg", drawing.svg), ("pdf", drawing.pdf)):
        atomic_write(beside.with_name(f"{beside.name}-comparison.{kind}"), content)
    return {"records": compared, "figure": _shown(drawing)}


def _replies(folder: RunFolder, show: bool) -> list[dict[str, Any]]:
    """The first replies of each file with their verdicts, with text only if requested."""
    shown = []
    for source, code, path in folder.completion_files():
        replies = store.read_completions(path).to_pylist()
        for label in (HARMFUL, HARMLESS):
            for reply in [reply for reply in replies if reply["label"] == label][:_REPLIES_PER_FILE]:
                kept = {name: reply[name] for name in ("id", "label", "tokens")}
                verdict = {True: "refusal", False: "compliance", None: "invalid"}[reply["refusal"]]
                text = reply["reply"] if show else f"[{len(reply['reply'])} characters]"
                shown.append({**kept, "source": source, "language": code, "verdict": verdict, "text": text})
    return shown


def _shown(drawing: Drawing) -> dict[str, Any]:
    return {**vars(drawing), "uri": _data_uri(drawing)}


def _data_uri(drawing: Drawing) -> Markup:
    """As Markup, because text is truncated on the page and half an image is useless."""
    from markupsafe import Markup

    return Markup("data:image/svg+xml;base64," + base64.b64encode(drawing.svg).decode("ascii"))


def _short(model: str) -> str:
    """A short name for a model: the last parts of a path; a Hub id unchanged."""
    return Path(model).name if Path(model).is_absolute() or model.count("/") > 1 else model


def _template() -> Any:
    from jinja2 import PackageLoader

    environment = html_environment(loader=PackageLoader("polyrefuse_data.benchmark"))
    environment.filters |= {
        "percent": _percent,
        "number": _number,
        "p_value": _p_value,
        "wilson": _wilson,
        "language_name": lambda code: language(code).name,
    }
    return environment.get_template("report.html.j2")


def _percent(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{100 * value:.0f}"


def _wilson(share: float | None, n: int) -> str:
    low, high = wilson_interval(float("nan") if share is None else share, n)
    return f"{_percent(low)}–{_percent(high)}"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _p_value(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"
