"""Asking an endpoint as translator, through its Batch API and as judge: redirects; what passes, and what does not."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.benchmark.judges import judge_refusal
from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints import Ask, Client, Completion, Endpoint, NoAnswer, api_errors
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Pair, Request, Translation, open_backend, translate_requests
from tests.endpoints.api_server import API_KEY, ApiServer
from tests.patience import in_time

EN, DE = language("en"), language("de")
HELLO = [Request("hello", EN, DE)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    with ApiServer() as server:
        yield server


def backend(api: ApiServer, **options: Any) -> Any:
    settings = {"model": "test-model", "api_key_env": "TEST_API_KEY", "poll_seconds": 0.02, "max_retries": 1, **options}
    return open_backend(OpenAIBackend(base_url=api.base_url, **settings))


def client(api: ApiServer, **options: Any) -> Client:
    return Client(Endpoint("test-model", api.base_url, "TEST_API_KEY", **options))


def redirect(to: str, status: int = 307) -> tuple[int, Any, dict[str, str]]:
    return status, {}, {"Location": to}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["live", "batch", "judge", "probe"])
def test_an_api_that_redirects_elsewhere_gets_no_prompt_and_no_key_there(api: ApiServer, way: str, status: int) -> None:
    with ApiServer() as elsewhere:
        api.call_faults["POST /v1/chat"] = [redirect(f"{elsewhere.base_url}/chat/completions", status)] * 9
        api.call_faults["POST /v1/files"] = [redirect(f"{elsewhere.base_url}/files", status)] * 9
        api.call_faults["GET /v1/models"] = [redirect(f"{elsewhere.base_url}/models", status)] * 9
        with pytest.raises(ConfigError, match="prompts and keys only go to the address in the config"):
            if way == "judge":
                judge_refusal(["No."], "en", f"openai:test-model@{api.base_url}", prompts=["a"])
            elif way == "probe":
                backend(api).prepare([Pair(EN, DE)])
            else:
                translate_requests(backend(api, mode=way), HELLO)
        assert not elsewhere.calls
        assert not elsewhere.asked


@pytest.mark.parametrize("call", ["GET /v1/batches?", "POST /v1/batches", "GET /v1/batches/", "GET /v1/files/"])
def test_no_call_of_a_batch_follows_a_redirect_elsewhere(api: ApiServer, call: str) -> None:
    with ApiServer() as elsewhere:
        api.call_faults[call] = [redirect(f"{elsewhere.base_url}/x")] * 9
        with pytest.raises(ConfigError, match="prompts and keys only go to the address in the config"):
            translate_requests(backend(api, mode="batch"), HELLO)
        assert not elsewhere.calls


def test_a_redirect_on_the_same_origin_is_followed(api: ApiServer) -> None:
    api.call_faults["POST /v1/chat"] = [redirect("/v1/chat/completions"), redirect(f"{api.base_url}/chat/completions")]
    (result,) = translate_requests(backend(api), HELLO)
    assert isinstance(result, Translation)
    assert api.asked == ["hello"]


NO_ANSWERS: dict[str, Any] = {
    "error object": {"error": {"message": "overloaded"}},
    "html": b"<html><h1>Bad gateway</h1></html>",
    "list": [],
    "null": None,
    "no choices": {"choices": []},
    "empty choice": {"choices": [{}]},
    "null message": {"choices": [{"message": None, "finish_reason": "stop"}]},
    "list message": {"choices": [{"message": []}]},
    "number": {"choices": [{"message": {"content": 5}}]},
    "object": {"choices": [{"message": {"content": {"translation": "x"}}}]},
    "parts that are none": {"choices": [{"message": {"content": [5]}}]},
    "cut": b'{"choices": [{"message": {"content": "{\\"trans',
    "nothing": b"",
    "broke off": {"choices": [{"message": {"content": "{"}, "finish_reason": "error"}]},
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_what_is_no_answer_is_asked_again_and_never_kept(api: ApiServer, body: Any) -> None:
    api.faults["hello"] = [(200, body, {})]
    (result,) = translate_requests(backend(api), HELLO)
    assert isinstance(result, Translation)
    assert api.asked == ["hello"] * 2
    api.faults["hello"] = [(200, body, {})] * 2
    (result,) = translate_requests(backend(api), HELLO)
    assert not isinstance(result, Translation)
    assert result.ask_again


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
def test_a_run_ends_where_nothing_else_comes(api: ApiServer, body: Any) -> None:
    api.default_fault = (200, body, {})
    with pytest.raises(EndpointError, match="20 texts in a row"):
        translate_requests(backend(api, max_retries=0), [Request(str(n), EN, DE) for n in range(200)])
    assert len(api.asked) < 60


def test_answers_of_many_asks_come_with_their_numbers(api: ApiServer) -> None:
    asks = [Ask(({"role": "user", "content": f'{{"text": "{n}", "target_language": "(de)"}}'},)) for n in range(50)]
    answers = dict(client(api).ask_all(asks, 8))
    assert [answers[n] for n in range(50)] == [
        Completion(f'{{"translation": "«de» {n}"}}', {"input_tokens": 100.0, "output_tokens": 10.0}) for n in range(50)
    ]


def test_an_answer_that_drips_past_its_time_is_cut_off(api: ApiServer) -> None:
    """Headers too: there is no end of them that a time-out of a socket would see."""
    from tests.endpoints.test_session import listening

    def drip(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            connection.sendall(f"X-{number}: y\r\n".encode())
            time.sleep(0.05)

    with listening(drip) as (url, _):
        asked = Client(Endpoint("m", url, "", timeout_seconds=0.5, max_retries=0))
        started = time.monotonic()
        ((_, result),) = asked.ask_all([Ask(({"role": "user", "content": "x"},))], 1)
        assert in_time(started, 4)
    assert isinstance(result, NoAnswer)
    assert (result.reason, result.may_pass) == ("timeout", True)


def test_only_openai_is_told_of_the_account(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    assert Endpoint("m").headers()["OpenAI-Organization"] == "org-1"
    assert "OpenAI-Organization" not in Endpoint("m", api.base_url).headers()


def test_a_key_that_no_header_can_hold_is_an_error(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted with a line break or a typographic dash in it."""
    from polyrefuse_data.errors import MissingPrerequisite

    for key in ("sk-one\nsk-two", "sk–dash", "sk-\x7fdelete"):
        monkeypatch.setenv("TEST_API_KEY", key)
        with pytest.raises(MissingPrerequisite, match="TEST_API_KEY") as raised:
            translate_requests(backend(api), HELLO)
        assert key not in str(raised.value)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_certificate_that_nobody_vouches_for_is_told_with_its_mend(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", *names, *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    api._http.socket = context.wrap_socket(api._http.socket, server_side=True)
    address = api.base_url.replace("http:", "https:")

    def ask() -> Any:
        options: dict[str, Any] = {"model": "test-model", "api_key_env": "TEST_API_KEY", "max_retries": 0}
        return translate_requests(open_backend(OpenAIBackend(base_url=address, **options)), HELLO)

    with pytest.raises(
        MissingPrerequisite, match=r"CERTIFICATE_VERIFY_FAILED.*authority that signed it in SSL_CERT_FILE"
    ):
        ask()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert isinstance(ask()[0], Translation)
