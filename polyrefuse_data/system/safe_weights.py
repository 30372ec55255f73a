"""Loads foreign models safely, from safetensors alone and without their code, and names model folders in results."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from polyrefuse_data.errors import MissingPrerequisite, ModelError, PolyrefuseError
from polyrefuse_data.system.input_files import read_input, reason, regular_file, sha256_of
from polyrefuse_data.system.machine_faults import is_out_of_memory
from polyrefuse_data.system.shell import shell_word

_WEIGHTS_AND_VOCABULARY = ("*.safetensors", "*.bin", "*.json", "*.jinja", "*.model", "*.spm")

WHOLE_MODEL = "give a folder with config.json, the tokenizer's files and safetensors weights"  # what mends a folder

# Building the modules of a billion layers would take all memory before a weight is looked at. Models have hundreds.
_MOST_LAYERS = 10_000


def folder_revision(folder: Path) -> str:
    """The first 12 hex digits of the sha256 over a model folder's weights, configuration and vocabulary."""
    _inspect(folder)
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _WEIGHTS_AND_VOCABULARY for path in folder.glob(pattern)}):
        digest.update(f"{path.name}:{sha256_of(path)}\n".encode())
    return digest.hexdigest()[:12]


def load_weights(auto_class: Any, name: str, **options: Any) -> Any:
    """`auto_class.from_pretrained`, for a model with safetensors weights. Code of the model is never run.

    `name` is its name in errors, and its location unless `pretrained_model_name_or_path` gives another. Raises
    ModelError if it has only pickled weights, or refers to some, or its safetensors are damaged; otherwise whatever
    transformers raises.
    """
    from safetensors import SafetensorError

    with safetensors_only(name):
        try:
            where = options.pop("pretrained_model_name_or_path", name)
            return auto_class.from_pretrained(where, use_safetensors=True, trust_remote_code=False, **options)
        except OSError as error:
            if "model.safetensors" in str(error):  # transformers would suggest the pickle instead
                raise _pickled(name) from error
            raise
        except SafetensorError as error:
            raise ModelError(f"{name}: its safetensors are damaged ({error}): download the model again") from error


@contextmanager
def damage_explained(name: str) -> Iterator[None]:
    """Turn what reading a model's files raises into a ModelError, or into MissingPrerequisite where a package is
    missing; OSError and ValueError only if transformers cannot know the model, and the rest of them pass.

    transformers uses the files without validation: a list instead of a table ends in a TypeError or the like, and a
    pipe blocks for ever. What `_inspect` finds is a ModelError at once.
    """
    _inspect(Path(name))
    try:
        yield
    except (OSError, ValueError) as error:
        if mend := _unknown_kind(name, str(error)):
            raise ModelError(f"{name}: {mend}") from error
        raise
    except (PolyrefuseError, MemoryError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, ImportError):
            raise MissingPrerequisite(f"{name}: reading it needs another package ({reason})") from error
        raise ModelError(f"{name}: its files are damaged, or belong to another kind of model ({reason})") from error


def _unknown_kind(name: str, said: str) -> str | None:
    """What to do about a model of a kind that transformers says it does not know; None if it says something else."""
    is_unknown = "does not recognize this architecture" in said
    if "custom code" in said or (is_unknown and _config(name).get("auto_map")):
        return "it needs code of its own, which is never run; use a model that transformers knows"
    return "this transformers does not know its type; upgrade transformers" if is_unknown else None


def _config(name: str) -> dict[str, Any]:
    """The config.json of a folder, or of a Hub id in the Hub's cache."""
    if Path(name).exists():
        return _table(Path(name) / "config.json")
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(name, "config.json")
    return _table(Path(cached)) if isinstance(cached, str) else {}


@contextmanager
def safetensors_only(name: str) -> Iterator[None]:
    """While open, loading the model `name` opens no pickle, whatever its files ask for: a pickle can run any program.

    `use_safetensors=True` alone does not ensure that: config.json may name the weights file, and an index the shards.
    Nor are weights fetched that a service has converted, because they are not those of the requested revision.
    """
    import torch

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise _pickled(name)

    switch = "DISABLE_SAFETENSORS_CONVERSION"  # of transformers
    load, before = torch.load, os.environ.get(switch)
    torch.load, os.environ[switch] = refuse, "1"
    try:
        yield
    finally:
        torch.load = load
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before


def _inspect(folder: Path) -> None:
    """Raise ModelError for what would block a model's loading, or lead it out of the folder, whose files alone are in
    the model's revision."""
    _refuse_special_files(folder)
    config = _table(folder / "config.json")
    named: list[tuple[Path, Any]] = [(folder / "config.json", config.get("transformers_weights"))]
    for index in folder.glob("*.index.json"):
        shards = _table(index).get("weight_map")
        named += [(index, shard) for shard in shards.values()] if isinstance(shards, dict) else []
    for path, name in named:
        if isinstance(name, str) and Path(name).name != name:
            raise ModelError(f"{path}: names weights that are not in its folder ({name!r}); download the model again")
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        for key, count in part.items():
            if key.endswith("layers") and isinstance(count, int) and count > _MOST_LAYERS:
                raise ModelError(f"{folder}: its config.json claims {key} = {count}; correct it, or download it again")


def _table(path: Path) -> dict[str, Any]:
    """A JSON object; an empty one for what is none, which transformers reports."""
    try:
        read = json.loads(read_input(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _refuse_special_files(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if not path.is_dir():
                regular_file(path)
        except FileNotFoundError as error:
            if any(path.match(pattern) for pattern in _WEIGHTS_AND_VOCABULARY):
                raise ModelError(
                    f"{path}: a link to {path.readlink()}, which does not exist; download the model again"
                ) from error
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({reason(error)}): it is not a model file") from error


def _pickled(name: str) -> ModelError:
    return ModelError(
        f"{name}: no model.safetensors to load, and pickled weights (pytorch_model.bin) are never loaded, because "
        f"they can run any program: convert them once with `polyrefuse fetch-model {shell_word(name)} --out FOLDER`, "
        "and give that folder"
    )
