"""The Batch API against the loopback server: order, failures, partial results, and coming back without paying twice."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints import api_errors
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite, PolyrefuseError
from polyrefuse_data.languages import language
from polyrefuse_data.pipeline.summary import BuildEstimate
from polyrefuse_data.translation import (
    Failure,
    Request,
    Result,
    Translation,
    open_backend,
    openai_batch,
    translate_requests,
)
from polyrefuse_data.translation.estimate import Estimate
from polyrefuse_data.translation.openai_batch import OpenAIBatchTranslator
from tests.endpoints.api_server import CUT, HANG, NOT_JSON, ApiServer, answer, error

EN, DE = language("en"), language("de")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_errors, "_FIRST_BACKOFF", 0.01)


def translator(api: ApiServer, **options: Any) -> OpenAIBatchTranslator:
    settings = {"model": "test-model", "api_key_env": "TEST_API_KEY", "poll_seconds": 0.02, **options}
    opened = open_backend(OpenAIBackend(base_url=api.base_url, mode="batch", **settings))
    assert isinstance(opened, OpenAIBatchTranslator)
    return opened


def requests(*texts: str) -> list[Request]:
    return [Request(text, EN, DE) for text in texts]


def translate(api: ApiServer, *texts: str, **options: Any) -> list[Result]:
    """Results from a translator of a run of its own."""
    return translate_requests(translator(api, **options), requests(*texts))


def told(results: list[Result]) -> list[str]:
    """The text, or the reason why there is none."""
    return [result.text if isinstance(result, Translation) else result.reason for result in results]


def stop_under_way(api: ApiServer, *texts: str) -> None:
    """A run that submits these texts and stops before their batch has ended."""
    api.batch_status = "in_progress"
    stopped = translator(api, poll_seconds=600).translate([requests(*texts)])
    submitted = len(api.batches) + 1

    def wait_in_vain() -> None:
        with contextlib.suppress(PolyrefuseError):  # the server goes away at the end of the test
            list(stopped)

    threading.Thread(target=wait_in_vain, daemon=True).start()
    wait_until(lambda: len(api.batches) == submitted)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_results_are_matched_by_id_and_each_failure_keeps_its_reason(api: ApiServer) -> None:
    api.faults["b"] = [answer(None, refusal="no")]
    api.faults["c"] = [error(400, "filtered", "content_filter")]
    api.faults["d"] = [error(400, "unknown field")]
    results = translate(api, "a", "b", "c", "d", "e")
    assert told(results) == ["«de» a", "refused", "content_filter", "bad_request", "«de» e"]
    uploaded = [json.loads(line) for line in api.files["file-0"].decode().splitlines()]
    assert {line["url"] for line in uploaded} == {"/v1/chat/completions"}


def test_batch_under_way_is_found_again_after_a_restart(api: ApiServer) -> None:
    stop_under_way(api, "a", "b")
    api.batch_status = "completed"
    assert told(translate(api, "a", "b")) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b"]


KILLED = """
import sys
from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Request, open_backend, translate_requests
config = OpenAIBackend(base_url=sys.argv[1], model="test-model", api_key_env="TEST_API_KEY", mode="batch")
translate_requests(open_backend(config), [Request(text, language("en"), language("de")) for text in "ab"])
"""


def test_what_a_killed_process_submitted_is_fetched_by_the_next(api: ApiServer) -> None:
    api.batch_status = "in_progress"
    with subprocess.Popen([sys.executable, "-c", KILLED, api.base_url]) as process:
        wait_until(lambda: len(api.batches) == 1)
        os.kill(process.pid, signal.SIGKILL)
    api.batch_status = "completed"
    assert told(translate(api, "a", "b")) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b"]


def test_a_prompt_that_is_added_while_a_batch_is_under_way_is_the_only_one_submitted(api: ApiServer) -> None:
    stop_under_way(api, "a", "b")
    stop_under_way(api, "0", "a", "b")
    assert api.paid == ["a", "b", "0"]
    api.batch_status = "completed"
    assert told(translate(api, "b", "c", "0", "a")) == ["«de» b", "«de» c", "«de» 0", "«de» a"]
    assert api.paid == ["a", "b", "0", "c"]


def test_an_api_that_keeps_what_was_handed_in_to_itself_is_waited_for(api: ApiServer) -> None:
    api.gives_back_inputs = False
    stop_under_way(api, "a", "b")
    api.batch_status = "completed"
    assert told(translate(api, "a", "b", "c")) == ["«de» a", "«de» b", "«de» c"]
    assert api.paid == ["a", "b", "c"]


def test_batches_of_other_settings_are_not_read_and_older_pages_are(api: ApiServer) -> None:
    translate(api, "a")
    translate(api, "b")
    translate(api, "a", temperature=1.0)
    api.largest_page = 1
    api.calls.clear()
    assert told(translate(api, "a", "b")) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b", "a"]
    read = {call for call, _ in api.calls if "/content" in call}
    assert read == {f"GET /v1/files/output_file_id-batch-{number}/content" for number in (0, 1)}


@pytest.mark.parametrize("status", ["expired", "cancelled"])
def test_batch_that_ended_early_gives_what_is_done_and_the_next_run_asks_for_the_rest(
    api: ApiServer, status: str
) -> None:
    api.batch_status, api.batch_done = status, 2
    results = translate(api, "a", "b", "c")
    assert told(results) == ["«de» a", "«de» b", "no_answer"]
    assert isinstance(results[2], Failure)
    assert results[2].ask_again
    api.batch_status, api.batch_done = "completed", None
    assert told(translate(api, "a", "b", "c")) == ["«de» a", "«de» b", "«de» c"]
    assert api.paid == ["a", "b", "c", "c"]


def test_batch_that_is_being_cancelled_is_waited_for(api: ApiServer) -> None:
    stop_under_way(api, "a", "b")
    api.batches["batch-0"]["status"] = "cancelling"

    def cancel() -> None:
        time.sleep(0.2)
        api.batches["batch-0"]["status"] = "in_progress"
        api.batch_status, api.batch_done = "cancelled", 1

    threading.Thread(target=cancel).start()
    assert told(translate(api, "a", "b")) == ["«de» a", "no_answer"]
    assert api.paid == ["a", "b"]


def test_batch_that_expired_untouched_is_submitted_again(api: ApiServer) -> None:
    api.batch_status, api.batch_done = "expired", 0
    assert told(translate(api, "a")) == ["no_answer"]
    api.batch_status, api.batch_done = "completed", None
    assert told(translate(api, "a")) == ["«de» a"]


@pytest.mark.parametrize("fault", [error(500, "boom"), error(429, "slow down")], ids=str)
def test_a_line_that_failed_for_now_is_submitted_anew_as_often_as_it_takes(api: ApiServer, fault: Any) -> None:
    """Each run finds the completed batches of those before it, and must not take their errors for answers."""
    api.faults["c"] = [fault, fault]
    for expected in (f"http_{fault[0]}", f"http_{fault[0]}", "«de» c"):
        assert told(translate(api, "a", "c")) == ["«de» a", expected]
    assert api.paid == ["a", "c", "c", "c"]


@pytest.mark.parametrize(
    "line",
    [b'{"custom_id": "', b"[]", b"null", b'{"id": "x"}', b"\xff", b"[" * 100_000, b'{"custom_id": {}}'],
    ids=lambda line: ascii(line[:20]),
)
def test_a_line_that_cannot_be_read_costs_its_own_text_for_one_run(api: ApiServer, line: bytes) -> None:
    api.garble = lambda lines: b"\n".join([line, *lines.split(b"\n")[1:]])  # the last text's is the first
    assert told(translate(api, "a", "b", "c")) == ["«de» a", "«de» b", "no_answer"]
    api.garble = lambda lines: lines
    assert told(translate(api, "a", "b", "c")) == ["«de» a", "«de» b", "«de» c"]
    assert api.paid == ["a", "b", "c", "c"]


@pytest.mark.parametrize(
    "response",
    [None, [], {}, {"status_code": 200}, {"status_code": "x", "body": 1}, {"status_code": 200, "body": {"choices": 0}}],
    ids=str,
)
def test_a_line_without_a_completion_is_no_answer(api: ApiServer, response: Any) -> None:
    def garble(lines: bytes) -> bytes:
        records = [json.loads(line) for line in lines.splitlines()]
        return json.dumps({**records[0], "response": response, "error": {"code": "batch_expired"}}).encode()

    api.garble = garble
    result = translate(api, "a")[0]
    assert isinstance(result, Failure)
    assert result.ask_again


def test_what_a_deleted_output_held_is_asked_again(api: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    stop_under_way(api, "a", "b")
    api.call_faults["GET /v1/files/output"] = [error(404, "No such File object")]
    api.batch_status = "completed"
    assert told(translate(api, "a", "b")) == ["no_answer", "no_answer"]
    assert "output_file_id-batch-0 of batch batch-0 is gone" in caplog.text
    api.files.pop("output_file_id-batch-0")
    assert told(translate(api, "a", "b")) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b", "a", "b"]


CALLS = ["POST /v1/files", "POST /v1/batches", "GET /v1/batches?", "GET /v1/batches/", "GET /v1/files/"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", [HANG, CUT, error(500, "boom"), error(429, "slow down")], ids=str)
def test_passing_trouble_at_any_call_costs_nothing(api: ApiServer, call: str, fault: Any) -> None:
    """HANG and CUT lose the answer to what was done: the batch is there, and is not made again."""
    api.call_faults[call] = [fault, fault]
    assert told(translate(api, "a", "b", timeout_seconds=0.5)) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b"]
    assert len(api.call_faults[call]) < 2


@pytest.mark.parametrize("call", CALLS)
def test_retry_after_is_honoured(api: ApiServer, call: str) -> None:
    api.call_faults[call] = [error(429, "slow down", retry_after="0.3")]
    assert told(translate(api, "a")) == ["«de» a"]
    first, second = [when for seen, when in api.calls if seen.startswith(call)][:2]
    assert second - first >= 0.28


BROKEN = [error(500, "boom"), (200, [], {}), (200, {"data": 1}, {})]
LASTING = [(call, fault) for call in (CALLS[0], *CALLS[2:4]) for fault in (CUT, NOT_JSON, *BROKEN)]
LASTING += [(CALLS[1], fault) for fault in BROKEN]  # one whose answer is lost was made, and is found
LASTING += [(CALLS[4], CUT), (CALLS[4], BROKEN[0])]  # anything may be in a file


@pytest.mark.parametrize(("call", "fault"), LASTING, ids=str)
def test_lasting_trouble_ends_the_run_and_the_next_one_goes_on(
    api: ApiServer, call: str, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_batch, "_NETWORK_RETRIES", 1)
    api.call_faults[call] = [fault] * 10
    with pytest.raises(EndpointError, match="run again to fetch their answers"):
        translate(api, "a", "b")
    api.call_faults.clear()
    assert told(translate(api, "a", "b")) == ["«de» a", "«de» b"]
    assert api.paid == ["a", "b"]


@pytest.mark.parametrize("call", CALLS[:2])
def test_a_wait_until_tomorrow_is_left_to_the_next_run(
    api: ApiServer, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_batch, "_NETWORK_RETRIES", 1)
    api.call_faults[call] = [error(429, "daily limit", retry_after="86400")] * 2
    with pytest.raises(EndpointError, match="asks to wait 86400 seconds"):
        translate(api, "a")


def test_failed_batch_ends_the_run_with_the_reason(api: ApiServer) -> None:
    api.batch_status, api.batch_errors = "failed", [{"code": "token_limit_exceeded", "message": "Enqueued too much"}]
    with pytest.raises(EndpointError, match=r"batch batch-0 failed \(Enqueued too much\)"):
        translate(api, "a")
    api.batch_errors = [{"code": "model_not_found", "message": "no such model"}]
    with pytest.raises(ConfigError, match="no such model"):
        translate(api, "a")


def test_an_error_of_a_line_that_means_all_ends_the_run_after_what_was_answered(api: ApiServer) -> None:
    api.faults["b"] = [error(404, "The model is gone", "model_not_found")]
    results = translator(api).translate([requests("a", "b")])
    assert told(next(results)[1]) == ["«de» a", "bad_request"]
    with pytest.raises(ConfigError, match=r"The model is gone.*check the model and the address"):
        next(results)


def test_server_without_a_batch_api_is_told_so(api: ApiServer) -> None:
    api.call_faults["GET /v1/batches"] = [error(404, "Not Found")]
    with pytest.raises(ConfigError, match="and that there is a Batch API"):
        translate(api, "a")


def test_wrong_key_is_one_error_without_it(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_API_KEY", "sk-wrong-key")
    with pytest.raises(MissingPrerequisite) as raised:
        translate(api, "a")
    assert "sk-wrong-key" not in "".join(traceback.format_exception(raised.value))


def test_candidates_are_lines_of_the_same_batch(api: ApiServer) -> None:
    api.faults["a"] = [answer('{"translation": "eins"}'), answer('{"translation": "zwei"}')]
    result = translate_requests(translator(api).with_candidates(2), requests("a"))[0]
    assert isinstance(result, Translation)
    assert {result.text, *result.alternatives} == {"eins", "zwei"}
    assert len(api.batches) == 1


def test_half_the_price_is_estimated_and_counted_within_a_day(api: ApiServer) -> None:
    prices = {"input_price": 1.0, "output_price": 2.0}
    asked = requests(*map(str, range(1000)))
    batch = translator(api, **prices).price(asked)
    live = open_backend(OpenAIBackend(model="test-model", **prices)).price(asked)  # type: ignore[attr-defined]
    assert batch.usd == pytest.approx(live.usd / 2)
    assert (batch.seconds, batch.at_most) == (24 * 3600, True)
    assert "within 24 hours" in BuildEstimate(1000, 2000, [Estimate("m", "translation", 1000, 0, batch)]).to_text()
    result = translate(api, "a", **prices)[0]
    assert result.usage == {"input_tokens": 100, "output_tokens": 10, "cost_usd": pytest.approx(60e-6)}


def test_it_can_be_sent_to_a_worker_before_and_after_it_worked(api: ApiServer) -> None:
    first = pickle.loads(pickle.dumps(translator(api)))
    assert told(translate_requests(first, requests("a"))) == ["«de» a"]
    assert told(translate_requests(pickle.loads(pickle.dumps(first)), requests("a"))) == ["«de» a"]
