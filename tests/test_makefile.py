"""The Makefile sets up the right torch: no gigabytes of CUDA without a GPU, and nothing against what pip is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPU_BUILDS = "--extra-index-url https://download.pytorch.org/whl/cpu"


def torch_line(*arguments: str, **environment: str) -> str:
    """The command that would install torch, on a machine where pip has no configuration."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    done = subprocess.run(
        ["make", "--always-make", "--dry-run", ".venv/ready", *arguments],
        cwd=ROOT,
        env={**bare, "PIP_CONFIG_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.endswith(" torch")]
    return line


def test_without_a_gpu_torch_is_its_cpu_build() -> None:
    assert CPU_BUILDS in torch_line()


def test_with_a_gpu_torch_is_the_one_of_pypi(tmp_path: Path) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    assert "index" not in torch_line(PATH=f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"])
def test_what_pip_is_configured_with_decides(variable: str) -> None:
    assert "index" not in torch_line(**{variable: "https://mirror.example/simple"})


def test_an_index_that_is_named_decides() -> None:
    assert "--extra-index-url https://mirror.example/torch" in torch_line("TORCH_INDEX=https://mirror.example/torch")
    assert "index" not in torch_line("TORCH_INDEX=")
