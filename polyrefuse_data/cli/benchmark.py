"""Commands that measure a model on a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from polyrefuse_data.cli.options import JsonOption, LanguageList, codes
from polyrefuse_data.cli.output import print_made, print_summary
from polyrefuse_data.system.extras import require

app = typer.Typer()
benchmark_app = typer.Typer(help="Measure refusal in chat models on a released dataset.", no_args_is_help=True)
app.add_typer(benchmark_app, name="benchmark")


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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be measured; load no model.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Extract refusal directions, ablate them, and write scores, figures and report.html to the run folder."""
    require("measuring a model", "benchmark")
    asked = codes(source_languages), codes(languages)
    options: dict[str, Any] = {
        "judge": judge,
        "rule": rule,
        "max_kl": max_kl,
        "transfer": transfer if transfer in ("own", "all") else codes(transfer),
        "mode": mode,
        "refusal_tokens": refusal_tokens,
        "filter_prompts": filter_prompts,
        "scoring": scoring,
        "system_prompt": system_prompt,
        "limit": limit,
        "max_new_tokens": max_new_tokens,
        "dtype": dtype,
    }
    if dry_run:
        from polyrefuse_data.benchmark.plan import make_plan
        from polyrefuse_data.benchmark.settings import Settings

        print_summary(make_plan(model, revision, dataset, *asked, Settings.of(options)), as_json, is_product=True)
        return
    from polyrefuse_data.benchmark.run import run_benchmark

    run = run_benchmark(model, dataset, out, *asked, revision=revision, device=device, **options)
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
