"""The `polyrefuse` command: thin, one function a command, no logic.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 done, 1 a check found something, 2 usage or config,
3 a backend, extra, model or credential is missing, 4 stopped part-way (run again to resume). Heavy libraries are
imported by the rooms when a command needs them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from polyrefuse_data import __version__
from polyrefuse_data.disk import disk_error
from polyrefuse_data.errors import PolyrefuseError
from polyrefuse_data.interruption import Stopped, is_stopping, stop_on_signals, tell_stopped
from polyrefuse_data.redaction import redact_standard_streams
from polyrefuse_data.workspace import Workspace

CHECK_FOUND_SOMETHING = 1
STOPPED_PART_WAY = 4

app = typer.Typer(
    name="polyrefuse",
    help="Build, check, version and publish a multilingual safety dataset, and measure refusal in chat models on it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
review_app = typer.Typer(help="Round trip through a spreadsheet for human reviewers.", no_args_is_help=True)
benchmark_app = typer.Typer(help="Measure refusal in chat models on a released dataset.", no_args_is_help=True)
app.add_typer(review_app, name="review")
app.add_typer(benchmark_app, name="benchmark")

WorkspaceArgument = Annotated[Path, typer.Argument(help="Workspace folder of a build or import.")]
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The build's polyrefuse.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
LanguageList = Annotated[str | None, typer.Option(help="Comma-separated languages, e.g. en,de,yo.")]


@app.command()
def demo(out: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo-out")) -> None:
    """Run the whole chain offline on bundled prompts and tiny models: build, release, verify, benchmark, report."""
    from polyrefuse_data.demo.run import run_demo

    run_demo(out)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder to make a workspace of.")]) -> None:
    """Write a commented polyrefuse.toml to start from."""
    from polyrefuse_data.config import write_template

    typer.echo(write_template(Workspace(folder).config))


@app.command()
def sources(as_json: JsonOption = False) -> None:
    """List the public prompt sets that a build can take by name."""
    from polyrefuse_data.sources import describe_sources

    _table(describe_sources(), as_json)


@app.command()
def languages(
    all_flores: Annotated[bool, typer.Option("--all", help="Every NLLB-200 language.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the languages: BCP-47 code, FLORES code, script, name."""
    from polyrefuse_data.languages import describe_languages

    _table(describe_languages(everything=all_flores), as_json)


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
    from polyrefuse_data.build import build as run_build
    from polyrefuse_data.config import load_config
    from polyrefuse_data.summary import BuildSummary

    settings = load_config(config)
    summary = run_build(
        Workspace(config.parent), settings, engine=engine, address=address, limit=limit, dry_run=dry_run
    )
    _print(summary, as_json)
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
    """Bring existing translations into a workspace, restore ids and English, and check every row."""
    from polyrefuse_data.build import check_rows
    from polyrefuse_data.sources import import_path

    workspace = Workspace(out)
    summary = import_path(path, workspace, english=english, label=label, split=split, license=license)
    check_rows(workspace)
    _print(summary, as_json)


@app.command()
def report(workspace: WorkspaceArgument, as_json: JsonOption = False) -> None:
    """Write the quality report (report/index.html and report/summary.json) over whatever rows.parquet holds."""
    from polyrefuse_data.quality import write_report

    folder = Workspace(workspace)
    page = write_report(folder)
    typer.echo((folder.report / "summary.json").read_text(encoding="utf-8") if as_json else page)


@review_app.command("export")
def review_export(
    workspace: WorkspaceArgument,
    out: Annotated[Path | None, typer.Option(help="CSV file to write (default: WORKSPACE/review/review.csv).")] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Flagged rows instead of a stratified sample.")] = False,
    size: Annotated[int, typer.Option(min=1, help="Rows a language in a sample.")] = 50,
    only: Annotated[str | None, typer.Option("--languages", help="Comma-separated languages.")] = None,
) -> None:
    """Write rows to a spreadsheet (CSV) with columns for verdict, edit and reviewer."""
    from polyrefuse_data.quality import export_review

    typer.echo(export_review(Workspace(workspace), out, flagged=flagged, size=size, languages=_codes(only)))


@review_app.command("import")
def review_import(
    workspace: WorkspaceArgument,
    file: Annotated[Path, typer.Argument(help="The reviewed CSV file.")],
    as_json: JsonOption = False,
) -> None:
    """Apply the reviewers' verdicts and edits, and report how far they agree with the checks."""
    from polyrefuse_data.quality import import_review

    _print(import_review(Workspace(workspace), file), as_json)


