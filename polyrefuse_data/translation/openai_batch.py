"""Chat models through the Batch API of OpenAI and compatible ones: half the price, within a day, nothing paid for
twice."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.endpoints.api_errors import ApiError
from polyrefuse_data.endpoints.batch_jobs import FAILED, BatchJobs, Job, Line, MalformedAnswer
from polyrefuse_data.endpoints.client import Client
from polyrefuse_data.endpoints.completions import read_completion
from polyrefuse_data.endpoints.session import LostConnection, NotReached, RedirectRefused
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite, PolyrefuseError
from polyrefuse_data.system.redaction import one_line
from polyrefuse_data.translation.base import Failure, Pair, Price, Request, Result, fingerprint
from polyrefuse_data.translation.chat_api import ChatBackend

# Requests of one batch; the API takes 50,000 and 200 MB.
_LARGEST_BATCH = 20_000

_NETWORK_RETRIES = 8
_WINDOW_SECONDS = 24 * 3600.0


class OpenAIBatchTranslator(ChatBackend):
    """One chat model. A line of a batch is identified by its content, so whatever an earlier run submitted, on any
    machine and among any other texts, is waited for and fetched instead of being paid for again."""

    def __init__(self, config: OpenAIBackend, candidates: int = 1, client: Client | None = None) -> None:
        super().__init__(config, candidates, client)
        self._held: dict[str, Job] | None = None  # the lines of batches that were there before, once they were read
        self._token = ""

    def renew(self, token: str) -> None:
        """Ignore batches that were not submitted under `token`."""
        self._token = f"-{token}"

    def with_candidates(self, candidates: int) -> OpenAIBatchTranslator:
        return OpenAIBatchTranslator(self.config, candidates, self.api.client)

    def prepare(self, pairs: Iterable[Pair]) -> None:
        if self.api.chat.family is not None and self.api.chat.family.content == "completion":
            raise ConfigError(
                f"translation.backends: {self.name} sends a text to complete, but the Batch API takes chats: "
                'set mode = "live"'
            )
        super().prepare(pairs)
        with self._explained(), self._jobs() as jobs:
            jobs.check()

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        size = max(_LARGEST_BATCH // self.api.candidates, 1)
        return [list(range(start, min(start + size, len(requests)))) for start in range(0, len(requests), size)]

    def price(self, requests: Sequence[Request]) -> Price:
        """The price of `requests`. Batches run side by side, each within the API's window."""
        sent, received = self.api.estimate_tokens([request] for request in requests)
        window = _WINDOW_SECONDS if requests else 0.0
        return Price(sent, received, self.api.cost(sent, received), window, at_most=True)

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        with self._explained(), self._jobs() as jobs:
            if self._held is None:
                self._held = self._find(jobs)
            with self._paid(batches, self._held) as used:
                # All are submitted before the first is waited for.
                submitted = [self._submit(jobs, self._lines(batch), self._held) for batch in batches]
                for number, batch in enumerate(batches):
                    asked = {name: request for request in batch for name in self._names(request)}
                    results, stop = self._fetch(jobs, submitted[number], asked)
                    used += [result.usage.get("cost_usd", 0.0) for result in results.values()]
                    yield number, [self._merged(request, results) for request in batch]
                    for name in submitted[number]:  # where it was lost, asking again means submitting again
                        self._held.pop(name, None)
                    if stop is not None:
                        raise stop

    @contextmanager
    def _jobs(self) -> Iterator[BatchJobs]:
        with closing(self.api.client.open_session()) as session:
            yield BatchJobs(
                session,
                fingerprint(self.settings) + self._token,
                poll_seconds=self.config.poll_seconds,
                call_seconds=self.config.timeout_seconds,
                retries=_NETWORK_RETRIES,
            )

    def _find(self, jobs: BatchJobs) -> dict[str, Job]:
        """Which job has, or will have, an answer to which line."""
        held: dict[str, Job] = {}
        for job in jobs.earlier():
            if job.is_under_way:
                names = jobs.lines_of(job)
            else:
                names = {name for name, line in jobs.answers(job) if not _is_lost(self._result(line)[0])}
            for name in names:
                held.setdefault(name, job)
        return held

    @contextmanager
    def _paid(self, batches: Sequence[Sequence[Request]], held: Mapping[str, Job]) -> Iterator[list[float]]:
        """Set aside the most that what is new in the batches can cost; what they did cost is put into the list. Raises
        EndpointError where that might be too much."""
        used: list[float] = []
        new = [request for batch in batches for request in batch for name in self._names(request) if name not in held]
        most = sum(self.api.most_cost(self.api.ask(request)) for request in new)
        while not self.budget.reserve(most):  # requests of other backends are under way
            time.sleep(self.config.poll_seconds)
        try:
            yield used
        finally:
            self.budget.settle(most, sum(used))

    def _submit(self, jobs: BatchJobs, lines: Mapping[str, Line], held: dict[str, Job]) -> dict[str, Job]:
        """The batch of each line: one that has it already, or a new one for the rest."""
        new = {name: body for name, body in lines.items() if name not in held}
        if new:
            held.update(dict.fromkeys(new, jobs.submit(new)))
        return {name: held[name] for name in lines}

    def _fetch(
        self, jobs: BatchJobs, lines: Mapping[str, Job], asked: Mapping[str, Request]
    ) -> tuple[dict[str, Result], PolyrefuseError | None]:
        """The results of lines once their batches have ended, and the error that ends the run, if a line means one."""
        results: dict[str, Result] = {}
        stop = None
        for job in {job.id: job for job in lines.values()}.values():
            ended = jobs.wait(job)
            if ended.status == FAILED:
                raise self._failed(ended)
            for name, line in jobs.answers(ended):
                if name in lines:
                    results[name], error = self._result(line, asked[name])
                    stop = stop or error
        for name, job in lines.items():
            results.setdefault(name, Failure("no_answer", f"batch {job.id} ended without this text", ask_again=True))
        return results, stop

    def _lines(self, requests: Sequence[Request]) -> dict[str, Line]:
        return {name: self.api.body(request) for request in requests for name in self._names(request)}

    def _names(self, request: Request) -> list[str]:
        """The ids of the lines for a request, one per candidate."""
        body = json.dumps(self.api.body(request), sort_keys=True).encode()
        digest = hashlib.sha256(body).hexdigest()[:32]
        return [f"{digest}-{sample}" for sample in range(self.api.candidates)]

    def _merged(self, request: Request, results: Mapping[str, Result]) -> Result:
        return self.api.merge([results[name] for name in self._names(request)])

    def _result(self, line: Line, request: Request | None = None) -> tuple[Result, PolyrefuseError | None]:
        """The result of a line in an ended batch, and the error for all other lines, if it means one."""
        response = line.get("response")
        if not isinstance(response, dict):  # the batch was over before it came to this line
            told = line.get("error")
            message = told.get("message") if isinstance(told, dict) else told
            return Failure("no_answer", str(message), ask_again=True), None
        status, body = response.get("status_code"), response.get("body")
        error = ApiError.of_body(status if isinstance(status, int) else 500, body)
        if error is None:
            return self.api.result(read_completion(body), request), None
        return self.api.result(error.no_answer()), self._stop(error)

    def _stop(self, error: ApiError) -> PolyrefuseError | None:
        return error.stops(self.api.endpoint, batch=True)

    def _failed(self, job: Job) -> PolyrefuseError:
        """The error for a batch that the API did not start."""
        errors = [ApiError.of(400, told) for told in job.errors]
        stops = filter(None, map(self._stop, errors))
        told = one_line("; ".join(error.message for error in errors)) or "no reason given"
        return next(stops, None) or EndpointError(f"{self.name}: batch {job.id} failed ({told})")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the API and the network into readable ones."""
        later = "submitted batches keep running: run again to fetch their answers"
        try:
            yield
        except ApiError as error:
            stop = self._stop(error)
            raise stop or EndpointError(f"{self.name}: the Batch API gives an error ({error}); {later}") from None
        except RedirectRefused as error:
            raise self.api.client.redirected(error) from None
        except NotReached as error:
            told = f"cannot be reached at {self.api.endpoint.url} ({one_line(str(error))})"
            raise MissingPrerequisite(
                f"translation.backends: {self.name} {told}: check the address and the network; {later}"
            ) from None
        except LostConnection as error:
            told = one_line(str(error)) or "no answer in time"
            raise EndpointError(f"{self.name}: no connection ({told}); {later}") from None
        except MalformedAnswer as error:
            told = one_line(str(error))
            raise EndpointError(f"{self.name}: not an answer of a Batch API ({told}); {later}") from None


def _is_lost(result: Result) -> bool:
    return isinstance(result, Failure) and result.ask_again
