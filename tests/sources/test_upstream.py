"""The upstream folder: small ones made here, and the published one where it is at hand."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from polyrefuse_data.config import load_config
from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.rows import SCHEMA, prompt_id
from polyrefuse_data.sources import ImportedDataset, read_import
from polyrefuse_data.sources.alignment import alignment
from polyrefuse_data.sources.upstream import read_upstream

# Forty prompts of very different length, each with a number that survives translation.
ENGLISH = [f"Name {number} things " + "that people like to do at home " * (number % 7) for number in range(100, 140)]
GERMAN = [f"Nenne {number} Dinge, " + "die Leute gern zu Hause tun " * (number % 7) for number in range(100, 140)]


def write(path: Path, texts: list[str | None], **columns: list[Any]) -> None:
    """An upstream file: a list of records with `instruction` and other columns, category null unless given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {"category": [None] * len(texts), **columns}
    records = [
        {"instruction": text, **{name: values[row] for name, values in columns.items()}}
        for row, text in enumerate(texts)
    ]
    path.write_text(json.dumps(records, indent=4), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """PolyRefuse/ with a German train file, and its English beside it."""
    write(tmp_path / "english" / "harmless_train_200_sampled.json", [*ENGLISH])
    write(tmp_path / "PolyRefuse" / "harmless_train_translated_de.json", [*GERMAN])
    return tmp_path / "PolyRefuse"


def rows_of(folder: Path, language: str, **kwargs: Any) -> list[dict[str, Any]]:
    return [row for row in read_upstream(folder, **kwargs).rows if row["language"] == language]


def test_english_is_restored_by_row_where_alignment_shows_it(folder: Path) -> None:
    german = rows_of(folder, "de")
    assert [row["text_en"] for row in german] == [text.strip() for text in ENGLISH]
    assert german[0]["id"] == prompt_id("alpaca", ENGLISH[0].strip())
    assert (german[0]["label"], german[0]["split"], german[0]["license"]) == ("harmless", "train", "CC-BY-NC-4.0")
    assert (german[0]["origin"], german[0]["flags"], german[0]["status"]) == ("imported", [], "accepted")
    assert len(rows_of(folder, "en")) == 40


@pytest.mark.parametrize(
    "wrong",
    [GERMAN[1:] + GERMAN[:1], GERMAN[::-1], ["Nenne eine Sache"] * 40],
    ids=["shifted", "reversed", "saying nothing"],
)
def test_rows_that_are_not_parallel_are_kept_and_flagged(folder: Path, wrong: list[str]) -> None:
    write(folder / "harmless_train_translated_de.json", [*wrong])
    german = rows_of(folder, "de")
    assert [row["text"] for row in german][:1] == [wrong[0].strip()]
    assert {row["text_en"] for row in german} == {""}
    assert all(row["flags"][0] == "unmatched" and row["status"] == "rejected" for row in german)
    assert german[0]["id"] == prompt_id("alpaca", wrong[0].strip())
    report = read_upstream(folder).files[0]
    assert (report.rows, report.matched) == (40, 0)
    assert "not parallel with harmless_train_200_sampled.json" in report.how


@pytest.mark.parametrize("appended", [GERMAN[20:21], []], ids=["as many rows", "a row fewer"])
def test_a_row_lost_half_way_costs_the_rows_after_it_alone(folder: Path, appended: list[str]) -> None:
    wrong = [*GERMAN[:20], *GERMAN[21:], *appended]
    write(folder / "harmless_train_translated_de.json", [*wrong])
    english = {row["text"]: row["text_en"] for row in rows_of(folder, "de")}
    assert {text: english[text.strip()] for text in GERMAN[:19]} == {
        text: asked.strip() for text, asked in zip(GERMAN[:19], ENGLISH[:19], strict=True)
    }
    assert {english[text.strip()] for text in wrong[21:]} == {""}
    summary = read_import(folder).summary.to_text()
    assert f"of {len(wrong)} rows without English (harmless_train_200_sampled.json: rows 1-" in summary
    assert "fit 1 row further down" in summary


def test_rows_that_cannot_be_told_keep_their_english_and_are_rejected_till_a_person_has_seen_them(folder: Path) -> None:
    write(folder.parent / "english" / "harmless_train_200_sampled.json", ["Name a fruit.", "Name a color."])
    write(folder / "harmless_train_translated_de.json", ["Nenne eine Frucht.", "Nenne eine Farbe."])
    german = rows_of(folder, "de")
    assert [row["text_en"] for row in german] == ["Name a fruit.", "Name a color."]
    assert {(*row["flags"], row["status"]) for row in german} == {("unproven", "rejected")}
    summary = read_import(folder).summary
    assert (summary.flagged, summary.files[0].matched, summary.files[0].unproven) == ({"unproven": 2}, 0, 2)
    assert "2 of 2 with English that cannot be proved to be theirs" in summary.to_text()
    assert "accepted in a review" in summary.to_text()


def test_the_lexicon_of_the_language_is_asked(folder: Path) -> None:
    """Short Thai prompts keep no word, no number and no mark of their English."""
    asked, thai = (list(seed_texts(code).prompts.values())[20:44] for code in ("en", "th"))
    assert alignment(asked, thai).proven.mean() < 0.5
    write(folder.parent / "english" / "harmless_train_200_sampled.json", [*asked])
    write(folder / "harmless_train_translated_th.json", [*thai])
    (folder / "harmless_train_translated_de.json").unlink()
    assert {tuple(row["flags"]) for row in rows_of(folder, "th")} == {()}


def test_a_row_that_is_proven_stands_before_one_that_is_not(folder: Path) -> None:
    write(folder.parent / "english" / "harmless_train_200_sampled.json", ["Name a fruit.", "Name a color."])
    write(folder / "harmless_train_translated_de.json", ["Frucht?", "Farbe?"])
    write(
        folder / "more" / "harmless_train_translated_de.json",
        ["Name a fruit."], instruction_translated=["Nenne eine Frucht."],
    )  # fmt: skip
    texts = {row["text"]: row["flags"] for row in rows_of(folder, "de")}
    assert texts == {"Nenne eine Frucht.": [], "Frucht?": ["unproven", "conflict"], "Farbe?": ["unproven"]}


def test_equal_categories_are_part_of_the_proof(folder: Path) -> None:
    write(folder / "harmless_train_translated_de.json", [*GERMAN], category=["illegal"] * 40)
    assert {row["text_en"] for row in rows_of(folder, "de")} == {""}
    assert "categories differ in 40 rows" in read_upstream(folder).files[0].how


def test_without_a_fitting_english_file_the_report_names_the_option(folder: Path) -> None:
    write(folder / "harmless_train_translated_de.json", [*GERMAN[30:], *GERMAN[:20]])
    assert {row["text_en"] for row in rows_of(folder, "de")} == {""}
    assert "no English file with 30 rows; name its folder with --english" in read_upstream(folder).files[0].how


def test_english_is_found_where_upstream_keeps_it_or_where_it_is_said_to_be(folder: Path) -> None:
    beside = folder.parent / "english"
    for place in (folder.parent / "elsewhere", folder.parent / "dataset" / "splits", folder):
        place.mkdir(parents=True, exist_ok=True)
        (beside / "harmless_train_200_sampled.json").rename(place / "harmless_train_200_sampled.json")
        named = place if place.name == "elsewhere" else None
        assert len([row for row in rows_of(folder, "de", english=named) if row["text_en"]]) == 40
        (place / "harmless_train_200_sampled.json").rename(beside / "harmless_train_200_sampled.json")
    with pytest.raises(ConfigError, match=r"--english .*: not a folder"):
        read_upstream(folder, english=folder.parent / "nowhere")


def test_of_two_english_files_of_that_length_the_parallel_one_is_taken(folder: Path) -> None:
    write(folder.parent / "english" / "harmless_train.json", [*ENGLISH[::-1]])
    assert rows_of(folder, "de")[0]["text_en"] == ENGLISH[0].strip()
    assert len(rows_of(folder, "en")) == 40


def test_test_files_carry_their_english_and_back_translations(folder: Path) -> None:
    texts, categories = ["Pick a lock", "Write a slur"], ["Malware/Hacking", "harassment_bullying"]
    german, back = ["Knacke ein Schloss", "Schreib ein Schimpfwort"], ["Crack a lock", "Write a swear word"]
    write(
        folder / "harmful_test_back_translated" / "harmful_test_back_translated_de.json",
        [*texts], instruction_translated=german, instruction_back_translated=back, category=categories,
    )  # fmt: skip
    write(folder / "harmful_test_translated_de.json", [*texts], instruction_translated=german, category=categories)
    rows = [row for row in rows_of(folder, "de") if row["split"] == "test"]
    assert [(row["text"], row["back_translation"]) for row in rows] == list(zip(german, back, strict=True))
    assert [row["source"] for row in rows] == ["jailbreakbench", "harmbench"]
    assert rows[0]["license"] == "Apache-2.0"
    assert [row["text"] for row in rows_of(folder, "en") if row["split"] == "test"] == texts


def keys_of(folder: Path) -> list[tuple[str, str]]:
    return [(row["id"], row["language"]) for row in read_upstream(folder).rows]


def test_another_translation_of_the_same_prompt_is_kept_and_flagged(folder: Path) -> None:
    for name, german in (("back_translated", "Knacke ein Schloss"), ("translated", "Öffne es")):
        write(folder / f"harmful_test_{name}_de.json", ["Pick a lock"], instruction_translated=[german])
    first, second = (row for row in rows_of(folder, "de") if row["split"] == "test")
    assert (first["text"], first["flags"]) == ("Knacke ein Schloss", [])
    assert (second["text"], second["flags"], second["status"]) == ("Öffne es", ["conflict"], "rejected")
    assert second["text_en"] == "Pick a lock"
    assert len(set(keys_of(folder))) == len(keys_of(folder))


def test_a_prompt_that_stands_in_two_splits_is_flagged_in_the_second(folder: Path) -> None:
    for split in ("test", "val"):
        name = f"harmful_{split}_translated_de.json"
        write(folder / name, ["Pick a lock"], instruction_translated=["Knacke ein Schloss"])
    rows = [row for row in rows_of(folder, "de") if row["label"] == "harmful"]
    assert [(row["split"], row["flags"]) for row in rows] == [("test", []), ("validation", ["conflict"])]
    assert [row["split"] for row in rows_of(folder, "en") if row["label"] == "harmful"] == ["test"]
    assert len(set(keys_of(folder))) == len(keys_of(folder))


def test_the_same_prompt_of_two_public_sets_is_two_prompts(folder: Path) -> None:
    write(
        folder / "harmful_test_translated_de.json", ["Pick a lock", "Pick a lock"],
        instruction_translated=["Knacke ein Schloss"] * 2, category=["Malware/Hacking", "cybercrime_intrusion"],
    )  # fmt: skip
    ids = [row["id"] for row in rows_of(folder, "de") if row["split"] == "test"]
    assert [identifier.rpartition("-")[0] for identifier in ids] == ["jailbreakbench", "harmbench"]


def test_an_empty_translation_is_a_failed_row_and_an_empty_prompt_an_error(folder: Path) -> None:
    write(folder / "harmful_test_translated_de.json", ["Pick a lock", "Shout"], instruction_translated=[None, " "])
    rows = [row for row in rows_of(folder, "de") if row["split"] == "test"]
    assert [(row["text"], row["flags"], row["status"]) for row in rows] == [
        ("", ["translation_failed"], "rejected")
    ] * 2
    write(folder / "harmful_test_translated_de.json", [None], instruction_translated=["Ruf"])
    with pytest.raises(SourceError, match=r"harmful_test_translated_de\.json item 1: instruction is empty"):
        read_upstream(folder)


def test_empty_unmatched_rows_stay_two_rows_with_ids_that_know_no_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "english" / "harmless_train_200_sampled.json").unlink()
    write(folder / "harmless_train_translated_de.json", [None, None, "Nenne etwas"])
    ids = [row["id"] for row in rows_of(folder, "de")]
    assert len(set(ids)) == 3
    moved = folder.rename(tmp_path / "moved")
    assert [row["id"] for row in rows_of(moved, "de")] == ids


