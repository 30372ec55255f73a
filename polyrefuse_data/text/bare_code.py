"""Code that stands in prose without marks: paths, options, file names, identifiers. A translation keeps it
(rm -rf /tmp/x)."""

from __future__ import annotations

import re
import unicodedata

BARE_CODE = re.compile(
    "|".join(
        (
            r"(?<![\w/.~:-])(?:~|\.{1,2})?/(?:[A-Za-z0-9.+-]+/)+[A-Za-z0-9.+-]*[A-Za-z0-9]",  # /etc/passwd, ~/x/y
            r"(?<=[a-z] )--?(?:[a-zA-Z]{1,3}|(?<=--)[a-z][a-z-]+)(?![\w-])",  # rm -rf, git --hard
            r"(?<![\w/.])[\w-]+\.(?:py|js|exe|dll|sh|bat|txt|csv|json|xml|html|php|zip|docx?|xlsx?|jpe?g|png)(?!\w)",
            r"(?<![\w-])[a-z]+(?:_[a-z0-9]+)+(?![\w-])",  # snake_case
            r"(?<![\w.])[A-Za-z_][\w.]*\(\)",  # main()
        )
    )
)
_MARKS = ("/", " -", ".", "_", "()")  # one of them is in all of these


def lost_bare_code(text: str, source: str) -> int:
    """How many of the paths, options, file names and identifiers of `source` the text does not have."""
    if not any(map(source.__contains__, _MARKS)):
        return 0
    wanted = set(BARE_CODE.findall(source))
    squeezed = _squeezed(text) if wanted else ""
    return sum(_squeezed(code) not in squeezed for code in wanted)


def _squeezed(text: str) -> str:
    """Without case, blanks and wide forms, which translators and their scripts change: sorted（）, Sorted ()."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())
