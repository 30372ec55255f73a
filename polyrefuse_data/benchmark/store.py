"""The files of a RUN folder. Every file is written whole or not at all, so what is there is done and is not done again.

RUN/  run.json  refusal_tokens.json  activations/<lang>.safetensors  directions/<lang>.safetensors
selection/<lang>.json
      completions/<source|baseline|random>/<lang>.parquet  capability/<source|baseline>.json  scores.parquet
      addition/<source>/<lang>.json  erasure/<lang>.safetensors  jailbreaks/<lang>.json  capability/tasks.json
      (experiments)
      scores.json scores.tex figures/  report.html  labels/{sample,labels}.json
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_path, atomic_write, read_table, write_table
from polyrefuse_data.system.input_files import read_input_text, reason, regular_file
from polyrefuse_data.system.shell import shell_word

BASELINE, ABLATION, RANDOM, RANDOM_SHUFFLED = "baseline", "ablation", "random", "random-shuffled"
# Name of a control among the replies -> the kind of direction ablated.
CONTROLS = {RANDOM: "isotropic", "random-covariance": "covariance", RANDOM_SHUFFLED: "shuffled"}

# How a reply ended: by itself, at its longest length, empty; or, of an API, as a refusal in a field of its own, in its
# filter, or not at all, for the prompt is too long for the model.
STOP, LENGTH, EMPTY = "stop", "length", "empty"
REFUSED, FILTERED, TOO_LONG = "refused", "content_filter", "too_long"
ENDING_NAMES = {
    STOP: "by themselves",
    LENGTH: "at the longest length",
    EMPTY: "empty",
    REFUSED: "declined in a field of the API",
    FILTERED: "stopped by the API's filter",
    TOO_LONG: "prompt too long for the model",
}
DECLINED = (REFUSED, FILTERED)  # refusals whatever a judge says of what is left of them

COMPLETION_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("language", pa.string()),
        pa.field("label", pa.string()),
        pa.field("source", pa.string()),
        pa.field("prompt", pa.string()),
        # The prompt in English, and what else is known of it. Runs of before have no such columns.
        pa.field("prompt_en", pa.string()),
        pa.field("category", pa.string()),
        pa.field("origin", pa.string()),
        # How probable it is that the translation is good: of replies without intervention. Runs of before lack it.
        pa.field("p_good", pa.float32()),
        pa.field("reply", pa.string()),
        pa.field("tokens", pa.int32()),
        # How the reply ended: STOP, LENGTH, or what a server gave in its place. Runs of before have no such column.
        pa.field("ended", pa.string()),
    ]
)
REPLY_IN_ENGLISH = pa.field("reply_en", pa.string())  # beside the verdicts, where the judge saw that
# Beside the verdicts too, where the judge's odds give them: how probable it finds a refusal, and harm.
JUDGE_SCORES = [pa.field("refusal_score", pa.float64()), pa.field("harm_score", pa.float64())]
VERDICT_FIELDS = [
    pa.field("refusal", pa.bool_()),
    pa.field("harmful", pa.bool_()),
    pa.field("compliance", pa.bool_()),
    pa.field("empty", pa.bool_()),
    pa.field("degenerate", pa.bool_()),
    pa.field("off_language", pa.bool_()),
    pa.field("partial", pa.bool_()),
    pa.field("controversial", pa.bool_()),
    # One entry per judge, if there are several.
    pa.field(
        "opinions",
        pa.list_(pa.struct([("judge", pa.string()), ("refusal", pa.bool_()), ("harmful", pa.bool_()), *JUDGE_SCORES])),
    ),
    pa.field("judge", pa.string()),
]


@dataclass(frozen=True)
class RunFolder:
    """Paths and formats of one run."""

    path: Path

    @property
    def run(self) -> Path:
        return self.path / "run.json"

    @property
    def refusal_tokens(self) -> Path:
        return self.path / "refusal_tokens.json"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def scores_table(self) -> Path:
        return self.path / "scores.parquet"

    @property
    def figures(self) -> Path:
        return self.path / "figures"

    @property
    def answers(self) -> Path:
        """The journal of an endpoint's answers."""
        return self.path / "answers.jsonl"

    @property
    def translations(self) -> Path:
        """The journal of replies in English, where they were judged so."""
        return self.path / "translations.sqlite"

    @property
    def judgements(self) -> Path:
        """The journal of what a judge behind an endpoint said."""
        return self.path / "judgements.jsonl"

    @property
    def labels(self) -> Path:
        """What people say of replies."""
        return self.path / "labels"

    @property
    def label_sample(self) -> Path:
        return self.labels / "sample.json"

    @property
    def label_decisions(self) -> Path:
        return self.labels / "labels.json"

    @property
    def latex(self) -> Path:
        return self.path / "scores.tex"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def activations(self, language: str) -> Path:
        return self.path / "activations" / f"{language}.safetensors"

    def directions(self, language: str) -> Path:
        return self.path / "directions" / f"{language}.safetensors"

    def selection(self, language: str) -> Path:
        return self.path / "selection" / f"{language}.json"

    def capability(self, source: str) -> Path:
        return self.path / "capability" / f"{source}.json"

    def addition(self, source: str, language: str) -> Path:
        """What the addition that gave these replies costs on harmless prompts."""
        return self.path / "addition" / source / f"{language}.json"

    def erasure(self, source: str) -> Path:
        """What is erased in the language's name, and its controls."""
        return self.path / "erasure" / f"{source}.safetensors"

    def jailbreaks(self, language: str) -> Path:
        """Projections of wrapped prompts."""
        return self.path / "jailbreaks" / f"{language}.json"

    @property
    def tasks(self) -> Path:
        """Scores of lm-evaluation-harness."""
        return self.path / "capability" / "tasks.json"

    def completions(self, source: str, language: str) -> Path:
        """Replies in `language` under ablation of the direction of `source` (or `baseline`, or `random`)."""
        return self.path / "completions" / source / f"{language}.parquet"

    def reply_files(self) -> list[tuple[str, str, Path]]:
        """(source, language, path) of every file of replies in the folder, sorted."""
        files = sorted((self.path / "completions").glob("*/*"))
        return [(file.parent.name, file.stem, file) for file in files if not file.name.startswith(".")]

    def completion_files(self) -> list[tuple[str, str, Path]]:
        """The same for the files that run.json lists: those that the run measured."""
        outputs = read_json(self.run).get("outputs", {})
        return [found for found in self.reply_files() if self.is_output(found[2], outputs)]

    def is_output(self, path: Path, outputs: Mapping[str, Any]) -> bool:
        """Whether a file is among the outputs that run.json lists: what earlier settings made is left aside."""
        return path.exists() and path.relative_to(self.path).as_posix() in outputs


