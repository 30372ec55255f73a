"""What errors of APIs are taken for: of one text, of the moment, or of all there is; worded as real APIs do."""

from __future__ import annotations

from typing import Any

import pytest

from polyrefuse_data.endpoints import Endpoint
from polyrefuse_data.endpoints.api_errors import ApiError
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite

ENDPOINT = Endpoint("m")


def api_error(status: int, message: str, code: Any = None, **headers: str) -> ApiError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiError.of(status, {"message": message, "code": code}, named)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "The response was filtered", "content_filter"),
        (400, "filtered due to the prompt triggering Azure OpenAI's content management policy", None),
        (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy", "invalid_prompt"),
        (400, "This request has been flagged for potentially high-risk activity", None),
        (400, "Output blocked by content filtering policy", None),
        (400, "Your request was rejected as a result of our safety system", None),
        (400, "Input data may contain inappropriate content.", "data_inspection_failed"),
        (400, "Content Exists Risk", "invalid_request_error"),
        (403, 'Your chosen model requires moderation and your input was flagged for "violence"', 403),
        (422, "The input was blocked", None),
        (429, "blocked", "content_filter"),
    ],
)
def test_a_text_that_the_api_refused_is_an_answer(status: int, message: str, code: Any) -> None:
    error = api_error(status, message, code)
    assert error.stops(ENDPOINT) is None
    assert not error.is_passing
    assert (error.no_answer().reason, error.no_answer().may_pass) == ("content_filter", False)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (403, "Your organization has been flagged", None),
        (403, "Your request was denied: your account has been flagged for violating our usage policies", None),
        (403, "Your access was terminated due to a violation of our policies", None),
        (403, "Your request was blocked.", None),  # by a firewall
        (403, "Country, region, or territory not supported", "unsupported_country_region_territory"),
        (401, "Incorrect API key provided", "invalid_api_key"),
        (400, "API key not valid. Please pass a valid API key.", 400),
        (400, "Invalid API Key", "invalid_api_key"),
    ],
)
def test_what_is_said_of_the_account_or_its_key_is_no_refusal_of_a_text(status: int, message: str, code: Any) -> None:
    stop = api_error(status, message, code).stops(ENDPOINT)
    assert isinstance(stop, MissingPrerequisite)
    assert message[:30] in str(stop)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, None, ConfigError),
        (400, "model_not_found", ConfigError),
        (402, None, EndpointError),
        (429, "insufficient_quota", EndpointError),
        (403, "insufficient_quota", EndpointError),
    ],
)
def test_what_holds_for_every_text_stops_the_run(status: int, code: str | None, expected: type[Exception]) -> None:
    error = api_error(status, "no", code)
    assert type(error.stops(ENDPOINT)) is expected
    assert not error.is_passing


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 529])
def test_what_may_pass_is_asked_again_unless_it_takes_too_long(status: int) -> None:
    error = api_error(status, "busy", retry_after="600")
    assert error.is_passing
    assert error.stops(ENDPOINT) is None
    assert (error.no_answer().reason, error.no_answer().may_pass) == (f"http_{status}", True)
    assert error.retry_after == 600
    stop = api_error(status, "tomorrow", retry_after="86400").stops(ENDPOINT)
    assert isinstance(stop, EndpointError)
    assert "asks to wait 86400 seconds" in str(stop)


@pytest.mark.parametrize("header", ["nan", "inf", "soon", "", "-5"])
def test_a_wait_that_is_none_is_not_taken_for_one(header: str) -> None:
    assert not api_error(429, "busy", retry_after=header).retry_after


def test_a_message_without_end_costs_little_and_shows_no_half_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "a-key-of-thirty-two-characters.."
    monkeypatch.setenv("SOME_API_KEY", key)
    error = api_error(400, "model's maximum context length " + key * 100_000)
    assert error.no_answer().reason == "too_long" and len(error.message) < 100_000
    error = api_error(400, "x" * 19_990 + key + "y" * 100_000)
    assert key[:8] not in error.message and error.message.endswith("***" + "y" * 7)


@pytest.mark.parametrize(
    ("status", "message", "code", "expected"),
    [
        (400, "This model's maximum context length is 8192 tokens", "context_length_exceeded", ("too_long", False)),
        (400, "Input is longer than the context window: 9000 tokens exceed 8192", None, ("too_long", False)),
        (400, "Unsupported parameter: 'temperature'", None, ("bad_request", True)),
    ],
)
def test_other_errors_are_of_their_text(status: int, message: str, code: Any, expected: tuple[str, bool]) -> None:
    error = api_error(status, message, code)
    assert error.stops(ENDPOINT) is None
    assert (error.no_answer().reason, error.no_answer().may_pass) == expected


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 429, "message": "busy"}}, 429),
        ({"error": {"code": "overloaded", "message": "busy"}}, 500),
        ({"error": {"code": True}}, 500),
        ({"error": "busy"}, 500),
        ({"error": ["busy"]}, 500),
        ({"choices": [{"error": {"code": 502}}]}, 502),
        ({"choices": [{"message": {}}], "error": None}, None),
        ({"choices": []}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
    ids=str,
)
def test_an_error_within_a_200_is_found(body: Any, status: int | None) -> None:
    found = ApiError.of_body(200, body)
    assert (found and found.status) == status


@pytest.mark.parametrize("told", [None, [], "x", {"message": None}, {"message": {"a": 1}}, {"code": {}}], ids=str)
def test_an_error_of_any_form_can_be_told(told: Any) -> None:
    error = ApiError.of(400, told)
    assert error.no_answer().reason == "bad_request"
    assert str(error).startswith("status 400: ")


def test_a_key_that_nobody_named_is_asked_for_where_it_is_named() -> None:
    keyless = Endpoint("m", "http://localhost/v1", "", how_to_name_a_key="name its variable with --key")
    assert str(api_error(401, "No key").stops(keyless)).endswith(": it requires a key: name its variable with --key")
