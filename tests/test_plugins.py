"""What others write is found by name, named where it fails, and told from its other versions; no row is lost by it."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyrefuse_data import plugins
from polyrefuse_data.benchmark import Rule, judge_refusal, judge_replies
from polyrefuse_data.benchmark.judges import judge_signature
from polyrefuse_data.benchmark.selection import rule_of
from polyrefuse_data.config import load_config, parse_config
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, PluginError
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.quality import audit, check, signature
from polyrefuse_data.quality.score_table import origins
from polyrefuse_data.sources import load_prompts
from polyrefuse_data.system.files import write_table
from polyrefuse_data.translation import open_backend
from polyrefuse_data.workspace import Workspace
from tests.faults.launcher import Call
from tests.quality.tables import make_table

CHECK = """\
import numpy as np

from polyrefuse_data.quality import Check, Threshold


def loud(batch):
    {body}


LOUD = Check(
    name="loud",
    description="Ends with an exclamation mark.",
    score=loud,
    thresholds=[Threshold(flag="loud", score="marks", at_most=0{more})],
)
"""
MARKS = 'return {"marks": np.array([float(text.endswith("!")) for text in batch.text])}'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder; its modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> None:
    """A module that is read anew."""
    (folder / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    sys.modules.pop(name, None)


def write_check(folder: Path, body: str = MARKS, more: str = "", name: str = "mine") -> str:
    write(folder, name, CHECK.format(body=body, more=more))
    return f"{name}:LOUD"


def rows(*texts: str) -> pa.Table:
    return make_table(*({"text": text} for text in texts))


def flags(table: pa.Table) -> list[list[str]]:
    found: list[list[str]] = table["flags"].to_pylist()
    return found


# --- how they are found --------------------------------------------------------------------------------------------


def test_a_module_is_found_in_the_current_folder_and_in_that_of_the_config(folder: Path, tmp_path: Path) -> None:
    write_check(folder, name="in_the_current_folder")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_check(elsewhere, name="beside_the_config")
    with pytest.raises(PluginError, match="plug-in beside_the_config:LOUD: cannot be loaded: ModuleNotFoundError"):
        signature({"checks": ["beside_the_config:LOUD"]})
    config = elsewhere / "polyrefuse.toml"
    config.write_text('[quality]\nchecks = ["in_the_current_folder:LOUD"]\n')
    assert "loud:1[in_the_current_folder:LOUD " in signature(load_config(config).quality)
    config.write_text('[quality]\nchecks = ["beside_the_config:LOUD"]\n')
    assert "loud:1[beside_the_config:LOUD " in signature(load_config(config).quality)


def test_nothing_in_these_folders_comes_before_a_module_that_python_finds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)  # a module of Python's own
    (folder / "colorsys.py").write_text("raise SystemExit(7)")
    audit(rows("a"), {"checks": [write_check(folder, f"import colorsys; {MARKS}")]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "AttributeError: module 'mine' has no attribute 'LOUD'"),
        ("LOUD = 3", "is a int, not a polyrefuse_data.quality.Check"),
        ("LOUD = object", "is the class object, not a polyrefuse_data.quality.Check"),
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing' .mine.py, line 1"),
        ("x = 1\n1 / 0", "cannot be loaded: ZeroDivisionError: division by zero .mine.py, line 2"),
        ("x = (", "cannot be loaded: SyntaxError"),
        ("import sys\nsys.exit(0)", "cannot be loaded: SystemExit: 0 .mine.py, line 2"),
        ("from polyrefuse_data.quality import Check\nLOUD = Check('loud', '')", "give a one-line description"),
        ("from polyrefuse_data.quality import Check\nLOUD = Check('loud', 'x')", "has no score function"),
        (
            "from polyrefuse_data.quality import Check\nLOUD = Check('two words', 'x')",
            "'two words' is not a valid name",
        ),
        ("from polyrefuse_data.quality import Threshold\nLOUD = Threshold('a', 'b')", "at_least or at_most"),
    ],
)
def test_what_cannot_be_loaded_is_named(folder: Path, text: str, message: str) -> None:
    write(folder, "mine", text)
    with pytest.raises(PluginError, match=rf"plug-in mine:LOUD: .*{message}") as failed:
        audit(rows("a"), {"checks": ["mine:LOUD"]})
    assert failed.value.exit_code == 2


@pytest.mark.parametrize(
    "name", ["loud", "mine", "mine.LOUD", "mine:", ":LOUD", "os:system()", "a b:c", "", "../mine:LOUD"]
)
def test_what_is_no_name_of_a_plug_in_is_said_with_its_key(name: str) -> None:
    with pytest.raises(ConfigError, match=r"quality\.checks\.0: .* is not a plug-in: write module:NAME"):
        audit(rows("a"), {"checks": [name]})


def test_an_error_of_a_plug_in_that_has_an_exit_code_keeps_it(folder: Path) -> None:
    body = "from polyrefuse_data.errors import MissingPrerequisite; raise MissingPrerequisite('run `make it`')"
    with pytest.raises(PluginError, match="plug-in mine:LOUD: run `make it`") as failed:
        audit(rows("a"), {"checks": [write_check(folder, body)]})
    assert failed.value.exit_code == MissingPrerequisite.exit_code


def test_rows_never_name_a_plug_in(folder: Path) -> None:
    """A value of a file that looks like one is data."""
    write(folder, "evil", "raise SystemExit('ran')")
    table = make_table({"language": "evil:X", "translator": "evil:X", "source": "evil:X", "text": "evil:X"})
    assert "unknown_language" in flags(audit(table))[0]
    assert "evil" not in sys.modules


# --- checks --------------------------------------------------------------------------------------------------------


def test_a_check_decides_like_the_built_in_ones(folder: Path) -> None:
    name = write_check(folder, more=', by_language={"fr": 1}')
    table = make_table({"text": "Nein!"}, {"text": "Nein."}, {"text": "Non!", "language": "fr"})
    audited = audit(table, {"checks": [name]})
    assert ["loud" in row for row in flags(audited)] == [True, False, False]
    assert audited["status"].to_pylist()[0] == "rejected"
    for config in (
        {"disable": ["loud"]},
        {"thresholds": {"loud": 1}},
        {"thresholds": {"loud": {"de": 1}}},
    ):
        assert not any("loud" in row for row in flags(audit(table, {"checks": [name], **config})))
    remark = write_check(folder, more=", rejects=False", name="remark")
    remarked = audit(table, {"checks": [remark]})
    assert ["loud" in row for row in flags(remarked)] == [True, False, True]
    assert remarked["status"].equals(audit(table)["status"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return [text.nothing for text in batch.text]", "AttributeError: 'str' object .*mine.py, line 7"),
        ("return np.array([0.0] * len(batch))", "gave a ndarray, not a dict of scores by name"),
        ("return {}", "gave no score named marks"),
        ('return {"marks": np.zeros(len(batch) + 1)}', r"gave marks in the shape \(3,\); its batch had 2 rows"),
        ('return {"marks": 0.0}', r"gave marks in the shape \(\)"),
        ('return {"marks": np.array([True] * len(batch))}', "gave marks as bool: give floats"),
        ('return {"marks": ["a"] * len(batch)}', "gave marks as <U1: give floats"),
        (
            'return {"marks": np.zeros(len(batch)), "two words": np.zeros(len(batch))}',
            "'two words' is not a valid name",
        ),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise KeyError", "KeyError"),
    ],
)
def test_a_check_that_fails_is_named_and_the_rows_stay_as_they_were(folder: Path, body: str, message: str) -> None:
    workspace = Workspace(folder / "ws")
    write_table(rows("Nein!", "Nein."), workspace.rows)
    check(workspace, progress=False)
    before = {path.name: path.read_bytes() for path in workspace.path.glob("*.parquet")}
    name = write_check(folder, body)
    with pytest.raises(PluginError, match=rf"plug-in mine:LOUD: .*{message}"):
        check(workspace, {"checks": [name]}, progress=False)
    assert {path.name: path.read_bytes() for path in workspace.path.glob("*.parquet")} == before
    write_check(folder)
    summary = check(workspace, {"checks": [name]}, progress=False)
    assert summary.scored == summary.rows == 2
    assert ["loud" in row for row in flags(workspace.read_rows())] == [True, False]


def test_scores_of_a_check_are_kept_until_its_file_changes(folder: Path) -> None:
    workspace = Workspace(folder / "ws")
    write_table(rows("Nein!", "Nein."), workspace.rows)
    config = {"checks": [write_check(folder)]}
    assert check(workspace, config, progress=False).scored == 2
    assert check(workspace, {**config, "thresholds": {"loud": 1}}, progress=False).scored == 0
    first = signature(config)
    write_check(folder, MARKS.replace('"!"', '"."'))
    assert signature(config) != first
    assert check(workspace, config, progress=False).scored == 2
    assert ["loud" in row for row in flags(workspace.read_rows())] == [False, True]
    (identity,) = [known for known in origins(pq.read_table(workspace.scores)) if known.startswith("loud:")]
    assert identity in signature(config)


def test_rows_that_a_check_has_judged_can_be_read_without_it(polyrefuse: Call, folder: Path) -> None:
    workspace = Workspace(folder / "ws")
    write_table(rows("Nein!"), workspace.rows)
    workspace.config.write_text(f'[quality]\nchecks = ["{write_check(folder)}"]\n')
    check(workspace, progress=False)
    (folder / "mine.py").unlink()
    sys.modules.pop("mine")
    for command in (["report", "ws"], ["status", "ws"], ["show", "ws"]):
        said = polyrefuse(*command, cwd=folder)
        assert said.returncode == 0, said.stderr
    summary = json.loads((workspace.report / "summary.json").read_text(encoding="utf-8"))
    assert summary["status"]["rejected"] == 1 and summary["legend"]["loud"] == "Ends with an exclamation mark."
    assert "plug-in mine:LOUD" in summary["notice"]
    page = (workspace.report / "index.html").read_text(encoding="utf-8")
    assert '<th scope="row">loud</th><td>Ends with an exclamation mark.</td>' in page
    refused = polyrefuse("release", "ws", "--version", "1.0.0", "--out", "rel", cwd=folder)
    assert refused.returncode == 2 and "plug-in mine:LOUD" in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.slow
def test_other_processes_run_a_check_too_and_name_it_where_it_fails(folder: Path) -> None:
    table = rows(*(f"Zeile {number}{'!' if number % 3 else '.'}" for number in range(2500)))
    config = {"checks": [write_check(folder)]}
    assert flags(audit(table, config, workers=3)) == flags(audit(table, config, workers=1))
    write_check(folder, "if 'Zeile 2401!' in batch.text: raise ValueError('odd row')\n    " + MARKS)
    with pytest.raises(PluginError, match=r"plug-in mine:LOUD: ValueError: odd row \(mine\.py, line 7\)"):
        audit(table, config, workers=3)


@pytest.mark.parametrize(
    ("name", "score", "message"),
    [
        ("script", "marks", "two checks have the name script"),
        ("loud", "chrf", "two checks have the score chrf"),
        ("conflict", "marks", "the name conflict is taken"),
        ("text", "marks", "the name text is taken"),
    ],
)
def test_two_checks_cannot_share_a_name(folder: Path, name: str, score: str, message: str) -> None:
    text = CHECK.format(body=MARKS.replace("marks", score), more="").replace('"marks"', f'"{score}"')
    write(folder, "mine", text.replace('"loud"', f'"{name}"'))
    with pytest.raises(ConfigError, match=message):
        audit(rows("a"), {"checks": ["mine:LOUD"]})


def test_a_score_that_no_threshold_names_may_not_be_another_checks(folder: Path) -> None:
    body = 'return {"marks": np.zeros(len(batch)), "chrf": np.zeros(len(batch))}'
    with pytest.raises(ConfigError, match=r"check loud:1\[mine:LOUD .* gives a score named chrf"):
        audit(rows("a"), {"checks": [write_check(folder, body)]})


# --- imported scores -----------------------------------------------------------------------------------------------


def rated(name: str, values: list[Any]) -> pa.Table:
    return rows(*("Nein." for _ in values)).append_column(name, pa.array(values))


def test_any_numeric_column_may_have_a_bound() -> None:
    table = rated("bleurt", [0.3, 0.4, None])
    audited = audit(table, {"scores": {"bleurt": {"at_least": 0.4}}})
    assert ["bleurt" in row for row in flags(audited)] == [True, False, False]
    assert audited["status"].to_pylist()[0] == "rejected" and audited["bleurt"].to_pylist() == [0.3, 0.4, None]
    most = {"scores": {"bleurt": {"at_most": 0.35, "by_language": {"de": 0.5}, "rejects": False}}}
    assert not any("bleurt" in row for row in flags(audit(table, most)))
    assert not any("bleurt" in row for row in flags(audit(table)))
    changed = {"scores": {"bleurt": {"at_least": 0.4}}, "thresholds": {"bleurt": {"de": 0.1}}}
    assert not any("bleurt" in row for row in flags(audit(table, changed)))
    assert not any("bleurt" in row for row in flags(audit(rows("Nein."), changed)))


def test_a_bound_of_the_config_takes_the_place_of_a_known_scores_own() -> None:
    table = rated("human", [1, 3, 5])
    audited = audit(table, {"scores": {"human": {"at_least": 3}}})
    assert ["human" in row for row in flags(audited)] == [True, False, False]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"bleurt": {}}, "at_least or at_most"),
        ({"bleurt": {"at_least": 1, "at_most": 2}}, "at_least or at_most"),
        ({"bleurt": {"at_least": float("nan")}}, "nan is not a bound"),
        (
            {"bleurt": {"at_least": 1, "by_language": {"xx": 2}}},
            r"scores.bleurt.by_language.xx: 'xx' is not a language",
        ),
        ({"chrf": {"at_least": 1}}, "chrf"),
        ({"text": {"at_least": 1}}, "the name text is taken"),
        ({"two words": {"at_least": 1}}, "is not a valid name"),
        ({"bleurt": 0.4}, "quality.scores.bleurt"),
    ],
)
def test_a_bound_that_is_none_is_said_with_its_key(scores: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        audit(rows("a"), {"scores": scores})


def test_a_column_of_words_is_no_score() -> None:
    with pytest.raises(ConfigError, match="column bleurt does not hold numbers"):
        audit(rated("bleurt", ["a", "b"]), {"scores": {"bleurt": {"at_least": 1}}})


# --- prompt sets ---------------------------------------------------------------------------------------------------


def prompts_of(folder: Path, text: str, **settings: Any) -> list[dict[str, Any]]:
    write(folder, "mine", text)
    config = parse_config({"sources": [{"name": "own", "loader": "mine:PROMPTS", **settings}]})
    found: list[dict[str, Any]] = load_prompts(config.sources).to_pylist()
    return found


def test_prompts_come_from_a_list_or_a_function_and_are_records_like_those_of_files(folder: Path) -> None:
    for text in (
        'PROMPTS = [{"text": "Name a fruit.", "label": "harmless", "split": "dev"}]',
        'def PROMPTS():\n    yield {"prompt": "Name a fruit.", "label": "harmless", "split": "dev"}',
    ):
        (prompt,) = prompts_of(folder, text, license="MIT")
        assert (prompt["text"], prompt["split"], prompt["license"]) == ("Name a fruit.", "validation", "MIT")
        assert prompt["id"].startswith("own-")
    (prompt,) = prompts_of(folder, 'PROMPTS = [{"text": "Name a fruit."}]', label="harmless", split="test")
    assert (prompt["label"], prompt["split"]) == ("harmless", "test")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PROMPTS = []", "plug-in mine:PROMPTS: gave no prompts"),
        ("PROMPTS = 3", "plug-in mine:PROMPTS: TypeError"),
        ('PROMPTS = ["Name a fruit."]', "plug-in mine:PROMPTS: gave a str, not a Prompt"),
        ('PROMPTS = [{"text": "Name a fruit."}]', "plug-in mine:PROMPTS, prompt 1 has no label"),
        ('PROMPTS = [{"label": "harmless"}]', "plug-in mine:PROMPTS, prompt 1: no prompt, only label"),
        ('PROMPTS = [{"text": 3, "label": "harmless"}]', "plug-in mine:PROMPTS, prompt 1: text is a number"),
        ("def PROMPTS():\n    yield {}[0]", "plug-in mine:PROMPTS: KeyError: 0 .mine.py, line 2"),
    ],
)
def test_a_prompt_set_that_fails_is_named(folder: Path, text: str, message: str) -> None:
    with pytest.raises(Exception, match=message):
        prompts_of(folder, text)


def test_a_source_has_one_place() -> None:
    with pytest.raises(ConfigError, match="path, hub and loader exclude each other"):
        parse_config({"sources": [{"name": "own", "loader": "mine:X", "path": "x.jsonl"}]})


# --- translators ---------------------------------------------------------------------------------------------------

TRANSLATOR = """\
from polyrefuse_data.translation import Failure, Translation

