"""The pipeline on the seed prompts: every row accounted for, whatever the backends do, and nothing asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import parse_config
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.errors import ConfigError, EndpointError, MissingPrerequisite
from polyrefuse_data.languages import language
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.pipeline.summary import BuildEstimate, BuildSummary
from polyrefuse_data.rows import SCHEMA
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.base import Pair
from polyrefuse_data.workspace import Workspace
from tests.endpoints.api_server import API_KEY, ApiServer, answer, error
from tests.faults.launcher import Call

KEYS = [prompt.key for prompt in seed_prompts()][:: len(seed_prompts()) // 12][:12]
ENGLISH = [seed_texts("en").prompts[key] for key in KEYS]
GERMAN = [seed_texts("de").prompts[key] for key in KEYS]
SPANISH = [seed_texts("es").prompts[key] for key in KEYS]

# A program that knows the seeds by heart, and writes down everything that it is asked.
PROGRAM = """
import json, sys, time
table = json.load(open(sys.argv[1]))
time.sleep(float(sys.argv[3]))
for line in sys.stdin.read().split("\\n")[:-1]:
    if line:
        print(line, file=open(sys.argv[2], "a"))
    print(table.get(line, line and "?"))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with prompts, a program, and its table of true translations."""
    lines = [{"instruction": text, "label": "harmless", "category": f"c{n % 2}"} for n, text in enumerate(ENGLISH)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pairs = [*zip(ENGLISH, GERMAN, strict=True)]
    (tmp_path / "de.json").write_text(json.dumps(dict(pairs)))
    (tmp_path / "es.json").write_text(json.dumps(dict(zip(ENGLISH, SPANISH, strict=True))))
    back = {**{german: english for english, german in pairs}, **dict(zip(SPANISH, ENGLISH, strict=True))}
    (tmp_path / "en.json").write_text(json.dumps(back))
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def program(folder: Path, delay: float = 0.0, name: str = "program", **extra: Any) -> dict[str, Any]:
    def command(table: str) -> list[str]:
        path = folder / f"{table}.json"
        return [sys.executable, str(folder / "program.py"), str(path), str(folder / "asked.txt"), str(delay)]

    commands = {"en-de": command("de"), "en-es": command("es"), "de-en": command("en"), "es-en": command("en")}
    return {"engine": "command", "name": name, "commands": commands, **extra}


def config(folder: Path, *backends: dict[str, Any], languages: tuple[str, ...] = ("de",), **translation: Any) -> Any:
    return parse_config(
        {
            "languages": list(languages),
            "sources": [{"name": "seeds", "path": str(folder / "prompts.jsonl"), "split": "test"}],
            "translation": {"backends": list(backends), **translation},
        }
    )


def run(folder: Path, *backends: dict[str, Any], **options: Any) -> tuple[BuildSummary, list[dict[str, Any]]]:
    workspace = Workspace(folder / "ws")
    summary = build(workspace, config(folder, *backends, **options), progress=False)
    assert isinstance(summary, BuildSummary)
    return summary, workspace.read_rows().to_pylist()


def api_backend(api: ApiServer, **options: Any) -> dict[str, Any]:
    backend = {"engine": "openai", "model": "test-model", "base_url": api.base_url, "api_key_env": "TEST_API_KEY"}
    return {**backend, "max_retries": 1, "timeout_seconds": 2, **options}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A chat model that knows the seeds by heart, in both directions."""
    monkeypatch.setenv("TEST_API_KEY", API_KEY)
    there, back = dict(zip(ENGLISH, GERMAN, strict=True)), dict(zip(GERMAN, ENGLISH, strict=True))
    with ApiServer(lambda text, _: there.get(text) or back.get(text, "?")) as server:
        yield server


