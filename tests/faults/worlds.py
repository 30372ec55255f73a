"""What the fault tests work on: a workspace with a translation program, and a release of seed prompts; all small."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.quality import audit
from polyrefuse_data.release import write_release
from polyrefuse_data.rows import prompt_id, sort_rows, table_from_rows
from polyrefuse_data.system.files import write_table
from polyrefuse_data.workspace import Workspace

KEYS = [prompt.key for prompt in seed_prompts()][:: len(seed_prompts()) // 12][:12]
LANGUAGES = ("de", "es")

# Knows the seeds by heart, both ways, and writes down what it is asked.
_PROGRAM = """
import json, sys
table = json.load(open(sys.argv[1]))
for line in sys.stdin.read().split("\\n")[:-1]:
    if line:
        print(line, file=open(sys.argv[2], "a"))
    print(table.get(line, line and "?"))
"""


def make_build(folder: Path, program: list[str] | None = None, *, shards: int = 1) -> Path:
    """A folder to build in, of 12 prompts in 2 languages with a `command` backend; the path of its config.

    `program` is run in place of one that knows the translations; what that is asked goes to asked.txt.
    """
    folder.mkdir(parents=True, exist_ok=True)
    english = texts("en")
    prompts = [{"instruction": text, "label": "harmless"} for text in english]
    (folder / "prompts.jsonl").write_text("\n".join(map(json.dumps, prompts)))
    table = {}
    for code in LANGUAGES:
        there = dict(zip(english, texts(code), strict=True))
        (folder / f"{code}.json").write_text(json.dumps(there))
        table |= {text: source for source, text in there.items()}
    (folder / "en.json").write_text(json.dumps(table))
    (folder / "program.py").write_text(_PROGRAM)
    commands = {}
    for code in LANGUAGES:
        for direction, target in ((f"en-{code}", code), (f"{code}-en", "en")):
            known = [sys.executable, "-SE", str(folder / "program.py"), str(folder / f"{target}.json")]
            commands[direction] = program or [*known, str(folder / "asked.txt")]
    listed = ", ".join(f"{direction} = {json.dumps(command)}" for direction, command in commands.items())
    return write_config(
        folder, f'{{ engine = "command", name = "program", lines = 4, commands = {{ {listed} }} }}', shards
    )


def write_config(folder: Path, backend: str, shards: int = 1) -> Path:
    config = folder / "polyrefuse.toml"
    config.write_text(f"""
languages = {json.dumps(LANGUAGES)}
[[sources]]
name = "seeds"
path = "prompts.jsonl"
split = "test"
[translation]
backends = [{backend}]
[engine]
workers = 1
shard_prompts = {len(KEYS) // shards}
[release]
name = "seeds"
license = "Apache-2.0"
""")
    return config


def make_import(folder: Path) -> Path:
    """A file with translations of all seeds, three times over: more than one batch for the checks."""
    records = []
    for prompt in seed_prompts():
        common = {"label": prompt.label, "split": prompt.split, "license": "Apache-2.0"}
        english = seed_texts("en").prompts[prompt.key]
        for number in range(3):
            mark = f" {number}"
            for code in ("de", "es", "nl"):
                text = seed_texts(code).prompts[prompt.key]
                records.append({**common, "language": code, "text": text + mark, "text_en": english + mark})
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def texts(code: str) -> list[str]:
    return [seed_texts(code).prompts[key] for key in KEYS]


def make_release(folder: Path, version: str, languages: tuple[str, ...] = ("en", "de"), each: int = 4) -> Path:
    """A release of seed prompts, `each` of both labels in every split."""
    counts: dict[tuple[str, str], int] = {}
    rows = []
    for prompt in seed_prompts():
        kind = prompt.label, prompt.split
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] <= each:
            rows += [_row(prompt.key, *kind, code) for code in languages]
    workspace = Workspace(folder / f"workspace-{version}")
    workspace.path.mkdir(parents=True)
    workspace.config.write_text('[release]\nname = "seeds"\nlicense = "Apache-2.0"\n')
    write_table(audit(sort_rows(table_from_rows(rows)), workers=1), workspace.rows)
    return write_release(workspace, version=version, out=folder / f"release-{version}")


def _row(key: str, label: str, split: str, code: str) -> dict[str, str]:
    english = seed_texts("en").prompts[key]
    return {
        "id": prompt_id("seeds", english),
        "language": code,
        "label": label,
        "split": split,
        "text": seed_texts(code).prompts[key],
        "text_en": english,
        "category": "seed",
        "source": "seeds",
        "license": "Apache-2.0",
        "origin": "original" if code == "en" else "human",
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Everything under a folder but locks, by its path: what killed writers left hidden counts, and folders too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if path.name != ".lock"
    }
