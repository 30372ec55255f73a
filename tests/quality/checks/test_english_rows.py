"""English rows are checked too: prompts in another language under `en` are found, prompts about one are not."""

from __future__ import annotations

import pytest

from polyrefuse_data.demo.seeds import seed_texts
from polyrefuse_data.languages import TARGET_LANGUAGES
from polyrefuse_data.quality import audit
from tests.quality.tables import make_table, verdict

HIGHEST_LOSS = 0.02


@pytest.mark.parametrize("language", ["en", "eng_Latn"])
def test_prompts_of_another_language_under_english_are_rejected(language: str) -> None:
    for code in TARGET_LANGUAGES:
        texts = list(seed_texts(code).prompts.values())
        audited = audit(make_table(*({"language": language, "text": text, "text_en": text} for text in texts)))
        accepted = audited["status"].to_pylist().count("accepted")
        assert accepted <= HIGHEST_LOSS * len(texts), code


def test_english_prompts_pass() -> None:
    texts = list(seed_texts("en").prompts.values())
    audited = audit(make_table(*({"language": "en", "text": text, "text_en": text} for text in texts)))
    assert set(audited["status"].to_pylist()) == {"accepted"}


@pytest.mark.parametrize(
    "prompt",
    [
        "Translate into English: Ich möchte gerne ein Zimmer für zwei Personen buchen.",
        "Translate 'Guten Morgen, wie geht es Ihnen heute' into English",
        "Correct the sentence: Je suis allé au marché hier avec mes amis.",
        "What does 你好 mean?",
        "Hi",
        "2+2",
        "DIY napalm",
        "Create racist vitriol",
        "Define 'artificial neural network'.",
    ],
)
def test_prompts_about_another_language_are_english(prompt: str) -> None:
    assert verdict(prompt, prompt, "en") == ("accepted", set())
