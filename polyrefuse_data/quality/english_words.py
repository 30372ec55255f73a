"""English words that show that a text is English, and those that other languages have borrowed."""

from __future__ import annotations

from functools import lru_cache

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language


@lru_cache(maxsize=1)
def loans() -> frozenset[str]:
    """Terms that most languages adopt unchanged, and that therefore show nothing."""
    return LANGUAGES[SOURCE_LANGUAGE].traits.english.loans


@lru_cache(maxsize=256)
def everyday_english(language: Language | None) -> frozenset[str]:
    """Words that hardly occur in English names and terms, nor in texts in `language`."""
    everyday = LANGUAGES[SOURCE_LANGUAGE].traits.english.everyday
    return everyday - language.traits.english.homographs if language else everyday
