"""The table of demo.md between its marks, from a run of the demo: refusal of the bundled model in every language.

python -m docs.generators.demo_table demo-out/benchmark/scores.json        # after `make demo`
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docs.generators.markdown import table

PAGE = Path(__file__).parents[1] / "demo.md"
_MARKED = re.compile(r"(<!-- the demo -->\n).*?(<!-- end -->)", re.DOTALL)
_ROWS = {
    "harmful refused, %": ("baseline", "harmful"),
    "harmless refused, %": ("baseline", "harmless"),
    "harmful refused, own direction ablated, %": ("ablation", "harmful"),
    "harmful refused, isotropic random directions ablated, %": ("random", "harmful"),
    "harmful refused, directions with the covariance of activations ablated, %": ("random-covariance", "harmful"),
    "harmful refused, differences of shuffled labels ablated, %": ("random-shuffled", "harmful"),
}


def refusal_table(scores: Mapping[str, Any]) -> str:
    rates = {
        (row["intervention"], row["label"], row["target_language"]): row["refusal"]
        for row in scores["rows"]
        if row["subset"] == "all" and row["source_language"] in (None, row["target_language"])
    }
    languages = scores["languages"]
    lines = ([name, *(f"{100 * rates[(*of, code)]:.0f}" for code in languages)] for name, of in _ROWS.items())
    return table(["", *languages], lines)


if __name__ == "__main__":
    made = refusal_table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_MARKED.sub(lambda found: f"{found[1]}{made}{found[2]}", page), encoding="utf-8")
    print(PAGE)
