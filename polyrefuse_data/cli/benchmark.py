"""Commands that measure a model on a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import JsonOption, LanguageList
from polyrefuse_data.cli.output import print_made, print_summary
from polyrefuse_data.system.extras import require

app = typer.Typer()
benchmark_app = typer.Typer(help="Measure refusal in chat models on a released dataset.", no_args_is_help=True)
app.add_typer(benchmark_app, name="benchmark")

# Options of `benchmark run` that are no settings of a run.
_OF_THE_COMMAND = ("out", "config", "dry_run", "as_json")


@benchmark_app.command("run")
def benchmark_run(
    out: Annotated[Path, typer.Option(help="Run folder; run again to resume.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of the settings below.")] = None,
    model: Annotated[str | None, typer.Option(help="Chat model: a folder, a GGUF file or a Hub id.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a model on the Hub.")] = None,
    source_languages: LanguageList = None,
    languages: LanguageList = None,
    judge: Annotated[
        str | None,
        typer.Option(help="phrases, a guard model's id, openai:MODEL@URL, or module:NAME. [default: phrases]"),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="Selection rule: polyrefuse (the paper), arditi, or module:NAME. [default: polyrefuse]"),
    ] = None,
    max_kl: Annotated[float | None, typer.Option(help="KL bound in place of the rule's own (small models).")] = None,
    positions: Annotated[
        str | None, typer.Option(help="Candidates from these post-instruction positions, e.g. -3..-1. [default: all]")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Candidates from these layers, e.g. 8..20. [default: all]")] = None,
    transfer: Annotated[
        str | None,
        typer.Option(
            help="Ablate in: own language, all, or all for these sources (en,zh) and own for the others. [default: all]"
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="Ablation: reference, complete (also post-norms) or centred (about the harmless mean). "
            "[default: reference]"
        ),
    ] = None,
    random_control: Annotated[
        bool | None,
        typer.Option("--random-control/--no-random-control", help="Ablate a random direction too. [default: yes]"),
    ] = None,
    n_train: Annotated[
        int | None, typer.Option(help="Training prompts a language and label, for the means. [default: 128]")
    ] = None,
    n_validation: Annotated[
        int | None, typer.Option(help="Validation prompts a language and label, for the choice. [default: 32]")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Test prompts a language and label at most. [default: all]")] = None,
    filter_prompts: Annotated[
        bool | None,
        typer.Option(
            "--filter-prompts/--no-filter-prompts",
            help="Keep prompts that the model refuses, or answers, as it should. [default: no]",
        ),
    ] = None,
    parallel: Annotated[
        bool | None,
        typer.Option("--parallel/--no-parallel", help="Only prompts that every language has. [default: yes]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of samples of prompts and random directions. [default: 1]")] = None,
    max_new_tokens: Annotated[int | None, typer.Option(help="Length of a reply, in tokens. [default: 128]")] = None,
    reasoning: Annotated[
        str | None, typer.Option(help="Reasoning before replies: closed, or open (then taken off). [default: closed]")
    ] = None,
    reasoning_tokens: Annotated[
        int | None, typer.Option(help="Length of reasoning before it is closed, in tokens. [default: 512]")
    ] = None,
    refusal_tokens: Annotated[
        str | None, typer.Option(help="found in replies, or published (the paper's lists). [default: found]")
    ] = None,
    scoring: Annotated[
        str | None, typer.Option(help="Candidates: full tables, or staged (the choice only). [default: full]")
    ] = None,
    system_prompt: Annotated[str | None, typer.Option(help="System message before every prompt.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... [default: auto]")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="auto, float32, bfloat16, float16 or float64. [default: auto]")
    ] = None,
    modules: Annotated[str | None, typer.Option(help="blocks=NAME, where an error asks for it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be measured; load no model.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Extract refusal directions, ablate them, and write scores, figures and report.html to the run folder."""
    given = {name: value for name, value in locals().items() if name not in _OF_THE_COMMAND and value is not None}
    require("measuring a model", "benchmark")
    from polyrefuse_data.benchmark.config import benchmark_config

    settings = benchmark_config(config, **given)
    if dry_run:
        from polyrefuse_data.benchmark.plan import make_plan

        print_summary(make_plan(settings), as_json, is_product=True)
        return
    from polyrefuse_data.benchmark.run import run_config

    run = run_config(settings, out)
    print_made(run, as_json, report=str(run / "report.html"), scores=str(run / "scores.json"))


@benchmark_app.command("report")
def benchmark_report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("report.html"),
    show_replies: Annotated[bool, typer.Option("--show-replies", help="Put the text of replies in the page.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one report over one or many runs."""
    require("a benchmark report", "benchmark")
    from polyrefuse_data.benchmark.report import write_report

    print_made(write_report(runs, out, show_replies=show_replies), as_json)
