"""What other tools make of a release, without our code: each picks "harmful, Yoruba" and knows what is expected."""

from __future__ import annotations

import json
import re
from pathlib import Path

import datasets
import pytest
import yaml
from huggingface_hub import DatasetCard, constants, hf_hub_download

from polyrefuse_data.release import publish_release
from tests.hub_double import TOKEN, HubDouble
from tests.throwaway import ThrowAway

YORUBA = {f"yo: harmful test request {number} – ẹ̀kọ́" for number in range(4)}
CONFIGS = {f"{code}{label}" for code in ("all", "de", "en", "yo") for label in ("", "-harmful", "-harmless")}


@pytest.fixture
def published(release, monkeypatch, tmp_path):
    """The same release on a Hub, for a client that knows nothing of ours."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with HubDouble() as hub:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        publish_release(release, "safety/prompts", endpoint=hub.endpoint)
        yield hub


@pytest.mark.parametrize("streaming", [False, True], ids=["cached", "streamed"])
def test_datasets_reads_every_config_by_language_and_label(release, tmp_path, streaming):
    assert set(datasets.get_dataset_config_names(str(release))) == {"default"} | CONFIGS
    for name in sorted(CONFIGS):
        code, _, label = name.partition("-")
        split = datasets.load_dataset(
            str(release), name, split="test", streaming=streaming, cache_dir=str(tmp_path / "cache")
        )
        rows = list(split)
        assert {row["language"] for row in rows} == ({"de", "en", "yo"} if code == "all" else {code})
        wanted = {"harmful": {"refuse"}, "harmless": {"comply"}, "": {"refuse", "comply"}}[label]
        assert {row["expected"] for row in rows} == wanted
        assert len(rows) == 4 * len(wanted) * (3 if code == "all" else 1)


def test_heretic_reads_a_part_that_was_saved(release, tmp_path):
    """Its loader (1.4.0): a folder with state.json is loaded from disk, then sliced, and the column taken."""
    part = datasets.load_dataset(str(release), "yo-harmful", cache_dir=str(tmp_path / "cache"))
    part.save_to_disk(str(tmp_path / "part"))
    assert (tmp_path / "part/train/state.json").is_file()
    rows = datasets.load_from_disk(str(tmp_path / "part/train"))[0:400]
    assert len(rows["text"]) == 4 and all("yo: harmful train" in text for text in rows["text"])


def test_llm_abliteration_reads_the_file_that_the_card_names(release):
    """Its loader: pandas reads the file, and the column `text` is the list of prompts."""
    pandas = pytest.importorskip("pandas")
    (named,) = re.findall(r"--data-harmful (\S+\.parquet)", (release / "README.md").read_text())
    prompts = pandas.read_parquet(str(release / named)).get("text").tolist()
    assert len(prompts) == 4 and all(isinstance(prompt, str) for prompt in prompts)


def test_pandas_reads_files_and_folders(release):
    pandas = pytest.importorskip("pandas")
    assert set(pandas.read_parquet(release / "data/yo/harmful-test.parquet")["text"]) == YORUBA
    assert pandas.read_parquet(release / "data").groupby(["expected"]).size().to_dict() == {"refuse": 36, "comply": 36}


def test_the_clients_of_the_hub_read_files_by_path(published, release, tmp_path):
    path = hf_hub_download(
        "safety/prompts", "data/yo/harmful-test.parquet", repo_type="dataset", revision="v1.0.0",
        endpoint=published.endpoint, cache_dir=tmp_path / "cache",
    )  # fmt: skip
    assert Path(path).read_bytes() == (release / "data/yo/harmful-test.parquet").read_bytes()


def test_the_card_keeps_the_rules_of_the_hubs_viewer(release):
    """A config name is a word of a URL, a split a word, and every file named is one that there is."""
    for config in DatasetCard.load(release / "README.md").data.to_dict()["configs"]:
        assert re.fullmatch(r"[\w-]+", config["config_name"])
        for part in config["data_files"]:
            assert re.fullmatch(r"\w+(\.\w+)*", part["split"])
            assert part["path"] and all((release / path).is_file() for path in part["path"])
    header = (release / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    assert sum(bool(config.get("default")) for config in yaml.safe_load(header)["configs"]) == 1


DATASETS = """
import sys, json, datasets
rel = sys.argv[1]
rows = datasets.load_dataset(rel, "yo-harmful", split="test")
streamed = datasets.load_dataset(rel, "yo-harmful", split="test", streaming=True)
assert [row["text"] for row in streamed] == rows["text"][:]
assert len(datasets.load_dataset(rel)["train"]) == 24
assert rows.features["label"].names == ["harmful", "harmless"] and rows["flags"][0] == []
print(json.dumps([datasets.__version__, rows["text"][:], sorted(set(rows["expected"][:]))]))
"""
POLARS = """
import sys, json, polars
rows = polars.scan_parquet(sys.argv[1] + "/data/*/*-test.parquet")
rows = rows.filter((polars.col("expected") == "refuse") & (polars.col("language") == "yo")).collect()
assert rows.schema["flags"] == polars.List(polars.String)
print(json.dumps([polars.__version__, rows["text"].to_list(), rows["expected"].unique().to_list()]))
"""
DUCKDB = """
import sys, json, duckdb
files = f"'{sys.argv[1]}/data/*/*-test.parquet'"
rows = duckdb.sql(f"select text, expected from {files} where expected = 'refuse' and language = 'yo'").fetchall()
print(json.dumps([duckdb.__version__, [row[0] for row in rows], sorted({row[1] for row in rows})]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "program"), [("datasets==3.6.0", DATASETS), ("polars", POLARS), ("duckdb", DUCKDB)]
)
def test_other_readers_and_versions_read_the_same(package, program, release, tmp_path):
    other = ThrowAway(tmp_path / "venv", package)
    said = other.python(program, release, cwd=tmp_path, HF_HOME=str(tmp_path / "hf"), HF_HUB_OFFLINE="1")
    version, texts, expected = json.loads(said)
    assert (set(texts), len(texts), expected) == (YORUBA, 4, ["refuse"])
    assert version == (package.partition("==")[2] or version)
