"""Wrapping around a whole translation comes off, and nothing else does."""

from __future__ import annotations

import pytest

from polyrefuse_data.text.wrapping import cleaned

TEXT = "Wie geht es dir?"
SOURCE = "How are you?"


@pytest.mark.parametrize(
    ("given", "notes"),
    [
        (f'"{TEXT}"', ("quotes",)),
        (f"„{TEXT}“", ("quotes",)),
        (f"“{TEXT}”", ("quotes",)),
        (f"«{TEXT}»", ("quotes",)),
        (f"»{TEXT}«", ("quotes",)),
        (f"「{TEXT}」", ("quotes",)),
        (f"'{TEXT}'", ("quotes",)),
        (f"''{TEXT}''", ("quotes",)),
        (f"**{TEXT}**", ("emphasis",)),
        (f"__{TEXT}__", ("emphasis",)),
        (f"`{TEXT}`", ("emphasis",)),
        (f"```\n{TEXT}\n```", ("fence",)),
        (f"```json\r\n{TEXT}\n```\n", ("fence",)),
        (f"&quot;{TEXT}&quot;", ("entities", "quotes")),
        (f"{TEXT}&nbsp;", ("entities",)),
        (f' "**{TEXT}**" ', ("quotes",)),  # one layer: what is below is for the checks
    ],
)
def test_wrapping_comes_off(given: str, notes: tuple[str, ...]) -> None:
    text, taken = cleaned(given, SOURCE)
    assert taken == notes
    assert text in (TEXT, f"**{TEXT}**")


@pytest.mark.parametrize(
    ("given", "source"),
    [
        (TEXT, SOURCE),
        (f'"{TEXT}"', f'"{SOURCE}"'),  # the English has them too
        (f"**{TEXT}**", f"**{SOURCE}**"),
        ("&amp; ist ein Zeichen", "&amp; is a sign"),
        ('"A" und "B"', "A and B"),  # two quotations, not one
        ("“去”，他说，“停”", "Go, he said, stop"),
        ("'s Avonds 't huis'", "Home in the evening"),
        ("„A“ oder „B“", "A or B"),
        (f'"{TEXT}', SOURCE),
        (f"&unknown; {TEXT}", SOURCE),
        (f"&#0;{TEXT}", SOURCE),  # a character that nobody sees
        (f"```\n{TEXT}\n```\n```\n{TEXT}\n```", SOURCE),  # two texts
        (f"```\n{TEXT}\n```", "Translate ```How are you?```"),
        (f"``` {TEXT} ```", SOURCE),
        ("```\n\n```", SOURCE),
        ('""', SOURCE),
        ("****", SOURCE),
        ("", SOURCE),
        ('"', SOURCE),
    ],
)
def test_anything_else_stays(given: str, source: str) -> None:
    assert cleaned(given, source) == (given, ())
