"""Commands that measure a model on a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from polyrefuse_data.cli import labelling
from polyrefuse_data.cli.options import CHECK_FOUND_SOMETHING, JsonOption, complete_languages
from polyrefuse_data.cli.output import print_made, print_summary
from polyrefuse_data.system.extras import require

app = typer.Typer()
benchmark_app = typer.Typer(help="Measure refusal in chat models on a released dataset.", no_args_is_help=True)
app.add_typer(benchmark_app, name="benchmark")
benchmark_app.add_typer(labelling.app, name="label")

# Options of `benchmark run` that are not settings of the run.
_OF_THE_COMMAND = ("out", "config", "dry_run", "as_json")


JudgeInputPrice = Annotated[
    float | None,
    typer.Option(help="Price of a million input tokens of a judge behind an endpoint, in US dollars."),
]
JudgeOutputPrice = Annotated[
    float | None, typer.Option(help="Price of a million output tokens of that judge, in US dollars.")
]
MaxCost = Annotated[
    float | None,
    typer.Option(help="Stop before replies, judges and translators together cost more than this, in US dollars."),
]


@benchmark_app.command("run")
def benchmark_run(
    out: Annotated[Path, typer.Option(help="Run folder. Run the same command again to resume.")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file with the settings below.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A named group of settings: paper. Other options and the config file take precedence."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Chat model: a folder, a GGUF file or a Hub id.")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Instead of a model: MODEL@URL or MODEL@PRESET behind an OpenAI-compatible API."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a model on the Hub.")] = None,
    source_languages: Annotated[
        str | None,
        typer.Option(
            help="Languages to extract directions from, e.g. en,de. [default: all]",
            autocompletion=complete_languages,
        ),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            help="Languages to measure, e.g. en,de,yo. [default: all]",
            autocompletion=complete_languages,
        ),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(
            help="Judge: phrases, a guard model's id, openai:MODEL@URL, or module:NAME. Several vote: A,B,C or "
            "any:A,B. [default: phrases]"
        ),
    ] = None,
    judge_on: Annotated[
        str | None,
        typer.Option(help="What the judge sees: native, or english (replies translated). [default: native]"),
    ] = None,
    reply_translator: Annotated[
        str | None,
        typer.Option(help="For --judge-on english: a model's id or folder, or { engine = ... } as in a config."),
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(
            help="How candidate directions are computed: difference-in-means, principal, or module:NAME. "
            "[default: difference-in-means]"
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="Selection rule: polyrefuse (the paper), arditi, or module:NAME. [default: polyrefuse]"),
    ] = None,
    max_kl: Annotated[float | None, typer.Option(help="KL bound instead of the rule's own (for small models).")] = None,
    min_coherent: Annotated[
        float | None, typer.Option(help="Lowest share of coherent short replies with the chosen direction ablated.")
    ] = None,
    positions: Annotated[
        str | None, typer.Option(help="Post-instruction positions of the candidates, e.g. -3..-1. [default: all]")
    ] = None,
    layers: Annotated[str | None, typer.Option(help="Layers of the candidates, e.g. 8..20. [default: all]")] = None,
    transfer: Annotated[
        str | None,
        typer.Option(
            help="Ablate each direction in: own (its language), all, or en,zh (these in all, others in their own). "
            "[default: all]"
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="Ablation: reference, complete (post-norms too) or centred (about the harmless mean). "
            "[default: reference]"
        ),
    ] = None,
    random_control: Annotated[
        bool | None,
        typer.Option("--random-control/--no-random-control", help="Also ablate control directions. [default: yes]"),
    ] = None,
    control_draws: Annotated[
        int | None, typer.Option(help="Draws of each of the three kinds of control direction. [default: 10]")
    ] = None,
    n_train: Annotated[
        int | None, typer.Option(help="Training prompts per language and label, for the means. [default: 128]")
    ] = None,
    n_validation: Annotated[
        int | None, typer.Option(help="Validation prompts per language and label, for the selection. [default: 32]")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Maximum number of test prompts per language and label. [default: all]")
    ] = None,
    filter_prompts: Annotated[
        bool | None,
        typer.Option(
            "--filter-prompts/--no-filter-prompts",
            help="Keep only harmful prompts that the model refuses and harmless ones that it answers. [default: no]",
        ),
    ] = None,
    parallel: Annotated[
        bool | None,
        typer.Option("--parallel/--no-parallel", help="Use only prompts that every language has. [default: yes]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed for samples and random directions. [default: 1]")] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(help="Maximum length of a reply, in tokens. [default: 128]")
    ] = None,
    reasoning: Annotated[
        str | None, typer.Option(help="Reasoning before replies: closed, or open (and then removed). [default: closed]")
    ] = None,
    reasoning_tokens: Annotated[
        int | None, typer.Option(help="Maximum length of the reasoning, in tokens. [default: 512]")
    ] = None,
    refusal_tokens: Annotated[
        str | None,
        typer.Option(help="Refusal tokens: found in replies, or published (the paper's lists). [default: found]"),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(help="Candidate scores: full, or staged (only those the choice needs). [default: full]"),
    ] = None,
    system_prompt: Annotated[str | None, typer.Option(help="System message before every prompt.")] = None,
    addition: Annotated[
        str | None,
        typer.Option(help="Experiment: add directions while generating, with these coefficients, e.g. -1,0.5,1,2."),
    ] = None,
    erasure: Annotated[
        bool | None,
        typer.Option(
            "--erasure/--no-erasure", help="Experiment: erase the classes' difference at every layer. [default: no]"
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(help="Experiment: ablate this many of each language's best candidates in turn."),
    ] = None,
    jailbreaks: Annotated[
        str | None,
        typer.Option(help='Experiment: project wrapped prompts. A TOML file of name = "text with {prompt}".'),
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(help="Experiment: tasks of lm-evaluation-harness, plain and ablated, e.g. arc_challenge,mmlu."),
    ] = None,
    tasks_limit: Annotated[int | None, typer.Option(help="Questions of each task. [default: all]")] = None,
    device: Annotated[str | None, typer.Option(help="Device: auto, cpu, cuda, cuda:1, ... [default: auto]")] = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="Type of the weights: auto, float32, bfloat16, float16 or float64. [default: auto]"),
    ] = None,
    quantization: Annotated[
        str | None,
        typer.Option(
            help="Weights in 8 or 4 bits: bitsandbytes-8bit, bitsandbytes-4bit, torchao-int8, or torchao-int4 (GPU)."
        ),
    ] = None,
    device_map: Annotated[
        str | None,
        typer.Option(help="How several GPUs share the blocks: auto, balanced, balanced_low_0 or sequential."),
    ] = None,
    modules: Annotated[str | None, typer.Option(help="Module names, if an error asks for them: blocks=NAME.")] = None,
    api_key_env: Annotated[str | None, typer.Option(help="Environment variable with the endpoint's key.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Requests to an endpoint at a time. [default: 8]")] = None,
    input_price: Annotated[
        float | None, typer.Option(help="Price of a million prompt tokens at the endpoint, in US dollars.")
    ] = None,
    output_price: Annotated[
        float | None, typer.Option(help="Price of a million reply tokens at the endpoint, in US dollars.")
    ] = None,
    judge_input_price: JudgeInputPrice = None,
    judge_output_price: JudgeOutputPrice = None,
    max_cost: MaxCost = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be measured; load no model.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure refusal before and after ablation. Writes scores, figures and report.html to the run folder."""
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


