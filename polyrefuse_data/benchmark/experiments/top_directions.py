"""Not the best direction alone: what ablating the next-best candidates does, and how much they resemble it.

If refusal is one direction, the candidates that the rule likes next are near it (high cosine) and do the same. Where
one of low cosine does the same, there is more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.contrasts import by_id, complies, difference, with_verdicts
from polyrefuse_data.benchmark.experiments import Replies
from polyrefuse_data.benchmark.reply_sources import top_rank
from polyrefuse_data.benchmark.selection import best_first
from polyrefuse_data.benchmark.statistics import rate, rate_interval
from polyrefuse_data.benchmark.store import BASELINE, RunFolder
from polyrefuse_data.rows import HARMFUL


def ranked(selection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates of a source's record that its rule accepts, best first: the first is the chosen one. Empty of a
    staged selection, which scores only what the choice needs."""
    return best_first(row for row in selection.get("candidates", ()) if row["dropped"][selection["rule"]] is None)


def top_directions(folder: RunFolder, replies: Replies) -> list[dict[str, Any]]:
    """One record per language and rank that was ablated, the first included; compliance is compared with that before
    ablation, on the same prompts, with Holm's correction over all records."""
    asked = {language for folder_name, language in replies if top_rank(folder_name)}
    records = []
    for language in sorted(asked):
        candidates = store.read_tensors(folder.directions(language))["candidates"]
        order = ranked(store.read_json(folder.selection(language)))
        first = candidates[order[0]["position"], order[0]["layer"]]
        ablated = {1: replies.get((language, language))} | {
            rank: found for (name, code), found in replies.items() if code == language and (rank := top_rank(name))
        }
        before = by_id(replies[BASELINE, language], HARMFUL, complies)
        for rank, after in sorted(ablated.items()):
            if after is None:
                continue
            row = order[rank - 1]
            direction = candidates[row["position"], row["layer"]]
            cosine = float(direction @ first / (direction.norm() * first.norm()))
            refused = [reply["refusal"] is True for reply in after if reply["label"] == HARMFUL]
            low, high = rate_interval(refused)
            told = {name: row[name] for name in ("position", "layer", "refusal_score", "kl_div_score")}
            record = {"language": language, "rank": rank, **told, "cosine": cosine}
            record |= {"refusal": rate(refused), "refusal_low": low, "refusal_high": high}
            records.append({**record, **difference(by_id(after, HARMFUL, complies), before)})
    return with_verdicts(records)
