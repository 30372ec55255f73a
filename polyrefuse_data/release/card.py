"""README.md of a release: the dataset card with its YAML header, from one template."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language
from polyrefuse_data.release import layout
from polyrefuse_data.release.licences import (
    has_non_commercial_weights,
    hub_licence,
    is_non_commercial,
    licence_identifier,
)
from polyrefuse_data.release.manifest import Manifest
from polyrefuse_data.rows import LABELS, SPLITS, slug
from polyrefuse_data.text import markdown
from polyrefuse_data.text.markdown import Markdown
from polyrefuse_data.text.printable import printable_line

Entry = TypeVar("Entry")

_TEMPLATE = Path(__file__).parent / "templates" / "card.md.j2"
_MOST_LINES = 50  # of a table or list that grows with what the imported files hold
PLACEHOLDER = "ORG/NAME"  # in the card's snippets, where nobody said under which name the release is published
_LONGEST_SIGNATURE = 2000  # characters; that of all checks has some 500
_GATE_PROMPT = (
    "This dataset contains requests that aligned models should refuse. It is shared for research on the safety of "
    "language models. To see the files, state who you are and agree to use them only for that."
)
_GATE_FIELDS: dict[str, Any] = {
    "Name": "text",
    "Affiliation": "text",
    "Intended use": "text",
    "I will use this dataset only for research on the safety of language models": "checkbox",
    "I will not use it to train a model to comply with harmful requests": "checkbox",
}
# The Hub's buckets for `size_categories`.
_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def render_card(
    manifest: Manifest, quality: Mapping[str, dict[str, float]], gated_fields: Mapping[str, str] | None = None
) -> str:
    """The card of a release, from its manifest (whose `files` may still lack the card itself).

    `quality` is language -> mean scores (provenance.quality_by_language); `gated_fields` is what the Hub asks people
    who want access, if not what is usual.
    """
    import yaml

    header = yaml.safe_dump(card_data(manifest, gated_fields), sort_keys=False, allow_unicode=True, width=1000)
    weights = [engine.name for engine in manifest.engines if has_non_commercial_weights(engine.name)]
    non_commercial = [source.name for source in manifest.sources if is_non_commercial(source.license)] + weights
    text = markdown.template(_TEMPLATE.read_text(encoding="utf-8")).render(
        manifest=manifest,
        repo=Markdown((manifest.published and manifest.published.repo_id) or PLACEHOLDER),
        doi=manifest.published
        and manifest.published.doi
        and markdown.link(f"doi:{manifest.published.doi}", manifest.published.identifier),
        bibtex=_bibtex(manifest),
        rows=accepted_rows(manifest),
        one_label=next(layout.config_name(place.language, place.label) for place in manifest.data_files().values()),
        has_rejected=bool(manifest.parquet_files(layout.REJECTED)),
        prompts=sum(source.prompts for source in manifest.sources),
        languages=[_language_line(manifest, code, quality.get(code, {})) for code in manifest.counts],
        gaps=[line for code in manifest.languages for line in _gap_lines(manifest, code)],
        sources=_largest(manifest.sources, lambda source: source.prompts),
        engines=_largest(manifest.engines, lambda engine: engine.translated + engine.back_translated),
        longest_signature=_LONGEST_SIGNATURE,
        non_commercial=_joined(non_commercial, markdown.escaped),
        non_commercial_parts=len(non_commercial),
        weights=_joined(weights, markdown.code),
        whole_is_non_commercial=is_non_commercial(manifest.license),
    )
    return f"---\n{header}---\n\n{text}"


def card_data(manifest: Manifest, gated_fields: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The card's YAML: licence, languages, task, size, gate, and configs by language and by language and label."""
    licence = hub_licence(manifest.license)
    data: dict[str, Any] = {
        "pretty_name": f"{printable_line(manifest.name)} {manifest.version}",
        "language": list(manifest.languages),
        "license": licence,
    }
    if licence == "other":
        data |= {"license_name": licence_identifier(manifest.license), "license_link": "README.md"}
    return data | {
        "task_categories": ["text-generation", "text-classification"],
        "size_categories": [size_category(accepted_rows(manifest))],
        "multilinguality": ["multilingual" if len(manifest.languages) > 1 else "monolingual"],
        "tags": ["not-for-all-audiences", "safety", "refusal", "red-teaming", "interpretability"],
        # What the Hub asks of people where the repository is gated; without effect where it is not.
        "extra_gated_heading": "Access is for research on the safety of language models",
        "extra_gated_prompt": _GATE_PROMPT,
        "extra_gated_fields": dict(gated_fields or _GATE_FIELDS),
        "extra_gated_button_content": "Agree and send the request",
        "configs": _configs(manifest),
    }


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    def config(name: str, files: dict[str, list[str]], **extra: Any) -> dict[str, Any]:
        hashes = "".join(manifest.files[path].sha256 for split in files.values() for path in split)
        return {
            "config_name": name,
            **extra,
            "version": manifest.version,
            # Part of the key of the datasets cache: a folder rewritten at the same version is read anew.
            "description": f"files sha256 {hashlib.sha256(hashes.encode()).hexdigest()}",
            "data_files": [{"split": split, "path": files[split]} for split in (*SPLITS, "rejected") if split in files],
        }

    def files(code: str, label: str | None) -> dict[str, list[str]]:
        splits: dict[str, list[str]] = {}
        for path, place in manifest.data_files().items():
            if code in (place.language, layout.EVERY_LANGUAGE) and label in (place.label, None):
                splits.setdefault(place.split, []).append(path)
        return splits

    configs = [config("default", files(layout.EVERY_LANGUAGE, None), default=True)]
    for code in (layout.EVERY_LANGUAGE, *manifest.languages):
        for label in (None, *LABELS):
            own = files(code, label)
            if own:
                configs.append(config(layout.config_name(code, label), own))
    rejected = manifest.parquet_files(layout.REJECTED)
    if rejected:
        configs.append(config("rejected", {"rejected": rejected}))
    return configs


