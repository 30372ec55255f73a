"""The journal: what is kept, what is asked again, and what a broken file says."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.errors import ConfigError, EndpointError, TranslationError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Result, Translation
from polyrefuse_data.translation.base import Units, identity
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.openai import OpenAITranslator
from polyrefuse_data.translation.run import TranslationRun
from tests.endpoints.api_server import API_KEY, ApiServer, answer, error

EN, DE, FR = map(language, ("en", "de", "fr"))


@dataclass
class Scripted:
    """A backend that answers from a table, in batches of two, and remembers what it was asked."""

    table: dict[str, Result] = field(default_factory=dict)
    units: Units | None = None
    revision: int = 1
    asked: list[list[str]] = field(default_factory=list)
    name = "scripted"

    @property
    def settings(self) -> dict[str, Any]:
        return {"engine": "scripted", "revision": self.revision}

    def prepare(self, pairs: object) -> None: ...

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        return [list(range(start, min(start + 2, len(requests)))) for start in range(0, len(requests), 2)]

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        for number, batch in enumerate(batches):
            self.asked.append([request.text for request in batch])
            yield number, [self.table.get(request.text, Translation(request.text.upper())) for request in batch]

    def close(self) -> None: ...


def run(journal: Journal) -> TranslationRun:
    return TranslationRun(journal, progress=False)


def requests(*texts: str) -> list[Request]:
    return [Request(text, EN, DE) for text in texts]


def test_answers_come_back_whole(tmp_path: Path) -> None:
    results: list[Result] = [
        Translation("Ä\0\n😀", "human", ("x", "y"), {"cost_usd": 0.5}),
        Failure("refused", "no", usage={"input_tokens": 3.0}),
    ]
    asked = requests("a", "b\n")
    first = Journal(tmp_path / "j")
    first.add(identity(Scripted()), asked, results)
    first.close()
    second = Journal(tmp_path / "j")
    assert second.find(identity(Scripted()), [*asked, Request("a", EN, FR), Request("a", DE, EN)]) == dict(
        zip(asked, results, strict=True)
    )
    assert second.find(identity(Scripted(revision=2)), asked) == {}
    second.close()


def test_each_text_is_asked_once_and_what_got_no_answer_again(journal: Journal) -> None:
    table: dict[str, Result] = {"b": Failure("timeout", ask_again=True), "c": Failure("refused")}
    first = Scripted(table)
    assert run(journal).translate(first, requests("a", "b", "a", "c")) == [
        Translation("A"),
        table["b"],
        Translation("A"),
        table["c"],
    ]
    assert first.asked == [["a", "b"], ["c"]]
    again = Scripted()
    assert run(journal).translate(again, requests("a", "b", "c")) == [Translation("A"), Translation("B"), table["c"]]
    assert again.asked == [["b"]]


def test_progress_tells_the_way_back_from_the_way_there(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = []

    @contextmanager
    def progress(label: str, *_: object, **__: object) -> Iterator[Mock]:
        labels.append(label.strip())
        yield Mock()

    monkeypatch.setattr("polyrefuse_data.translation.run.progress", progress)
    there = [Request("a", EN, DE), Request("a", EN, FR)]
    for asked in (there, there[:1], [Request("b", target, source) for _, source, target in there]):
        TranslationRun(journal, progress=True).translate(Scripted(revision=len(labels)), asked)
    assert labels == ["scripted", "scripted into de", "scripted into en"]


def test_resumed_run_deals_the_same_batches(journal: Journal) -> None:
    stopped = Scripted()
    answers = stopped.translate([requests("a", "b")])
    journal.add(identity(stopped), requests("a", "b"), next(answers)[1])
    resumed = Scripted()
    run(journal).translate(resumed, requests(*"abcde"))
    assert resumed.asked == [["c", "d"], ["e"]]


def test_batch_is_kept_whole_or_not_at_all(journal: Journal) -> None:
    broken = Translation("x", usage={"cost": object()})  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        journal.add(identity(Scripted()), requests("a", "b"), [Translation("A"), broken])
    assert journal.find(identity(Scripted()), requests("a", "b")) == {}


def test_api_is_paid_once_even_when_a_run_stops_half_way(
    api: ApiServer, journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    settings = OpenAIBackend(
        model="test-model", base_url=api.base_url, api_key_env="TEST_API_KEY", concurrency=1, max_retries=0
    )
    api.faults["b"] = [answer(None, refusal="no")]
    api.faults["d"] = [error(429, "no credit", "insufficient_quota")]
    with pytest.raises(EndpointError):
        run(journal).translate(OpenAITranslator(settings), requests(*"abcdef"))
    api.asked.clear()
    results = run(journal).translate(OpenAITranslator(settings), requests(*"abcdef"))
    assert api.asked == ["d", "e", "f"]  # the refusal was paid for too
    assert [isinstance(result, Translation) for result in results] == [True, False, True, True, True, True]
    journal.close()
    assert API_KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert API_KEY not in caplog.text


@pytest.mark.parametrize(
    ("text", "reason"), [("", "empty_source"), (" \n\t", "empty_source"), ("half \ud83d", "invalid_unicode")]
)
def test_text_that_cannot_be_translated_fails_without_being_asked(journal: Journal, text: str, reason: str) -> None:
    scripted = Scripted()
    results = run(journal).translate(scripted, requests("a", text, "b"))
    assert isinstance(results[1], Failure)
    assert results[1].reason == reason
    assert scripted.asked == [["a", "b"]]


def test_long_control_and_odd_texts_go_through(journal: Journal) -> None:
    scripted = Scripted(units=Units(400, sentences=True))
    texts = ["word " * 20_000, "bell\x07 and\x00 nul", "\ufeffbom", "a\u2028b", "😀 ok"]
    results = run(journal).translate(scripted, requests(*texts))
    assert [result.text for result in results if isinstance(result, Translation)] == [text.upper() for text in texts]
    assert max(len(text) for batch in scripted.asked for text in batch) <= 400


def test_broken_file_and_other_format_are_named(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"not a database" * 100)
    with pytest.raises(TranslationError, match="is damaged"):
        Journal(tmp_path / "j")
    database = sqlite3.connect(tmp_path / "k")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigError, match="written by another version"):
        Journal(tmp_path / "k")


def test_nobody_else_may_read_a_journal_or_its_log(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add(identity(Scripted()), [Request("Hello.", EN, DE)], [Translation("Hallo.")])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    journal.close()
    assert set(modes) >= {"journal.sqlite", "journal.sqlite-wal"}
    assert set(modes.values()) == {0o600}
