"""semantic: cosine similarity of text and prompt in a multilingual sentence encoder such as LaBSE.

Optional (`quality.semantic_model`); the only check that needs a model. Any encoder that AutoModel loads works, with the
pooling that it was trained with (sentence_encoder.py).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.sentence_encoder import sentence_encoder
from polyrefuse_data.quality.thresholds import Threshold
from polyrefuse_data.system.extras import require


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
        version="2",
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
        encoder = sentence_encoder(model)
        own = encoder.embed([batch.text[row] for row in rows])
        english = encoder.embed([batch.text_en[row] for row in rows])
        values[rows] = (own * english).sum(axis=1)
    return {"semantic_similarity": values}


SEMANTIC = semantic(None)
