"""Checkpoints of translation models: revision, vocabulary and language tokens, shared by all runtimes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import MissingPrerequisite, ModelError
from polyrefuse_data.languages import Language
from polyrefuse_data.models.pins import pinned_revision
from polyrefuse_data.models.store import fetched_folder, located, read_record
from polyrefuse_data.system.input_files import read_input_text, regular_file
from polyrefuse_data.system.safe_weights import damage_explained, folder_revision, load_weights
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.translation.base import Pair, Request
from polyrefuse_data.translation.kinds import M2M100, Kind
from polyrefuse_data.translation.madlad import T5
from polyrefuse_data.translation.opus_mt import Marian
from polyrefuse_data.translation.vocabulary import (
    END,
    UNKNOWN,
    FileVocabulary,
    TransformersVocabulary,
    UnknownCharacters,
    Vocabulary,
)

# The longest source that NLLB-200, M2M100 and OPUS-MT were trained on, in tokens; longer texts are split into units.
MAX_SOURCE_TOKENS = 512

# By `model_type` of config.json.
KINDS: Mapping[str, Callable[[Checkpoint], Kind]] = {"m2m_100": M2M100, "t5": T5, "marian": Marian}

# What transformers looks for: the weights, or the list of their parts.
_WEIGHTS = ("model.safetensors.index.json", "model.safetensors")


class Checkpoint:
    """A checkpoint by Hub id or folder: revision, vocabulary, language tokens.

    Raises MissingPrerequisite if it is missing, ModelError if it is another kind of model.
    """

    def __init__(self, model: str, revision: str | None = None) -> None:
        self.model = model
        self.asked_revision = revision or pinned_revision(model)

    @cached_property
    def where(self) -> str:
        """What to load: the folder of a bundled or fetched model or of a local one, else its Hub id."""
        return located(self.model, self.asked_revision)

    @cached_property
    def revision(self) -> str:
        """The commit of a Hub model, or the first 12 hex digits of the sha256 of a folder's files."""
        folder = Path(self.where)
        if folder.is_dir():
            return str(read_record(folder)["revision"]) if self._is_fetched else folder_revision(folder)
        with self._explained():
            return self.file("config.json").parent.name  # the cache of the Hub: models--org--name/snapshots/COMMIT

    @property
    def label(self) -> str:
        """Its name in the rows: the id or the folder's name, and the revision."""
        is_folder = Path(self.where).is_dir() and not self._is_fetched
        return f"{Path(self.where).name if is_folder else self.model}@{self.revision}"

    @property
    def _is_fetched(self) -> bool:
        """Whether `polyrefuse fetch-model` has put this Hub model into the cache."""
        return fetched_folder(self.model, self.asked_revision) is not None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The contents of config.json."""
        with self._explained():
            config = json.loads(read_input_text(self.file("config.json")))
            if not isinstance(config, dict):
                raise ValueError("config.json is not a JSON object")
            return config

    @cached_property
    def kind(self) -> Kind:
        """What kind of model it is, by its config.json. Raises ModelError for one that cannot be used."""
        name = str(self.config.get("model_type"))
        if name not in KINDS:
            raise ModelError(
                f"translation model {self.model!r} is of type {name!r}: this engine takes NLLB and M2M100 (m2m_100), "
                "OPUS-MT (marian), and MADLAD-400 and T5 (t5)"
            )
        return KINDS[name](self)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        with self._explained():
            return self.kind.vocabulary()

    def stored_vocabulary(self) -> Vocabulary:
        """The vocabulary in tokenizer.json, or whatever transformers reads instead."""
        try:
            path = self.file("tokenizer.json")
        except FileNotFoundError:
            from transformers import AutoTokenizer

            options = {"revision": self.asked_revision, "trust_remote_code": False}
            return TransformersVocabulary(AutoTokenizer.from_pretrained(self.where, **options))
        return FileVocabulary(path)

    @cached_property
    def end(self) -> int:
        """The id of </s>, which ends sources and translations."""
        return self._index(END, "the end of a text")

    @cached_property
    def unknown(self) -> int | None:
        """The id of <unk>, which stands for everything outside the vocabulary."""
        return self.vocabulary.index(UNKNOWN)

    @property
    def size(self) -> int:
        """The number of tokens that the model has a vector for. The vocabulary may have a few more or less."""
        return int(self.config["vocab_size"])

    @cached_property
    def unknown_characters(self) -> UnknownCharacters:
        return UnknownCharacters(self.vocabulary)

    def load_model(self, auto_class: Any, **options: Any) -> Any:
        """`auto_class.from_pretrained` of this checkpoint. Raises ModelError if its weights are not safetensors."""
        with self._explained():
            return load_weights(auto_class, self.where, revision=self.asked_revision, **options)

    def load_tokenizer(self) -> Any:
        """The tokenizer of transformers. No code from the checkpoint runs."""
        from transformers import AutoTokenizer

        with self._explained():
            return AutoTokenizer.from_pretrained(self.where, revision=self.asked_revision, trust_remote_code=False)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with damage_explained(self.model):
                yield
        except (OSError, ValueError) as error:
            if Path(self.model).is_absolute() and not Path(self.model).is_dir():
                raise MissingPrerequisite(
                    f"translation model {self.model} does not exist: give a folder that holds one, or a Hub id"
                ) from None
            reason = str(error).strip().split("\n")[0]
            raise MissingPrerequisite(
                f"translation model {self.model!r} cannot be loaded ({reason}): give a folder that holds it, or "
                f"fetch it with `{self._fetching}`"
            ) from error

    def check(self, pairs: Iterable[Pair]) -> None:
        """Raise ModelError unless this is a model that knows every language of `pairs`."""
        for pair in pairs:
            self.kind.check(pair)
        self._index(END, "the end of a text")

    def check_weights(self) -> None:
        """Fetch the weights. Raises ModelError if they are not safetensors: Meta's own checkpoints are pickled."""
        from huggingface_hub.errors import LocalEntryNotFoundError

        for name in _WEIGHTS:
            try:
                found = self.file(name)
            except LocalEntryNotFoundError as error:
                unreachable = error
            except FileNotFoundError:
                unreachable = None
            else:
                with self._explained():
                    self._check_parts(found)
                return
        if unreachable is not None:
            with self._explained():
                raise unreachable
        raise ModelError(
            f"translation model {self.model!r} has no safetensors, and pickled weights are never loaded, because they "
            f"can run any program: run `{self._fetching}` once, which converts them"
        )

    @property
    def _fetching(self) -> str:
        """The command that fetches or converts it."""
        folder = Path(self.model)
        if folder.is_dir():
            return f"polyrefuse fetch-model {shell_word(folder)} --out {shell_word(f'{folder.name}-safetensors')}"
        asked = self.asked_revision
        revision = "" if asked in (None, pinned_revision(self.model)) else f" --revision {shell_word(str(asked))}"
        return f"polyrefuse fetch-model {shell_word(self.model)}{revision}"

    def _check_parts(self, found: Path) -> None:
        """Fetch every part of the weights and check by its header that it is complete. Raises ValueError or OSError."""
        from safetensors import safe_open

        parts = [found]
        if found.suffix == ".json":
            names = sorted(set(json.loads(read_input_text(found))["weight_map"].values()))
            # One that is no safetensors of this folder is refused when it is loaded.
            parts = [self.file(name) for name in names if Path(name).name == name and name.endswith(".safetensors")]
        for part in parts:
            with safe_open(regular_file(part), framework="np"):
                pass

    def language_token(self, language: Language) -> int:
        """The id of a language's token in NLLB and M2M100. Raises ModelError without one (it would become <unk>)."""
        of_m2m100 = f"__{language.code}__"  # NLLB's are FLORES codes
        return self._index(of_m2m100 if self._has(of_m2m100) else language.flores, language.name)

    def encode(self, requests: Sequence[Request]) -> list[list[int]]:
        """Source token ids of each request, as its kind of model wants them, </s> last."""
        texts = self.vocabulary.encode([self.kind.as_text(request.text) for request in requests])
        return [
            [*self.kind.before_source(Pair(request.source, request.target)), *ids, self.end]
            for request, ids in zip(requests, texts, strict=True)
        ]

    @property
    def most_source_tokens(self) -> int:
        """The longest source, in tokens."""
        places = self.config.get("max_position_embeddings")
        return min(places, MAX_SOURCE_TOKENS) if isinstance(places, int) else MAX_SOURCE_TOKENS

    def decode(self, ids: Sequence[int]) -> str:
        return self.vocabulary.decode(ids).strip()

    def _index(self, token: str, meaning: str) -> int:
        index = self.vocabulary.index(token)
        if index is None or not self._has(token):
            raise ModelError(
                f"translation model {self.model!r} has no token {token} for {meaning}: leave it out, use "
                "a model that knows it, or give a folder with the model's tokenizer.json"
            )
        return index

    def _has(self, token: str) -> bool:
        """Whether there is such a token and the model has a vector for it."""
        index, size = self.vocabulary.index(token), self.config.get("vocab_size")
        return index is not None and isinstance(size, int) and index < size

    def file(self, name: str) -> Path:
        """A file of the checkpoint, fetched if it is on the Hub. Raises FileNotFoundError if there is none."""
        folder = Path(self.where)
        if folder.is_dir():
            return (folder / name).resolve(strict=True)
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        try:
            return Path(hf_hub_download(self.where, name, revision=self.asked_revision))
        except FileNotFoundError:  # not in the cache, and no way to the Hub
            raise
        except EntryNotFoundError as error:
            raise FileNotFoundError(str(error)) from error
