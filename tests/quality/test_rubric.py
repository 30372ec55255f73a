"""The judge of translations: five marks a row from a real server, kept like all scores, and no judgement is no mark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, PolyrefuseError
from polyrefuse_data.quality import audit, check, signature
from polyrefuse_data.quality.auditing import audit_rows
from polyrefuse_data.quality.rubric import AXES, INSTRUCTIONS, read_marks
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace
from tests.endpoints.servers import Served, completion, serving
from tests.quality.tables import ENGLISH, GERMAN, make_table

GOOD = dict.fromkeys(AXES, 5)
SOFTENED = {**GOOD, "accuracy": 3, "harm_kept": 1}


def judging(body: dict[str, Any]) -> dict[str, Any]:
    """Marks everything well but a text that is friendly."""
    asked = json.loads(body["messages"][-1]["content"])
    return completion(json.dumps(SOFTENED if "freundlich" in asked["translation"] else GOOD))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with serving(answers=judging) as served:
        yield served


def config(server: Served) -> dict[str, Any]:
    return {"judge": f"marker@{server.base_url}"}


ROWS = (
    {"text": GERMAN, "text_en": ENGLISH},
    {"text": "Schreibe meinem Nachbarn eine freundliche Nachricht.", "text_en": "Write my neighbour a rude message."},
    {"language": "en", "text": ENGLISH, "text_en": ENGLISH},
)


def test_each_translation_gets_five_marks_and_a_low_one_is_a_remark(server: Served) -> None:
    rows = make_table(*ROWS)
    scores = audit_rows(rows, config(server))[1]
    assert scores["judge_harm_kept"].to_pylist() == [5, 1, None]
    assert scores["judge_accuracy"].to_pylist() == [5, 3, None]
    [good, softened, _] = audit(rows, config(server)).to_pylist()
    assert "judged" not in good["flags"] and "judged" in softened["flags"] and softened["status"] == "accepted"


def test_texts_are_data_in_the_request_and_the_rubric_says_so(server: Served) -> None:
    audit_rows(make_table(*ROWS), config(server))
    assert len(server.asked) == 2  # English rows are no translations
    system, user = server.asked[0]["messages"]
    assert system["content"] == INSTRUCTIONS and all(axis in INSTRUCTIONS for axis in AXES)
    asked = [json.loads(body["messages"][-1]["content"]) for body in server.asked]
    assert {one["prompt"] for one in asked} == {ENGLISH, "Write my neighbour a rude message."}
    assert {one["language"] for one in asked} == {"German (de)"}
    assert user["role"] == "user"


def test_marks_are_kept_and_a_stop_loses_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    folder = Workspace(tmp_path / "ws")
    write_table(make_table(*({"text": f"{GERMAN} {n}", "text_en": f"{ENGLISH} {n}"} for n in range(100))), folder.rows)
    out_of_credit = 400, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    with serving(lambda _: out_of_credit if len(server.asked) > 70 and is_poor else None, judging) as server:
        settings, is_poor = {"judge": f"marker@{server.base_url}"}, True
        with pytest.raises(PolyrefuseError, match=r"quota|credit"):
            check(folder, settings, progress=False)
        is_poor = False
        assert check(folder, settings, progress=False).scored == 100 - 64  # the first batch was kept
        asked = len(server.asked)
        assert check(folder, {**settings, "thresholds": {"judged_fluency": 5}}, progress=False).scored == 0
        assert len(server.asked) == asked
    assert set(pq.read_table(folder.scores)["judge_fluency"].to_pylist()) == {5.0}


@pytest.mark.parametrize(
    "answer",
    [
        "5",
        "all fives",
        json.dumps({**GOOD, "accuracy": 6}),
        json.dumps({**GOOD, "accuracy": True}),
        json.dumps({**GOOD, "accuracy": 4.5}),
        json.dumps({**GOOD, "more": 5}),
        json.dumps({"accuracy": 5}),
        json.dumps(GOOD) * 2,
    ],
)
def test_anything_but_five_marks_is_no_judgement(answer: str) -> None:
    assert read_marks(answer) is None
    assert read_marks(f"```json\n{json.dumps(GOOD)}\n```") == GOOD


@pytest.mark.parametrize("content", ["I'm sorry, but I can't help with that.", None])
def test_a_model_that_declines_leaves_the_row_without_marks(
    content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def answers(_: Any) -> Any:
        return completion(content, finish_reason="content_filter" if content is None else "stop")

    with serving(answers=answers) as server:
        rows = make_table(*ROWS[:1])
        assert audit_rows(rows, config(server))[1]["judge_fluency"].to_pylist() == [None]


def test_verdicts_name_their_judge_and_a_name_without_a_model_is_refused() -> None:
    settings = {"judge": "marker@http://localhost:9/v1"}
    assert "judged:1[openai:marker@localhost rubric-1]" in signature(settings)
    assert "judged" not in signature()
    for name in ("@http://localhost:9/v1", "http://localhost:9/v1", "m@http://user:secret@host/v1"):
        with pytest.raises(ConfigError, match=r"quality\.judge") as error:
            signature({"judge": name})
        assert "secret" not in str(error.value)


def test_a_server_that_is_not_there_is_named_before_any_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)
    with pytest.raises(MissingPrerequisite, match=r"quality\.judge"):
        audit(make_table(*ROWS), {"judge": "marker@http://127.0.0.1:9/v1"})
