"""The signs that a row's meaning changed, each as strong as its witnesses are.

0: no sign. 1 (POSSIBLE): prompt and back-translation differ, and the text does not speak against it. 2 (SURE): the
same, and the back-translation brings back enough of the prompt to be believed.
"""

from __future__ import annotations

from collections.abc import Callable

from polyrefuse_data.languages import Language, packs_digest
from polyrefuse_data.quality.batch import LONGEST_TEXT, Batch
from polyrefuse_data.quality.meaning.english import English, read
from polyrefuse_data.quality.meaning.tables import COMMON, OPPOSITES, OWN
from polyrefuse_data.quality.thresholds import Score, score_of

POSSIBLE, SURE = 1.0, 2.0
SCALE = "0 if not, 1 if an unreliable back-translation shows it, 2 if a reliable one does"
# Share of the prompt's words that a back-translation brings back: less, and it is no witness; so much, and it is to be
# believed. Read on our half of DEMETR and on the published back-translations, of which the Yoruba and Korean ones often
# say what the text does not.
_WITNESS, _BELIEVED = 0.45, 0.6

Sign = Callable[["Row"], bool]


class Row:
    """What the signs read of one row."""

    def __init__(self, text: str, source: str, back: str, language: Language | None) -> None:
        self.text, self.language = text, language
        self.prompt, self.back = read(source), read(back)
        self.differs = self.prompt.words != self.back.words  # or else there is nothing to compare

    def says(self, word: str) -> bool:
        """Whether the lexicon finds a word of the prompt in the text, told from those that came back."""
        lexicon = self.language.lexicon if self.language else None
        came_back = self.prompt.word_set & self.back.word_set
        return lexicon is not None and lexicon.says(word, self.text, sorted(came_back))

    @property
    def negates(self) -> bool | None:
        """Whether the text says no; None where nothing is known of how the language does."""
        pattern = self.language.negation if self.language else None
        return None if pattern is None else pattern.search(self.text.lower()) is not None

    @property
    def strength(self) -> float:
        """How strong a sign is here."""
        brought_back = _share(self.prompt, self.back)
        return 0.0 if brought_back < _WITNESS else POSSIBLE if brought_back < _BELIEVED else SURE


def strengths(batch: Batch, sign: Sign) -> Score:
    """The strength of a sign in each translated row that has a back-translation; not computed for others."""
    return score_of(
        [None if row is None else row.strength if row.differs and sign(row) else 0.0 for row in batch.once(_rows)]
    )


def meaning_signature() -> str:
    """Of the tables that the signs read."""
    names = (COMMON.name, OPPOSITES.name, OWN.name, "polarity.toml", "lexicon.tsv")
    return f"meaning-{packs_digest(*names)}"


def _rows(batch: Batch) -> list[Row | None]:
    rows = zip(batch.text, batch.text_en, batch.back_translation, batch.known, batch.translated, strict=True)
    return [
        Row(text[:LONGEST_TEXT], source, back, known) if translated and back is not None and back.strip() else None
        for text, source, back, known, translated in rows
    ]


def _share(prompt: English, back: English) -> float:
    own = prompt.stem_set
    return len(own & back.stem_set) / len(own) if own else 0.0
