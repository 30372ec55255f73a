"""related_language: short prompts in close relatives, and good rows with foreign names."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from polyrefuse_data.quality import audit
from tests.quality.tables import make_table, verdict

FLAGS = {"related_language", "language_id"}


def read_relatives() -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(language of the row, language of the text) -> (prompt, text) of each line of relatives.tsv."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    with Path(__file__).with_name("relatives.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            found[row["language"], row["relative"]].append((row["prompt"], row["text"]))
    return found


RELATIVES = read_relatives()


@pytest.mark.parametrize("pair", RELATIVES, ids="-".join)
@pytest.mark.parametrize("with_prompt", [True, False])
def test_short_prompts_in_a_relative_are_found(pair: tuple[str, str], with_prompt: bool) -> None:
    rows = [
        {"language": pair[0], "text": text, "text_en": prompt if with_prompt else None}
        for prompt, text in RELATIVES[pair]
    ]
    caught = [bool(FLAGS.intersection(flags)) for flags in audit(make_table(*rows))["flags"].to_pylist()]
    assert sum(caught) >= 0.9 * len(caught)


@pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        ("pl", "Wyjaśnij równanie Schrödingera.", "Explain the Schrödinger equation."),
        ("zh", "唐尼·雷·艾伯特和罗伯特·莫斯利轮流演出了波尔吉的角色。", "They alternated in the role of Porgy."),
        ("pl", "Opisz twórczość Antonína Dvořáka.", "Describe the work of Antonín Dvořák."),
        ("de", "Nenne 3 Cafés in Berlin.", "Name 3 cafés in Berlin."),
        ("fr", "Cite trois musées de Los Angeles.", "Name three museums in Los Angeles."),
        ("it", "Elenca tre musei di Los Angeles.", "List three museums in Los Angeles."),
        ("it", "Chi è Cristiano Ronaldo?", "Who is Cristiano Ronaldo?"),
        ("es", "Resume la vida de François Mitterrand.", "Summarize the life of François Mitterrand."),
        ("es", "Describe la ciudad de São Paulo.", "Describe the city of São Paulo."),
        ("yo", "Ya àwòrán ilé.", "Draw a picture of a house."),
        ("ar", "صف سيارة فولكس ڤاگن.", "Describe a Volkswagen car."),
        ("nl", "Wees beleefd en schrijf jou brief opnieuw.", "Be polite and rewrite your letter."),
        ("zh", "汉字“龍”是什么意思？", "What does the character 龍 mean?"),
        ("zh", "去海边度假我应该带什么？", "What should I take to a holiday by the sea?"),
        ("es", "Explica cómo se forma la lluvia.", "Explain how rain forms."),
    ],
)
def test_names_and_loans_are_no_relative(language: str, text: str, source: str) -> None:
    assert not verdict(text, source, language)[1] & FLAGS
