"""Any causal chat model that transformers can load: verified on load, then used for last-token logits or block
inputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from polyrefuse_data.benchmark.chat import ChatTemplate
from polyrefuse_data.benchmark.end_tokens import end_token_ids
from polyrefuse_data.benchmark.model_files import DeviceMap, FilesIdentity, ModelFiles, load_network, open_model
from polyrefuse_data.benchmark.model_kind import speaking_part
from polyrefuse_data.benchmark.model_proofs import PROBES, find_decoder, is_causal, lead_to_answer, pads_right
from polyrefuse_data.benchmark.module_names import ModuleNames
from polyrefuse_data.benchmark.structure import Block, find_blocks
from polyrefuse_data.errors import ModelError
from polyrefuse_data.models.batches import (
    Batch,
    equal_length_batches,
    sorted_batches,
)
from polyrefuse_data.models.causal import CausalModel
from polyrefuse_data.system.machine_faults import is_out_of_memory


@dataclass(frozen=True)
class ModelIdentity(FilesIdentity):
    """What a result records about the model it was measured on."""

    architecture: str
    dtype: str
    quantization: str | None  # a scheme of `models.quantization`, or the checkpoint's own method


class ChatModel(CausalModel):
    """A causal chat model with its own chat template. Its decoder blocks are found by structure and verified on load.

    Create one with `ChatModel.load`. Weights are never written anywhere.
    """

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        *,
        name: str,
        chat: ChatTemplate | None = None,
        files: ModelFiles | None = None,
        modules: ModuleNames | None = None,
    ) -> None:
        super().__init__(speaking_part(network))
        self.tokenizer = tokenizer
        self.chat = chat or ChatTemplate(tokenizer, name)
        self.name = name
        self._files = files
        self.quantization: str | None = None
        self.blocks: list[Block] = self._find_blocks(modules or ModuleNames())
        self.n_layers = len(self.blocks)
        self.d_model = self.blocks[0].width
        probes = self.encode(PROBES)
        self._decoder = find_decoder(self, self.blocks[-1].module, probes)
        self.pads = pads_right(self, probes)  # whether rows of unlike length can share a batch
        self.prove(probes if self.pads else probes[:1] * len(probes))
        lead_to_answer(self, self.chat, self.tokenizer)
        _ = self.end_token_ids  # raises where tokenizer and model do not fit

    @classmethod
    def load(
        cls,
        path_or_id: str | Path,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "auto",
        system_prompt: str | None = None,
        modules: ModuleNames | None = None,
        quantization: str | None = None,
        device_map: DeviceMap | None = None,
    ) -> ChatModel:
        """Load a model folder, a GGUF file, a Hub id, or `bundled:demo-chat`.

        `dtype` "auto" is float32 on CPU and bfloat16 on a GPU (quantised checkpoints keep theirs). `device` "auto" uses
        the GPU if there is one, and all of them if there are several. `quantization` is one of
        `models.quantization.SCHEMES`: weights in 8 or 4 bits. `device_map` says how several GPUs share the blocks:
        "auto", "balanced", "balanced_low_0", "sequential", or the device of each module by its path (what is on "cpu"
        or "disk" beside a GPU is loaded onto it to be run). Code from model folders is never run, and pickled weights
        are never loaded.

        Raises ModelError if the model is missing, has no safetensors or chat template, or its structure cannot be
        verified; ConfigError for an unknown device, scheme or map, or if the checkpoint is quantised already;
        MissingPrerequisite if the device or the package that quantises is not there.
        """
        with open_model(path_or_id, revision, system_prompt) as files:
            return cls.of_files(
                files, dtype=dtype, device=device, modules=modules, quantization=quantization, device_map=device_map
            )

    @classmethod
    def of_files(
        cls,
        files: ModelFiles,
        *,
        dtype: str = "auto",
        device: str = "auto",
        modules: ModuleNames | None = None,
        quantization: str | None = None,
        device_map: DeviceMap | None = None,
    ) -> ChatModel:
        """Load the weights of files opened with `open_model`. This is the slow part."""
        network = load_network(files, dtype, device, quantization, device_map)
        model = cls(network, files.tokenizer, name=files.name, chat=files.chat, files=files, modules=modules)
        model.quantization = quantization or files.quantized_by
        return model

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    @property
    def identity(self) -> ModelIdentity:
        """The identity of the model in results: its files, and how they were loaded."""
        files = self._files.identity if self._files else FilesIdentity(self.name, "", "", "", "")
        return ModelIdentity(
            **asdict(files),
            architecture=type(self.network).__name__,
            dtype=str(self.dtype).removeprefix("torch."),
            quantization=self.quantization,
        )

    @property
    def placement(self) -> dict[str, int]:
        """Devices, and how many modules of the device map each holds. What "cpu" or "disk" hold is loaded onto the GPU
        to run."""
        devices = getattr(self.network, "hf_device_map", {"": self.device}).values()
        return dict(Counter(f"cuda:{device}" if isinstance(device, int) else str(device) for device in devices))

    @cached_property
    def post_instruction_token_ids(self) -> list[int]:
        """The tokens that the chat template adds after the instruction: the longest common suffix of rendered
        prompts."""
        return self.chat.post_instruction_token_ids()

    @cached_property
    def end_token_ids(self) -> frozenset[int]:
        """Tokens that end a reply."""
        return end_token_ids(self.network, self.tokenizer, self.post_instruction_token_ids[0], self.name)

    def encode(self, prompts: Sequence[str], reasoning: bool = False) -> list[list[int]]:
        """Token ids of the rendered prompts, generation prompt included; the answer comes next, or the reasoning that
        leads to it. Raises ModelError where the model has no embedding for one."""
        encoded = self.chat.encode(prompts, reasoning)
        weight = getattr(self.network.get_input_embeddings(), "weight", None)  # Kyutai's embeddings hold a table
        rows = math.inf if weight is None else weight.shape[0]
        if (highest := max(map(max, encoded), default=0)) >= rows:
            raise ModelError(
                f"{self.name}: its tokenizer has a token {highest} ({self.tokenizer.decode([highest])!r}), but the "
                f"model has only {rows} embeddings: the tokenizer belongs to another model; put the model's own "
                "files in the folder"
            )
        return encoded

    def row_batches(self, lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
        """Indices of rows of these lengths in batches, each at most `budget` tokens; all of one length if padding
        changes what the model computes."""
        if self.pads:
            yield from sorted_batches(lengths, budget)
            return
        for group in equal_length_batches(lengths):
            size = max(1, budget // lengths[group[0]])
            yield from (group[start : start + size] for start in range(0, len(group), size))

    def log_probabilities(self, batch: Batch) -> Tensor:
        """Log-probabilities of the next token at every position, [rows, tokens, vocabulary], float32."""
        return self.network(**self.inputs(batch), use_cache=False).logits.float().log_softmax(-1)

    def run_blocks(self, batch: Batch) -> None:
        """Run the decoder without the output head, for what hooks see."""
        self._decoder(**self.inputs(batch), use_cache=False)

    def cache(self, batch: Batch) -> Any:
        """The decoder's cache of a batch for the tokens that follow. Raises AttributeError if it keeps nothing."""
        return self._decoder(**self.inputs(batch), use_cache=True).past_key_values

    def _find_blocks(self, names: ModuleNames) -> list[Block]:
        encoded = self.encode(PROBES)
        probe = self.batch(encoded)

        def forward() -> Any:
            return self.network(**self.inputs(probe), use_cache=False, **self.last_only)

        try:
            logits = forward().logits
        except (TypeError, ValueError, AttributeError, RuntimeError) as error:
            if is_out_of_memory(error):
                raise
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelError(
                f"{self.name}: {type(self.network).__name__} does not run on text alone ({reason}); give a text model"
            ) from error
        if logits.isnan().any() or logits.isposinf().any():
            found = "NaN" if logits.isnan().any() else "infinity"
            raise ModelError(
                f"{self.name}: the model computes {found} on a plain prompt; its weights are broken or its dtype "
                f"({self.dtype}) is too narrow: download it again, or use dtype float32"
            )
        if not is_causal(self, encoded[1]):
            raise ModelError(
                f"{self.name}: the output of {type(self.network).__name__} at a token depends on later tokens, so "
                "it is an encoder; give a decoder-only chat model"
            )
        return find_blocks(self.network, forward, names, tuple(probe.input_ids.shape))
