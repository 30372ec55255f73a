"""Commands for defenders: export a run's direction as a monitor, score prompts with it, compare it with guards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import JsonOption
from polyrefuse_data.cli.output import print_data, print_json, print_made, print_table
from polyrefuse_data.system.extras import require

app = typer.Typer()
monitor_app = typer.Typer(help="Detect harmful prompts with the direction that a run found.", no_args_is_help=True)
app.add_typer(monitor_app, name="monitor")


@monitor_app.command("export")
def monitor_export(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("monitor.safetensors"),
    source: Annotated[
        str | None, typer.Option(help="Language whose direction is exported. [default: en, or the first with one]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the direction, a linear probe and each language's thresholds as one small safetensors file."""
    require("a monitor", "benchmark")
    from polyrefuse_data.benchmark.monitors.file import export_monitor

    print_made(export_monitor(run, out, source), as_json)


@monitor_app.command("score")
def monitor_score(
    file: Annotated[Path, typer.Argument(help="File that `monitor export` wrote.")],
    prompts: Annotated[list[Path], typer.Argument(help="Prompts: JSONL, JSON, CSV, Parquet, with id and language.")],
    model: Annotated[str, typer.Option(help="The model that the monitor was exported from.")],
    dtype: Annotated[str, typer.Option(help="Type of the weights; auto: the monitor's.")] = "auto",
    device: Annotated[str, typer.Option(help="Device: auto, cpu, cuda, ...")] = "auto",
) -> None:
    """Score prompts: a JSON line each, with the scores of direction and probe and whether they are alarms."""
    require("a monitor", "benchmark")
    from polyrefuse_data.benchmark.monitors.scoring import score_prompts

    for record in score_prompts(file, model, prompts, dtype=dtype, device=device):
        print_data(json.dumps(record, ensure_ascii=False))


@monitor_app.command("compare")
def monitor_compare(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    scores: Annotated[list[Path], typer.Argument(help="Scores of its test prompts by a guard: id, language, score.")],
    field: Annotated[str, typer.Option(help="Column with the score; higher is more harmful.")] = "score",
    as_json: JsonOption = False,
) -> None:
    """Compare the direction and the probe with other detectors' scores, language by language."""
    require("a monitor", "benchmark")
    from polyrefuse_data.benchmark.monitors.comparing import compare_detectors

    records = compare_detectors(run, scores, field)
    if as_json:
        print_json(records)
        return
    print_table(
        [
            {
                "language": record["language"],
                "detector": record["detector"],
                "from": record["trained_on"] or "–",
                "n": f"{record['n_harmful']}+{record['n_harmless']}",
                "AUROC": _interval(record, "auroc", 2, 1),
                "caught at 1% false alarms": _interval(record, "tpr_at_1_fpr", 0, 100),
            }
            for record in sorted(records, key=lambda record: (record["language"], record["detector"]))
        ],
        as_json=False,
    )


def _interval(record: dict[str, float], name: str, digits: int, times: int) -> str:
    middle, low, high = (f"{times * record[key]:.{digits}f}" for key in (name, f"{name}_low", f"{name}_high"))
    return f"{middle} ({low}-{high})"
