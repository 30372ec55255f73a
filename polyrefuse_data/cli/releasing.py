"""Commands over releases: release, verify, diff, publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import CHECK_FOUND_SOMETHING, JsonOption, WorkspaceArgument
from polyrefuse_data.workspace import Workspace

app = typer.Typer()


@app.command()
def release(
    workspace: WorkspaceArgument,
    version: Annotated[str, typer.Option(help="Semantic version, e.g. 1.0.0.")],
    out: Annotated[Path, typer.Option(help="Release folder to make; an existing one is never overwritten.")],
    subset: Annotated[str | None, typer.Option(help="parallel or matched: a documented variant.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Release that this one follows: its step is checked.")] = None,
    allow_smaller_step: Annotated[bool, typer.Option(help="Release even where the version step is too small.")] = False,
    with_scores: Annotated[bool, typer.Option("--with-scores", help="Add every score of every check.")] = False,
) -> None:
    """Write a release folder: data, rejected rows, card, manifest, Croissant and report."""
    from polyrefuse_data.release import write_release

    folder = write_release(
        Workspace(workspace),
        version=version,
        out=out,
        subset=subset,
        previous=previous,
        allow_smaller_step=allow_smaller_step,
        with_scores=with_scores,
    )
    typer.echo(folder)


@app.command()
def verify(
    where: Annotated[str, typer.Argument(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")],
    as_json: JsonOption = False,
) -> None:
    """Check a release against its manifest; exit 1 and name each difference."""
    from polyrefuse_data.release import verify_release

    differences = verify_release(where)
    if as_json:
        typer.echo(json.dumps({"ok": not differences, "differences": differences}, ensure_ascii=False, indent=1))
    else:
        typer.echo("\n".join(differences) or f"{where}: verified")
    if differences:
        raise typer.Exit(CHECK_FOUND_SOMETHING)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Release folder or ORG/NAME[@REVISION].")],
    new: Annotated[str, typer.Argument(help="Release folder or ORG/NAME[@REVISION].")],
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a changelog.")] = False,
) -> None:
    """Say what changed between two releases, and which semantic version step that is."""
    from polyrefuse_data.release import diff_releases

    difference = diff_releases(old, new)
    if as_json:
        typer.echo(difference.to_json())
    else:
        typer.echo(difference.to_markdown() if markdown else difference.to_text())


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="Release folder.")],
    repo_id: Annotated[str, typer.Option(help="Dataset repository on the Hub: ORG/NAME.")],
    endpoint: Annotated[str | None, typer.Option(help="Another Hub than huggingface.co.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public (default: private).")] = False,
    ungated: Annotated[bool, typer.Option("--ungated", help="Do not gate access (default: gated).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan without the network.")] = False,
) -> None:
    """Publish a release to the Hugging Face Hub as one commit and a tag; running again changes nothing."""
    from polyrefuse_data.release import publish_release

    typer.echo(
        publish_release(folder, repo_id, endpoint=endpoint, private=not public, gated=not ungated, dry_run=dry_run)
    )
