"""Runtimes for translation models: source token ids in, target token ids out. This module: transformers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.translation.checkpoint import Checkpoint
from polyrefuse_data.translation.trimming import Kept

# The best hypotheses of a row, best first: token ids up to the end, or None for one that did not come to an end.
Hypotheses = list[list[int] | None]


def check_device(device: str) -> None:
    """Raise ConfigError if torch cannot use this device here; `auto` always can."""
    import torch

    if device == "auto":
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"translation.backends: device {device!r} cannot be used here: use auto, cpu or cuda"
        ) from error


class Runtime(Protocol):
    """A model, loaded on first use. `dtype` and `name` are part of the fingerprint."""

    @property
    def name(self) -> str: ...

    @property
    def device(self) -> str: ...

    @property
    def dtype(self) -> str: ...

    def check(self, trimmed: Sequence[Kept] = ()) -> None:
        """Raise ConfigError or MissingPrerequisite if device or dtype cannot be used here, ModelError if the weights
        cannot, or not with these tokens alone."""
        ...

    def generate(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[int | None],
        beams: int,
        candidates: int,
        max_new_tokens: int,
        kept: Kept | None = None,
    ) -> list[Hypotheses]:
        """`candidates` hypotheses for each source; `targets` are the tokens that the translations begin with, None for
        each if the model is told no target so. With `kept`, other tokens are neither in `sources` nor said."""
        ...

    def close(self) -> None: ...


class TransformersRuntime:
    """AutoModelForSeq2SeqLM.generate."""

    def __init__(self, config: NllbBackend, checkpoint: Checkpoint) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._loaded: Any = None
        self._head: Any = None  # the last trimmed output layer

    @property
    def name(self) -> str:
        return self.checkpoint.kind.name

    @cached_property
    def device(self) -> str:
        import torch

        if self.config.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        check_device(self.config.device)
        return self.config.device

    @cached_property
    def dtype(self) -> str:
        """The configured dtype; auto is bfloat16 if the hardware multiplies it faster than float32."""
        import torch

        if self.config.dtype != "auto":
            return self.config.dtype
        if self.device.startswith("cuda"):
            return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
        # Without such instructions bfloat16 is emulated, and slower than float32.
        capabilities = torch.cpu.get_capabilities() if self.device == "cpu" else {}
        native = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
        return "bfloat16" if native else "float32"

    def check(self, trimmed: Sequence[Kept] = ()) -> None:
        if self.device and self.dtype == "int8":
            raise ConfigError('translation.backends: dtype = "int8" needs runtime = "ctranslate2"')
        self.checkpoint.check_weights()

    def generate(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[int | None],
        beams: int,
        candidates: int,
        max_new_tokens: int,
        kept: Kept | None = None,
    ) -> list[Hypotheses]:
        import torch

        from polyrefuse_data.translation.trimmed_head import output_layer

        model = self._model
        longest = max(len(ids) for ids in sources)
        inputs = torch.full((len(sources), longest), model.config.pad_token_id, dtype=torch.long)
        mask = torch.zeros_like(inputs)
        for row, ids in enumerate(sources):
            inputs[row, : len(ids)] = torch.tensor(ids)
            mask[row, : len(ids)] = 1
        # The language token is given as the first target token of each row, not as `forced_bos_token_id`, which is one
        # for the whole batch.
        first = model.config.decoder_start_token_id
        start = torch.tensor([[first] if target is None else [first, target] for target in targets])
        with torch.inference_mode(), output_layer(model, self._trimmed_head(kept)):
            outputs = model.generate(
                input_ids=inputs.to(self.device),
                attention_mask=mask.to(self.device),
                decoder_input_ids=start.to(self.device),
                max_new_tokens=max_new_tokens,
                max_length=None,
                num_beams=beams,
                num_return_sequences=candidates,
                do_sample=False,
                forced_bos_token_id=None,
                forced_eos_token_id=None,  # it would make half a text look whole
                suppress_tokens=self.checkpoint.kind.never_said or None,
            )
        hypotheses = [self._until_end(ids) for ids in outputs[:, start.shape[1] :].tolist()]
        return [hypotheses[row * candidates : (row + 1) * candidates] for row in range(len(sources))]

    def close(self) -> None:
        self._loaded = self._head = None

    def _trimmed_head(self, kept: Kept | None) -> Any:
        if kept is None:
            return None
        if self._head is None or self._head.kept is not kept:
            from polyrefuse_data.translation.trimmed_head import TrimmedHead

            self._head = TrimmedHead(self._model.get_output_embeddings(), kept)
        return self._head

    @property
    def _model(self) -> Any:
        if self._loaded is None:
            import torch
            from transformers import AutoModelForSeq2SeqLM

            model = self.checkpoint.load_model(AutoModelForSeq2SeqLM, dtype=getattr(torch, self.dtype))
            self._loaded = model.to(self.device).eval()
        return self._loaded

    def _until_end(self, ids: list[int]) -> list[int] | None:
        end = self.checkpoint.end
        return ids[: ids.index(end)] if end in ids else None
