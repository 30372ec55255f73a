"""Importing the package, or using it as a library, changes nothing for the rest of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from polyrefuse_data.cli import app, making
from polyrefuse_data.system.cache import cache_folder
from polyrefuse_data.system.safe_weights import safetensors_only

# What a library could change under its caller's feet, told before and after; and a spy on glibc's mallopt, which leaves
# no trace that could be read back.
PROGRAM = """
import os, signal, sys
import torch
from polyrefuse_data.system import machine

def state():
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")}
    return variables, torch.load, torch.get_num_threads(), handlers, sys.stdout, sys.stderr

called = []
machine.keep_freed_memory = lambda: called.append("mallopt")
before = state()
import importlib, pkgutil
import polyrefuse_data
for module in pkgutil.walk_packages(polyrefuse_data.__path__, "polyrefuse_data."):
    if not module.name.endswith(("__main__", "harness.inspect")):  # a module for those who have inspect_ai
        importlib.import_module(module.name)
from polyrefuse_data.config import NllbBackend
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Pair, Request, open_backend, translate_requests
for runtime in ("ctranslate2", "transformers"):
    backend = open_backend(NllbBackend(model="bundled:demo-translator", runtime=runtime, device="cpu"))
    translate_requests(backend, [Request("List three fruits.", language("en"), language("de"))])
after = state()
print([number for number, (old, new) in enumerate(zip(before, after)) if old != new], called)
"""


def test_neither_importing_every_module_nor_translating_leaves_a_trace(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "POLYREFUSE_CACHE": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "[] []\n", done.stderr[-3000:]


@pytest.mark.parametrize(
    ("engine", "calls"), [('engine = "nllb"\nmodel = "/none"', 1), ('engine = "memory"\npaths = ["none.tmx"]', 0)]
)
def test_the_build_command_keeps_freed_memory_for_the_translator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, calls: int
) -> None:
    called = []
    monkeypatch.setattr(making, "keep_freed_memory", lambda: called.append(1))
    config = tmp_path / "polyrefuse.toml"
    config.write_text(f'[[sources]]\nname = "demo-seeds"\n\n[[translation.backends]]\n{engine}\n')
    assert CliRunner().invoke(app, ["build", "-c", str(config)]).exit_code != 0  # there is no such translator
    assert len(called) == calls


@pytest.mark.parametrize("value", [None, "0"])
def test_what_loading_a_model_sets_is_undone(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    import torch

    switch, load = "DISABLE_SAFETENSORS_CONVERSION", torch.load
    monkeypatch.delenv(switch, raising=False)
    if value is not None:
        monkeypatch.setenv(switch, value)
    with pytest.raises(RuntimeError, match="of ours"), safetensors_only("model"):
        assert os.environ[switch] == "1" and torch.load is not load
        raise RuntimeError("of ours")
    assert os.environ.get(switch) == value and torch.load is load


def test_one_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("POLYREFUSE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert cache_folder("models") == tmp_path / "polyrefuse-data" / "models"
    monkeypatch.setenv("POLYREFUSE_CACHE", str(tmp_path / "own"))
    assert cache_folder("models") == tmp_path / "own" / "models"