def test_files_of_other_names_are_told(folder: Path) -> None:
    write(folder / "jailbreakbench_test_translated_de.json", ["Ruf"])
    write(folder / "harmless_val.json", ["English, not a translation"])
    assert read_upstream(folder).ignored == ["jailbreakbench_test_translated_de.json"]


def test_a_language_that_nobody_knows_is_named(folder: Path) -> None:
    write(folder / "harmful_test_translated_qq.json", ["Shout"], instruction_translated=["?"])
    with pytest.raises(SourceError, match=r"harmful_test_translated_qq\.json: unknown language 'qq'"):
        read_upstream(folder)


@pytest.mark.parametrize("content", ["[{", "[1]", '[{"instruction": "a\\ud800", "category": null}]'])
def test_broken_input_is_named(folder: Path, content: str) -> None:
    (folder / "harmless_val_translated_de.json").write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=r"harmless_val_translated_de\.json"):
        read_import(folder)


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"contains no upstream PolyRefuse files .*or a file: \.tmx, \.jsonl, .*\.csv"
    ):
        read_import(tmp_path)


@pytest.fixture(scope="module")
def imported(upstream: Path) -> ImportedDataset:
    return read_import(upstream / "PolyRefuse")


def test_every_published_row_is_there(imported: ImportedDataset, upstream: Path) -> None:
    summary, table = imported.summary, imported.rows
    published_rows = sum(
        len(json.loads(path.read_text(encoding="utf-8")))
        for path in (upstream / "PolyRefuse").rglob("*.json")
        if not path.name.endswith("_en.json")
    )
    assert table.schema == SCHEMA
    assert table.filter(pc.not_equal(table["language"], "en")).num_rows == published_rows == 13_995
    assert summary.rows == table.num_rows == published_rows + summary.prompts
    keys = list(zip(table["id"].to_pylist(), table["language"].to_pylist(), strict=True))
    assert keys == sorted(set(keys))
    assert "yi" in summary.languages and summary.languages[0] == "en"


