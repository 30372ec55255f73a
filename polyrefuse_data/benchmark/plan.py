"""What a run will do, decided before a model is loaded, and how its folder records it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from polyrefuse_data.benchmark.config import EXPERIMENTS, BenchmarkConfig
from polyrefuse_data.benchmark.judges.in_english import JUDGING
from polyrefuse_data.benchmark.prompts import LanguagePrompts, choose_prompts, release_rows
from polyrefuse_data.benchmark.reply_sources import Addition, Erased, top_rank
from polyrefuse_data.benchmark.store import BASELINE, CONTROLS, RunFolder, read_json, write_json
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import LANGUAGES
from polyrefuse_data.rows import LABELS
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted


@dataclass(frozen=True)
class Plan:
    """Languages and prompts of a run. `missing` are requested languages that the dataset does not have."""

    config: BenchmarkConfig
    dataset: dict[str, Any]
    sources: list[str]
    targets: list[str]
    missing: list[str]
    prompts: dict[str, LanguagePrompts]

    @property
    def is_local(self) -> bool:
        """Whether the model lies on this machine."""
        return self.config.is_local

    def to_text(self) -> str:
        """What the run would do, as text."""
        known = self.to_dict()
        release = f"{self.dataset['name']} {self.dataset['version']}"
        lines = [f"would measure {self.config.measured} on {release}, judged by {self.config.judge}"]
        directions = f"directions from {', '.join(self.sources)}" if self.sources else "no directions"
        lines.append(f"  {directions}, measured in {', '.join(self.targets)}")
        if self.missing:
            lines.append(f"  not in the release: {', '.join(self.missing)}")
        replies = counted(known["replies"], "reply", "replies")
        lines.append(f"  {counted(known['prompts'], 'test prompt')}, {replies} to generate and judge")
        return printable.lines(lines)

    def to_json(self) -> str:
        """The same, as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    def to_dict(self) -> dict[str, Any]:
        """What the run would do, and how many replies it would generate at most (some sources may give no
        direction)."""
        prompts = {code: sum(len(self.prompts[code].get("test", label)) for label in LABELS) for code in self.targets}
        ablated = sum(prompts[target] for _, target in self.config.pairs(self.sources, self.targets))
        controls = sum(prompts[code] for code in self.sources if code in prompts and self.config.random_control)
        return {
            "model": self.config.measured,
            "revision": self.config.revision,
            "dataset": self.dataset,
            "source_languages": self.sources,
            "languages": self.targets,
            "missing_languages": self.missing,
            "judge": self.config.judge,
            "prompts": sum(prompts.values()),
            "replies": sum(prompts.values()) + ablated + len(CONTROLS) * controls,
        }

    def record(self) -> dict[str, Any]:
        """The record that is compared with run.json on resuming."""
        return {
            "model_id": self.config.measured,
            "requested_revision": self.config.revision,
            "dataset": self.dataset,
            "source_languages": self.sources,
            "languages": self.targets,
            "missing_languages": self.missing,
            "test_prompts": {
                language: {label: self.prompts[language].ids("test", label) for label in LABELS}
                for language in self.targets
            },
            "settings": self.config.settings(),
        }


def make_plan(config: BenchmarkConfig) -> Plan:
    """Load the release, find its languages and choose the prompts.

    Raises ReleaseError for an unusable release; ConfigError if `transfer` names a language that is not a source, or the
    release has no test prompts in the requested languages.
    """
    info, rows = release_of(config.dataset)
    held = sorted_languages({row["language"] for row in rows})
    asked = list(config.languages or held)
    asked_sources = [] if config.endpoint else list(config.source_languages or asked)
    targets = [code for code in asked if code in held]
    sources = [code for code in asked_sources if code in held]
    check_transfer(config.transfer, asked_sources)
    prompts = choose_prompts(rows, sorted({*targets, *sources}), config)
    if not any(prompts[code].get("test", label) for code in targets for label in LABELS):
        raise ConfigError(
            f"{config.dataset}: no test prompts in {', '.join(asked)}; it holds {', '.join(held) or 'no rows'}"
        )
    missing = sorted({*asked, *asked_sources} - set(held))
    return Plan(config, info, sources, targets, missing, prompts)