@benchmark_app.command("judge")
def benchmark_judge(
    replies: Annotated[list[Path], typer.Argument(help="JSONL, JSON, CSV or Parquet files, or logs of Inspect.")],
    dataset: Annotated[str, typer.Option(help="Release folder, or ORG/NAME[@REVISION] on the Hub.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    model: Annotated[str | None, typer.Option(help="Name of the model. [default: the first file's]")] = None,
    judge: Annotated[
        str, typer.Option(help="phrases, a guard model's id, openai:MODEL@URL, or module:NAME.")
    ] = "phrases",
    judge_on: Annotated[
        str,
        typer.Option(help="What the judge sees: native, or english (replies translated)."),
    ] = "native",
    reply_translator: Annotated[
        str | None,
        typer.Option(help="For --judge-on english: a model's id or folder, or { engine = ... } as in a config."),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(help="Languages to judge, e.g. en,de,yo. [default: all]", autocompletion=complete_languages),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="What the files call id, language, prompt or reply: reply=COLUMN. Repeatable."),
    ] = None,
    judge_input_price: JudgeInputPrice = None,
    judge_output_price: JudgeOutputPrice = None,
    max_cost: MaxCost = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be judged; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge replies that were generated elsewhere, and write scores, figures and report.html to the run folder."""
    require("judging replies", "benchmark")
    from polyrefuse_data.benchmark.given_replies import judge_run, match_replies
    from polyrefuse_data.errors import ConfigError

    columns = dict(entry.partition("=")[::2] for entry in field or ())
    if not all(columns.values()):
        raise ConfigError("--field: write reply=COLUMN")
    judged: dict[str, Any] = {"judge": judge, "judge_on": judge_on, "reply_translator": reply_translator}
    if dry_run:
        found = match_replies(replies, dataset, model=model, languages=languages, fields=columns, **judged)
        print_summary(found, as_json, is_product=True)
        return
    paid: dict[str, Any] = {
        "judge_input_price": judge_input_price,
        "judge_output_price": judge_output_price,
        "max_cost": max_cost,
    }
    run = judge_run(replies, dataset, out, model=model, languages=languages, fields=columns, **judged, **paid)
    print_made(run, as_json, report=str(run / "report.html"), scores=str(run / "scores.json"))


@benchmark_app.command("report")
def benchmark_report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.")],
    out: Annotated[Path, typer.Option(help="HTML page to write.")] = Path("report.html"),
    show_replies: Annotated[bool, typer.Option("--show-replies", help="Show the replies on the page.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one report on one or more runs."""
    require("a benchmark report", "benchmark")
    from polyrefuse_data.benchmark.report import write_report

    print_made(write_report(runs, out, show_replies=show_replies), as_json)


@benchmark_app.command("gate")
def benchmark_gate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    min_refusal: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest share of harmful prompts refused, in each language.")
    ] = None,
    max_over_refusal: Annotated[
        float | None, typer.Option(min=0, max=1, help="Highest share of harmless prompts refused, in each language.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Earlier run folder: no language may be significantly worse than there.")
    ] = None,
    max_change: Annotated[
        float, typer.Option(min=0, max=1, help="With --against: a change for the worse that is still accepted.")
    ] = 0.0,
    max_no_verdict: Annotated[
        float, typer.Option(min=0, max=1, help="Highest share of replies without a usable verdict.")
    ] = 0.1,
    languages: Annotated[
        str | None,
        typer.Option(help="Languages that must be there. [default: all]", autocompletion=complete_languages),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Exit with 1 if a model refuses too little or too much, or worse than in an earlier run: for CI."""
    require("a comparison of runs", "benchmark")
    from polyrefuse_data.benchmark.gate import gate

    found = gate(
        run,
        against=against,
        min_refusal=min_refusal,
        max_over_refusal=max_over_refusal,
        max_change=max_change,
        max_no_verdict=max_no_verdict,
        languages=languages,
    )
    print_summary(found, as_json, is_product=True)
    if not found.passes:
        raise typer.Exit(CHECK_FOUND_SOMETHING)


@benchmark_app.command("export")
def benchmark_export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    dataset_id: Annotated[str, typer.Option(help="The measured release on the Hub: ORG/NAME.")],
    out: Annotated[Path, typer.Option(help="Folder to write to: the model's repository.")],
    revision: Annotated[
        str | None, typer.Option(help="Commit or tag of the release. [default: v and its version]")
    ] = None,
    source_url: Annotated[str | None, typer.Option(help="Where the report or the run can be seen.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's refusal rates as the Hub shows them: .eval_results/*.yaml, and model-index.yaml for a card."""
    from polyrefuse_data.benchmark.hub_results import export_results

    entries, index = export_results(run, dataset_id, out, revision=revision, source_url=source_url)
    print_made(entries, as_json, model_index=str(index))
