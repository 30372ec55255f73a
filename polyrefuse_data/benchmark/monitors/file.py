"""The monitor as one small file that any program can load: safetensors with its metadata, no code.

Tensors `direction` and `probe` ([d_model], float32) act on the input of block `layer` at `position` (-1: the last token
of the rendered prompt, where the reply begins): direction . x, and probe . x + probe_bias. The metadata's `monitor` is
JSON: format, where the tensors act, the model that they belong to, each language's thresholds, and how well they did.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.chosen import chosen_directions, leading
from polyrefuse_data.benchmark.monitor import FALSE_POSITIVE_RATE
from polyrefuse_data.benchmark.monitors.detectors import DIRECTION, PROBE, activations_at, detectors, probe_on
from polyrefuse_data.benchmark.statistics import threshold_at
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.rows import HARMLESS
from polyrefuse_data.system.input_files import reason, regular_file

FORMAT = "polyrefuse-monitor/1"
# What run.json says of the model and decides what a prompt's activations are: its files, how they were loaded, and what
# the template puts after a prompt (`position` counts these tokens).
_IDENTITY = (
    *("model", "revision", "weights_sha256", "tokenizer_sha256", "template_sha256"),
    *("architecture", "dtype", "quantization", "post_instruction_tokens"),
)
_KEYS = ("format", "source_language", "position", "layer", "probe_bias", "thresholds", "model", "system_prompt")


@dataclass(frozen=True)
class Monitor:
    """A loaded monitor. `told` is what its file says of it."""

    direction: Tensor  # [d_model], of length 1
    probe: Tensor  # [d_model]
    told: Mapping[str, Any]

    def score(self, activations: Tensor) -> dict[str, list[float]]:
        """Scores of block inputs [prompts, d_model] by detector."""
        wide = activations.double()
        projected = wide @ self.direction.double()
        probed = wide @ self.probe.double() + self.told["probe_bias"]
        return {DIRECTION: projected.tolist(), PROBE: probed.tolist()}

    def threshold(self, detector: str, language: str | None) -> float:
        """The threshold of a language; of one that the file does not know, the source language's."""
        return float(self.told["thresholds"][self.threshold_of(language)][detector])

    def threshold_of(self, language: str | None) -> str:
        """The language whose threshold holds for prompts in `language`."""
        return str(language if language in self.told["thresholds"] else self.told["source_language"])


def export_monitor(run_folder: str | Path, out: str | Path, source: str | None = None) -> Path:
    """Write the monitor of a run: its direction from `source` (default: English, or the first that has one), and a
    probe trained where it was taken.

    Raises ConfigError if the run has no direction from that language.
    """
    folder, path = RunFolder(Path(run_folder)), Path(out)
    if path.exists():
        raise ConfigError(f"{path} is there already: choose another --out, or delete it")
    run = store.read_json(folder.run)
    chosen = chosen_directions(folder, run)
    source = source or leading(chosen)
    if source not in chosen:
        have = ", ".join(chosen) or "none"
        raise ConfigError(f"{folder.path} has no direction from {source or 'any language'}: it has {have}")
    at = chosen[source]
    unit = at.unit
    activations = {
        language: activations_at(folder, language, at)
        for language in run["languages"]
        if folder.activations(language).exists()
    }
    if source not in activations:
        raise ConfigError(f"{folder.path} did not measure {source}: add it to --languages")
    probe = probe_on(activations[source])
    if probe is None:
        raise ConfigError(f"{folder.path}: a probe needs finite activations of both classes")
    harmless = {
        language: {DIRECTION: (found @ unit).numpy(), PROBE: probe.scores(found)}
        for language, tensors in activations.items()
        if len(found := tensors[f"train_{HARMLESS}"])
    }
    reference = harmless[source]
    told = {
        "format": FORMAT,
        "source_language": source,
        "position": at.position,
        "layer": at.layer,
        "probe_bias": probe.bias,
        "false_positive_rate": FALSE_POSITIVE_RATE,
        "thresholds": {
            language: {
                name: threshold_at(reference[name], FALSE_POSITIVE_RATE) + float(values.mean() - reference[name].mean())
                for name, values in scores.items()
            }
            for language, scores in harmless.items()
        },
        "model": {name: run["model"].get(name) for name in _IDENTITY},
        "system_prompt": run["settings"]["system_prompt"],
        "template_date": run["generation"].get("template_date"),
        "dataset": {name: run["dataset"][name] for name in ("name", "version", "content_sha256")},
        "figures": [record for record in detectors(folder, run) if record["trained_on"] == source],
    }
    tensors = {"direction": unit.float(), "probe": torch.tensor(probe.weights, dtype=torch.float32)}
    store.write_tensors(path, tensors, {"monitor": store.json_text(told)})
    return path


def load_monitor(path: str | Path) -> Monitor:
    """Read a monitor's file. Raises ConfigError if it is missing, damaged, or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(regular_file(Path(path)), framework="pt") as file:
            told = json.loads((file.metadata() or {}).get("monitor", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as a monitor ({reason(error)}): export it again") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ConfigError(f"{path} is not a {FORMAT}: write one with `polyrefuse monitor export RUN`")
    if missing := [name for name in _KEYS if name not in told] + [
        n for n in ("direction", "probe") if n not in tensors
    ]:
        raise ConfigError(f"{path} lacks {', '.join(missing)}: export it again")
    return Monitor(tensors["direction"], tensors["probe"], told)