@app.command()
def release(
    workspace: WorkspaceArgument,
    version: Annotated[str, typer.Option(help="Semantic version, e.g. 1.0.0.")],
    out: Annotated[Path, typer.Option(help="Release folder to make; an existing one is never overwritten.")],
    subset: Annotated[str | None, typer.Option(help="parallel or matched: a documented variant.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Release that this one follows: its step is checked.")] = None,
    allow_smaller_step: Annotated[bool, typer.Option(help="Release even where the version step is too small.")] = False,
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


@benchmark_app.command("run")
def benchmark_run(
    model: Annotated[str, typer.Option(help="Chat model: folder or Hub id.")],
    dataset: Annotated[str, typer.Option(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")],
    out: Annotated[Path, typer.Option(help="Run folder; run again to resume.")],
    revision: Annotated[str | None, typer.Option(help="Revision of the model.")] = None,
    source_languages: LanguageList = None,
    languages: LanguageList = None,
    judge: Annotated[str, typer.Option(help="phrases, a guard model's id, or openai:MODEL@URL.")] = "phrases",
    rule: Annotated[str, typer.Option(help="Selection rule: polyrefuse (the paper) or arditi.")] = "polyrefuse",
    max_kl: Annotated[float | None, typer.Option(help="KL bound in place of the rule's own (small models).")] = None,
    transfer: Annotated[
        str, typer.Option(help="Ablate in: own language, all, or all for these sources (en,zh) and own for the others.")
    ] = "all",
    mode: Annotated[str, typer.Option(help="Ablation: reference, or complete (also post-norms).")] = "reference",
    refusal_tokens: Annotated[str, typer.Option(help="found in replies, or published (the paper's lists).")] = "found",
    filter_prompts: Annotated[
        bool, typer.Option(help="Keep prompts the model refuses, or answers, as it should.")
    ] = False,
    scoring: Annotated[str, typer.Option(help="Candidates: full tables, or staged (the choice only).")] = "full",
    system_prompt: Annotated[str | None, typer.Option(help="System message before every prompt.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Test prompts a language and label at most.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Length of a completion.")] = 128,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
) -> None:
    """Extract refusal directions, ablate them, and write scores, figures and report.html to the run folder."""
    from polyrefuse_data.benchmark.run import run_benchmark

    typer.echo(
        run_benchmark(
            model,
            dataset,
            out,
            revision=revision,
            source_languages=_codes(source_languages),
            languages=_codes(languages),
            judge=judge,
            rule=rule,
            max_kl=max_kl,
            transfer=transfer if transfer in ("own", "all") else _codes(transfer),
            mode=mode,
            refusal_tokens=refusal_tokens,
            filter_prompts=filter_prompts,
            scoring=scoring,
            system_prompt=system_prompt,
            limit=limit,
            max_new_tokens=max_new_tokens,
            device=device,
            dtype=dtype,
        )
    )


@benchmark_app.command("report")
def benchmark_report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("report.html"),
    show_replies: Annotated[bool, typer.Option("--show-replies", help="Put the text of replies in the page.")] = False,
) -> None:
    """Write one report over one or many runs."""
    from polyrefuse_data.benchmark.report import write_report

    typer.echo(write_report(runs, out, show_replies=show_replies))


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _codes(text: str | None) -> list[str] | None:
    return [code.strip() for code in text.split(",") if code.strip()] if text is not None else None


def _print(summary: Any, as_json: bool) -> None:
    """Summaries know how to show themselves: `to_text()` for people, `to_json()` for scripts."""
    typer.echo(summary.to_json() if as_json else summary.to_text())


def _table(records: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(records, ensure_ascii=False, indent=1))
        return
    columns = list(records[0])
    widths = [max(len(column), *(len(record[column]) for record in records)) for column in columns]
    for line in ({column: column for column in columns}, *records):
        typer.echo("  ".join(line[column].ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())


def main() -> None:
    """Entry point: signals, errors of this package and faults of the machine become one line and an exit code."""
    redact_standard_streams()
    stop_on_signals()
    try:
        app()
    except Stopped:
        tell_stopped()
        raise
    except BrokenPipeError:  # the reader of our stdout went away (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if is_stopping():
            tell_stopped()
            raise Stopped from error
        told = disk_error(error) or error
        if not isinstance(told, PolyrefuseError):
            raise
        typer.echo(f"error: {told}", err=True)
        sys.exit(told.exit_code)


if __name__ == "__main__":
    main()
