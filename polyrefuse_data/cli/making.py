"""Commands that make a workspace: init, build, import; and what can be named in them: sources, languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import STOPPED_PART_WAY, ConfigOption, JsonOption
from polyrefuse_data.cli.output import print_summary, print_table
from polyrefuse_data.workspace import Workspace

app = typer.Typer()


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder to make a workspace of.")]) -> None:
    """Write a commented polyrefuse.toml to start from."""
    from polyrefuse_data.config import write_template

    typer.echo(write_template(Workspace(folder).config))


@app.command()
def sources(as_json: JsonOption = False) -> None:
    """List the public prompt sets that a build can take by name."""
    from polyrefuse_data.sources import describe_sources

    print_table(describe_sources(), as_json)


@app.command()
def languages(
    all_flores: Annotated[bool, typer.Option("--all", help="Every NLLB-200 language.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the languages: BCP-47 code, FLORES code, script, name."""
    from polyrefuse_data.languages import describe_languages

    print_table(describe_languages(everything=all_flores), as_json)


@app.command()
def build(
    config: ConfigOption = Path("polyrefuse.toml"),
    engine: Annotated[str, typer.Option(help="Where the work runs: local, or ray.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster (default: one on this machine).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N prompts of each source.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print rows, tokens, money and time; do nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Translate the prompts, check every row, write rows.parquet beside the config. Run again to resume."""
    from polyrefuse_data.config import load_config
    from polyrefuse_data.pipeline.build import build as run_build
    from polyrefuse_data.pipeline.summary import BuildSummary

    settings = load_config(config)
    summary = run_build(
        Workspace(config.parent), settings, engine=engine, address=address, limit=limit, dry_run=dry_run
    )
    print_summary(summary, as_json)
    if isinstance(summary, BuildSummary) and summary.missing:
        raise typer.Exit(STOPPED_PART_WAY)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="Upstream PolyRefuse folder, or a JSONL, CSV or TMX file.")],
    out: Annotated[Path, typer.Option(help="Workspace folder to make.")],
    english: Annotated[Path | None, typer.Option(help="Folder with the English prompts, if not beside PATH.")] = None,
    label: Annotated[str | None, typer.Option(help="Of records of a file that do not say: harmful, harmless.")] = None,
    split: Annotated[str | None, typer.Option(help="Of records of a file that do not say: train, ...")] = None,
    license: Annotated[str | None, typer.Option(help="Of records of a file that do not say, and the whole.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Bring existing translations into a workspace, restore ids and English, check every row. Run again to resume."""
    from polyrefuse_data.pipeline.importing import import_path

    summary = import_path(path, Workspace(out), english=english, label=label, split=split, license=license)
    print_summary(summary, as_json)