class Mine:
    def __init__(self, mark="", fail=""):
        self.name, self.settings, self.units = "mine", {"mark": mark}, None
        self.mark, self.fail = mark, fail
    def takes(self, pair): return pair.source.code == "en"
    def prepare(self, pairs): pass
    def plan(self, requests): return [[number] for number in range(len(requests))]
    def close(self): pass
    def translate(self, batches):
        for number, batch in enumerate(batches):
            %s
            yield number, [Translation(f"Schreibe mir ein Gedicht über {r.text[6:-1]}{self.mark}.") for r in batch]
"""


def translator(folder: Path, body: str = "pass") -> None:
    write(folder, "mine", TRANSLATOR % body)


def settings_of(folder: Path, **keys: Any) -> tuple[Workspace, Any]:
    prompts = [{"text": f"Write {topic}.", "label": "harmless"} for topic in ("Rom", "Paris", "London", "Berlin")]
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    backend = {"engine": "mine:Mine", **keys}
    sources = [{"name": "own", "path": str(folder / "prompts.jsonl"), "license": "MIT"}]
    config = {"languages": ["de"], "sources": sources, "translation": {"backends": [backend]}}
    return Workspace(folder / "ws"), parse_config(config)


def test_a_translator_that_fails_is_named_and_what_it_translated_is_kept(folder: Path) -> None:
    workspace, config = settings_of(folder)
    translator(folder, "if 'London' in batch[0].text: raise ValueError('no London')")
    with pytest.raises(PluginError, match=r"plug-in mine:Mine: ValueError: no London \(mine\.py, line 13\)"):
        build(workspace, config, progress=False)
    assert not workspace.rows.exists()
    translator(folder)
    summary = build(workspace, config, progress=False)
    table = workspace.read_rows()
    assert table.num_rows == 8 and summary.rows == 8  # type: ignore[union-attr]
    assert {row["translator"] for row in table.to_pylist()} == {"", "mine"}


def test_another_version_of_a_translator_is_asked_anew(folder: Path) -> None:
    workspace, config = settings_of(folder)
    translator(folder)
    build(workspace, config, progress=False)
    before = [row["text"] for row in workspace.read_rows().to_pylist() if row["language"] == "de"]
    write(folder, "mine", (TRANSLATOR % "pass").replace("Schreibe mir", "Schreiben Sie mir"))
    build(workspace, config, progress=False)
    after = [row["text"] for row in workspace.read_rows().to_pylist() if row["language"] == "de"]
    assert all(text.startswith("Schreibe mir") for text in before)
    assert all(text.startswith("Schreiben Sie mir") for text in after)


def test_keys_of_the_config_go_to_the_constructor(folder: Path) -> None:
    translator(folder)
    _, config = settings_of(folder, mark="!", languages=["de"])
    opened = open_backend(config.translation.backends[0])
    assert opened.settings["mark"] == "!" and opened.settings["plugin"].startswith("mine:Mine ")
    _, wrong = settings_of(folder, mrak="!")
    with pytest.raises(PluginError, match=r"plug-in mine:Mine: TypeError: .*mrak"):
        open_backend(wrong.translation.backends[0])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("yield number, []; return", "gave 0 results for a batch of 1 text:"),
        ("yield number, ['text']; return", "gave a str, not a Translation or a Failure"),
        ("yield number, [Translation(3)]; return", "gave a Translation of a int, not of a str"),
        ("yield number, [Translation('a', origin='me')]; return", "gave a Translation of origin 'me'"),
        ("yield 99, [Translation('a')]; return", "gave batch 99, which is unknown"),
        (
            "yield number, [Failure('no')]; yield number, [Failure('no')]",
            "gave batch 0, which is unknown or was already",
        ),
        ("return", "gave nothing for 4 of 4 batches"),
        ("yield 3; return", "TypeError"),
    ],
)
def test_answers_that_are_none_are_said(folder: Path, body: str, message: str) -> None:
    translator(folder, body)
    workspace, config = settings_of(folder)
    with pytest.raises(PluginError, match=f"plug-in mine:Mine: .*{message}"):
        build(workspace, config, progress=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Mine = 3", "is a int, not the class of"),
        ("class Mine: pass", "has no name, settings, units, prepare, plan, translate, close"),
        (TRANSLATOR.replace('"mine"', '" "') % "pass", "has no name for the rows"),
        (TRANSLATOR.replace('{"mark": mark}', "{1, 2}") % "pass", "TypeError"),
        (TRANSLATOR.replace("[[number] for", "[[0] for") % "pass", "does not plan each of the 4 texts exactly once"),
        (
            TRANSLATOR.replace("def prepare(self, pairs): pass", "def prepare(self, pairs): 1 / 0") % "pass",
            "ZeroDivision",
        ),
    ],
)
def test_a_class_that_is_no_translator_is_said_before_anything_is_translated(
    folder: Path, text: str, message: str
) -> None:
    write(folder, "mine", text)
    workspace, config = settings_of(folder)
    with pytest.raises(PluginError, match=f"plug-in mine:Mine: .*{message}"):
        build(workspace, config, progress=False)


def test_a_backend_that_is_none_names_those_that_there_are() -> None:
    with pytest.raises(
        ConfigError, match=r"translation\.backends\.0\.engine: 'nlb' is unknown: use one of memory, nllb, openai"
    ):
        parse_config({"translation": {"backends": [{"engine": "nlb", "model": "x"}]}})
    with pytest.raises(ConfigError, match=r"translation\.backends\.0\.nmae: unknown key"):
        parse_config({"translation": {"backends": [{"engine": "memory", "paths": ["x"], "nmae": 1}]}})


# --- judges and rules ----------------------------------------------------------------------------------------------

JUDGE = """\
from polyrefuse_data.benchmark import Opinion