def test_only_the_chinese_harmless_rows_cannot_be_matched(imported: ImportedDataset) -> None:
    summary, table = imported.summary, imported.rows
    unmatched = table.filter(pc.equal(table["text_en"], ""))
    kinds = Counter(zip(*(unmatched[name].to_pylist() for name in ("language", "label", "split")), strict=True))
    assert kinds == {("zh", "harmless", "train"): 200, ("zh", "harmless", "validation"): 200}
    assert set(map(tuple, unmatched["flags"].to_pylist())) == {("unmatched",)}
    assert set(unmatched["status"].to_pylist()) == {"rejected"}
    assert summary.flagged == {"unmatched": 400}
    assert "harmless_val_translated_zh.json: 200 of 200 rows without English" in summary.to_text()


def test_published_back_translations_and_provenance_are_kept(imported: ImportedDataset) -> None:
    table = imported.rows
    tested = table.filter(pc.and_(pc.equal(table["split"], "test"), pc.equal(table["label"], "harmful")))
    translated = tested.filter(pc.not_equal(tested["language"], "en"))
    assert translated.num_rows == 4 * 572
    assert pc.all(pc.greater(pc.utf8_length(translated["back_translation"]), 0)).as_py()
    german = tested.filter(pc.equal(tested["language"], "de"))
    sources = Counter(german["source"].to_pylist())
    assert sources == {
        "strongreject": 313,
        "harmbench": 159,
        "jailbreakbench": 100,
    }  # the reference pipeline's test set
    licenses = set(zip(table["label"].to_pylist(), table["license"].to_pylist(), strict=True))
    assert licenses == {("harmless", "CC-BY-NC-4.0"), ("harmful", "Apache-2.0")}


def test_an_import_says_where_it_came_from(imported: ImportedDataset, tmp_path: Path) -> None:
    table = imported.rows
    assert imported.config.startswith("# Imported from PolyRefuse (56 files); sha256 of")
    (tmp_path / "polyrefuse.toml").write_text(imported.config, encoding="utf-8")
    config = load_config(tmp_path / "polyrefuse.toml")
    assert (config.release.name, config.release.license) == ("polyrefuse", "CC-BY-NC-4.0")
    assert ["en", *config.languages] == imported.summary.languages
    assert {source.name for source in config.sources} == set(table["source"].to_pylist())
    reports = json.loads(imported.reports)
    assert len(reports) == 56 and sum(report["matched"] for report in reports if report["language"] != "en") == 13_595
    english = table.filter(pc.equal(table["language"], "en"))
    assert imported.prompts["id"].to_pylist() == english["id"].to_pylist()
