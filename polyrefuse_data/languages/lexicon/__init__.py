"""Bilingual lexicons learnt from aligned prompts: does a text correspond to its English prompt, word for word?

train.py learns the lexicon.tsv of a language pack, and `Lexicon.from_tsv` reads it.
"""

from __future__ import annotations

from polyrefuse_data.languages.lexicon.model import Lexicon, english_overlap, lexicon_for, lexicon_signature

__all__ = ["Lexicon", "english_overlap", "lexicon_for", "lexicon_signature"]
