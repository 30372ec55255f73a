"""What is drawn: blind, of every kind, in no order, and the same each time."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from polyrefuse_data.benchmark import export_labels
from polyrefuse_data.benchmark.labels.page import label_page
from polyrefuse_data.benchmark.labels.replies import judged_replies
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.rows import HARMLESS
from tests.benchmark.labels.runs import make_run, read, simulated


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    rows = [
        *simulated(200, 0.9, 0.95, 0.9),
        *simulated(200, 0.02, 0.9, 0.99, label=HARMLESS),
        *simulated(200, 0.1, 0.8, 0.95, source="zh"),
        *simulated(200, 0.9, 0.9, 0.9, source="random"),
    ]
    rows[0]["empty"], rows[1]["ended"] = True, "content_filter"
    return make_run(tmp_path / "run", rows)


def test_every_kind_is_drawn_as_often_as_it_can_be(folder: RunFolder) -> None:
    rows = read(export_labels(folder.path, size=60))
    assert len(rows) == 60
    design = json.loads(folder.label_sample.read_text(encoding="utf-8"))["zh"]
    drawn = Counter(tuple(stratum) for stratum in design["drawn"].values())
    sizes = {(s["label"], s["intervention"], s["verdict"]): s["replies"] for s in design["strata"]}
    kinds = (("harmful", "baseline"), ("harmful", "ablation"), ("harmless", "baseline"))
    assert set(sizes) == {(*kind, said) for kind in kinds for said in ("refusal", "compliance")}
    most = max(drawn.values())
    assert all(drawn[stratum] >= min(size, most - 1) for stratum, size in sizes.items())
    assert sum(sizes.values()) == 598  # without the two of which it is known what they are
    assert {row["key"] for row in rows} == set(design["drawn"])


def test_a_sheet_tells_nothing_of_judge_or_intervention_and_has_no_order(folder: RunFolder) -> None:
    sheet = export_labels(folder.path, size=60)
    rows = read(sheet)
    assert list(rows[0]) == ["key", "language", "prompt", "reply", "label", "annotator", "check"]
    assert not any(row["label"] or row["annotator"] for row in rows)
    text = sheet.read_text(encoding="utf-8-sig")
    assert not any(word in text for word in ("baseline", "ablation", "compliance", "verdict", "test|version"))
    verdicts = {reply.reply: (reply.intervention, reply.verdict) for reply in judged_replies(folder)}
    kinds = [verdicts[row["reply"]] for row in rows]
    changes = sum(one != other for one, other in pairwise(kinds))
    assert changes > 30  # sorted by kind it would be 5


def test_the_same_sample_each_time_and_a_larger_one_holds_the_smaller(folder: RunFolder, tmp_path: Path) -> None:
    first = export_labels(folder.path, size=40)
    again = export_labels(folder.path, tmp_path / "again.csv", size=40)
    assert first.read_bytes() == again.read_bytes()
    larger = export_labels(folder.path, tmp_path / "larger.csv", size=80)
    assert {row["key"] for row in read(first)} < {row["key"] for row in read(larger)}
    export_labels(folder.path, tmp_path / "smaller.csv", size=10)
    assert len(json.loads(folder.label_sample.read_text(encoding="utf-8"))["zh"]["drawn"]) == 80  # what was drawn stays


@pytest.mark.parametrize("other", [{"seed": 2}, {"interventions": ["baseline"]}])
def test_another_sample_beside_it_is_an_error(folder: RunFolder, tmp_path: Path, other: dict[str, object]) -> None:
    export_labels(folder.path, size=10)
    with pytest.raises(ConfigError, match="drawn with another"):
        export_labels(folder.path, tmp_path / "other.csv", size=10, **other)  # type: ignore[arg-type]


def test_what_is_not_there_is_named(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no replies to label in de"):
        export_labels(folder.path, languages="de")
    with pytest.raises(ConfigError, match="no replies under 'shuffled', only ablation, baseline, random"):
        export_labels(folder.path, interventions=["shuffled"])
    with pytest.raises(ConfigError, match=r"run\.json does not exist"):
        export_labels(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    assert not folder.labels.exists()


def test_controls_are_drawn_where_they_are_asked_for(folder: RunFolder) -> None:
    export_labels(folder.path, size=20, interventions=["random"])
    design = json.loads(folder.label_sample.read_text(encoding="utf-8"))["zh"]
    assert {stratum["intervention"] for stratum in design["strata"]} == {"random"}


def test_a_sheet_that_somebody_has_filled_in_stays(folder: RunFolder) -> None:
    sheet = export_labels(folder.path, size=10)
    export_labels(folder.path, size=20)  # nobody has touched the first
    mine = sheet.read_text(encoding="utf-8-sig").replace(",,,c", ",refusal,anna,c", 1)
    sheet.write_text(mine, encoding="utf-8-sig")
    with pytest.raises(ConfigError, match="never overwritten"):
        export_labels(folder.path, size=20)
    assert sheet.read_text(encoding="utf-8-sig") == mine


def test_the_page_holds_what_the_sheet_holds_and_no_more(folder: RunFolder) -> None:
    page = export_labels(folder.path, size=20, page=True).read_text(encoding="utf-8")
    assert folder.labels / "labels.html" == export_labels(folder.path, size=20, page=True)
    data = json.loads(page.partition('id="data">')[2].partition("</script>")[0])
    sheet = read(export_labels(folder.path, size=20))
    shown = ("key", "language", "prompt", "reply", "check")
    assert [[row[name] for name in shown] for row in data["rows"]] == [[row[name] for name in shown] for row in sheet]
    assert set(data["rows"][0]) == {*shown, "harmful"}
    assert "http:" not in page and "https:" not in page and "test|version" not in page
    assert "default-src 'none'" in page


def test_a_lone_surrogate_stops_no_page(folder: RunFolder) -> None:
    replies = [reply for reply in judged_replies(folder) if not reply.is_known][:2]
    assert label_page(replies).encode()
