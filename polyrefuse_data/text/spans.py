"""Spans that a translation keeps unchanged: placeholders, tags, addresses, code. The rest is prose."""

from __future__ import annotations

import re
from collections import Counter

# An address ends at white space, quotation marks and closing brackets; and where a script begins that is written
# without spaces, or, as Hangul is, with particles that stand on the word before them.
_NO_ADDRESS = (
    "\\s<>\"'“”«»（）)\\]}\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\ufe30-\uffef"
    "\U00020000-\U0003ffff"
)
_NAME = r"[^\W\d][\w .-]{0,80}|\d{0,4}"
_PARTS = r"(?:\[\w{0,40}\]|\.\w{1,40}){0,4}(?:![rsa])?"
_FORMAT = r"(?::(?:[\w .:!<>=^+%#*-]|,(?=[.\d}])){0,80})?"

SPAN = re.compile(
    "|".join(
        (
            r"```(?:(?!```).)*```|`[^`\n]+`",  # code
            rf"(?:https?://|www\.)[^{_NO_ADDRESS}]*[^{_NO_ADDRESS}.,;:!?…]",  # an address
            r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+",  # an e-mail address
            r"\[\[(?!\w+ \w*[a-z])[^\[\]\n]{1,80}\]\]",  # [[X]], but not what a wiki links: [[Leicester Square]]
            r"\{\{[^{}\n]{1,80}\}\}|\{%[^{}\n]{1,80}%\}",  # {{x}}, {% x %}
            rf"\$?\{{ ?(?:{_NAME}){_PARTS}{_FORMAT} ?\}}",  # {name}, ${name}, {}, {0:.2f}, { items[0].price!r }
            r"%\([A-Za-z_]\w*\)[sdifgrx]",  # %(name)s
            r"%(?:\d{1,2}\$)?[-#0+]{0,4}\d{0,3}(?:\.\d{1,3})?[sdifgrx](?![A-Za-z0-9_])",  # %s, %1$s, %.2f
            r"<\|[^<>|\n]{1,80}\|>|</?[A-Za-z](?![a-z]+ [a-z]+>)[^<>\n]{0,200}>",  # <|token|>, <tag>
            r"__[A-Za-z]+__|\$[A-Z][A-Z_]+(?![A-Za-z0-9_])",  # __NAME__, $NAME
        )
    ),
    re.DOTALL,
)
_MARKS = ("`", "@", "{", "%", "<", "$", "://", "www.", "[[", "__")  # every span holds one; most prompts hold none
_ADDRESS = re.compile(r"https?://|www\.|[^@]+@[A-Za-z0-9.-]+$")
_GOES_ON = r"(?![/?#&=%_~.-]?[A-Za-z0-9])"  # http://x.org is not kept by http://x.org/a


def spans(text: str) -> list[str]:
    """The spans of a text, in order."""
    return SPAN.findall(text) if _is_marked(text) else []


def without_spans(text: str) -> str:
    """The text with a space instead of each span; the text itself if nothing readable would be left."""
    if not _is_marked(text):
        return text
    prose = SPAN.sub(" ", text)
    return prose if any(map(str.isalpha, prose)) else text


def _is_marked(text: str) -> bool:
    return any(map(text.__contains__, _MARKS))


def lost_spans(text: str, source: str) -> int:
    """How many spans of `source` are not in the text, character by character and none within another."""
    lost = 0
    wanted = Counter(spans(source))
    for span in sorted(wanted, key=len, reverse=True):  # each is taken out, so that a shorter one is not found in it
        text, kept = re.subn(re.escape(span) + (_GOES_ON if _ADDRESS.match(span) else ""), "\n", text)
        lost += max(0, wanted[span] - kept)
    return lost
