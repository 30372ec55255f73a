"""What is written to a terminal: text that it shows and never obeys, and the bars of tqdm, which move its cursor.

Prompts, file names and server answers may hold anything, and escape sequences in them could rewrite what a command has
said. So no control character passes, and progress bars, ours and those of libraries, may go back only over what
progress bars wrote: the line they stand in, and the lines that other bars hold above it.
"""

from __future__ import annotations

import codecs

from polyrefuse_data.text.printable import escaped, printable

UNENCODABLE = "polyrefuse.escape"  # error handler of a stream: what its encoding lacks is written as JSON escapes it
_UP = "\x1b[A"


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return escaped(error.object[error.start : error.end]), error.end


codecs.register_error(UNENCODABLE, _escape_unencodable)


class TerminalText:
    """The writes to one terminal or file, made safe one after the other."""

    def __init__(self) -> None:
        self._is_bar = True  # the line holds nothing, or a progress bar
        self._bars_above = 0  # lines above it, down to which only bars have written

    def safe(self, text: str) -> str:
        """What may be written in place of `text`."""
        if self._is_bar and text.startswith("\r") and "\n" not in text:
            return self._bar(text)
        if self._is_bar and text and not text.strip("\n"):
            self._bars_above += len(text)
            return text
        if self._is_bar and text and len(text) <= self._bars_above * len(_UP) and not text.replace(_UP, ""):
            self._bars_above -= len(text) // len(_UP)
            return text
        if text:
            self._bars_above = 0
            self._is_bar = text.endswith("\n")
        return printable(text)

    @staticmethod
    def _bar(text: str) -> str:
        """A bar as tqdm draws it, from the start of the line, or the blanks that wipe it out and a way back."""
        back = "\r" if len(text) > 1 and text.endswith("\r") else ""
        return f"\r{printable(text[1 : len(text) - len(back)], keep='')}{back}"
