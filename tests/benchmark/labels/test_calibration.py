"""From sheets to scores: weights, disagreement, doubt, and verdicts of another judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark import export_labels
from polyrefuse_data.benchmark.labels.calibration import calibration
from polyrefuse_data.benchmark.labels.replies import judged_replies
from polyrefuse_data.benchmark.labels.sample import reply_key
from polyrefuse_data.benchmark.labels.sheet import read_sheet
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.rows import HARMLESS
from tests.benchmark.labels.runs import Rows, make_run, says_no, simulated

HARMFUL_TRUTH = 0.892


def replies() -> Rows:
    return [*simulated(572, HARMFUL_TRUTH, 0.855, 0.98), *simulated(572, 0.03, 0.9, 0.99, label=HARMLESS)]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", replies())


def labels(folder: RunFolder, size: int) -> dict[str, str]:
    return {row["key"]: says_no(row) for row in read_sheet(export_labels(folder.path, size=size))}


def rate_of(found: dict[str, Any], label: str) -> dict[str, Any]:
    (record,) = [record for record in found["rates"] if record["label"] == label]
    return dict(record)


def test_the_raw_rate_is_corrected_to_the_truth(folder: RunFolder) -> None:
    found = calibration(folder, {"anna": labels(folder, 200)})
    harmful = rate_of(found, "harmful")
    assert harmful["refusal"] == pytest.approx(0.77, abs=0.02)
    assert not harmful["refusal_low"] <= HARMFUL_TRUTH <= harmful["refusal_high"]
    assert harmful["corrected_low"] <= HARMFUL_TRUTH <= harmful["corrected_high"]
    assert harmful["corrected"] == pytest.approx(HARMFUL_TRUTH, abs=0.04)
    assert harmful["labels"] >= 100 and harmful["concludes"]
    (errors,) = found["judge"]
    refusals = [reply for reply in judged_replies(folder) if reply.reply.startswith("no")]
    found_by_judge = sum(reply.is_called_refusal for reply in refusals) / len(refusals)
    assert errors["sensitivity_low"] <= found_by_judge <= errors["sensitivity_high"]
    assert errors["specificity"] > 0.97
    assert errors["refusals"] + errors["others"] == errors["n"] == 200
    assert "auroc" not in errors  # a judge without scores


def test_a_score_is_held_against_the_labels(tmp_path: Path) -> None:
    """As the verdicts err, so does a score that follows them: what is between tells nothing."""
    scored = [{**row, "refusal_score": 0.9 if row["refusal"] else 0.1} for row in replies()]
    folder = make_run(tmp_path / "scored", scored)
    (errors,) = calibration(folder, {"anna": labels(folder, 200)})["judge"]
    assert errors["auroc"] == pytest.approx((errors["sensitivity"] + errors["specificity"]) / 2, abs=0.02)
    assert errors["auroc_low"] < errors["auroc"] < errors["auroc_high"]


def test_without_weights_sensitivity_would_be_wrong(folder: RunFolder) -> None:
    """What the weights are for: of the labelled refusals alone, the judge finds far fewer than of all."""
    told = labels(folder, 200)
    called = [reply.is_called_refusal for reply in judged_replies(folder) if told.get(reply_key(reply)) == "refusal"]
    assert sum(called) / len(called) < 0.75
    assert calibration(folder, {"anna": told})["judge"][0]["sensitivity"] > 0.8


def test_under_thirty_labels_nothing_is_concluded(folder: RunFolder) -> None:
    harmful = rate_of(calibration(folder, {"anna": labels(folder, 40)}), "harmful")
    assert harmful["labels"] < 30 and not harmful["concludes"]
    assert not calibration(folder, {"anna": labels(folder, 40)})["judge"][0]["concludes"]


def test_people_who_differ_count_for_half_each_and_are_compared(folder: RunFolder) -> None:
    anna = labels(folder, 100)
    keys = sorted(anna)
    ben = {key: label if key in keys[:90] else "partial" for key, label in anna.items()}
    refusals = sum(label == "refusal" for label in anna.values())
    changed = sum(anna[key] == "refusal" for key in keys[90:])
    found = calibration(folder, {"anna": anna, "ben": ben})
    assert found["annotators"] == {"anna": 100, "ben": 100}
    assert found["judge"][0]["refusals"] == refusals - changed / 2
    of_chinese = found["agreement"][0]
    assert (of_chinese["language"], of_chinese["n"]) == ("zh", 100)
    assert of_chinese["pairs"][0]["agree"] == pytest.approx(1 - changed / 100)
    assert 0.7 < of_chinese["pairs"][0]["cohen"] < 1
    assert calibration(folder, {"anna": anna})["agreement"] == []


def test_labels_of_some_of_the_sheet_are_weighted_by_what_was_labelled(folder: RunFolder) -> None:
    everything = labels(folder, 200)
    some = {key: everything[key] for key in sorted(everything)[:120]}
    harmful = rate_of(calibration(folder, {"anna": some}), "harmful")
    assert harmful["corrected_low"] <= HARMFUL_TRUTH <= harmful["corrected_high"]


def test_labels_outlast_another_judge(folder: RunFolder, tmp_path: Path) -> None:
    """Drawn by the verdicts of one judge, they tell of another's errors too: the weights are those of the draw."""
    told = labels(folder, 300)
    better = [{**row, "refusal": row["reply"].startswith("no")} for row in replies()]
    make_run(folder.path, better, judge="better|version:1")
    found = calibration(folder, {"anna": told})
    assert found["judge"][0]["sensitivity"] == pytest.approx(1.0)
    assert found["judge"][0]["specificity"] == pytest.approx(1.0)
    harmful = rate_of(found, "harmful")
    assert harmful["corrected"] == pytest.approx(harmful["refusal"])


def test_each_direction_is_corrected_by_the_errors_of_its_kind(tmp_path: Path) -> None:
    rows = [
        row | {"id": f"{row['id']}-{source}"}
        for source, share in (("zh", 0.5), ("en", 0.2))
        for row in simulated(400, share, 0.8, 0.95, source=source)
    ]
    folder = make_run(tmp_path / "run", rows)
    found = {row["source_language"]: row for row in calibration(folder, {"anna": labels(folder, 300)})["rates"]}
    for source, truth in (("zh", 0.5), ("en", 0.2)):
        assert found[source]["corrected_low"] <= truth <= found[source]["corrected_high"]
        assert found[source]["labels"] == 300


def test_replies_that_need_no_judge_are_not_corrected(tmp_path: Path) -> None:
    """A hundred declined by the API are refusals whatever a judge would say, and a hundred empty ones are none."""
    rows = simulated(400, 0.5, 0.8, 1.0)
    for row in rows[:100]:
        row |= {"reply": "", "ended": "content_filter", "refusal": True}
    for row in rows[100:200]:
        row |= {"reply": "", "empty": True, "refusal": None}
    folder = make_run(tmp_path / "run", rows)
    harmful = rate_of(calibration(folder, {"anna": labels(folder, 200)}), "harmful")
    truth = (100 + sum(row["reply"].startswith("no") for row in rows)) / 400
    assert harmful["corrected"] == pytest.approx(truth, abs=1e-9)  # all others were labelled


def test_no_labels_no_part(folder: RunFolder) -> None:
    assert calibration(folder, {}) == {}
