"""Commands that make a workspace (init, build, import) or list what it can use (sources, languages, fetch-model)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import (
    CHECK_FOUND_SOMETHING,
    STOPPED_PART_WAY,
    ConfigOption,
    DryRunOption,
    JsonOption,
    pairs,
)
from polyrefuse_data.cli.output import print_data, print_made, print_summary, print_table
from polyrefuse_data.system.machine import keep_freed_memory
from polyrefuse_data.workspace import Workspace

app = typer.Typer()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Folder for the new workspace.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file instead of writing it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented polyrefuse.toml to start from. An existing one is never overwritten."""
    from polyrefuse_data.config import template, write_template

    if dry_run:
        print_data(template())
    else:
        print_made(write_template(Workspace(folder).config), as_json)


@app.command()
def sources(as_json: JsonOption = False) -> None:
    """List the public prompt sets that a build can use by name."""
    from polyrefuse_data.sources import describe_sources

    print_table(describe_sources(), as_json)


@app.command()
def languages(
    all_flores: Annotated[bool, typer.Option("--all", help="List every NLLB-200 language.")] = False,
    check: Annotated[
        str | None,
        typer.Option(metavar="CODE|DIR", help="Show what a language pack lacks, and how that weakens the checks."),
    ] = None,
    new: Annotated[
        tuple[str, Path] | None, typer.Option(metavar="CODE DIR", help="Write a commented language pack to fill in.")
    ] = None,
    fit: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="CODE|DIR ROWS",
            help="Fit a pack's lexicon and bounds to aligned rows: a workspace, or a TSV, JSONL or TMX file.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the languages, or make and check a language pack."""
    from polyrefuse_data.languages import describe_languages, language_or_pack

    if check is not None:
        from polyrefuse_data.quality.strength import strength

        print_table(strength(language_or_pack(check)), as_json)
    elif new is not None:
        from polyrefuse_data.languages.packs import new_pack

        print_table([{"written": str(path)} for path in new_pack(*new)], as_json)
    elif fit is not None:
        from polyrefuse_data.pipeline.fitting import fit_pack

        print_table(fit_pack(language_or_pack(fit[0]), fit[1]), as_json)
    else:
        print_table(describe_languages(everything=all_flores), as_json)


@app.command("fetch-model")
def fetch_model(
    model: Annotated[str, typer.Argument(help="Hub id, or a folder to convert.")] = "facebook/nllb-200-distilled-600M",
    revision: Annotated[str | None, typer.Option(help="Commit, branch or tag (default: the pinned commit).")] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder (default: one in the cache).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a translation model. Converts pickled weights to safetensors and records the commit and digests."""
    from polyrefuse_data.models.fetching import fetch_model as fetch
    from polyrefuse_data.models.store import read_record

    folder = fetch(model, revision, out)
    print_made(folder, as_json, **read_record(folder))


@app.command()
def build(
    config: ConfigOption = Path("polyrefuse.toml"),
    engine: Annotated[str, typer.Option(help="Where the work runs: local, or ray.")] = "local",
    address: Annotated[str | None, typer.Option(help="Address of a Ray cluster (default: start one here).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first N prompts of each source.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate rows, tokens, cost and time; build nothing.")
    ] = False,
    refresh: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BACKEND[:LANGUAGE]",
            help="Drop this backend's stored answers first, so that they are requested again. Repeatable.",
        ),
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="Stop before this workspace costs more than this, in US dollars."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Translate the prompts and check every row. Writes rows.parquet next to the config; run again to resume."""
    from polyrefuse_data.config import NllbBackend, load_config
    from polyrefuse_data.pipeline.build import build as run_build
    from polyrefuse_data.pipeline.summary import BuildSummary

    settings = load_config(config)
    if any(isinstance(backend, NllbBackend) for backend in settings.translation.backends):
        keep_freed_memory()
    summary = run_build(
        Workspace(config.parent),
        settings,
        engine=engine,
        address=address,
        limit=limit,
        dry_run=dry_run,
        refresh=refresh or (),
        max_cost=max_cost,
    )
    print_summary(summary, as_json, is_product=dry_run)
    if isinstance(summary, BuildSummary):
        for problem in summary.problems:
            typer.echo(f"warning: {problem}", err=True)
        if summary.missing:
            raise typer.Exit(STOPPED_PART_WAY)
        if summary.problems:
            raise typer.Exit(CHECK_FOUND_SOMETHING)


@app.command("import")
def import_(
    path: Annotated[
        str,
        typer.Argument(help="Upstream PolyRefuse folder; JSON, CSV, Excel, Parquet or TMX file; ORG/NAME@COMMIT."),
    ],
    out: Annotated[Path, typer.Option(help="Workspace folder to create.")],
    english: Annotated[Path | None, typer.Option(help="Folder with the English prompts, if not next to PATH.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Language of records that have none, if all are in one: de.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Label for records that have none: harmful or harmless.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Split for records that have none: train, validation, test.")
    ] = None,
    license: Annotated[str | None, typer.Option(help="Licence for records that have none, and of the dataset.")] = None,
    files: Annotated[
        str | None, typer.Option(help="Files of a Hub dataset, as a pattern: data/*.parquet. Makes PATH a Hub id.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Name of a column in the file, or a path into it: text=question, text=messages.*.content. Repeatable.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="VALUE=LABEL", help="Meaning of a label in the file, e.g. 1=harmful. Repeatable."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a CSV or TSV file (default: detected).")] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import existing translations and check every row. Restores ids and English prompts; run again to resume."""
    from polyrefuse_data.pipeline.importing import import_path
    from polyrefuse_data.sources.reading import Reading

    summary = import_path(
        path,
        Workspace(out),
        hub_files=files,
        english=english,
        language=language,
        label=label,
        split=split,
        license=license,
        reading=Reading(pairs(columns, "--columns"), pairs(labels, "--labels"), encoding),
        dry_run=dry_run,
    )
    print_summary(summary, as_json, is_product=dry_run)
