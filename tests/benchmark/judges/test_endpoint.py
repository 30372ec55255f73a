"""An OpenAI-compatible endpoint as judge, against a real server on the loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest

from polyrefuse_data.benchmark.judges import judge_refusal, judge_signature, open_judge
from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.endpoint import parse_label
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite
from tests.benchmark.json_handler import JsonHandler

KEY = "sk-very-secret-key"


class JudgeServer(ThreadingHTTPServer):
    """Labels replies that start with "No" refusals; `faults` are HTTP statuses or bodies to give first, `answer`
    overrides."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[int | bytes] = []
        self.answer: str | None = None
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def judge(self) -> str:
        return f"openai:judge-1@http://127.0.0.1:{self.server_port}/v1"


class Handler(JsonHandler):
    server: JudgeServer

    def do_POST(self) -> None:
        body = self.read_json()
        self.server.bodies.append(body)
        self.server.keys.append(self.headers["authorization"])
        if self.server.faults:
            fault = self.server.faults.pop(0)
            error = json.dumps({"error": {"message": f"bad key {KEY}"}}).encode()
            self.reply(*((200, fault) if isinstance(fault, bytes) else (fault, error)))
            return
        reply = json.loads(body["messages"][1]["content"])["reply"]
        label = "refusal" if reply.startswith("No") else "compliance"
        content = self.server.answer if self.server.answer is not None else json.dumps({"label": label})
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        completion = {"id": "1", "object": "chat.completion", "created": 0, "model": "judge-1", "choices": [choice]}
        self.reply(200, json.dumps(completion).encode())

    def do_GET(self) -> None:
        self.reply(200, b'{"data": [{"id": "judge-1"}]}')


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with JudgeServer() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_each_reply_gets_its_own_label(server: JudgeServer) -> None:
    replies = ["No, I won't.", "Sure, here it is.", "", "No."]
    assert judge_refusal(replies, "fr", server.judge, prompts=["a", "b", "c", "d"]) == [True, False, None, True]
    exchanges = {json.loads(body["messages"][1]["content"])["request"] for body in server.bodies}
    assert exchanges == {"a", "b", "d"}  # the empty reply is not asked about
    assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True
    assert server.keys[0] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"label": "refusal"}', Opinion(True)),
        ('{"label": "compliance"}', Opinion(False)),
        ('{"label": "unclear"}', Opinion(None)),
        ('{"label": "refusal", "why": "..."}', Opinion(None)),
        ('["refusal"]', Opinion(None)),
        ("refusal", Opinion(None)),
        ('```json\n{"label": "refusal"}\n```', Opinion(True)),
        ('<think>{"label": "compliance"}</think>{"label": "refusal"}', Opinion(True)),
        ('{"label": "refusal"} {"label": "compliance"}', Opinion(None)),
        ("", Opinion(None)),
        (None, Opinion(None)),
    ],
)
def test_only_the_answer_asked_for_is_an_opinion(answer: str | None, expected: Opinion) -> None:
    assert parse_label(answer) == expected


def test_an_answer_that_is_no_label_is_invalid(server: JudgeServer) -> None:
    server.answer = "It complied."
    assert judge_refusal(["Sure."], "en", server.judge, prompts=["a"]) == [None]


def test_a_judge_that_never_has_a_verdict_is_told_with_an_answer(
    server: JudgeServer, caplog: pytest.LogCaptureFixture
) -> None:
    replies = [f"No {number}." for number in range(10)]
    server.answer = '{"refusal": true}'
    assert judge_refusal(replies[:9], "en", server.judge, replies[:9]) == [None] * 9  # they may all be unclear
    assert caplog.text == ""
    assert judge_refusal(replies, "en", server.judge, replies) == [None] * 10
    assert 'has no verdict on any of 10 replies; its first answer is: {"refusal": true}' in caplog.text


def test_passing_faults_are_tried_again(server: JudgeServer) -> None:
    server.faults = [429, 500, 503]
    assert judge_refusal(["No."], "en", server.judge, prompts=["a"]) == [True]
    assert len(server.bodies) == 4


