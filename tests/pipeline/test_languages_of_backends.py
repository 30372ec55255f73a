"""Backends and back-translators that are asked for some languages only, and what a dry run counts of that."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import parse_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.pipeline.summary import BuildEstimate
from polyrefuse_data.workspace import Workspace
from tests.endpoints.api_server import ApiServer, answer
from tests.faults.launcher import Call
from tests.pipeline.test_build import ENGLISH, GERMAN, api_backend, config, program, run
from tests.pipeline.test_build import api as api  # fixtures
from tests.pipeline.test_build import folder as folder

BOTH = ("de", "es")


def one_way(folder: Path, name: str, *directions: str, **extra: Any) -> dict[str, Any]:
    made = program(folder, name=name, **extra)
    return {**made, "commands": {direction: made["commands"][direction] for direction in directions}}


def by_language(rows: list[dict[str, Any]], column: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["language"], set()).add(row[column])
    return found


def test_a_backend_is_asked_for_its_languages_only(folder: Path, api: ApiServer) -> None:
    german = api_backend(api, languages=["deu_Latn"])
    _, rows = run(folder, german, program(folder), languages=BOTH, back_translation=program(folder))
    assert by_language(rows, "translator") == {
        "en": {""},
        "de": {"openai:test-model@127.0.0.1"},
        "es": {"command:program"},
    }
    assert len(api.asked) == 12
    assert {row["attempts"] for row in rows if row["language"] == "es"} == {1}


def test_what_fails_goes_on_to_the_next_that_takes_the_language(folder: Path, api: ApiServer) -> None:
    api.faults[ENGLISH[0]] = [answer(None, refusal="no")]
    spanish = program(folder, name="spanish", languages=["es"])
    _, rows = run(folder, api_backend(api, languages=["de"]), spanish, program(folder), languages=BOTH)
    counts = Counter((row["translator"], row["attempts"]) for row in rows if row["language"] == "de")
    assert counts == {("openai:test-model@127.0.0.1", 1): 11, ("command:program", 2): 1}


def test_a_command_without_a_pair_is_not_asked_for_it(folder: Path) -> None:
    spanish = one_way(folder, "spanish", "en-es", "es-en")
    _, rows = run(folder, spanish, program(folder), languages=BOTH)
    assert by_language(rows, "translator") == {"en": {""}, "de": {"command:program"}, "es": {"command:spanish"}}
    assert by_language(rows, "back_translator") == {"en": {""}, "de": {"command:program"}, "es": {"command:spanish"}}
    assert {row["status"] for row in rows} == {"accepted"}


def test_a_language_that_nobody_translates_into_is_found_first(folder: Path) -> None:
    spanish = one_way(folder, "spanish", "en-es", "es-en")
    for backends in ([spanish], [program(folder, languages=["es"])]):
        with pytest.raises(ConfigError, match=r"no backend translates into German \(de\)"):
            run(folder, *backends, languages=BOTH)
    assert not (folder / "asked.txt").exists()


def test_a_backend_of_other_languages_need_not_be_there(folder: Path) -> None:
    elsewhere = {**program(folder, name="elsewhere", languages=["fr"]), "commands": {"en-fr": ["no-such-program"]}}
    _, rows = run(folder, elsewhere, program(folder), back_translation=[elsewhere, program(folder)])
    assert by_language(rows, "translator")["de"] == {"command:program"}


def test_translating_back_takes_a_chain_by_language(folder: Path, api: ApiServer) -> None:
    """The first of the chain that takes the language and does it; nobody who is not named."""
    api.faults[GERMAN[0]] = [answer(None, refusal="I can't help with that.")]
    forward = program(folder, name="forward")
    chain = [api_backend(api, languages=["de"]), program(folder, name="back")]
    _, rows = run(folder, forward, languages=BOTH, back_translation=chain)
    backs = Counter((row["language"], row["back_translator"]) for row in rows if row["language"] != "en")
    assert backs == {
        ("de", "openai:test-model@127.0.0.1"): 11,
        ("de", "command:back"): 1,
        ("es", "command:back"): 12,
    }
    assert {row["status"] for row in rows} == {"accepted"}


def test_a_language_that_nobody_translates_back_is_said(
    folder: Path, api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    back = [program(folder, name="back", languages=["de"])]
    _, rows = run(folder, program(folder), languages=BOTH, back_translation=back)
    assert by_language(rows, "back_translator") == {"en": {""}, "de": {"command:back"}, "es": {""}}
    assert "no backend translates back from es: these rows are judged without a back-translation" in caplog.text


def test_the_same_backend_for_some_languages_is_opened_once_and_keeps_its_answers(folder: Path) -> None:
    """Who is asked is no matter of what is answered."""
    run(folder, program(folder), languages=BOTH)
    asked = (folder / "asked.txt").read_text()
    _, rows = run(folder, program(folder, languages=["es", "de"]), languages=BOTH)
    assert (folder / "asked.txt").read_text() == asked
    assert {row["status"] for row in rows} == {"accepted"}


@pytest.mark.parametrize(
    ("languages", "says"),
    [(["xx"], "backends.0.languages"), ([], "name at least one language"), (["de", "deu_Latn"], "named twice")],
)
def test_languages_of_a_backend_are_checked(folder: Path, languages: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config(folder, program(folder, languages=languages))


@pytest.mark.parametrize(
    ("back", "key"),
    [
        ({"engine": "nllb", "modell": "x"}, "translation.back_translation.modell"),
        ([{"engine": "nllb"}, {"engine": "nllb", "modell": "x"}], "translation.back_translation.1.modell"),
        ({"engine": "spark"}, "translation.back_translation.engine"),
        ([], "translation.back_translation"),
    ],
)
def test_an_error_in_who_translates_back_names_the_key(back: Any, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config({"translation": {"back_translation": back}})
    assert str(raised.value).startswith(f"{key}: ")
    assert len(str(raised.value).splitlines()) == 1


def estimate(folder: Path, *backends: dict[str, Any], **options: Any) -> list[tuple[str, str, int, int]]:
    found = build(Workspace(folder / "ws"), config(folder, *backends, **options), dry_run=True)
    assert isinstance(found, BuildEstimate)
    return [(item.purpose, item.translator, item.texts, item.known) for item in found.backends]


def test_a_dry_run_counts_what_would_really_be_asked(folder: Path, api: ApiServer) -> None:
    (folder / "memory.tsv").write_text(f"en\tde\n{ENGLISH[0]}\t{GERMAN[0]}\n{ENGLISH[1]}\t{GERMAN[1]}\n")
    memory = {"engine": "memory", "paths": [str(folder / "memory.tsv")], "languages": ["de"]}
    backends = [memory, api_backend(api, languages=["de"]), one_way(folder, "spanish", "en-es", "es-en")]
    chain = [one_way(folder, "spanish", "en-es", "es-en"), api_backend(api)]
    options = {"languages": BOTH, "back_translation": chain}
    model = "openai:test-model@127.0.0.1"
    assert estimate(folder, *backends, **options) == [
        ("exact matches", "memory:memory.tsv", 2, 0),
        ("translation", model, 10, 0),
        ("translation", "command:spanish", 12, 0),
        ("back-translation", "command:spanish", 12, 0),
        ("back-translation", model, 12, 0),
    ]
    asked = len(api.asked)
    run(folder, *backends, **options)
    assert len(api.asked) - asked == 10 + 12  # as was said
    assert estimate(folder, *backends, **options) == [
        ("exact matches", "memory:memory.tsv", 2, 0),
        ("translation", model, 0, 10),
        ("translation", "command:spanish", 0, 12),
        ("back-translation", "command:spanish", 0, 12),
        ("back-translation", model, 0, 12),
    ]


def test_the_command_takes_a_chain_from_the_file(polyrefuse: Call, folder: Path) -> None:
    backend = f'{{ engine = "command", name = "cat", commands = {{ en-es = ["{sys.executable}", "-c", "1"] }} }}'
    (folder / "polyrefuse.toml").write_text(
        'languages = ["de"]\n[[sources]]\nname = "seeds"\npath = "prompts.jsonl"\nsplit = "test"\n'
        f"[translation]\nbackends = [{backend}]\nback_translation = [{backend}]\n"
    )
    done = polyrefuse("build", "--dry-run", "-c", folder / "polyrefuse.toml")
    assert done.returncode == 2
    assert (
        "error: translation.backends: no backend translates into German (de) (configured: command:cat)" in done.stderr
    )
