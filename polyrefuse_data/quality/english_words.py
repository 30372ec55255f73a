"""English words that show that a text is English, and English words that other languages have borrowed."""

from __future__ import annotations

from functools import lru_cache

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE, Language


@lru_cache(maxsize=1)
def loans() -> frozenset[str]:
    """Terms that most languages take over as they are: they show nothing."""
    return LANGUAGES[SOURCE_LANGUAGE].traits.english.loans


@lru_cache(maxsize=256)
def everyday_english(language: Language | None) -> frozenset[str]:
    """Words that English names and terms hardly ever hold, nor a text in `language` by itself."""
    everyday = LANGUAGES[SOURCE_LANGUAGE].traits.english.everyday
    return everyday - language.traits.english.homographs if language else everyday
