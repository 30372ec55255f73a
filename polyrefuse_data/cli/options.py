"""Exit codes, and the arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CHECK_FOUND_SOMETHING = 1
STOPPED_PART_WAY = 4

WorkspaceArgument = Annotated[Path, typer.Argument(help="Workspace folder of a build or import.")]
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The build's polyrefuse.toml.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
LanguageList = Annotated[str | None, typer.Option(help="Comma-separated languages, e.g. en,de,yo.")]


def codes(text: str | None) -> list[str] | None:
    return [code.strip() for code in text.split(",") if code.strip()] if text is not None else None
