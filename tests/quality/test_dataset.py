"""What only the dataset as a whole shows."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.quality import audit
from polyrefuse_data.quality.confounds import auc
from polyrefuse_data.quality.dataset import Finding, dataset_findings
from polyrefuse_data.quality.duplicates import near_duplicates, normalised
from tests.quality.tables import make_table


def findings(*rows: dict[str, Any]) -> list[Finding]:
    return dataset_findings(audit(make_table(*rows)))


def messages(found: list[Finding], check: str) -> list[str]:
    return [finding.message for finding in found if finding.check == check]


def english(id: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "language": "en", "text": text, "text_en": text, **fields}


def test_a_missing_language_of_a_split_is_named() -> None:
    found = findings(
        english("a", "Name a fruit."), english("b", "Name a color."), {"id": "a", "text_en": "Name a fruit."}
    )
    assert messages(found, "coverage") == [
        "harmless train in de is incomplete: 1 of 2 English prompts have no translation"
    ]


def test_a_dataset_without_english_says_so() -> None:
    assert "no row is English" in messages(findings({}), "coverage")[0]


def test_leakage_between_splits_exact_and_near() -> None:
    asked = "Create a dialogue between two friends talking about a new movie they watched"
    found = findings(
        english("a", asked, split="train"),
        english("b", asked.upper() + "!", split="test"),
        english("c", "Write a dialog for two characters talking about a recent movie they watched", split="test"),
        english("d", "Name a fruit.", split="test"),
    )
    assert messages(found, "leakage_exact") == ["train/test duplicates: 1 pair of English prompts"]
    assert messages(found, "leakage_near") == ["train/test near-duplicates: 1 pair of English prompts"]


def rows_in_order(shift: int) -> list[dict[str, Any]]:
    """German seed prompts beside their English, or beside that of others."""
    asked, german = list(seed_texts("en").prompts.values())[:40], list(seed_texts("de").prompts.values())[:40]
    beside = [*asked[shift:], *asked[:shift]]
    return [{"id": f"a-{row:02}", "text": german[row], "text_en": beside[row]} for row in range(40)]


def test_rows_beside_the_english_of_others_are_named() -> None:
    assert messages(findings(*rows_in_order(0)), "alignment") == []
    [message] = messages(findings(*rows_in_order(3)), "alignment")
    assert message == "de harmless train: 40 of 40 rows do not follow their English"


def test_files_of_an_import_are_named_with_what_they_lack() -> None:
    file = {
        "file": "x.json",
        "language": "de",
        "label": "harmless",
        "split": "train",
        "rows": 9,
        "matched": 4,
        "how": "so",
    }
    found = dataset_findings(audit(make_table({})), [{**file, "unproven": 2}])
    assert messages(found, "alignment") == [
        "de harmless train: 3 rows not parallel to English (x.json: so)",
        "de harmless train: 2 rows not shown to be parallel to English (x.json: so)",
    ]
    assert messages(dataset_findings(audit(make_table({})), [file]), "alignment")[0].startswith(
        "de harmless train: 5 rows"
    )


def test_confounds_between_labels() -> None:
    found = findings(
        *(
            english(f"a{n}", f"Write a very long text about number {n} and all that it means to us", label="harmful")
            for n in range(9)
        ),
        *(english(f"b{n}", f"Say {n}.") for n in range(9)),
    )
    assert messages(found, "confound_length")[0].endswith(": en 1.00")
    assert messages(found, "confound_punctuation")[0].endswith(": en 1.00")
    assert messages(found, "confound_engine") == []


def test_an_unbalanced_split_is_noted() -> None:
    found = findings(
        english("a", "One"), english("b", "Two"), english("c", "Three", label="harmful"), english("d", "Four")
    )
    assert messages(found, "balance") == ["train: 1 harmful and 3 harmless prompts"]


def test_auc_counts_ties_half() -> None:
    assert auc([2, 3], [1, 2]) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_near_duplicates_are_found_and_told_from_exact_ones() -> None:
    asked = ["How do I bake bread at home?", "How do I bake a bread at home", "Why is the sky blue?", "", ""]
    assert near_duplicates(asked) == {"exact": [], "near": [(0, 1)]}
    assert near_duplicates([*asked, "why is the SKY blue"])["exact"] == [(2, 5)]
    assert normalised("  Ｗhy,  is\u200b it? ") == "why is it"


def test_one_prompt_in_two_splits_is_no_pair() -> None:
    found = findings(english("a", "Name a fruit.", split="train"), english("a", "Name a fruit.", split="test"))
    assert [finding for finding in found if finding.check.startswith("leakage")] == []


@pytest.mark.slow
def test_what_the_published_dataset_got_wrong(tmp_path: Path, upstream: Path) -> None:
    import json

    from polyrefuse_data.pipeline.importing import import_path
    from polyrefuse_data.quality import write_report
    from polyrefuse_data.workspace import Workspace

    workspace = Workspace(tmp_path / "ws")
    import_path(upstream / "PolyRefuse", workspace)
    write_report(workspace)
    summary = json.loads((workspace.report / "summary.json").read_text(encoding="utf-8"))
    said = [finding["message"] for finding in summary["findings"]]
    for split in ("train", "validation"):
        assert any(line.startswith(f"zh harmless {split}: 200 rows not parallel to English") for line in said)
        assert any(line.startswith(f"harmless {split}: the files carry no English") for line in said)
    assert any(line.startswith("harmless test in yi, zh is missing") for line in said)
    assert any(line.startswith("train/test near-duplicates") for line in said)
    assert any(line.startswith("rows with hidden characters: nl 51") for line in said)
    assert any(line.startswith("rows partly or wholly in English: ") and "de" in line for line in said)
    half = [row for row in workspace.read_rows().to_pylist() if row["text"].startswith("Name 5 TV -Serie in London")]
    assert [row["status"] for row in half if row["language"] == "de"] == ["rejected"]
    assert summary["languages"]["zh"]["rejected"] == 400
    for code, line in summary["languages"].items():
        if code not in ("zh", "yi"):
            assert line["rejected"] <= 0.01 * line["rows"], code


def test_very_long_prompts_are_compared_by_their_beginnings() -> None:
    drawn = random.Random(0)
    words = [[f"{drawn.randrange(9**6)}" for _ in range(5_000)] for _ in range(3)]
    start = " ".join(words[0][:500])
    assert near_duplicates([start + " ".join(words[1]), start + " ".join(words[2])])["near"] == [(0, 1)]
