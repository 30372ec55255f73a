"""Negations that one of two English texts has and the other has not.

Counted, not parsed: a translator moves a negation, but seldom loses or adds one. What denies without "not" (fail to,
refuse, unable, un-) stands in for one, and so does what asks for it ("any", "but"): half a negation each, for the
benefit of the doubt. What says no by itself ("avoid detection" for "not be detected") counts whole.
"""

from __future__ import annotations

import re
from functools import lru_cache

from polyrefuse_data.quality.meaning.english import English

_IDIOM = re.compile(
    r"\b(?:not only|not just|no doubt|whether or not|or not|no matter|not long|nothing but)\b|\bno\. ?\d"
)
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|nowhere|neither|cannot|without|no one)\b|n't\b"
    r"|\b(?:dont|cant|wont|doesnt|isnt)\b"
)
# One of these words stands in every negation but those with an apostrophe.
_NEGATING = frozenset(
    {"not", "never", "no", "none", "nobody", "nothing", "nowhere", "neither", "cannot", "without"}
    | {"dont", "cant", "wont", "doesnt", "isnt"}
)
_DENIAL = re.compile(
    r"\b(?:fail(?:s|ed|ing|ure)?|refus\w+|avoid\w*|prevent\w*|lack\w*|den(?:y|ies|ied|ying|ial)|unable|hardly|barely|scarcely"
    r"|rarely|seldom|few|little|only|instead|rather|except\w*|forb[iao]d\w*|prohibit\w*|ban(?:s|ned)?|stop\w*|ceas\w*"
    r"|reject\w*|unless|until|despite|far from|yet to|absen\w+|miss(?:ed|es|ing)?|exclu\w+|declin\w+|neglect\w*|nor"
    r"|any\w*|ever|but|un(?!der|i|til|less|cle)\w{3,}|dis(?!cuss|tri|play|ease|tan)\w{3,}|non-?\w{3,}|mis(?!s)\w{3,}|\w{3,}less"
    r"|in(?:visib|activ|capab|suffici|abil|hib|accura|effect|complet|dependen|tact)\w+|im(?:possib|mun|prob)\w*|il(?:legal|licit)\w*"
    r"|free|zero|remain\w*|minimal|hard|difficult\w*|doubt\w*|evad\w*|bypass\w*|conceal\w*|hid\w*|secret\w*|out of)\b"
)
_DENIAL_COUNTS = 0.5
_SAYS_NO = re.compile(
    r"\b(?:avoid\w*|unable|prevent\w*|refus\w+|fail(?:s|ed|ing|ure)?|lack(?:s|ed|ing)?|impossible|evad\w+)\b"
)
_LONG = 40  # words: of several sentences the one that was turned around is not told by counting


def lost_negations(prompt: English, other: English) -> float:
    """How many negations one of the texts has more than the other, less what may stand in for them there."""
    ours, theirs = count(prompt), count(other)
    if ours == theirs or (min(ours, theirs) and max(len(prompt.words), len(other.words)) > _LONG):
        return 0.0
    more, fewer = (prompt, other) if ours > theirs else (other, prompt)
    denials = len(_DENIAL.findall(fewer.lowered)) - len(_DENIAL.findall(more.lowered))
    noes = len(_SAYS_NO.findall(fewer.lowered)) - len(_SAYS_NO.findall(more.lowered))
    return max(0.0, abs(ours - theirs) - max(0.0, _DENIAL_COUNTS * denials, noes))


@lru_cache(maxsize=1 << 12)
def denies_otherwise(text: English) -> bool:
    """Whether anything in a text stands for a negation, or asks for one, without being one."""
    return _DENIAL.search(text.lowered) is not None


@lru_cache(maxsize=1 << 12)
def count(text: English) -> int:
    """Negations of a text, idioms apart."""
    if "'" not in text.lowered and _NEGATING.isdisjoint(text.word_set):  # most texts, and ten times as fast
        return 0
    return len(_NEGATION.findall(_IDIOM.sub(" ", text.lowered)))
