"""The settings of a run, for Python, TOML files and the command line.

Everything that affects the numbers is written to run.json, and a run can only be resumed with the same settings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from polyrefuse_data import plugins
from polyrefuse_data.benchmark.budget import check_costs
from polyrefuse_data.benchmark.judges.in_english import NATIVE, judging_settings, reply_backends
from polyrefuse_data.benchmark.module_names import ModuleNames
from polyrefuse_data.benchmark.selection import Rule, rule_of
from polyrefuse_data.config import Backend, local_or_hub
from polyrefuse_data.endpoints.named import named_endpoint
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import language_codes
from polyrefuse_data.models.quantization import Scheme
from polyrefuse_data.models.store import bundled_folder
from polyrefuse_data.system.toml import read_toml, validated

REASONING_TOKENS = 512  # a choice of ours: four times the length of a reply
TRANSFERS = ("own", "all")

# Settings that go together. `paper`: as the paper's published code runs them; that it also adds the direction at one
# layer while it ablates is no setting (docs/benchmark.md).
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {"max_new_tokens": 512, "filter_prompts": True, "judge_on": "english"},
}

_Number = TypeVar("_Number", int, float)
_RANGE = re.compile(r"\s*(-?\d+)\s*(?:\.\.\s*(-?\d+)\s*)?")
# Fields that say what is measured and where, not how: they have places of their own in run.json.
_NOT_SETTINGS = (
    *("judge_input_price", "judge_output_price"),
    *("model", "endpoint", "revision", "dataset", "source_languages", "languages", "device", "device_map"),
    *("api_key_env", "concurrency", "input_price", "output_price", "max_cost"),
)
# Fields that ask for experiments: a finished run can be given others.
EXPERIMENTS = ("addition", "erasure", "top", "jailbreaks", "tasks", "tasks_limit")
# Fields that do nothing for a model behind an endpoint: they need its weights.
_OF_WEIGHTS = frozenset(
    {
        *("model", "revision", "source_languages", "extractor", "rule", "max_kl", "min_coherent"),
        *("positions", "layers", "transfer", "mode"),
        *("random_control", "n_train", "n_validation", "filter_prompts", "refusal_tokens", "scoring", "device"),
        *("dtype", "quantization", "device_map", "modules", "reasoning", "reasoning_tokens", *EXPERIMENTS),
    }
)
_OF_ENDPOINTS = frozenset({"api_key_env", "concurrency", "input_price", "output_price"})


class BenchmarkConfig(BaseModel):
    """The settings of a run."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)

    model: str = ""
    """Chat model: a folder, a GGUF file or a Hub id."""
    endpoint: str | None = None
    """Instead of a model: MODEL@URL or MODEL@PRESET behind an OpenAI-compatible API. Measures refusal only: without
    weights there are no directions."""
    dataset: str = Field(min_length=1)
    """Release folder, or ORG/NAME[@REVISION] on the Hub."""
    revision: str | None = None
    """Revision of a model on the Hub."""
    source_languages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Languages to extract directions from; default: all measured languages."""
    languages: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Languages to measure; default: all in the dataset."""
    judge: str = "phrases"
    """The judge: `phrases`, a guard model's id, openai:MODEL@URL, or a plug-in (module:NAME). Several, separated by
    commas, vote: A,B,C (majority), any:A,B, all:A,B."""
    judge_on: Literal["native", "english"] = "native"
    """What the judge sees: `native`, prompt and reply as they are, or `english`, the English prompt and the reply
    translated into English (as the paper's judge did)."""
    reply_translator: tuple[Backend, ...] | None = None
    """What translates replies for `judge_on = "english"`: the id or folder of a model, or a backend as in
    polyrefuse.toml, e.g. { engine = "openai", ... }. Default: NLLB, as in a build."""
    extractor: str = "difference-in-means"
    """How candidate directions are computed from activations: `difference-in-means`, `principal` (the first principal
    component of differences), or a plug-in."""
    rule: str = "polyrefuse"
    """The selection rule whose choice is ablated: `polyrefuse` (the paper) or `arditi`, or a plug-in. Both built-in
    rules are reported."""
    max_kl: float | None = None
    """KL bound instead of the rule's own. The paper's is for models with billions of parameters; a small model's
    distribution changes more, whatever is removed."""
    min_coherent: float | None = Field(default=None, ge=0, le=1)
    """Lowest share of coherent replies with the chosen direction ablated, on a few validation prompts (KL sees only one
    token). Default: the rule's own; the built-in rules generate nothing."""
    positions: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Post-instruction positions to take candidates from, -1 being the last; default: all."""
    layers: tuple[int, ...] | None = Field(default=None, min_length=1)
    """Layers to take candidates from; default: all, but the rules drop the last fifth."""
    transfer: str | tuple[str, ...] = "all"
    """Where directions are ablated: `all` (every direction in every language), `own` (each in its own), or source
    languages, whose directions are ablated in every language and all others in their own."""
    mode: Literal["reference", "complete", "centred"] = "reference"
    """Ablation mode: `reference`, `complete` (also what post-norms re-inject), or `centred` (about the harmless
    mean)."""
    random_control: bool = True
    """Also ablate meaningless directions in each language as controls: isotropic, from the covariance of activations,
    and between shuffled halves of the prompts."""
    control_draws: int = Field(default=10, ge=1)
    """Draws of each kind of control; a language's prompts are divided among them."""
    n_train: int = Field(default=128, ge=1)
    """Training prompts per label and language, for the means (the paper's number)."""
    n_validation: int = Field(default=32, ge=1)
    """Validation prompts per label and language, for scoring candidates (the paper's number)."""
    limit: int | None = Field(default=None, ge=1)
    """Test prompts per label and language; default: all."""
    filter_prompts: bool = False
    """Keep only harmful prompts that the model refuses and harmless ones that it does not, by refusal score."""
    parallel: bool = True
    """Use only prompts present in every language of the run that has the split and label."""
    seed: int = 1
    """Seed for sampling prompts and drawing random directions."""
    max_new_tokens: int = Field(default=128, ge=1)
    """Maximum length of a reply, in tokens."""
    reasoning: Literal["closed", "open"] = "closed"
    """For models that reason first: `closed` ends the reasoning before it begins; `open` allows it and removes it from
    the replies."""
    reasoning_tokens: int = Field(default=REASONING_TOKENS, ge=1)
    """Maximum length of the reasoning, in tokens, in addition to the reply's."""
    refusal_tokens: Literal["found", "published"] = "found"
    """`found` in the model's own replies, or the `published` lists of the paper's code."""
    scoring: Literal["full", "staged"] = "full"
    """`full` scores every candidate; `staged` makes the same choice but skips scores that cannot change it."""
    system_prompt: str | None = None
    """System message before every prompt."""
    addition: tuple[float, ...] | None = Field(default=None, min_length=1)
    """Experiment: coefficients with which directions are added while replies are generated, each in its own language
    and the English one (or the first) in all. Negative ones subtract it."""
    erasure: bool = False
    """Experiment: erase what distinguishes the classes at every layer, in the languages where `transfer` ablates, with
    shuffled labels as the control. Unlike ablation, it does not break models with massive activations."""
    top: int | None = Field(default=None, ge=2)
    """Experiment: ablate this many of each language's best candidates in turn, including the chosen one."""
    jailbreaks: str | None = None
    """Experiment: project wrapped test prompts. A TOML file of wrappers: name = "text with {prompt} in it"."""
    tasks: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Experiment: tasks of lm-evaluation-harness (arc_challenge, mmlu, truthfulqa_mc1, or YAML files), plain and
    ablated."""
    tasks_limit: int | None = Field(default=None, ge=1)
    """Questions of each task; default: all."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, ..."""
    dtype: Literal["auto", "float32", "bfloat16", "float16", "float64"] = "auto"
    """Type of the weights; auto: float32 on CPU, bfloat16 on a GPU."""
    quantization: Scheme | None = None
    """Weights in 8 or 4 bits, quantised on loading: `bitsandbytes-8bit`, `bitsandbytes-4bit` (NF4), `torchao-int8` or
    `torchao-int4` (GPU only)."""
    device_map: str | dict[str, int | str] | None = None
    """How several GPUs share the blocks: `auto`, `balanced`, `balanced_low_0` or `sequential`, or a table that maps
    module paths to devices. Default: `device`."""
    modules: ModuleNames = ModuleNames()
    """Name of the list of blocks, if an error asks for it."""
    api_key_env: str | None = None
    """Environment variable with the endpoint's key. Default: the preset's, OPENAI_API_KEY for OpenAI's own."""
    concurrency: int = Field(default=8, ge=1)
    """Requests to an endpoint at a time."""
    input_price: float | None = Field(default=None, ge=0)
    """Price of a million prompt tokens at the endpoint, in US dollars."""
    output_price: float | None = Field(default=None, ge=0)
    """Price of a million reply tokens at the endpoint, reasoning included, in US dollars."""
    judge_input_price: float | None = Field(default=None, ge=0)
    """Price of a million input tokens of a judge behind an endpoint, in US dollars; with several, the highest."""
    judge_output_price: float | None = Field(default=None, ge=0)
    """Price of a million output tokens of that judge, reasoning included, in US dollars."""
    max_cost: float | None = Field(default=None, gt=0)
    """Limit on the cost of the run, in US dollars: replies, judges and translation together. The run stops before
    exceeding it."""

    @field_validator("languages", "source_languages", mode="before")
    @classmethod
    def _codes(cls, value: Any) -> Any:
        return value if value is None else tuple(_of_config(language_codes, value))

    @field_validator("reply_translator", mode="before")
    @classmethod
    def _backends(cls, value: Any) -> Any:
        return value if value is None else tuple(_of_config(reply_backends, value))

    @field_validator("positions", "layers", mode="before")
    @classmethod
    def _numbers(cls, value: Any) -> Any:
        return _integers(value) if isinstance(value, str) else value

    @field_validator("addition", "tasks", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("addition")
    @classmethod
    def _sensible(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
        bounds = "coefficients lie between 0.001 and 1000, or between -1000 and -0.001"
        return _within(value, bounds, lambda number: 0.001 <= abs(number) <= 1000)

    @field_validator("positions")
    @classmethod
    def _from_the_end(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return _within(value, "positions count from the end: use -1 and below", lambda number: number < 0)

    @field_validator("layers")
    @classmethod
    def _from_the_start(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        return _within(value, "layers count from 0", lambda number: number >= 0)

    @field_validator("extractor")
    @classmethod
    def _known_extractor(cls, value: str) -> str:
        if value == cls.model_fields["extractor"].default:
            return value
        from polyrefuse_data.benchmark.extractors import extractor_of  # loads torch

        _of_config(extractor_of, value)
        return value

    @field_validator("rule")
    @classmethod
    def _known_rule(cls, value: str) -> str:
        _of_config(rule_of, value)
        return value

    @field_validator("transfer", mode="before")
    @classmethod
    def _known_transfer(cls, value: Any) -> Any:
        if isinstance(value, str) and value in TRANSFERS:
            return value
        try:
            return tuple(language_codes(value))
        except ConfigError as error:
            raise ValueError(f"{value!r} is unknown: use all, own, or source languages ({error})") from None

    @field_validator("modules", mode="before")
    @classmethod
    def _parsed(cls, value: Any) -> Any:
        return _of_config(ModuleNames.parse, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        given = self.model_fields_set
        if bool(self.model) == bool(self.endpoint):
            raise ValueError("name one model: --model for weights, or --endpoint MODEL@URL")
        foreign = sorted(given & (_OF_WEIGHTS - {"model"} if self.endpoint else _OF_ENDPOINTS))
        if foreign and self.endpoint:
            raise ValueError(f"{', '.join(foreign)}: needs the model's weights, which an endpoint does not give")
        if foreign:
            raise ValueError(f"{', '.join(foreign)}: for --endpoint only")
        if self.endpoint:
            named_endpoint(self.endpoint)
        if self.top and self.scoring == "staged":
            raise ValueError('top needs a ranking of the candidates: use scoring = "full", not "staged"')
        if self.tasks_limit and not self.tasks:
            raise ValueError("tasks_limit works only with tasks")
        if self.reply_translator and self.judge_on == NATIVE:
            raise ValueError('reply_translator works only with judge_on = "english"')
        if self.max_cost is not None and self.endpoint and None in (self.input_price, self.output_price):
            raise ValueError("max_cost needs prices: set input_price and output_price (0 for your own server)")
        others = bool(self.endpoint or self.reply_translator)
        _of_config(partial(check_costs, self.judge, self.judge_prices, is_paid=others), self.max_cost)
        return self

    @property
    def is_local(self) -> bool:
        """Whether the model is a local folder or file, whose content may change."""
        return bool(self.model) and Path(bundled_folder(self.model)).exists()

    @property
    def measured(self) -> str:
        """What is measured: the model, or the endpoint."""
        return self.endpoint or self.model

    @property
    def judge_prices(self) -> tuple[float | None, float | None]:
        """Prices of a million input and output tokens of the judge."""
        return self.judge_input_price, self.judge_output_price

    @property
    def rule_used(self) -> Rule:
        """The selection rule, with `max_kl` and `min_coherent` applied."""
        return rule_of(self.rule).with_max_kl(self.max_kl).with_min_coherent(self.min_coherent)

    @property
    def experiments(self) -> bool:
        """Whether any requested experiment needs the model."""
        return any(getattr(self, name) for name in EXPERIMENTS)

    def pairs(self, sources: Sequence[str], targets: Sequence[str]) -> list[tuple[str, str]]:
        """The (source, target) language pairs to generate replies for."""
        everywhere = sources if self.transfer == "all" else () if self.transfer == "own" else self.transfer
        return [
            (source, target) for source in sources for target in targets if source == target or source in everywhere
        ]

    def settings(self) -> dict[str, Any]:
        """The settings that affect the numbers, as written to run.json."""
        told = self.model_dump(mode="json", exclude=set(_NOT_SETTINGS))
        return told | judging_settings(self.judge, self.judge_on, self.reply_translator)


def benchmark_config(path: Path | None = None, **options: Any) -> BenchmarkConfig:
    """Read settings from a TOML file (or the defaults if `path` is None), with `options` taking precedence.

    `preset` among them, or in the file, names settings of PRESETS, over which both take precedence. Relative paths in
    the file are relative to its folder. Raises ConfigError, naming the file and the key.
    """
    if path is not None:
        plugins.look_in(path.parent)
    data = read_toml(path, "write one, or omit --config") if path else {}
    for name in ("model", "dataset"):
        if path and isinstance(data.get(name), str):
            data[name] = str(local_or_hub(path.parent, data[name]))
    if path and isinstance(data.get("jailbreaks"), str):
        data["jailbreaks"] = str(path.parent / data["jailbreaks"])
    if path and data.get("reply_translator") is not None:
        data["reply_translator"] = reply_backends(data["reply_translator"], path)
    data |= options
    data = _preset(data.pop("preset", None), bool(data.get("endpoint"))) | data
    keys = ", ".join(BenchmarkConfig.model_fields)
    return validated(BenchmarkConfig, data, path, f"use {keys}")


def _preset(name: Any, is_endpoint: bool) -> dict[str, Any]:
    """The settings of a preset; of an endpoint, those that it takes."""
    if name is None:
        return {}
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}: use {', '.join(PRESETS)}")
    return {key: value for key, value in PRESETS[name].items() if not (is_endpoint and key in _OF_WEIGHTS)}


def _of_config(function: Any, value: Any) -> Any:
    """Call `function(value)` and turn its ConfigError into the ValueError that pydantic expects."""
    try:
        return function(value)
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _integers(text: str) -> tuple[int, ...]:
    """Parse e.g. `8..20,25`; both ends of a range are included."""
    found: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None or (match[2] is not None and int(match[2]) < int(match[1])):
            raise ValueError(f"{text!r} is not a list of numbers: write e.g. 8..20,25")
        found += range(int(match[1]), int(match[2] or match[1]) + 1)
    return tuple(dict.fromkeys(found))


def _within(value: tuple[_Number, ...] | None, what: str, holds: Any) -> tuple[_Number, ...] | None:
    if value is not None and not all(holds(number) for number in value):
        raise ValueError(what)
    return value
