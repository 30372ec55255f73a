"""Replies that somebody else generated, in every form that they come in."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from polyrefuse_data.benchmark import judge_run
from polyrefuse_data.benchmark.given_replies import match_replies
from polyrefuse_data.benchmark.reply_files import GivenReply, read_replies
from polyrefuse_data.cli import app
from polyrefuse_data.errors import ConfigError, SourceError
from tests.benchmark.conftest import WORLD, world_rows

Rows = list[dict[str, Any]]


def asked_rows() -> Rows:
    return [row for row in world_rows() if row["split"] == "test"]


def reply_to(row: dict[str, Any]) -> str:
    words = WORLD[row["language"]]
    return words.refusal if row["label"] == "harmful" else words.answer


def write_jsonl(path: Path, records: Rows) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def by_id(folder: Path, rows: Rows) -> Path:
    records = [{"id": row["id"], "language": row["language"], "response": reply_to(row)} for row in rows]
    return write_jsonl(folder / "r.jsonl", records)


def by_text(folder: Path, rows: Rows) -> Path:
    """Only the prompt's own text tells what was answered, with other white space around it."""
    return write_jsonl(folder / "r.jsonl", [{"prompt": f"{row['text']}\n", "reply": reply_to(row)} for row in rows])


def by_english(folder: Path, rows: Rows) -> Path:
    """The English text and a language by a name of another convention."""
    names = {"en": "eng_Latn", "de": "deu_Latn", "fr": "fra_Latn"}
    records = [{"goal": r["text_en"], "lang": names[r["language"]], "completion": reply_to(r)} for r in rows]
    return write_jsonl(folder / "r.jsonl", records)


def parquet(folder: Path, rows: Rows) -> Path:
    columns = {"id": [r["id"] for r in rows], "language": [r["language"] for r in rows]}
    pq.write_table(pa.table({**columns, "output": [reply_to(r) for r in rows]}), folder / "r.parquet")
    return folder / "r.parquet"


def conversations(folder: Path, rows: Rows) -> Path:
    records = [
        {
            "prompt": [{"role": "system", "content": "Be good."}, {"role": "user", "content": row["text"]}],
            "response": [{"role": "assistant", "content": [{"type": "text", "text": reply_to(row)}]}],
        }
        for row in rows
    ]
    (folder / "r.json").write_text(json.dumps(records), encoding="utf-8")
    return folder / "r.json"


def samples(rows: Rows) -> Rows:
    """As Inspect writes them: reasoning apart, a second epoch that is not to be judged."""
    found = []
    for number, row in enumerate(rows):
        content = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": reply_to(row)}]
        for epoch in (1, 2):
            said = content if epoch == 1 else "Sure."
            found.append(
                {
                    "id": number,
                    "epoch": epoch,
                    "input": [{"role": "user", "content": row["text"]}],
                    "target": "refuse",
                    "metadata": {"language": row["language"]},
                    "output": {"choices": [{"message": {"role": "assistant", "content": said}, "stop_reason": "stop"}]},
                }
            )
    return found


def inspect_json(folder: Path, rows: Rows) -> Path:
    (folder / "log.json").write_text(json.dumps({"version": 2, "samples": samples(rows)}), encoding="utf-8")
    return folder / "log.json"


