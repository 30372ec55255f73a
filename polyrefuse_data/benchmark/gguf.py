"""One GGUF file as a model, with weights converted to floats, and tokenizer and template taken from the file itself."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.system.input_files import open_input

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_READERS = ("gguf", "accelerate")  # the packages that transformers reads such files with


def is_gguf(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and path.is_file()


@contextmanager
def gguf_alone(path: Path) -> Iterator[dict[str, str]]:
    """The arguments that make transformers load this file and nothing else.

    transformers would also read tokenizer_config.json and others from the same folder, which may belong to another
    model. Therefore it gets a link to the file in a folder of its own. Raises MissingPrerequisite if the gguf package
    is missing, ModelError if the file is not GGUF.
    """
    if any(importlib.util.find_spec(name) is None for name in _READERS):
        raise not_installed(f"{path}: reading a GGUF file", "polyrefuse-data[gguf]")
    with open_input(path) as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{path} is not a GGUF file: download it again")
    with tempfile.TemporaryDirectory(prefix="polyrefuse-gguf-") as folder:
        (Path(folder) / path.name).symlink_to(path.resolve())
        yield {"pretrained_model_name_or_path": folder, "gguf_file": path.name}
