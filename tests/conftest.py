"""The published rows, for tests that calibrate; and what the run says at its end of the tests that were skipped."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from polyrefuse_data import rows as schema
from tests.faults.launcher import WARM, Call, Launcher
from tests.published import MISSING, find

settings.register_profile("any machine", deadline=None)  # a busy one takes longer than Hypothesis allows an example
settings.load_profile("any machine")

TARGETS = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "ru", "th", "yo", "zh")


@pytest.fixture(scope="session", autouse=True)
def own_xet_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """hf_xet notes by address what a server has. A double on the port of an earlier one would not be sent it again."""
    os.environ["HF_XET_CACHE"] = str(tmp_path_factory.mktemp("xet"))


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Runs `polyrefuse` commands in processes that need not load anything."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with Launcher(tmp_path_factory.mktemp("launcher") / "log.txt", WARM, env=environment) as started:
        yield started


@pytest.fixture(scope="session")
def polyrefuse(launcher: Launcher) -> Call:
    """`polyrefuse("build", "-c", path, cwd=folder, VARIABLE="value")`: how it ended, and what it printed where."""
    return launcher.call


@pytest.fixture(scope="session")
def upstream() -> Path:
    """The folder with the published dataset (`PolyRefuse/`) and its English (`english/`)."""
    folder = find()
    if folder is None:
        pytest.skip(MISSING)
    return folder


@pytest.fixture(scope="session")
def published(upstream: Path) -> list[dict[str, Any]]:
    """The published rows that align with English, as dicts of the row schema."""
    rows: list[dict[str, Any]] = []

    def add(language: str, name: str, english: str, text: str, back: str | None = None) -> None:
        identity = {"id": schema.prompt_id(name, english), "language": language, "label": "harmless", "split": "train"}
        rows.append({**identity, "text": text, "text_en": english, "back_translation": back})

    def load(path: str) -> list[dict[str, str]]:
        loaded: list[dict[str, str]] = json.loads((upstream / path).read_text(encoding="utf-8"))
        return loaded

    for code in TARGETS:
        for name, english in (
            ("harmful_val", "harmful_val"),
            ("harmless_train", "harmless_train_200_sampled"),
            ("harmless_val", "harmless_val_200_sampled"),
        ):
            if code == "zh" and name != "harmful_val":
                continue  # published in another order than English
            translated = load(f"PolyRefuse/{name}_translated_{code}.json")
            for row, source in zip(translated, load(f"english/{english}.json"), strict=True):
                add(code, name, source["instruction"], row["instruction"])
        if code != "zh":
            for row in load(f"PolyRefuse/harmless_test_translated_{code}.json"):
                add(code, "harmless_test", row["instruction"], row["instruction_translated"])
        if code in ("de", "ko", "yo"):
            folder_name = "PolyRefuse/harmful_test_back_translated"
            for row in load(f"{folder_name}/harmful_test_back_translated_{code}.json"):
                back = row["instruction_back_translated"]
                add(code, "harmful_test", row["instruction"], row["instruction_translated"], back)
    return rows


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that tests were skipped for want of; the reasons say how to get it."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} tests skipped: {reason}" if count > 1 else f"1 test skipped: {reason}")
