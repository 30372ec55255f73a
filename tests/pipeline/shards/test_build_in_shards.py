"""A build cut into shards: the same rows however it is cut, and only unfinished shards are done again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import EngineConfig, config_hash, parse_config
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.languages import language
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.pipeline.shards.store import ShardStore
from polyrefuse_data.pipeline.shards.work import FinishedShard, Shard, cut
from polyrefuse_data.quality import audit, check
from polyrefuse_data.quality.suite import quality_config
from polyrefuse_data.rows import mark_parallel, sort_rows
from polyrefuse_data.sources import load_prompts
from polyrefuse_data.translation.memory import TranslationMemory
from polyrefuse_data.workspace import Workspace

KEYS = [prompt.key for prompt in seed_prompts()][:20]
ENGLISH = [seed_texts("en").prompts[key] for key in KEYS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [{"instruction": text, "label": "harmless", "category": "c"} for text in ENGLISH]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for code in ("de", "zh"):
        texts = [seed_texts(code).prompts[key] for key in KEYS]
        if code == "de":
            texts[3] = texts[15]  # one text for two prompts
        pairs = zip(ENGLISH, texts, strict=True)
        (tmp_path / f"{code}.tsv").write_text(f"en\t{code}\n" + "".join(f"{en}\t{text}\n" for en, text in pairs))
    return tmp_path


def config(folder: Path, shard_prompts: int | None, workers: int = 1) -> Any:
    return parse_config(
        {
            "languages": ["de", "zh"],
            "sources": [{"name": "seeds", "path": str(folder / "prompts.jsonl"), "split": "test"}],
            "translation": {
                "backends": [{"engine": "memory", "paths": [str(folder / f"{c}.tsv") for c in ("de", "zh")]}]
            },
            "engine": {"shard_prompts": shard_prompts, "workers": workers},
        }
    )


def first_shard(folder: Path) -> Shard:
    return next(cut(load_prompts(config(folder, None).sources), [language("de")], 4))


def rows(folder: Path, name: str, shard_prompts: int | None, workers: int = 1) -> pa.Table:
    workspace = Workspace(folder / name)
    build(workspace, config(folder, shard_prompts, workers), progress=False)
    assert not workspace.shards.exists()
    return workspace.read_rows()


def test_rows_are_the_same_however_they_are_cut(folder: Path) -> None:
    whole, pieces = rows(folder, "whole", None), rows(folder, "cut", 3, workers=2)
    assert whole.to_pylist() == pieces.to_pylist()
    assert pieces.equals(sort_rows(pieces))
    shared = [row for row in pieces.to_pylist() if "duplicate_target" in row["flags"]]
    assert [row["language"] for row in shared] == ["de"]  # found although its twin is in another shard
    assert not shared[0]["parallel"]
    assert pieces.to_pylist() == mark_parallel(audit(pieces)).to_pylist()


@pytest.mark.slow
def test_new_bounds_give_a_build_the_bytes_of_one_that_had_them_from_the_start(folder: Path) -> None:
    checked, fresh, whole = (Workspace(folder / name) for name in ("checked", "fresh", "whole"))
    strict = {"thresholds": {"length_ratio_max": {"de": 1.3}}, "disable": ["duplicate_target"]}
    build(checked, config(folder, 12), progress=False)
    build(fresh, config(folder, 12).model_copy(update={"quality": quality_config(strict)}), progress=False)
    build(whole, config(folder, None), progress=False)
    assert pq.read_table(checked.scores).equals(pq.read_table(whole.scores))  # however it is cut
    assert check(checked, strict, progress=False).scored == 0
    for name in ("rows", "scores", "attempts"):
        assert getattr(checked, name).read_bytes() == getattr(fresh, name).read_bytes(), name
    assert set(pq.read_table(fresh.attempts)["outcome"].to_pylist()) == {"accepted", "rejected"}
    scores = pq.read_table(fresh.scores)
    assert scores.select(["id", "language"]).equals(fresh.read_rows().select(["id", "language"]))
    assert sum(value or 0 for value in scores["duplicate_target"].to_pylist()) == 1


@pytest.mark.slow
def test_stopped_build_does_only_the_unfinished_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = rows(folder, "whole", 4)
    workspace = Workspace(folder / "stopped")
    kept: list[int] = []
    add = ShardStore.add

    def stop_at_third(self: ShardStore, shard: FinishedShard, key: str) -> None:
        if len(kept) == 2:
            raise KeyboardInterrupt
        add(self, shard, key)
        kept.append(shard.number)

    monkeypatch.setattr(ShardStore, "add", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        build(workspace, config(folder, 4), progress=False)
    monkeypatch.setattr(ShardStore, "add", add)
    assert not workspace.rows.exists()

    asked: list[str] = []
    translate = TranslationMemory.translate

    def spy(self: TranslationMemory, batches: Any) -> Any:
        asked.extend(request.text for batch in batches for request in batch)
        return translate(self, batches)

    monkeypatch.setattr(TranslationMemory, "translate", spy)
    damaged = workspace.shards / f"{kept[0]:06d}.scores.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    workspace.journal.unlink()  # so that whatever is done again is asked again
    build(workspace, config(folder, 4), progress=False)
    assert workspace.read_rows().equals(expected)
    assert len(asked) == 2 * 4 * 4  # of five shards of four prompts in two languages, one was finished and whole


def test_shard_of_other_settings_is_not_taken(folder: Path, tmp_path: Path) -> None:
    shard = first_shard(folder)
    store = ShardStore(tmp_path / "shards", {"languages": ["de"]})
    table = pa.table({"id": ["a"]})
    empty = FinishedShard(0, table, table, table, unanswered=0, missing=0)
    assert not store.holds(shard)
    store.add(empty, store.key(shard))
    assert store.holds(shard)
    assert not ShardStore(tmp_path / "shards", {"languages": ["de", "zh"]}).holds(shard)
    assert not store.holds(type(shard)(0, shard.prompts[1:], shard.targets))
    store.add(replace(empty, unanswered=1), store.key(shard))
    assert not store.holds(shard)  # a backend gave no answer: the next run asks again
    (tmp_path / "shards" / "000000.json").write_text("{")
    assert not store.holds(shard)


def test_where_the_work_runs_is_no_part_of_the_config_hash(folder: Path) -> None:
    one = config(folder, 4)
    assert config_hash(one) == config_hash(one.model_copy(update={"engine": EngineConfig(workers=7)}))
