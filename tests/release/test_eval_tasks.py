"""eval.yaml: the test split of a release as tasks of Inspect, one for each language and label that has rows there."""

from __future__ import annotations

import yaml

from polyrefuse_data.release import verify_release, write_release

from .conftest import make_rows, make_workspace


def test_every_language_and_label_is_a_task_of_its_own(release):
    tasks = yaml.safe_load((release / "eval.yaml").read_text(encoding="utf-8"))["tasks"]
    assert [task["id"] for task in tasks] == [
        f"{code}-{label}" for code in ("de", "en", "yo") for label in ("harmful", "harmless")
    ]
    assert all(task["id"] == task["config"] and task["split"] == "test" for task in tasks)
    assert {task["field_spec"]["target"] for task in tasks} == {"expected"}
    template = tasks[0]["scorers"][0]["args"]["template"]
    assert all(f"{{{name}}}" in template for name in ("question", "answer", "criterion", "instructions"))
    assert verify_release(release) == []


def test_only_rows_of_the_test_split_are_tasks(tmp_path):
    rows = [
        row for row in make_rows(1) if row["split"] != "test" or (row["language"], row["label"]) == ("yo", "harmful")
    ]
    some = write_release(make_workspace(tmp_path / "ws", rows), version="1.0.0", out=tmp_path / "some")
    assert [task["id"] for task in yaml.safe_load((some / "eval.yaml").read_text())["tasks"]] == ["yo-harmful"]
    rows = [row for row in rows if row["split"] != "test"]
    none = write_release(make_workspace(tmp_path / "ws2", rows), version="1.0.0", out=tmp_path / "none")
    assert not (none / "eval.yaml").exists() and verify_release(none) == []
