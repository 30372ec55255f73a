"""Commands with which people label a run's replies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import DryRunOption, JsonOption, codes, complete_languages
from polyrefuse_data.cli.output import print_made, print_summary
from polyrefuse_data.system.extras import require

app = typer.Typer(help="Have people label replies, to learn how often the judge errs.", no_args_is_help=True)

RunArgument = Annotated[Path, typer.Argument(help="Run folder.")]


@app.command("export")
def label_export(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="File to write. [default: RUN/labels/labels.csv, or .html with --page]")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Write an HTML page that works offline, not a sheet.")] = False,
    size: Annotated[int, typer.Option(min=1, help="Replies per language.")] = 150,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 1,
    languages: Annotated[
        str | None,
        typer.Option(help="Languages to label, e.g. en,de,yo. [default: all]", autocompletion=complete_languages),
    ] = None,
    interventions: Annotated[
        str | None, typer.Option(help="What to draw from, e.g. baseline,random. [default: baseline,ablation]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw replies for people to label, without the judge's verdicts."""
    from polyrefuse_data.benchmark.labels import export_labels

    drawn_from = interventions.split(",") if interventions else None
    sheet = export_labels(
        run, out, page=page, size=size, seed=seed, languages=codes(languages), interventions=drawn_from
    )
    print_made(sheet, as_json)


@app.command("import")
def label_import(
    run: RunArgument,
    file: Annotated[Path, typer.Argument(help="The filled-in sheet, or the file downloaded from the page.")],
    annotator: Annotated[str | None, typer.Option(help="Who labelled the replies, if the file does not say.")] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Keep a person's labels in the run, and correct its refusal rates for the judge's errors."""
    require("a benchmark report", "benchmark")
    from polyrefuse_data.benchmark.labels import import_labels

    done = import_labels(run, file, annotator=annotator, dry_run=dry_run)
    print_summary(done, as_json, is_product=dry_run)
