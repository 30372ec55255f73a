"""The Batch API: lines are submitted and their answers fetched, by this run or an earlier one.

The API remembers what a killed process forgets: batches carry a tag, and their files the ids of the lines. Any answer
to our calls may get lost, and only the call that costs money must not be repeated.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import urllib3

from polyrefuse_data.endpoints.api_errors import ApiError, backoff
from polyrefuse_data.endpoints.session import LostConnection, NotReached, Response, Transport
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

_ENDPOINT: Final = "/v1/chat/completions"
_TAG = "polyrefuse_engine"  # metadata key
_UNDER_WAY = {"validating", "in_progress", "finalizing", "cancelling"}
_ENDED = {"completed", "expired", "cancelled"}  # perhaps with answers to some lines only
FAILED = "failed"  # nothing in it was done
_GONE = {404, 410}
_NOT_HANDED_OUT = {400, 403, *_GONE}
_PAGE = 100  # batches; the most the API takes
_MOST_BYTES = 1 << 30  # of a file: what is handed in has 200 MB at most, and answers are about as long

Line = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A batch, as described by the API."""

    id: str
    status: str
    input_file: str
    answer_files: tuple[str, ...] = ()
    errors: tuple[Any, ...] = ()  # why it failed, in the API's words

    @property
    def is_under_way(self) -> bool:
        return self.status in _UNDER_WAY


class MalformedAnswer(Exception):
    """The API's answer is not one of a Batch API."""


class BatchJobs:
    """The batches of one account with `tag`.

    Every method may raise ApiError, LostConnection, RedirectRefused or MalformedAnswer.
    """

    def __init__(self, session: Transport, tag: str, *, poll_seconds: float, call_seconds: float, retries: int) -> None:
        self._session = session
        self._tag = tag
        self._poll_seconds = poll_seconds
        self._call_seconds = call_seconds
        self._retries = retries

    def check(self) -> None:
        """Check that there is a Batch API."""
        self._json("GET", "/batches?limit=1")

    def earlier(self) -> list[Job]:
        """Batches with answers, or answers to come, newest first."""
        return [job for job in self._list() if job.is_under_way or job.status in _ENDED]

    def submit(self, lines: Mapping[str, Line]) -> Job:
        """Submit a new batch of request bodies by id."""
        records = (
            {"custom_id": name, "method": "POST", "url": _ENDPOINT, "body": body} for name, body in lines.items()
        )
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        form, kind = urllib3.encode_multipart_formdata(
            {"purpose": "batch", "file": ("polyrefuse.jsonl", content, "application/jsonl")}
        )
        uploaded = self._json("POST", "/files", form, kind)
        with _documented():
            file = str(uploaded["id"])
        return self._create(file)

    def wait(self, job: Job) -> Job:
        """Wait until the batch has ended, and return it."""
        while job.is_under_way:
            time.sleep(self._poll_seconds)
            job = _job(self._json("GET", f"/batches/{quote(job.id, safe='')}"))
        if job.status not in _ENDED | {FAILED}:
            raise MalformedAnswer(f"batch {job.id} has the status {job.status!r}")
        return job

    def lines_of(self, job: Job) -> set[str]:
        """The ids of the lines submitted with a batch.

        If the API does not return submitted files, they are known only once there are answers.
        """
        try:
            content = self._content(job.input_file)
        except ApiError as error:
            if error.status not in _NOT_HANDED_OUT:
                raise
            return {name for name, _ in self.answers(self.wait(job))}
        return {name for name, _ in _read_lines(content, job.input_file)}

    def answers(self, job: Job) -> Iterator[tuple[str, Line]]:
        """The lines of the output and error files by id, in no particular order. Some may be missing: a batch may have
        expired, a file been deleted, a line been cut."""
        for file in job.answer_files:
            try:
                content = self._content(file)
            except ApiError as error:
                if error.status not in _GONE:
                    raise
                _logger.warning("file %s of batch %s is gone: asking again for its texts", file, job.id)
                continue
            yield from _read_lines(content, file)

    def _create(self, file: str) -> Job:
        """Create a batch from an uploaded file. If the answer is lost, check whether it was created before trying
        again."""
        asked = {
            "input_file_id": file,
            "endpoint": _ENDPOINT,
            "completion_window": "24h",
            "metadata": {_TAG: self._tag},
        }
        tries = 0
        while True:
            wait, last = backoff(tries), tries >= self._retries
            tries += 1
            try:
                return _job(_json_of(self._once("POST", "/batches", json.dumps(asked).encode(), "application/json")))
            except ApiError as error:
                if last or not error.is_passing:
                    raise
                wait = error.retry_after or wait
            except (LostConnection, MalformedAnswer):
                if last:
                    raise
            time.sleep(wait)
            for job in self._list():
                if job.input_file == file:
                    return job

    def _list(self) -> Iterator[Job]:
        """All batches with the tag, newest first."""
        page: dict[str, Any] = {"limit": _PAGE}
        while True:
            answer = self._json("GET", f"/batches?{urlencode(page)}")
            with _documented():
                batches = list(answer["data"])
                ours = [_job(batch) for batch in batches if (batch.get("metadata") or {}).get(_TAG) == self._tag]
                more = answer.get("has_more") and batches
                page["after"] = str(batches[-1]["id"]) if more else None
            yield from ours
            if not more:
                return

    def _content(self, file: str) -> bytes:
        return self._again("GET", f"/files/{quote(file, safe='')}/content").content

    def _json(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
        return _json_of(self._again(method, path, body, kind))

    def _again(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Response:
        """A call that may be repeated: retried while the API is busy or its answer is lost."""
        for attempt in range(self._retries):
            wait = backoff(attempt)
            try:
                return self._once(method, path, body, kind)
            except ApiError as error:
                if not error.is_passing:
                    raise
                wait = error.retry_after or wait
            except NotReached as error:
                _logger.warning("cannot reach the Batch API (%s): trying again in %.0f seconds", error, wait)
            except LostConnection:
                pass
            time.sleep(wait)
        return self._once(method, path, body, kind)

    def _once(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Response:
        response = self._session.request(
            method,
            path,
            body=body,
            headers={"Content-Type": kind} if kind else None,
            seconds=self._call_seconds,
            most_bytes=_MOST_BYTES,
        )
        if not 200 <= response.status < 300:
            raise ApiError.of_response(response)
        return response


def _json_of(response: Response) -> Any:
    with _documented():
        return json.loads(response.content)


@contextmanager
def _documented() -> Iterator[None]:
    """Turn deviations from the API's documentation into MalformedAnswer."""
    try:
        yield
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise MalformedAnswer(f"{type(error).__name__}: {error}") from None


def _job(batch: Any) -> Job:
    with _documented():
        files = tuple(filter(None, (batch.get("output_file_id"), batch.get("error_file_id"))))
        errors = tuple((batch.get("errors") or {}).get("data") or ())
        return Job(str(batch["id"]), str(batch["status"]), str(batch["input_file_id"]), files, errors)


def _read_lines(content: bytes, file: str) -> Iterator[tuple[str, Line]]:
    """The lines of a JSONL file by id; malformed lines are skipped."""
    unreadable = 0
    for text in content.split(b"\n"):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            name = line["custom_id"]
        except (ValueError, RecursionError, LookupError, TypeError):
            unreadable += 1
        else:
            yield str(name), line
    if unreadable:
        _logger.warning("%s of file %s cannot be read: asking again for those texts", counted(unreadable, "line"), file)
