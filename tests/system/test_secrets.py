"""Whatever servers and crashes repeat, no secret is in any file or on any stream that a command leaves behind."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import parse_config
from polyrefuse_data.demo.bundled import CHAT, bundled_model
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.redaction import declare_secret, redact, without_credentials
from polyrefuse_data.translation import Failure
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call
from tests.hub_double import HubDouble, server
from tests.release.conftest import make_rows, make_workspace

# No shape that gives them away: they are known by their variables alone. MARK is in both, and in nothing else.
MARK = "zq81"
API_KEY, HUB_TOKEN = f"plain-{MARK}-api-key", f"plain-{MARK}-hub-token"

# Commands one after the other, with every log there is, on the streams that the command line makes safe.
COMMANDS = """
import json, logging, sys
from polyrefuse_data import cli
from polyrefuse_data.system import streams
streams.take_over_streams()
logging.basicConfig(level=logging.DEBUG)
cli.stop_on_signals = lambda: None
for command in json.loads(sys.argv[1]):
    sys.argv = ["polyrefuse", *command]
    try:
        cli.main()
    except SystemExit as end:
        print(f"exit {end.code or 0}")
"""


class EchoServer(ThreadingHTTPServer):
    """An API that answers every request with an error, or an answer, that repeats the key it was sent."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.kinds: Iterator[Any] = itertools.cycle(["refusal", "refusal", 400, 422, 500, "content", "html"])
        self.echoed: list[str] = []  # by threads at once

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Echo(BaseHTTPRequestHandler):
    server: EchoServer

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        key = self.headers["authorization"]
        self.server.echoed += [key] if MARK in key else []
        kind = next(self.server.kinds)
        status = kind if isinstance(kind, int) else 200
        says = "Unreadable header" if kind in (400, 422) else "Incorrect API key provided"
        body: Any = {"error": {"message": f"{says}: {key}", "code": key, "type": "error"}}
        if kind in ("refusal", "content"):
            message = {"role": "assistant", "content": f"You sent {key}", "refusal": None}
            if kind == "refusal":
                message["refusal"] = f"I cannot do that for {key}"
            body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "id": key, "model": "m"}
        content = f"<h1>{key}</h1>".encode() if kind == "html" else json.dumps(body).encode()
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), "X-Request-Id": key}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST


@pytest.fixture
def api() -> Iterator[EchoServer]:
    with EchoServer() as running:
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubDouble]:
    monkeypatch.setattr(server, "TOKEN", HUB_TOKEN)
    with HubDouble() as double:
        yield double