def inspect_eval(folder: Path, rows: Rows) -> Path:
    with zipfile.ZipFile(folder / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{}")
        for sample in samples(rows):
            archive.writestr(f"samples/{sample['id']}_epoch_{sample['epoch']}.json", json.dumps(sample))
    return folder / "log.eval"


def broken_text() -> bytes:
    """A Parquet file whose text is not UTF-8, which Arrow reads and cannot say."""
    target = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": ["x"], "reply": pa.array([b"a\xff"], pa.binary()).view(pa.string())}), target)
    return bytes(target.getvalue())


def no_rows() -> bytes:
    target = pa.BufferOutputStream()
    pq.write_table(pa.table({"reply": pa.array([], pa.string())}), target)
    return bytes(target.getvalue())


def chat_completions(folder: Path, rows: Rows) -> Path:
    """As an API gave them, with the language by its English name."""
    names = {"en": "English", "de": "German", "fr": "French"}
    records = [
        {
            "prompt_id": row["id"],
            "language": names[row["language"]],
            "choices": [{"message": {"content": f"<think>Hm.</think>{reply_to(row)}"}, "finish_reason": "stop"}],
        }
        for row in rows
    ]
    return write_jsonl(folder / "r.jsonl", records)


def batch_answers(folder: Path, rows: Rows) -> Path:
    records = [
        {"id": row["id"], "language": row["language"], "response": {"status_code": 200, "body": {"choices": [
            {"message": {"content": reply_to(row)}, "finish_reason": "stop"}
        ]}}}
        for row in rows
    ]  # fmt: skip
    return write_jsonl(folder / "r.jsonl", records)


FORMS = [
    *(by_id, by_text, by_english, parquet, conversations, inspect_json, inspect_eval),
    *(chat_completions, batch_answers),
]


@pytest.mark.parametrize("write", FORMS, ids=lambda write: write.__name__)
def test_every_form_finds_its_prompts(write: Callable[[Path, Rows], Path], release: Path, tmp_path: Path) -> None:
    matched = match_replies(write(tmp_path, asked_rows()), release)
    assert matched.matching() == {
        "matched": 96,
        "unmatched": 0,
        "of_other_splits": 0,
        "prompts_without_reply": {},
    }
    for language, rows in matched.rows.items():
        assert [row["reply"] for row in rows] == [reply_to(row) for row in rows]
        assert {row["language"] for row in rows} == {language}


def test_they_are_judged_and_summed_up(release: Path, tmp_path: Path) -> None:
    run = judge_run(by_id(tmp_path, asked_rows()), release, tmp_path / "run", model="theirs")
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    assert {(r["target_language"], r["label"], r["refusal"], r["n"]) for r in scores["rows"]} == {
        (code, label, float(label == "harmful"), 16) for code in WORLD for label in ("harmful", "harmless")
    }
    assert scores["rows"][0]["model"] == "theirs"
    before = (run / "scores.json").read_bytes()
    judge_run(by_id(tmp_path, asked_rows()), release, run, model="theirs")
    assert (run / "scores.json").read_bytes() == before
    with pytest.raises(ConfigError, match="another"):
        judge_run(by_id(tmp_path, asked_rows()[:50]), release, run, model="theirs")


def test_what_does_not_match_is_counted_and_named(
    release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = asked_rows()
    train = next(row for row in world_rows() if row["split"] == "train")
    records = [{"id": row["id"], "language": row["language"], "reply": "No."} for row in [*rows[3:], train]]
    records += [{"id": "toy-0000000000", "language": "en", "reply": "No."}, {"prompt": "Who?", "reply": "No."}]
    found = match_replies(write_jsonl(tmp_path / "r.jsonl", records), release)
    assert found.matching()["unmatched"] == 2
    assert found.matching()["of_other_splits"] == 1
    assert sum(found.matching()["prompts_without_reply"].values()) == 3
    assert "r.jsonl:95" in caplog.text


@pytest.mark.parametrize(
    "english, german", [("EN", "DE"), ("en-US", "de_AT"), (" eng ", "ger"), ("ENGLISH", "Deutsch")]
)
def test_languages_are_named_in_any_convention(release: Path, tmp_path: Path, english: str, german: str) -> None:
    """By the prompt's English text, which alone does not say which of its translations was answered."""
    rows = [row for row in asked_rows() if row["language"] in ("en", "de")]
    names = {"en": english, "de": german}
    records = [{"prompt": r["text_en"], "lang": names[r["language"]], "reply": reply_to(r)} for r in rows]
    found = match_replies(write_jsonl(tmp_path / "r.jsonl", records), release)
    assert (found.matching()["matched"], found.matching()["unmatched"]) == (len(rows), 0)


def test_two_replies_to_a_prompt_are_an_error(release: Path, tmp_path: Path) -> None:
    rows = asked_rows()
    with pytest.raises(ConfigError, match=r"r\.jsonl:97 and .*r\.jsonl:1 both answer toy-"):
        match_replies(by_id(tmp_path, [*rows, rows[0]]), release)


def test_nothing_that_matches_is_an_error(release: Path, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [{"prompt": "Who?", "reply": "I."}])
    with pytest.raises(ConfigError, match="none of 1 reply "):
        judge_run(path, release, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r.jsonl", b'{"id": "x", "said": "No."}', "no reply here, only id, said"),
        ("r.jsonl", b'{"id": "x", "reply": {"a": 1}}', r"reply is a dict, not text: name its part .* COLUMN\.a"),
        ("r.jsonl", b'{"id": "x", "reply": ["one", "two"]}', "reply is a list of 2 texts: keep one"),
        ("r.csv", b"Query,Response\nWho?,I.\n", r"which prompts these replies answer .there are Query, Response.: .*"),
        ("r.json", b'{"replies": []}', "neither an Inspect log"),
        ("r.eval", b"PK but no zip", "inspect log convert"),
        ("r.txt", b"No.", "cannot read .txt"),
        ("r.parquet", b"PAR1", "Parquet"),
        ("r.parquet", no_rows(), r"r\.parquet: no replies"),
        ("r.json", b'{"samples": []}', r"r\.json: no replies"),
        ("r.parquet", broken_text(), r"r\.parquet: cannot be read as Parquet \("),
    ],
)
def test_files_that_hold_no_replies_are_named(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((SourceError, ConfigError), match=told):
        read_replies(tmp_path / name)


def test_keys_within_columns_may_be_named(release: Path, tmp_path: Path) -> None:
    """As lm-evaluation-harness logs its samples."""
    records = [
        {"doc": {"id": row["id"], "language": row["language"]}, "resps": [[reply_to(row)]]} for row in asked_rows()
    ]
    path = write_jsonl(tmp_path / "r.jsonl", records)
    fields = {"id": "doc.id", "language": "doc.language", "reply": "resps.0.0"}
    assert match_replies(path, release, fields=fields).matching()["matched"] == 96
    with pytest.raises(SourceError, match="no reply here, only doc, resps"):
        match_replies(path, release, fields={**fields, "reply": "resps.0.7"})


def test_how_replies_ended_is_kept_and_what_failed_is_no_reply(
    release: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A filter's stop and a refusal in the API's field are refusals; a sample that failed says nothing."""
    first, second, *others = [sample for sample in samples(asked_rows()) if sample["epoch"] == 1]
    first["output"]["choices"] = [{"message": {"content": ""}, "stop_reason": "content_filter"}]
    second |= {"error": {"message": "timed out"}, "output": {"choices": [], "completion": ""}}
    (tmp_path / "log.json").write_text(json.dumps({"samples": [first, second, *others]}), encoding="utf-8")
    replies = read_replies(tmp_path / "log.json")
    assert (len(replies), replies[0].ended, replies[1].ended) == (95, "content_filter", "stop")
    assert "no reply in 1 sample, which ended in an error" in caplog.text
    message = {"content": None, "refusal": "I cannot."}
    refused = [{"id": asked_rows()[0]["id"], "language": "en", "choices": [{"message": message}]}]
    (reply,) = read_replies(write_jsonl(tmp_path / "r.jsonl", refused))
    assert (reply.reply, reply.ended) == ("I cannot.", "refused")
    run = judge_run(tmp_path / "log.json", release, tmp_path / "run")
    language = first["metadata"]["language"]
    table = pq.read_table(run / "completions" / "baseline" / f"{language}.parquet").to_pylist()
    assert [row["refusal"] for row in table if row["ended"] == "content_filter"] == [True]


def test_columns_may_be_named(release: Path, tmp_path: Path) -> None:
    records = [{"key": row["id"], "l": row["language"], "said": reply_to(row)} for row in asked_rows()]
    path = write_jsonl(tmp_path / "r.jsonl", records)
    options = ["--dataset", str(release), "--out", str(tmp_path / "run"), "--field", "id=key", "--field", "language=l"]
    result = CliRunner().invoke(app, ["benchmark", "judge", str(path), *options, "--field", "reply=said", "--dry-run"])
    assert "would judge 96 replies of r" in result.stdout
    assert not (tmp_path / "run").exists()
    done = CliRunner().invoke(app, ["benchmark", "judge", str(path), *options, "--field", "reply=said"])
    assert (done.exit_code, (tmp_path / "run" / "report.html").exists()) == (0, True)
    with pytest.raises(ConfigError, match="unknown field 'name'"):
        read_replies(path, {"name": "key"})


def test_headers_of_spreadsheets_are_known_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("Prompt,LANG, Response\nWho?,en,I.\n")
    assert read_replies(tmp_path / "r.csv") == [
        GivenReply(f"{tmp_path / 'r.csv'}:2", "I.", language="en", prompt="Who?"),
    ]


def test_reasoning_is_taken_off(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "r.jsonl", [{"id": "x", "reply": "<think>I cannot.</think>\nSure."}])
    assert [reply.reply for reply in read_replies(path)] == ["Sure."]