def write_json(path: Path, value: Any) -> None:
    """Write canonical JSON (sorted keys). NaN and infinities become null, which every reader understands."""
    atomic_write(path, json_text(value) + "\n")


def json_text(value: Any) -> str:
    """The same, as text."""
    return json.dumps(_finite(value), ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)


def read_json(path: Path) -> Any:
    """Read a JSON file of the run. Raises ConfigError if it is missing or broken."""
    try:
        return json.loads(read_input_text(path))
    except FileNotFoundError:
        command = f"polyrefuse benchmark run --out {shell_word(path.parent)}"
        raise ConfigError(f"{path} does not exist: run `{command}` first") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read ({reason(error)}): delete it and run the benchmark again") from error


def reply_columns(table: pa.Table) -> pa.Table:
    """What a model said, without what a judge says of it."""
    return table.select([name for name in COMPLETION_SCHEMA.names if name in table.column_names])


def read_completions(path: Path) -> pa.Table:
    return read_table(path, "run the benchmark again")


def write_completions(path: Path, table: pa.Table) -> None:
    write_table(table, path)


def write_tensors(path: Path, tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Write tensors as safetensors, atomically."""
    from safetensors.torch import save_file

    with atomic_path(path) as part:
        save_file({name: tensor.contiguous() for name, tensor in sorted(tensors.items())}, part, metadata)


def read_tensors(path: Path) -> dict[str, Any]:
    """Read tensors of the run. Raises ConfigError if the file is missing or broken."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Any] = load_file(regular_file(path))
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path} cannot be read ({reason(error)}): delete it and run the benchmark again") from error
    return tensors


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
