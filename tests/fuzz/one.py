"""One target under atheris, the package's branches counted: `python -m tests.fuzz.one TARGET [LIBFUZZER OPTIONS]`."""

from __future__ import annotations

import logging
import sys

import atheris
import pyarrow

# Counting branches has to begin before the package is imported.
with atheris.instrument_imports(include=["polyrefuse_data", "tomllib", "csv", "json"]):
    from tests.fuzz.targets import all_targets

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    run = all_targets()[name].run
    logging.disable()
    pyarrow.set_cpu_count(1)  # its threads and libFuzzer's alarm do not get on
    atheris.Setup([sys.argv[0], *options], run)
    atheris.Fuzz()
