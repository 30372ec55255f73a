from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from polyrefuse_data.config import SourceConfig
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.rows import PROMPT_SCHEMA, SPLITS, prompt_id
from polyrefuse_data.sources import DEMO_SEEDS, load_prompts
from polyrefuse_data.sources.prompts import dealt_split


def source(
    folder: Path, records: list[dict[str, object]], name: str = "mine", file: str = "", **fields: object
) -> SourceConfig:
    path = folder / (file or f"{name}.jsonl")
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return SourceConfig(name=name, path=path, **fields)  # type: ignore[arg-type]


def test_the_seeds_are_complete_and_in_the_schema() -> None:
    table = load_prompts([SourceConfig(name=DEMO_SEEDS)])
    assert table.schema == PROMPT_SCHEMA
    ids = table["id"].to_pylist()
    assert ids == sorted(set(ids))
    counts = Counter(zip(table["label"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert all(counts[label, split] > 0 for label in ("harmful", "harmless") for split in SPLITS)
    assert set(table["license"].to_pylist()) == {"Apache-2.0"}


def test_a_record_comes_before_the_source_before_the_files_name(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [
        {"text": "a", "label": "harmless", "split": "dev", "license": "CC0-1.0", "category": "c"},
        {"text": "b"},
    ]
    table = load_prompts([source(tmp_path, records, file="harmful_val.jsonl", split="test", license="MIT")])
    rows = {row["text"]: row for row in table.to_pylist()}
    assert (rows["a"]["label"], rows["a"]["split"], rows["a"]["license"]) == ("harmless", "validation", "CC0-1.0")
    assert (rows["b"]["label"], rows["b"]["split"], rows["b"]["license"]) == ("harmful", "test", "MIT")
    assert rows["a"]["id"] == prompt_id("mine", "a")
    assert (rows["a"]["category"], rows["b"]["category"]) == ("c", None)


def test_the_reference_pipelines_files_say_label_and_split_in_their_names(upstream: Path) -> None:
    path = upstream / "english" / "harmless_train_200_sampled.json"
    table = load_prompts([SourceConfig(name="alpaca-200", path=path)])
    assert table.num_rows == 200
    assert (set(table["label"].to_pylist()), set(table["split"].to_pylist())) == ({"harmless"}, {"train"})


def test_without_a_split_a_prompt_is_dealt_one_for_ever() -> None:
    ids = [prompt_id("mine", str(number)) for number in range(3000)]
    shares = Counter(dealt_split(identifier) for identifier in ids)
    assert shares["train"] / 3000 == pytest.approx(0.6, abs=0.03)
    assert shares["test"] / 3000 == pytest.approx(0.2, abs=0.03)
    assert [dealt_split(f"x-{digits}") for digits in ("0" * 10, "9" * 10, "c" * 10, "f" * 10)] == [
        "train", "train", "validation", "test",
    ]  # fmt: skip


def test_a_file_that_does_not_say_the_label_names_the_key(tmp_path: Path) -> None:
    seeds = SourceConfig(name=DEMO_SEEDS)
    with pytest.raises(ConfigError, match=r"^sources\.1\.label: .*mine\.jsonl:1 has no label"):
        load_prompts([seeds, source(tmp_path, [{"text": "a"}])])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": "a", "label": "bad"}, r":1: label 'bad' is unknown: use harmful, harmless"),
        ({"text": "a", "label": "harmless", "split": "dev2"}, r":1: split 'dev2' is unknown: use train"),
        ({"text": "a", "label": "harmless", "category": 0.5}, r":1: category is a number"),
    ],
)
def test_a_wrong_field_names_line_and_values(tmp_path: Path, record: dict[str, object], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        load_prompts([source(tmp_path, [record])])


def test_a_level_of_harm_can_be_the_label_and_the_category(tmp_path: Path) -> None:
    """As LinguaSafe has it: the breakdown by category is then one by severity."""
    levels = {"0": "harmless", "1": "harmful", "2": "harmful", "3": "harmful"}
    records: list[dict[str, object]] = [{"text": f"prompt {level}", "level": level} for level in range(4)]
    table = load_prompts([source(tmp_path, records, columns={"label": "level", "category": "level"}, labels=levels)])
    told = sorted(
        zip(table["text"].to_pylist(), table["label"].to_pylist(), table["category"].to_pylist(), strict=True)
    )
    assert told == [(f"prompt {level}", levels[str(level)], str(level)) for level in range(4)]


def test_a_repeated_prompt_names_both_lines(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [{"text": "é"}, {"text": "b"}, {"text": "e\N{COMBINING ACUTE ACCENT}"}]
    with pytest.raises(SourceError, match=r"mine\.jsonl:3: the same prompt as .*mine\.jsonl:1: remove one"):
        load_prompts([source(tmp_path, records, label="harmless")])


def test_all_repeated_prompts_are_named_at_once(tmp_path: Path) -> None:
    records: list[dict[str, object]] = [{"text": text} for text in (*"abcdefghijkl", *"abcdefghijkl")]
    with pytest.raises(SourceError) as told:
        load_prompts([source(tmp_path, records, label="harmless")])
    assert str(told.value).count("the same prompt as") == 5
    assert str(told.value).endswith("; and 7 more: remove one of each two")


def test_nothing_that_is_tested_on_is_trained_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train = source(tmp_path, [{"text": "a"}, {"text": "b"}], name="one", label="harmful", split="train")
    test = source(tmp_path, [{"text": "b"}, {"text": "c"}], name="two", label="harmful", split="test")
    table = load_prompts([train, test])
    assert sorted(zip(table["source"].to_pylist(), table["text"].to_pylist(), strict=True)) == [
        ("one", "a"),
        ("two", "b"),
        ("two", "c"),
    ]
    assert "left out 1 prompt that is also in a later split" in caplog.text


def test_the_same_prompt_in_the_same_split_of_two_sources_stays_twice(tmp_path: Path) -> None:
    sources = [source(tmp_path, [{"text": "a"}], name=name, label="harmful", split="test") for name in ("one", "two")]
    assert load_prompts(sources)["id"].to_pylist() == sorted([prompt_id("one", "a"), prompt_id("two", "a")])


def test_sources_that_contradict_each_other_are_named(tmp_path: Path) -> None:
    one = source(tmp_path, [{"text": "a"}], name="one", label="harmful", split="test")
    two = source(tmp_path, [{"text": "a"}], name="two", label="harmless", split="test")
    with pytest.raises(SourceError, match="one and two label the same prompt harmful and harmless"):
        load_prompts([one, two])


def test_a_source_named_twice_is_an_error() -> None:
    with pytest.raises(ConfigError, match="contains the same prompt twice"):
        load_prompts([SourceConfig(name=DEMO_SEEDS)] * 2)


@pytest.mark.parametrize("limit", [1, 6, 20])
def test_a_limit_is_spread_over_labels_and_splits(limit: int) -> None:
    table = load_prompts([SourceConfig(name=DEMO_SEEDS)], limit=limit)
    assert table.num_rows == limit
    counts = Counter(zip(table["label"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert len(counts) == min(limit, 6)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert load_prompts([SourceConfig(name=DEMO_SEEDS, limit=limit)]).equals(table)


def test_no_sources_and_unknown_names_name_what_would_do() -> None:
    with pytest.raises(ConfigError, match="demo-seeds"):
        load_prompts([])
    with pytest.raises(ConfigError, match=r"sources\.0\.name: 'advbnch' is not a public set: use demo-seeds, advbench"):
        load_prompts([SourceConfig(name="advbnch")])
