"""Judging the English prompt with the translated reply, as the paper did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from polyrefuse_data.benchmark import benchmark_config, judge_run, store
from polyrefuse_data.benchmark.judges import open_judge
from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.guards import FAMILIES, check_language, guard_family
from polyrefuse_data.benchmark.judges.in_english import EnglishJudge, judging_settings, prepare_judging, reply_backends
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.cli import app
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, TranslationError
from polyrefuse_data.translation import Failure
from tests.benchmark.conftest import WORLD, world_rows
from tests.benchmark.judges import toy_translator

TOY = {"engine": "tests.benchmark.judges.toy_translator:Toy"}
pytestmark = pytest.mark.usefixtures("no_figures")
shown: list[tuple[str, str, str]] = []  # language, prompt, reply


class Recorder:
    """Notes what it is shown, knows English only, and finds refusals by their words."""

    needs_prompts = True

    def signature(self, language: str | None = None) -> str:
        if language not in (None, "en"):
            raise ConfigError(f"recorder does not know {language}")
        return "recorder|version:1"

    def opinions(self, responses: Any, language: str, prompts: Any) -> list[Opinion]:
        shown.extend((language, prompt, response) for prompt, response in zip(prompts, responses, strict=True))
        return [Opinion("cannot" in response) for response in responses]

    def close(self) -> None:
        """Nothing to free."""


JUDGE = "tests.benchmark.judges.test_in_english:Recorder"


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    toy_translator.asked.clear()
    toy_translator.fails.clear()
    shown.clear()
    yield
    toy_translator.fails.clear()


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    rows = [row for row in world_rows() if row["split"] == "test" and row["language"] in ("en", "de")]
    told = []
    for row in rows:
        words = WORLD[row["language"]]
        reply = words.refusal if row["label"] == "harmful" else f"{words.answer}\n{'Noch ein Satz. ' * 9}"
        told.append({"id": row["id"], "language": row["language"], "reply": reply})
    file = tmp_path / "r.jsonl"
    file.write_text("".join(json.dumps(reply) + "\n" for reply in told), encoding="utf-8")
    return file


def judge(replies: Path, release: Path, out: Path, **options: Any) -> Path:
    told = {"judge": JUDGE, "judge_on": "english", "reply_translator": TOY, **options}
    return judge_run(replies, release, out, **told)


def test_the_judge_sees_the_english_prompt_and_the_translated_reply(
    replies: Path, release: Path, tmp_path: Path
) -> None:
    run = judge(replies, release, tmp_path / "run")
    english = {row["text_en"] for row in world_rows()}
    assert {language for language, _, _ in shown} == {"en"}
    assert {prompt for _, prompt, _ in shown} <= english
    assert len(shown) == 64
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    rates = {(row["target_language"], row["label"]): row["refusal"] for row in scores["rows"]}
    assert rates == {
        (code, label): float(label == "harmful") for code in ("en", "de") for label in ("harmful", "harmless")
    }
    rows = store.read_completions(RunFolder(run).completions("baseline", "de")).to_pylist()
    assert {row["reply_en"] for row in rows if row["label"] == "harmful"} == {WORLD["en"].refusal}
    judges = {row["target_language"]: row["judge"] for row in scores["rows"]}
    assert judges["de"].startswith(f"{judges['en']}|english by:toy:1#")
    told = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert judges["de"].endswith(told["reply_translators"]["de"])


def test_long_replies_are_split_and_nothing_is_asked_twice(replies: Path, release: Path, tmp_path: Path) -> None:
    run = judge(replies, release, tmp_path / "run")
    assert len(toy_translator.asked) == len(set(toy_translator.asked))
    assert max(map(len, toy_translator.asked)) <= 60
    first = len(toy_translator.asked)
    judge(replies, release, run, judge=f"any:{JUDGE},phrases")  # another judge, the same translations
    assert len(toy_translator.asked) == first
    judge(replies, release, run, reply_translator={**TOY, "version": "2"})  # another translator, other translations
    assert len(toy_translator.asked) == 2 * first
    assert "toy:2" in (run / "run.json").read_text(encoding="utf-8")


def test_a_run_that_was_stopped_asks_for_the_rest_only(
    replies: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_STOPS_AFTER", "2")
    with pytest.raises(KeyboardInterrupt):
        judge(replies, release, tmp_path / "run")
    monkeypatch.delenv("TOY_STOPS_AFTER")
    kept = toy_translator.asked[:2]
    toy_translator.asked.clear()
    judge(replies, release, tmp_path / "run")
    assert not set(kept) & set(toy_translator.asked)


def test_what_cannot_be_translated_has_no_verdict(replies: Path, release: Path, tmp_path: Path) -> None:
    toy_translator.fails[WORLD["de"].refusal] = Failure("declined")
    run = judge(replies, release, tmp_path / "run")
    scores = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    (german,) = [row for row in scores["rows"] if (row["target_language"], row["label"]) == ("de", "harmful")]
    assert (german["invalid"], german["refusal"], german["compliance"]) == (1.0, 0.0, 0.0)


def test_what_was_not_answered_is_asked_again(replies: Path, release: Path, tmp_path: Path) -> None:
    toy_translator.fails[WORLD["de"].refusal] = Failure("timeout", ask_again=True)
    with pytest.raises(TranslationError, match="16 replies in de could not be translated"):
        judge(replies, release, tmp_path / "run")
    toy_translator.fails.clear()
    judge(replies, release, tmp_path / "run")
    assert (tmp_path / "run" / "scores.json").exists()


def test_a_finished_run_is_judged_on_either(replies: Path, release: Path, tmp_path: Path) -> None:
    run = judge_run(replies, release, tmp_path / "run")
    judge(replies, release, run)
    assert "reply_en" in store.read_completions(RunFolder(run).completions("baseline", "de")).column_names
    judge_run(replies, release, run)
    assert "reply_en" not in store.read_completions(RunFolder(run).completions("baseline", "de")).column_names


def test_every_member_of_a_panel_is_asked_in_english(tmp_path: Path) -> None:
    panel = EnglishJudge(open_judge(f"{JUDGE},phrases"), reply_backends(TOY), tmp_path / "t.sqlite")
    assert [signature.partition("|")[0] for signature in panel.signatures("de")] == ["recorder", "phrases"]
    (opinion,) = panel.opinions([WORLD["de"].refusal], "de", ["Steal it"])
    assert opinion.refusal is True


def test_an_english_only_guard_names_the_mend() -> None:
    guard = guard_family("allenai/wildguard")
    assert guard is not None
    with pytest.raises(ConfigError, match="--judge-on english"):
        check_language(guard, "allenai/wildguard", "th")
    others = [family for family in FAMILIES if not family.covers("en")]
    assert others == []  # each could be asked in English


def test_an_english_only_guard_is_taken_in_english(release: Path) -> None:
    """It is the model that is missing then, not the language."""
    settings = judging_settings("allenai/wildguard", "english", TOY)
    with pytest.raises(MissingPrerequisite, match="hf download allenai/wildguard"):
        prepare_judging(settings, ["de", "th"])
    with pytest.raises(ConfigError, match="does not support 'th'"):
        prepare_judging(judging_settings("allenai/wildguard", "native", None), ["th"])


@pytest.mark.parametrize(
    ("named", "engine", "key"),
    [
        ("facebook/nllb-200-distilled-600M", "nllb", "model"),
        ('{ engine = "openai", model = "m", base_url = "http://127.0.0.1:1/v1" }', "openai", "model"),
        ({"engine": "nllb", "model": "org/name"}, "nllb", "model"),
    ],
)
def test_a_translator_is_named_as_in_a_config(named: Any, engine: str, key: str) -> None:
    config = benchmark_config(model="m", dataset="d", judge_on="english", reply_translator=named)
    (told,) = config.settings()["reply_translator"]
    assert told["engine"] == engine and told[key]
    assert reply_backends(config.settings()["reply_translator"])[0].engine == engine  # as run.json keeps it


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"judge_on": "english", "reply_translator": "{ engine = "}, "is not TOML"),
        ({"judge_on": "english", "reply_translator": {"engine": "nonsense"}}, "'nonsense' is unknown"),
        ({"reply_translator": "org/name"}, "only with judge_on"),
        ({"judge_on": "thai"}, "judge_on"),
    ],
)
def test_wrong_settings_are_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        benchmark_config(model="m", dataset="d", **options)


def test_a_folder_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "mt").mkdir()
    file = tmp_path / "run.toml"
    file.write_text(
        'model = "m"\ndataset = "d"\njudge_on = "english"\n[reply_translator]\nengine = "nllb"\nmodel = "mt"\n'
    )
    (backend,) = benchmark_config(file).reply_translator or ()
    assert backend.model == tmp_path / "mt"  # type: ignore[union-attr]


def test_from_the_command_line(replies: Path, release: Path, tmp_path: Path) -> None:
    options = ["--judge", JUDGE, "--judge-on", "english", "--reply-translator", f'{{ engine = "{TOY["engine"]}" }}']
    out = ["--dataset", str(release), "--out", str(tmp_path / "run")]
    done = CliRunner().invoke(app, ["benchmark", "judge", str(replies), *out, *options])
    assert done.exit_code == 0, done.output
    assert "as translated into English by toy:1#" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_preset_of_the_paper_and_what_is_over_it(tmp_path: Path) -> None:
    paper = benchmark_config(model="m", dataset="d", preset="paper")
    assert (paper.max_new_tokens, paper.filter_prompts, paper.judge_on) == (512, True, "english")
    assert benchmark_config(model="m", dataset="d", preset="paper", max_new_tokens=64).max_new_tokens == 64
    file = tmp_path / "run.toml"
    file.write_text('preset = "paper"\nmodel = "m"\ndataset = "d"\nfilter_prompts = false\n')
    assert not benchmark_config(file).filter_prompts
    assert benchmark_config(file, judge_on="native").judge_on == "native"
    behind = benchmark_config(endpoint="m@http://127.0.0.1:1/v1", dataset="d", preset="paper")
    assert (behind.max_new_tokens, behind.filter_prompts) == (512, False)  # an endpoint has no filter
    with pytest.raises(ConfigError, match="unknown preset 'papper': use paper"):
        benchmark_config(model="m", dataset="d", preset="papper")
