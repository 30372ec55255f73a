"""Weights in 8 or 4 bits, quantised while a model is loaded, by bitsandbytes or torchao through transformers.

Ablation is exact all the same: hooks change what a quantised map has computed, and its weights are never edited.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import Any, Literal, get_args

from polyrefuse_data.errors import ConfigError, MissingPrerequisite
from polyrefuse_data.system.extras import not_installed

Scheme = Literal["bitsandbytes-8bit", "bitsandbytes-4bit", "torchao-int8", "torchao-int4"]
SCHEMES: tuple[str, ...] = get_args(Scheme)

_GPU_ONLY = ("torchao-int4",)  # torch has its kernel for CUDA alone
# The types of models whose weights a scheme quantises, the best one first; the others take any. LLM.int8() computes in
# float16, and a token by the outliers of the tokens beside it: proofs in wider types do not let that pass.
_DTYPES = {"bitsandbytes-8bit": ("bfloat16", "float16"), "torchao-int4": ("bfloat16",)}
_INT4_GROUP = 128  # weights that share a scale: torchao's default


def package_of(scheme: str) -> str:
    """The package that quantises, whose version results name."""
    return scheme.partition("-")[0]


def quantized_dtype(scheme: str, dtype: str, on_gpu: bool) -> str:
    """The dtype of the model for a scheme: the same, or what "auto" is for it.

    Raises ConfigError for an unknown scheme or a dtype that it does not take, MissingPrerequisite if its package or the
    GPU that it needs is missing.
    """
    if scheme not in SCHEMES:
        raise ConfigError(f"quantization {scheme!r} is unknown: use {', '.join(SCHEMES)}")
    taken = _DTYPES.get(scheme, (dtype,))
    if dtype not in ("auto", *taken):
        raise ConfigError(f"quantization {scheme!r} does not take dtype {dtype}: use auto or {' or '.join(taken)}")
    if importlib.util.find_spec(package_of(scheme)) is None:
        raise not_installed(f"quantization {scheme!r}", "polyrefuse-data[quantized]")
    if scheme in _GPU_ONLY and not on_gpu:
        others = ", ".join(name for name in SCHEMES if name not in _GPU_ONLY)
        raise MissingPrerequisite(f"quantization {scheme!r} needs a GPU: on a CPU use {others}")
    return taken[0] if dtype == "auto" else dtype


def quantization_config(scheme: str, dtype: Any) -> Any:
    """What transformers takes: the defaults of each library, but NF4 for 4 bits, computed in the `dtype` of the model.

    Embeddings, output head and norms stay as they are.
    """
    import transformers

    if package_of(scheme) == "bitsandbytes":
        # It warns at every product that inputs are not float16. The stream of some models does not fit into that.
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        if scheme == "bitsandbytes-8bit":
            return transformers.BitsAndBytesConfig(load_in_8bit=True)
        return transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig

    if scheme == "torchao-int8":
        return transformers.TorchAoConfig(Int8WeightOnlyConfig())
    # The one packing whose kernel torch itself brings.
    int4 = Int4WeightOnlyConfig(group_size=_INT4_GROUP, int4_packing_format="tile_packed_to_4d")
    return transformers.TorchAoConfig(int4)
