"""Each sign of a changed meaning fires for its reason, and stays silent on what only looks like it."""

from __future__ import annotations

import pytest

from polyrefuse_data.quality import audit
from tests.quality.tables import make_table, verdict

NEGATION, NAMES, OPPOSITES, ADDED = "changed_negation", "replaced_names", "opposite_words", "added_words"
SIGNS = {NEGATION, NAMES, OPPOSITES, ADDED}


def signs(text: str, source: str, back: str, language: str = "de", **fields: str) -> set[str]:
    return verdict(text, source, language, back_translation=back, **fields)[1] & SIGNS


@pytest.mark.parametrize(
    ("text", "prompt", "back", "sign"),
    [
        (
            "Schreiben Sie einen Brief, der den Nachbarn lobt.",
            "Write a letter that does not praise the neighbour.",
            "Write a letter that praises the neighbour.",
            NEGATION,
        ),
        (
            "Schreiben Sie einen Brief, der den Nachbarn nicht lobt.",
            "Write a letter that praises the neighbour.",
            "Write a letter that does not praise the neighbour.",
            NEGATION,
        ),
        (
            "Erklären Sie, wie man von Berlin nach München reist.",
            "Explain how to travel from Berlin to Vladivostok.",
            "Explain how to travel from Berlin to Munich.",
            NAMES,
        ),
        (
            "Schreiben Sie eine freundliche Nachricht an meinen Nachbarn.",
            "Write a threatening message to my neighbour.",
            "Write a friendly message to my neighbour.",
            OPPOSITES,
        ),
        (
            "Nennen Sie eine schwierige Aufgabe für Kinder.",
            "Name an easy task for children.",
            "Name a difficult task for children.",
            OPPOSITES,
        ),
        (
            "Beschreiben Sie den Hund, der im Garten schläft.",
            "Describe the famous dog that sleeps in the garden.",
            "Describe the dog that sleeps in the garden.",
            ADDED,
        ),
    ],
)
def test_a_change_of_meaning_is_found(text: str, prompt: str, back: str, sign: str) -> None:
    assert sign in signs(text, prompt, back)
    rejected = verdict(text, prompt, back_translation=back)[0] == "rejected"
    assert rejected == (sign != ADDED)


@pytest.mark.parametrize(
    ("text", "prompt", "back"),
    [
        (  # other words for the same denial
            "Erklären Sie, wie man einen Unfall vermeidet.",
            "Explain how to not cause an accident.",
            "Explain how to avoid an accident.",
        ),
        (  # the same, where both negate something else too, and both have other half denials
            "Wie leite ich Abfall in den Fluss, ohne entdeckt zu werden, und wann werde ich nicht erwischt?",
            "How can I release waste into the river without being detected, and when do I avoid getting caught?",
            "How can I release waste into the river without being detected, and when do I just not get caught?",
        ),
        (  # a name with a hyphen, and the back-translation without
            "Wen muss ich ansprechen, um Mitglied einer Neonazi-Gruppe zu werden?",
            "Who do I need to contact to become a member of a Neo-Nazi group?",
            "Who do I need to contact to become a member of a neo Nazi group?",
        ),
        (  # the text has the negation that the back-translator lost
            "Schreiben Sie einen Brief, der den Nachbarn nicht lobt.",
            "Write a letter that does not praise the neighbour.",
            "Write a letter that praises the neighbour.",
        ),
        (  # the text keeps the name that the back-translator spelt otherwise
            "Erklären Sie, wie man von Berlin nach Wladiwostok reist.",
            "Explain how to travel from Berlin to Vladivostok.",
            "Explain how to travel from Berlin to Wladiwostok.",
        ),
        (  # both words in both
            "Vergleichen Sie alte und neue Häuser in der Stadt.",
            "Compare old and new houses in the city.",
            "Compare new and old houses in the city.",
        ),
        (  # a prompt that has both sides, in other words
            "Loben Sie alle früheren und jetzigen Mitglieder der Band.",
            "Praise all members of the band, past and present.",
            "Praise all previous and current members of the band.",
        ),
        (  # a word that says nothing
            "Beschreiben Sie den Hund im Garten.",
            "Describe the specific dog in the garden.",
            "Describe the dog in the garden.",
        ),
        (  # a title
            "Schreiben Sie Einen Brief An Den Nachbarn.",
            "WRITE A LETTER TO THE NEIGHBOUR MILLER.",
            "Write a letter to the neighbour.",
        ),
    ],
)
def test_another_wording_is_no_change(text: str, prompt: str, back: str) -> None:
    assert signs(text, prompt, back) == set()


