"""Time of `polyrefuse check` after a change of thresholds: verdicts from kept scores, no score computed.

    python benchmarks/check.py UPSTREAM [--rows 100000]

UPSTREAM is a folder with PolyRefuse/ and english/ as published; its rows are repeated, each time with another number in
text and prompt and under other ids, until there are so many. They are checked once; then a bound is changed, and the
command runs again in a process of its own, imports included.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from published import fill

from polyrefuse_data.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure `polyrefuse check` after a change of thresholds.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    options = parser.parse_args()
    for count in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace(Path(folder))
            fill(workspace, options.upstream, count)
            with workspace.config.open("a") as config:
                config.write("\n[quality.thresholds]\nback_translation = 45\nlength_ratio_max = { de = 1.5 }\n")
            command = [sys.executable, "-m", "polyrefuse_data.cli", "check", folder]
            began, before = time.perf_counter(), _processor_time()
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds, processor = time.perf_counter() - began, _processor_time() - before
        print(f"{count} rows: {seconds:.1f} s, {processor:.1f} s of processor time\n{said}", flush=True)


def _processor_time() -> float:
    """Seconds of the processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
