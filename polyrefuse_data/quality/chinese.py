"""What shows that a text is not the Chinese of `zh` (Mandarin in simplified characters), or that it is no Japanese."""

from __future__ import annotations

import re
from functools import lru_cache

_CANTONESE = re.compile(
    "[嘅啲冇唔咗喺佢嚟咩乜嘢畀瞓餸哋咁噉嗰攞睇㗎揾]|点[样解整]|边(?:个|度(?!假))|话我|几多|屋企|隔篱|而家"
)


def other_chinese(text: str) -> float:
    """Traditional characters, less simplified ones (a single one may be quoted), and characters of Cantonese."""
    return max(0, sum(map(_traditional, text))) + len(_CANTONESE.findall(text))


def characters_not_japanese(text: str) -> float:
    """Simplified characters that Japanese does not write (JIS X 0208), each as much as four words of a relative."""
    return 4 * sum(map(_not_japanese, text))


@lru_cache(maxsize=65536)
def _not_japanese(character: str) -> bool:
    return _encodes(character, "gb2312") and not _encodes(character, "shift_jis")


@lru_cache(maxsize=65536)
def _traditional(character: str) -> int:
    """1 where only the standard of traditional characters has it (Big5 with Hong Kong's supplement), -1 where only that
    of simplified ones has (GB 2312), 0 for both or neither."""
    return _encodes(character, "big5hkscs") - _encodes(character, "gb2312")


def _encodes(character: str, standard: str) -> bool:
    try:
        return bool(character.encode(standard))
    except UnicodeEncodeError:
        return False
