"""NLLB and M2M100 checkpoints: revision, tokenizer and language tokens, shared by whatever runs the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.checkpoints import folder_revision, load_weights
from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.languages import Language
from polyrefuse_data.translation.base import Pair, Request

# The longest source that NLLB-200 and M2M100 were trained on, in tokens; longer ones are cut into units before.
MAX_SOURCE_TOKENS = 512


class Checkpoint:
    """An NLLB or M2M100 checkpoint by Hub id or folder: revision, tokenizer, tokens of the languages.

    Raises MissingPrerequisite where it is not there, ModelError where it is not such a model.
    """

    def __init__(self, model: str, revision: str | None = None) -> None:
        self.model = model
        self.asked_revision = revision

    @cached_property
    def revision(self) -> str:
        """The commit of a Hub model, or the first 12 hex digits of the sha256 of a folder's files."""
        folder = Path(self.model)
        if not folder.is_dir():
            return str(self.config._commit_hash or self.asked_revision)
        return folder_revision(folder)

    @property
    def label(self) -> str:
        """How rows name it: the id or the folder's name, and the revision."""
        return f"{Path(self.model).name if Path(self.model).is_dir() else self.model}@{self.revision}"

    @cached_property
    def config(self) -> Any:
        from transformers import AutoConfig

        return self.load(AutoConfig)

    @cached_property
    def tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return self.load(AutoTokenizer)

    def load(self, auto_class: Any) -> Any:
        """`auto_class.from_pretrained` of this checkpoint's config or tokenizer, its many errors as one of ours."""
        with self._explained():
            return auto_class.from_pretrained(self.model, revision=self.asked_revision, trust_remote_code=False)

    def load_model(self, auto_class: Any, **options: Any) -> Any:
        """The same of its model. Raises ModelError where its weights are not safetensors."""
        with self._explained():
            return load_weights(auto_class, self.model, revision=self.asked_revision, **options)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            if Path(self.model).is_absolute() and not Path(self.model).is_dir():
                raise MissingPrerequisite(
                    f"translation model {self.model} is not there: give a folder that holds one, or a Hub id"
                ) from None
            reason = str(error).strip().split("\n")[0]
            raise MissingPrerequisite(
                f"translation model {self.model!r} cannot be loaded ({reason}): give a folder that holds it, or "
                f"fetch it with `hf download {self.model}`"
            ) from error

    def check(self, pairs: Iterable[Pair]) -> None:
        """Raise ModelError unless this is a model with a token for every language of `pairs`."""
        if self.config.model_type != "m2m_100":
            raise ModelError(
                f"translation model {self.model!r} is of type {self.config.model_type!r}: "
                "this engine takes NLLB and M2M100 models (type m2m_100)"
            )
        for pair in pairs:
            for language in pair:
                self.language_token(language)

    def language_token(self, language: Language) -> int:
        """The id of a language's token. Raises ModelError where the vocabulary has none (it would become <unk>)."""
        codes = getattr(self.tokenizer, "lang_code_to_token", {})  # M2M100: en -> __en__; NLLB tokens are FLORES codes
        token = codes.get(language.code, language.flores)
        index = self.tokenizer.convert_tokens_to_ids(token)
        if index is None or index == self.tokenizer.unk_token_id or index >= self.config.vocab_size:
            raise ModelError(
                f"translation model {self.model!r} has no token {token} for {language.name}: leave it out, use "
                "a model that knows it, or give a folder with the model's tokenizer.json"
            )
        return int(index)

    def encode(self, requests: Sequence[Request]) -> list[list[int]]:
        """Source token ids of each request, language token first and </s> last."""
        if not requests:
            return []
        texts = self.tokenizer([request.text for request in requests], add_special_tokens=False)["input_ids"]
        end = self.tokenizer.eos_token_id
        return [[self.language_token(request.source), *ids, end] for request, ids in zip(requests, texts, strict=True)]

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text.strip()
