"""The built-in checks, one per file and named like their flag, in the order in which rows list their flags."""

from __future__ import annotations

from polyrefuse_data.quality.checks.added_words import ADDED_WORDS
from polyrefuse_data.quality.checks.back_translation import BACK_TRANSLATION
from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.checks.changed_negation import CHANGED_NEGATION
from polyrefuse_data.quality.checks.debris import DEBRIS
from polyrefuse_data.quality.checks.duplicate_target import DUPLICATE_TARGET
from polyrefuse_data.quality.checks.empty import EMPTY
from polyrefuse_data.quality.checks.hidden_characters import HIDDEN_CHARACTERS
from polyrefuse_data.quality.checks.improbable import IMPROBABLE
from polyrefuse_data.quality.checks.judged import JUDGED
from polyrefuse_data.quality.checks.language_id import LANGUAGE_ID
from polyrefuse_data.quality.checks.language_unverified import LANGUAGE_UNVERIFIED
from polyrefuse_data.quality.checks.length_ratio import LENGTH_RATIO
from polyrefuse_data.quality.checks.lost_names import LOST_NAMES
from polyrefuse_data.quality.checks.mismatched import MISMATCHED
from polyrefuse_data.quality.checks.mixed_languages import MIXED_LANGUAGES
from polyrefuse_data.quality.checks.no_back_translation import NO_BACK_TRANSLATION
from polyrefuse_data.quality.checks.opposite_words import OPPOSITE_WORDS
from polyrefuse_data.quality.checks.partly_translated import PARTLY_TRANSLATED
from polyrefuse_data.quality.checks.preserved import PRESERVED
from polyrefuse_data.quality.checks.punctuation import PUNCTUATION
from polyrefuse_data.quality.checks.related_language import RELATED_LANGUAGE
from polyrefuse_data.quality.checks.repetition import REPETITION
from polyrefuse_data.quality.checks.replaced_names import REPLACED_NAMES
from polyrefuse_data.quality.checks.script import SCRIPT
from polyrefuse_data.quality.checks.semantic import SEMANTIC
from polyrefuse_data.quality.checks.translator_answered import TRANSLATOR_ANSWERED
from polyrefuse_data.quality.checks.translator_refused import TRANSLATOR_REFUSED
from polyrefuse_data.quality.checks.unknown_language import UNKNOWN_LANGUAGE
from polyrefuse_data.quality.checks.unpaired import UNPAIRED
from polyrefuse_data.quality.checks.unsaid_negation import UNSAID_NEGATION
from polyrefuse_data.quality.checks.untranslated import UNTRANSLATED
from polyrefuse_data.quality.checks.unverified_meaning import UNVERIFIED_MEANING
from polyrefuse_data.quality.imported_scores import known_scores
from polyrefuse_data.quality.thresholds import Threshold

CHECKS: tuple[Check, ...] = (
    EMPTY,
    UNKNOWN_LANGUAGE,
    UNPAIRED,
    HIDDEN_CHARACTERS,
    DEBRIS,
    LANGUAGE_ID,
    LANGUAGE_UNVERIFIED,
    SCRIPT,
    RELATED_LANGUAGE,
    MIXED_LANGUAGES,
    UNTRANSLATED,
    PARTLY_TRANSLATED,
    LENGTH_RATIO,
    REPETITION,
    PRESERVED,
    TRANSLATOR_REFUSED,
    TRANSLATOR_ANSWERED,
    PUNCTUATION,
    BACK_TRANSLATION,
    NO_BACK_TRANSLATION,
    UNVERIFIED_MEANING,
    MISMATCHED,
    CHANGED_NEGATION,
    UNSAID_NEGATION,
    OPPOSITE_WORDS,
    REPLACED_NAMES,
    LOST_NAMES,
    ADDED_WORDS,
    SEMANTIC,
    JUDGED,
    *known_scores(),
    IMPROBABLE,
    DUPLICATE_TARGET,
)
THRESHOLDS: dict[str, Threshold] = {threshold.name: threshold for check in CHECKS for threshold in check.thresholds}
