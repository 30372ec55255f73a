"""How long it takes, and how much memory, to write, verify, compare, load and stream a release of a million rows, to
draw rows of it for review, and to read what reviewers decided.

    python benchmarks/release.py [--rows 100000 1000000] [--at 100000000]

Each step runs in a process of its own; memory is the peak resident set of that process, pages of mapped files included.
`--at` says what a release of more rows than were measured would take, if it goes on as from the smallest to the largest
that were: an extrapolation, and no more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from memory import peak_mib

STEPS = ("write", "verify", "diff", "load", "stream", "draw", "decide")

Cost = tuple[float, float]  # seconds, MiB


def make_workspace(folder: Path, rows: int) -> None:
    """rows.parquet with prompts of 40 to 400 characters in 14 languages, back-translated, one in fifty rejected; noted
    as checked, for it is not the checks that are measured."""
    import random

    from polyrefuse_data.config import QualityConfig
    from polyrefuse_data.languages import LANGUAGES
    from polyrefuse_data.quality.provenance import Seal, metadata_of
    from polyrefuse_data.quality.suite import suite_of
    from polyrefuse_data.rows import ACCEPTED, REJECTED, SCHEMA, SPLITS, prompt_id, table_from_rows
    from polyrefuse_data.system.row_groups import with_metadata, write_groups

    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyzäẹ日本", k=draw.randint(2, 9))) for _ in range(20_000)]

    def text() -> str:
        return " ".join(draw.choices(words, k=draw.randint(6, 60)))

    seal, tables = Seal(), []
    for start in range(0, rows // len(LANGUAGES), 2000):
        batch = []
        for number in range(start, min(start + 2000, rows // len(LANGUAGES))):
            text_en = f"{number} {text()}"
            for language in LANGUAGES:
                is_english, is_rejected = language == "en", language != "en" and draw.random() < 0.02
                batch.append(
                    {
                        "id": prompt_id("synthetic", text_en),
                        "language": language,
                        "label": ("harmful", "harmless")[number % 2],
                        "split": SPLITS[number % 3],
                        "text": text_en if is_english else text(),
                        "text_en": text_en,
                        "category": "none",
                        "source": "synthetic",
                        "license": "cc0-1.0",
                        "origin": "original" if is_english else "machine",
                        "translator": "" if is_english else "nllb:synthetic@1",
                        "back_translation": None if is_english else text(),
                        "chrf": None if is_english else draw.uniform(30, 90),
                        "bleu": None if is_english else draw.uniform(5, 60),
                        "language_confidence": draw.random(),
                        "flags": ["length"] if is_rejected else [],
                        "status": REJECTED if is_rejected else ACCEPTED,
                    }
                )
        tables.append(table_from_rows(batch))
        seal.add(tables[-1])
    write_groups(folder / "rows.parquet", with_metadata(SCHEMA, metadata_of(suite_of(QualityConfig()), seal)), tables)


def step(name: str, folder: Path) -> None:
    """One step, in this process; prints seconds and peak memory in MiB."""
    from polyrefuse_data.quality import export_review, import_review
    from polyrefuse_data.release import diff_releases, load_release, verify_release, write_release
    from polyrefuse_data.workspace import Workspace

    started = time.perf_counter()
    release = folder / "release"
    if name == "write":
        write_release(Workspace(folder / "workspace"), version="1.0.0", out=release)
    elif name == "verify":
        differences = verify_release(release)
        assert not differences, differences
    elif name == "diff":
        assert diff_releases(release, release).step == "patch"
    elif name == "load":
        assert sum(map(len, load_release(release).values())) > 0
    elif name == "stream":
        assert sum(1 for split in load_release(release, streaming=True).values() for _ in split) > 0
    elif name == "draw":
        export_review(Workspace(folder / "workspace"), folder / "review.csv")
    else:  # what follows, new scores and verdicts, is a check (performance.md)
        import_review(Workspace(folder / "workspace"), folder / "review.csv", dry_run=True)
    seconds = time.perf_counter() - started
    print(f"{seconds:.1f} {peak_mib():.0f}")


def measure(rows: int) -> dict[str, Cost]:
    """The cost of each step with so many rows."""
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_workspace(folder / "workspace", rows)
        size = (folder / "workspace" / "rows.parquet").stat().st_size
        print(f"\n{rows:,} rows, rows.parquet {size / 2**20:.0f} MiB\n")
        print("| step | seconds | peak memory, MiB |\n|---|---|---|")
        for name in STEPS:
            command = [sys.executable, __file__, "--step", name, "--folder", str(folder)]
            seconds, peak = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
            found[name] = float(seconds), float(peak)
            print(f"| {name} | {seconds} | {peak} |", flush=True)
        _print_largest_file(folder / "release", rows)
    return found


def _print_largest_file(release: Path, rows: int) -> None:
    """What `write` sorts in memory at a time."""
    from polyrefuse_data.release.manifest import read_manifest

    files = read_manifest(release).files
    sizes = {path: file.rows for path, file in files.items() if file.rows}
    largest = max(sizes, key=lambda path: sizes[path])
    print(f"\n{len(sizes)} Parquet files; the largest, {largest}, has {sizes[largest] / rows:.1%} of the rows")


def print_extrapolated(measured: dict[int, dict[str, Cost]], rows: int) -> None:
    """Time and memory along the line through the smallest and the largest size."""
    few, many = min(measured), max(measured)
    print(f"\n{rows:,} rows, extrapolated from {few:,} and {many:,}, not measured\n")
    print("| step | hours | peak memory, GiB |\n|---|---|---|")
    for name in STEPS:
        seconds, peak = (
            high + (high - low) / (many - few) * (rows - many)
            for low, high in zip(measured[few][name], measured[many][name], strict=True)
        )
        print(f"| {name} | {seconds / 3600:.1f} | {peak / 1024:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--at", type=int, help="also extrapolate to so many rows, from two sizes at least")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        step(arguments.step, arguments.folder)
        return
    if arguments.at and len(set(arguments.rows)) < 2:
        parser.error("--at needs --rows with two sizes")
    measured = {rows: measure(rows) for rows in arguments.rows}
    if arguments.at:
        print_extrapolated(measured, arguments.at)


if __name__ == "__main__":
    main()
