"""Languages, each described by its pack: `<code>/` with traits, number words, replies, negations and a lexicon.

The paper's 14 languages have packs here. The other languages of NLLB-200 are listed in languages.tsv, and any of them
can be added to a build by its BCP-47 or FLORES code (`languages = ["de", "ibo_Latn"]` in polyrefuse.toml). A pack from
outside makes the checks as strong for it (docs/add-a-language.md).
"""

from polyrefuse_data.languages.language import Language
from polyrefuse_data.languages.registry import (
    LANGUAGES,
    SOURCE_LANGUAGE,
    TARGET_LANGUAGES,
    add_pack,
    describe_languages,
    find_language,
    language,
    language_codes,
    language_or_pack,
    language_packs,
    nllb_languages,
    packs_digest,
    plugged_pack,
    read_pack,
)

__all__ = [
    "LANGUAGES",
    "SOURCE_LANGUAGE",
    "TARGET_LANGUAGES",
    "Language",
    "add_pack",
    "describe_languages",
    "find_language",
    "language",
    "language_codes",
    "language_or_pack",
    "language_packs",
    "nllb_languages",
    "packs_digest",
    "plugged_pack",
    "read_pack",
]
