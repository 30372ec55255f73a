"""The main figures of a run as a LaTeX table (booktabs), to be taken into a paper as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polyrefuse_data.benchmark.contrasts import DIFFERS, EVIDENCE, TOO_FEW
from polyrefuse_data.benchmark.store import BASELINE
from polyrefuse_data.rows import HARMFUL, HARMLESS, LABELS

_SPECIAL = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_HEAD = {
    "plain": ("lrrr", r"Language & $n$ & Refusal, harmful (\%) & Refusal, harmless (\%) \\"),
    "ablated": (
        "lrrrr",
        r"Language & $n$ & Refusal, harmful (\%) & Refusal, harmless (\%) & Beyond control (points) \\",
    ),
}


def latex_table(scores: Mapping[str, Any]) -> str:
    """A row for each language: its prompts by label, refusal with 95% Wilson intervals and, where there was ablation,
    coherent compliance beyond the control with its own direction."""
    own = {
        record["target_language"]: record
        for record in scores["transfer"]
        if record["source_language"] == record["target_language"]
    }
    rows = {
        (row["target_language"], row["label"]): row
        for row in scores["rows"]
        if row["intervention"] == BASELINE and row["subset"] == "all"
    }
    columns, head = _HEAD["ablated" if own else "plain"]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule"]
    judges = sorted({row["judge"] for row in scores["rows"]} - {""})
    for code in scores["languages"]:
        both = [rows.get((code, label)) for label in LABELS]
        n = "/".join(str(row["n"]) if row else "0" for row in both)
        cells = [code, n, *(_rate(rows.get((code, label))) for label in (HARMFUL, HARMLESS))]
        if own:
            cells.append(_beyond(own.get(code)))
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, *_foot(columns, judges)])


def runs_table(
    rates: Sequence[Mapping[str, Any]], compared: Sequence[Mapping[str, Any]], judges: Sequence[str] = ()
) -> str:
    """A row for each run, language and label: refusal, and the difference to the first run where it is significant."""
    found = {(record["run"], record["label"], record["language"]): record for record in compared}
    head = r"Run & Language & Prompts & $n$ & Refusal (\%) & Against the first (points) \\"
    columns = "lllrrr"
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule"]
    for row in rates:
        record = found.get((row["run"], row["label"], row["language"]))
        cells = [_escaped(row["run"]), row["language"], row["label"], str(row["n"]), _rate(row), _against(record)]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, *_foot(columns, judges)])


def _foot(columns: str, judges: Sequence[str]) -> list[str]:
    """The end of a table: its judges' names without settings, and their whole signatures in comments."""
    names = ", ".join(dict.fromkeys(_escaped(judge.partition("|")[0]) for judge in judges)) or "none"
    told = rf"\multicolumn{{{len(columns)}}}{{l}}{{\footnotesize Judge: {names}}} \\"
    signatures = [f"% judge: {' '.join(judge.split())}" for judge in judges]
    return [r"\midrule", told, r"\bottomrule", r"\end{tabular}", *signatures, ""]


def _against(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "--"
    if record["verdict"] != DIFFERS:
        return "too few prompts" if record["verdict"] == TOO_FEW else "n.s."
    middle, low, high = (100 * record[name] for name in ("difference", "low", "high"))
    return f"{middle:+.0f} [{low:+.0f}, {high:+.0f}]"


def _escaped(text: str) -> str:
    """Text as LaTeX shows it; control characters and line breaks become spaces."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return "".join(_SPECIAL.get(character, character) for character in plain)


def _rate(row: Mapping[str, Any] | None) -> str:
    if row is None or not row["n"]:
        return "--"
    middle, low, high = (100 * row[name] for name in ("refusal", "refusal_low", "refusal_high"))
    return f"{middle:.0f} [{low:.0f}, {high:.0f}]"


def _beyond(record: Mapping[str, Any] | None) -> str:
    if record is None:
        return "--"
    if record["verdict"] == TOO_FEW:
        return "too few prompts"
    if record["verdict"] != EVIDENCE:
        return "no evidence"
    middle, low, high = (100 * record[name] for name in ("difference", "low", "high"))
    return f"{middle:+.0f} [{low:+.0f}, {high:+.0f}]"
