"""The CTranslate2 runtime (extra `fast`): a checkpoint converted once into a cache, int8 on a CPU."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.errors import ConfigError, ModelError
from polyrefuse_data.system.cache import cache_folder
from polyrefuse_data.system.extras import require
from polyrefuse_data.system.locks import lock_folder
from polyrefuse_data.system.safe_weights import safetensors_only
from polyrefuse_data.system.unfinished_files import part_of
from polyrefuse_data.translation.checkpoint import Checkpoint
from polyrefuse_data.translation.converted import cut_vocabulary
from polyrefuse_data.translation.runtimes import Hypotheses
from polyrefuse_data.translation.trimming import Kept
from polyrefuse_data.translation.vocabulary import END

# Best computation for `dtype = "auto"` by device, and how CTranslate2 calls our int8.
_BEST = {"cpu": "int8_float32", "cuda": "int8_float16"}

# Turns (about 10 microseconds) that a thread spins at a barrier before it sleeps; to sleep at each of a step's hundreds
# costs an eighth of the time. Ten times longer gains nothing on a quiet machine, and on a busy one, where the other
# thread waits for a core, it nearly doubles the time.
_SPIN = "1000"


def _library() -> Any:
    """The module ctranslate2. Its OpenMP (libgomp) reads how long to spin only once, when it is loaded."""
    if "GOMP_SPINCOUNT" in os.environ:
        import ctranslate2
    else:
        os.environ["GOMP_SPINCOUNT"] = _SPIN
        try:
            import ctranslate2
        finally:
            del os.environ["GOMP_SPINCOUNT"]  # torch brings an OpenMP of its own
    return ctranslate2


class CTranslate2Runtime:
    """ctranslate2.Translator over a converted checkpoint, or over a copy of it with fewer tokens: one at a time."""

    name = "ctranslate2"

    def __init__(self, config: NllbBackend, checkpoint: Checkpoint) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._loaded: Any = None
        self._loaded_with: Kept | None = None

    @cached_property
    def device(self) -> str:
        if self.config.device != "auto":
            return self.config.device
        return "cuda" if _library().get_cuda_device_count() else "cpu"

    @cached_property
    def dtype(self) -> str:
        best = _BEST.get(self.device.split(":")[0], "int8")
        return best if self.config.dtype in ("auto", "int8") else self.config.dtype

    def check(self, trimmed: Sequence[Kept] = ()) -> None:
        ctranslate2 = _library()
        kind, _, index = self.device.partition(":")
        if kind not in _BEST or (kind == "cuda" and int(index or 0) >= ctranslate2.get_cuda_device_count()):
            raise ConfigError(
                f"translation.backends: device {self.device!r} cannot be used here: use auto, cpu or cuda"
            )
        supported = ctranslate2.get_supported_compute_types(kind)
        if self.dtype not in supported:
            raise ConfigError(
                f"translation.backends: dtype {self.config.dtype!r} is not supported by ctranslate2 on this {kind}: "
                f'use auto, or one of {", ".join(sorted(supported))}, or runtime = "transformers"'
            )
        if not self._place.exists():
            require("converting a model for ctranslate2", "nllb")
            self.checkpoint.check_weights()
            self._converted()
        for kept in trimmed:
            self._trimmed(kept)

    def generate(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[int | None],
        beams: int,
        candidates: int,
        max_new_tokens: int,
        kept: Kept | None = None,
    ) -> list[Hypotheses]:
        vocabulary = self.checkpoint.vocabulary
        given = [[] if target is None else [target] for target in targets]
        results = self._model(kept).translate_batch(
            [vocabulary.tokens(ids) for ids in sources],
            target_prefix=[vocabulary.tokens(ids) for ids in given] if any(given) else None,
            beam_size=beams,
            num_hypotheses=candidates,
            max_decoding_length=max_new_tokens + max(map(len, given)),  # the language token counts here
            max_input_length=0,  # never cut
            return_end_token=True,
            disable_unk=True,  # it would be skipped when the text is made, and leave a hole
        )
        return [
            [self._until_end(tokens, len(ids)) for tokens in result.hypotheses]
            for result, ids in zip(results, given, strict=True)
        ]

    def close(self) -> None:
        self._loaded = None

    def _model(self, kept: Kept | None) -> Any:
        if self._loaded is None or self._loaded_with is not kept:
            self._loaded = None  # frees its memory first
            ctranslate2 = _library()
            kind, _, index = self.device.partition(":")
            # In a thread that ends: helpers of this one would count with those that compute, and where there are more
            # threads than cores libgomp lets none of them spin.
            with ThreadPoolExecutor(1) as loader:
                self._loaded = loader.submit(
                    ctranslate2.Translator,
                    str(self._converted() if kept is None else self._trimmed(kept)),
                    device=kind,
                    device_index=int(index or 0),
                    compute_type=self.dtype,
                ).result()
            self._loaded_with = kept
        return self._loaded

    def _until_end(self, tokens: list[str], given: int) -> list[int] | None:
        if tokens[-1:] != [END]:
            return None
        return self.checkpoint.vocabulary.ids(tokens[given:-1])

    @property
    def _quantization(self) -> str:
        return "int8" if self.dtype.startswith("int8") else self.dtype

    @property
    def _place(self) -> Path:
        """The place of the converted model in the cache."""
        return cache_folder("ctranslate2") / f"{self.checkpoint.label.replace('/', '--')}-{self._quantization}"

    def _converted(self) -> Path:
        """The converted model in the cache, made if missing."""
        return _made(self._place, self._convert)

    def _trimmed(self, kept: Kept) -> Path:
        """The converted model with these tokens alone, in the cache, made if missing."""
        full = self._converted()

        def cut(folder: Path) -> None:
            try:
                cut_vocabulary(full, kept.ids, folder)
            except (OSError, ValueError) as error:
                raise ModelError(
                    f"translation model {self.checkpoint.model!r}: its vocabulary cannot be trimmed ({error}): set "
                    'vocabulary = "full" for this backend'
                ) from error

        return _made(full.with_name(f"{full.name}-{kept.label}"), cut)

    def _convert(self, folder: Path) -> None:
        from ctranslate2.converters import TransformersConverter
        from safetensors import SafetensorError

        try:
            converter = TransformersConverter(
                self.checkpoint.where, revision=self.checkpoint.asked_revision, low_cpu_mem_usage=True
            )
            with safetensors_only(self.checkpoint.model), warnings.catch_warnings():
                # Marian's tokenizer in transformers recommends a package that it does not use.
                warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
                converter.convert(str(folder), quantization=self._quantization)
        except (OSError, ValueError, RuntimeError, LookupError, AttributeError, TypeError, SafetensorError) as error:
            raise ModelError(
                f"translation model {self.checkpoint.model!r} cannot be converted for ctranslate2 ({error}): "
                'set runtime = "transformers" for this backend'
            ) from error


def _made(place: Path, make: Callable[[Path], None]) -> Path:
    """A folder in the cache, made if missing; complete or not there at all."""
    if not place.exists():
        with lock_folder(cache_folder("ctranslate2"), wait=True), part_of(place, is_folder=True) as part:
            if not place.exists():  # another process made it while we waited
                make(part / "model")
                (part / "model").replace(place)
    return place