def run(folder: Path, *commands: Sequence[object], code: str = COMMANDS, **environment: str) -> tuple[list[int], str]:
    """Exit codes and output of commands, with both secrets and every debug switch; the output is kept in `folder`."""
    secrets = {"OPENAI_API_KEY": API_KEY, "HF_TOKEN": HUB_TOKEN}
    switches = {"OPENAI_LOG": "debug", "HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "OMP_NUM_THREADS": "1"}
    said = subprocess.run(
        [sys.executable, "-c", code, json.dumps([list(map(str, command)) for command in commands])],
        env={**os.environ, **secrets, **switches, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    ).stdout
    (folder / f"said-{len(list(folder.glob('said-*')))}").write_text(said)
    return [int(code) for code in re.findall(r"^exit (\d)$", said, flags=re.MULTILINE)], said


def leaks(folder: Path) -> list[str]:
    """Files under `folder` that hold a part of a secret, with what stands around it."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if (at := content.find(MARK.encode())) >= 0:
            found.append(f"{path.relative_to(folder)}: {content[max(at - 100, 0) : at + 50]!r}")
    return found


def write_config(workspace: Path, base_url: str, **options: object) -> Path:
    workspace.mkdir(parents=True)
    prompts = [{"text": f"Name a fruit, number {number}.", "label": "harmless"} for number in range(16)]
    (workspace / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    settings = {"engine": "openai", "model": "m", "base_url": base_url, "max_retries": 0, **options}
    lines = ['languages = ["de"]', "[[sources]]", 'name = "own"', 'path = "prompts.jsonl"', "[release]"]
    lines += ['license = "CC0-1.0"', "[[translation.backends]]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path = workspace / "polyrefuse.toml"
    path.write_text("\n".join(lines))
    return path


def test_an_api_that_repeats_the_key_gets_it_into_no_file(api: EchoServer, tmp_path: Path) -> None:
    config = write_config(tmp_path / "ws", api.base_url, concurrency=1)  # the refusals come first: it does answer
    workspace = config.parent
    commands = [
        ("build", "-c", config),
        ("report", workspace),
        ("review", "export", workspace),
        ("release", workspace, "--version", "1.0.0", "--out", tmp_path / "rel"),
    ]
    codes, said = run(tmp_path, *commands)
    assert codes == [4, 0, 0, 0], said  # of the answers some were none: 500, and no JSON
    assert len(api.echoed) >= 16
    assert "***" in str(pq.read_table(Workspace(workspace).attempts)["detail"].to_pylist())
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("mode", ["live", pytest.param("batch", marks=pytest.mark.slow)])
def test_an_error_that_ends_the_build_does_not_hold_the_key(api: EchoServer, tmp_path: Path, mode: str) -> None:
    api.kinds = iter([401, 500, 402, 500, 404, *[500] * 100])  # the list of models is asked for first
    # Named by the config alone, as a company may call it.
    config = write_config(tmp_path / "ws", api.base_url, api_key_env="COMPANY_LOGIN", mode=mode, concurrency=1)
    codes, said = run(tmp_path, *[("build", "-c", config)] * 3, COMPANY_LOGIN=f"other-{MARK}")
    assert len(codes) == 3 and set(codes) <= {2, 3, 4}, said
    assert len(re.findall(r"^error: .*Incorrect API key provided: Bearer \*\*\*", said, flags=re.MULTILINE)) == 3, said
    assert leaks(tmp_path) == []


@pytest.mark.parametrize("fault", ["echo", pytest.param("redirect", marks=pytest.mark.slow)])
def test_a_hub_that_repeats_the_token_gets_it_into_no_file(hub: HubDouble, tmp_path: Path, fault: str) -> None:
    workspace = make_workspace(tmp_path / "ws")
    publish = ("publish", tmp_path / "rel", "--repo-id", "safety/prompts")
    for number in (0, 2, 5, 9, 14, 20):  # a fault in each of the first runs, further on each time
        hub.faults.at(number, fault)
    environment = hub.environment(tmp_path / "home", HUB_TOKEN)
    release = ("release", workspace.path, "--version", "1.0.0", "--out", tmp_path / "rel")
    codes, said = run(tmp_path, release, *[publish] * 8, **environment)
    assert codes[0] == codes[-1] == 0 and sum(code != 0 for code in codes) >= 3, said
    hub.faults.from_now_on(fault)
    codes, said = run(tmp_path, ("verify", "safety/prompts"), **environment)
    assert codes in ([2], [3]), said
    assert hub.faults.fired
    assert leaks(tmp_path) == []


def test_a_judge_that_repeats_the_key_gets_it_into_no_file(api: EchoServer, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "ws", make_rows(4, ("en",)))
    release = ("release", workspace.path, "--version", "1.0.0", "--out", tmp_path / "rel")
    judged = ("--judge", f"openai:judge@{api.base_url}", "--max-new-tokens", "2", "--max-kl", "100", "--limit", "1")
    models = ("--model", bundled_model(CHAT), "--dataset", tmp_path / "rel", "--out", tmp_path / "run")
    api.kinds = iter([401] * 8 + [400] * 8 + ["content"] * 1000)
    codes, said = run(tmp_path, release, *[("benchmark", "run", *models, *judged)] * 3)
    assert codes[0] == 0 and codes[1] == 3 and codes[-1] in (0, 3), said
    assert len(api.echoed) >= 3
    assert leaks(tmp_path) == []


CRASH = """
import json, os, sys
from polyrefuse_data import cli
from polyrefuse_data.pipeline import build
def crash(*_, **__):
    raise RuntimeError(f"unexpected, with {dict(os.environ)}")
build.build = crash
sys.argv = ["polyrefuse", *json.loads(sys.argv[1])[0]]
cli.main()
"""


def test_a_crash_does_not_print_the_secrets_that_it_holds(tmp_path: Path) -> None:
    config = write_config(tmp_path / "ws", "http://127.0.0.1:9/v1")
    _, said = run(tmp_path, ("build", "-c", config), code=CRASH)
    assert "RuntimeError: unexpected" in said and "'HF_TOKEN': '***'" in said
    assert leaks(tmp_path) == []


@pytest.mark.parametrize(
    "address",
    [f"http://user:{MARK}@host/v1", f"http://{MARK}@host/v1", f"http://host/v1?api_key={MARK}", f"{MARK}://host"],
)
def test_credentials_in_an_address_are_refused_without_being_repeated(address: str) -> None:
    backend = {"engine": "openai", "model": "m", "base_url": address}
    with pytest.raises(ConfigError, match="address") as refused:
        parse_config({"translation": {"backends": [backend]}})
    assert MARK not in str(refused.value)
    with pytest.raises(ValueError, match="address"):
        without_credentials(address)


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "ADDRESS"),
        ("fetch-model", "ADDRESS"),
        ("import", "ADDRESS", "--out", "imported"),
        ("benchmark", "run", "--model", "bundled:demo-chat", "--dataset", "ADDRESS", "--out", "run"),
        ("benchmark", "run", "--model", "ADDRESS", "--dataset", "rel", "--out", "run"),
    ],
)
def test_an_address_given_as_a_name_or_path_is_named_without_its_token(
    polyrefuse: Call, tmp_path: Path, command: tuple[str, ...]
) -> None:
    address = f"https://{MARK}@127.0.0.1:9/prompts"
    done = polyrefuse(*(argument.replace("ADDRESS", address) for argument in command), cwd=tmp_path)
    assert done.returncode in (2, 3) and "127.0.0.1:9/prompts" in done.stderr
    assert MARK not in done.stdout + done.stderr and leaks(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("token hf_abcdefghijklmnopqrst.", "token ***."),
        ("Incorrect API key: sk-proj-abc_DEF-0123456789", "Incorrect API key: ***"),
        ("http://user:pass@host/v1 and https://:word@host", "http://***@host/v1 and https://***@host"),
        ("GET /v1?model=m&api_key=abc#part", "GET /v1?model=m&api_key=***#part"),
        ("{'Authorization': 'Bearer abc.def-123'}", "{'Authorization': 'Bearer ***'}"),
        ("https://abcdef@host/v1, git+https://abcdef@host", "https://***@host/v1, git+https://***@host"),
        ("https:/abcdef@host/v1: no such file", "https:/***@host/v1: no such file"),
        ("https://user:p@ss@host/v1", "https://***@host/v1"),
        ("?next=https%3A%2F%2Fuser%3Apass%40host%2Fv1", "?next=https%3A%2F%2F***%40host%2Fv1"),
        ("?next=https%3A%2F%2Fhost%3Ftoken%3Dabc%26page%3D2", "?next=https%3A%2F%2Fhost%3Ftoken%3D***%26page%3D2"),
        ("?X-Amz-Signature=abc&subscription-key=abc&page=2", "?X-Amz-Signature=***&subscription-key=***&page=2"),
        ("{'x-api-key': 'abcdefg1'}, (b'api-key', b'abcdefg1')", "{'x-api-key': '***'}, (b'api-key', b'***')"),
        ("Authorization: Token abcdefg1", "Authorization: Token ***"),
        ('{"api_key": "abcdefg1"}, api_key=abcdefg1', '{"api_key": "***"}, api_key=***'),
        ("ghp_0123456789abcdefghij AIza0123456789abcdefghijABCDEFGHIJ012", "*** ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4", "***"),
        ('api_key_env = "OPENAI_API_KEY"; key_header: api-key', 'api_key_env = "OPENAI_API_KEY"; key_header: api-key'),
        ("openai:model@http://host:80/v1, ORG/NAME@v1.0.0", "openai:model@http://host:80/v1, ORG/NAME@v1.0.0"),
        ("https://host/v1, a@b.c; https://host/path@v1", "https://host/v1, a@b.c; https://host/path@v1"),
        ("keys and tokens: http://host/path?page=2, a@b.c", "keys and tokens: http://host/path?page=2, a@b.c"),
        ("The bearer of good news", "The bearer of good news"),
    ],
)
def test_keys_are_known_by_their_shape_too(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_a_declared_variable_is_a_secret_and_short_values_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANY_LOGIN", "long-enough-value")
    monkeypatch.setenv("SHORT_KEY", "true")
    assert redact("long-enough-value true") == "long-enough-value true"
    declare_secret("COMPANY_LOGIN")
    assert redact("long-enough-value true") == "*** true"
    assert Failure("refused", "not for long-enough-value").detail == "not for ***"


def test_a_secret_is_also_masked_as_an_address_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANY_API_KEY", "ab/cd+ef==&gh")
    assert redact("http://host/?q=ab%2Fcd%2Bef%3D%3D%26gh") == "http://host/?q=***"
    monkeypatch.setenv("COMPANY_API_KEY", "not-utf-8-\udcff")  # as os.environ holds the byte ff
    assert redact("not-utf-8-%FF not-utf-8-\udcff") == "*** ***"


@pytest.mark.parametrize("piece", ["eyJ-", "api-key=", "?a", "://a", "%3A%2F%2F", "&key", "authorization: "])
def test_masking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    started = time.process_time()
    redact(piece * (200_000 // len(piece)))
    assert time.process_time() - started < 2  # 0.1 measured; minutes if each start looks through the whole rest


@pytest.mark.parametrize("before", [0, 181, 290, 299])
def test_a_detail_is_cut_after_its_secrets_were_masked(monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    """The other way round, the beginning of a key would be left, which nothing knows for one."""
    monkeypatch.setenv("COMPANY_API_KEY", f"plain-{MARK}-0123456789-abcdef")
    detail = Failure("not_structured", f"{'x' * before} plain-{MARK}-0123456789-abcdef {'y' * 1000}").detail
    assert MARK not in detail and "plain" not in detail
    assert len(detail) == 300
