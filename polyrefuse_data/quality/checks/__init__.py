"""The checks, in the order in which they run."""

from __future__ import annotations

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.quality.checks import (
    back_translation,
    copying,
    correspondence,
    hidden,
    imported,
    language_id,
    length_ratio,
    mixed,
    preserved,
    punctuation,
    relatives,
    repetition,
    replies,
    script,
    semantic,
    substance,
)
from polyrefuse_data.quality.checks.base import Check


def checks_for(config: QualityConfig) -> tuple[Check, ...]:
    """Every check, with the identifier that `config` names, and the semantic one where it names a model."""
    optional = (semantic.check(config.semantic_model),) if config.semantic_model else ()
    return (
        substance.CHECK,
        hidden.CHECK,
        language_id.check(config.identifier),
        script.CHECK,
        relatives.CHECK,
        mixed.CHECK,
        copying.CHECK,
        length_ratio.CHECK,
        repetition.CHECK,
        preserved.CHECK,
        replies.CHECK,
        punctuation.CHECK,
        back_translation.CHECK,
        correspondence.CHECK,
        imported.CHECK,
        *optional,
    )
