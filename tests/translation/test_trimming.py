"""`vocabulary = "language"`: the same tokens as the full model, except where that leaves the languages."""

from __future__ import annotations

import importlib.util
import json
import shutil
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.errors import ModelError
from polyrefuse_data.languages import TARGET_LANGUAGES, language
from polyrefuse_data.translation import Pair, Request, Translation, fingerprint, translate_requests
from polyrefuse_data.translation.base import identity
from polyrefuse_data.translation.nllb import NllbTranslator
from polyrefuse_data.translation.trimming import Kept, Trimming, used_by
from tests.cases import quick
from tests.translation.tiny import DE, EN, REQUESTS, YO, translator

_SPEC = importlib.util.spec_from_file_location(
    "vocabulary", Path(__file__).resolve().parents[2] / "benchmarks" / "vocabulary.py"
)
assert _SPEC is not None and _SPEC.loader is not None
benchmark: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(benchmark)

DEMO = "bundled:demo-translator"
RUNTIMES = pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
TEXTS = 2  # of each kind, language and direction


def trimmed(model: str | Path, **options: Any) -> NllbTranslator:
    return translator(model, vocabulary="language", **options)


def outcomes(asked: NllbTranslator, cut: Trimming, requests: list[Request]) -> list[str]:
    return [compared.outcome for compared in benchmark.compare(asked, cut, requests)]


def trimming(asked: NllbTranslator) -> Trimming:
    return Trimming(asked.checkpoint.vocabulary, asked.checkpoint.size)


@pytest.mark.parametrize(
    ("code", "own", "foreign"),
    [
        ("de", "aZ9 äÖß é …„“€▁_½µ²", "ыạ漢กع한ř\u0e34\u064e"),
        ("en", "aé–", "řы漢"),
        ("ru", "жЁіaZ«»", "ђäé漢"),
        ("ja", "漢かカー。、Ａ９a", "é한ы"),
        ("ko", "한ㅋa", "漢かы"),
        ("th", "กเ\u0e34\u0e48๙a", "漢ع"),
        ("ar", "ع\u064eة،٣a", "漢กы"),
        ("zh", "汉漢，。a", "한ы"),
        ("yo", "ẹṣ\u0301àọ", "ы漢"),
        ("hi", "क\u093f।a", "漢กع"),  # no pack
    ],
)
def test_what_a_language_uses(code: str, own: str, foreign: str) -> None:
    in_use = used_by(language(code))
    assert [character for character in own if not in_use(character)] == []
    assert [character for character in foreign if in_use(character)] == []


def test_special_tokens_and_every_language_code_are_kept(tiny_nllb: Path) -> None:
    asked = translator(tiny_nllb)
    kept = trimming(asked).kept(Pair(EN, DE))
    vocabulary = asked.checkpoint.vocabulary
    codes = [language(code).flores for code in ("en", *TARGET_LANGUAGES)]
    indices = [vocabulary.index(token) for token in ("<s>", "<pad>", "</s>", "<unk>", *codes)]
    assert None not in indices
    assert kept.holds([index for index in indices if index is not None])
    assert not kept.holds([asked.checkpoint.size])
    assert trimming(asked).kept(Pair(DE, EN)).label == kept.label


@pytest.mark.parametrize(
    ("runtime", "dtype", "codes"),
    quick([("ctranslate2", "auto", TARGET_LANGUAGES)], [("transformers", "float32", ("de", "ja", "th"))]),
)
def test_tokens_are_those_of_the_full_model_but_where_it_leaves_the_languages(
    cache: Path, runtime: str, dtype: str, codes: Sequence[str]
) -> None:
    """On what the bundled model has learnt it never leaves them; on what it has not, it does now and then."""
    asked = translator(DEMO, runtime=runtime, dtype=dtype)
    cut = trimming(asked)
    found = {benchmark.seeds: Counter[str](), benchmark.made: Counter[str]()}
    for kind, counts in found.items():
        for code in codes:
            other = language(code)
            there = [Request(text, EN, other) for text in kind("en", TEXTS)]
            back = [Request(text, other, EN) for text in kind(code, TEXTS)]
            counts.update(outcomes(asked, cut, there) + outcomes(asked, cut, back))
    everything = 2 * TEXTS * len(codes)
    assert found[benchmark.seeds] == {benchmark.SAME: everything}
    assert found[benchmark.made][benchmark.OTHER] == 0
    assert found[benchmark.made][benchmark.TO_FULL] >= 2 * (len(codes) - 1)  # Москва, but with Russian
    assert found[benchmark.made][benchmark.SAME] > everything / 3


