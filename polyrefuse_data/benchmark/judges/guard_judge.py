"""A local guard model, run with transformers: loaded at the first opinion, greedy, in batches."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.guard_family import LONGEST_REPLY, GuardFamily
from polyrefuse_data.benchmark.judges.guards import check_language
from polyrefuse_data.benchmark.judges.local_answers import answers_of
from polyrefuse_data.benchmark.judges.odds import Said
from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.system.machine_faults import is_out_of_memory
from polyrefuse_data.system.progress import progress
from polyrefuse_data.system.safe_weights import WHOLE_MODEL, damage_explained, load_weights
from polyrefuse_data.system.shell import shell_word

_BATCH = 16
_LLAMA4_CHUNK = 8192  # what Llama 4 attends to at once; Llama Guard 4 is published without it


class GuardJudge:
    """One guard model. Free the target model first; nothing is loaded until `opinions` is called."""

    needs_prompts = True

    def __init__(self, model: str, family: GuardFamily, revision: str | None = None) -> None:
        self.model = model
        self.family = family
        self.revision = revision
        self._loaded: tuple[Any, Any] | None = None

    def signature(self, language: str | None = None) -> str:
        """`guard:<family>|model:<id>@<commit>|refusal:yes`. Raises ConfigError for a language that the guard does not
        know, MissingPrerequisite if the model is not on this machine."""
        check_language(self.family, self.model, language)
        labelled = "yes" if self.family.labels_refusal else "no"
        return f"guard:{self.family.name}|model:{self.model}@{self._commit()}|refusal:{labelled}"

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        check_language(self.family, self.model, language)
        if not responses:
            return []
        tokenizer, network = self._load()
        asked = [
            self.family.build(tokenizer, prompt, response[:LONGEST_REPLY])
            for prompt, response in zip(prompts or [""] * len(responses), responses, strict=True)
        ]
        said = iter(self._answers(tokenizer, network, [text for texts in asked for text in texts], language))
        return [self.family.opinion([next(said) for _ in texts]) for texts in asked]

    def close(self) -> None:
        """Free the model's memory."""
        self._loaded = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _commit(self) -> str:
        """The commit of the model in the local cache; `local` for a folder."""
        from huggingface_hub import try_to_load_from_cache

        if Path(self.model).is_dir():
            return "local"
        config = try_to_load_from_cache(self.model, "config.json", revision=self.revision or "main")
        if not isinstance(config, str):
            raise MissingPrerequisite(self._how_to_get("it is not on this machine"))
        return Path(config).parent.name

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import transformers

            commit = self._commit()
            where = {} if commit == "local" else {"revision": commit, "local_files_only": True}
            try:
                with damage_explained(self.model):
                    tokenizer = transformers.AutoTokenizer.from_pretrained(
                        self.model, padding_side="left", trust_remote_code=False, **where
                    )
                    kind = getattr(transformers, self.family.model_class)
                    network = load_weights(kind, self.model, dtype="auto", **self._repaired(where), **where)
            except (OSError, ValueError) as error:
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                raise MissingPrerequisite(self._how_to_get(reason)) from error
            if tokenizer.pad_token_id is None:
                if tokenizer.eos_token_id is None:
                    raise ModelError(f"judge {self.model}: its tokenizer has neither a padding nor an end token")
                tokenizer.pad_token = tokenizer.eos_token
            self._check_frame(tokenizer)
            network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
            self._loaded = tokenizer, network
        return self._loaded

    def _repaired(self, where: dict[str, Any]) -> dict[str, Any]:
        """The configuration, where it lacks what the model cannot run without."""
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(self.model, trust_remote_code=False, **where)
        text = config.get_text_config()
        if getattr(text, "attention_chunk_size", 0) is not None:
            return {}
        text.attention_chunk_size = _LLAMA4_CHUNK
        return {"config": config}

    def _check_frame(self, tokenizer: Any) -> None:
        """Raise ModelError where the tokenizer reads the frame's control tokens as text: the guard would not be asked
        what it was trained on."""
        split = [
            token
            for token in self.family.frame_tokens
            if len(tokenizer(token, add_special_tokens=False)["input_ids"]) != 1
        ]
        if split:
            raise ModelError(
                f"judge {self.model}: its tokenizer does not know {', '.join(split)}: serve the model, as its card "
                f"recommends (vllm serve {self.model}), and judge with guard:{self.model}@http://localhost:8000/v1"
            )

    def _how_to_get(self, reason: str) -> str:
        if Path(self.model).is_dir():
            return f"judge {self.model} cannot be loaded ({reason}): {WHOLE_MODEL}"
        revision = f" --revision {shell_word(self.revision)}" if self.revision else ""
        return (
            f"judge {self.model} cannot be loaded ({reason}): `hf download {shell_word(self.model)}{revision}`"
            " (a gated model needs its licence accepted on the Hub and `hf auth login` first)"
        )

    def _answers(self, tokenizer: Any, network: Any, texts: list[str], language: str) -> list[Said]:
        """One answer a text, in batches as large as memory allows."""
        longest_first = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        said = [Said("")] * len(texts)
        size = _BATCH
        with progress(f"judging {language} with {self.model}", "answers", len(texts)) as bar:
            while longest_first:
                batch = longest_first[:size]
                try:
                    answers = answers_of(self.family, tokenizer, network, [texts[index] for index in batch])
                except (RuntimeError, MemoryError) as error:
                    if size == 1 or not is_out_of_memory(error):
                        raise
                    size = max(1, len(batch) // 2)
                    torch.cuda.empty_cache()
                    continue
                for index, answer in zip(batch, answers, strict=True):
                    said[index] = answer
                del longest_first[:size]
                bar.update(len(batch))
        return said
