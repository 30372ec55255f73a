"""Sentence encoders as they were trained: with their own pooling, layers after it, normalisation, prompt and length.

A folder or Hub repository of sentence-transformers says them in modules.json and the folders that it names. A model
without it gives its pooler output if it has one, else the mean of its last hidden states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.system.input_files import read_input_text, regular_file
from polyrefuse_data.system.safe_weights import WHOLE_MODEL, damage_explained, load_weights
from polyrefuse_data.system.shell import shell_word

_BATCH = 32
_LONGEST = 256  # tokens, where the model says nothing
_KEY = "quality.semantic_model"

Layer = Callable[[Any], Any]  # (sentences, dimension) -> the same or another dimension


@dataclass(frozen=True)
class SentenceEncoder:
    """`poolings` turn token states into one vector a sentence each, which stand side by side; `layers` follow."""

    tokenizer: Any
    model: Any
    poolings: Sequence[str]
    layers: Sequence[Layer]
    prompt: str
    longest: int

    def embed(self, sentences: Sequence[str]) -> npt.NDArray[np.float64]:
        """(sentence, dimension), each of length 1."""
        import torch

        parts = []
        for start in range(0, len(sentences), _BATCH):
            tokens = self.tokenizer(
                [self.prompt + sentence for sentence in sentences[start : start + _BATCH]],
                padding=True,
                truncation=True,
                max_length=self.longest,
                return_tensors="pt",
            )
            with torch.inference_mode():
                output = self.model(**tokens)
                vectors = torch.cat([_POOLINGS[name](output, tokens["attention_mask"]) for name in self.poolings], -1)
                for layer in self.layers:
                    vectors = layer(vectors)
            parts.append(torch.nn.functional.normalize(vectors.double(), dim=-1).numpy())
        return np.concatenate(parts)


@lru_cache(maxsize=1)
def sentence_encoder(name: str) -> SentenceEncoder:
    """The encoder of a folder or Hub id.

    Raises MissingPrerequisite if it cannot be found, ModelError if it cannot be used as it is.
    """
    from transformers import AutoModel, AutoTokenizer

    try:
        with damage_explained(name):
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            model = load_weights(AutoModel, name).eval()
            poolings, layers = _modules(name, model)
            prompt, longest = _prompt(name), _longest(name, tokenizer)
    except ModelError as error:
        raise ModelError(f"{_KEY}: {error}") from error
    except (OSError, ValueError) as error:
        is_folder = Path(name).is_dir()
        mend = WHOLE_MODEL if is_folder else f"fetch it with `hf download {shell_word(name)}`, or name a folder"
        raise MissingPrerequisite(
            f"{_KEY}: {name} cannot be loaded ({str(error).strip().splitlines()[0]}); {mend}"
        ) from error
    if tokenizer.pad_token_id is None:
        raise ModelError(f"{_KEY}: the tokenizer of {name} has no padding token")
    return SentenceEncoder(tokenizer, model, poolings, layers, prompt, longest)


def _modules(name: str, model: Any) -> tuple[list[str], list[Layer]]:
    """The poolings and the layers after them, in order."""
    modules = _read(name, "modules.json")
    if not modules:
        return ["pooler" if getattr(model, "pooler", None) is not None else "mean"], []
    poolings: list[str] = []
    layers: list[Layer] = []
    for module in modules:
        kind, folder = str(module["type"]).rsplit(".", 1)[-1], str(module["path"])
        if kind == "Pooling":
            poolings = _poolings(_read(name, f"{folder}/config.json") or {}, name)
        elif kind == "Dense":
            layers.append(_dense(name, folder))
        elif kind not in ("Transformer", "Normalize", "Dropout"):  # every vector is normalised at the end
            raise ModelError(f"{name} uses the module {kind}, which is not supported: choose another encoder")
    return poolings or ["mean"], layers


def _poolings(config: dict[str, Any], name: str) -> list[str]:
    asked = config.get("pooling_mode")
    chosen = [asked] if isinstance(asked, str) else [mode for mode, key in _POOLING_KEYS.items() if config.get(key)]
    if unknown := [mode for mode in chosen if mode not in _POOLINGS]:
        raise ModelError(f"{name} pools by {unknown[0]}, which is not supported: choose another encoder")
    return chosen or ["mean"]


def _dense(name: str, folder: str) -> Layer:
    """A linear layer with its activation (LaBSE's tanh)."""
    import torch
    from safetensors.torch import load_file

    config = _read(name, f"{folder}/config.json") or {}
    weights = _find(name, f"{folder}/model.safetensors")
    if weights is None:
        raise ModelError(
            f"{name}: {folder} has no model.safetensors, and pickled weights are not loaded: choose another encoder"
        )
    found = load_file(regular_file(weights))
    activation = str(config.get("activation_function", "torch.nn.modules.linear.Identity")).rsplit(".", 1)[-1]
    apply = {"Tanh": torch.tanh, "Identity": lambda x: x, "ReLU": torch.relu, "GELU": torch.nn.functional.gelu}
    if activation not in apply:
        raise ModelError(
            f"{name}: {folder} uses the activation {activation}, which is not supported: choose another encoder"
        )
    weight, bias = found["linear.weight"].float(), found.get("linear.bias")
    return lambda vectors: apply[activation](
        torch.nn.functional.linear(vectors.float(), weight, None if bias is None else bias.float())
    )


def _prompt(name: str) -> str:
    """What the encoder wants before each text: the prompt that its configuration makes the default, mostly none."""
    config = _read(name, "config_sentence_transformers.json") or {}
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name"), ""))


def _longest(name: str, tokenizer: Any) -> int:
    own = (_read(name, "sentence_bert_config.json") or {}).get("max_seq_length")
    return min(int(own or _LONGEST), int(tokenizer.model_max_length))


def _read(name: str, file: str) -> Any:
    path = _find(name, file)
    return None if path is None else json.loads(read_input_text(path))


def _find(name: str, file: str) -> Path | None:
    """A file of a model's folder, or of its repository in the cache."""
    if Path(name).is_dir():
        path = Path(name) / file
        return path if path.exists() else None
    from transformers.utils.hub import cached_file

    found = cached_file(
        name, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
    )
    return None if found is None else Path(found)


def _mean(output: Any, mask: Any) -> Any:
    weights = mask[..., None]
    return (output.last_hidden_state * weights).sum(1) / weights.sum(1).clamp(min=1)


def _mean_by_root(output: Any, mask: Any) -> Any:
    weights = mask[..., None]
    return (output.last_hidden_state * weights).sum(1) / weights.sum(1).clamp(min=1).sqrt()


def _weighted_mean(output: Any, mask: Any) -> Any:
    import torch

    weights = mask[..., None] * torch.arange(1, mask.shape[1] + 1)[None, :, None]
    return (output.last_hidden_state * weights).sum(1) / weights.sum(1).clamp(min=1)


def _maximum(output: Any, mask: Any) -> Any:
    return output.last_hidden_state.masked_fill(mask[..., None] == 0, float("-inf")).max(1).values


def _first(output: Any, mask: Any) -> Any:
    rows, places = range(len(mask)), mask.argmax(1)  # where padding stands on the left, not the first place
    return output.last_hidden_state[list(rows), places]


def _last(output: Any, mask: Any) -> Any:
    places = mask.shape[1] - 1 - mask.flip(1).argmax(1)
    return output.last_hidden_state[list(range(len(mask))), places]


# As sentence-transformers calls them, in the order in which it puts several side by side.
_POOLINGS: dict[str, Callable[[Any, Any], Any]] = {
    "cls": _first,
    "max": _maximum,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
    "pooler": lambda output, mask: output.pooler_output,
}
_POOLING_KEYS = {
    "cls": "pooling_mode_cls_token",
    "max": "pooling_mode_max_tokens",
    "mean": "pooling_mode_mean_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
