"""One GGUF file as a model, with weights converted to floats, and tokenizer and template taken from the file itself."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ModelError
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.system.input_files import open_input

SUFFIX = ".gguf"
_MAGIC = b"GGUF"
_WORD = re.compile("[Ġ▁]([a-z]{6,})")  # a vocabulary's word after a space, in its two spellings
_WORDS = 200  # looked at: every so many of the vocabulary
_LEAST_WHOLE = 0.5
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


def check_words(tokenizer: Any, name: str) -> None:
    """Raise ModelError if the tokenizer that transformers made of a GGUF file splits the words of its own vocabulary.

    Some versions make the merges of some families wrongly (5.17 those of Gemma 3), and say nothing.
    """
    words = {word[1]: number for token, number in tokenizer.get_vocab().items() if (word := _WORD.fullmatch(token))}
    looked_at = sorted(words)[:: max(1, len(words) // _WORDS)]
    whole = sum(words[word] in tokenizer(f"a {word}")["input_ids"] for word in looked_at)
    if whole < _LEAST_WHOLE * len(looked_at):
        import transformers

        raise ModelError(
            f"{name}: transformers {transformers.__version__} reads this file's tokenizer wrongly ({whole} of "
            f"{len(looked_at)} words of its vocabulary stay whole); install a newer one, or give the model's folder"
        )
