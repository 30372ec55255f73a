"""Commands that check, show and review the rows of a workspace: status, check, show, report, sample, review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import (
    DryRunOption,
    JsonOption,
    LanguagesOption,
    SeedOption,
    StrataOption,
    WorkspaceArgument,
    codes,
)
from polyrefuse_data.cli.output import print_data, print_done, print_made, print_summary
from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.workspace import Workspace

app = typer.Typer()
review_app = typer.Typer(help="Have people review rows, in a spreadsheet or a browser.", no_args_is_help=True)
app.add_typer(review_app, name="review")

SheetOption = Annotated[
    Path | None, typer.Option(help="A .csv, .xlsx or .html file (default: WORKSPACE/review/review.csv).")
]


@app.command()
def status(workspace: WorkspaceArgument, as_json: JsonOption = False) -> None:
    """Show what a workspace holds and what to do next. Includes the progress of a build, import or check."""
    from polyrefuse_data.pipeline.status import workspace_status

    print_summary(workspace_status(Workspace(workspace)), as_json)


@app.command()
def show(
    where: Annotated[
        str, typer.Argument(metavar="WORKSPACE|RELEASE", help="A folder, or ORG/NAME[@REVISION] on the Hub.")
    ],
    id: Annotated[str | None, typer.Argument(help="Only rows of this prompt.")] = None,
    language: Annotated[str | None, typer.Option(help="Only rows in this language.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only rows with this status: accepted, rejected or edited.")
    ] = None,
    flag: Annotated[str | None, typer.Option(help="Only rows that carry this flag.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many rows.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show rows with their attempts, scores and reasons. Each flag comes with the score and bound behind it."""
    from polyrefuse_data.release import show_rows

    print_summary(show_rows(where, id, language=language, status=status, flag=flag, limit=limit), as_json)


@app.command()
def check(workspace: WorkspaceArgument, as_json: JsonOption = False) -> None:
    """Update the verdicts after a change to [quality]. Uses the stored scores and computes only missing ones."""
    from polyrefuse_data.quality import check as check_rows

    print_summary(check_rows(workspace), as_json)


@app.command()
def report(workspace: WorkspaceArgument, as_json: JsonOption = False) -> None:
    """Write the quality report of a workspace. The files are report/index.html and report/summary.json."""
    from polyrefuse_data.quality import write_report

    folder = Workspace(workspace)
    page = write_report(folder)
    if as_json:
        print_data(read_input_text(folder.report / "summary.json").rstrip())
    else:
        print_done(str(page))


@app.command()
def sample(
    workspace: WorkspaceArgument,
    out: SheetOption = None,
    per_language: Annotated[int, typer.Option(min=1, help="Rows per language.")] = 50,
    by: StrataOption = "verdict",
    seed: SeedOption = 0,
    only: LanguagesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw rows for reviewers, equally from each stratum. Shorthand for `review export`; read them back with `review
    import`."""
    from polyrefuse_data.quality import export_review

    sheet = export_review(Workspace(workspace), out, size=per_language, seed=seed, by=by, languages=codes(only))
    print_made(sheet, as_json)


@review_app.command("export")
def review_export(
    workspace: WorkspaceArgument,
    out: SheetOption = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Export flagged rows, not a stratified sample.")] = False,
    size: Annotated[int, typer.Option(min=1, help="Sample size per language.")] = 50,
    seed: SeedOption = 0,
    by: StrataOption = "verdict",
    only: LanguagesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write rows for people to judge: a spreadsheet (CSV, Excel), or a page for a browser that works offline."""
    from polyrefuse_data.quality import export_review

    sheet = export_review(
        Workspace(workspace), out, flagged=flagged, size=size, seed=seed, by=by, languages=codes(only)
    )
    print_made(sheet, as_json)


@review_app.command("import")
def review_import(
    workspace: WorkspaceArgument,
    file: Annotated[Path, typer.Argument(help="The reviewed file: CSV or Excel.")],
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Apply the reviewers' verdicts and edits, and report how well the checks agree with them."""
    from polyrefuse_data.quality import import_review

    print_summary(import_review(Workspace(workspace), file, dry_run=dry_run), as_json, is_product=dry_run)
