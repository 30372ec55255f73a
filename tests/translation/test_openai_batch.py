"""The Batch API against the loopback server: order, failures, partial results, and coming back after a restart."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import MissingPrerequisite, TranslationError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Translation, Translator, open_backend, translate_requests
from tests.translation.api_server import ApiServer, answer, error

EN, DE = language("en"), language("de")


def translator(api: ApiServer, **options: Any) -> Translator:
    settings = {"model": "test-model", "api_key_env": "TEST_API_KEY", "poll_seconds": 0.02, **options}
    return open_backend(OpenAIBackend(base_url=api.base_url, mode="batch", **settings))


def requests(*texts: str) -> list[Request]:
    return [Request(text, EN, DE) for text in texts]


def test_results_are_matched_by_id_and_each_failure_keeps_its_reason(api: ApiServer) -> None:
    api.faults["b"] = [answer(None, refusal="no")]
    api.faults["c"] = [error(400, "filtered", "content_filter")]
    api.faults["d"] = [error(400, "too long")]
    results = translate_requests(translator(api), requests("a", "b", "c", "d", "e"))
    assert [result.text if isinstance(result, Translation) else result.reason for result in results] == [
        "«de» a",
        "refused",
        "content_filter",
        "bad_request",
        "«de» e",
    ]
    uploaded = [json.loads(line) for line in api.files["file-0"].decode().splitlines()]
    assert {line["url"] for line in uploaded} == {"/v1/chat/completions"}


def test_batch_under_way_is_found_again_after_a_restart(api: ApiServer) -> None:
    api.batch_status = "in_progress"
    stopped = translator(api, poll_seconds=60).translate([requests("a", "b")])
    import threading

    waiting = threading.Thread(target=lambda: list(stopped), daemon=True)
    waiting.start()
    while not api.batches:
        pass
    api.batch_status = "completed"
    results = translate_requests(translator(api), requests("a", "b"))
    assert [result.text for result in results if isinstance(result, Translation)] == ["«de» a", "«de» b"]
    assert len(api.batches) == 1


def test_expired_batch_gives_what_is_done_and_the_rest_is_asked_anew(api: ApiServer) -> None:
    api.batch_status, api.batch_done = "expired", 2
    results = translate_requests(translator(api), requests("a", "b", "c"))
    assert [isinstance(result, Translation) for result in results] == [True, True, False]
    assert results[2] == Failure("no_answer", "batch batch-0 ended without this text", ask_again=True)
    api.batch_status, api.batch_done = "completed", None
    assert isinstance(translate_requests(translator(api), requests("c"))[0], Translation)
    assert len(api.batches) == 2


def test_batch_that_expired_untouched_is_submitted_again(api: ApiServer) -> None:
    api.batch_status, api.batch_done = "expired", 0
    assert isinstance(translate_requests(translator(api), requests("a"))[0], Failure)
    api.batch_status, api.batch_done = "completed", None
    assert isinstance(translate_requests(translator(api), requests("a"))[0], Translation)


def test_failed_batch_ends_the_run(api: ApiServer) -> None:
    api.batch_status = "failed"
    with pytest.raises(TranslationError, match="batch batch-0 failed"):
        translate_requests(translator(api), requests("a"))


def test_wrong_key_is_one_error_without_it(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", "sk-wrong-key")
    with pytest.raises(MissingPrerequisite) as raised:
        translate_requests(translator(api), requests("a"))
    assert "sk-wrong-key" not in "".join(traceback.format_exception(raised.value))


def test_candidates_are_lines_of_the_same_batch(api: ApiServer) -> None:
    api.faults["a"] = [answer('{"translation": "eins"}'), answer('{"translation": "zwei"}')]
    several = translator(api).with_candidates(2)  # type: ignore[attr-defined]
    result = translate_requests(several, requests("a"))[0]
    assert isinstance(result, Translation)
    assert {result.text, *result.alternatives} == {"eins", "zwei"}
