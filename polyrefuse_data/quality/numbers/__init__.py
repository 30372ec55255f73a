"""Numbers that a translation lost or changed, however prompt and translation write them.

grammar.py turns a language's number words (languages/<code>/numbers.toml) into patterns, composition.py puts numbers
together, and reading.py reads a text. forms.py and asked.py know how a good translation may express what an English
prompt says, and losses.py counts what is missing.
"""

from polyrefuse_data.quality.numbers.losses import lost_numbers

__all__ = ["lost_numbers"]