def test_english_alone_is_built_and_checked_and_no_backend_asked(folder: Path) -> None:
    summary, rows = run(folder, program(folder), languages=())
    assert not (folder / "asked.txt").exists()
    assert [(row["language"], row["status"]) for row in rows] == [("en", "accepted")] * 12
    assert summary.rows == 12
    found = build(
        Workspace(folder / "ws"), config(folder, program(folder), languages=("en",)), dry_run=True, progress=False
    )
    assert isinstance(found, BuildEstimate)


def test_rows_of_every_prompt_in_every_language_in_order(folder: Path) -> None:
    summary, rows = run(folder, program(folder), languages=("de", "es"))
    table = Workspace(folder / "ws").read_rows()
    assert table.schema.equals(SCHEMA)
    assert [(row["id"], row["language"]) for row in rows] == sorted((row["id"], row["language"]) for row in rows)
    assert Counter(row["language"] for row in rows) == {"de": 12, "en": 12, "es": 12}
    by_text = {(row["text_en"], row["language"]): row for row in rows}
    for english, german in zip(ENGLISH, GERMAN, strict=True):
        assert by_text[english, "de"]["text"] == german
        assert by_text[english, "de"]["back_translation"] == english
        assert by_text[english, "en"]["origin"] == "original"
    assert {(row["translator"], row["attempts"], row["status"]) for row in rows if row["language"] == "es"} == {
        ("command:program", 1, "accepted")
    }
    assert all(row["parallel"] for row in rows)
    assert summary.languages["de"] == {"accepted": 12}
    assert json.loads(summary.to_json())["rows"] == 36


def test_what_nobody_sees_in_a_new_translation_is_taken_out_and_told(folder: Path) -> None:
    """A trace goes before the text is translated back; a character that stands for a lost letter rejects as before."""
    answers = dict(zip(ENGLISH, GERMAN, strict=True))
    answers[ENGLISH[0]] = "\ufeff" + GERMAN[0].replace(" ", " \u200b", 1)
    answers[ENGLISH[1]] = GERMAN[1].replace("e", "\x07", 1)
    (folder / "de.json").write_text(json.dumps(answers))
    _, rows = run(folder, program(folder), back_translation=program(folder))
    german = {row["text_en"]: row for row in rows if row["language"] == "de"}
    cleaned, broken = german[ENGLISH[0]], german[ENGLISH[1]]
    assert (cleaned["text"], cleaned["back_translation"]) == (GERMAN[0], ENGLISH[0])
    assert (cleaned["status"], cleaned["flags"]) == ("accepted", ["normalised"])
    assert broken["status"] == "rejected"
    assert "hidden_characters" in broken["flags"]


def test_refusals_answers_and_outages_fall_back_and_are_counted(folder: Path, api: ApiServer) -> None:
    """An API refuses, answers instead of translating, and breaks; a program that cannot refuse does those rows."""
    answered = "Sure, here is how you can do that: first you need to buy the things and then you put them together."
    api.faults[ENGLISH[0]] = [answer(None, refusal="I can't help with that.")]
    api.faults[ENGLISH[1]] = [answer("Es tut mir leid, dabei kann ich nicht helfen.")]
    api.faults[ENGLISH[2]] = [answer(json.dumps({"translation": answered}))]
    api.faults[ENGLISH[3]] = [answer(json.dumps({"translation": "Es tut mir leid, dabei kann ich dir nicht helfen."}))]
    api.faults[ENGLISH[4]] = [error(400, "filtered", "content_filter")]
    api.faults[ENGLISH[5]] = [error(500, "boom")] * 2
    summary, rows = run(folder, api_backend(api), program(folder), back_translation=program(folder))
    german = {row["text_en"]: row for row in rows if row["language"] == "de"}
    assert [german[text]["text"] for text in ENGLISH] == GERMAN
    fell_back = [german[text]["attempts"] == 2 for text in ENGLISH]
    assert fell_back == [True] * 6 + [False] * 6
    assert {row["status"] for row in rows} == {"accepted"}

    attempts = pq.read_table(Workspace(folder / "ws").attempts).to_pylist()
    first = {row["id"]: row for row in attempts if row["attempt"] == 1}
    reasons = [first[german[text]["id"]]["reasons"][:1] for text in ENGLISH[:6]]
    assert reasons[0] == ["refused"]
    assert reasons[1] == ["not_structured"]
    assert reasons[4:] == [["content_filter"], ["http_500"]]
    rejected = [first[german[text]["id"]]["outcome"] for text in ENGLISH[2:4]]
    assert rejected == ["rejected", "rejected"]  # by the checks, not by the backend
    assert {row["category"] for row in attempts} == {"c0", "c1"}
    assert summary.reasons["refused"] == 1
    # The outage; refusals and answers are told as such.
    assert (summary.unanswered, summary.missing) == (1, 0)
    assert (first[german[ENGLISH[0]]["id"]]["input_tokens"], first[german[ENGLISH[4]]["id"]]["input_tokens"]) == (
        100,
        None,
    )
    assert summary.usage == {"openai:test-model@127.0.0.1": {"input_tokens": 1000.0, "output_tokens": 100.0}}
    assert summary.translators["command:program"] == {"accepted": 6}
    everything = b"".join(path.read_bytes() for path in (folder / "ws").iterdir() if path.is_file())
    assert API_KEY.encode() not in everything


