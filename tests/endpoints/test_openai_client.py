"""A configured client of the real openai package in place of our own connections: the same promises."""

from __future__ import annotations

import logging
import pickle
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from polyrefuse_data.config import OpenAIBackend, parse_config
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite, PluginError
from polyrefuse_data.languages import language
from polyrefuse_data.system import extras
from polyrefuse_data.translation import (
    Failure,
    Pair,
    Request,
    Translation,
    fingerprint,
    open_backend,
    translate_requests,
)
from polyrefuse_data.translation.openai import OpenAITranslator
from tests.endpoints import servers
from tests.endpoints.api_server import API_KEY, CUT, HANG, NOT_JSON, ApiServer, error
from tests.endpoints.servers import serving

EN, DE = language("en"), language("de")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


def given(url: str, key: str = API_KEY, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, **options)


def translator(api: ApiServer, client: openai.OpenAI | None = None, **options: Any) -> OpenAITranslator:
    config = OpenAIBackend(**{"model": "test-model", "timeout_seconds": 30, **options})
    return OpenAITranslator(config, client=client or given(api.base_url))


def requests(*texts: str) -> list[Request]:
    return [Request(text, EN, DE) for text in texts]


def told(results: list[Any]) -> list[str]:
    return [result.text if isinstance(result, Translation) else result.reason for result in results]


