"""The Batch API of OpenAI and its like: submit, wait, come back after a restart, take what is there."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from polyrefuse_data.errors import TranslationError
from polyrefuse_data.translation import chat
from polyrefuse_data.translation.base import Failure, Request, Result
from polyrefuse_data.translation.openai import OpenAITranslator

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

# Requests of one batch; the API takes 50,000 and 200 MB.
_LARGEST_BATCH = 20_000

_ENDPOINT: Final = "/v1/chat/completions"
_DIGEST = "polyrefuse_digest"  # metadata key that says which requests a batch holds
_UNDER_WAY = {"validating", "in_progress", "finalizing"}
_ENDED_WITH_RESULTS = {"completed", "expired", "cancelled"}
_NETWORK_RETRIES = 8


class OpenAIBatchTranslator(OpenAITranslator):
    """The same model through the Batch API. A batch is found again by the digest of its requests, which the API keeps
    for us, so a run that was stopped, on whichever machine, does not submit and pay twice."""

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        size = max(_LARGEST_BATCH // self.candidates, 1)
        return [list(range(start, min(start + size, len(requests)))) for start in range(0, len(requests), size)]

    def with_candidates(self, candidates: int) -> OpenAIBatchTranslator:
        return OpenAIBatchTranslator(self.config, candidates, self.limits)

    async def _translate(self, batches: Sequence[Sequence[Request]]) -> AsyncIterator[tuple[int, list[Result]]]:
        import openai

        async with self.client().with_options(max_retries=_NETWORK_RETRIES) as client:
            try:
                # All are submitted before the first is waited for.
                submitted = [await self._submit(client, batch) for batch in batches]
                for number, batch in enumerate(batches):
                    ended = await self._wait(client, submitted[number])
                    answers = await self._answers(client, ended)
                    yield number, [self._result_of(index, answers) for index in range(len(batch))]
            except openai.APIStatusError as error:
                failure = self.refused_request(error)
                raise TranslationError(
                    f"{self.name}: the Batch API did not take the batch ({failure.detail})"
                ) from None
            except openai.APIConnectionError as error:
                raise TranslationError(
                    f"{self.name}: no connection ({self.explain(error.__cause__ or error)}); the batch goes on there: "
                    "run again to fetch it"
                ) from None

    async def _submit(self, client: AsyncOpenAI, requests: Sequence[Request]) -> Batch:
        """The batch that holds these requests: the one that was submitted before, or a new one."""
        lines = [
            {"custom_id": f"{index}-{sample}", "method": "POST", "url": _ENDPOINT, "body": self.body(request)}
            for index, request in enumerate(requests)
            for sample in range(self.candidates)
        ]
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        digest = hashlib.sha256(content).hexdigest()
        async for batch in client.batches.list(limit=100):
            if (batch.metadata or {}).get(_DIGEST) == digest and _worth_waiting_for(batch):
                return batch
        file = await client.files.create(file=("polyrefuse.jsonl", content), purpose="batch")
        return await client.batches.create(
            input_file_id=file.id, endpoint=_ENDPOINT, completion_window="24h", metadata={_DIGEST: digest}
        )

    async def _wait(self, client: AsyncOpenAI, batch: Batch) -> Batch:
        while batch.status not in _ENDED_WITH_RESULTS:
            if batch.status == "failed":
                errors = [str(error.message) for error in (batch.errors.data if batch.errors else None) or []]
                told = self.explain("; ".join(errors)) or "no reason given"
                raise TranslationError(f"{self.name}: batch {batch.id} failed ({told})")
            await asyncio.sleep(self.config.poll_seconds)
            batch = await client.batches.retrieve(batch.id)
        return batch

    async def _answers(self, client: AsyncOpenAI, batch: Batch) -> dict[str, dict[str, Any]]:
        """The lines of the output and error files by custom id; an expired batch holds only some."""
        answers = {}
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            content = await client.files.content(file)
            for line in content.text.split("\n"):
                if line.strip():
                    answer = json.loads(line)
                    answers[str(answer["custom_id"])] = answer
        return answers

    def _result_of(self, index: int, answers: dict[str, dict[str, Any]]) -> Result:
        return self.merge([self._line_result(answers.get(f"{index}-{sample}")) for sample in range(self.candidates)])

    def _line_result(self, answer: dict[str, Any] | None) -> Result:
        if answer is None:
            return Failure("batch_expired", "the batch ended before this text was done", transient=True)
        response = answer.get("response") or {}
        body = response.get("body") or {}
        if response.get("status_code") == 200:
            return self.result(body)
        told = body.get("error") or answer.get("error") or {}
        detail = self.explain(told.get("message", told) if isinstance(told, dict) else told)
        if chat.is_content_filter(told.get("code") if isinstance(told, dict) else None, detail):
            return Failure("content_filter", detail)
        return Failure("bad_request", detail, transient=True)


def _worth_waiting_for(batch: Batch) -> bool:
    """A batch that expired before anything was done is no better than none."""
    done = batch.request_counts.completed if batch.request_counts else 0
    return (
        batch.status in _UNDER_WAY or batch.status == "completed" or (batch.status in _ENDED_WITH_RESULTS and done > 0)
    )
