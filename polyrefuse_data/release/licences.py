"""The licence of a release as a whole, from the licences of its parts."""

from __future__ import annotations

import re

from polyrefuse_data.errors import ReleaseError

# Identifiers that the Hub's card validation knows, of those that prompts and models come under; all else is `other`.
HUB_LICENCES = frozenset(
    {
        "afl-3.0",
        "apache-2.0",
        "bsd-2-clause",
        "bsd-3-clause",
        "cc",
        "cc0-1.0",
        "gpl-3.0",
        "mit",
        "mpl-2.0",
        "odbl",
        "odc-by",
    }
    | {"openrail", "pddl", "unlicense", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nd-4.0"}
    | {"cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0"}
    | {"cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"}
)

# Published weights under CC BY-NC 4.0, as they are called in the names of checkpoints and of what is made from them.
_NON_COMMERCIAL_WEIGHTS = ("nllb-200", "nllb-moe")


_NO_LICENCE = ("", "unknown")
_LONGEST_IDENTIFIER = 64


def hub_licence(licence: str) -> str:
    """The Hub's identifier for a licence, or `other`."""
    identifier = licence.strip().lower().replace(" ", "-")
    return identifier if identifier in HUB_LICENCES else "other"


def licence_identifier(licence: str) -> str:
    """A licence's name in the form that the Hub requires: lower-case letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", licence.lower())[:_LONGEST_IDENTIFIER].strip("-.") or "other"


def overall_licence(stated: str | None, licences: list[str]) -> str:
    """The licence of the dataset as a whole: the stated one, or the one that all sources share.

    Raises ReleaseError if none is stated and the sources' licences differ or are unknown.
    """
    if stated:
        return stated
    named = sorted({licence for licence in licences if licence.lower() not in _NO_LICENCE})
    unnamed = any(licence.lower() in _NO_LICENCE for licence in licences)
    if len(named) == 1 and not unnamed:
        return named[0]
    found = ", ".join([*named, "no known licence"] if unnamed else named)
    raise ReleaseError(
        f"the prompts come under {found}: state the licence of the whole, "
        'e.g. license = "cc-by-nc-4.0" under [release] in polyrefuse.toml'
    )


def has_non_commercial_weights(engine: str) -> bool:
    """Whether a `translator` name refers to NLLB's published weights."""
    return any(weights in engine.lower() for weights in _NON_COMMERCIAL_WEIGHTS)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence is non-commercial, by its name."""
    return "-nc" in licence.lower().replace(" ", "-")
