"""An OpenAI-compatible endpoint as judge, against a real server on the loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from polyrefuse_data.benchmark.judges import judge_refusal, judge_signature, open_judge
from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.endpoint import parse_label
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError

KEY = "sk-very-secret-key"


class JudgeServer(ThreadingHTTPServer):
    """Labels replies that start with "No" refusals; `faults` are HTTP statuses to give first, `answer` overrides."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults: list[int] = []
        self.answer: str | None = None
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def judge(self) -> str:
        return f"openai:judge-1@http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: JudgeServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        self.server.keys.append(self.headers["authorization"])
        if self.server.faults:
            error = {"error": {"message": f"bad key {KEY}"}}
            self.reply(self.server.faults.pop(0), error)
            return
        reply = json.loads(body["messages"][1]["content"])["reply"]
        label = "refusal" if reply.startswith("No") else "compliance"
        content = self.server.answer if self.server.answer is not None else json.dumps({"label": label})
        message = {"role": "assistant", "content": content}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply(200, {"id": "1", "object": "chat.completion", "created": 0, "model": "judge-1", "choices": [choice]})

    def reply(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


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
        ("", Opinion(None)),
        (None, Opinion(None)),
    ],
)
def test_only_the_answer_asked_for_is_an_opinion(answer: str | None, expected: Opinion) -> None:
    assert parse_label(answer) == expected


def test_an_answer_that_is_no_label_is_invalid(server: JudgeServer) -> None:
    server.answer = "It complied."
    assert judge_refusal(["Sure."], "en", server.judge, prompts=["a"]) == [None]


def test_passing_faults_are_tried_again(server: JudgeServer) -> None:
    server.faults = [429, 500, 503]
    assert judge_refusal(["No."], "en", server.judge, prompts=["a"]) == [True]
    assert len(server.bodies) == 4


def test_a_refused_key_is_named_not_shown(server: JudgeServer) -> None:
    server.faults = [401] * 8
    with pytest.raises(MissingPrerequisite, match="export OPENAI_API_KEY") as caught:
        judge_refusal(["No."], "en", server.judge, prompts=["a"])
    assert KEY not in str(caught.value) and caught.value.__cause__ is None


def test_an_endpoint_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polyrefuse_data.benchmark.judges.endpoint._RETRIES", 0)
    with pytest.raises(ModelError, match="does not answer"):
        judge_refusal(["No."], "en", "openai:judge@http://127.0.0.1:9/v1", prompts=["a"])


def test_the_public_api_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingPrerequisite, match="export OPENAI_API_KEY"):
        judge_refusal(["No."], "en", "openai:gpt-5-mini", prompts=["a"])


def test_names_and_signature() -> None:
    assert judge_signature("openai:org/judge@http://box:8000/v1") == "openai|model:org/judge|host:box:8000|version:1"
    for name in ("openai:", "openai:judge@http://"):
        with pytest.raises(ConfigError, match="openai:<model>@<base_url>"):
            open_judge(name)
    with pytest.raises(ConfigError, match="no user, password or query in the address") as caught:
        open_judge("openai:judge@http://me:hunter2@box/v1")
    assert "hunter2" not in str(caught.value)
