"""numbers.toml of a language pack: the words for numbers.

A form is a regular expression for a whole word, in lower case; forms are separated by spaces. `~` is an ending of the
language's adjectives, `*` any ending (for words that no other word starts with), `_` a space. Compounds are not listed:
numbers are put together from their parts, so "fünfundzwanzig" is five and twenty.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

from pydantic import Field

from polyrefuse_data.languages.traits import Pattern, Section
from polyrefuse_data.text.words import ARABIC_MARKS


class Fold(Section):
    """Unifies spellings before number words are searched: `words` that only their marks distinguish are read first,
    then `marks` (a character class) are dropped, `letters` replaced, and of `doubled` letters (a character class) one
    is kept."""

    words: dict[str, int] = Field(default_factory=dict)
    marks: Pattern = ""
    letters: dict[str, str] = Field(default_factory=dict)
    doubled: Pattern = ""


class NumberWords(Section):
    """How one language expresses numbers. Every pattern is a regular expression.

    `inside` separates the parts of a compound, `between` its words, and `before` may precede a word. `tenfold` counts
    tens as it counts hundreds (2 10 5). If `positional`, words may be strung together like digits (二〇二一). If
    `scale_first`, the thousand precedes what it multiplies. From `never_alone` on, a word needs something before it to
    multiply. `unlike` are words and names that only look like numbers, `parts` are patterns that forms name as
    `<part>`, and `variants` are letters with other spellings.

    `unread` is a whole word that says a number which these forms do not read.

    `in_figures` shows that dates and fractions stand in figures, `evening` that hours are counted from six in the
    evening, `covid` a name of the disease without its year.
    """

    words: dict[float, str] = Field(default_factory=dict)
    endings: Pattern = ""
    inside: Pattern = ""
    between: Pattern = "[ \u00a0-]"
    before: Pattern = ""
    unlike: Pattern = ""
    unread: Pattern = ""
    parts: dict[str, str] = Field(default_factory=dict)
    variants: dict[str, str] = Field(default_factory=dict)
    positional: bool = False
    tenfold: bool = False
    scale_first: bool = False
    never_alone: float = Field(default=float("inf"), gt=0)
    fold: Fold = Fold()
    in_figures: Pattern = ""
    evening: Pattern = ""
    covid: Pattern = ""

    @cached_property
    def forms(self) -> dict[float, list[str]]:
        """The regular expressions of each value, with `*` still at the end of those with any ending."""
        return {value: [self._written_out(form) for form in line.split()] for value, line in self.words.items()}

    def _written_out(self, form: str) -> str:
        for name, pattern in self.parts.items():
            form = form.replace(f"<{name}>", pattern)
        for letter, variant in self.variants.items():
            form = form.replace(letter, variant)
        return form.replace("_", " ").replace("~", self.endings)

    def folded(self, text: str) -> str:
        """The text in lower case, prepared for the search for number words."""
        if self.fold == _NOTHING or (text.isascii() and not self.fold.doubled):
            return text
        text = ARABIC_MARKS.sub("", unicodedata.normalize("NFC", text))
        if self.fold.words:
            text = self._marked_words.sub(lambda match: str(self.fold.words[match.group()]), text)
        if self.fold.marks:
            text = unicodedata.normalize("NFC", re.sub(self.fold.marks, "", unicodedata.normalize("NFD", text)))
        text = unicodedata.normalize("NFC", text.translate(self._letters))
        return re.sub(rf"({self.fold.doubled})\1+", r"\1", text) if self.fold.doubled else text

    @cached_property
    def _letters(self) -> dict[int, str]:
        return {ord(letter): other for letter, other in self.fold.letters.items()}

    @cached_property
    def _marked_words(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(self.fold.words)})(?![\w\u0300\u0301])")


_NOTHING = Fold()
