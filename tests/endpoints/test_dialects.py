"""What servers refuse is learnt once and kept; what every request would meet ends a run; and answers that do not
change, in the words of each server."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from polyrefuse_data.config import OpenAIBackend, parse_config
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.endpoints.presets import PRESETS
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Result, Translation, open_backend, translate_requests
from polyrefuse_data.translation.openai import OpenAITranslator
from tests.endpoints import servers
from tests.endpoints.servers import KEY, Served, completion, openai_error, serving

EN, DE = language("en"), language("de")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)
    for variable in ("SERVER_KEY", *(preset.api_key_env for preset in PRESETS.values() if preset.api_key_env)):
        monkeypatch.setenv(variable, KEY)


def backend(served: Served, **options: Any) -> OpenAITranslator:
    settings = {"model": "m", "api_key_env": "SERVER_KEY", "max_retries": 0, "concurrency": 1, **options}
    opened = open_backend(OpenAIBackend.model_validate({"base_url": served.base_url, **settings}))
    assert isinstance(opened, OpenAITranslator)
    return opened


def requests(count: int) -> list[Request]:
    return [Request(f"text {number}", EN, DE) for number in range(count)]


def told(results: list[Result]) -> list[str]:
    return [result.text if isinstance(result, Translation) else result.reason for result in results]


@pytest.mark.parametrize(
    ("refuses", "needs"),
    [
        (servers.gpt_5, 1),
        (servers.mistral, 1),
        (servers.mistral_behind_a_proxy, 1),
        (servers.old_vllm, 2),
        (servers.vllm_without_grammars, 2),
        (servers.deepseek, 1),
        (servers.deepseek_of_before, 1),
        (servers.gemini, 1),
        (servers.openrouter, 2),
        (servers.openrouter_within, 2),
        (servers.text_only, 2),
        (servers.text_generation_inference, 1),
        (servers.claude, 1),
        (servers.takes_all, 0),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_what_a_server_refuses_by_name_is_learnt_once(
    refuses: Any, needs: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(refuses) as served:
        asked = backend(served, max_output_tokens=500)
        results = translate_requests(asked, requests(10))
        assert told(results) == [f"«text {number}»" for number in range(10)]
        assert len(served.asked) == 10 + needs
        translate_requests(asked.with_candidates(2), requests(2))
        assert len(served.asked) == 10 + needs + 4
    assert len(caplog.records) == needs
    assert all("from now on" in record.getMessage() for record in caplog.records)


def test_many_at_once_learn_it_together() -> None:
    with serving(servers.old_vllm) as served:
        results = translate_requests(backend(served, concurrency=16, max_output_tokens=9), requests(60))
    assert all(isinstance(result, Translation) for result in results)


def test_a_limit_keeps_its_value_whatever_it_is_called() -> None:
    with serving(servers.mistral) as served:
        translate_requests(backend(served, max_output_tokens=500), requests(1))
    assert [body.get("max_completion_tokens") for body in served.asked] == [500, None]
    assert served.asked[-1]["max_tokens"] == 500


@pytest.mark.parametrize(
    ("refuses", "options", "key"),
    [
        (servers.deepseek, {"response_format": "json_schema"}, "response_format"),
        (servers.mistral, {"extra_body": {"reasoning_effort": "low"}}, "extra_body.reasoning_effort"),
        (servers.gpt_5, {"extra_body": {"temperature": 0.5}}, "extra_body.temperature"),
        (
            lambda body: (400, openai_error("max_tokens is too large: 9. This model supports at most 5")),
            {},
            "max_output_tokens to",
        ),
        (lambda body: (418, {"teapot": True}), {}, "one of response_format"),
    ],
)
def test_what_a_config_asks_for_is_not_learnt_away_but_an_error_at_the_second_time(
    refuses: Any, options: dict[str, Any], key: str
) -> None:
    with serving(refuses) as served:
        with pytest.raises(ConfigError, match=rf"rejects every request .*\): set {key}"):
            translate_requests(backend(served, max_output_tokens=9, **options), requests(30))
        assert len(served.asked) <= 4


def test_an_error_of_two_texts_alone_ends_nothing() -> None:
    """In the same words, after others were answered."""

    def refuses(body: dict[str, Any]) -> Any:
        return (400, openai_error("Bad request")) if '"text 1' in body["messages"][-1]["content"] else None

    with serving(refuses) as served:
        results = told(translate_requests(backend(served), requests(12)))
    assert results.count("bad_request") == 3


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_asked_where_and_as_it_is_documented(name: str) -> None:
    preset = PRESETS[name]
    options: dict[str, Any] = {"preset": name, "model": "m"}
    if preset.example:
        with pytest.raises(ConfigError, match=f'preset = "{name}" needs base_url, e.g. https://'):
            parse_config({"translation": {"backends": [{"engine": "openai", **options}]}})
        options["base_url"] = preset.example
    documented = open_backend(OpenAIBackend.model_validate(options)).api.endpoint  # type: ignore[attr-defined]
    assert documented.url == (preset.base_url or preset.example or "https://api.openai.com/v1")
    refuses = {
        "openai": servers.gpt_5,
        "azure": servers.gpt_5,
        "gemini": servers.gemini,
        "mistral": servers.mistral,
        "deepseek": servers.deepseek,
        "openrouter": servers.openrouter,
    }.get(name, servers.takes_all)
    with serving(refuses, servers.as_served_by(name), path="/some/path") as served:
        asked = backend(served, preset=name, api_key_env=None, max_output_tokens=50)
        results = translate_requests(asked, requests(2))
    assert told(results) == ["«text 0»", "«text 1»"]
    assert results[0].usage == {"input_tokens": 100, "output_tokens": 10}
    assert set(served.paths) == {"/some/path/chat/completions"}
    sent = served.headers[0]
    if not preset.api_key_env:
        assert "authorization" not in sent
    elif name == "azure":
        assert (sent["api-key"], "authorization" in sent) == (KEY, False)
    else:
        assert sent["authorization"] == f"Bearer {KEY}"
    assert {"max_tokens", "max_completion_tokens"} & set(served.asked[-1]) == {preset.limit}
    if name in ("mistral", "deepseek", "vllm", "sglang", "llama.cpp", "ollama"):
        assert len(served.asked) == 2  # nothing to learn


def test_a_preset_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match=r"translation.backends.0.preset: 'vlm' is unknown: use one of openai, azure"):
        parse_config({"translation": {"backends": [{"engine": "openai", "model": "m", "preset": "vlm"}]}})


def test_answers_of_before_there_were_these_keys_are_still_known_by_them() -> None:
    plain = open_backend(OpenAIBackend(model="m")).settings
    assert set(plain) == {
        "engine", "model", "address", "temperature", "max_output_tokens", "candidates", "instructions"
    }  # fmt: skip
    for other in ({"response_format": "none"}, {"extra_body": {"a": 1}}, {"preset": "deepseek"}):
        assert open_backend(OpenAIBackend.model_validate({"model": "m", **other})).settings != plain


def test_what_was_learnt_does_not_stop_it_from_being_sent_to_a_worker() -> None:
    with serving(servers.deepseek) as served:
        asked = backend(served)
        translate_requests(asked, requests(1))
        again = pickle.loads(pickle.dumps(asked))
        assert told(translate_requests(again, requests(1))) == ["«text 0»"]


# --- answers that will not change ------------------------------------------------------------------------------------

FILTERED: dict[str, Any] = {
    "openai": completion("", "content_filter"),
    "azure, no message": {"choices": [{"finish_reason": "content_filter", "content_filter_results": {}}]},
    "gemini, null": {"choices": [{"finish_reason": "content_filter", "index": 0, "message": None}]},
    "gemini, no message": {"choices": [{"finish_reason": "content_filter: PROHIBITED_CONTENT", "index": 0}]},
    "gemini, upper case": completion(None, "PROHIBITED_CONTENT"),
    "gemini, enum": completion(None, "FinishReason.SAFETY"),
    "gemini, none": {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 0, "total_tokens": 20}},
    "gemini, none but a reason": {"choices": [], "finish_reason": "content_filter"},
    "gemini, feedback": {"choices": [], "prompt_feedback": {"block_reason": "OTHER"}},
    "gemini, camels": {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}},
    "anthropic": completion("", "refusal"),
    "z.ai": completion("", "sensitive"),
    "bedrock": completion("", "guardrail_intervened"),
}


@pytest.mark.parametrize("body", FILTERED.values(), ids=FILTERED.keys())
def test_an_api_that_filters_a_text_is_not_asked_again_and_ends_nothing(body: Any) -> None:
    with serving(answers=lambda _: body) as served:
        results = translate_requests(backend(served, max_retries=3), requests(25))
        assert len(served.asked) == 25
    assert {(result.reason, result.ask_again) for result in results if isinstance(result, Failure)} == {
        ("content_filter", False)
    }


def test_tokens_of_an_answer_without_the_answer_are_not_paid_for_again() -> None:
    body = {"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}}
    with serving(answers=lambda _: body) as served:
        (result,) = translate_requests(backend(served, max_retries=3), requests(1))
        assert len(served.asked) == 1
    assert isinstance(result, Failure) and (result.reason, result.ask_again) == ("empty", False)
    assert "counts 7 tokens of an answer and gives none" in result.detail


FILTERING_ERRORS: dict[str, tuple[int, Any]] = {
    "azure": (400, openai_error("The response was filtered due to the prompt", code="content_filter")),
    "azure, inner": (400, {"error": {"message": "x", "code": "ResponsibleAIPolicyViolation"}}),
    "moonshot": (400, openai_error("The request was rejected because it was considered high risk", "content_filter")),
    "xai": (403, {"error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}),
    "dashscope": (400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."}),
    "zhipu": (400, {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}}),
    "openrouter": (200, {"error": {"code": 403, "message": "Input was flagged for violence"}}),
    "gemini": (400, [{"error": {"code": 400, "message": "Prompt was blocked: PROHIBITED_CONTENT"}}]),
}
LENGTH_ERRORS: dict[str, tuple[int, Any]] = {
    "openai": (400, openai_error("x", code="context_length_exceeded")),
    "vllm": (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, "
                   "you requested 9000 tokens", "code": 400}),
    "vllm, prompt": (400, openai_error("The prompt (length 9000) is longer than the maximum model length of 4096.")),
    "sglang": (400, {"object": "error", "message": "The input (9000 tokens) is longer than the model's context length "
                     "(4096 tokens).", "code": 400}),
    "llama.cpp": (400, {"error": {"code": 400, "message": "request (4390 tokens) exceeds the available context size "
                        "(4096 tokens), try increasing it", "type": "exceed_context_size_error"}}),
    "llama.cpp, within": (200, {"error": {"code": 400, "message": "the request exceeds the available context size. "
                                "try increasing the context size", "type": "exceed_context_size_error"}}),
    "llama.cpp, amid": (500, {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server"}}),
    "ollama": (400, openai_error("the input length exceeds the context length", "api_error")),
    "gemini": (400, [{"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum number of "
                      "tokens allowed (1048576)."}}]),
    "mistral": (400, {"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large "
                      "for model with 32768 maximum context length", "code": "3051"}),
    "deepseek": (400, openai_error("This model's maximum context length is 65536 tokens. You requested 70000")),
    "openrouter": (400, {"error": {"message": "This endpoint's maximum context length is 8192 tokens.", "code": 400}}),
    "anthropic": (400, openai_error("prompt is too long: 210000 tokens > 200000 maximum")),
    "tgi": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000"}),
}  # fmt: skip


@pytest.mark.parametrize(
    ("error", "reason"),
    [(error, "content_filter") for error in FILTERING_ERRORS.values()]
    + [(error, "too_long") for error in LENGTH_ERRORS.values()],
    ids=[*FILTERING_ERRORS, *(f"length: {name}" for name in LENGTH_ERRORS)],
)
def test_errors_that_will_not_change_are_failures_of_their_text_in_every_servers_words(
    error: tuple[int, Any], reason: str
) -> None:
    with serving(lambda _: error) as served:
        results = translate_requests(backend(served, max_retries=3), requests(25))
        assert len(served.asked) == 25
    assert {(result.reason, result.ask_again) for result in results if isinstance(result, Failure)} == {(reason, False)}


def test_a_limit_that_is_too_large_is_the_configs_fault_and_not_the_texts() -> None:
    said = (
        "'max_tokens' or 'max_completion_tokens' is too large: 5000. This model's maximum context length is 4096 tokens"
    )
    with serving(lambda _: (400, openai_error(said))) as served:
        with pytest.raises(ConfigError, match="max_output_tokens"):
            translate_requests(backend(served, max_output_tokens=5000), requests(30))
        assert len(served.asked) <= 4
