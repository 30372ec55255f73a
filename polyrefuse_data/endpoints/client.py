"""Asks one endpoint: within its limits, in its dialect, with retries where they may help, but not for ever."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar

from polyrefuse_data.endpoints.api_errors import ApiError, backoff
from polyrefuse_data.endpoints.completions import Answer, Completion, NoAnswer, read_completion
from polyrefuse_data.endpoints.dialect import Ask, Dialect
from polyrefuse_data.endpoints.endpoint import Endpoint
from polyrefuse_data.endpoints.limits import RateLimits
from polyrefuse_data.endpoints.model_list import is_listed, model_ids
from polyrefuse_data.endpoints.openai_client import GivenClient
from polyrefuse_data.endpoints.session import LostConnection, NotReached, RedirectRefused, Session, TooSlow, Transport
from polyrefuse_data.endpoints.workers import Line, in_parallel
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite
from polyrefuse_data.system.redaction import one_line
from polyrefuse_data.text.counts import counted

_logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

# After this many asks in a row that got no answer, retries and all, the API is taken to be down.
_GIVE_UP_AFTER = 20

# An error in the same words twice, and no answer yet, is what every request would meet.
_SAME_ERRORS = 2

_TELL_SECONDS = 10.0  # between two reports of trouble that all requests share
_PROBE_SECONDS = 30.0
_LONGEST_ABSENCE = 5.0  # seconds between two tries to reach a server at all


class Client:
    """One endpoint, for everything that a run asks it."""

    def __init__(
        self,
        endpoint: Endpoint,
        dialect: Dialect | None = None,
        limits: RateLimits | None = None,
        given: GivenClient | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.given = given
        self.dialect = dialect or Dialect()
        self.limits = limits or RateLimits(None, None)
        self._reset()

    def __getstate__(self) -> dict[str, Any]:
        return {"endpoint": self.endpoint, "dialect": self.dialect, "limits": self.limits, "given": self.given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._is_probed = self._is_listed = False
        self._has_answered = False
        self._unanswered = 0
        self._errors: Counter[str] = Counter()
        self._told = float("-inf")

    def open_session(self) -> Transport:
        """A connection that uses the key. Raises MissingPrerequisite if there is no key."""
        if self.given is not None:
            return self.given.open_session()
        return Session(self.endpoint.url, self.endpoint.headers())

    def probe(self) -> None:
        """Check for problems that would affect every request, free of charge, by listing the models.

        Raises MissingPrerequisite if the server cannot be reached or rejects the key; ConfigError if the API redirects
        elsewhere. Warns if the model is not in the list; `prove` can tell more.
        """
        if self._is_probed:
            return
        with closing(self.open_session()) as session:
            models = self._models(Line(session, threading.Event()))
        self._is_probed = True
        self._is_listed = models is not None and is_listed(self.endpoint.model, models)
        if models and not self._is_listed:
            _logger.warning(
                "%s: %s is not one of the models the server lists: %s",
                self.endpoint.asked_for,
                self.endpoint.name,
                one_line(", ".join(sorted(models))),
            )

    def prove(self, ask: Ask) -> None:
        """Have the model answer, unless the list of models has shown that it is there. Raises what every request would
        meet; other errors may pass."""
        if not self._is_listed:
            with closing(self.open_session()) as session:
                self._try(ask, Line(session, threading.Event()), 0)

    def ask(self, ask: Ask, line: Line) -> Answer:
        """One completion, retried while the API is busy, slow, broken or gone. Raises what ends the run."""
        answer: Answer = NoAnswer("no_answer", may_pass=True)
        for attempt in range(self.endpoint.max_retries + 1):
            self._wait_for_turn(ask.tokens, line)
            answer, wait = self._try(ask, line, attempt)
            if isinstance(answer, Completion) or not answer.may_pass or answer.reason == "bad_request":
                break
            if attempt < self.endpoint.max_retries:
                line.wait(wait)
        self._count(answer)
        return answer

    def ask_all(self, asks: Sequence[Ask], concurrency: int) -> Iterator[tuple[int, Answer]]:
        """(number of the ask, its answer), in the order in which they are ready."""
        return self.work(self.ask, asks, concurrency)

    def work(
        self, work: Callable[[Item, Line], Result], items: Sequence[Item], concurrency: int
    ) -> Iterator[tuple[int, Result]]:
        """The same for work that takes several asks: `work` is given a line to ask through."""
        return in_parallel(work, items, concurrency, self.open_session)

    def _try(self, ask: Ask, line: Line, attempt: int) -> tuple[Answer, float]:
        """One request, and the seconds to wait before the next. Raises errors that end the run."""
        wait = backoff(attempt)
        try:
            answer = self._send(ask, line)
        except ApiError as error:
            if (stop := error.stops(self.endpoint)) is not None:
                raise stop from None
            wait = error.retry_after or wait
            if error.status == 429:  # it holds back all other requests too
                self.limits.pause(wait)
            return self._told_apart(error), wait
        except RedirectRefused as error:
            raise self.redirected(error) from None
        except NotReached as error:
            self._tell_unreachable(error, attempt)
            return NoAnswer("connection", str(error), may_pass=True), min(wait, _LONGEST_ABSENCE)
        except TooSlow:
            told = f"no answer in {self.endpoint.timeout_seconds:g} seconds"
            return NoAnswer("timeout", told, may_pass=True), wait
        except LostConnection as error:
            return NoAnswer("connection", str(error), may_pass=True), wait
        if answer.usage and ask.tokens:  # without it, the first guess stands
            self.limits.correct(ask.tokens, int(sum(answer.usage.values())))
        return answer, wait

    def _send(self, ask: Ask, line: Line) -> Answer:
        """The API's answer; rephrases the request for as long as errors teach us how. Raises ApiError and what sessions
        raise."""
        while True:
            body = self.dialect.body(self.endpoint.model, ask)
            try:
                return self._call(body, line, ask.may_be_cut)
            except ApiError as error:
                if not self.dialect.learn(error, body, self.endpoint.name):
                    raise

    def _call(self, body: Mapping[str, Any], line: Line, may_be_cut: bool) -> Answer:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        response = line.session.request(
            "POST",
            "/chat/completions" if "messages" in body else "/completions",
            body=content,
            headers={"Content-Type": "application/json"},
            seconds=self.endpoint.timeout_seconds,
        )
        if not 200 <= response.status < 300:
            raise ApiError.of_response(response)
        try:
            completion = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            return NoAnswer("malformed_response", f"not JSON: {error}", may_pass=True)
        if (within := ApiError.of_body(200, completion)) is not None:
            raise within
        return read_completion(completion, may_be_cut)

    def _told_apart(self, error: ApiError) -> NoAnswer:
        """What an error means for one ask. Raises ConfigError if every ask would meet it: nothing was answered yet, and
        it came twice in the same words."""
        answer = error.no_answer()
        if answer.reason == "bad_request":
            with self._lock:
                if not self._has_answered:
                    self._errors[answer.detail] += 1
                every = self._errors[answer.detail] >= _SAME_ERRORS and not self._has_answered
            if every:
                raise ConfigError(
                    f"{self.endpoint.asked_for}: {self.endpoint.name} rejects every request ({error}): set "
                    f"{self.dialect.key_of(error)} to a value it accepts"
                ) from None
        return answer

    def _count(self, answer: Answer) -> None:
        """Count an answer. Raises EndpointError if there are only errors, MissingPrerequisite if the server is no
        longer reachable."""
        with self._lock:
            lost = isinstance(answer, NoAnswer) and answer.may_pass
            self._has_answered |= not lost
            self._unanswered = self._unanswered + 1 if lost else 0
            unanswered = self._unanswered
        if unanswered >= _GIVE_UP_AFTER:
            assert isinstance(answer, NoAnswer)
            raise EndpointError(
                f"{self.endpoint.name} did not answer {counted(unanswered, 'text')} in a row (last: {answer}); "
                "the answers so far are kept: run again to continue"
            )

    def _wait_for_turn(self, tokens: int, line: Line) -> None:
        line.wait(self.limits.reserve(tokens))
        while (left := self.limits.paused()) > 0:
            line.wait(left)

    def _tell_unreachable(self, error: NotReached, attempt: int) -> None:
        """Report at once that the server cannot be reached; after the last attempt, raise MissingPrerequisite."""
        name, url = self.endpoint.name, self.endpoint.url
        if attempt >= self.endpoint.max_retries:
            raise MissingPrerequisite(
                f"{self.endpoint.asked_for}: {name} cannot be reached at {url} ({error}): {error.mend}; "
                "earlier answers are kept"
            ) from None
        with self._lock:
            now = time.monotonic()
            due = now - self._told >= _TELL_SECONDS
            self._told = now if due else self._told
        if due:
            left = self.endpoint.max_retries - attempt
            _logger.warning("%s cannot be reached at %s (%s): trying again (attempts left: %s)", name, url, error, left)

    def redirected(self, error: RedirectRefused) -> ConfigError:
        """The error for an API that redirects prompts and key elsewhere."""
        return ConfigError(
            f"{self.endpoint.asked_for}: {self.endpoint.name} redirects requests away from {self.endpoint.url} "
            f"({error}): prompts and keys only go to the address in the config; name the other one there if you trust "
            "it"
        )

    def _models(self, line: Line) -> set[str] | None:
        """The ids of the models that the API lists; None if it does not list any."""
        for attempt in range(self.endpoint.max_retries + 1):
            try:
                response = line.session.request("GET", "/models", seconds=_PROBE_SECONDS)
            except NotReached as error:
                self._tell_unreachable(error, attempt)
            except RedirectRefused as error:
                raise self.redirected(error) from None
            except LostConnection:
                return None
            else:
                # 403 may mean that the key may be used, and not for this: keys can be restricted to some calls.
                if response.status == 401 and (stop := ApiError.of_response(response).stops(self.endpoint)):
                    raise stop from None
                return model_ids(response.content) if response.status == 200 else None
            line.wait(min(backoff(attempt), _LONGEST_ABSENCE))
        return None