def release_of(dataset: str, languages: Sequence[str] | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a result says of a release (a folder, or ORG/NAME[@REVISION]), and its rows. Raises ReleaseError."""
    from polyrefuse_data.release.load import load_release, release_info

    where, at = _split_revision(dataset)
    rows = list(release_rows(load_release(where, revision=at, languages=languages)))
    info = release_info(where, at)
    return {"path": where, **{name: info[name] for name in ("name", "version", "content_sha256")}}, rows


def sorted_languages(codes: Iterable[str]) -> list[str]:
    """Languages in the order of the paper's table, English first; others follow by code."""
    return sorted(codes, key=_place)


def check_transfer(transfer: str | Sequence[str], sources: Sequence[str]) -> None:
    """Raise ConfigError if `transfer` names a language that is not a source."""
    if not isinstance(transfer, str) and (unknown := sorted(set(transfer) - set(sources))):
        raise ConfigError(
            f"transfer names {unknown[0]!r}, which is not a source language of this run: {', '.join(sources)}"
        )


class Claiming(Protocol):
    """What claims a run folder: a plan, or replies to be judged."""

    @property
    def is_local(self) -> bool: ...
    @property
    def sources(self) -> list[str]: ...
    @property
    def targets(self) -> list[str]: ...
    def record(self) -> dict[str, Any]: ...


def claim(folder: RunFolder, plan: Claiming) -> dict[str, Any] | None:
    """The run.json in the folder; None if it holds no run yet.

    The judge and what it sees may differ, because replies can be judged again, and so may the experiments. Raises
    ConfigError if the folder holds another run, files without a run.json, or replies that do not belong to this run.
    """
    if not folder.run.exists():
        if any(not path.name.startswith(".") for path in folder.path.iterdir()):
            raise ConfigError(f"{folder.path} holds files but no run (no run.json): choose another --out")
        return None
    held, wanted = read_json(folder.run), plan.record()
    if not isinstance(held, dict) or not set(wanted) <= set(held):
        raise ConfigError(
            f"{folder.run} was written by another version of polyrefuse-data: choose another --out, or delete that "
            "folder"
        )
    compared = _comparable(wanted)
    if plan.is_local:
        del compared["model_id"]  # a folder may have moved; its digests identify it
    for name, value in compared.items():
        if _comparable(held).get(name) != value:
            raise ConfigError(
                f"{folder.path} holds a run with another {name}: choose another --out, or delete that folder"
            )
    sources, known = {BASELINE, *CONTROLS, *plan.sources}, set(plan.targets)
    for source, language, path in folder.reply_files():
        named = Addition.of(source) or Erased.of(source)
        of_run = named.source in plan.sources if named else top_rank(source) is not None or source in sources
        if not of_run or language not in known:
            raise ConfigError(f"{path} does not belong to this run: move it out of {folder.path}")
    held = {**held, "settings": wanted["settings"]}
    write_json(folder.run, held)
    return held


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in record["settings"].items() if name not in (*JUDGING, *EXPERIMENTS)}
    dataset = {name: value for name, value in record["dataset"].items() if name != "path"}
    names = ("model_id", "requested_revision", "source_languages", "languages", "test_prompts")
    return {**{name: record[name] for name in names}, **settings, **{f"dataset {k}": v for k, v in dataset.items()}}


def _place(code: str) -> tuple[int, str]:
    """Sort key for languages: English first, then the order of the paper's table, then by code."""
    known = list(LANGUAGES)
    return (known.index(code) if code in known else len(known), code)


def _split_revision(dataset: str) -> tuple[str, str | None]:
    """Split `ORG/NAME@REVISION` into its two parts; a folder is returned unchanged, and so is an address, in whose half
    nobody would see the secret."""
    if Path(dataset).exists() or "@" not in dataset or "://" in dataset:
        return dataset, None
    name, revision = dataset.rsplit("@", 1)
    return name, revision
