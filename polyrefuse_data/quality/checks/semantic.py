"""semantic: cosine similarity of text and prompt in a multilingual sentence encoder such as LaBSE.

Optional (`quality.semantic_model`); the only check that needs a model. Any encoder that AutoModel loads works. The
sentence embedding is its pooler output if it has one (LaBSE), else the mean of its last hidden states, normalised.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.safe_weights import damage_explained, load_weights

_BATCH = 32
_LONGEST = 256  # tokens


def semantic(model: str | None) -> Check:
    """The check with one encoder, by Hub id or folder; without one, a check that scores nothing.

    Raises MissingPrerequisite if the encoder cannot be run here.
    """
    if model is not None:
        require("quality.semantic_model", "nllb")
    return Check(
        name="semantic",
        description="A sentence encoder finds text and prompt dissimilar. Only with `quality.semantic_model`.",
        score=None if model is None else partial(semantic_similarity, model=model),
        settings=lambda: (model or "").rstrip("/").rsplit("/", 1)[-1],
        scores={"semantic_similarity": "cosine similarity of text and prompt in the encoder, -1 to 1"},
        thresholds=[
            Threshold(
                "semantic",
                "semantic_similarity",
                at_least=0.4,
                source="LaBSE; only with quality.semantic_model",
            )
        ],
    )


def semantic_similarity(batch: Batch, model: str) -> Scores:
    """Cosine similarity, -1 to 1, of each translated row with its prompt."""
    rows = np.flatnonzero(batch.translated)
    values = np.full(len(batch), np.nan)
    if len(rows):
        own = embed(model, [batch.text[row] for row in rows])
        english = embed(model, [batch.text_en[row] for row in rows])
        values[rows] = (own * english).sum(axis=1)
    return {"semantic_similarity": values}


def embed(model: str, sentences: Sequence[str]) -> npt.NDArray[np.float64]:
    """(sentence, dimension), each of length 1."""
    import torch

    tokenizer, encoder = _load(model)
    parts = []
    for start in range(0, len(sentences), _BATCH):
        tokens = tokenizer(
            list(sentences[start : start + _BATCH]),
            padding=True,
            truncation=True,
            max_length=_LONGEST,
            return_tensors="pt",
        )
        with torch.inference_mode():
            output = encoder(**tokens)
        pooled = getattr(output, "pooler_output", None)
        if pooled is None:
            mask = tokens["attention_mask"][..., None]
            pooled = (output.last_hidden_state * mask).sum(1) / mask.sum(1)
        parts.append(torch.nn.functional.normalize(pooled.double(), dim=-1).numpy())
    return np.concatenate(parts)


@lru_cache(maxsize=1)
def _load(model: str) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    try:
        with damage_explained(model):
            tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
            encoder = load_weights(AutoModel, model)
    except ModelError as error:
        raise ModelError(f"quality.semantic_model: {error}") from error
    except (OSError, ValueError) as error:
        raise MissingPrerequisite(
            f"quality.semantic_model: {model} cannot be loaded ({str(error).strip().splitlines()[0]}); "
            f"fetch it with `hf download {model}`, or name a folder"
        ) from error
    if tokenizer.pad_token_id is None:
        raise ModelError(f"quality.semantic_model: the tokenizer of {model} has no padding token")
    return tokenizer, encoder.eval()


SEMANTIC = semantic(None)
