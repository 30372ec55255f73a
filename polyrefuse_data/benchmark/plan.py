"""What a run will do, decided before a model is loaded, and how a folder remembers it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.judges import judge_signature
from polyrefuse_data.benchmark.prompts import LanguagePrompts, choose_prompts, release_rows
from polyrefuse_data.benchmark.settings import Settings
from polyrefuse_data.benchmark.store import RunFolder, read_json, write_json
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import LANGUAGES, language_codes
from polyrefuse_data.rows import LABELS


@dataclass(frozen=True)
class Plan:
    """Languages, prompts and settings of a run. `missing` are languages asked for that the dataset does not hold."""

    model_id: str
    revision: str | None
    dataset: dict[str, Any]
    sources: list[str]
    targets: list[str]
    missing: list[str]
    prompts: dict[str, LanguagePrompts]
    settings: Settings

    def to_text(self) -> str:
        """For people: what a run would do."""
        known = self.to_dict()
        release = f"{self.dataset['name']} {self.dataset['version']}"
        lines = [f"would measure {self.model_id} on {release}, judged by {self.settings.judge}"]
        lines.append(f"  directions from {', '.join(self.sources)}, measured in {', '.join(self.targets)}")
        if self.missing:
            lines.append(f"  not in the release: {', '.join(self.missing)}")
        lines.append(f"  {known['prompts']} test prompts, {known['replies']} replies to generate and judge")
        return "\n".join(lines)

    def to_json(self) -> str:
        """For scripts: the same."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    def to_dict(self) -> dict[str, Any]:
        """What a run would do, and how many replies it would generate: at most, for some sources give no direction."""
        prompts = {code: sum(len(self.prompts[code].get("test", label)) for label in LABELS) for code in self.targets}
        ablated = sum(prompts[target] for _, target in self.settings.pairs(self.sources, self.targets))
        controls = sum(prompts[code] for code in self.sources if code in prompts and self.settings.random_control)
        return {
            "model": self.model_id,
            "revision": self.revision,
            "dataset": self.dataset,
            "source_languages": self.sources,
            "languages": self.targets,
            "missing_languages": self.missing,
            "judge": self.settings.judge,
            "prompts": sum(prompts.values()),
            "replies": sum(prompts.values()) + ablated + controls,
        }

    def record(self) -> dict[str, Any]:
        """As compared with run.json when a run is resumed."""
        return {
            "model_id": self.model_id,
            "requested_revision": self.revision,
            "dataset": self.dataset,
            "source_languages": self.sources,
            "languages": self.targets,
            "missing_languages": self.missing,
            "test_prompts": {
                language: {label: self.prompts[language].ids("test", label) for label in LABELS}
                for language in self.targets
            },
            "settings": self.settings.record(),
        }


def make_plan(
    model_id: str,
    revision: str | None,
    dataset: str | Path,
    source_languages: str | Iterable[str] | None,
    languages: str | Iterable[str] | None,
    settings: Settings,
) -> Plan:
    """Load the release, find its languages and choose the prompts.

    Raises ReleaseError for an unusable release, ConfigError for an unknown language, a judge that cannot judge one,
    or a release without test prompts in the languages asked for.
    """
    from polyrefuse_data.release.load import load_release, release_info

    where, at = _split_revision(str(dataset))
    rows = list(release_rows(load_release(where, revision=at)))
    held = sorted({row["language"] for row in rows}, key=_place)
    asked = held if languages is None else language_codes(languages)
    asked_sources = asked if source_languages is None else language_codes(source_languages)
    targets = [code for code in asked if code in held]
    sources = [code for code in asked_sources if code in held]
    if isinstance(settings.transfer, tuple) and (unknown := sorted(set(settings.transfer) - set(asked_sources))):
        raise ConfigError(
            f"transfer names {unknown[0]!r}, which is no source language of this run: {', '.join(sources)}"
        )
    prompts = choose_prompts(rows, sorted({*targets, *sources}), settings)
    if not any(prompts[code].get("test", label) for code in targets for label in LABELS):
        raise ConfigError(f"{dataset}: no test prompts in {', '.join(asked)}; it holds {', '.join(held) or 'no rows'}")
    for code in targets:
        judge_signature(settings.judge, code)
    info = release_info(where, at)
    kept = {
        "path": str(where),
        "name": info["name"],
        "version": info["version"],
        "content_sha256": info["content_sha256"],
    }
    missing = sorted({*asked, *asked_sources} - set(held))
    return Plan(model_id, revision, kept, sources, targets, missing, prompts, settings)


def claim(folder: RunFolder, plan: Plan) -> bool:
    """Whether the folder already holds this run. Raises ConfigError where it holds another one, or other files.

    The judge may differ: replies are judged again, not generated again.
    """
    if not folder.run.exists():
        if any(not path.name.startswith(".") for path in folder.path.iterdir()):
            raise ConfigError(f"{folder.path} holds files and no run (run.json): choose another --out")
        return False
    held, wanted = read_json(folder.run), plan.record()
    for name, value in _comparable(wanted).items():
        if _comparable(held).get(name) != value:
            raise ConfigError(
                f"{folder.path} holds a run with another {name}: choose another --out, or delete that folder"
            )
    write_json(folder.run, {**held, "settings": wanted["settings"]})
    return True


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    settings = {name: _plain(value) for name, value in record["settings"].items() if name != "judge"}
    dataset = {name: value for name, value in record["dataset"].items() if name != "path"}
    names = ("model_id", "requested_revision", "source_languages", "languages", "test_prompts")
    return {**{name: record[name] for name in names}, **settings, **{f"dataset {k}": v for k, v in dataset.items()}}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _place(code: str) -> tuple[int, str]:
    """Languages in the order of the paper's table, English first; others follow by code."""
    known = list(LANGUAGES)
    return (known.index(code) if code in known else len(known), code)


def _split_revision(dataset: str) -> tuple[str, str | None]:
    """`ORG/NAME@REVISION` in its two parts; a folder is taken as it is."""
    if Path(dataset).exists() or "@" not in dataset:
        return dataset, None
    name, revision = dataset.rsplit("@", 1)
    return name, revision
