"""Units by their symbols: 12 kg that became 12 g, 5 mL that became 5 L."""

from __future__ import annotations

import re

# Symbols of several letters, or single ones that nothing else follows a number for; those that are spelt in two ways.
_UNITS = (
    "kg|mg|µg|μg|ug|mcg|g|lbs?|oz|km|cm|mm|µm|nm|mi|ft|ml|mL|cl|dl|L|kV|mV|mA|kW|MW|GW|kJ|Hz|kHz|MHz|GHz|kB|KB|MB|GB|TB"
    "|mph|rpm|ppm"
)
_MEASURE = re.compile(rf"(?<![A-Za-z0-9.,])(\d+(?:[.,]\d+)?)[ \u00a0\u202f]?({_UNITS})(?![A-Za-z/²³])")
_SPELT = {"μg": "µg", "ug": "µg", "mcg": "µg", "lbs": "lb", "mL": "ml", "KB": "kB"}


def changed_units(text: str, source: str) -> int:
    """How many measures of `source` have another unit in the text: the same number with another symbol alone."""
    asked = _measures(source)
    if not asked:
        return 0
    said = _measures(text)
    return sum(bool(said.get(number)) and said[number].isdisjoint(units) for number, units in asked.items())


def _measures(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for number, unit in _MEASURE.findall(text):
        found.setdefault(number.replace(",", "."), set()).add(_SPELT.get(unit, unit))
    return found