def accepted_rows(manifest: Manifest) -> int:
    """Rows in data/ over all languages, splits and labels."""
    return sum(
        number
        for counts in manifest.counts.values()
        for labels in counts.accepted.values()
        for number in labels.values()
    )


def size_category(rows: int) -> str:
    """The Hub's `size_categories` bucket of a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "10M<n<100M")


def _language_line(manifest: Manifest, code: str, quality: dict[str, float]) -> dict[str, Any]:
    counts = manifest.counts[code]
    return {
        "code": code,
        "name": _language_name(code),
        "cells": {
            split: " / ".join(str(counts.accepted.get(split, {}).get(label, 0)) for label in LABELS) for split in SPLITS
        },
        "rejected": counts.rejected,
        "chrf": _score(quality, "chrf", 1),
        "back_translated": int(quality.get("back_translated", 0)),
        "confidence": _score(quality, "language_confidence", 2),
    }


def _bibtex(manifest: Manifest) -> Markdown:
    """The release as an entry of a bibliography; empty where nobody said when or under which DOI it is published."""
    said = manifest.published
    if said is None or not (said.doi or said.date):
        return Markdown()
    title = re.sub(r"[{}`\\]", "", printable_line(manifest.name))
    fields = {
        "title": f"{title} {manifest.version}",
        "year": said.date[:4] if said.date else None,
        "doi": said.doi,
        "url": said.url,
        "version": manifest.version,
    }
    key = f"{slug(manifest.name)}-{manifest.version}"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return Markdown("\n".join([f"@misc{{{key},", *lines, "}"]) + "\n")


def _largest(entries: Sequence[Entry], size: Callable[[Entry], int]) -> list[Entry]:
    """The entries in order; if there are too many for a table, only the largest."""
    places = sorted(range(len(entries)), key=lambda place: (-size(entries[place]), place))
    return [entries[place] for place in sorted(places[:_MOST_LINES])]


def _joined(names: Sequence[str], written: Callable[[str], Markdown]) -> Markdown:
    """A list as part of a sentence."""
    more = f" and {len(names) - _MOST_LINES} more" if len(names) > _MOST_LINES else ""
    return Markdown(", ".join(map(written, names[:_MOST_LINES])) + more)


def _score(quality: dict[str, float], name: str, digits: int) -> str:
    return f"{quality[name]:.{digits}f}" if name in quality else "–"


def _language_name(code: str) -> str:
    try:
        return language(code).name
    except ConfigError:  # an imported language that NLLB does not know
        return code


def _gap_lines(manifest: Manifest, code: str) -> list[Markdown]:
    missing = manifest.counts[code].missing
    parts = [f"{number} {label} {split}" for split, labels in missing.items() for label, number in labels.items()]
    name = f"{markdown.escaped(_language_name(code))} ({markdown.code(code)})"
    return [Markdown(f"{name} has no row for {', '.join(parts)} prompts")] if parts else []
