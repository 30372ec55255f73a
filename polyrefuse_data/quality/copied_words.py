"""The words of texts and of their English prompts, without those that a translation may keep (kept.py)."""

from __future__ import annotations

from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.kept import counts, without_kept
from polyrefuse_data.text.words import words

Words = tuple[list[str], list[str]]  # of a text and of its prompt

_NOTHING: Words = [], []


def copied_words(batch: Batch) -> list[Words | None]:
    """The words of each translated row; both empty if text and prompt share no word that counts; None for other
    rows."""
    return [
        _words(text, source) if translated else None
        for text, source, translated in zip(batch.prose, batch.prose_en, batch.translated, strict=True)
    ]


def _words(text: str, source: str) -> Words:
    shared = set(words(source)).intersection(words(text))
    if not shared or not any(map(counts, shared)):
        return _NOTHING
    return without_kept(text, source)
