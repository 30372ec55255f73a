"""Reads untrusted TMX 1.4, one unit at a time.

An XML parser does more than read: it expands entities declared in the file (a kilobyte becomes gigabytes), adds
declared attributes, and may fetch what the file names. A translation memory needs none of this: the DOCTYPE may name
the TMX DTD, which is not read, and a file that declares anything itself is refused at that line. No tree is built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from polyrefuse_data.errors import SourceError

# TMX nests seven deep, and further only where inline tags stand inside each other.
_DEEPEST = 100

_IN_VARIANT = ["tu", "tuv"]


@dataclass
class Unit:
    """A `<tu>`: its variants as (language tag, text of `<seg>`), either None if missing, and its props by type."""

    variants: list[tuple[str | None, str | None]] = field(default_factory=list)
    props: dict[str, str] = field(default_factory=dict)


def read_units(path: Path, content: bytes) -> list[Unit]:
    """The units of a TMX file in file order, in whatever encoding it declares. Text in inline tags counts as text.

    Raises SourceError naming `path` if it is not XML, or declares its own entities or attributes.
    """
    try:
        return _Reader().read(content)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter two: encodings that are none
        raise SourceError(f"{path}: not readable as TMX ({error}); export the memory again as TMX 1.4") from None


class _Reader:
    """Handlers for expat, and their state."""

    def __init__(self) -> None:
        self._units: list[Unit] = []
        self._inside: list[str] = []  # names of the open elements
        self._tag: str | None = None  # of the open <tuv>
        self._segment: str | None = None  # text of its <seg>
        self._kind = ""  # type of the open <prop>
        self._text: list[str] = []  # pieces of the open <seg> or <prop>
        self._depth: int | None = None  # how deep that one stands; None: none is open
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.SkippedEntityHandler = self._skipped
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data

    def read(self, content: bytes) -> list[Unit]:
        self._parser.Parse(content, True)
        return self._units

    def _doctype(self, name: str, system: str | None, public: str | None, has_declarations: int) -> None:
        if has_declarations:
            self._refuse("declares its own entities or elements")

    def _skipped(self, name: str, is_parameter: bool) -> None:
        self._refuse(f"undefined entity &{name[:40]};")

    def _refuse(self, why: str) -> NoReturn:
        raise ValueError(f"{why}: line {self._parser.CurrentLineNumber}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        parents = self._inside[-2:]
        if len(self._inside) == _DEEPEST:
            self._refuse(f"elements nested {_DEEPEST} deep")
        if name == "tu":
            if "tu" in self._inside:
                self._refuse("a <tu> inside a <tu>")
            self._units.append(Unit())
        elif name == "tuv" and parents[-1:] == ["tu"]:
            self._tag, self._segment = attributes.get("xml:lang") or attributes.get("lang"), None
        elif (name == "seg" and parents == _IN_VARIANT) or (
            name == "prop" and (parents == _IN_VARIANT or parents[-1:] == ["tu"])
        ):
            self._kind, self._text, self._depth = attributes.get("type", ""), [], len(self._inside)
        self._inside.append(name)

    def _data(self, text: str) -> None:
        if self._depth is not None:
            self._text.append(text)

    def _end(self, name: str) -> None:
        self._inside.pop()
        if self._depth == len(self._inside):
            self._depth = None
            if name == "seg":
                self._segment = "".join(self._text)
            else:
                self._units[-1].props[self._kind] = "".join(self._text)
        elif name == "tuv" and self._inside[-1:] == ["tu"]:
            self._units[-1].variants.append((self._tag, self._segment))
