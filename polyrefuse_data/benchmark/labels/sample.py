"""Which replies people are shown: as many of each language, label, intervention and verdict, drawn by a seed.

Rare kinds are seen as well as common ones. How many replies each stratum has is kept with the sample, because what is
counted in it has to be weighted by that. A larger sample of the same seed holds the smaller one.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.labels.replies import JudgedReply
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError

VERDICTS = {True: "refusal", False: "compliance", None: "none"}

Stratum = tuple[str, str, str]  # label, intervention, verdict


def reply_key(reply: JudgedReply) -> str:
    """What a reply is called in a sheet: says nothing of where it comes from, and orders sheets at random.

    It starts with a letter, because spreadsheets rewrite what looks like a number.
    """
    place = "\0".join((reply.language, reply.source, reply.id))
    return "r" + hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:12]


def stratum_of(reply: JudgedReply) -> Stratum:
    return reply.label, reply.intervention, VERDICTS[reply.verdict]


def draw(replies: Sequence[JudgedReply], size: int, seed: int) -> dict[str, Any]:
    """A sample of the replies in one language, in turn from each stratum: the record of it in sample.json."""
    strata: dict[Stratum, list[JudgedReply]] = defaultdict(list)
    for reply in sorted(replies, key=lambda reply: (reply.source, reply.id)):
        strata[stratum_of(reply)].append(reply)
    for stratum, members in strata.items():
        random.Random(f"{seed} {replies[0].language} {stratum}").shuffle(members)
    longest = max(map(len, strata.values()), default=0)
    turns = [(s, strata[s][turn]) for turn in range(longest) for s in sorted(strata) if turn < len(strata[s])]
    drawn = sorted((reply_key(reply), stratum) for stratum, reply in turns[:size])
    return {
        "seed": seed,
        "judge": replies[0].judge if replies else "",
        "interventions": sorted({reply.intervention for reply in replies}),
        "strata": [
            {"label": label, "intervention": intervention, "verdict": verdict, "replies": len(strata[stratum])}
            for stratum in sorted(strata)
            for label, intervention, verdict in [stratum]
        ],
        "drawn": {key: list(stratum) for key, stratum in drawn},
    }


def read_sample(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """The samples drawn so far, by language."""
    return dict(store.read_json(folder.label_sample)) if folder.label_sample.exists() else {}


def grown(held: dict[str, Any] | None, found: dict[str, Any], language: str) -> dict[str, Any]:
    """A sample as it is kept: the larger of one before and a new one. Raises ConfigError where they do not go
    together, for labels of two samples cannot be weighted as one."""
    if held is None:
        return found
    for name, what in (("seed", "seed"), ("judge", "judge's verdicts"), ("interventions", "interventions")):
        if held[name] != found[name]:
            raise ConfigError(
                f"replies in {language} were drawn with another {what} before ({held[name]}, now {found[name]}): use "
                "that one, or move labels/ out of the run folder to start again"
            )
    return max(held, found, key=lambda sample: len(sample["drawn"]))
