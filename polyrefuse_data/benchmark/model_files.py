"""A chat model's files: located, identified by digests, and read as far as that is cheap.

Tokenizer, configuration and template load in seconds but weights take minutes, so problems with the former are reported
before the weights are read.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from polyrefuse_data.benchmark.chat import ChatTemplate
from polyrefuse_data.benchmark.gguf import check_words, gguf_alone, is_gguf
from polyrefuse_data.benchmark.model_folder import check_place, processor_template
from polyrefuse_data.benchmark.model_kind import auto_class, speaking_part
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError, PolyrefuseError
from polyrefuse_data.models.quantization import quantization_config, quantized_dtype
from polyrefuse_data.models.store import bundled_folder
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.system.input_files import read_input, sha256_of
from polyrefuse_data.system.safe_weights import damage_explained, folder_revision, load_weights

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "float64": torch.float64}

# Values of `tokenizer_class` that stand for "whatever tokenizer.json says".
_GENERIC_TOKENIZERS = ("TokenizersBackend", "PreTrainedTokenizerFast")

_CUT = "the file is cut short; download it again"
# What transformers says of some files, and what to do about it.
_MENDS = {
    "instantiate the backend tokenizer": "has no readable tokenizer; put the model's tokenizer.json there",
    "cannot reshape array": _CUT,
    "unpack_from requires a buffer": _CUT,
    "must be a divisor of the total size": _CUT,
    "ignore_mismatched_sizes": "its weights do not match the sizes in its config.json; download the model again",
}

_WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
_LONGEST_REASON = 200  # characters of what transformers says
_SHORT = 12  # hex digits of the digest shown as a revision


# How accelerate shares out the blocks of a model among GPUs, or the device of each module by its path.
DEVICE_MAPS = ("auto", "balanced", "balanced_low_0", "sequential")
DeviceMap = str | dict[str, int | str]


@dataclass(frozen=True)
class FilesIdentity:
    """What identifies a model's files. Digests are sha256 in hex."""

    model: str  # a Hub id, or the name of a folder or file
    revision: str  # a commit, or what the folder or file holds
    weights_sha256: str
    tokenizer_sha256: str
    template_sha256: str


@dataclass(frozen=True)
class ModelFiles:
    """The files of a model, with tokenizer, configuration and template loaded. Valid while `open_model` is open."""

    name: str
    where: dict[str, Any]  # their names in transformers
    tokenizer: Any
    config: Any
    chat: ChatTemplate
    tokenizer_sha256: str  # taken before use, which leaves traces in it

    @cached_property
    def identity(self) -> FilesIdentity:
        """The identity of the files. Reads all weights."""
        path = Path(self.name)
        if is_gguf(path):
            weights = sha256_of(path)
            model, revision = path.resolve().stem, weights[:_SHORT]
        else:
            folder = path if path.is_dir() else self._snapshot()
            weights = _digest([f"{file.name}:{sha256_of(file)}" for file in _weight_files(folder)])
            is_here = path.is_dir()
            model = path.resolve().name if is_here else self.name
            revision = folder_revision(path) if is_here else folder.name
        template = _digest([str(self.tokenizer.chat_template)])
        return FilesIdentity(model, revision, weights, self.tokenizer_sha256, template)

    @property
    def quantized_by(self) -> str | None:
        """The method by which the checkpoint itself is quantised. (A GGUF file gives plain floats.)"""
        told = getattr(self.config, "quantization_config", None)
        if told is None or is_gguf(Path(self.name)):
            return None
        method = told.get("quant_method") if isinstance(told, dict) else told.quant_method
        return str(getattr(method, "value", method))

    @property
    def n_layers(self) -> int:
        layers: int = self.config.get_text_config(decoder=True).num_hidden_layers
        return layers

    def _snapshot(self) -> Path:
        """The cache folder of the commit of a Hub model."""
        from huggingface_hub import snapshot_download

        with _explained(self.name):
            patterns = [*_WEIGHTS, "config.json"]
            return Path(snapshot_download(self.name, revision=self.where["revision"], allow_patterns=patterns))


