"""Loads what commands import and read on their way, once a process: a fork of it is at work at once."""

from __future__ import annotations

import importlib

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.quality import audit
from polyrefuse_data.rows import table_from_rows
from tests.faults.worlds import KEYS, LANGUAGES, texts

for module in (
    "polyrefuse_data.benchmark.judges.phrases",
    "polyrefuse_data.benchmark.report",
    "polyrefuse_data.benchmark.run",
    "polyrefuse_data.demo.run",
    "polyrefuse_data.models.fetching",
    "polyrefuse_data.pipeline.build",
    "polyrefuse_data.pipeline.importing",
    "polyrefuse_data.pipeline.status",
    "polyrefuse_data.quality.report",
    "polyrefuse_data.quality.review",
    "polyrefuse_data.release.content",
    "polyrefuse_data.release.diff",
    "polyrefuse_data.release.load",
    "polyrefuse_data.release.publish",
    "polyrefuse_data.release.showing",
    "polyrefuse_data.release.verify",
    "polyrefuse_data.release.writer",
    "polyrefuse_data.translation.command",
    "datasets",
    "huggingface_hub.hf_api",
    "jinja2",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "pandas",
    "sacrebleu",
    "sklearn.metrics",
    "transformers.models.auto.modeling_auto",
    "transformers.models.llama.modeling_llama",
    "transformers.tokenization_utils_tokenizers",
):
    importlib.import_module(module)

audit(
    table_from_rows(
        {"id": key, "language": code, "text": text, "text_en": seed_texts("en").prompts[key]}
        for code in ("en", *LANGUAGES)
        for key, text in zip(KEYS, texts(code), strict=True)
    ),
    workers=1,
)
