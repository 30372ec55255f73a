"""Creates language packs: the commented template, and the bounds that a fit writes into traits.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages.registry import TRAITS, find_language
from polyrefuse_data.languages.traits import Bound
from polyrefuse_data.system.files import replace_kept, write_new
from polyrefuse_data.system.input_files import read_input_text

TEMPLATE = Path(__file__).parent / "template"
_CODE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")
_BEYOND = re.compile(r"^# (flores|name) = ", re.MULTILINE)
_BOUNDS = re.compile(r"^\[bounds\]\n((?:(?!\[).*\n?)*)", re.MULTILINE)


def new_pack(code: str, folder: Path) -> list[Path]:
    """Write a commented pack to fill in. Raises ConfigError for an invalid code, or if a file is in the way."""
    known = find_language(code)
    if known is None and not _CODE.fullmatch(code):
        raise ConfigError(f"{code!r} is neither a BCP-47 code such as sv, nds or sr-Latn nor a FLORES-200 code")
    written = []
    for template in sorted(TEMPLATE.glob("*.toml")):
        text = template.read_text(encoding="utf-8").replace('"CODE"', f'"{known.code if known else code}"')
        if known is None:
            text = _BEYOND.sub(r"\1 = ", text)
        write_new(folder / template.name, text, "edit it, or choose another folder")
        written.append(folder / template.name)
    return written


def write_bounds(folder: Path, bounds: Mapping[str, Bound]) -> None:
    """Write bounds into traits.toml of a pack, replacing those of the same names; the rest of the file stays."""
    path = folder / TRAITS
    text = read_input_text(path)
    section = _BOUNDS.search(text)
    before, after = (text[: section.start()], text[section.end() :]) if section else (f"{text.rstrip()}\n\n", "")
    kept = [line for line in section.group(1).splitlines() if line.strip()] if section else []
    lines = ["[bounds]", *(line for line in kept if line.split("=")[0].strip() not in bounds)]
    for name, own in bounds.items():
        source = json.dumps(own.source, ensure_ascii=False)
        lines.append(f"{name} = {{ bound = {own.bound:g}, source = {source} }}")
    replace_kept(path, before + "\n".join([*lines, after]))
