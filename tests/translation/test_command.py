"""Line-based programs: scripts of the test's own that misbehave, and apertium for real."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from polyrefuse_data.config import CommandBackend
from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Pair, Request, Translation, translate_requests
from polyrefuse_data.translation.command import CommandTranslator
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.run import TranslationRun

EN, ES, DE = map(language, ("en", "es", "de"))
ENGLISH = Path(__file__).resolve().parents[2] / "../shared/upstream/english"


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


@pytest.mark.skipif(shutil.which("apertium") is None, reason="apertium is not installed")
@pytest.mark.skipif(not ENGLISH.is_dir(), reason="../shared/upstream/english is not there")
def test_apertium_there_and_back_over_published_prompts(journal: Journal) -> None:
    prompts = [
        record["instruction"]
        for path in sorted(ENGLISH.glob("*.json"))
        for record in json.loads(path.read_text(encoding="utf-8"))[:60]
    ]
    odd = ["Write to {name} at <b>home</b>.\n- See https://x.org/a?b=c\n- Use `ls -l` and %s", "the big", "dogs run"]
    commands = {"en-es": ["apertium", "-u", "eng-spa"], "es-en": ["apertium", "-u", "spa-eng"]}
    apertium = CommandTranslator(CommandBackend(name="apertium-eng-spa", commands=commands))
    apertium.prepare([Pair(EN, ES), Pair(ES, EN)])
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
