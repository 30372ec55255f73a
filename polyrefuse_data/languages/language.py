"""A language and what is known about it. Each part is read from its pack on first use."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polyrefuse_data.system.input_files import read_input, read_input_text
from polyrefuse_data.text.scripts import DENSITY, SCRIPT_NAMES, UNSPACED, Orthography

if TYPE_CHECKING:
    from polyrefuse_data.languages.lexicon import Lexicon
    from polyrefuse_data.languages.numbers import NumberWords
    from polyrefuse_data.languages.probability import ProbabilityTable
    from polyrefuse_data.languages.replies import Replies
    from polyrefuse_data.languages.traits import Traits
    from polyrefuse_data.languages.transliteration import NameLetters
    from polyrefuse_data.languages.word_order import WordOrder

_SYLLABLES = "Hang"  # a script that sets spaces, but no word of it ends where the dictionary says: particles follow
_STEMS, _RUNS = {_SYLLABLES: 2}, {"Hans": 2, "Hant": 2, "Jpan": 2}  # characters; a syllable or word says more
_STEM, _RUN = 5, 3


@dataclass(frozen=True)
class Language:
    """A language of a dataset.

    `code` is the BCP-47 tag in the `language` column, `flores` the FLORES-200 / NLLB code. `aliases` are the codes of
    language identifiers that count as this language (ISO 639, e.g. `arz` for Arabic). `pack` is the folder with
    everything else; without one, `facts` (a line of TOML) and the script decide.
    """

    code: str
    flores: str
    name: str
    aliases: tuple[str, ...] = ()
    facts: str = ""
    pack: Path | None = None

    @cached_property
    def traits(self) -> Traits:
        """The contents of traits.toml. Raises ConfigError naming file and key."""
        from polyrefuse_data.languages.traits import Traits, read_part

        if self.pack is None:
            return Traits.model_validate({"code": self.code, **tomllib.loads(self.facts)})
        return read_part(Traits, self.pack / "traits.toml")

    @cached_property
    def script(self) -> str:
        """The ISO 15924 code of the language's script."""
        own = self.traits.writing.script if self.pack or self.facts else None
        return own or self.flores.split("_")[1]

    @property
    def scripts(self) -> tuple[str, ...]:
        """Unicode names of the scripts in which the language is written."""
        return SCRIPT_NAMES.get(self.script, ())

    @cached_property
    def identifiers(self) -> frozenset[str]:
        """Every code that a language identifier may give a text in this language."""
        return frozenset({self.code, *self.aliases})

    @cached_property
    def orthography(self) -> Orthography:
        """How the language is written, for code that looks only at characters."""
        own = self.traits.writing
        return Orthography(
            script=self.script,
            joiners=own.joiners,
            letters=own.letters,
            guest_letters=own.guest_letters,
            encodings=tuple(own.encodings),
            rare_characters=own.rare_characters,
        )

    @cached_property
    def spaced(self) -> bool:
        """Whether words are separated by spaces."""
        own = self.traits.writing.spaced
        return self.script not in UNSPACED if own is None else own

    @cached_property
    def word_borders(self) -> bool:
        """Whether words have borders that a pattern can match."""
        own = self.traits.writing.word_borders
        return self.spaced and self.script != _SYLLABLES if own is None else own

    @cached_property
    def density(self) -> float:
        """Number of Latin letters that correspond to one character."""
        return self.traits.writing.density or DENSITY.get(self.script, 1.0)

    @cached_property
    def stem(self) -> int:
        """Number of initial characters that represent a word in the lexicon."""
        return self.traits.units.stem or _STEMS.get(self.script, _STEM)

    @cached_property
    def run(self) -> int | None:
        """Length of the overlapping runs that represent words in the lexicon; None if spaces separate words."""
        return None if self.spaced else self.traits.units.run or _RUNS.get(self.script, _RUN)

    @cached_property
    def numbers(self) -> NumberWords | None:
        """The contents of numbers.toml, its own or that of the language named in its traits; None without one."""
        from polyrefuse_data.languages.numbers import NumberWords
        from polyrefuse_data.languages.registry import language
        from polyrefuse_data.languages.traits import read_part

        if (self.pack or self.facts) and (other := self.traits.numbers_of):
            return language(other).numbers
        path = self.pack / "numbers.toml" if self.pack else None
        return read_part(NumberWords, path) if path and path.exists() else None

    @cached_property
    def replies(self) -> Replies | None:
        """The contents of replies.toml; None without one."""
        from polyrefuse_data.languages.replies import Replies

        path = self.pack / "replies.toml" if self.pack else None
        return Replies(path, self) if path and path.exists() else None

    @cached_property
    def negation(self) -> re.Pattern[str] | None:
        """What says no, of polarity.toml: to be searched in lower case; None without it."""
        from polyrefuse_data.languages.traits import Polarity, read_part

        path = self.pack / "polarity.toml" if self.pack else None
        words = read_part(Polarity, path).negation if path and path.exists() else ""
        return re.compile(words) if words else None

    @cached_property
    def name_letters(self) -> NameLetters | None:
        """The contents of names.toml; None without letters."""
        from polyrefuse_data.languages.traits import read_part
        from polyrefuse_data.languages.transliteration import NameLetters

        path = self.pack / "names.toml" if self.pack else None
        table = read_part(NameLetters, path) if path and path.exists() else None
        return table if table and table.letters else None

    @cached_property
    def lexicon(self) -> Lexicon | None:
        """The contents of lexicon.tsv; None without one."""
        from polyrefuse_data.languages.lexicon import Lexicon

        path = self.pack / "lexicon.tsv" if self.pack else None
        return Lexicon.from_tsv(read_input_text(path), self) if path and path.exists() else None

    @cached_property
    def probability(self) -> ProbabilityTable | None:
        """The contents of probability.toml; None without one."""
        from polyrefuse_data.languages.probability import ProbabilityTable
        from polyrefuse_data.languages.traits import read_part

        path = self.pack / "probability.toml" if self.pack else None
        return read_part(ProbabilityTable, path) if path and path.exists() else None

    @cached_property
    def word_order(self) -> WordOrder | None:
        """The contents of word_order.tsv; None without one."""
        from polyrefuse_data.languages.word_order import PART, WordOrder

        path = self.pack / PART if self.pack else None
        return WordOrder.from_tsv(read_input_text(path), self.spaced) if path and path.exists() else None

    def digest(self, part: str) -> str:
        """sha256 of a file in the pack, empty without it; for traits.toml, of everything except bounds."""
        if part not in self._digests:
            if part == "traits.toml":
                facts = self.traits.model_dump(exclude={"bounds"})
                content = json.dumps(facts, default=sorted, sort_keys=True).encode()
            else:
                path = self.pack / part if self.pack else None
                content = read_input(path) if path and path.exists() else b""
            self._digests[part] = hashlib.sha256(content).hexdigest() if content else ""
        return self._digests[part]

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {}

    def __hash__(self) -> int:
        return hash(self.code)

    def __getstate__(self) -> dict[str, Any]:
        """Parts that were read are not sent: another process reads what it needs."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
