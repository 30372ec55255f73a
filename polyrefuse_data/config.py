"""polyrefuse.toml as pydantic models. Precedence: file < POLYREFUSE_* environment < command-line flags.

Every error names the key, e.g. `translation.backends.0.model`. Relative paths are relative to the file's folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from polyrefuse_data import plugins
from polyrefuse_data.endpoints.presets import PRESETS
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.languages import SOURCE_LANGUAGE, TARGET_LANGUAGES, add_pack, language, plugged_pack
from polyrefuse_data.system.files import write_new
from polyrefuse_data.system.redaction import without_credentials
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.system.toml import parse_toml, read_toml, validated

ENVIRONMENT_PREFIX = "POLYREFUSE_"


_PLACE = re.compile(r"\{(source|target|language)\}")


def _filled(pattern: str, **values: str) -> str:
    return _PLACE.sub(lambda place: values[place[1]], pattern)


def _other_than_english(direction: str) -> str:
    """The language of `en-de` or `de-en` that is not English."""
    begin, end = f"{SOURCE_LANGUAGE}-", f"-{SOURCE_LANGUAGE}"
    if direction.startswith(begin) == direction.endswith(end):
        raise ValueError(f"model: {direction!r} is not a direction like en-de or de-en")
    return direction.removeprefix(begin).removesuffix(end)


def _known_codes(codes: list[str]) -> list[str]:
    try:
        known = [language(code).code for code in codes]
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if len(set(known)) != len(known):
        raise ValueError("a language is named twice")
    return codes


class _Section(BaseModel):
    # Validate defaults, so that an omitted setting hashes like the same value written out (60 and 60.0).
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


# --- sources: which English prompts ------------------------------------------------------------------------------


PromptColumn = Literal["id", "text", "label", "split", "category", "license", "language"]


class SourceConfig(_Section):
    """One source of English prompts: a public set (`polyrefuse sources`), a local file, a Hub dataset, or a plug-in.

    `label`, `split` and `license` apply to records that have none. Public sets have their own
    label and split; for them, `license` states other terms under which you use them.
    """

    name: str = Field(min_length=1)  # a public set, or the name that rows and ids of your own file carry
    path: Path | None = None  # a file: JSON, CSV, TSV, Excel, Parquet (docs/sources.md)
    hub: str | None = None  # ORG/NAME@COMMIT of a dataset on the Hub
    files: str | None = Field(default=None, min_length=1)  # its files, as a pattern: data/en-*.parquet
    loader: str | None = None  # "module:NAME" or an entry point: an iterable of prompts, or a function that returns one
    label: Literal["harmful", "harmless"] | None = None  # for records that have none
    split: Literal["train", "validation", "test"] | None = None  # for records that have none; else dealt 60/20/20 by id
    license: str | None = None  # SPDX identifier, for records that have none
    limit: int | None = Field(default=None, ge=1)  # take only the first N prompts, by id
    revision: str | None = None  # the commit of a public set that is not pinned (`polyrefuse sources`)
    # How its files call things, where that is not as we do:
    columns: dict[PromptColumn, str] = {}  # our name -> theirs
    labels: dict[str, Literal["harmful", "harmless"]] = {}  # their label -> ours
    encoding: str | None = None  # of CSV and TSV; default: detected

    @model_validator(mode="after")
    def _only_for_files(self) -> SourceConfig:
        if sum(place is not None for place in (self.path, self.hub, self.loader)) > 1:
            raise ValueError("path, hub and loader exclude each other: give one of them")
        if (self.hub is None) != (self.files is None) and self.revision is None:
            raise ValueError('hub and files go together: hub = "ORG/NAME@COMMIT", files = "data/train.csv"')
        if self.revision is not None and (self.path or self.hub or self.loader):
            raise ValueError(
                'revision works only with a public set; for a dataset on the Hub, write hub = "ORG/NAME@COMMIT"'
            )
        if self.path is None and self.hub is None and (self.columns or self.labels or self.encoding):
            raise ValueError("columns, labels and encoding work only for a source with a path or hub")
        if self.path is None and self.hub is None and self.loader is None and (self.label or self.split):
            raise ValueError(
                "label and split work only for a source with a path, hub or loader; a public set has its own"
            )
        return self


# --- translation: which backends, in which order -----------------------------------------------------------------


class _Backend(_Section):
    """What all backends have in common. It decides which backend is asked, not what it answers."""

    languages: list[str] | None = None  # use it only to translate into or back from these languages

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, codes: list[str] | None) -> list[str] | None:
        if codes is not None and not codes:
            raise ValueError("name at least one language, or omit the key for all")
        return codes if codes is None else _known_codes(codes)


class MemoryBackend(_Backend):
    """Exact matches in translation memories (TMX, TSV, JSONL), with origin human."""

    engine: Literal["memory"] = "memory"
    paths: list[Path] = Field(min_length=1)  # the memories; the first that has the text is used


class NllbBackend(_Backend):
    """An encoder-decoder model on this machine (NLLB, M2M100, MADLAD-400, T5, OPUS-MT), by Hub id or folder."""

    engine: Literal["nllb", "seq2seq"] = "nllb"  # two names for the same: `nllb` is the older one
    # A Path is a folder, relative to the config's. {source}, {target} and {language} (whichever is not English) stand
    # for a model per direction or language; so does a table, { en-de = "Helsinki-NLP/opus-mt-en-de" }.
    model: str | Path | dict[str, str | Path] = "facebook/nllb-200-distilled-600M"
    revision: str | None = None  # the commit of a model on the Hub
    runtime: Literal["auto", "ctranslate2", "transformers"] = "auto"  # auto: ctranslate2 if installed
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"  # int8: ctranslate2 only
    device: str = "auto"  # auto, cpu, cuda, cuda:1, ...
    num_beams: int = Field(default=1, ge=1)  # 1: greedy
    max_new_tokens: int = Field(default=256, ge=1)  # per translation; one that is cut off is rejected
    batch_tokens: int | None = Field(default=None, ge=1)  # source tokens per batch, plus 12 a text; default: by device
    vocabulary: Literal["full", "language"] = "full"  # language: only tokens that the two languages use; faster
    candidates: int = Field(default=1, ge=1)  # if the checks reject the first, request this many and keep the best

    @model_validator(mode="after")
    def _one_revision(self) -> NllbBackend:
        if isinstance(self.model, dict):
            for direction in self.model:
                _known_codes([_other_than_english(direction)])
        if self.names_several and self.revision:
            raise ValueError("revision applies to one model: give each model its own backend")
        return self

    @property
    def names_several(self) -> bool:
        return isinstance(self.model, dict) or _PLACE.search(str(self.model)) is not None

    def one_each(self, codes: Sequence[str]) -> list[NllbBackend]:
        """A backend for each of its models, for that model's language alone; `codes` are the languages of the build.
        Which of the two directions a model translates is in its own files."""
        if not self.names_several:
            return [self]
        if isinstance(self.model, dict):
            models = [(_other_than_english(direction), str(model)) for direction, model in self.model.items()]
        else:
            models = [
                (code, _filled(str(self.model), source=source, target=target, language=code))
                for code in self.languages or codes
                for source, target in ((SOURCE_LANGUAGE, code), (code, SOURCE_LANGUAGE))
            ]
        return [self.model_copy(update={"model": model, "languages": [code]}) for code, model in dict.fromkeys(models)]


class OpenAIBackend(_Backend):
    """A chat model behind any OpenAI-compatible API."""

    engine: Literal["openai"] = "openai"
    model: str  # as the server calls it
    preset: str | None = None  # a known server: sets base_url, api_key_env and the dialect
    base_url: str | None = None  # default: the preset's, else OpenAI's
    client: str | None = None  # module:NAME of an openai.OpenAI client that brings its own address and key
    # The environment variable with the API key; "" if the server needs none. Default: the preset's or OPENAI_API_KEY.
    api_key_env: str | None = None
    mode: Literal["live", "batch"] = "live"  # batch: the Batch API, within a day, at half the prices below
    temperature: Annotated[float, Field(ge=0)] | Literal["default"] = 0.0  # "default": not sent: the server's default
    max_output_tokens: int | None = Field(default=None, ge=1)  # per answer; default: what the server allows
    response_format: Literal["auto", "json_schema", "json_object", "none"] = "auto"  # auto: whatever the server accepts
    extra_body: dict[str, Any] = {}  # added to every request, e.g. { reasoning_effort = "low" }
    prompt: str = "auto"  # json, or a family of translation/families.toml; auto: by the model's name
    examples: Path | None = None  # a translation memory (TMX, TSV, JSONL) with examples to show the model
    glossary: Path | None = None  # a file of the same formats, with terms and their translations
    prompts_per_request: int = Field(default=1, ge=1)  # for models that keep to JSON: saves tokens
    concurrency: int = Field(default=16, ge=1)  # requests at the same time
    requests_per_minute: int | None = Field(default=None, ge=1)  # default: as many as the server accepts
    tokens_per_minute: int | None = Field(default=None, ge=1)  # the same, in tokens
    timeout_seconds: float = Field(default=60, gt=0)  # limit for a complete answer
    max_retries: int = Field(default=6, ge=0)  # after temporary errors, with growing waits
    poll_seconds: float = Field(default=30, gt=0)  # between two checks of a batch job
    input_price: float | None = Field(default=None, ge=0)  # USD per million tokens
    output_price: float | None = Field(default=None, ge=0)  # the same for answers, reasoning included
    candidates: int = Field(default=1, ge=1)  # as for an NLLB model

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, name: str | None) -> str | None:
        if name is not None and name not in PRESETS:
            raise ValueError(f"{name!r} is unknown: use one of {', '.join(PRESETS)}")
        return name

    @model_validator(mode="after")
    def _one_prompt_a_line(self) -> OpenAIBackend:
        if self.mode == "batch" and self.prompts_per_request > 1:
            raise ValueError('prompts_per_request works only with mode = "live": each line of a batch is one prompt')
        return self

    @model_validator(mode="after")
    def _has_an_address(self) -> OpenAIBackend:
        example = PRESETS[self.preset].example if self.preset else ""
        if self.client is not None:
            if self.base_url is not None or self.api_key_env is not None:
                raise ValueError("client brings its own address and key: leave out base_url and api_key_env")
            if self.mode == "batch":
                raise ValueError('client works only with mode = "live"')
        elif example and self.base_url is None:
            raise ValueError(f'preset = "{self.preset}" needs base_url, e.g. {example}')
        return self

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, address: str | None) -> str | None:
        return None if address is None else without_credentials(address)


class LocalChatBackend(_Backend):
    """A chat model on this machine, through transformers: a Hub id or a folder."""

    engine: Literal["chat"] = "chat"
    model: str | Path  # a Hub id or a folder
    revision: str | None = None  # the commit of a model on the Hub
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"  # auto: float32 on CPU, bfloat16 on a GPU
    device: str = "auto"  # auto, cpu, cuda, cuda:1, ...
    max_new_tokens: int = Field(default=512, ge=1)  # per translation; one that is cut off is rejected
    batch_tokens: int = Field(default=8192, ge=1)  # prompt tokens per batch
    prompt: str = "auto"  # this and the next two: as for a model behind an API
    examples: Path | None = None  # texts to show the model, translated
    glossary: Path | None = None  # terms and their translations


class CommandBackend(_Backend):
    """A line-based translation program: one command per direction, e.g. `en-es = ["apertium", "-u", "eng-spa"]`."""

    engine: Literal["command"] = "command"
    name: str  # its name in the rows, with version: `apertium-eng-spa 0.8`
    commands: dict[str, list[str]] = Field(min_length=1)  # direction -> program and arguments; a line in, a line out
    lines: int = Field(default=500, ge=1)  # texts per call
    timeout_seconds: float = Field(default=300, gt=0)  # per call


class PluginBackend(_Backend):
    """A plugged-in translator: `engine` is "module:NAME" or an entry point. All other keys except `languages` are
    passed to its constructor."""

    model_config = ConfigDict(extra="allow")

    engine: str  # "module:NAME", or the name of an entry point

    @field_validator("engine")
    @classmethod
    def _is_plugged_in(cls, name: str) -> str:
        known = [*BACKENDS, *plugins.installed(plugins.TRANSLATORS)]
        if name in BACKENDS or not (name in known or plugins.is_reference(name)):
            raise ValueError(f"{name!r} is unknown: use one of {', '.join(known)}, or a plug-in, module:NAME")
        return name

    @property
    def keys(self) -> dict[str, Any]:
        """The arguments for its constructor."""
        return dict(self.model_extra or {})


# The built-in backends; an entry point cannot take their names.
BACKENDS: tuple[str, ...] = ("memory", "nllb", "openai", "chat", "command", "seq2seq")
_PLUGIN = "plugin"


def _engine(value: Any) -> str:
    name = value.get("engine") if isinstance(value, dict) else getattr(value, "engine", None)
    return name if name in BACKENDS else _PLUGIN


Backend = Annotated[
    Annotated[MemoryBackend, Tag("memory")]
    | Annotated[NllbBackend, Tag("nllb")]
    | Annotated[NllbBackend, Tag("seq2seq")]
    | Annotated[OpenAIBackend, Tag("openai")]
    | Annotated[LocalChatBackend, Tag("chat")]
    | Annotated[CommandBackend, Tag("command")]
    | Annotated[PluginBackend, Tag(_PLUGIN)],
    Discriminator(_engine),
]


_ONE, _CHAIN = "one", "chain"
_OneOrChain = Annotated[
    Annotated[Backend, Tag(_ONE)] | Annotated[list[Backend], Field(min_length=1), Tag(_CHAIN)],
    Discriminator(lambda value: _CHAIN if isinstance(value, list) else _ONE),
]

# What pydantic adds to the location of an error (backends.0.nllb.model) but the file does not contain.
_KINDS = {_ONE, _CHAIN, _PLUGIN, *BACKENDS}


def _default_backends() -> list[Backend]:
    return [NllbBackend()]


class TranslationConfig(_Section):
    """Backends, in order: a row that one cannot translate, or that the checks reject, goes to the next."""

    # The chain, each with the keys of its engine (below).
    backends: list[Backend] = Field(default_factory=_default_backends, min_length=1)
    # One backend, with the machines above as fall-backs; or a complete chain. Default: the machines above.
    back_translation: _OneOrChain | None = None

    @property
    def back_backends(self) -> list[Backend]:
        """The backends named for back-translation."""
        named = self.back_translation
        return named if isinstance(named, list) else [named] if named else []


# --- quality: thresholds -----------------------------------------------------------------------------------------


class ScoreBound(_Section):
    """The bound on an imported score: a numeric column of the rows, from another tool or from people; with `command`,
    the score that a program gives each row (quality/program_scores.py)."""

    at_least: float | None = None  # a lower score gives the flag
    at_most: float | None = None  # a higher score gives the flag
    by_language: dict[str, float] = {}  # bounds of single languages
    rejects: bool = True  # false: the flag does not reject the row
    command: list[str] = []  # a program that reads rows as JSON lines and prints one score per line
    timeout_seconds: float = Field(default=3600.0, gt=0)  # per batch of rows

    @model_validator(mode="after")
    def _one_bound(self) -> ScoreBound:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give either at_least or at_most")
        return self


class QualityConfig(_Section):
    """Additional checks, flags to switch off, and bounds other than the built-in ones (docs/checks.md)."""

    checks: list[str] = []  # "module:NAME", or the names of entry points
    scores: dict[str, ScoreBound] = {}  # column -> its bound
    disable: list[str] = []  # flags
    thresholds: dict[str, float | dict[str, float]] = {}  # threshold -> bound, or threshold -> language -> bound
    identifier: str = "py3langid"  # or langdetect, lingua, fasttext:PATH
    semantic_model: str | None = None  # a sentence encoder of transformers, e.g. sentence-transformers/LaBSE
    judge: str | None = None  # a chat model that marks translations: MODEL@URL of an OpenAI-compatible API


# --- engine: how the work is distributed; none of it changes a row -------------------------------------------------


class EngineConfig(_Section):
    """How many workers there are, and what each may use."""

    shard_prompts: int | None = Field(default=None, ge=1)  # English prompts per shard; default: 500
    workers: int | None = Field(default=None, ge=1)  # local: processes that check rows; default: one per core
    actors: int = Field(default=1, ge=1)  # ray: copies of each backend
    actor_cpus: float | None = Field(default=None, gt=0)  # ray: cores per actor; default: half of all, shared evenly
    actor_gpus: float = Field(default=0, ge=0)  # ray: GPUs per actor; 0.5 puts two actors on one GPU


# --- release -----------------------------------------------------------------------------------------------------


class ReleaseConfig(_Section):
    """Name and licence of a release, and where its card says it is published."""

    name: str = "polyrefuse"  # name of the dataset, in its card and manifest
    license: str | None = None  # of the dataset as a whole; required if the sources' licences differ
    repo_id: str | None = Field(default=None, pattern=r"^[\w-][\w.-]*/[\w-][\w.-]*$")  # on the Hub: ORG/NAME
    doi: str | None = Field(default=None, pattern=r"^10\.\d{4,9}/[\w.;()/:-]+$")  # without https://doi.org/
    date_published: date | None = None  # written into the card and the metadata; the data files do not change
    gated_fields: dict[str, Literal["text", "checkbox", "country", "date_picker"]] = {}  # default: those of the card


class Config(_Section):
    """The whole of polyrefuse.toml."""

    language_packs: list[Path] = []  # packs of [languages]; first, because other settings may name their languages
    languages: list[str] = Field(default_factory=lambda: list(TARGET_LANGUAGES))  # or codes of [languages]
    sources: list[SourceConfig] = []
    translation: TranslationConfig = TranslationConfig()
    quality: QualityConfig = QualityConfig()
    engine: EngineConfig = EngineConfig()
    release: ReleaseConfig = ReleaseConfig()

    @field_validator("language_packs")
    @classmethod
    def _used(cls, folders: list[Path]) -> list[Path]:
        try:
            for folder in folders:
                add_pack(folder)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return folders

    @field_validator("languages")
    @classmethod
    def _known(cls, codes: list[str]) -> list[str]:
        return [code for code in _known_codes(codes) if language(code).code != SOURCE_LANGUAGE]


def load_config(path: Path | str | None, overrides: dict[str, Any] | None = None) -> Config:
    """Read polyrefuse.toml (or the defaults if `path` is None). POLYREFUSE_* variables override it, and `overrides`
    (by dotted key, e.g. `{"release.name": "x"}`) overrides both.

    `POLYREFUSE_RELEASE__NAME=x` sets `release.name`. A value is parsed as TOML if it is TOML, else taken as a string.
    Raises ConfigError, naming file and key.
    """
    path = None if path is None else Path(path)
    mend = f"create one with `polyrefuse init {shell_word(path.parent)}`" if path else ""
    if path is not None:
        plugins.look_in(path.parent)
    data = read_toml(path, mend) if path else {}
    for name, value in os.environ.items():
        section = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name.startswith(ENVIRONMENT_PREFIX) and section.split("__")[0] in Config.model_fields:
            try:
                f"{name}{value}".encode()
            except UnicodeEncodeError:
                raise ConfigError(f"{name}: this environment variable is not UTF-8") from None
            _set(data, section.split("__"), _toml_value(value), name)
    for key, value in (overrides or {}).items():
        _set(data, key.split("."), value, key)
    return parse_config(data, path)


def parse_config(data: dict[str, Any], path: Path | None = None) -> Config:
    """Validate a config from any source; local paths are resolved against the folder of `path`."""
    keys = "`polyrefuse init` writes a file with all keys"
    base = path.parent if path else Path.cwd()
    return _resolve(_one_model_each(validated(Config, _with_packs(data, base), path, keys, _KINDS)), base)


def _one_model_each(config: Config) -> Config:
    """The config with a backend for each model where one names several."""

    def each(backend: Backend) -> list[Backend]:
        return [*backend.one_each(config.languages)] if isinstance(backend, NllbBackend) else [backend]

    translation = config.translation
    back = translation.back_translation
    named = [one for backend in translation.back_backends for one in each(backend)]
    several = isinstance(back, list) or len(named) > 1
    update = {
        "backends": [one for backend in translation.backends for one in each(backend)],
        "back_translation": named if several else back,
    }
    return config.model_copy(update={"translation": translation.model_copy(update=update)})


def _with_packs(data: dict[str, Any], base: Path) -> dict[str, Any]:
    """Split the table `[languages]` into the settings `languages` (its codes) and `language_packs` (its folders)."""
    table = data.get("languages")
    if not isinstance(table, dict):
        return data
    if unknown := sorted(table.keys() - {"codes", "packs"}):
        raise ConfigError(f"languages.{unknown[0]}: unknown key; [languages] has codes and packs")
    packs = table.get("packs", [])
    folders = [_pack(base, str(name)) for name in packs] if isinstance(packs, list) else packs
    codes = {"languages": table["codes"]} if "codes" in table else {}
    return {**{key: value for key, value in data.items() if key != "languages"}, **codes, "language_packs": folders}


def _pack(base: Path, name: str) -> Path:
    """The folder of a pack, given as a path or as a plug-in."""
    return plugged_pack(name) if plugins.is_reference(name) else _absolute(base, Path(name))


def write_template(path: Path) -> Path:
    """Write a commented polyrefuse.toml to start from. Raises ConfigError if the file already exists."""
    write_new(path, template(), "edit it, or choose another folder")
    return path


def template() -> str:
    """The text of a commented polyrefuse.toml."""
    return (Path(__file__).parent / "template.toml").read_text(encoding="utf-8")


_PUBLICATION = ("repo_id", "doi", "date_published", "gated_fields")


def config_hash(config: BaseModel) -> str:
    """sha256 of the canonical JSON of a config. The same settings give the same hash in any folder.

    Only the last part of a local path counts; the file's content is hashed where it is used. Where the work runs (the
    engine section) changes no row and does not count.
    """
    counted = config.model_dump(exclude={"engine"} if isinstance(config, Config) else None)
    if not counted.get("language_packs", True):  # a config without packs hashes as it did before packs existed
        del counted["language_packs"]
    for key in _PUBLICATION:  # where a release is published changes no row
        counted.get("release", {}).pop(key, None)
    for source in counted.get("sources", ()):  # and one whose files need no explaining as before that was possible
        for key in ("hub", "files", "revision", "columns", "labels", "encoding"):
            if not source[key]:
                del source[key]
    canonical = json.dumps(
        counted, default=lambda path: path.name, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _set(data: dict[str, Any], keys: list[str], value: Any, name: str) -> None:
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ConfigError(f"{name}: {key} is not a section")
    data[keys[-1]] = value


def _toml_value(text: str) -> Any:
    try:
        parsed = parse_toml(f"value = {text}")
    except ValueError:
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _absolute(base: Path, path: Path) -> Path:
    if "\0" in str(path):
        raise ConfigError(f"{path}: a path cannot contain a null character")
    try:
        return base / path.expanduser()  # an absolute path stays as it is
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such user; write the full path") from None


def _resolve(config: Config, base: Path) -> Config:
    def absolute(value: Any) -> Any:
        if isinstance(value, Path):
            return _absolute(base, value)
        if isinstance(value, BaseModel):
            fields = {name: absolute(getattr(value, name)) for name in type(value).model_fields}
            if isinstance(value, NllbBackend | LocalChatBackend):
                fields["model"] = local_or_hub(base, str(value.model))
            return value.model_copy(update=fields)
        if isinstance(value, list):
            return [absolute(item) for item in value]
        return value

    resolved: Config = absolute(config)
    return resolved


def local_or_hub(base: Path, name: str) -> str | Path:
    """A Hub id unchanged; a folder (an existing one, or a value that cannot be an id) as its path."""
    path = _absolute(base, Path(name))
    return path if path.is_dir() or name.startswith((".", "/", "~")) else name
