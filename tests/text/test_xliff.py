"""XLIFF 1.2 and 2.x: what is translated in it, what is code, and what hostile files do not get."""

from __future__ import annotations

from pathlib import Path

import pytest

from polyrefuse_data.errors import SourceError
from polyrefuse_data.text.xliff import Pair, read_pairs

V12 = (
    """<xliff version="1.2"><file source-language="en" target-language="de" original="x">"""
    """<body>{}</body></file></xliff>"""
)
V2 = (
    """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.1" srcLang="en" trgLang="de">"""
    """<file id="f"><unit id="u">{}</unit></file></xliff>"""
)


def read(content: str) -> list[Pair]:
    return read_pairs(Path("x.xlf"), content.encode())


def texts(content: str) -> list[tuple[str, str]]:
    return [(pair.source.text, pair.target.text) for pair in read(content)]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("<source>Hello</source><target>Hallo</target>", [("Hello", "Hallo")]),
        ("<source>A <g id='1'>b</g> c</source><target>A <mrk mtype='x'>b</mrk> c</target>", [("A b c", "A b c")]),
        ("<source>A <ph id='1'>{0}</ph> c</source><target>A <x id='1'/> c</target>", [("A c", "A c")]),
        ("<source>A<bpt id='1'>&lt;b <sub>t</sub>></bpt></source><target>B</target>", [("At", "B")]),
        ("<source>A</source><target state='new'>A</target>", []),
        ("<source>A</source><target state='needs-translation'>A</target>", []),
        ("<source>A</source><target/>", []),
        ("<source>A</source>", []),
        ("<source>A</source><alt-trans><source>A</source><target>guess</target></alt-trans>", []),
        (
            "<source>A. B.</source><seg-source><mrk mid='1'>A.</mrk> <mrk mid='2'>B.</mrk></seg-source>"
            "<target><mrk mid='1'>C.</mrk> <mrk mid='2'>D.</mrk></target>",
            [("A. B.", "C. D.")],
        ),
    ],
)
def test_version_1_2(unit: str, expected: list[tuple[str, str]]) -> None:
    assert texts(V12.format(f"<trans-unit id='1'>{unit}</trans-unit>")) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("<segment><source>A <pc id='1'>b</pc></source><target>C</target></segment>", [("A b", "C")]),
        ("<segment><source>A<ph id='1'/><cp hex='0009'/>B</source><target>C</target></segment>", [("A\tB", "C")]),
        (
            "<segment><source>A.</source><target>C.</target></segment><ignorable><source> </source></ignorable>"
            "<segment><source>B.</source><target>D.</target></segment>",
            [("A.", "C."), ("B.", "D."), ("A. B.", "C. D.")],
        ),
        (
            "<segment><source>A.</source><target>C.</target></segment>"
            "<segment state='initial'><source>B.</source><target>B.</target></segment>",
            [("A.", "C.")],  # not as a whole: half of it is not translated
        ),
        ("<notes><note>x</note></notes><segment><source>A</source><target>C</target></segment>", [("A", "C")]),
        (
            "<m:matches xmlns:m='urn:x'><m:match><source>A</source><target>guess</target></m:match></m:matches>"
            "<segment><source>A</source></segment>",
            [],
        ),
        ("<segment><source>A<cp hex='zz'/><cp hex='110000'/></source><target>C</target></segment>", [("A", "C")]),
    ],
)
def test_version_2(unit: str, expected: list[tuple[str, str]]) -> None:
    assert texts(V2.format(unit)) == expected


def test_languages_and_codes() -> None:
    (pair,) = read(
        V12.format("<trans-unit id='1'><source>A<ph id='1'>{0}</ph></source><target>B</target></trans-unit>")
    )
    assert (pair.source_tag, pair.target_tag, pair.source.coded) == ("en", "de", "A{0}")
    (pair,) = read(V2.format("<segment><source>A</source><target>B</target></segment>"))
    assert (pair.source_tag, pair.target_tag) == ("en", "de")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no element found"),
        ("<xliff>", "no element found"),
        ("<tmx/>", "no <xliff> in it"),
        ("<xliff><source>A</source></xliff>", ""),  # nothing in it, and nothing wrong with it
        ('<!DOCTYPE xliff [<!ENTITY a "b">]><xliff>&a;</xliff>', "declares its own entities"),
        ("<!DOCTYPE xliff [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><xliff>&a;</xliff>", "declares its own entities"),
        ("<!DOCTYPE xliff SYSTEM 'http://127.0.0.1:9/x.dtd'><xliff>&a;</xliff>", "undefined entity &a;"),
        ("<xliff>" + "<g>" * 200, "nested 100 deep"),
        ("<?xml version='1.0' encoding='nonsense'?><xliff/>", "encoding"),
    ],
)
def test_hostile_and_broken_files_are_refused(content: str, message: str) -> None:
    if not message:
        assert read(content) == []
        return
    with pytest.raises(SourceError, match=f"x.xlf: not readable as XLIFF .*{message}"):
        read(content)
