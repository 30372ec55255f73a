"""The demo command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polyrefuse_data.cli.options import JsonOption
from polyrefuse_data.cli.output import print_made
from polyrefuse_data.system.machine import keep_freed_memory

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("demo-out"),
    as_json: JsonOption = False,
) -> None:
    """Run everything offline, on bundled prompts and models. Builds, releases, verifies, benchmarks and reports."""
    from polyrefuse_data.demo.run import run_demo

    keep_freed_memory()
    print_made(run_demo(out), as_json)
