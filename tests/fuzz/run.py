"""Coverage-guided fuzzing of the targets with atheris: `python -m tests.fuzz.run [TARGET ...] [--seconds 20]`.

One target at a time in a process of its own, which ends at the first find. Prints a line a target; exits 1 where
something was found. Inputs that were found lie in --out, named after the target; `--replay FILE` runs one again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# A single input that takes longer, or more, is a find too.
_SECONDS_AN_INPUT = 10
_MEGABYTES = 2048
_LONGEST_INPUT = 8192

_MEMORY = "/dev/shm"  # for files that are written a thousand times a second, where there is such a place


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="default: all")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--runs", type=int, default=-1, help="at most, for each target")
    parser.add_argument("--corpus", type=Path, help="keep the inputs that reach new code here, and start from them")
    parser.add_argument("--out", type=Path, default=Path("fuzz-finds"))
    parser.add_argument("--replay", type=Path, help="run one input through the one target named")
    arguments = parser.parse_args()

    from tests.fuzz.targets import all_targets

    targets = all_targets()
    names = arguments.targets or list(targets)
    if arguments.replay:
        targets[names[0]].run(arguments.replay.read_bytes())
        return 0
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in names:
        with tempfile.TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as folder:
            corpus = (arguments.corpus or Path(folder)) / name
            corpus.mkdir(parents=True, exist_ok=True)
            for number, seed in enumerate(targets[name].seeds):
                (corpus / f"seed-{number}").write_bytes(seed)
            found += _fuzz(name, corpus, folder, arguments)
    return 1 if found else 0


def _fuzz(name: str, corpus: Path, scratch: str, arguments: argparse.Namespace) -> bool:
    """Fuzz one target in a process of its own, with its files in `scratch`; whether something was found."""
    options = [
        f"-max_total_time={arguments.seconds:.0f}",
        f"-runs={arguments.runs}",
        f"-max_len={_LONGEST_INPUT}",
        f"-timeout={_SECONDS_AN_INPUT}",
        f"-rss_limit_mb={_MEGABYTES}",
        f"-artifact_prefix={arguments.out}/{name}-",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(corpus)]
    environment = {**os.environ, "TQDM_DISABLE": "1", "TMPDIR": scratch}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False)
    said = done.stdout.decode("utf-8", "replace")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    coverage = re.findall(r"cov: (\d+)", said)
    print(f"{name}: {executed[1] if executed else 0} runs, {coverage[-1] if coverage else 0} branches", flush=True)
    if done.returncode:
        print(said[-4000:], flush=True)
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main())
