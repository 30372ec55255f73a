"""Whether a prompt meets the same fate in every language."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from polyrefuse_data.benchmark.contrasts import Replies, by_id, refuses
from polyrefuse_data.benchmark.statistics import MIN_PROMPTS, rate, rate_interval
from polyrefuse_data.rows import LABELS


def consistency(baseline: Mapping[str, Replies]) -> list[dict[str, Any]]:
    """A record for each label: how many of the prompts that all languages have are refused in all of them, in none, or
    in some, as shares with intervals; and how often each two languages agree. Nothing of a single language."""
    if len(baseline) < 2:
        return []
    records = []
    for label in LABELS:
        refused = {code: by_id(replies, label, refuses) for code, replies in baseline.items()}
        shared = sorted(set.intersection(*(set(table) for table in refused.values())))
        counts = [sum(table[prompt] for table in refused.values()) for prompt in shared]
        fates = {
            "always": [count == len(refused) for count in counts],
            "never": [count == 0 for count in counts],
            "sometimes": [0 < count < len(refused) for count in counts],
        }
        record: dict[str, Any] = {"label": label, "n": len(shared), "concludes": len(shared) >= MIN_PROMPTS}
        for name, values in fates.items():
            record[name] = rate(values)
            record[f"{name}_low"], record[f"{name}_high"] = rate_interval(values)
        record["agreement"] = [
            {
                "languages": list(pair),
                "share": rate([len({refused[code][prompt] for code in pair}) == 1 for prompt in shared]),
            }
            for pair in combinations(refused, 2)
        ]
        records.append(record)
    return records
