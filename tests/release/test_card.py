"""The card is honest and valid; Croissant describes the same files and gives the same records."""

from __future__ import annotations

import json
import math
import re

import mlcroissant
import pytest
from huggingface_hub import DatasetCard

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import load_release, write_release
from polyrefuse_data.release.card import size_category
from polyrefuse_data.release.layout import sha256_file
from polyrefuse_data.release.licences import hub_licence, overall_licence
from polyrefuse_data.sources import REGISTRY

from .conftest import make_rows, make_workspace


def card_of(folder, rows=None, toml=""):
    workspace = make_workspace(folder / "ws", rows)
    workspace.config.write_text(toml)
    return DatasetCard.load(write_release(workspace, version="1.2.0", out=folder / "rel") / "README.md")


def test_the_yaml_says_languages_licence_size_gate_and_configs(tmp_path):
    card = card_of(tmp_path)
    data = card.data.to_dict()
    assert data["language"] == ["de", "en", "yo"] and data["license"] == "mit"
    assert data["size_categories"] == ["n<1K"] and "not-for-all-audiences" in data["tags"]
    assert "research" in data["extra_gated_prompt"] and "checkbox" in data["extra_gated_fields"].values()
    configs = {config["config_name"]: config for config in data["configs"]}
    by_language = [f"{code}{label}" for code in ("all", "de", "en", "yo") for label in ("", "-harmful", "-harmless")]
    assert list(configs) == ["default", *by_language] and configs["default"]["default"]
    assert {config["version"] for config in configs.values()} == {"1.2.0"}


def test_the_text_says_what_people_need_to_know(tmp_path):
    rows = make_rows()
    rows[0] |= {"status": "rejected", "flags": ["length"]}
    text = card_of(tmp_path, rows).text
    for heading in (
        "What it is",
        "Intended use",
        "Out of scope",
        "How it was made",
        "Known limits",
        "Licences",
        "Citation",
    ):
        assert f"## {heading}" in text
    assert "24 prompts, each labelled harmful or harmless, in 3 languages: 71 rows" in text
    assert "| German (`de`) | 3 / 4 | 4 / 4 | 4 / 4 | 1 | 61.2 | 23 | – |" in text
    assert "| memory | seeds | 1 | 47 | 0 |" in text


def test_non_commercial_parts_are_named_with_what_they_mean(tmp_path):
    rows = make_rows(translator="nllb:facebook/nllb-200-distilled-600M@abc123", license="MIT")
    for row in rows[:3]:
        row |= {"source": "alpaca", "license": "CC BY-NC 4.0"}
    text = card_of(tmp_path, rows, '[release]\nlicense = "Apache-2.0"\n').text
    assert "| nllb | facebook/nllb-200-distilled-600M | abc123 |" in text
    assert "NLLB's weights" in text and "despite\nthe licence above" in text
    assert "alpaca, nllb:facebook" in text


def test_the_examples_name_only_configs_that_there_are(tmp_path):
    def examples(folder, rows):
        return re.findall(r'load_dataset\("ORG/NAME", "([\w-]+)"', card_of(folder, rows).text)

    some_rejected = make_rows(1, ("fr", "yo"))
    some_rejected[0] |= {"status": "rejected", "flags": ["length"]}
    assert examples(tmp_path / "some", some_rejected) == ["fr", "fr-harmful", "rejected"]
    harmless = [row for row in make_rows(1, ("fr", "yo")) if row["label"] == "harmless"]
    assert examples(tmp_path / "none", harmless) == ["fr", "fr-harmless"]


@pytest.mark.parametrize(
    ("source", "is_import", "is_known"),
    [
        ('[[sources]]\nname = "advbench"\n', False, True),
        ('[[sources]]\nname = "advbench"\npath = "mine.csv"\n', False, False),
        ('[[sources]]\nname = "advbench"\n', True, False),
    ],
    ids=["registry", "local file", "import"],
)
def test_a_revision_is_stated_only_where_the_build_took_the_prompts_from_it(tmp_path, source, is_import, is_known):
    workspace = make_workspace(tmp_path / "ws", make_rows(source="advbench", license="MIT"))
    workspace.config.write_text(source)
    if is_import:
        (workspace.path / "import.json").write_text("[]")
    release = write_release(workspace, version="1.0.0", out=tmp_path / "rel")
    (entry,) = json.loads((release / "manifest.json").read_text())["sources"]
    public = REGISTRY["advbench"]
    assert (entry["revision"], entry["url"]) == ((public.revision, public.files[0].url) if is_known else (None, None))
    assert (entry["name"], entry["license"], entry["prompts"]) == ("advbench", "MIT", 24)


def test_a_licence_the_hub_does_not_know_is_other_with_its_name(tmp_path):
    data = card_of(tmp_path, make_rows(license="ACME Terms 2")).data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", "acme-terms-2")


@pytest.mark.parametrize(
    ("stated", "licences", "whole"),
    [(None, ["MIT", "MIT"], "MIT"), ("cc0-1.0", ["MIT", ""], "cc0-1.0"), ("x", [], "x")],
)
def test_the_licence_of_the_whole(stated, licences, whole):
    assert overall_licence(stated, licences) == whole


@pytest.mark.parametrize("licences", [["MIT", "Apache-2.0"], ["MIT", ""], [""], ["unknown"], ["MIT", "unknown"], []])
def test_without_one_known_licence_the_whole_has_to_be_stated(licences):
    with pytest.raises(ReleaseError, match="state the licence of the whole"):
        overall_licence(None, licences)


def test_hub_identifiers():
    assert [hub_licence(name) for name in ("MIT", "CC-BY-NC-4.0", "CC BY-NC 4.0", "house rules")] == [
        "mit", "cc-by-nc-4.0", "cc-by-nc-4.0", "other",
    ]  # fmt: skip


def test_size_categories():
    assert [size_category(rows) for rows in (999, 1000, 10**6, 10**9)] == ["n<1K", "1K<n<10K", "1M<n<10M", "10M<n<100M"]


def test_croissant_is_valid_and_its_records_are_the_rows(release):
    dataset = mlcroissant.Dataset(jsonld=str(release / "croissant.json"))
    # The date is left out on purpose: the same rows give the same bytes.
    assert [line for line in dataset.metadata.issues.warnings if "datePublished" not in line] == []
    records = [
        {name.removeprefix("prompts/"): _plain(value) for name, value in record.items()}
        for record in dataset.records("prompts")
    ]
    wanted = [row for split in load_release(release).values() for row in split]

    def key(row):
        return row["id"], row["language"]

    assert sorted(records, key=key) == sorted(wanted, key=key)


def _plain(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and math.isnan(value):
        return None
    return list(value) if hasattr(value, "tolist") and not isinstance(value, float) else value


def test_croissant_lists_each_parquet_file_with_its_hash(release):
    objects = [
        entry
        for entry in json.loads((release / "croissant.json").read_text())["distribution"]
        if entry["@type"] == "cr:FileObject"
    ]
    assert {entry["contentUrl"] for entry in objects} == {
        path.relative_to(release).as_posix() for path in release.rglob("*.parquet")
    }
    assert all(sha256_file(release / entry["contentUrl"]) == entry["sha256"] for entry in objects)