@pytest.fixture(scope="module")
def wanderer(tiny_nllb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model, which would say a Chinese word wherever it would say the token that it says most."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    folder = tmp_path_factory.mktemp("wanderer") / "tiny-wanderer"
    shutil.copytree(tiny_nllb, folder)
    path = folder / "tokenizer.json"
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    healthy = translator(tiny_nllb)
    vocabulary = tokenizer["model"]["vocab"]
    said = [token for row in tokens(healthy, None) for token in row]
    most, rare = (
        max(set(said), key=said.count),
        next(index for index in reversed(vocabulary.values()) if index not in said and index > 4),
    )
    word = next(token for token, index in vocabulary.items() if index == rare)
    tokenizer["model"]["vocab"] = {("漢字" if token == word else token): n for token, n in vocabulary.items()}
    tokenizer["model"]["merges"] = [
        merge for merge in tokenizer["model"]["merges"] if word not in ("".join(merge), *merge)
    ]
    path.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    with torch.no_grad():
        weights = model.get_output_embeddings().weight
        weights[rare] = weights[most] * 1.01
    model.save_pretrained(folder)
    return folder


def tokens(asked: NllbTranslator, kept: Kept | None) -> list[list[int]]:
    sources = asked.checkpoint.encode(REQUESTS)
    targets = [asked.checkpoint.language_token(request.target) for request in REQUESTS]
    return [row[0] or [] for row in asked.runtime.generate(sources, targets, 1, 1, 24, kept)]


@RUNTIMES
def test_a_token_of_another_script_is_never_said(wanderer: Path, tiny_nllb: Path, cache: Path, runtime: str) -> None:
    asked = translator(wanderer, runtime=runtime)
    kept = trimming(asked).kept(Pair(EN, DE))
    foreign = asked.checkpoint.vocabulary.index("漢字")
    assert foreign is not None and not kept.holds([foreign])
    left = [foreign in row for row in tokens(asked, None)]
    assert sum(left) >= 5  # by itself it would say it
    assert not any(foreign in row for row in tokens(asked, kept))
    assert tokens(asked, kept) == tokens(translator(tiny_nllb, runtime=runtime), None)
    found = Counter(outcomes(asked, trimming(asked), [request for request in REQUESTS if request.target is DE]))
    assert found[benchmark.LEFT] and not found[benchmark.OTHER]


@RUNTIMES
def test_a_text_with_a_trimmed_token_goes_to_the_full_model(
    cache: Path, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, asked = translator(DEMO, runtime=runtime), trimmed(DEMO, runtime=runtime)
    plain, mixed = Request("How do I bake bread?", EN, DE), Request("How do I bake bread in 北京 or Москва?", EN, DE)
    requests = [plain, mixed, Request(plain.text, EN, language("ru")), plain]
    asked_with = []
    generate = asked.runtime.generate

    def spied(*arguments: Any) -> Any:
        asked_with.append((len(arguments[0]), arguments[5].name if arguments[5] else None))
        return generate(*arguments)

    monkeypatch.setattr(asked.runtime, "generate", spied)
    assert asked.plan(requests) == [[0, 3], [1], [2]]
    assert translate_requests(asked, requests) == translate_requests(full, requests)
    assert asked_with == [(2, "de-en"), (1, None), (1, "en-ru")]
    list(asked.translate([requests]))  # a batch that nobody planned
    assert asked_with[3:] == [(4, None)]


def test_only_greedy_search_is_trimmed(tiny_nllb: Path) -> None:
    full, asked = translator(tiny_nllb), trimmed(tiny_nllb)
    assert fingerprint(asked.settings) != fingerprint(full.settings)
    assert "vocabulary" not in full.settings  # answers in journals of before still count
    for beams in (trimmed(tiny_nllb, num_beams=2), asked.with_candidates(3)):
        assert "vocabulary" not in beams.settings
        assert beams._kept(REQUESTS[0], [0]) is None
    assert translate_requests(asked.with_candidates(3), REQUESTS[:3]) == translate_requests(
        full.with_candidates(3), REQUESTS[:3]
    )


def test_trimmed_copies_are_made_before_the_first_row_and_kept(
    wanderer: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from polyrefuse_data.translation import ctranslate2

    asked = trimmed(wanderer, runtime="ctranslate2")
    asked.prepare([Pair(EN, DE), Pair(DE, EN), Pair(EN, YO)])
    made = sorted(path.name for path in (cache / "polyrefuse-data" / "ctranslate2").iterdir())
    full = made[1]
    assert [name.removeprefix(full)[:7] for name in made[1:]] == ["", "-de-en-", "-en-yo-"]
    files = [json.loads(path.read_text(encoding="utf-8")) for path in cache.rglob("shared_vocabulary.json")]
    size = asked.checkpoint.size
    assert sorted(len(tokens) for tokens in files) == [size - 1, size - 1, size]
    monkeypatch.setattr(ctranslate2, "cut_vocabulary", None)  # another cut would fail
    again = trimmed(wanderer, runtime="ctranslate2")
    assert any(isinstance(result, Translation) for result in translate_requests(again, REQUESTS[:2]))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: struct.pack("<I", 7) + content[4:], "model.bin is of version 7, not 6"),
        (lambda content: content[: len(content) // 2], "model.bin ends too early"),
        (lambda content: content.replace(b"embeddings", b"embbedings"), "model.bin has no embeddings of tokens"),
    ],
)
def test_files_that_cannot_be_trimmed_are_named_with_the_key(
    tiny_nllb: Path, cache: Path, damage: Any, message: str
) -> None:
    translator(tiny_nllb, runtime="ctranslate2").prepare([Pair(EN, DE)])
    (weights,) = cache.rglob("model.bin")
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(ModelError, match=rf'vocabulary cannot be trimmed \({message}\): set vocabulary = "full"'):
        trimmed(tiny_nllb, runtime="ctranslate2").prepare([Pair(EN, DE)])
    assert len(list(cache.rglob("model.bin"))) == 1  # nothing half made


def test_one_model_is_loaded_at_a_time(tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ctranslate2

    loaded: list[str] = []
    alive: list[str] = []
    at_once: list[int] = []

    class Counted(ctranslate2.Translator):
        def __init__(self, path: str, **options: Any) -> None:
            super().__init__(path, **options)
            loaded.append(path)
            alive.append(path)
            at_once.append(len(alive))

        def __del__(self) -> None:
            alive.pop()

    monkeypatch.setattr(ctranslate2, "Translator", Counted)
    asked = trimmed(tiny_nllb, runtime="ctranslate2")
    translate_requests(asked, REQUESTS)
    assert len(loaded) == 3  # one for each language, and none twice
    assert at_once == [1, 1, 1]
    asked.close()
    assert not alive
    assert identity(asked).name == identity(translator(tiny_nllb, runtime="ctranslate2")).name
