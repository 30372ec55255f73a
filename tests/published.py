"""The published dataset, which the calibration tests read: where it lies here, and how it is fetched.

    python -m tests.published

The repository holds no copy, only the sha256 of every file (published.sha256). It is looked for where PUBLISHED_DATASET
says, then in ../shared/upstream, then where this program has fetched it.
"""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from polyrefuse_data.system.cache import cache_folder
from polyrefuse_data.system.files import atomic_write

VARIABLE = "PUBLISHED_DATASET"
MISSING = f"no published dataset: run `make test-data`, or set {VARIABLE} to a folder with its PolyRefuse/ and english/"

_HERE = Path(__file__).resolve().parent
_GITHUB = "https://raw.githubusercontent.com"
# From where each file comes, by the first of these that its path begins with: pinned commits.
_PAPER = "mainlp/Multilingual-Refusal"
_REFERENCE_PIPELINE = "andyrdt/refusal_direction/0b9c8bc56a73b42f595fd173156d4aefe9a9143c"
ORIGINS = {
    "PolyRefuse/": f"{_GITHUB}/{_PAPER}/23b7e9495b97693f77b5e33f49b437626a66af1c/PolyRefuse/",
    "english/harmful_": f"{_GITHUB}/{_REFERENCE_PIPELINE}/dataset/splits/harmful_",
    "english/harmless_": f"{_GITHUB}/{_PAPER}/7e2abf8645b33ca810ca3e0493bcbe703127ab88/dataset/splits/harmless_",
}
_FETCHED = cache_folder("test-data") / "published"
_TIMEOUT_SECONDS = 10


def find() -> Path | None:
    """The folder with `PolyRefuse/` and `english/`, where there is one."""
    named = os.environ.get(VARIABLE)
    for folder in [Path(named)] if named else [_HERE.parents[1] / "shared" / "upstream", _FETCHED]:
        if all((folder / path).is_file() for path in hashes()):
            return folder
    return None


def hashes() -> dict[str, str]:
    """Path -> sha256, as `sha256sum` writes them."""
    lines = (_HERE / "published.sha256").read_text(encoding="utf-8").splitlines()
    return {path: sha256 for sha256, path in map(str.split, lines)}


def fetch(folder: Path, origins: dict[str, str]) -> None:
    """Fetch every file into the folder, and check it. Raises OSError where one cannot be had, or is another."""

    def fetch_one(path: str, sha256: str) -> None:
        prefix = next(prefix for prefix in origins if path.startswith(prefix))
        url = origins[prefix] + path.removeprefix(prefix)
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as response:
            content = response.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise OSError(f"{url} is not the file that published.sha256 lists")
        atomic_write(folder / path, content)

    files = hashes().items()
    fetch_one(*next(iter(files)))  # alone, so that a machine without a network gives up once
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(fetch_one, *file) for file in files]:
            done.result()


def main() -> None:
    """Fetch it unless it is here; where that fails say so, and let the tests that need it be skipped."""
    if find() is None:
        try:
            fetch(_FETCHED, ORIGINS)
        except OSError as error:
            print(f"the published dataset cannot be fetched ({error}): the tests that need it will be skipped")
            sys.exit(1)


if __name__ == "__main__":
    main()