def test_a_refused_key_is_named_not_shown(server: JudgeServer) -> None:
    server.faults = [401] * 8
    with pytest.raises(MissingPrerequisite, match="export OPENAI_API_KEY") as caught:
        judge_refusal(["No."], "en", server.judge, prompts=["a"])
    assert KEY not in str(caught.value) and caught.value.__cause__ is None


# All of them with status 200.
NO_ANSWERS = {
    "error object": b'{"error": {"message": "overloaded", "code": 503}}',
    "html": b"<html><h1>Bad gateway</h1></html>",
    "list": b"[]",
    "empty choice": b'{"choices": [{}]}',
    "null message": b'{"choices": [{"message": null}]}',
    "number": b'{"choices": [{"message": {"content": 5}}]}',
    "cut": b'{"choices": [{"message": {"content": "{\\"lab',
    "nothing": b"",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_asked_again(server: JudgeServer, body: bytes) -> None:
    server.faults = [body, body]
    assert judge_refusal(["No."], "en", server.judge, prompts=["a"]) == [True]
    assert len(server.bodies) == 3


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_stays_no_answer_is_an_error_and_never_an_invalid_reply(
    server: JudgeServer, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polyrefuse_data.endpoints.named.RETRIES", 1)
    monkeypatch.setattr("polyrefuse_data.benchmark.judges.asking._CONCURRENCY", 1)
    server.faults = [body] * 2
    with pytest.raises(EndpointError, match="gave no verdict on 1 of 2 replies"):
        judge_refusal(["No.", "Sure."], "en", server.judge, prompts=["a", "b"])
    server.faults = [body] * 1000
    with pytest.raises(EndpointError, match="20 texts in a row"):
        judge_refusal(["No."] * 200, "en", server.judge, prompts=[f"a{n}" for n in range(200)])
    assert len(server.bodies) < 100


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "refusal"])
def test_what_a_judge_will_not_read_is_invalid_and_not_asked_again(server: JudgeServer, reason: str) -> None:
    server.faults = [json.dumps({"choices": [{"finish_reason": reason, "message": None}]}).encode()]
    assert judge_refusal(["No."], "en", server.judge, prompts=["a"]) == [None]
    assert len(server.bodies) == 1


def test_an_endpoint_that_is_not_there_is_said_at_once_and_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("polyrefuse_data.endpoints.client._LONGEST_ABSENCE", 0.01)
    judge = open_judge("openai:judge@http://127.0.0.1:9/v1")
    for ask in (lambda: judge_refusal(["No."], "en", judge, prompts=["a"]), judge.prepare):  # type: ignore[attr-defined]
        with pytest.raises(MissingPrerequisite, match=r"cannot be reached at http://127\.0\.0\.1:9/v1") as raised:
            ask()
        assert raised.value.exit_code == 3
    assert "Connection refused): trying again" in caplog.text


def test_a_judge_is_probed_before_it_is_needed(server: JudgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = open_judge(server.judge)
    judge.prepare()  # type: ignore[attr-defined]
    assert not server.bodies  # it is in the list of models, which costs nothing
    unlisted = open_judge(server.judge.replace("judge-1", "judge-2"))
    server.faults = [404]
    with pytest.raises(ConfigError, match="check the model and the address"):
        unlisted.prepare()  # type: ignore[attr-defined]


def test_the_public_api_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingPrerequisite, match="export OPENAI_API_KEY"):
        judge_refusal(["No."], "en", "openai:gpt-5-mini", prompts=["a"])


def test_names_and_signature() -> None:
    assert judge_signature("openai:org/judge@http://box:8000/v1") == "openai|model:org/judge|host:box:8000|version:1"
    for name in ("openai:", "openai:judge@http://"):
        with pytest.raises(ConfigError, match="openai:<model>@<base_url>"):
            open_judge(name)
    with pytest.raises(ConfigError, match="cannot have a user, password or query") as caught:
        open_judge("openai:judge@http://me:hunter2@box/v1")
    assert "hunter2" not in str(caught.value)
