"""A local guard model, run with transformers: loaded at the first opinion, greedy, in batches."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from polyrefuse_data.benchmark.judges.base import Opinion
from polyrefuse_data.benchmark.judges.guards import GuardFamily, check_language
from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.system.progress import progress
from polyrefuse_data.system.safe_weights import damage_explained, load_weights

_BATCH = 16
# A reply longer than this (characters) is judged by its start: guards have short contexts.
_LONGEST = 6000


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
        texts = [
            self.family.build(tokenizer, prompt, response[:_LONGEST])
            for prompt, response in zip(prompts or [""] * len(responses), responses, strict=True)
        ]
        longest_first = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        outputs = [""] * len(texts)
        size = _BATCH
        with progress(f"judging {language} with {self.model}", "replies", len(texts)) as bar:
            while longest_first:
                batch = longest_first[:size]
                try:
                    answers = self._generate(tokenizer, network, [texts[index] for index in batch])
                except torch.OutOfMemoryError:
                    if size == 1:
                        raise
                    size = max(1, len(batch) // 2)
                    torch.cuda.empty_cache()
                    continue
                for index, answer in zip(batch, answers, strict=True):
                    outputs[index] = answer
                del longest_first[:size]
                bar.update(len(batch))
        return [self.family.parse(output) for output in outputs]

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
            from transformers import AutoModelForCausalLM, AutoTokenizer

            commit = self._commit()
            where = {} if commit == "local" else {"revision": commit, "local_files_only": True}
            try:
                with damage_explained(self.model):
                    tokenizer = AutoTokenizer.from_pretrained(
                        self.model, padding_side="left", trust_remote_code=False, **where
                    )
                    network = load_weights(AutoModelForCausalLM, self.model, dtype="auto", **where)
            except (OSError, ValueError) as error:
                reason = next(iter(str(error).splitlines()), type(error).__name__)
                raise MissingPrerequisite(self._how_to_get(reason)) from error
            if tokenizer.pad_token_id is None:
                if tokenizer.eos_token_id is None:
                    raise ModelError(f"judge {self.model}: its tokenizer has neither a padding nor an end token")
                tokenizer.pad_token = tokenizer.eos_token
            network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
            self._loaded = tokenizer, network
        return self._loaded

    def _how_to_get(self, reason: str) -> str:
        revision = f" --revision {self.revision}" if self.revision else ""
        return (
            f"judge {self.model} cannot be loaded ({reason}): `hf download {self.model}{revision}`"
            " (a gated model needs its licence accepted on the Hub and `hf auth login` first)"
        )

    def _generate(self, tokenizer: Any, network: Any, texts: list[str]) -> list[str]:
        # The templates write out their special tokens themselves.
        inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(network.device)
        with torch.inference_mode():
            tokens = network.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=self.family.max_new_tokens,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                pad_token_id=tokenizer.pad_token_id,
            )
        start = inputs["input_ids"].shape[1]
        return list(tokenizer.batch_decode(tokens[:, start:], skip_special_tokens=True))