@contextmanager
def open_model(
    path_or_id: str | Path, revision: str | None = None, system_prompt: str | None = None
) -> Iterator[ModelFiles]:
    """Open a model folder, a GGUF file, a Hub id, or `bundled:demo-chat`.

    Raises ModelError if there is no such model, or its tokenizer has no template that renders prompts.
    """
    name = bundled_folder(str(path_or_id))
    check_place(Path(name), name)
    with _transformers_names(name, revision) as where:
        with _explained(name):
            config = _load_config(where)
            if commit := getattr(config, "_commit_hash", None):
                where["revision"] = commit  # everything read from now on belongs to the same commit
            auto_class(config, name)
            tokenizer = _load_tokenizer(where)
        if "gguf_file" in where:
            check_words(tokenizer, name)
        chat = ChatTemplate(tokenizer, name, system_prompt)
        yield ModelFiles(name, where, tokenizer, config, chat, _tokenizer_digest(tokenizer))


def load_network(
    files: ModelFiles,
    dtype: str,
    device: str,
    quantization: str | None = None,
    device_map: DeviceMap | None = None,
) -> Any:
    """Load the weights, as described at `ChatModel.load`."""
    on_gpu = check_placement(device, device_map)
    if quantization is not None:
        dtype = quantized_dtype(quantization, dtype, on_gpu)
    options: dict[str, Any] = {"dtype": _dtype(dtype, on_gpu)}
    if device_map is not None:
        options["device_map"] = device_map
    elif on_gpu:
        options["device_map"] = "auto" if device == "auto" else {"": device}
    if quantization is not None:
        if files.quantized_by is not None:
            raise ConfigError(
                f"{files.name}: its weights are quantised already ({files.quantized_by}): leave out quantization"
            )
        options["quantization_config"] = quantization_config(quantization, options["dtype"])
    with _explained(files.name):
        network, found = load_weights(
            auto_class(files.config, files.name), files.name, output_loading_info=True, **files.where, **options
        )
    if missing := sorted(found["missing_keys"]):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{files.name}: its weights lack {missing[0]}{more}; download the model again")
    if beyond := _blocks_beyond(network, found["unexpected_keys"]):
        raise ModelError(f"{files.name}: {beyond}; correct num_hidden_layers in its config.json, or download it again")
    if quantization is not None and all(type(parameter) is torch.nn.Parameter for parameter in network.parameters()):
        raise ModelError(f"{files.name}: {quantization} quantises none of its weights; use another quantization")
    network = speaking_part(network)
    weights = list(network.parameters())
    if not on_gpu and any(str(weight.dtype).startswith("torch.float8") for weight in weights):
        raise ModelError(
            f"{files.name}: its weights are in float8, which needs a GPU; use one, or a bfloat16 copy of the model"
        )
    if next(network.get_input_embeddings().parameters()).is_meta:
        raise ModelError(f"{files.name}: device_map keeps its embeddings off the device; put them on it")
    return network


def _blocks_beyond(network: Any, unexpected: Collection[str]) -> str | None:
    """In words, weights of blocks beyond the last of the network: its configuration names fewer than there are.

    Blocks that predict several tokens at once stand there by right, behind the others (DeepSeek V3, GLM 4.5).
    """
    config = network.config.get_text_config()
    ahead = max(getattr(config, name, None) or 0 for name in ("num_nextn_predict_layers", "num_mtp_layers"))
    lists = {name: len(part) for name, part in network.named_modules() if isinstance(part, torch.nn.ModuleList)}
    for key in sorted(unexpected):
        for name, count in lists.items():
            match = re.match(rf"{re.escape(name)}\.(\d+)\.", key)
            if match and int(match[1]) >= count + ahead:
                return f"its weights contain {name}.{match[1]}, but its configuration has only {count} layers"
    return None


def check_placement(device: str, device_map: DeviceMap | None = None) -> bool:
    """Whether weights go to a GPU. Raises as `check_device` does, for each device of a map; ConfigError for an unknown
    map, or for one beside a device."""
    if device_map is None:
        return check_device(device)
    if device != "auto":
        raise ConfigError(f"device {device!r} and device_map both say where weights go: leave one out")
    if not isinstance(device_map, str):
        places = {f"cuda:{place}" if isinstance(place, int) else place for place in device_map.values()}
        return True in {check_device(place) for place in places - {"disk"}}
    if device_map not in DEVICE_MAPS:
        raise ConfigError(f"device_map {device_map!r} is unknown: use {', '.join(DEVICE_MAPS)}, or a table of modules")
    if not torch.cuda.is_available():
        raise MissingPrerequisite(
            f"device_map {device_map!r} spreads the model over GPUs, but torch finds none on this machine; leave it out"
        )
    return check_device("cuda")


