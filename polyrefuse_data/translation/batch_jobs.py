"""The Batch API as a place where lines are handed in and their answers fetched, by us or by a run before us.

The API keeps for us what a killed process forgets: batches carry a tag, their files the ids of the lines. It may lose
any answer of its own to our calls; only the call that costs money must not be made twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from polyrefuse_data.translation.api_errors import ApiError, backoff

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_logger = logging.getLogger(__name__)

_ENDPOINT: Final = "/v1/chat/completions"
_TAG = "polyrefuse_engine"  # metadata key
_UNDER_WAY = {"validating", "in_progress", "finalizing", "cancelling"}
_ENDED = {"completed", "expired", "cancelled"}  # perhaps with answers to some lines only
FAILED = "failed"  # nothing in it was done
_GONE = {404, 410}
_NOT_HANDED_OUT = {400, 403, *_GONE}
_PAGE = 100  # batches; the most the API takes

Line = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A batch as the API describes it."""

    id: str
    status: str
    input_file: str
    answer_files: tuple[str, ...] = ()
    errors: tuple[Any, ...] = ()  # why it failed, as the API told it

    @property
    def is_under_way(self) -> bool:
        return self.status in _UNDER_WAY


class MalformedAnswer(Exception):
    """The API answered with something that is not what the Batch API gives."""


class BatchJobs:
    """The batches of one account that carry `tag`.

    Any method raises ApiError, openai.APIConnectionError or MalformedAnswer.
    """

    def __init__(self, client: AsyncOpenAI, tag: str, poll_seconds: float) -> None:
        self._client = client
        self._tag = tag
        self._poll_seconds = poll_seconds

    async def earlier(self) -> list[Job]:
        """Batches that hold answers, or are about to, the newest first."""
        return [job async for job in self._list() if job.is_under_way or job.status in _ENDED]

    async def submit(self, lines: Mapping[str, Line]) -> Job:
        """Hand in a new batch of request bodies by id."""
        records = (
            {"custom_id": name, "method": "POST", "url": _ENDPOINT, "body": body} for name, body in lines.items()
        )
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
        files = self._client.files.with_raw_response
        uploaded = await _call(files.create(file=("polyrefuse.jsonl", content), purpose="batch"))
        with _documented():
            file = str(uploaded["id"])
        return await self._create(file)

    async def wait(self, job: Job) -> Job:
        """The same batch when it has ended, one way or another."""
        while job.is_under_way:
            await asyncio.sleep(self._poll_seconds)
            job = _job(await _call(self._client.batches.with_raw_response.retrieve(job.id)))
        if job.status not in _ENDED | {FAILED}:
            raise MalformedAnswer(f"batch {job.id} has the status {job.status!r}")
        return job

    async def lines_of(self, job: Job) -> set[str]:
        """The ids of the lines that were handed in with a batch.

        From an API that does not give back what was handed in, they are known when there are answers to them.
        """
        try:
            content = await self._content(job.input_file)
        except ApiError as error:
            if error.status not in _NOT_HANDED_OUT:
                raise
            return {name async for name, _ in self.answers(await self.wait(job))}
        return {name for name, _ in _read_lines(content, job.input_file)}

    async def answers(self, job: Job) -> AsyncIterator[tuple[str, Line]]:
        """The lines of the output and error files by their ids, in no certain order; perhaps not all that were handed
        in: a batch may have expired, a file been deleted, a line be cut."""
        for file in job.answer_files:
            try:
                content = await self._content(file)
            except ApiError as error:
                if error.status not in _GONE:
                    raise
                _logger.warning("file %s of batch %s is gone: what it held is asked again", file, job.id)
                continue
            for name, line in _read_lines(content, file):
                yield name, line

    async def _create(self, file: str) -> Job:
        """Make a batch of an uploaded file. Where the answer is lost, look whether it was made before trying again."""
        import openai

        once = self._client.with_options(max_retries=0).batches.with_raw_response
        tries = 0
        while True:
            wait, last = backoff(tries), tries >= self._client.max_retries
            tries += 1
            try:
                made = once.create(
                    input_file_id=file, endpoint=_ENDPOINT, completion_window="24h", metadata={_TAG: self._tag}
                )
                return _job(await _call(made))
            except ApiError as error:
                if last or not error.is_passing:
                    raise
                wait = error.retry_after or wait
            except (openai.APIConnectionError, MalformedAnswer):
                if last:
                    raise
            await asyncio.sleep(wait)
            async for job in self._list():
                if job.input_file == file:
                    return job

    async def _list(self) -> AsyncIterator[Job]:
        """All batches with the tag, the newest first."""
        page: dict[str, Any] = {}
        while True:
            answer = await _call(self._client.batches.with_raw_response.list(limit=_PAGE, **page))
            with _documented():
                batches = list(answer["data"])
                ours = [_job(batch) for batch in batches if (batch.get("metadata") or {}).get(_TAG) == self._tag]
                page = {"after": str(batches[-1]["id"])} if answer.get("has_more") and batches else {}
            for job in ours:
                yield job
            if not page:
                return

    async def _content(self, file: str) -> bytes:
        import openai

        try:
            return (await self._client.files.content(file)).content
        except openai.APIStatusError as error:
            raise ApiError.of_response(error) from None


async def _call(call: Awaitable[Any]) -> Any:
    """The JSON of a raw answer."""
    import openai

    try:
        answer = await call
    except openai.APIStatusError as error:
        raise ApiError.of_response(error) from None
    with _documented():
        return json.loads(answer.text)


@contextmanager
def _documented() -> Iterator[None]:
    """Within, what is not as the API's documentation has it is a MalformedAnswer."""
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
    """The lines of a JSONL file by their ids; those that are none are left out."""
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
        _logger.warning("%s lines of file %s cannot be read: what they held is asked again", unreadable, file)
