"""Commands over releases: release, verify, diff, publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from polyrefuse_data.cli.options import CHECK_FOUND_SOMETHING, DryRunOption, JsonOption, WorkspaceArgument
from polyrefuse_data.cli.output import print_data, print_done, print_json, print_made, print_summary, print_table
from polyrefuse_data.text.counts import counted
from polyrefuse_data.workspace import Workspace

app = typer.Typer()
export_app = typer.Typer(help="Write a release in the form of another tool.", no_args_is_help=True)
app.add_typer(export_app, name="export")


@app.command()
def release(
    workspace: WorkspaceArgument,
    version: Annotated[str, typer.Option(help="Semantic version, e.g. 1.0.0.")],
    out: Annotated[Path, typer.Option(help="Release folder; must be new or empty.")],
    subset: Annotated[str | None, typer.Option(help="Release a subset: parallel or matched.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Previous release, to check the version step.")] = None,
    allow_smaller_step: Annotated[bool, typer.Option(help="Accept a version step that is too small.")] = False,
    with_scores: Annotated[bool, typer.Option("--with-scores", help="Include every score of every check.")] = False,
    repo_id: Annotated[
        str | None, typer.Option(help="Where it will be published (ORG/NAME), for the card's code snippets.")
    ] = None,
    doi: Annotated[str | None, typer.Option(help="DOI of this release, for card and Croissant file.")] = None,
    date_published: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Day of publication.")] = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a release folder. It holds the data, rejected rows, card, manifest, Croissant file and report."""
    from polyrefuse_data.release import preview_release, release_info, write_release
    from polyrefuse_data.release.card import accepted_rows

    options: dict[str, Any] = {
        "version": version,
        "out": out,
        "subset": subset,
        "previous": previous,
        "allow_smaller_step": allow_smaller_step,
        "with_scores": with_scores,
        "settings": {
            name: value
            for name, value in (("repo_id", repo_id), ("doi", doi), ("date_published", date_published))
            if value is not None
        },
    }
    if not dry_run:
        write_release(Workspace(workspace), **options)
        print_made(out, as_json, **(release_info(out) if as_json else {}))
        return
    manifest = preview_release(Workspace(workspace), **options)
    if as_json:
        print_json({"path": str(out), **manifest.model_dump(mode="json")})
    else:
        print_data(
            f"would release {manifest.name} {manifest.version} into {out}: "
            f"{counted(accepted_rows(manifest), 'row')} in {counted(len(manifest.languages), 'language')}, "
            f"licence {manifest.license}, content {manifest.content_sha256[:12]}"
        )


@app.command()
def verify(
    where: Annotated[str, typer.Argument(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")],
    as_json: JsonOption = False,
) -> None:
    """Verify a release against its manifest. Names every difference and, if there is one, exits with 1."""
    from polyrefuse_data.release import verify_release
    from polyrefuse_data.release.fetch import locate

    located = locate(where)
    differences = verify_release(located.folder)
    if as_json:
        print_json({"ok": not differences, "from_cache": located.cached_because, "differences": differences})
    elif differences:
        print_done("\n".join(differences))
    else:
        origin = f" from the cache ({located.cached_because})" if located.cached_because else ""
        print_done(f"{where}: verified{origin}")
    if differences:
        raise typer.Exit(CHECK_FOUND_SOMETHING)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="Release folder or ORG/NAME[@REVISION].")],
    new: Annotated[str, typer.Argument(help="Release folder or ORG/NAME[@REVISION].")],
    as_json: JsonOption = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a changelog.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 if rows, scores or splits differ.")
    ] = False,
) -> None:
    """Show what changed between two releases. Names the version step (major, minor or patch) that this is."""
    from polyrefuse_data.release import diff_releases

    difference = diff_releases(old, new)
    if as_json:
        print_data(difference.to_json())
    else:
        print_data(difference.to_markdown() if markdown else difference.to_text())
    if exit_code and not difference.is_empty:
        raise typer.Exit(CHECK_FOUND_SOMETHING)


@export_app.command("harness")
def export_harness(
    harness: Annotated[str, typer.Argument(help="Which one: lm-eval or lighteval.")],
    dataset: Annotated[str, typer.Argument(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")],
    out: Annotated[Path, typer.Option(help="Folder for the task files; must be new or empty.")],
    judge: Annotated[
        str, typer.Option(help="phrases, a guard model's id, openai:MODEL@URL, or module:NAME.")
    ] = "phrases",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write the task files that let an evaluation harness measure models on a release."""
    from polyrefuse_data.harness import write_tasks

    tasks = write_tasks(harness, dataset, out, judge, keep=not dry_run)
    if dry_run:
        print_table([{"task": name} for name in tasks], as_json)
    else:
        print_made(out, as_json, **({"tasks": tasks} if as_json else {}))


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="Release folder.")],
    repo_id: Annotated[str | None, typer.Option(help="Dataset repository on the Hub: ORG/NAME.")] = None,
    to: Annotated[str, typer.Option(help="Where: hub, folder or zenodo-zip.")] = "hub",
    into: Annotated[
        Path | None, typer.Option(help="For --to folder or zenodo-zip: the folder of published versions.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="URL of a Hub other than huggingface.co.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Make a new repository public (default: private).")] = False,
    ungated: Annotated[bool, typer.Option("--ungated", help="Do not gate access (default: gated).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan; use no network.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Publish a release to the Hub, a folder, or a zip for Zenodo. Running it again changes nothing."""
    from polyrefuse_data.errors import ConfigError
    from polyrefuse_data.release import publish_release, publish_to

    if to != "hub":
        if into is None or repo_id is not None:
            raise ConfigError(f"--to {to} needs --into DIR and does not take --repo-id")
        print_summary(publish_to(to, folder, into, dry_run=dry_run), as_json, is_product=dry_run)
        return
    if into is not None:
        raise ConfigError(f"--into {into} works only with --to folder and --to zenodo-zip")
    if repo_id is None:
        raise ConfigError("publishing to the Hub needs --repo-id ORG/NAME")
    done = publish_release(folder, repo_id, endpoint=endpoint, private=not public, gated=not ungated, dry_run=dry_run)
    print_summary(done, as_json, is_product=dry_run)