def test_rows_without_an_answer_are_told_and_end_the_command_with_4_until_they_have_one(
    polyrefuse: Call, folder: Path, api: ApiServer
) -> None:
    api.faults[ENGLISH[0]] = [error(503, "busy")]
    api.faults[GERMAN[1]] = [error(503, "busy")]
    settings = "".join(f"{key} = {json.dumps(value)}\n" for key, value in api_backend(api, max_retries=0).items())
    source = '[[sources]]\nname = "seeds"\npath = "prompts.jsonl"\nsplit = "test"\n'
    (folder / "polyrefuse.toml").write_text(f'languages = ["de"]\n{source}[[translation.backends]]\n{settings}')
    command = ("build", "-c", folder / "polyrefuse.toml")
    first = polyrefuse(*command, TEST_API_KEY=API_KEY)
    assert (first.returncode, "did not answer: 2 (2 without another translation); run" in first.stdout) == (
        4,
        True,
    ), first.stderr
    asked = len(api.asked)
    second = polyrefuse(*command, TEST_API_KEY=API_KEY)
    assert (second.returncode, "run again" in second.stdout) == (0, False), second.stderr
    assert sorted(api.asked[asked:]) == sorted([ENGLISH[0], GERMAN[0], GERMAN[1]])
    assert {row["status"] for row in Workspace(folder).read_rows().to_pylist()} == {"accepted"}


def test_row_that_nobody_translates_is_kept_with_the_reason(folder: Path, api: ApiServer) -> None:
    api.faults[ENGLISH[0]] = [answer(None, refusal="no")]
    _, rows = run(folder, api_backend(api))
    (failed,) = [row for row in rows if row["status"] == "rejected"]
    assert (failed["text_en"], failed["text"], failed["attempts"]) == (ENGLISH[0], "", 1)
    assert failed["flags"][0] == "translation_failed"
    assert failed["flags"][-1] == "refused"
    assert failed["parallel"] is False
    assert len(rows) == 24


def test_row_that_no_backend_translates_back_is_flagged(folder: Path, api: ApiServer) -> None:
    api.faults[GERMAN[0]] = [answer(None, refusal="I can't help with that.")]
    _, rows = run(folder, api_backend(api))
    flagged = [row for row in rows if "no_back_translation" in row["flags"]]
    assert [(row["text"], row["back_translation"], row["chrf"]) for row in flagged] == [(GERMAN[0], None, None)]