def check_device(device: str) -> bool:
    """Whether this device is a GPU. Raises ConfigError for an unknown name, MissingPrerequisite if the machine has no
    such device or lacks the package to load a model on it."""
    if device == "auto":
        kind, index = ("cuda" if torch.cuda.is_available() else "cpu"), None
    else:
        try:
            parsed = torch.device(device)
        except RuntimeError:
            raise ConfigError(f"device {device!r} is unknown: use auto, cpu, cuda, cuda:1, ...") from None
        kind, index = parsed.type, parsed.index
    if kind == "cpu":
        return False
    count = getattr(torch, kind).device_count() if getattr(torch, kind, None) is not None else 0
    if count == 0 or (index or 0) >= count:
        found = f"this machine has {count}" if count else f"torch finds no {kind} device on this machine"
        raise MissingPrerequisite(f"device {device!r}: {found}; use `--device auto` or `--device cpu`")
    if importlib.util.find_spec("accelerate") is None:
        raise not_installed("loading a model on a GPU", "polyrefuse-data[benchmark]")
    return True


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what reading a model's files raises into a ModelError."""
    try:
        with damage_explained(name), _mended(name):
            yield
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{name}: does not fit into memory ({_first_line(error)}); use dtype=bfloat16, quantization, or more GPUs"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{name}: cannot be loaded as a chat model ({_first_line(error)})") from error


@contextmanager
def _mended(name: str) -> Iterator[None]:
    """Turn what has a known mend into a ModelError that tells it."""
    try:
        yield
    except (PolyrefuseError, MemoryError, torch.OutOfMemoryError, ImportError):
        raise
    except Exception as error:  # transformers uses the files without validation
        mend = next((mend for said, mend in _MENDS.items() if said in str(error)), None) or _upgrade(name, error)
        if mend is None:
            raise
        raise ModelError(f"{name}: {mend}") from error


def _upgrade(name: str, error: Exception) -> str | None:
    """What to do about a folder that a newer transformers has saved."""
    import transformers

    try:
        saved_by = json.loads(read_input(Path(name) / "config.json"))["transformers_version"]
        is_newer = _minor(saved_by) > _minor(transformers.__version__)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    said = f"cannot be read ({_first_line(error)}): transformers {saved_by} has saved it"
    return f"{said}, {transformers.__version__} is installed; upgrade it" if is_newer else None


def _minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


@contextmanager
def _transformers_names(name: str, revision: str | None) -> Iterator[dict[str, Any]]:
    """The arguments that transformers needs for the files of a model."""
    if is_gguf(Path(name)):
        with gguf_alone(Path(name)) as names:
            yield names
    else:
        yield {"pretrained_model_name_or_path": name, "revision": revision}


def _load_tokenizer(where: dict[str, Any]) -> Any:
    """Load the tokenizer exactly as saved.

    If the files say that tokenizer.json is all there is, it is loaded as such. AutoTokenizer would replace its
    pre-tokenizer and normaliser with those of the model family (Qwen2's, say), and give other tokens.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast
    from transformers.models.auto.tokenization_auto import get_tokenizer_config

    declared = {} if "gguf_file" in where else get_tokenizer_config(**where)
    loader = PreTrainedTokenizerFast if declared.get("tokenizer_class") in _GENERIC_TOKENIZERS else AutoTokenizer
    tokenizer = loader.from_pretrained(**where, trust_remote_code=False)
    if not tokenizer.chat_template:
        tokenizer.chat_template = processor_template(Path(where["pretrained_model_name_or_path"]))
    return tokenizer


def _load_config(where: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(**where, trust_remote_code=False)


def _weight_files(folder: Path) -> list[Path]:
    return sorted({file for pattern in _WEIGHTS for file in folder.glob(pattern)})


def _tokenizer_digest(tokenizer: Any) -> str:
    """A digest of what the tokenizer does, not of its files, because a folder may contain several forms of it."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    rules = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return _digest([rules, json.dumps(tokenizer.special_tokens_map, sort_keys=True, default=str)])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _dtype(name: str, on_gpu: bool) -> Any:
    if name == "auto":
        return torch.bfloat16 if on_gpu else torch.float32
    if name not in _DTYPES:
        raise ModelError(f"dtype {name!r} is unknown: use auto, {', '.join(_DTYPES)}")
    return _DTYPES[name]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    told = " ".join(line.strip() for line in lines[: 2 if lines[0].endswith(":") else 1])
    return told if len(told) <= _LONGEST_REASON else f"{told[:_LONGEST_REASON]}..."
