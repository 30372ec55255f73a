"""Line-based programs: scripts of the test's own that misbehave, and apertium for real."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from polyrefuse_data.config import CommandBackend
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, TranslationError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Pair, Request, Translation, translate_requests
from polyrefuse_data.translation.command import CommandTranslator
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.run import TranslationRun
from tests.cases import quick

EN, ES, DE = map(language, ("en", "es", "de"))


def program(body: str, **options: object) -> CommandTranslator:
    """A program of one expression over `line`."""
    script = f"import sys\nfor line in sys.stdin.read().split('\\n')[:-1]:\n    {body}\n"
    command = [sys.executable, "-c", script]
    return CommandTranslator(
        CommandBackend.model_validate({"name": "test", "commands": {"en-es": command, "es-en": command}, **options})
    )


def results(translator: CommandTranslator, *texts: str) -> list[object]:
    return [
        result.text if isinstance(result, Translation) else result.reason
        for result in translate_requests(translator, [Request(text, EN, ES) for text in texts])
    ]


def test_lines_stay_with_their_texts() -> None:
    upper = program("print(line.upper())", lines=2)
    assert upper.plan([Request(str(n), EN, ES if n % 2 else DE) for n in range(5)]) == [[0, 2], [4], [1, 3]]
    assert results(upper, "a", "b", "c d", "e", "f") == ["A", "B", "C D", "E", "F"]


def test_program_that_dies_on_a_line_costs_that_line_only() -> None:
    assert results(program("print(line) if line != 'c' else sys.exit('cannot')"), *"abcde") == [
        "a",
        "b",
        "program_failed",
        "d",
        "e",
    ]


def test_program_that_loses_or_adds_lines_is_not_trusted() -> None:
    assert results(program("print(line) if line != 'c' else None"), *"abcd") == ["a", "b", "empty", "d"]
    assert results(program("print(line * 2 if line != 'c' else 'c\\nc')"), *"abcd") == ["aa", "bb", "line_count", "dd"]


def test_empty_answers_line_breaks_and_hanging() -> None:
    assert results(program("print(line.strip('c'))"), "a", "c", "two\nlines", "\0") == [
        "a",
        "empty",
        "several_lines",
        "several_lines",
    ]
    slow = program("import time; time.sleep(line == 'c' and 20); print(line)", timeout_seconds=0.5)
    assert results(slow, "a", "c") == ["a", "timeout"]


def test_missing_program_and_direction_are_found_at_the_start() -> None:
    missing = CommandTranslator(CommandBackend(name="x", commands={"en-es": ["no-such-program"]}))
    with pytest.raises(MissingPrerequisite, match="'no-such-program' is not on the PATH: install it"):
        missing.prepare([Pair(EN, ES)])
    with pytest.raises(ConfigError, match=r"x has no command for en-de: it has en-es"):
        missing.prepare([Pair(EN, DE)])


def test_program_that_cannot_run_is_found_at_the_start_and_nothing_is_kept(tmp_path: Path, journal: Journal) -> None:
    """As apertium without the language pair: the program is there, and fails whatever it is asked."""
    script = tmp_path / "program"
    commands = {"en-es": [sys.executable, str(script)]}
    translator = CommandTranslator(CommandBackend.model_validate({"name": "test", "commands": commands}))
    script.write_text("import sys; sys.exit('Mode eng-spa does not exist')")
    with pytest.raises(
        MissingPrerequisite, match=r"program` cannot be used \(exit code 1: Mode eng-spa does not exist"
    ):
        translator.prepare([Pair(EN, ES)])

    script.write_text("import sys\nfor line in sys.stdin: sys.exit(line != '\\n' and 'no model')")
    translator.prepare([Pair(EN, ES)])  # breaks at a text only
    asked = [Request(text, EN, ES) for text in ("one", "two")]
    failed = TranslationRun(journal, progress=False).translate(translator, asked)
    assert [(result.reason, result.detail) for result in failed if isinstance(result, Failure)] == [
        ("program_failed", "exit code 1: no model")
    ] * 2

    script.write_text("import sys\nfor line in sys.stdin: print(line.strip().upper())")
    mended = TranslationRun(journal, progress=False).translate(translator, asked)
    assert mended == [Translation("ONE"), Translation("TWO")]


@pytest.mark.parametrize(
    "body", quick(["sys.exit(line != '' and 'no model')"], ["print('welcome'); print(line)", "pass"])
)
def test_program_that_fails_at_every_text_is_given_up_before_it_was_started_for_each(body: str) -> None:
    broken = program(body)
    run, started = broken._output, []
    broken._output = lambda *fed: (started.append(fed), run(*fed))[1]  # type: ignore[method-assign]
    with pytest.raises(TranslationError, match=r"command:test failed at each of the first 20 texts from en to es"):
        results(broken, *map(str, range(300)))
    assert len(started) < 60


def test_program_that_worked_is_not_given_up() -> None:
    some = program("print(line) if line < '3' else sys.exit('cannot')", lines=8)
    assert results(some, *(str(number) for number in range(10, 60))) == [
        str(number) if number < 30 else "program_failed" for number in range(10, 60)
    ]


@pytest.mark.skipif(shutil.which("apertium") is None, reason="no apertium: apt-get install apertium apertium-eng-spa")
def test_apertium_there_and_back_over_published_prompts(journal: Journal, upstream: Path) -> None:
    prompts = [
        record["instruction"]
        for path in sorted((upstream / "english").glob("*.json"))
        for record in json.loads(path.read_text(encoding="utf-8"))[:60]
    ]
    odd = ["Write to {name} at <b>home</b>.\n- See https://x.org/a?b=c\n- Use `ls -l` and %s", "the big", "dogs run"]
    commands = {"en-es": ["apertium", "-u", "eng-spa"], "es-en": ["apertium", "-u", "spa-eng"]}
    apertium = CommandTranslator(CommandBackend(name="apertium-eng-spa", commands=commands))
    apertium.prepare([Pair(EN, ES), Pair(ES, EN)])
    missing = CommandBackend(name="apertium", commands={"en-de": ["apertium", "-u", "eng-deu"]})
    with pytest.raises(MissingPrerequisite, match="Mode eng-deu does not exist"):
        CommandTranslator(missing).prepare([Pair(EN, DE)])
    run = TranslationRun(journal, progress=False)

    there = run.translate(apertium, [Request(text, EN, ES) for text in [*prompts, *odd]])
    spanish = [result.text for result in there if isinstance(result, Translation)]
    assert len(spanish) == len(prompts) + len(odd)  # no row lost
    assert sum(text != source for text, source in zip(spanish, prompts, strict=False)) > 0.95 * len(prompts)
    assert spanish[-3].count("\n- ") == 2
    for span in ("{name}", "<b>", "</b>", "https://x.org/a?b=c", "`ls -l`", "%s"):
        assert span in spanish[-3]
    assert spanish[-2:] == ["El grande", "Los perros corridos"]  # not one sentence over two rows

    back = run.translate(apertium, [Request(text, ES, EN) for text in spanish])
    assert not [result for result in back if isinstance(result, Failure)]
