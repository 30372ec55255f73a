"""Numbers that a translation lost or changed, however prompt and translation write them.

grammar.py makes patterns of the number words of a language (languages/<code>/numbers.toml), composition.py puts numbers
together, reading.py reads a text. forms.py and asked.py say how a good translation may put what an English prompt says,
losses.py counts what it does not.
"""

from polyrefuse_data.quality.numbers.losses import lost_numbers

__all__ = ["lost_numbers"]