class Mine:
    needs_prompts = False
    def signature(self, language=None): return "mine 1.0"
    def opinions(self, responses, language, prompts): {body}
    def close(self): pass

MINE = Mine()
"""


def test_a_judge_may_be_a_class_or_an_object_and_its_version_is_in_its_signature(folder: Path) -> None:
    write(folder, "mine", JUDGE.format(body='return [Opinion("no" in text) for text in responses]'))
    for name in ("mine:Mine", "mine:MINE"):
        assert judge_refusal(["no", "", "yes"], "de", judge=name) == [True, None, False]
        assert judge_signature(name).startswith(f"mine 1.0 ({name} ")
    first = judge_signature("mine:Mine")
    write(folder, "mine", JUDGE.format(body="return [Opinion(None) for _ in responses]"))
    assert judge_signature("mine:Mine") != first


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return [Opinion(True)]", "gave 1 opinion on 2 replies"),
        ("return [True for _ in responses]", "gave True, which is not an Opinion"),
        ("return [Opinion('yes') for _ in responses]", "which is not an Opinion"),
        ("raise ValueError('odd')", "ValueError: odd .mine.py, line 6"),
    ],
)
def test_a_judge_that_fails_is_named(folder: Path, body: str, message: str) -> None:
    write(folder, "mine", JUDGE.format(body=body))
    with pytest.raises(PluginError, match=f"plug-in mine:Mine: .*{message}"):
        judge_replies(["a", "b"], "en", judge="mine:Mine")


def test_a_rule_is_called_as_it_was_found(folder: Path) -> None:
    write(folder, "mine", "from polyrefuse_data.benchmark import Rule\nMINE = Rule('arditi', 0.05, 0.0)\nOTHER = 3")
    rule = rule_of("mine:MINE")
    assert isinstance(rule, Rule) and rule.max_kl == 0.05 and rule.name.startswith("mine:MINE ")
    with pytest.raises(PluginError, match=r"plug-in mine:OTHER: is a int, not a polyrefuse_data\.benchmark\.Rule"):
        rule_of("mine:OTHER")
    with pytest.raises(ConfigError, match="'mine' is unknown: use arditi or polyrefuse, or a plug-in"):
        rule_of("mine")


# --- entry points --------------------------------------------------------------------------------------------------


def test_two_distributions_that_offer_one_name_are_both_named(folder: Path) -> None:
    for distribution, value in (("one", "mine:A"), ("other", "mine:B")):
        metadata = folder / "site" / f"{distribution}-1.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (metadata / "entry_points.txt").write_text(f"[polyrefuse.checks]\nloud = {value}\n")
    sys.path.append(str(folder / "site"))
    with pytest.raises(PluginError, match=r"one \(mine:A\) and other \(mine:B\) both have an entry point"):
        plugins.find(plugins.CHECKS, "loud")
    with pytest.raises(
        ConfigError, match=r"quality\.checks\.0: 'quiet' is unknown: use one of loud, write module:NAME"
    ):
        audit(rows("a"), {"checks": ["quiet"]})


def test_scores_of_a_check_may_be_integers(folder: Path) -> None:
    audited = audit(rows("Nein!", "Nein."), {"checks": [write_check(folder, MARKS.replace("float(", "int("))]})
    assert ["loud" in row for row in flags(audited)] == [True, False]
    assert np.isfinite(np.array([len(row) for row in flags(audited)])).all()
