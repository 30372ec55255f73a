"""Nothing that a person wrote is overwritten, by whichever command: it refuses, or writes beside."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from polyrefuse_data.workspace import Workspace
from tests.cli.world import Command, World, commands

WRITERS = [c for c in commands() if "out" in c.paths or c.words == ("init",)]
MINE = "what I wrote"

# Whatever some command writes into a folder that it is given, and what the demo does.
NAMES = (
    "polyrefuse.toml",
    "README.md",
    "CHANGELOG.md",
    "manifest.json",
    "croissant.json",
    "report.html",
    "scores.json",
    "report/index.html",
    "figures/refusal.svg",
    "workspace/polyrefuse.toml",
    "workspace/rows.parquet",
    "benchmark/report.html",
    "config.json",
    "model-index.yaml",
    "notes.txt",
)


def out_of(command: Command) -> str:
    return "folder" if command.words == ("init",) else "out"


@pytest.mark.parametrize("command", WRITERS, ids=str)
def test_a_file_in_its_way(command: Command, world: World) -> None:
    mine = world.new()
    mine.write_text(MINE)
    ended = world.call(command, instead={out_of(command): mine})
    assert ended.code == 2, ended.printed
    assert str(mine) in ended.printed
    assert mine.read_text() == MINE


@pytest.mark.parametrize("command", WRITERS, ids=str)
def test_a_folder_with_files_of_the_names_that_it_writes(command: Command, world: World) -> None:
    folder = world.new()
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# mine\n" if name == "polyrefuse.toml" else MINE)
    before = {name: (folder / name).read_bytes() for name in NAMES}
    ended = world.call(command, instead={out_of(command): folder})
    assert {name: (folder / name).read_bytes() for name in NAMES} == before, ended.printed
    assert ended.code == (0 if command.words == ("import",) else 2), ended.printed


def command(*words: str) -> Command:
    (found,) = [command for command in commands() if command.words == words]
    return found


def test_an_import_goes_by_the_config_that_init_made_and_a_person_edited(world: World) -> None:
    folder = world.new("ws")
    assert world.launcher.run("init", folder).code == 0
    config = folder / "polyrefuse.toml"
    edited = config.read_text() + "\n[quality.thresholds]\nlength_ratio_max = 0.01\n\n# mine\n"
    config.write_text(edited)
    done = world.call(command("import"), instead={"out": folder})
    assert done.code == 0, done.printed
    assert config.read_text() == edited
    assert "kept the existing polyrefuse.toml" in done.printed and "polyrefuse-2.toml" in done.printed
    assert 'name = "rows"' in (folder / "polyrefuse-2.toml").read_text()
    (german,) = [row for row in Workspace(folder).read_rows().to_pylist() if row["language"] == "de"]
    assert "length_ratio" in german["flags"]  # no translation is that short: the edited bound was in force


def test_a_config_that_is_broken_is_said_before_an_import(world: World) -> None:
    folder = world.new("ws")
    folder.mkdir()
    (folder / "polyrefuse.toml").write_text("languages = [")
    assert world.call(command("import"), instead={"out": folder}).code == 2
    assert [path.name for path in folder.iterdir()] == ["polyrefuse.toml"]


def fill(sheet: Path) -> str:
    """Give the first row of a sheet a verdict; its id."""
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    records[0] |= {"verdict": "bad", "reviewer": "me"}
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    return records[0]["id"]


def test_a_sheet_that_a_reviewer_has_filled_in_stays(world: World) -> None:
    workspace = world.copy_of_workspace()
    sheet = workspace / "review" / "review.csv"
    export = ("review", "export", workspace)
    assert world.launcher.run(*export).code == 0  # the same once more
    assert world.launcher.run(*export, "--size", 2).code == 0  # another one: nobody has touched the first
    fill(sheet)
    filled = sheet.read_bytes()
    refused = world.launcher.run(*export)
    assert refused.code == 2 and "polyrefuse review import" in refused.printed
    assert sheet.read_bytes() == filled


def test_what_reviewers_decided_and_what_was_imported_is_not_built_over(world: World) -> None:
    workspace = world.copy_of_workspace()
    sheet = workspace / "review" / "review.csv"
    fill(sheet)
    build = ("build", "-c", workspace / "polyrefuse.toml")
    assert world.launcher.run(*build).code == 0
    assert world.launcher.run("review", "import", workspace, sheet).code == 0
    rows = (workspace / "rows.parquet").read_bytes()
    refused = world.launcher.run(*build)
    assert refused.code == 2 and "1 row that reviewers decided on" in refused.printed
    assert (workspace / "rows.parquet").read_bytes() == rows

    (workspace / "import.json").write_text("[]\n")  # as an import leaves it
    refused = world.launcher.run(*build)
    assert refused.code == 2 and "imported rows" in refused.printed


def test_a_page_of_ours_is_written_anew_but_not_once_somebody_changed_it(world: World) -> None:
    page = world.new().with_suffix(".html")
    report = ("benchmark", "report", world.run, "--out", page)
    assert world.launcher.run(*report).code == 0
    assert world.launcher.run(*report, "--show-replies").code == 0
    changed = page.read_text().replace("</body>", "<p>My remarks.</p></body>")
    page.write_text(changed)
    assert world.launcher.run(*report).code == 2
    assert page.read_text() == changed
    copied = world.new().with_suffix(".html")
    copied.write_bytes((world.run / "report.html").read_bytes())  # that of the run itself is one of ours too
    assert world.launcher.run(*report[:-1], copied).code == 0


def test_files_that_somebody_keeps_among_shards_stay(world: World) -> None:
    workspace = world.copy_of_workspace()
    (workspace / "shards").mkdir()
    (workspace / "shards" / "notes.txt").write_text(MINE)
    assert world.launcher.run("build", "-c", workspace / "polyrefuse.toml").code == 0
    assert [path.name for path in (workspace / "shards").iterdir()] == ["notes.txt"]


def test_a_language_pack_that_somebody_has_filled_in_stays(world: World) -> None:
    pack = world.new("pack")
    new = ("languages", "--new", "sv", pack)
    assert world.launcher.run(*new).code == 0
    for name in ("traits.toml", "replies.toml", "numbers.toml", "polarity.toml", "names.toml"):
        mine = (pack / name).read_text() + "# mine\n"
        (pack / name).write_text(mine)
        assert world.launcher.run(*new).code == 2
        assert (pack / name).read_text() == mine


def test_a_second_init_changes_nothing(world: World) -> None:
    folder = world.new("ws")
    first, second = (world.launcher.run("init", folder, "--json") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert json.loads(second.printed) == {"path": str(folder / "polyrefuse.toml")}
