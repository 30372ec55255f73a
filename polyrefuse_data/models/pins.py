"""Models pinned by this package: the commit that a name stands for, and the sha256 of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Pin:
    revision: str  # a commit of the Hub
    sha256: Mapping[str, str]


# Meta's own commit, whose weights are a pickle: fetch-model converts them. Safetensors exist only in pull requests of
# the Hub (refs/pr/N), which anybody may open, which may change, and which Meta has not merged. The digests are those
# that several public projects pin for this commit; the Hub's page of the pickle shows the same.
PINS: Mapping[str, Pin] = MappingProxyType(
    {
        "facebook/nllb-200-distilled-600M": Pin(
            "f8d333a098d19b4fd9a8b18f94170487ad3f821d",
            MappingProxyType(
                {
                    "config.json": "f9b4081d3d108e9d06532ea8d92b932c04ed3a15ff2f87e6982f8e14db51fbc5",
                    "pytorch_model.bin": "c266c2cfd19758b6d09c1fc31ecdf1e485509035f6b51dfe84f1ada83eefcc42",
                    "sentencepiece.bpe.model": "14bb8dfb35c0ffdea7bc01e56cea38b9e3d5efcdcb9c251d6b40538e1aab555a",
                    "tokenizer.json": "e316b82de11d0f951f370943b3c438311629547285129b0b81dadabd01bca665",
                }
            ),
        )
    }
)


def pinned_revision(model: str) -> str | None:
    """The commit that a model's name stands for; None if it is not pinned."""
    return PINS[model].revision if model in PINS else None


def pinned_digests(model: str, revision: str) -> Mapping[str, str]:
    """The pinned sha256 of a model's files at this commit, as far as there are any."""
    return PINS[model].sha256 if pinned_revision(model) == revision else {}
