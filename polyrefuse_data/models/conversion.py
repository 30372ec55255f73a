"""Converts pickled weights to safetensors, in a separate process without secrets.

A pickle can run any program. Here it is read by torch's restricted unpickler, which builds tensors and plain containers
and refuses everything else. Nothing else in this package opens a pickle.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.input_files import read_input_text
from polyrefuse_data.system.limits import bounded
from polyrefuse_data.system.redaction import environment_without_secrets
from polyrefuse_data.system.subprocesses import run_program

PICKLE, PICKLE_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
SAFETENSORS, SAFETENSORS_INDEX = "model.safetensors", "model.safetensors.index.json"

_LONGEST_SECONDS = 3600.0  # the largest NLLB, 17 GB, takes minutes on a slow disk
_SPARE_MEGABYTES = 1024  # besides the tensors, for torch itself
_FORBIDDEN = re.compile(r"Unsupported (?:global|class|operand)[^\n]*|GLOBAL [\w.]+[^\n]*")


def convert(pickles: Sequence[Path], folder: Path) -> None:
    """Write the weights in `pickles` into `folder`, which holds the model's config.json, and check that they load.

    Raises ModelError if a file contains anything but tensors, is damaged, or the resulting model lacks weights.
    """
    command = [sys.executable, "-m", __name__, str(folder), *map(str, pickles)]
    done = run_program(command, b"", _LONGEST_SECONDS, {**environment_without_secrets(), "HF_HUB_OFFLINE": "1"})
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelError(f"{pickles[0].name} cannot be converted: {said[-1]}")


def _main(folder: Path, pickles: Sequence[Path]) -> None:
    weight_map, total = {}, 0
    for pickle in pickles:
        name = pickle.name.replace("pytorch_model", "model").removesuffix(".bin") + ".safetensors"
        tensors = _distinct(_tensors(pickle))
        _save(tensors, folder / name)
        weight_map.update(dict.fromkeys(tensors, name))
        total += sum(tensor.nbytes for tensor in tensors.values())
    if len(pickles) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / SAFETENSORS_INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
    _prove(folder)


def _tensors(path: Path) -> dict[str, Any]:
    import torch

    try:
        with bounded(_LONGEST_SECONDS, path.stat().st_size // 2**20 + _SPARE_MEGABYTES):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:
        forbidden = _FORBIDDEN.search(str(error))  # the rest of torch's message tells how to open it anyway
        if forbidden or "Weights only load failed" in str(error):
            reason = forbidden[0] if forbidden else "it is not a pickle of tensors"
            raise ModelError(f"it contains more than tensors, which is refused ({reason})") from error
        raise ModelError(f"it is damaged ({_first_line(error).partition('. ')[0]})") from error
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ModelError("it is not a dict of tensors by name")
    return dict(content)


def _distinct(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The first of several names for one tensor (tied embeddings), each tensor with its own memory.

    Raises ModelError for a tensor that repeats its storage: a few bytes could become any number of them.
    """
    kept: dict[str, Any] = {}
    seen = set()
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage()
        if tensor.nbytes > storage.nbytes():
            raise ModelError(f"{name} claims {tensor.nbytes} bytes, but the file holds only {storage.nbytes()}")
        place = (storage.data_ptr(), tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and place in seen:
            continue
        seen.add(place)
        kept[name] = tensor.contiguous() if storage.nbytes() == tensor.nbytes else tensor.clone().contiguous()
    return kept


def _save(tensors: dict[str, Any], target: Path) -> None:
    from safetensors.torch import save_file

    save_file(tensors, target, metadata={"format": "pt"})


def _prove(folder: Path) -> None:
    """Load the model as users will. Raises ModelError if weights are missing or have another shape."""
    import transformers

    from polyrefuse_data.system.safe_weights import damage_explained, load_weights

    with damage_explained(folder.name):
        config = json.loads(read_input_text(folder / "config.json"))
        names = config.get("architectures") or [""]
        architecture = getattr(transformers, str(names[0]), None)
        if architecture is None:
            raise ModelError(f"config.json names the architecture {names[0]!r}, which transformers does not have")
        _, report = load_weights(architecture, str(folder), output_loading_info=True)
    lacking = [*report["missing_keys"], *report["mismatched_keys"]]
    if lacking:
        raise ModelError(f"the model lacks weights ({lacking[0]}, {len(lacking)} in all)")


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


if __name__ == "__main__":
    try:
        _main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
    except Exception as failure:
        raise SystemExit(_first_line(failure)) from failure
