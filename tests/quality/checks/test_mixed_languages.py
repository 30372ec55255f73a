"""mixed_languages: parts of a text in another language of the set, and good rows with foreign names."""

from __future__ import annotations

import time

import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.quality import audit
from polyrefuse_data.text.naive_bayes import model
from tests.quality.tables import make_table, verdict

SOURCE = "Explain how volcanoes form and where in the world most of them are."
EVERY = 9  # of the 144 seeds: enough sentences a pair of languages


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Explique comment se forment les volcans y en qué parte del mundo está la mayoría."),
        ("de", "Erkläre, wie Vulkane entstehen et où dans le monde se trouvent la plupart."),
        ("de", "Explique comment se forment les volcans und wo auf der Welt die meisten liegen."),
        ("es", "Explica cómo wie Vulkane entstehen und wo está la mayoría de ellos."),
        ("ja", "火山がどのようにできるか説明してください。世界上大多数火山在哪里？"),
        ("ja", "解释火山是如何形成的。そして世界のどこに最も多いか教えてください。"),
        ("ru", "Объясни, как образуются вулканы i gdzie na świecie jest ich najwięcej."),
        ("nl", "Leg uit hoe vulkanen ontstaan und wo auf der Welt die meisten liegen."),
        ("it", "Spiega come si formano i vulcani y en qué parte del mundo está la mayoría."),
        ("yo", "Ṣe alaye bi awọn onina ṣe n ṣẹda und wo auf der Welt die meisten liegen."),
    ],
)
def test_a_half_in_another_language_rejects(language: str, text: str) -> None:
    assert verdict(text, SOURCE, language)[1] & {"mixed_languages", "related_language"}


def test_a_sentence_in_another_language_without_its_english_rejects() -> None:
    text = "Erkläre, wie Vulkane entstehen. Dis-moi aussi où se trouvent la plupart d'entre eux."
    assert "mixed_languages" in verdict(text, None)[1]


@pytest.mark.parametrize("language", TARGET_LANGUAGES)
def test_a_sentence_of_any_other_language_beside_the_translation_rejects(language: str) -> None:
    own, english = seed_texts(language).prompts, seed_texts("en").prompts
    keys = sorted(own)[::EVERY]
    rows = [
        {"language": language, "text": f"{own[first]} {seed_texts(other).prompts[second]}",
         "text_en": f"{english[first]} {english[second]}"}
        for other in TARGET_LANGUAGES if other != language
        for first, second in zip(keys, [*keys[1:], keys[0]], strict=True)
    ]  # fmt: skip
    flags = audit(make_table(*rows))["flags"].to_pylist()
    caught = [bool({"mixed_languages", "related_language", "language_id", "script"}.intersection(row)) for row in flags]
    assert sum(caught) >= 0.95 * len(caught)


GOOD = pytest.mark.parametrize(
    ("language", "text", "source"),
    [
        ("de", "Wie rechne ich Celsius in Fahrenheit um?", "How do I convert Celsius to Fahrenheit?"),
        (
            "de",
            "Nennen Sie einen Basketballspieler an der Louisiana State University (LSU).",
            "Name a basketball player at LSU.",
        ),
        (
            "de",
            "Die National Science Foundation (NSF) investiert zurzeit jährlich viel in die KI-Forschung.",
            "As for the NSF, it currently invests much in AI research.",
        ),
        ("pl", "Napisz równanie na Fahrenheita i Celsjusza.", "Write an equation for Fahrenheit and Celsius."),
        ("es", "Traduce «guten Morgen, wie geht es dir» al español.", 'Translate "guten Morgen, wie geht es dir".'),
        ("ja", "「Dirty COW」というLinuxの脆弱性を説明してください。", 'Explain the "Dirty COW" Linux flaw.'),
        ("it", "Scrivi una poesia su Johann Sebastian Bach.", "Write a poem about Johann Sebastian Bach."),
        ("ja", "第一次世界大戦の主な原因を挙げてください。", "List the main causes of the First World War."),
        ("es", "Escriba un tweet sobre la tecnología blockchain.", "Write a tweet about blockchain technology."),
        ("de", "Wie kann ich Patrouillen im Regenwald verhindern?", "How can I prevent patrols in the rainforest?"),
    ],
)


@GOOD
def test_names_and_quotations_need_no_prompt_to_be_known(language: str, text: str, source: str) -> None:
    assert "mixed_languages" not in verdict(text, None, language)[1]


@GOOD
def test_names_and_words_of_the_prompt_are_no_other_language(language: str, text: str, source: str) -> None:
    assert "mixed_languages" not in verdict(text, source, language)[1]


def test_a_run_begins_and_ends_with_its_own_text() -> None:
    """Texts are summed up together; what one says does not reach into the next."""
    german, french = "Erkläre mir den Weg zum Bahnhof.", "Explique-moi le chemin de la gare."
    own, others = model().columns(frozenset({"de"}))[0], model().columns(frozenset({"fr"}))
    alone = [model().longest_runs([text], [own], others)[0] for text in (german, french, "", "12")]
    together = model().longest_runs([german, french, "", "12"], [own] * 4, others)
    assert together.tolist() == pytest.approx(alone, abs=1e-4)
    assert alone[1] > 40 > 5 > alone[0]
    assert alone[2:] == [0.0, 0.0]


def test_a_long_text_is_read_once_and_quickly() -> None:
    text = "Erkläre mir den Weg zum Bahnhof. " * 30_000
    started = time.process_time()
    verdict(text, text)
    assert time.process_time() - started < 5
