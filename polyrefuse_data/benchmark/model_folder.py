"""What a folder must hold to be a model: checked before anything in it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from polyrefuse_data.benchmark.gguf import is_gguf
from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.input_files import read_input

_ONE_FILE = "model.safetensors"
_INDEX = f"{_ONE_FILE}.index.json"
_LFS = b"version https://git-lfs.github.com/spec"
_OLD_TEMPLATE = "chat_template.json"  # of processors of multimodal models; tokenizers do not read it


def check_place(path: Path, name: str) -> None:
    """Raise ModelError if a name is neither a local model folder or GGUF file nor a possible Hub id."""
    if path.is_dir():
        _check_folder(path, name)
    if path.is_file() and not is_gguf(path):
        raise ModelError(f"{name} is a file; give the folder that holds it, a GGUF file, or a Hub id (ORG/NAME)")
    if not path.exists() and (path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1):
        raise ModelError(f"{name}: no such folder; give a model folder, or a Hub id (ORG/NAME)")


def _check_folder(path: Path, name: str) -> None:
    """Raise ModelError for a folder that holds no model, or several, or pointers to one."""
    is_adapter = (path / "adapter_config.json").exists()
    if not (path / "config.json").exists():
        if is_adapter:
            raise ModelError(
                f"{name}: an adapter, not a model; merge it into its base model (`merge_and_unload` of peft), and give "
                "the folder that both are saved in"
            )
        inside = [file.name for file in sorted(path.iterdir()) if is_gguf(file) or (file / "config.json").exists()]
        which = f"one of those in it: {', '.join(inside)}" if inside else "the folder that holds the model's files"
        raise ModelError(f"{name}: this folder holds no config.json; give {which}")
    if is_adapter:  # transformers would load the adapter's base model instead, if peft is installed
        raise ModelError(
            f"{name}: this folder holds a model and an adapter; move adapter_config.json away to measure the model, or "
            "merge the two (`merge_and_unload` of peft)"
        )
    checkpoints = [file for file in (_ONE_FILE, _INDEX) if (path / file).exists()]
    if len(checkpoints) > 1:
        raise ModelError(f"{name}: this folder holds two checkpoints, {' and '.join(checkpoints)}; keep one of them")
    pointers = sorted(file.name for file in path.iterdir() if file.is_file() and _is_pointer(file))
    if pointers:
        raise ModelError(f"{name}: {pointers[0]} is only a Git LFS pointer; fetch the file with `git lfs pull`")
    if not (checkpoints or any(path.glob("*.safetensors")) or any(path.glob("*.bin"))):
        raise ModelError(f"{name}: this folder holds no weights; download the model's {_ONE_FILE} into it")
    if missing := [shard for shard in _shards(path) if not (path / shard).exists()]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{name}: its weights lack {missing[0]}{more}; download the model again")


def _is_pointer(file: Path) -> bool:
    """Whether a file only says where its content is. (Pipes and the like are refused elsewhere.)"""
    return file.stat().st_size < 1024 and read_input(file).startswith(_LFS)


def _shards(path: Path) -> list[str]:
    """The files that a model's index names; none where it is damaged, which whoever loads them says."""
    try:
        return sorted(set(json.loads(read_input(path / _INDEX))["weight_map"].values()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []


def processor_template(path: Path) -> str | None:
    """The chat template of a folder whose tokenizer has none: multimodal models used to keep it in their
    processor's file."""
    try:
        found = json.loads(read_input(path / _OLD_TEMPLATE))["chat_template"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None
