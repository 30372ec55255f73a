"""<unk>: never in a translation, in either runtime; and characters of a prompt that a model cannot read."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, Translation, translate_requests
from polyrefuse_data.translation.documents import Document
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.run import TranslationRun
from polyrefuse_data.translation.split import Part, split_around_spans
from tests.translation.conftest import ENGLISH
from tests.translation.tiny import DE, EN, REQUESTS, ZH, translator

RUNTIMES = pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])


@pytest.fixture(scope="module")
def doctored(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, which now would say <unk> wherever it would say the token that it says most."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    folder = tmp_path_factory.mktemp("doctored") / "tiny-unk"
    shutil.copytree(tiny_nllb, folder)
    healthy = translator(tiny_nllb)
    sources = healthy.checkpoint.encode(REQUESTS)
    targets = [healthy.checkpoint.language_token(request.target) for request in REQUESTS]
    said = [token for row in healthy.runtime.generate(sources, targets, 1, 1, 24) for token in row[0] or []]
    most, unknown = max(set(said), key=said.count), healthy.checkpoint.unknown
    assert unknown is not None
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    with torch.no_grad():
        weights = model.get_output_embeddings().weight
        weights[unknown] = weights[most] * 1.01
    model.save_pretrained(folder)
    return folder


def raw_tokens(folder: Path) -> list[list[int]]:
    """What the model says by itself."""
    import torch

    asked = translator(folder)
    found = []
    for request in REQUESTS:
        ids = torch.tensor(asked.checkpoint.encode([request]))
        start = torch.tensor([[asked.checkpoint.end, asked.checkpoint.language_token(request.target)]])
        output = asked.runtime._model.generate(  # type: ignore[attr-defined]
            input_ids=ids, decoder_input_ids=start, max_new_tokens=24, num_beams=1, do_sample=False
        )
        found.append(output[0].tolist())
    return found


@RUNTIMES
def test_it_is_never_said(doctored: Path, tiny_nllb: Path, cache: Path, runtime: str) -> None:
    unknown = translator(doctored).checkpoint.unknown
    assert sum(unknown in ids for ids in raw_tokens(doctored)) >= 5  # by itself it would say it
    results = translate_requests(translator(doctored, runtime=runtime), REQUESTS)
    healthy = translate_requests(translator(tiny_nllb, runtime=runtime), REQUESTS)
    assert results == healthy
    assert any(isinstance(result, Translation) for result in results)


def test_both_runtimes_say_the_same_without_it(doctored: Path, cache: Path) -> None:
    one, other = (
        translate_requests(translator(doctored, runtime=runtime, max_new_tokens=60), REQUESTS)
        for runtime in ("transformers", "ctranslate2")
    )
    assert one == other


@RUNTIMES
def test_no_beam_says_it(doctored: Path, cache: Path, runtime: str) -> None:
    asked = translator(doctored, runtime=runtime, num_beams=4)
    sources = asked.checkpoint.encode(REQUESTS)
    targets = [asked.checkpoint.language_token(request.target) for request in REQUESTS]
    beams = [ids for row in asked.runtime.generate(sources, targets, 4, 4, 24) for ids in row if ids]
    assert len(beams) > len(REQUESTS)
    assert not any(asked.checkpoint.unknown in ids for ids in beams)


@RUNTIMES
def test_where_it_comes_nevertheless_the_row_fails_and_the_next_beam_is_taken(
    tiny_nllb: Path, cache: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = translator(tiny_nllb, runtime=runtime)
    unknown = asked.checkpoint.unknown
    assert unknown is not None
    word = asked.checkpoint.encode(REQUESTS[:1])[0][1:-1]
    rows = iter([[[*word, unknown]], [[*word, unknown], word], [None, [unknown]]])
    monkeypatch.setattr(asked.runtime, "generate", lambda sources, *_: [next(rows) for _ in sources])
    hole, second, none = (translate_requests(asked, [request])[0] for request in REQUESTS[:3])
    for failed in (hole, none):
        assert isinstance(failed, Failure)
        assert (failed.reason, failed.ask_again) == ("unknown_token", False)
    assert isinstance(second, Translation)
    assert second.text == ENGLISH[0]


def test_what_a_model_cannot_read_is_known(tiny_nllb: Path) -> None:
    characters = translator(tiny_nllb).checkpoint.unknown_characters
    assert characters.of("Bake bread 🍞 with 𠮷, na\u00efve!") == {"🍞", "𠮷", "\u00ef"}
    assert characters.of("How do I bake bread?") == frozenset()


@pytest.mark.parametrize(
    ("source", "text", "carried"),
    [
        (EN, "Bake bread 🍞!", "🍞"),
        (EN, "What does 𠮷 mean?", "𠮷"),
        (EN, "A naïve question", ""),  # half a word is no word
        (ZH, "请解释𠮷是什么🍞", "🍞"),
    ],
)
def test_what_is_no_part_of_a_word_is_carried(tiny_nllb: Path, source: Any, text: str, carried: str) -> None:
    unknown = translator(tiny_nllb).units.unknown
    assert unknown is not None
    assert unknown(Request(text, source, DE if source is EN else EN)) == frozenset(carried)


def test_emoji_are_carried_over_and_the_words_around_them_are_translated(tiny_nllb: Path, journal: Journal) -> None:
    asked = translator(tiny_nllb)
    plain, other = (
        translate_requests(asked, REQUESTS[:1])[0],
        translate_requests(asked, [Request(ENGLISH[4], EN, DE)])[0],
    )
    assert isinstance(plain, Translation)
    assert isinstance(other, Translation)
    family = "👨\u200d👩\u200d👧"
    text = f"{ENGLISH[0][:-1]} 🍞🍞 {family} {ENGLISH[4]}"
    (result,) = TranslationRun(journal, progress=False).translate(asked, [Request(text, EN, DE)])
    assert isinstance(result, Translation)
    assert "🍞🍞" in result.text and family in result.text
    assert result.text.count("🍞") == 2
    assert result.notes == ("unknown_characters",)


def test_a_text_without_any_is_cut_as_before(tiny_nllb: Path) -> None:
    units = translator(tiny_nllb).units
    for text in (*ENGLISH, "Say `x` to {name} at https://x.org/a."):
        document = Document(Request(text, EN, DE), units)
        assert document.asks() == Document(Request(text, EN, DE), units.__class__(units.max_chars, True)).asks()


def test_unknown_characters_are_spans_like_others() -> None:
    assert split_around_spans("Say 🍞❤\ufe0f now, {name}.", frozenset("🍞❤")) == [
        Part(True, "Say"),
        Part(False, " 🍞❤\ufe0f "),
        Part(True, "now"),
        Part(False, ", {name}."),
    ]
    assert split_around_spans("Say ]^\\- now", frozenset("]^\\-")) == [
        Part(True, "Say"),
        Part(False, " ]^\\- "),
        Part(True, "now"),
    ]


def test_a_language_whose_words_it_cannot_read_is_noted_not_cut(tiny_nllb: Path, journal: Journal) -> None:
    (result,) = TranslationRun(journal, progress=False).translate(
        translator(tiny_nllb), [Request("请解释什么是面包", language("zh"), EN)]
    )
    assert isinstance(result, Failure) or result.notes == ("unknown_characters",)
