"""Time and memory of `polyrefuse build` by the number of rows, on the local engine and on Ray.

    python benchmarks/scale.py UPSTREAM [--rows 10000 100000 1000000] [--engine local] [--workers 1 2 4]

UPSTREAM is a folder with PolyRefuse/ as published. Its English test prompts are repeated, each time with another
number, and "translated" by a small program through the `command` backend: it knows the published translations by heart,
both ways, so that the checks see real text in 12 languages. Each build is a real `polyrefuse build` in an empty folder.
Memory is that of all its processes together, pages that they share counted once (PSS); the processor time is theirs
too, and can be compared even on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

LANGUAGES = ("ar", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "ru", "th", "yo")

_MARKS = ".?!:;。？！：；؟"

# Takes the number off the end of each line, answers by heart, and puts it back.
PROGRAM = """
import json, sys
table = json.load(open(sys.argv[1]))
for line in sys.stdin.read().split("\\n")[:-1]:
    text, _, number = line.rpartition(" ")
    print(f"{table.get(text, text)} {number}" if line else "")
"""


def prepare(upstream: Path, folder: Path, rows: int, engine: dict[str, Any]) -> None:
    """Write prompts, tables, program and config of a build of about `rows` rows."""
    texts = _published(upstream)
    prompts = -(-rows // (1 + len(LANGUAGES)))
    with (folder / "prompts.jsonl").open("w") as file:
        for number in range(prompts):
            text = f"{texts['en'][number % len(texts['en'])]} {number}"
            file.write(json.dumps({"instruction": text, "label": "harmless", "category": "c"}) + "\n")
    (folder / "program.py").write_text(PROGRAM)
    commands = {}
    for code in LANGUAGES:
        for source, target in (("en", code), (code, "en")):
            name = f"{source}-{target}"
            (folder / f"{name}.json").write_text(json.dumps(dict(zip(texts[source], texts[target], strict=True))))
            commands[name] = [sys.executable, "-S", str(folder / "program.py"), str(folder / f"{name}.json")]
    config = {
        "languages": list(LANGUAGES),
        "sources": [{"name": "scale", "path": "prompts.jsonl", "split": "test"}],
        "translation": {"backends": [{"engine": "command", "name": "by-heart", "commands": commands}]},
        "engine": engine,
    }
    (folder / "polyrefuse.toml").write_text(_toml(config))


def _published(upstream: Path) -> dict[str, list[str]]:
    """Parallel texts by language: those of a single sentence in each, without its final mark, so that a number at the
    end stays with them when texts are cut at sentences."""
    texts = {
        code: [
            " ".join(record["instruction_translated"].split()).rstrip(_MARKS)
            for record in json.loads((upstream / f"harmless_test_translated_{code}.json").read_text(encoding="utf-8"))
        ]
        for code in ("en", *LANGUAGES)
    }
    rows = [
        row for row in zip(*texts.values(), strict=True) if not any(mark in text for text in row for mark in _MARKS)
    ]
    return dict(zip(texts, map(list, zip(*rows, strict=True)), strict=True))


def build(folder: Path, engine: str) -> dict[str, float]:
    """Run a build, watching all its processes."""
    command = [sys.executable, "-m", "polyrefuse_data.cli", "build", "-c", "polyrefuse.toml", "--engine", engine]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([*command, "--json"], cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
        watch = _Watch(process.pid)
        said = process.communicate()[0]
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the build failed: {(folder / 'log').read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = json.loads(said)["rows"]
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rows": rows,
        "seconds": seconds,
        "ms_per_row": 1000 * seconds / rows,
        "cpu_ms_per_row": 1000 * processor / rows,
        "peak_mib": watch.peak() / 2**20,
    }


class _Watch:
    """The most memory that a process and its descendants had at once, looked at once a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def peak(self) -> int:
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while True:
            try:
                root = psutil.Process(self._pid)
                if root.status() == psutil.STATUS_ZOMBIE:
                    return
                self._peak = max(self._peak, sum(map(_pss, [root, *root.children(recursive=True)])))
            except psutil.NoSuchProcess:
                return
            time.sleep(1)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has just ended
        return 0


def _toml(config: dict[str, Any]) -> str:
    """JSON values are TOML values but for null, which nothing here is; tables are written inline."""

    def value(item: Any) -> str:
        if isinstance(item, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {value(inner)}" for key, inner in item.items()) + "}"
        if isinstance(item, list):
            return "[" + ", ".join(map(value, item)) + "]"
        return json.dumps(item)

    return "\n".join(f"{key} = {value(item)}" for key, item in config.items()) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--engine", choices=["local", "ray"], default="local")
    parser.add_argument("--workers", type=int, nargs="+", default=[len(os.sched_getaffinity(0))])
    options = parser.parse_args()
    print("| engine | workers | rows | seconds | ms a row | processor ms a row | peak MiB |\n" + "|---" * 7 + "|")
    for rows in options.rows:
        for workers in options.workers:
            key = "workers" if options.engine == "local" else "actors"
            with tempfile.TemporaryDirectory() as name:
                prepare(options.upstream / "PolyRefuse", Path(name), rows, {key: workers})
                done = build(Path(name), options.engine)
            print(
                f"| {options.engine} | {workers} | {done['rows']:,} | {done['seconds']:.0f} | {done['ms_per_row']:.2f} "
                f"| {done['cpu_ms_per_row']:.2f} | {done['peak_mib']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