def test_human_translations_come_first(folder: Path) -> None:
    (folder / "memory.tsv").write_text(f"en\tde\n{ENGLISH[0]}\t{GERMAN[0]}\n")
    memory = {"engine": "memory", "paths": [str(folder / "memory.tsv")]}
    _, rows = run(folder, memory, program(folder))
    by_origin = Counter((row["origin"], row["translator"], row["attempts"]) for row in rows if row["language"] == "de")
    assert by_origin == {("human", "memory:memory.tsv", 1): 1, ("machine", "command:program", 1): 11}
    asked = (folder / "asked.txt").read_text().splitlines()
    assert ENGLISH[0] not in asked
    assert GERMAN[0] in asked  # but translated back like the others


def test_row_that_only_memories_were_asked_for_says_that_none_holds_it(folder: Path) -> None:
    (folder / "memory.tsv").write_text(f"en\tde\n{ENGLISH[0]}\t{GERMAN[0]}\n")
    _, rows = run(folder, {"engine": "memory", "paths": [str(folder / "memory.tsv")]})
    german = {row["text_en"]: row for row in rows if row["language"] == "de"}
    assert (german[ENGLISH[0]]["origin"], german[ENGLISH[0]]["text"]) == ("human", GERMAN[0])
    for text in ENGLISH[1:]:
        row = german[text]
        assert (row["flags"][0], row["flags"][-1], row["attempts"]) == ("translation_failed", "no_match", 1)
    attempts = pq.read_table(Workspace(folder / "ws").attempts).to_pylist()
    failed = [row for row in attempts if row["outcome"] == "failed"]
    assert [(row["reasons"], row["translator"]) for row in failed] == [(["no_match"], "memory:memory.tsv")] * 11


