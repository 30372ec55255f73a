"""English prompts: their type, their split, and what a set of them must not contain."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import TypedDict

import pyarrow as pa

from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.rows import LABELS, PROMPT_SCHEMA, SPLITS, nfc
from polyrefuse_data.text.counts import counted

DEMO_SEEDS = "demo-seeds"

# How files call the splits, ours first.
SPLIT_NAMES = {**{split: split for split in SPLITS}, "val": "validation", "valid": "validation", "dev": "validation"}

# `harmful_val.json`, `harmless_train_200_sampled.json`: the reference pipeline says label and split in the file's name.
FILE_NAME = re.compile(rf"(?P<label>{'|'.join(LABELS)})_(?P<split>{'|'.join(SPLIT_NAMES)})(?=[_.]|$)")

# Shares of train and validation among prompts that come without a split; the reference pipeline's for Alpaca.
_TRAIN_SHARE, _VALIDATION_SHARE = 0.6, 0.2

_logger = logging.getLogger(__name__)


class Prompt(TypedDict):
    """A record of rows.PROMPT_SCHEMA."""

    id: str
    label: str
    split: str
    text: str
    category: str | None
    source: str
    license: str


def prompt_table(prompts: Iterable[Prompt]) -> pa.Table:
    """Prompts as a table of rows.PROMPT_SCHEMA, sorted by id."""
    return pa.Table.from_pylist(sorted(prompts, key=lambda prompt: prompt["id"]), schema=PROMPT_SCHEMA)


def dealt_split(identifier: str) -> str:
    """The split of a prompt without one, from the hash at the end of its id."""
    share = int(identifier.rsplit("-", 1)[1], 16) / 16**10
    if share < _TRAIN_SHARE:
        return "train"
    return "validation" if share < _TRAIN_SHARE + _VALIDATION_SHARE else "test"


def without_leaks(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Leave out prompts whose text is also in a later split, and log how many.

    Raises SourceError if a text is harmful in one place and harmless in another.
    """
    latest: dict[str, Prompt] = {}
    for prompt in prompts:
        known = latest.setdefault(nfc(prompt["text"]), prompt)
        if known["label"] != prompt["label"]:
            raise SourceError(
                f"{known['source']} and {prompt['source']} label the same prompt {known['label']} and "
                f"{prompt['label']} ({prompt['text'][:60]!r}): remove it from one of them"
            )
        if SPLITS.index(prompt["split"]) > SPLITS.index(known["split"]):
            latest[nfc(prompt["text"])] = prompt
    kept = [prompt for prompt in prompts if latest[nfc(prompt["text"])]["split"] == prompt["split"]]
    if len(kept) < len(prompts):
        _logger.warning(
            "left out %s also in a later split", counted(len(prompts) - len(kept), "prompt that is", "prompts that are")
        )
    return kept


def reject_duplicates(prompts: Sequence[Prompt]) -> None:
    """Raise ConfigError if two sources with the same name contain the same prompt, since ids would not be unique."""
    seen: set[str] = set()
    for prompt in prompts:
        if prompt["id"] in seen:
            raise ConfigError(
                f"sources: {prompt['source']} contains the same prompt twice ({prompt['text'][:60]!r}): name each "
                "source once, and give different files different names"
            )
        seen.add(prompt["id"])


def spread(prompts: Sequence[Prompt], limit: int) -> list[Prompt]:
    """At most `limit` prompts, taken in turn from each (label, split) in the order of their ids."""
    groups: dict[tuple[str, str], list[Prompt]] = defaultdict(list)
    for prompt in sorted(prompts, key=lambda prompt: prompt["id"]):
        groups[prompt["label"], prompt["split"]].append(prompt)
    turns = chain.from_iterable(zip_longest(*(groups[key] for key in sorted(groups))))
    return [prompt for prompt in turns if prompt is not None][:limit]
