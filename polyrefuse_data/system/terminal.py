"""Safe terminal output: text that is shown and never obeyed, and tqdm's bars, which move the cursor.

Prompts, file names and server answers may contain anything, and escape sequences in them could rewrite what a command
has printed. So no control character passes, and progress bars, ours and those of libraries, may only go back over what
progress bars wrote: their line, and lines of other bars above it.
"""

from __future__ import annotations

import codecs

from polyrefuse_data.text.printable import escaped, printable

UNENCODABLE = "polyrefuse.escape"  # error handler of a stream: what its encoding lacks is escaped as in JSON
_UP = "\x1b[A"


def _escape_unencodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return escaped(error.object[error.start : error.end]), error.end


codecs.register_error(UNENCODABLE, _escape_unencodable)


class TerminalText:
    """Makes the writes to one terminal or file safe, one after the other."""

    def __init__(self) -> None:
        self._is_bar = True  # the line is empty or holds a progress bar
        self._bars_above = 0  # lines above it, down to which only bars have written

    def safe(self, text: str) -> str:
        """The safe form of `text`."""
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
        """A bar as drawn by tqdm, from the start of the line, or the blanks that erase it and a way back."""
        back = "\r" if len(text) > 1 and text.endswith("\r") else ""
        return f"\r{printable(text[1 : len(text) - len(back)], keep='')}{back}"