def test_backend_that_cannot_translate_back_is_left_out_and_said_so(
    folder: Path, api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Two others come first, so that it would only step in for them."""
    broken = program(folder, name="broken")
    broken["commands"]["de-en"] = ["no-such-program"]
    chain = open_chain(config(folder, program(folder), api_backend(api), broken).translation)
    ready = chain.prepare([Pair(language("en"), language("de"))])
    assert [step.name for step in ready.steps] == [step.name for step in chain.steps]
    names = ["command:program", "openai:test-model@127.0.0.1", "command:broken"]
    assert [step.name for step in chain.back] == names
    assert [step.name for step in ready.back] == names[:2]
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("command:broken will not translate back: translation program 'no-such-program'")


def test_best_candidate_of_several_is_kept(folder: Path, api: ApiServer) -> None:
    wrong, right = (
        answer(json.dumps({"translation": "This is no German."})),
        answer(json.dumps({"translation": GERMAN[0]})),
    )
    api.faults[ENGLISH[0]] = [wrong, wrong, right, wrong]
    _, rows = run(folder, api_backend(api, candidates=3), back_translation=program(folder))
    row = next(row for row in rows if row["text_en"] == ENGLISH[0] and row["language"] == "de")
    assert (row["text"], row["attempts"], row["status"]) == (GERMAN[0], 2, "accepted")


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.workspace import Workspace
from tests.pipeline.test_build import config, program
folder = Path(sys.argv[1])
build(Workspace(folder / "ws"), config(folder, program(folder, 0.1, lines=4), languages=("de", "es")), progress=False)
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_ends_in_the_same_bytes(folder: Path) -> None:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(Path(__file__).parents[2])])

    assert start().wait(300) == 0
    workspace = Workspace(folder / "ws")
    expected = {path: path.read_bytes() for path in (workspace.rows, workspace.prompts, workspace.attempts)}
    asked_once = (folder / "asked.txt").read_text().splitlines()
    for path in (folder / "ws").iterdir():
        path.unlink()

    (folder / "asked.txt").unlink()
    kills = 0
    for seen in (1, 10, 30):  # in the first batch, on the way there, and on the way back
        process = start()
        while process.poll() is None:
            asked = (folder / "asked.txt").read_text().splitlines() if (folder / "asked.txt").exists() else []
            if len(asked) > seen:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                break
            time.sleep(0.005)
    assert kills == 3
    assert start().wait(300) == 0
    assert {path: path.read_bytes() for path in expected} == expected
    asked = (folder / "asked.txt").read_text().splitlines()
    assert set(asked) == set(asked_once)
    assert len(asked) <= len(asked_once) + 4 * kills  # only what was in flight was asked again: a batch of four


def test_second_run_asks_nothing_and_loads_nothing(folder: Path) -> None:
    _, first = run(folder, program(folder))
    before = (folder / "asked.txt").read_text()
    _, second = run(folder, program(folder))
    assert first == second
    assert (folder / "asked.txt").read_text() == before


def test_quota_that_ends_the_run_leaves_no_rows_and_the_next_run_goes_on(folder: Path, api: ApiServer) -> None:
    api.faults[ENGLISH[7]] = [error(429, "no credit", "insufficient_quota")]
    with pytest.raises(EndpointError, match="run again to continue"):
        run(folder, api_backend(api, concurrency=1))
    assert not Workspace(folder / "ws").rows.exists()
    asked = set(api.asked)
    api.asked.clear()
    _, rows = run(folder, api_backend(api, concurrency=1))
    assert len(rows) == 24
    assert not (set(api.asked) & asked) - {ENGLISH[7]}


def test_dry_run_prices_the_build_and_writes_nothing(folder: Path, api: ApiServer) -> None:
    backend = api_backend(api, input_price=2.5, output_price=10.0)
    estimate = build(Workspace(folder / "ws"), config(folder, backend, languages=("de", "es")), dry_run=True)
    assert isinstance(estimate, BuildEstimate)
    there, back = estimate.backends
    assert (estimate.rows, there.texts, back.purpose) == (36, 24, "back-translation")
    assert there.price.usd == pytest.approx(
        ((there.price.input_tokens or 0) * 2.5 + (there.price.output_tokens or 0) * 10) / 1e6
    )
    assert "24 texts, about" in estimate.to_text()
    assert "next backend" not in estimate.to_text()  # there is none
    assert "$0.019" in estimate.to_text()
    assert not api.asked
    assert not (folder / "ws").exists()

    run(folder, backend, languages=("de",))
    estimate = build(Workspace(folder / "ws"), config(folder, backend, languages=("de", "es")), dry_run=True)
    assert isinstance(estimate, BuildEstimate)
    assert (estimate.backends[0].texts, estimate.backends[0].known) == (12, 12)


def test_dry_run_of_a_program_measures_it(folder: Path) -> None:
    estimate = build(Workspace(folder / "ws"), config(folder, program(folder, delay=0.2)), dry_run=True)
    assert isinstance(estimate, BuildEstimate)
    assert 0.1 < estimate.backends[0].price.seconds < 30
    assert estimate.backends[0].price.usd is None


def test_what_stops_every_row_is_said_before_anything_is_written(
    folder: Path, api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(folder / "ws")
    monkeypatch.delenv("TEST_API_KEY")
    with pytest.raises(MissingPrerequisite, match="export TEST_API_KEY"):
        build(workspace, config(folder, program(folder), api_backend(api)), progress=False)  # even as the second
    with pytest.raises(ConfigError, match=r"into French \(fr\) \(configured: command:program\): add a backend"):
        build(workspace, config(folder, program(folder), languages=("fr",)), progress=False)
    with pytest.raises(ConfigError, match="unknown engine 'spark'"):
        build(workspace, config(folder, program(folder)), engine="spark", progress=False)
    assert not workspace.prompts.exists()
    assert not (folder / "asked.txt").exists()


def test_second_build_in_the_same_folder_is_turned_away(folder: Path) -> None:
    workspace = Workspace(folder / "ws")
    with workspace.lock(), pytest.raises(ConfigError, match="another polyrefuse process is writing here"):
        build(workspace, config(folder, program(folder)), progress=False)


def test_importing_the_pipeline_loads_no_model_library() -> None:
    heavy = "('torch', 'transformers', 'openai')"
    code = f"import sys, polyrefuse_data.pipeline.build; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}, check=True)
    assert done.stdout.strip() == "[]"
