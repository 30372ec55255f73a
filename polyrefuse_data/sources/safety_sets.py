"""Public sets for measuring refusal and over-refusal, several of them in many languages.

Commits and hashes are those under which public projects pin the same files; where none was found, `revision` is None.
Only translations that people made are taken from a set. Machine translations (M-ALERT, PolyGuardPrompts) are not: a
build makes its own, with a record of how. XSafety's and LinguaSafe's are not either: XSafety's files are parallel by
position alone, and LinguaSafe's rows do not say which of them are translations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from polyrefuse_data.rows import HARMFUL, HARMLESS
from polyrefuse_data.sources.public_set import GITHUB, HUB, PublicFile, PublicSet

_MULTIJAIL = "93d65c778925d55973b9ff30c7bccc8545494eb6"
_XSAFETY = "f02da7f528b89705d657ae17d3b856ddd93b8cdb"
_AYA = "5a16fee03c19d681b4f3527b6a750e1ed4d434c7"
_POLYGUARD = "c5b466a95b64ff121db4398246b6abb7672696ec"
_OR_BENCH = "e36d8b80e81837c8a8f264bbb2a49f1b32c7e272"
_SORRY_BENCH = "b34822276edde97592eda99c0b56d306f8830469"
_DO_NOT_ANSWER = "460703484df354958a5e1cd7378a38fcb94a2f3e"

# Of XSafety's fourteen scenarios, those whose prompts ask for what a model should not do. The others (common sense,
# mental health, ethics, ...) hold questions that a good model answers, without a label that says so.
_XSAFETY_FILES = (
    "Crimes_And_Illegal_Activities_en",
    "Inquiry_With_Unsafe_Opinion_n",
    "Role_Play_Instruction_n",
    "Unsafe_Instruction_Topic_n",
)

# The names of its files end in ISO 639-3, whose codes here are those of the macrolanguage or the same.
_AYA_LANGUAGES = {"arb": "ar", "fra": "fr", "hin": "hi", "rus": "ru", "spa": "es", "srp": "sr", "tgl": "tl"}

# The benchmark's splits are named by country or language, with English beside the local language.
_SEA_LANGUAGES = {"IN": "id", "MS": "ms", "MY": "my", "TA": "ta", "TH": "th", "TL": "tl", "VI": "vi"}


def _in_english(fields: Mapping[str, Any]) -> bool:
    return fields.get("language") == "English" and fields.get("prompt_harm_label") is not None


def _of_the_base_style(fields: Mapping[str, Any]) -> bool:
    """Without the twenty mutations of each prompt (slang, ciphers, machine translations)."""
    return fields.get("prompt_style") == "base"


SAFETY_SETS: tuple[PublicSet, ...] = (
    PublicSet(
        "multijail",
        "MultiJail",
        _MULTIJAIL,
        "MIT",
        "harmful test; 315, translated by native speakers",
        (
            PublicFile(
                f"{HUB}/DAMO-NLP-SG/MultiJail/resolve/{_MULTIJAIL}/MultiJail.csv",
                text="en",
                category="tags",
                split="test",
                translations={code: code for code in ("zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv")},
            ),
        ),
    ),
    PublicSet(
        "xsafety",
        "XSafety",
        _XSAFETY,
        "unknown",
        "harmful test; the English of four of its fourteen scenarios",
        tuple(
            PublicFile(
                f"{GITHUB}/Jarviswang94/Multilingual_safety_benchmark/{_XSAFETY}/en/{name}.csv",
                split="test",
                headings=("text",),
            )
            for name in _XSAFETY_FILES
        ),
    ),
    PublicSet(
        "aya-redteaming",
        "Aya red-teaming",
        _AYA,
        "Apache-2.0",
        "harmful test; written by native speakers in eight languages, with their English",
        (
            PublicFile(
                f"{HUB}/CohereLabs/aya_redteaming/resolve/{_AYA}/aya_eng.jsonl",
                text="prompt",
                category="harm_category",
                split="test",
            ),
            *(
                PublicFile(
                    f"{HUB}/CohereLabs/aya_redteaming/resolve/{_AYA}/aya_{iso}.jsonl",
                    text="literal_translation",
                    category="harm_category",
                    split="test",
                    translations={code: "prompt"},
                )
                for iso, code in _AYA_LANGUAGES.items()
            ),
        ),
    ),
    PublicSet(
        "linguasafe",
        "LinguaSafe",
        None,
        "unknown",
        "harmful and harmless test; its English, severity 1 to 3 against 0",
        (
            PublicFile(
                "*",
                text="prompt",
                category="subtype",
                level="level",
                split="test",
                labels=("level", {"0": HARMLESS, "1": HARMFUL, "2": HARMFUL, "3": HARMFUL}),
                keep=lambda fields: fields.get("lang") == "en",
            ),
        ),
        hub="telegraphpolehead/linguasafe",
    ),
    PublicSet(
        "polyguard-prompts",
        "PolyGuardPrompts",
        _POLYGUARD,
        "CC-BY-4.0",
        "harmful and harmless test; its English",
        (
            PublicFile(
                f"{HUB}/ToxicityPrompts/PolyGuardPrompts/resolve/{_POLYGUARD}/data/test-00000-of-00001.parquet",
                text="prompt",
                category="subcategory",
                split="test",
                labels=("prompt_harm_label", {"harmful": HARMFUL, "unharmful": HARMLESS}),
                keep=_in_english,
            ),
        ),
    ),
    PublicSet(
        "sea-safeguardbench",
        "SEA-SafeguardBench",
        None,
        "unknown",
        "harmful and harmless test; written by people of seven countries, with their English; gated",
        tuple(
            PublicFile(
                f"*cultural_in_the_wild/{split}_EN*.parquet",
                text="en_prompt",
                category="topic",
                split="test",
                labels=("prompt_label", {"Safe": HARMLESS, "Harmful": HARMFUL}),
                keep=lambda fields: fields.get("prompt_label") != "Sensitive",
                translations={code: "local_prompt"},
            )
            for split, code in _SEA_LANGUAGES.items()
        ),
        hub="aisingapore/SEASafeguardBench",
    ),
    PublicSet(
        "or-bench-hard",
        "OR-Bench-Hard-1K",
        _OR_BENCH,
        "CC-BY-4.0",
        "harmless test for over-refusal; 1,319",
        (
            PublicFile(
                f"{HUB}/bench-llm/or-bench/resolve/{_OR_BENCH}/or-bench-hard-1k.csv",
                "a6e2f1166416efe5901f3bb05c47dc92ab3aca3acfe143693d38b8057d841e6d",
                text="prompt",
                category="category",
                split="test",
                label=HARMLESS,
            ),
        ),
    ),
    PublicSet(
        "sorry-bench",
        "SORRY-Bench 2024/06",
        _SORRY_BENCH,
        "unknown",
        "harmful test; 450 without mutations; gated, under its own agreement",
        (
            PublicFile(
                "*question.jsonl",
                text="turns.0",
                category="category",
                split="test",
                keep=_of_the_base_style,
            ),
        ),
        hub="sorry-bench/sorry-bench-202406",
    ),
    PublicSet(
        "m-alert",
        "M-ALERT",
        None,
        "unknown",
        "harmful test; its English",
        (PublicFile("*", text="en", category="category", split="test"),),
        hub="felfri/M-ALERT",
    ),
    PublicSet(
        "do-not-answer",
        "Do-Not-Answer",
        _DO_NOT_ANSWER,
        "CC-BY-NC-SA-4.0",
        "harmful test; all 939",
        (
            PublicFile(
                f"{GITHUB}/Libr-AI/do-not-answer/{_DO_NOT_ANSWER}/datasets/Instruction/do_not_answer_en.csv",
                "06acfa39a06a1b33d1f264ce41b4f7a95812010c594fb733ae4717ee0a4544fc",
                text="question",
                category="types_of_harm",
                split="test",
            ),
        ),
    ),
)
