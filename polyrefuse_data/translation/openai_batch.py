"""Chat models through the Batch API of OpenAI and its like: half the price, within a day, nothing paid for twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import PolyrefuseError, TranslationError
from polyrefuse_data.translation.api_errors import ApiError, lost_connection
from polyrefuse_data.translation.base import Failure, Price, Request, Result, fingerprint, one_line
from polyrefuse_data.translation.batch_jobs import FAILED, BatchJobs, Job, Line, MalformedAnswer
from polyrefuse_data.translation.chat_api import ChatBackend
from polyrefuse_data.translation.streams import stream

# Requests of one batch; the API takes 50,000 and 200 MB.
_LARGEST_BATCH = 20_000

_NETWORK_RETRIES = 8
_WINDOW_SECONDS = 24 * 3600.0


class OpenAIBatchTranslator(ChatBackend):
    """One chat model. A line of a batch is known by what it asks, so whatever an earlier run submitted, on whichever
    machine and beside whichever other texts, is waited for and fetched instead of being paid for again."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1) -> None:
        super().__init__(config, candidates)
        self._held: dict[str, Job] | None = None  # the lines of batches that were there before, once they were read

    def with_candidates(self, candidates: int) -> OpenAIBatchTranslator:
        return OpenAIBatchTranslator(self.config, candidates)

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        size = max(_LARGEST_BATCH // self.api.candidates, 1)
        return [list(range(start, min(start + size, len(requests)))) for start in range(0, len(requests), size)]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        return stream(lambda: self._translate(batches))

    def price(self, requests: Sequence[Request]) -> Price:
        """What asking for `requests` will take: batches are done side by side, each within the API's window."""
        sent, received = self.api.estimate_tokens(requests)
        window = _WINDOW_SECONDS if requests else 0.0
        return Price(sent, received, self.api.cost(sent, received), window, at_most=True)

    async def _translate(self, batches: Sequence[Sequence[Request]]) -> AsyncIterator[tuple[int, list[Result]]]:
        async with self.api.client(_NETWORK_RETRIES) as client:
            jobs = BatchJobs(client, fingerprint(self.settings), self.config.poll_seconds)
            with self._explained():
                if self._held is None:
                    self._held = await self._find(jobs)
                # All are submitted before the first is waited for.
                submitted = [await self._submit(jobs, self._lines(batch), self._held) for batch in batches]
                for number, batch in enumerate(batches):
                    results, stop = await self._fetch(jobs, submitted[number])
                    yield number, [self._merged(request, results) for request in batch]
                    for name in submitted[number]:  # where it was lost, asking again means submitting again
                        self._held.pop(name, None)
                    if stop is not None:
                        raise stop

    async def _find(self, jobs: BatchJobs) -> dict[str, Job]:
        """Who holds, or is about to hold, an answer to which line."""
        held: dict[str, Job] = {}
        for job in await jobs.earlier():
            if job.is_under_way:
                names = await jobs.lines_of(job)
            else:
                names = {name async for name, line in jobs.answers(job) if not _is_lost(self._result(line)[0])}
            for name in names:
                held.setdefault(name, job)
        return held

    async def _submit(self, jobs: BatchJobs, lines: Mapping[str, Line], held: dict[str, Job]) -> dict[str, Job]:
        """The batch of each line: one that holds it already, or a new one for all others."""
        new = {name: body for name, body in lines.items() if name not in held}
        if new:
            held.update(dict.fromkeys(new, await jobs.submit(new)))
        return {name: held[name] for name in lines}

    async def _fetch(
        self, jobs: BatchJobs, lines: Mapping[str, Job]
    ) -> tuple[dict[str, Result], PolyrefuseError | None]:
        """The results of lines when their batches have ended, and the error that ends the run, if a line means one."""
        results: dict[str, Result] = {}
        stop = None
        for job in {job.id: job for job in lines.values()}.values():
            ended = await jobs.wait(job)
            if ended.status == FAILED:
                raise self._failed(ended)
            async for name, line in jobs.answers(ended):
                if name in lines:
                    results[name], error = self._result(line)
                    stop = stop or error
        for name, job in lines.items():
            results.setdefault(name, Failure("no_answer", f"batch {job.id} ended without this text", ask_again=True))
        return results, stop

    def _lines(self, requests: Sequence[Request]) -> dict[str, Line]:
        return {name: self.api.body(request) for request in requests for name in self._names(request)}

    def _names(self, request: Request) -> list[str]:
        """What the lines of a request are known by, one for each candidate."""
        body = json.dumps(self.api.body(request), sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest()[:32]
        return [f"{digest}-{sample}" for sample in range(self.api.candidates)]

    def _merged(self, request: Request, results: Mapping[str, Result]) -> Result:
        return self.api.merge([results[name] for name in self._names(request)])

    def _result(self, line: Line) -> tuple[Result, PolyrefuseError | None]:
        """What a line of an ended batch says, and the error that it means for every other one, if it does."""
        response = line.get("response")
        if not isinstance(response, dict):  # the batch was over before it came to this line
            told = line.get("error")
            message = told.get("message") if isinstance(told, dict) else told
            return Failure("no_answer", str(message), ask_again=True), None
        status, body = response.get("status_code"), response.get("body")
        error = ApiError.of_body(status if isinstance(status, int) else 500, body)
        if error is None:
            return self.api.result(body), None
        return error.failure(), error.stops(self.name, self.config)

    def _failed(self, job: Job) -> PolyrefuseError:
        """The error of a batch that the API did not begin."""
        errors = [ApiError.of(400, told) for told in job.errors]
        stops = filter(None, (error.stops(self.name, self.config) for error in errors))
        told = one_line("; ".join(error.message for error in errors)) or "no reason given"
        return next(stops, None) or TranslationError(f"{self.name}: batch {job.id} failed ({told})")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the API and of the way to it as people should read them."""
        import openai

        later = "what was submitted goes on there: run again to fetch it"
        try:
            yield
        except ApiError as error:
            stop = error.stops(self.name, self.config)
            raise stop or TranslationError(f"{self.name}: the Batch API gives an error ({error}); {later}") from None
        except openai.APIConnectionError as error:
            told = one_line(lost_connection(error))
            raise TranslationError(f"{self.name}: no connection ({told}); {later}") from None
        except MalformedAnswer as error:
            told = one_line(str(error))
            raise TranslationError(f"{self.name}: no answer of the Batch API's kind ({told}); {later}") from None


def _is_lost(result: Result) -> bool:
    return isinstance(result, Failure) and result.ask_again
