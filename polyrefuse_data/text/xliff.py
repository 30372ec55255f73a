"""Reading XLIFF 1.2, 2.0 and 2.1, a unit at a time, from files that nobody has looked at (xml_reading.py).

PO has no reader: a catalogue names one language, its texts are those of a program, and the library that reads XLIFF and
PO alike (translate-toolkit) is under the GPL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from polyrefuse_data.errors import SourceError
from polyrefuse_data.text.segments import Segment, is_code, segment
from polyrefuse_data.text.xml_reading import ERRORS, XmlReader

# Inline elements that hold native code or none at all; `g`, `mrk`, `pc` and 1.2's `sub` hold text.
_CODES = frozenset({"ph", "bpt", "ept", "it", "x", "bx", "ex", "sc", "ec", "sm", "em"})
_TEXTS = frozenset({"source", "target", "g", "mrk", "pc", "sub"})
_UNITS = frozenset({"trans-unit", "unit"})
_PARTS = frozenset({"trans-unit", "segment", "ignorable"})  # what holds a source and its target
_ASIDE = frozenset({"alt-trans", "matches", "glossary", "notes", "seg-source"})  # proposals and remarks

# States of a target that nobody has translated yet, of 1.2 and 2.x.
_UNTRANSLATED = frozenset({"new", "needs-translation", "initial"})


@dataclass
class _Part:
    source: list[tuple[bool, str]] = field(default_factory=list)
    target: list[tuple[bool, str]] | None = None
    is_untranslated: bool = False
    is_ignorable: bool = False


@dataclass(frozen=True)
class Pair:
    """A text and its translation, with the language tags that the file gives them."""

    source_tag: str | None
    target_tag: str | None
    source: Segment
    target: Segment


def read_pairs(path: Path, content: bytes) -> list[Pair]:
    """What is translated in an XLIFF file, in file order: each segment, and each unit of several as a whole.

    Raises SourceError naming `path` where it is no XML or no XLIFF, or declares entities or attributes of its own.
    """
    reader = _Reader()
    try:
        reader.parse(content)
        if not reader.is_xliff:
            raise ValueError("no <xliff> in it")
    except ERRORS as error:
        raise SourceError(f"{path}: not readable as XLIFF ({error}); export it again as XLIFF 1.2 or 2.1") from None
    return reader.pairs


class _Reader(XmlReader):
    def __init__(self) -> None:
        super().__init__()
        self.is_xliff = False
        self.pairs: list[Pair] = []
        self._tags: tuple[str | None, str | None] = (None, None)
        self._parts: list[_Part] = []  # of the open unit
        self._pieces: list[tuple[bool, str]] | None = None  # of the open <source> or <target>
        self._depth = 0  # how deep that one stands

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.inside:
            self.is_xliff = name == "xliff"
            self._tags = (attributes.get("srcLang"), attributes.get("trgLang"))
        elif name == "file" and "source-language" in attributes:
            self._tags = (attributes.get("source-language"), attributes.get("target-language"))
        if name in _UNITS:
            self._parts = []
        if name in _PARTS:
            state = attributes.get("state", "")
            self._parts.append(_Part(is_untranslated=state in _UNTRANSLATED, is_ignorable=name == "ignorable"))
        if name in ("source", "target") and self.inside[-1] in _PARTS and _ASIDE.isdisjoint(self.inside):
            self._open(name, attributes)
        elif name in _CODES and self._pieces is not None:
            self._pieces.append((True, ""))  # also where it holds nothing
        elif name == "cp" and self._pieces is not None:
            self._pieces.append((False, _character(attributes.get("hex", ""))))

    def data(self, text: str) -> None:
        if self._pieces is not None:
            self._pieces.append((is_code(self.inside[self._depth :], _CODES, _TEXTS), text))

    def end(self, name: str) -> None:
        if self._pieces is not None and len(self.inside) == self._depth:
            self._pieces = None
        if name in _UNITS:
            self._add()

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._pieces, self._depth = [], len(self.inside)
        part = self._parts[-1]
        if name == "source":
            part.source = self._pieces
        else:
            part.target = self._pieces
            part.is_untranslated |= attributes.get("state", "") in _UNTRANSLATED

    def _add(self) -> None:
        """The pairs of the unit that ends. Of what is between segments, the target may be left out: it is the same."""
        parts, self._parts = self._parts, []
        for part in parts:
            if not part.is_ignorable and not part.is_untranslated and part.target:
                self.pairs.append(Pair(*self._tags, segment(part.source), segment(part.target)))
        whole = [part for part in parts if part.is_ignorable or (part.target and not part.is_untranslated)]
        if len(whole) == len(parts) and sum(not part.is_ignorable for part in parts) > 1:
            source = [piece for part in parts for piece in part.source]
            target = [piece for part in parts for piece in (part.source if part.target is None else part.target)]
            self.pairs.append(Pair(*self._tags, segment(source), segment(target)))


def _character(code: str) -> str:
    """A character that XML cannot hold, by its number in hexadecimal; nothing where there is none."""
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""
