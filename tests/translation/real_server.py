"""A real llama.cpp server (the package xllamacpp, which `make real` installs) with a small real chat model.

python -m tests.translation.real_server MODEL    serves it on a free port of the loopback interface, and prints where
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TOKENS = 2048


@contextmanager
def serving(model: Path) -> Iterator[str]:
    """The address of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.translation.real_server", str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def main() -> None:
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path = sys.argv[1]
    options.n_ctx = _TOKENS
    options.n_parallel = 1
    options.cpuparams.n_threads = 1  # it spins where another program has the other core
    server = xllamacpp.Server(options)
    print(server.listening_address, flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