def test_rows_are_asked_through_the_client_and_no_key_is_looked_for(
    api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    asked = translator(api, input_price=1.0, output_price=2.0)
    asked.prepare([Pair(EN, DE)])
    results = translate_requests(asked, requests(*(f"Text {n}" for n in range(40))))
    assert told(results) == [f"«de» Text {n}" for n in range(40)]
    assert results[0].usage == {"input_tokens": 100, "output_tokens": 10, "cost_usd": pytest.approx(120e-6)}
    assert api.bodies[0]["response_format"]["type"] == "json_schema"


def test_what_the_client_was_configured_with_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as served:
        client = given(served.base_url, default_headers={"x-team": "safety"}, organization="org-1")
        assert told(translate_requests(OpenAITranslator(OpenAIBackend(model="m"), client=client), requests("a"))) == [
            "«a»"
        ]
        assert (served.headers[0]["x-team"], served.headers[0]["openai-organization"]) == ("safety", "org-1")
    with serving(path="/openai") as served:
        azure = openai.AzureOpenAI(
            base_url=f"{served.base_url}", api_version="2026-01-01", azure_ad_token_provider=lambda: "of-the-day"
        )
        assert told(translate_requests(OpenAITranslator(OpenAIBackend(model="m"), client=azure), requests("a"))) == [
            "«a»"
        ]
        assert served.headers[0]["authorization"] == "Bearer of-the-day"
        assert served.paths[0].endswith("api-version=2026-01-01")


@pytest.mark.parametrize("fault", [error(500, "boom"), error(503, "busy"), CUT, NOT_JSON, error(429, "slow")], ids=str)
def test_passing_trouble_is_retried_by_us_and_not_by_the_client(api: ApiServer, fault: Any) -> None:
    api.faults["b"] = [fault, fault]
    assert told(translate_requests(translator(api), requests("a", "b", "c"))) == ["«de» a", "«de» b", "«de» c"]
    assert api.asked.count("b") == 3


def test_lasting_trouble_fails_its_row_alone_and_for_now(api: ApiServer) -> None:
    for fault, reason in ((error(500, "boom"), "http_500"), (CUT, "connection"), (HANG, "timeout")):
        api.faults["b"] = [fault]
        results = translate_requests(translator(api, max_retries=0, timeout_seconds=2), requests("a", "b", "c"))
        assert told(results) == ["«de» a", reason, "«de» c"]
        assert isinstance(results[1], Failure)
        assert results[1].ask_again


def test_retry_after_holds_back_every_request(api: ApiServer) -> None:
    api.faults["a"] = [error(429, "slow down", retry_after="1")]
    translate_requests(translator(api, concurrency=1), requests("a", "b", "c"))
    assert api.asked == ["a", "a", "b", "c"]
    assert api.times[1] - api.times[0] >= 0.95


@pytest.mark.parametrize("refuses", [servers.gpt_5, servers.deepseek, servers.old_vllm], ids=lambda f: f.__name__)
def test_dialects_are_learnt(refuses: Any) -> None:
    with serving(refuses) as served:
        config = OpenAIBackend(model="m", max_output_tokens=50, concurrency=1)
        asked = OpenAITranslator(config, client=given(served.base_url))
        assert told(translate_requests(asked, requests(*"abcdef"))) == [f"«{text}»" for text in "abcdef"]
        assert len(served.asked) <= 6 + 2


def test_what_concerns_every_text_ends_the_run_with_the_key_nowhere(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "wrong-and-like-no-key-that-is-known"  # in no variable, and without the shape of one
    caplog.set_level(logging.DEBUG)
    with serving(lambda body: (401, servers.openai_error(f"no such key: {wrong}"))) as served:
        asked = OpenAITranslator(OpenAIBackend(model="m"), client=given(served.base_url, wrong))
        with pytest.raises(MissingPrerequisite, match=r"does not accept the API key .*no such key: \*\*\*") as raised:
            translate_requests(asked, requests("a", "b"))
    assert wrong not in "".join(traceback.format_exception(raised.value))
    assert wrong not in caplog.text
    assert "give the client one that is accepted" in str(raised.value)
    api.default_fault = error(429, "no credit", "insufficient_quota")
    with pytest.raises(EndpointError, match="out of credit"):
        translate_requests(translator(api), requests("a", "b"))


def test_a_redirect_is_not_followed(api: ApiServer) -> None:
    with serving(lambda body: None) as elsewhere:
        moved = (307, b"", {"Location": f"{elsewhere.base_url}/chat/completions"})
        api.default_fault = moved
        with pytest.raises(ConfigError, match="redirects requests away"):
            translate_requests(translator(api), requests("a"))
        assert not elsewhere.asked


def test_a_server_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = given("http://127.0.0.1:9/v1")
    with pytest.raises(MissingPrerequisite, match="cannot be reached"):
        OpenAITranslator(OpenAIBackend(model="m", max_retries=0), client=client).prepare([Pair(EN, DE)])


def test_answers_are_those_of_the_same_address_without_a_client(api: ApiServer) -> None:
    own = OpenAITranslator(OpenAIBackend(model="test-model", base_url=api.base_url))
    assert translator(api).name == own.name
    assert fingerprint(translator(api).settings) == fingerprint(own.settings)
    of_openai = OpenAITranslator(OpenAIBackend(model="m"), client=openai.OpenAI(api_key="x"))
    assert of_openai.name == "openai:m"


@pytest.fixture
def my_clients(api: ApiServer, tmp_path: Path) -> Iterator[Path]:
    code = f"import openai\nCLIENT = openai.OpenAI(base_url={api.base_url!r}, api_key={API_KEY!r})\nOTHER = object()\n"
    (tmp_path / "my_clients.py").write_text(f"{code}WAITING = openai.AsyncOpenAI(api_key='x')\n", encoding="utf-8")
    yield tmp_path / "polyrefuse.toml"
    sys.modules.pop("my_clients", None)


def test_a_config_names_a_client_and_a_worker_opens_it_anew(api: ApiServer, my_clients: Path) -> None:
    my_clients.write_text(
        '[[translation.backends]]\nengine = "openai"\nmodel = "test-model"\nclient = "my_clients:CLIENT"\n'
        "prompts_per_request = 2\n"
    )
    from polyrefuse_data.config import load_config

    asked = open_backend(load_config(my_clients).translation.backends[0])
    again = pickle.loads(pickle.dumps(asked))
    for one in (asked, again):
        assert told(translate_requests(one, requests("a"))) == ["«de» a"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"client": "my_clients:OTHER"}, "object is not openai.OpenAI"),
        ({"client": "my_clients:WAITING"}, "AsyncOpenAI is not openai.OpenAI"),
        ({"client": "my_clients:NONE"}, "NONE"),
        ({"client": "CLIENT"}, "'CLIENT' is not an object: write module:NAME"),
        ({"client": "my_clients:CLIENT", "base_url": "http://x/v1"}, "leave out base_url and api_key_env"),
        ({"client": "my_clients:CLIENT", "mode": "batch"}, 'mode = "live"'),
    ],
)
def test_what_is_no_client_is_named(my_clients: Path, options: dict[str, Any], says: str) -> None:
    from polyrefuse_data import plugins

    plugins.look_in(my_clients.parent)
    with pytest.raises((ConfigError, PluginError), match=says):
        backends = [{"engine": "openai", "model": "m", **options}]
        open_backend(parse_config({"translation": {"backends": backends}}).translation.backends[0])


def test_without_the_extra_the_command_is_told(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.EXTRAS, "openai", ("no_such_module",))
    with pytest.raises(MissingPrerequisite, match=r'pip install "polyrefuse-data\[openai\]"'):
        translator(api)
