"""Bilingual lexicons learnt from aligned prompts: does a text answer to its English prompt, word for word?

lexicon.tsv of a language pack is learnt by train.py and read by `Lexicon.from_tsv`.
"""

from __future__ import annotations

from polyrefuse_data.languages.lexicon.model import Lexicon, english_overlap, lexicon_for, lexicon_signature

__all__ = ["Lexicon", "english_overlap", "lexicon_for", "lexicon_signature"]
