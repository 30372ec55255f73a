"""`build --refresh`: answers are taken back wherever they are kept, and asked for once, whatever stops the build."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ConfigError, EndpointError
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.pipeline.refresh import Refresh
from polyrefuse_data.pipeline.summary import BuildEstimate, BuildSummary
from polyrefuse_data.sources import load_prompts
from polyrefuse_data.workspace import Workspace
from tests.cases import every_second
from tests.endpoints.api_server import API_KEY, ApiServer, answer, error
from tests.faults.launcher import Call
from tests.pipeline.test_build import ENGLISH, GERMAN, SPANISH, api_backend, config, program
from tests.pipeline.test_build import folder as folder  # a fixture

BOTH = ("de", "es")
MODEL = "openai:test-model@127.0.0.1"


class Model:
    """A chat model whose answers can be made better; it knows the seeds by heart."""

    def __init__(self) -> None:
        self.better = False
        self.there = {"de": dict(zip(ENGLISH, GERMAN, strict=True)), "es": dict(zip(ENGLISH, SPANISH, strict=True))}
        self.back = {**dict(zip(GERMAN, ENGLISH, strict=True)), **dict(zip(SPANISH, ENGLISH, strict=True))}

    def __call__(self, text: str, target: str) -> str:
        known = self.there.get(target, {}).get(text)
        if known is None:
            return self.back.get(text.removesuffix(" !"), "?")
        return known if self.better else f"{known} !"


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def api(model: Model, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    with ApiServer(model) as server:
        yield server


def run(folder: Path, *backends: dict[str, Any], refresh: tuple[str, ...] = (), **options: Any) -> BuildSummary:
    made = config(folder, *backends, languages=BOTH, **options)
    summary = build(Workspace(folder / "ws"), made, refresh=refresh, progress=False)
    assert isinstance(summary, BuildSummary)
    return summary


def texts(folder: Path, language: str) -> set[str]:
    return {row["text"] for row in Workspace(folder / "ws").read_rows().to_pylist() if row["language"] == language}


WORSE = {"de": {f"{text} !" for text in GERMAN}, "es": {f"{text} !" for text in SPANISH}}
BETTER = {"de": set(GERMAN), "es": set(SPANISH)}


@pytest.mark.parametrize(
    ("asked", "renewed"),
    every_second(
        [("openai", BOTH), (MODEL, BOTH), ("openai:de", ("de",)), ("test-model", BOTH), (f"{MODEL}:spa_Latn", ("es",))]
    ),
)
def test_answers_that_are_taken_back_are_asked_for_again_and_no_others(
    folder: Path, api: ApiServer, model: Model, asked: str, renewed: tuple[str, ...]
) -> None:
    backends = (api_backend(api),)
    run(folder, *backends, back_translation=[program(folder)])
    model.better = True
    before = len(api.asked)
    run(folder, *backends, back_translation=[program(folder)])
    assert len(api.asked) == before
    run(folder, *backends, back_translation=[program(folder)], refresh=(asked,))
    assert {code: texts(folder, code) for code in BOTH} == {
        code: (BETTER if code in renewed else WORSE)[code] for code in BOTH
    }
    assert len(api.asked) - before == 12 * len(renewed)


def test_a_damaged_journal_does_not_get_them_back_from_the_rows(folder: Path, api: ApiServer, model: Model) -> None:
    """Neither when it is damaged before, nor when the refresh was stopped before there were new rows."""
    run(folder, api_backend(api), back_translation=[program(folder)])
    model.better = True
    api.faults[ENGLISH[0]] = [error(429, "no credit", "insufficient_quota")]
    with pytest.raises(EndpointError):
        run(folder, api_backend(api), back_translation=[program(folder)], refresh=("openai",))
    journal = Workspace(folder / "ws").journal
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("DELETE FROM answers")
        database.execute("UPDATE engines SET name = 'x'")  # its digest is wrong: the journal is damaged
    run(folder, api_backend(api), back_translation=[program(folder)])
    assert {code: texts(folder, code) for code in BOTH} == BETTER


def test_running_the_same_command_again_after_a_stop_forgets_nothing_anew(
    folder: Path, api: ApiServer, model: Model
) -> None:
    backends = (api_backend(api, concurrency=1),)
    options: dict[str, Any] = {"back_translation": [program(folder)]}
    run(folder, *backends, **options)
    before = len(api.asked)
    api.faults[ENGLISH[7]] = [error(429, "no credit", "insufficient_quota")]
    with pytest.raises(EndpointError, match="run again to continue"):
        run(folder, *backends, refresh=("openai",), **options)
    answered = len(api.asked) - before - 1
    assert answered > 0
    run(folder, *backends, refresh=("openai",), **options)
    assert len(api.asked) - before == 24 + 1  # the one that was turned away
    run(folder, *backends, refresh=("openai",), **options)  # a new wish
    assert len(api.asked) - before == 48 + 1


def test_rows_without_an_answer_do_not_make_the_next_run_forget_the_others(
    folder: Path, api: ApiServer, model: Model
) -> None:
    backends = (api_backend(api, max_retries=0),)
    options: dict[str, Any] = {"back_translation": [program(folder)]}
    run(folder, *backends, **options)
    before = len(api.asked)
    api.faults[ENGLISH[0]] = [error(503, "busy")]
    assert run(folder, *backends, refresh=("openai",), **options).missing == 1
    assert run(folder, *backends, refresh=("openai",), **options).missing == 0
    assert len(api.asked) - before == 24 + 1


def test_what_a_batch_api_keeps_is_not_fetched_again(folder: Path, api: ApiServer, model: Model) -> None:
    backends = (api_backend(api, mode="batch", poll_seconds=0.02),)
    options: dict[str, Any] = {"back_translation": [program(folder)]}
    run(folder, *backends, **options)
    model.better = True
    run(folder, *backends, refresh=("openai",), **options)
    assert {code: texts(folder, code) for code in BOTH} == BETTER
    assert len(api.paid) == 48


def test_a_finished_shard_of_a_build_under_way_is_done_again(folder: Path, api: ApiServer, model: Model) -> None:
    options: dict[str, Any] = {"back_translation": [program(folder)]}
    settings = config(folder, api_backend(api, concurrency=1), languages=BOTH, **options)
    small = settings.model_copy(
        update={"engine": settings.engine.model_copy(update={"shard_prompts": 3, "workers": 1})}
    )
    last = load_prompts(settings.sources).sort_by("id")["text"].to_pylist()[-1]
    api.faults[last] = [error(429, "no credit", "insufficient_quota")]
    workspace = Workspace(folder / "ws")
    with pytest.raises(EndpointError):
        build(workspace, small, progress=False)
    assert list(workspace.shards.glob("*.json"))
    model.better = True
    api.faults.clear()
    build(workspace, small, refresh=["openai"], progress=False)
    assert {code: texts(folder, code) for code in BOTH} == BETTER


def test_a_dry_run_counts_them_and_forgets_nothing(folder: Path, api: ApiServer) -> None:
    run(folder, api_backend(api), back_translation=[program(folder)])
    made = config(folder, api_backend(api), languages=BOTH, back_translation=[program(folder)])
    for refresh, texts_asked in ((["openai:de"], 12), ([], 0)):
        estimate = build(Workspace(folder / "ws"), made, refresh=refresh, dry_run=True)
        assert isinstance(estimate, BuildEstimate)
        assert (estimate.backends[0].texts, estimate.backends[0].known) == (texts_asked, 24 - texts_asked)


@pytest.mark.parametrize("asked", ["no-such-backend", "openai:xx", "", ":de"])
def test_a_backend_that_is_none_is_an_error_and_nothing_is_forgotten(folder: Path, api: ApiServer, asked: str) -> None:
    run(folder, api_backend(api), back_translation=[program(folder)])
    before = len(api.asked)
    with pytest.raises(ConfigError, match=f"no such backend; give BACKEND or BACKEND:LANGUAGE, with one of .*{MODEL}"):
        run(folder, api_backend(api), back_translation=[program(folder)], refresh=("openai", asked))
    run(folder, api_backend(api), back_translation=[program(folder)])
    assert len(api.asked) == before


def test_who_is_meant() -> None:
    assert Refresh.parse("nllb").means("ctranslate2:facebook/nllb-200-distilled-600M@abc")
    assert Refresh.parse("facebook/nllb-200-distilled-600M").means("nllb:facebook/nllb-200-distilled-600M@abc")
    assert Refresh.parse("apertium 0.8").means("command:apertium 0.8")
    assert not Refresh.parse("nllb").means("openai:nllb-chat")


SETTINGS = 'languages = ["de", "es"]\n[[sources]]\nname = "seeds"\npath = "prompts.jsonl"\nsplit = "test"\n'


def write_config(folder: Path, backend: dict[str, Any]) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in backend.items() if key != "commands"]
    lines += [f"commands.{pair} = {json.dumps(command)}" for pair, command in backend.get("commands", {}).items()]
    (folder / "polyrefuse.toml").write_text(SETTINGS + "[[translation.backends]]\n" + "\n".join(lines))


def test_a_language_without_any_accepted_row_fails_the_build_loudly(polyrefuse: Call, folder: Path) -> None:
    (folder / "es.json").write_text(json.dumps({}))  # it says "How..." to everything
    write_config(folder, program(folder))
    build = ("build", "-c", folder / "polyrefuse.toml")
    done = polyrefuse(*build)
    assert done.returncode == 1, done.stderr
    assert "warning: no row of es was accepted: 12 rejected" in done.stderr
    assert "WARNING: no row of es was accepted" in done.stdout
    assert "no row of de" not in done.stderr

    spanish = dict(zip(ENGLISH, SPANISH, strict=True))
    (folder / "es.json").write_text(json.dumps(spanish))
    assert polyrefuse(*build).returncode == 1  # its answers are kept
    mended = polyrefuse(*build, "--refresh", "command:es", "--json")
    assert mended.returncode == 0, mended.stderr
    assert "dropped 12 answers of command for es: asking again" in mended.stderr
    assert json.loads(mended.stdout)["problems"] == []


def test_a_backend_that_gives_nothing_of_use_fails_the_build_though_another_does_its_work(
    folder: Path, api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    api.default_fault = answer("Gern! Wie kann ich dir helfen?")
    summary = run(folder, api_backend(api), program(folder), back_translation=[program(folder)])
    assert summary.accepted == 36
    assert summary.problems == [
        f"{MODEL} gave no translation, only answers like this one: not_structured: Gern! Wie kann ich dir helfen?"
    ]
    told = "none of its first 20 answers is a translation; the first is not_structured: Gern! Wie kann ich dir helfen?"
    assert f"{MODEL}: {told}" in caplog.text
    api.default_fault = None
    assert run(folder, api_backend(api, model="test-model", temperature=0.5), program(folder)).problems == []
