"""Reading TMX 1.4, a unit at a time, from files that nobody has looked at (xml_reading.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from polyrefuse_data.errors import SourceError
from polyrefuse_data.text.segments import Segment, is_code, segment
from polyrefuse_data.text.xml_reading import ERRORS, XmlReader

_IN_VARIANT = ["tu", "tuv"]

# TMX 1.4, "Content markup": these hold native code; `hi` holds text, and so does `sub`, also within code.
_CODES = frozenset({"bpt", "ept", "ph", "it", "ut"})
_TEXTS = frozenset({"seg", "hi", "sub"})


@dataclass
class Unit:
    """A `<tu>`: its variants as (language tag, its `<seg>`), either None where it is missing; its props by type."""

    variants: list[tuple[str | None, Segment | None]] = field(default_factory=list)
    props: dict[str, str] = field(default_factory=dict)


def read_units(path: Path, content: bytes) -> list[Unit]:
    """The units of a TMX file in file order, in whatever encoding the file says.

    Raises SourceError naming `path` if it is not XML, or declares its own entities or attributes.
    """
    reader = _Reader()
    try:
        reader.parse(content)
    except ERRORS as error:
        raise SourceError(f"{path}: not readable as TMX ({error}); export the memory again as TMX 1.4") from None
    return reader.units


class _Reader(XmlReader):
    def __init__(self) -> None:
        super().__init__()
        self.units: list[Unit] = []
        self._tag: str | None = None  # of the open <tuv>
        self._segment: Segment | None = None  # its <seg>
        self._kind = ""  # type of the open <prop>
        self._pieces: list[tuple[bool, str]] = []  # of the open <seg> or <prop>
        self._depth: int | None = None  # how deep that one stands; None: none is open

    def start(self, name: str, attributes: dict[str, str]) -> None:
        parents = self.inside[-2:]
        if name == "tu":
            if "tu" in self.inside:
                self.refuse("a <tu> inside a <tu>")
            self.units.append(Unit())
        elif name == "tuv" and parents[-1:] == ["tu"]:
            self._tag, self._segment = attributes.get("xml:lang") or attributes.get("lang"), None
        elif (name == "seg" and parents == _IN_VARIANT) or (
            name == "prop" and (parents == _IN_VARIANT or parents[-1:] == ["tu"])
        ):
            self._kind, self._pieces, self._depth = attributes.get("type", ""), [], len(self.inside)
        elif self._depth is not None and name in _CODES:
            self._pieces.append((True, ""))  # also where it holds nothing

    def data(self, text: str) -> None:
        if self._depth is not None:
            self._pieces.append((is_code(self.inside[self._depth :], _CODES, _TEXTS), text))

    def end(self, name: str) -> None:
        if self._depth == len(self.inside):
            self._depth = None
            if name == "seg":
                self._segment = segment(self._pieces)
            else:
                self.units[-1].props[self._kind] = segment(self._pieces).coded
        elif name == "tuv" and self.inside[-1:] == ["tu"]:
            self.units[-1].variants.append((self._tag, self._segment))