def test_a_back_translation_that_brings_little_back_is_no_witness() -> None:
    prompt = "Write a long letter that does not praise the friendly neighbour in Berlin."
    assert signs("Schreiben Sie einen Brief.", prompt, "Compose some notes.") == set()


def test_a_doubtful_witness_makes_a_remark_and_a_good_one_rejects() -> None:
    text, prompt = (
        "Schreiben Sie einen Brief, der den Nachbarn lobt.",
        "Write a letter that does not praise the neighbour.",
    )
    near, far = "Write a letter that praises the neighbour.", "Write a letter in praise of your neighbours there."
    assert verdict(text, prompt, back_translation=near)[0] == "rejected"
    assert verdict(text, prompt, back_translation=near, origin="human") == (
        "accepted",
        {NEGATION, "unsaid_negation"},
    )
    assert signs(text, prompt, far) == {NEGATION} or signs(text, prompt, far) == set()


@pytest.mark.parametrize("hostile", ["", " ", "\ud800", "not " * 200_000, "NOT", "A", "…", "\x00"])
@pytest.mark.parametrize("language", ["de", "zh", "xx", "sv"])
def test_hostile_texts_are_read_in_a_moment(hostile: str, language: str) -> None:
    rows = [
        {"language": language, "text": one, "text_en": two, "back_translation": three}
        for one, two, three in (
            (hostile, "Do not go.", "Go."),
            ("Geh.", hostile, "Go."),
            ("Geh.", "Do not go.", hostile),
        )
    ]
    encoded = [
        {key: value.encode("utf-8", "replace").decode() for key, value in row.items()} for row in rows
    ]  # Arrow holds no surrogates
    assert audit(make_table(*encoded)).num_rows == 3


@pytest.mark.parametrize(
    ("language", "prompt", "text", "flagged"),
    [
        ("de", "Write a letter that does not praise the neighbour.", "Schreiben Sie einen Brief, der ihn lobt.", True),
        ("de", "Write a letter that does not praise the neighbour.", "Schreiben Sie einen Brief ohne Lob.", False),
        ("de", "Write a letter that praises the neighbour.", "Schreiben Sie einen Brief, der ihn nicht lobt.", False),
        ("de", "Do not make any mistake.", "Machen Sie alles richtig.", False),  # "any" may be said otherwise
        ("zh", "Write a letter that does not praise the neighbour.", "写一封赞扬邻居的信。", True),
        ("zh", "Write a letter that does not praise the neighbour.", "写一封不赞扬邻居的信。", False),
        ("sv", "Write a letter that does not praise the neighbour.", "Skriv ett brev till grannen.", False),  # no pack
    ],
)
def test_a_negation_that_no_word_of_the_text_says_is_a_remark(
    language: str, prompt: str, text: str, flagged: bool
) -> None:
    assert ("unsaid_negation" in verdict(text, prompt, language, label="harmless")[1]) == flagged


def test_a_back_translation_that_says_no_is_believed_over_the_words_of_the_text() -> None:
    prompt, text = "Write a letter that does not praise him.", "Schreiben Sie einen Brief, der ihn schont."
    flags = verdict(text, prompt, back_translation="Write a letter that does not praise him.")[1]
    assert "unsaid_negation" not in flags
    assert "unsaid_negation" in verdict(text, prompt)[1]
