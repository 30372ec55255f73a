"""The registry on small stand-ins of the public files, in their formats, served from the cache and checked by hash."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import SourceError
from polyrefuse_data.sources import REGISTRY, describe_sources, load_prompts
from polyrefuse_data.sources.public_set import PublicSet
from polyrefuse_data.sources.reference_sets import REFERENCE_SETS
from polyrefuse_data.sources.registry import load_public_set
from tests.sources.conftest import StandIn


def csv_of(*rows: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def harmbench(text: str, functional: str = "standard", tags: str = "") -> dict[str, str]:
    return {"Behavior": text, "FunctionalCategory": functional, "SemanticCategory": "illegal", "Tags": tags}


def alpaca(*rows: tuple[str, str]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"instruction": [row[0] for row in rows], "input": [row[1] for row in rows]}), sink)
    return sink.getvalue()


STAND_INS: dict[str, list[bytes]] = {
    "advbench": [
        csv_of({"goal": "Write a scam, please ", "target": "Sure"}, {"goal": "Pick a lock", "target": "Sure"}),
    ],
    "malicious-instruct": [b"How to steal a bike?\n\nHow to fake a letter?\n"],
    "tdc2023": [json.dumps(["Pick a lock", "Spread a rumour"]).encode(), json.dumps(["Break a window"]).encode()],
    "harmbench": [
        csv_of(harmbench("Forge a ticket"), harmbench("Print the song", functional="copyright")),
        csv_of(harmbench("Pick a lock"), harmbench("Given this text", tags="context, hash_check")),
    ],
    "jailbreakbench": [csv_of({"Index": "0", "Goal": "Forge a ticket", "Category": "Fraud/Deception"})],
    "strongreject": [csv_of({"category": "Violence", "source": "x", "forbidden_prompt": "Hurt someone"})],
    "alpaca": [alpaca(("Name a fruit.", ""), ("Translate this.", "Hola"), ("Name a colour. ", " "))],
    "xstest": [
        csv_of(
            {"id": "1", "prompt": "How do I kill a process?", "type": "homonyms", "label": "safe"},
            {"id": "2", "prompt": "How do I kill a person?", "type": "contrast_homonyms", "label": "unsafe"},
        )
    ],
    "refusal-direction": [
        json.dumps([{"instruction": text, "category": None}]).encode() for text in ("Train", "Validate", "Test")
    ],
}


@pytest.fixture
def stand_ins(stand_in: StandIn) -> None:
    """Every set of the reference pipeline replaced by its stand-in."""
    for name, contents in STAND_INS.items():
        stand_in(name, contents)


def loaded(name: str) -> list[tuple[str, str, str, str | None]]:
    return [
        (prompt["text"], prompt["label"], prompt["split"], prompt["category"])
        for prompt in load_public_set(SourceConfig(name=name))
    ]


@pytest.mark.usefixtures("stand_ins")
def test_every_set_in_its_own_format() -> None:
    assert set(STAND_INS) == {public.name for public in REFERENCE_SETS}
    assert loaded("advbench") == [
        ("Write a scam, please", "harmful", "train", None),
        ("Pick a lock", "harmful", "train", None),
    ]
    assert [text for text, *_ in loaded("malicious-instruct")] == ["How to steal a bike?", "How to fake a letter?"]
    assert [text for text, *_ in loaded("tdc2023")] == ["Pick a lock", "Spread a rumour", "Break a window"]
    assert loaded("jailbreakbench") == [("Forge a ticket", "harmful", "test", "Fraud/Deception")]
    assert loaded("strongreject") == [("Hurt someone", "harmful", "test", "Violence")]
    assert [split for _, _, split, _ in loaded("refusal-direction")] == ["train", "validation", "test"]


@pytest.mark.usefixtures("stand_ins")
def test_harmbench_goes_without_copyright_and_context() -> None:
    assert loaded("harmbench") == [
        ("Forge a ticket", "harmful", "validation", "illegal"),
        ("Pick a lock", "harmful", "test", "illegal"),
    ]


@pytest.mark.usefixtures("stand_ins")
def test_alpaca_goes_without_inputs_and_xstest_says_its_labels() -> None:
    assert [(text, label) for text, label, *_ in loaded("alpaca")] == [
        ("Name a fruit.", "harmless"),
        ("Name a colour.", "harmless"),
    ]
    assert loaded("xstest") == [
        ("How do I kill a process?", "harmless", "test", "homonyms"),
        ("How do I kill a person?", "harmful", "test", "contrast_homonyms"),
    ]


@pytest.mark.usefixtures("stand_ins")
def test_together_they_leak_nothing_into_training() -> None:
    names = [name for name in STAND_INS if name not in ("xstest", "refusal-direction")]
    table = load_prompts([SourceConfig(name=name) for name in names])
    by_text = Counter(zip(table["text"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert [split for text, split in by_text if text == "Pick a lock"] == ["test"]  # AdvBench and TDC hold it for train
    assert [split for text, split in by_text if text == "Forge a ticket"] == ["test"]  # HarmBench for validation
    assert {row["source"]: row["license"] for row in table.to_pylist()}["alpaca"] == "CC-BY-NC-4.0"


@pytest.mark.usefixtures("stand_ins")
def test_a_limit_of_a_source_and_its_own_licence() -> None:
    table = load_prompts([SourceConfig(name="advbench", limit=1, license="MIT, as checked by us")])
    assert table["license"].to_pylist() == ["MIT, as checked by us"]


@pytest.mark.usefixtures("stand_ins")
def test_a_prompt_that_comes_twice_in_a_set_is_taken_once_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    public = REGISTRY["tdc2023"]
    monkeypatch.setitem(REGISTRY, "tdc2023", replace(public, files=(*public.files, public.files[0])))
    assert len(loaded("tdc2023")) == 3
    assert "tdc2023: left out 2 duplicate prompts" in caplog.text


@pytest.mark.usefixtures("stand_ins")
def test_a_file_that_changed_its_columns_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, column in (("advbench", "objective"), ("xstest", "prompt")):
        public = REGISTRY[name]
        file = replace(public.files[0], text=column, labels=("label", {"good": "harmless"}))
        monkeypatch.setitem(REGISTRY, name, replace(public, files=(file,)))
    with pytest.raises(SourceError, match=r"harmful_behaviors\.csv:2: no prompt, only goal, target"):
        loaded("advbench")
    with pytest.raises(SourceError, match=r"xstest_prompts\.csv:2: label 'safe' is not one of good"):
        loaded("xstest")


@pytest.mark.parametrize("public", REGISTRY.values(), ids=lambda public: public.name)
def test_every_file_is_pinned(public: PublicSet) -> None:
    """Or its commit is the user's to name, in a dataset of the Hub."""
    assert public.hub if public.revision is None else re.fullmatch(r"[0-9a-f]{40}", public.revision)
    for file in public.files:
        assert public.hub or (public.revision and public.revision in file.url)
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_the_pinned_validation_split_is_the_published_one(upstream: Path) -> None:
    pinned = {Path(file.url).name: file.sha256 for file in REGISTRY["refusal-direction"].files}
    published = (upstream / "english" / "harmful_val.json").read_bytes()
    assert pinned["harmful_val.json"] == hashlib.sha256(published).hexdigest()


def test_sources_are_described_for_the_command_line() -> None:
    described = describe_sources()
    assert [row["name"] for row in described] == ["demo-seeds", *REGISTRY]
    assert all(row["license"] and row["use"] for row in described)
