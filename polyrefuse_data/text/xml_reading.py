"""XML of files that nobody has looked at, an element at a time.

An XML parser does more than read: it expands entities that the file declares (a kilobyte becomes gigabytes), adds
attributes that the file declares, and may fetch what it names. Files of translators need none of it: the DOCTYPE may
name a DTD, which is not read, and a file that declares anything itself is refused at that line. No tree is built.
"""

from __future__ import annotations

from typing import NoReturn
from xml.parsers import expat

# TMX and XLIFF nest some ten deep, and further only where inline tags stand inside each other.
_DEEPEST = 100

# What `read` raises; the latter two for encodings that are none.
ERRORS = (expat.ExpatError, ValueError, LookupError)


class XmlReader:
    """Handlers of expat. `inside` are the names of the open elements, without their namespaces' prefixes."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.SkippedEntityHandler = self._skipped
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self.data

    def parse(self, content: bytes) -> None:
        """Raises one of ERRORS where it is no XML, or declares entities or attributes of its own."""
        self._parser.Parse(content, True)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; `inside` are those around it."""

    def end(self, name: str) -> None:
        """An element ends; `inside` are those around it."""

    def data(self, text: str) -> None:
        """Text of the innermost element of `inside`."""

    def refuse(self, why: str) -> NoReturn:
        raise ValueError(f"{why}: line {self._parser.CurrentLineNumber}")

    def _doctype(self, name: str, system: str | None, public: str | None, has_declarations: int) -> None:
        if has_declarations:
            self.refuse("declares its own entities or elements")

    def _skipped(self, name: str, is_parameter: bool) -> None:
        self.refuse(f"undefined entity &{name[:40]};")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.inside) == _DEEPEST:
            self.refuse(f"elements nested {_DEEPEST} deep")
        name = name.rpartition(":")[2]
        self.start(name, attributes)
        self.inside.append(name)

    def _end(self, name: str) -> None:
        self.end(self.inside.pop())
