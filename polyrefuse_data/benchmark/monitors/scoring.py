"""Scores prompts with a monitor's file: what a defender runs before, or beside, the model's answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark.activations import block_inputs
from polyrefuse_data.benchmark.model import ChatModel
from polyrefuse_data.benchmark.monitors.detectors import DIRECTION, PROBE
from polyrefuse_data.benchmark.monitors.file import Monitor, load_monitor
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages.tags import code_of
from polyrefuse_data.models.quantization import SCHEMES
from polyrefuse_data.sources.reading import read_records

_logger = logging.getLogger(__name__)

_AT_ONCE = 256  # prompts whose activations are held: 16 positions of 80 layers of 8,192 are 42 MB each
_DIGESTS = ("weights_sha256", "tokenizer_sha256", "template_sha256")


def score_prompts(
    file: str | Path, model: str | Path, prompts: Sequence[str | Path], *, dtype: str = "auto", device: str = "auto"
) -> Iterator[dict[str, Any]]:
    """Scores of the prompts in files (JSONL, JSON, CSV, Parquet, ...: a prompt, and where known `id` and `language`).

    Each has the score of `direction` and `probe`, and whether it is an alarm at the threshold of its language
    (`threshold_of` says whose: the source language's, where the monitor does not know it). The model is loaded as it
    was for the monitor: its revision, its quantization and, with `dtype` "auto", its type of weights. Raises
    ConfigError where it is not the one that the monitor was taken from: its numbers would mean nothing.
    """
    asked = [record for path in prompts for record in read_records(Path(path))]
    texts = [record.text() for record in asked]
    monitor = load_monitor(file)
    loaded = _load(monitor, model, dtype, device)
    _check_same(monitor, loaded, file)
    for start in range(0, len(asked), _AT_ONCE):
        taken = block_inputs(loaded, texts[start : start + _AT_ONCE])
        scores = monitor.score(taken[:, monitor.told["position"], monitor.told["layer"]])
        for place, record in enumerate(asked[start : start + _AT_ONCE]):
            language = code_of(record.string("language"))
            told = {"id": record.string("id") or record.place, "language": language}
            found = {name: scores[name][place] for name in (DIRECTION, PROBE)}
            alarms = {f"{name}_alarm": found[name] > monitor.threshold(name, language) for name in found}
            yield {**told, **found, **alarms, "threshold_of": monitor.threshold_of(language)}


def _load(monitor: Monitor, model: str | Path, dtype: str, device: str) -> ChatModel:
    """The model as it was when the monitor was taken from it."""
    then = monitor.told["model"]
    taken_as = then.get("dtype") or "auto"  # files of before did not tell
    if dtype not in ("auto", taken_as) and taken_as != "auto":
        _logger.warning(
            "the monitor was exported from the model in %s: its thresholds may not fit scores in %s", taken_as, dtype
        )
    scheme = then.get("quantization")
    return ChatModel.load(
        model,
        revision=then["revision"] if str(model) == then["model"] and not Path(model).exists() else None,
        dtype=taken_as if dtype == "auto" else dtype,
        device=device,
        system_prompt=monitor.told["system_prompt"],
        quantization=scheme if scheme in SCHEMES else None,  # else the checkpoint's own
    )


def _check_same(monitor: Monitor, model: ChatModel, file: str | Path) -> None:
    now, then = asdict(model.identity), monitor.told["model"]
    for name in _DIGESTS:
        if now[name] != then[name]:
            what = name.removesuffix("_sha256")
            raise ConfigError(
                f"{file} was taken from {then['model']} with another {what} ({then[name][:12]}, now {now[name][:12]}): "
                "use that model, or export a monitor of this one"
            )
