"""Good translations that the checks reject, and changes of meaning that they find, on sets that nobody here wrote.

    python benchmarks/meaning.py OUTSIDE [UPSTREAM] [--part all|fit|shown] [--kinds all|changed] [--planted]

OUTSIDE is the folder of outside_sets.py. UPSTREAM, a folder with PolyRefuse/ and english/ as published, adds its
rows: as they are, and with their English as a back-translation. `--planted` adds the recalls of the two
generators of corruptions (as `quality.py` prints them, which takes minutes). `--part` keeps the prompts that bounds
were fitted on, or those that no fit has seen.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outside_sets import KINDS, PARTS, demetr, in_part, mlqe, multijail, ntrex

from polyrefuse_data import rows as schema
from polyrefuse_data.quality import audit
from quality import GENERATORS, measure, published, rows_with_english, show

_SIGNS = frozenset(
    {"changed_negation", "unsaid_negation", "replaced_names", "lost_names", "opposite_words", "added_words"}
)
_BACK_TRANSLATED = {"back_translator": "a perfect one"}


def verdicts(rows: Sequence[dict[str, Any]]) -> list[tuple[bool, list[str]]]:
    """(rejected?, flags) of each row, each set audited as one table."""
    plain = [{name: value for name, value in row.items() if name in schema.COLUMNS} for row in rows]
    audited = audit(schema.table_from_rows(plain))
    status, flags = audited["status"].to_pylist(), audited["flags"].to_pylist()
    return [(one == schema.REJECTED, own) for one, own in zip(status, flags, strict=True)]


def false_rejections(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the share of rows rejected by language, and the flags on those."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    flags: dict[str, Counter[str]] = defaultdict(Counter)
    for row, (rejected, own) in zip(rows, verdicts(rows), strict=True):
        counts[row["language"]][0] += rejected
        counts[row["language"]][1] += 1
        flags[row["language"]].update(own if rejected else ())
    print(f"\n{name}: good rows rejected")
    for code, (bad, total) in sorted(counts.items()):
        print(f"  {code}  {bad / total:6.1%} of {total}   {dict(flags[code].most_common(6))}")


def judged_by_people(rows: Sequence[dict[str, Any]]) -> None:
    print("\nMLQE: mean human score (0 to 100) of kept and rejected rows")
    for code in sorted({row["language"] for row in rows}):
        own = [row for row in rows if row["language"] == code]
        groups: dict[bool, list[float]] = {False: [], True: []}
        for row, (rejected, _) in zip(own, verdicts(own), strict=True):
            groups[rejected].append(row["score"])
        kept, gone = (sum(found) / len(found) if found else float("nan") for found in groups.values())
        print(f"  {code}  kept {kept:.1f} ({len(groups[False])}), rejected {gone:.1f} ({len(groups[True])})")


def changed_meanings(pairs: Sequence[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
    print("\nDEMETR: flagged (rejected) with a changed meaning; the same rows unchanged")
    kinds = [kind for kind, _, _ in pairs]
    languages = [row["language"] for _, row, _ in pairs]
    good, bad = ([(False, [""])] * len(pairs) for _ in range(2))
    for kind in KINDS:  # one text stands in several kinds, and would be a duplicate
        places = [place for place, name in enumerate(kinds) if name == kind]
        for group, column in ((good, 1), (bad, 2)):
            for place, found in zip(places, verdicts([pairs[place][column] for place in places]), strict=True):
                group[place] = found
    codes = sorted(set(languages))
    for kind in KINDS:
        cells = []
        for code in ("all", *codes):
            rows = [row for row, name in enumerate(kinds) if name == kind and code in ("all", languages[row])]
            cells.append(f"{code} {shares(bad, rows)}; {shares(good, rows)}")
        print(f"  {kind:<17} {'   '.join(cells)}")
    for what, group in (("unchanged", good), ("changed", bad)):
        flags = Counter(flag for rejected, own in group if rejected for flag in own)
        print(f"  {what}: {shares(group, range(len(group)))}, {dict(flags)}")


def shares(group: Sequence[tuple[bool, list[str]]], rows: Sequence[int]) -> str:
    """How many of these rows are rejected or carry a sign of a changed meaning, and how many are rejected."""
    rejected = [group[row][0] for row in rows]
    flagged = [group[row][0] or not _SIGNS.isdisjoint(group[row][1]) for row in rows]
    return f"{sum(flagged) / max(1, len(rows)):.3f} ({sum(rejected) / max(1, len(rows)):.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure false rejections and changes of meaning that are found.")
    parser.add_argument("outside", type=Path)
    parser.add_argument("upstream", type=Path, nargs="?")
    parser.add_argument("--part", choices=PARTS, default="all")
    parser.add_argument("--kinds", choices=["all", "changed"], default="all", help="changed: DEMETR alone")
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    changed_meanings(in_part(demetr(options.outside), options.part))
    if options.kinds == "changed":
        return
    for name, read in (("MultiJail", multijail), ("NTREX", ntrex)):
        rows = in_part(read(options.outside), options.part)
        false_rejections(name, rows)
        false_rejections(f"{name}, origin = human", [{**row, "origin": "human"} for row in rows])
    judged_by_people(in_part(mlqe(options.outside), options.part))
    if options.upstream is None:
        return
    with published(options.upstream) as workspace:
        own = in_part(rows_with_english(workspace), options.part)
    false_rejections("published, as they are", own)
    false_rejections(
        "published, back-translated", [{**row, "back_translation": row["text_en"], **_BACK_TRANSLATED} for row in own]
    )
    for name in ("first", "other") if options.planted else ():
        kinds = GENERATORS[name]
        print(f"\n{name} generator\n{show(measure(own, kinds, 0), [kind.name for kind in kinds], markdown=False)}")


if __name__ == "__main__":
    main()
