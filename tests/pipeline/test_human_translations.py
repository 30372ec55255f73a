"""Translations that came with a public set are used before machines are asked, and say so."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from polyrefuse_data.config import parse_config
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.pipeline.summary import BuildEstimate
from polyrefuse_data.release import write_release
from polyrefuse_data.sources import REGISTRY
from polyrefuse_data.workspace import Workspace
from tests.pipeline.test_build import PROGRAM
from tests.sources.conftest import StandIn, stand_in
from tests.sources.test_registry import csv_of

__all__ = ["stand_in"]

KEYS = [prompt.key for prompt in seed_prompts()][:4]
TEXTS = {code: [seed_texts(code).prompts[key] for key in KEYS] for code in ("en", "de", "it", "ko")}


def multijail() -> bytes:
    """Its layout, with harmless prompts: Italian for all of them, Korean for all but the last."""
    rows = []
    for number, english in enumerate(TEXTS["en"]):
        row = {
            "id": str(number),
            "source": "x",
            "en": english,
            **dict.fromkeys(REGISTRY["multijail"].translated_into, ""),
        }
        row |= {"it": TEXTS["it"][number], "ko": TEXTS["ko"][number] if number < 3 else "", "tags": "[]"}
        rows.append(row)
    return csv_of(*rows)


def test_people_come_before_machines(stand_in: StandIn, tmp_path: Path) -> None:
    stand_in("multijail", [multijail()])
    (tmp_path / "program.py").write_text(PROGRAM)

    def program(source: str, target: str) -> list[str]:
        table = tmp_path / f"{source}-{target}.json"
        table.write_text(json.dumps(dict(zip(TEXTS[source], TEXTS[target], strict=True))))
        return [
            sys.executable,
            str(tmp_path / "program.py"),
            str(table),
            str(tmp_path / f"asked-{source}-{target}"),
            "0",
        ]

    def asked(direction: str) -> list[str]:
        path = tmp_path / f"asked-{direction}"
        return path.read_text().split("\n") if path.exists() else []

    pairs = [pair for code in ("de", "it", "ko") for pair in (("en", code), (code, "en"))]
    backend = {"engine": "command", "name": "mt", "commands": {f"{a}-{b}": program(a, b) for a, b in pairs}}
    config = parse_config(
        {
            "languages": ["de", "it", "ko"],
            "sources": [{"name": "multijail"}],
            "translation": {"backends": [backend]},
            "release": {"name": "x"},
        }
    )
    estimate = build(Workspace(tmp_path / "ws"), config, dry_run=True, progress=False)
    assert isinstance(estimate, BuildEstimate)
    assert [(line.translator, line.texts) for line in estimate.backends[:2]] == [
        ("human:multijail", 7),
        ("command:mt", 5),
    ]
    assert "rows that the checks reject go to the next backend" in estimate.to_text()

    workspace = Workspace(tmp_path / "ws")
    build(workspace, config, progress=False)
    rows = workspace.read_rows().to_pylist()
    made = Counter((row["language"], row["origin"], row["translator"]) for row in rows if row["language"] != "en")
    assert made == {
        ("it", "human", "human:multijail"): 4, ("ko", "human", "human:multijail"): 3,
        ("ko", "machine", "command:mt"): 1, ("de", "machine", "command:mt"): 4,
    }  # fmt: skip
    assert {row["status"] for row in rows} == {"accepted"}
    assert TEXTS["en"][0] not in asked("en-ko") and TEXTS["en"][3] in asked("en-ko")
    assert not {*TEXTS["en"]} & {*asked("en-it")}

    workspace.config.write_text('[[sources]]\nname = "multijail"\n[release]\nname = "x"\n')
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    manifest = json.loads((release / "manifest.json").read_text())
    assert {"human", "command"} == {engine["engine"] for engine in manifest["engines"]}
    assert [(entry["name"], entry["revision"]) for entry in manifest["sources"]] == [
        ("multijail", REGISTRY["multijail"].revision)
    ]
