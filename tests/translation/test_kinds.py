"""MADLAD-400 and OPUS-MT through the code of NLLB, against transformers and sentencepiece as their cards use them."""

from __future__ import annotations

import json
import shlex
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import NllbBackend, TranslationConfig
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Pair, Request, Translation, translate_requests
from polyrefuse_data.translation.backends import open_chain
from polyrefuse_data.translation.nllb import NllbTranslator
from polyrefuse_data.translation.trimming import Kept, Trimming
from tests.faults.launcher import Call
from tests.translation.conftest import ENGLISH, toy_translation
from tests.translation.tiny import DE, EN, REQUESTS, YO, ZH, translator
from tests.translation.tiny_models import MADLAD_TOKENS, OPUS_TOKENS, madlad, opus_mt

TH = language("th")
RUNTIMES = pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
KINDS = pytest.mark.parametrize("kind", ["madlad", "opus_mt"])
TEXTS = [toy_translation(request.text, request.target.code) for request in REQUESTS]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made: dict[str, Callable[[Path], Path]] = {"madlad": madlad, "opus_mt": opus_mt}
    return {name: make(tmp_path_factory.mktemp(f"tiny-{name}")) for name, make in made.items()}


@pytest.fixture(scope="session")
def one_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model for English into German alone."""
    return opus_mt(tmp_path_factory.mktemp("tiny") / "opus-mt-en-de", ["de"], ("en", "de"))


def as_on_its_card(kind: str, folder: Path, request: Request) -> str:
    """One text, by the card's own lines."""
    from transformers import AutoModelForSeq2SeqLM, MarianTokenizer

    model = AutoModelForSeq2SeqLM.from_pretrained(folder)
    code = request.target.code
    if kind == "opus_mt":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tokenizer = MarianTokenizer.from_pretrained(folder)
        inputs = tokenizer([f"{OPUS_TOKENS[code]} {request.text}"], return_tensors="pt")
        return str(
            tokenizer.decode(model.generate(**inputs, max_new_tokens=100, num_beams=1)[0], skip_special_tokens=True)
        )
    import sentencepiece
    import torch

    spm = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    ids = torch.tensor([[*spm.encode(f"{MADLAD_TOKENS[code]} {request.text}"), spm.eos_id()]])
    return str(spm.decode(model.generate(input_ids=ids, max_new_tokens=100, num_beams=1)[0].tolist()[1:]))


@RUNTIMES
@KINDS
def test_texts_are_those_of_the_cards_own_lines(folders: dict[str, Path], cache: Path, kind: str, runtime: str) -> None:
    """Mixed targets in one padded batch change nothing."""
    asked = translator(folders[kind], runtime=runtime, max_new_tokens=100)
    asked.prepare([Pair(EN, DE), Pair(EN, YO), Pair(EN, ZH)])
    results = translate_requests(asked, REQUESTS)
    assert [result.text for result in results if isinstance(result, Translation)] == TEXTS
    assert [as_on_its_card(kind, folders[kind], request) for request in REQUESTS[:3]] == TEXTS[:3]


@KINDS
def test_rows_and_journal_name_the_kind_the_model_and_its_revision(
    folders: dict[str, Path], cache: Path, kind: str
) -> None:
    plain, fast = (translator(folders[kind], runtime=runtime) for runtime in ("transformers", "ctranslate2"))
    of_kind = {"madlad": "t5", "opus_mt": "marian"}[kind]
    assert plain.name == f"{of_kind}:{plain.checkpoint.label}"
    assert fast.name == f"ctranslate2:{plain.checkpoint.label}"
    assert plain.settings["engine"] == of_kind
    assert "@" in plain.checkpoint.label
    assert (plain.settings["unknown"], plain.settings["candidates"]) == ("suppressed", 1)


@KINDS
def test_n_best_begins_with_the_best(folders: dict[str, Path], cache: Path, kind: str) -> None:
    for runtime in ("transformers", "ctranslate2"):
        first = translator(folders[kind], runtime=runtime, num_beams=4, max_new_tokens=100)
        several = translate_requests(first.with_candidates(4), REQUESTS[:3])
        assert [result.text for result in several if isinstance(result, Translation)] == TEXTS[:3]
        assert any(isinstance(result, Translation) and result.alternatives for result in several)


@RUNTIMES
@KINDS
def test_text_without_an_end_is_a_failure(folders: dict[str, Path], cache: Path, kind: str, runtime: str) -> None:
    """Also where a config forces an end at the longest length, as those of OPUS-MT do."""
    results = translate_requests(translator(folders[kind], runtime=runtime, max_new_tokens=2), REQUESTS)
    assert {result.reason for result in results if isinstance(result, Failure)} == {"truncated"}
    assert len(results) == len(REQUESTS)


@KINDS
def test_memory_that_runs_out_and_a_row_that_fails_are_halved_as_for_nllb(
    folders: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = translator(folders[kind], max_new_tokens=100)
    asked.plan = lambda requests: [list(range(len(requests)))]  # type: ignore[method-assign]
    generate, bad = asked.runtime.generate, asked.checkpoint.encode(REQUESTS)[4]

    def limited(sources: Any, *options: Any) -> Any:
        if len(sources) > 4:
            raise MemoryError
        if bad in sources:
            raise RuntimeError("shape mismatch")
        return generate(sources, *options)

    monkeypatch.setattr(asked.runtime, "generate", limited)
    results = translate_requests(asked, REQUESTS)
    assert results[4] == Failure("model_failed", "shape mismatch", ask_again=True)
    assert [result.text for result in results if isinstance(result, Translation)] == [*TEXTS[:4], *TEXTS[5:]]


@RUNTIMES
@KINDS
def test_answers_that_are_malformed_cut_or_doubled_are_each_accounted_for(
    folders: dict[str, Path], cache: Path, kind: str, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = translator(folders[kind], runtime=runtime)
    word = asked.checkpoint.vocabulary.encode([TEXTS[0]])[0]
    unknown, told = asked.checkpoint.unknown, min(asked.checkpoint.kind.control_tokens)
    rows: list[Any] = [
        [[*word, unknown]],  # a hole
        [[*word, told, *word]],  # it goes on in another language
        [[told]],
        [None],  # cut
        [[]],  # nothing
        [[*word, unknown], [*word, told], word],  # the third is whole
        [[*word, *word]],  # twice: the checks compare it with the prompt
    ]
    said = iter(rows)
    monkeypatch.setattr(asked.runtime, "generate", lambda sources, *_: [next(said) for _ in sources])
    results = [translate_requests(asked, [request])[0] for request in REQUESTS[: len(rows)]]
    reasons = [result.reason if isinstance(result, Failure) else result.text for result in results]
    assert reasons[:5] == ["unknown_token", "control_token", "control_token", "truncated", "empty"]
    assert reasons[5:] == [TEXTS[0], f"{TEXTS[0]} {TEXTS[0]}"]


def test_a_doubled_answer_is_rejected_by_the_checks() -> None:
    import pyarrow as pa

    from polyrefuse_data.quality import audit
    from polyrefuse_data.rows import SCHEMA

    english, german = "How do I bake bread at home?", "Wie backe ich zu Hause Brot?"
    row = {"language": "de", "label": "harmless", "split": "test", "text_en": english, "origin": "machine"}
    rows = [{**row, "id": f"x-{n}", "text": text} for n, text in enumerate((german, f"{german} {german}"))]
    once, twice = audit(pa.Table.from_pylist(rows, schema=SCHEMA)).to_pylist()
    assert once["status"] == "accepted"
    assert twice["status"] == "rejected"


@KINDS
def test_the_token_of_a_language_in_a_prompt_is_text(folders: dict[str, Path], kind: str) -> None:
    asked = translator(folders[kind])
    token = {"madlad": "<2zh>", "opus_mt": ">>cmn_Hans<<"}[kind]
    for text in (f"{token} {ENGLISH[0]}", f"{ENGLISH[0]} {token}"):
        (ids,) = asked.checkpoint.encode([Request(text, EN, DE)])
        told = [index for index in ids if index in asked.checkpoint.kind.control_tokens]
        assert told == [asked.checkpoint.vocabulary.index({**MADLAD_TOKENS, **OPUS_TOKENS}["de"])] or kind == "madlad"
        assert len(told) == 1
        assert asked.checkpoint.vocabulary.index(token) not in ids


@pytest.mark.parametrize("text", ["a </s> b", "<s> <pad> <unk>"])
@KINDS
def test_special_tokens_in_a_prompt_are_text(folders: dict[str, Path], kind: str, text: str) -> None:
    asked = translator(folders[kind])
    (ids,) = asked.checkpoint.encode([Request(text, EN, DE)])
    assert ids.count(asked.checkpoint.end) == 1
    assert ids[-1] == asked.checkpoint.end


def test_languages_without_a_token_are_an_error_before_the_first_row(folders: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="has no token <2th> for Thai: leave it out"):
        translator(folders["madlad"]).prepare([Pair(EN, DE), Pair(EN, TH)])
    with pytest.raises(ModelError, match=r"from eng into mul, by the tokens >>cmn_Hans<<, >>deu<<.*into Thai"):
        translator(folders["opus_mt"]).prepare([Pair(EN, TH)])


def test_an_opus_model_is_asked_only_for_its_own_direction(one_way: Path, folders: dict[str, Path]) -> None:
    single, several = translator(one_way), translator(folders["opus_mt"])
    assert [single.takes(pair) for pair in (Pair(EN, DE), Pair(DE, EN), Pair(EN, ZH))] == [True, False, False]
    assert [several.takes(pair) for pair in (Pair(EN, ZH), Pair(EN, TH), Pair(ZH, EN))] == [True, False, False]
    results = translate_requests(single, [Request(ENGLISH[0], EN, DE)])
    assert results == [Translation(toy_translation(ENGLISH[0], "de"))]
    config = TranslationConfig(backends=[NllbBackend(engine="seq2seq", model=str(one_way))])
    with pytest.raises(ConfigError, match=r"no backend translates into Chinese"):
        open_chain(config).prepare([Pair(EN, DE), Pair(EN, ZH)])
    chain = open_chain(config).prepare([Pair(EN, DE)])
    assert not chain.back  # nobody translates back, which is said


@pytest.mark.parametrize(
    ("described", "name", "direction"),
    [
        ({"source_lang": "eng", "target_lang": "deu"}, "any", (EN, DE)),
        ({}, "opus-mt-en-de", (EN, DE)),
        ({}, "opus-mt-tc-big-en-zh", (EN, ZH)),
        ({"source_lang": "deu+nld", "target_lang": "eng"}, "any", (DE, EN)),
        ({"source_lang": "nb_NO+deu+nog", "target_lang": "en"}, "any", (DE, EN)),
        ({}, "opus-mt-tc-bible-big-deu_fra-en", (DE, EN)),
        ({"source_lang": "mul", "target_lang": "eng"}, "any", (YO, EN)),
    ],
)
def test_the_direction_is_in_its_files_or_its_name(
    one_way: Path, tmp_path: Path, described: dict[str, str], name: str, direction: Any
) -> None:
    folder = tmp_path / name
    shutil.copytree(one_way, folder)
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    asked = translator(folder)
    assert asked.takes(Pair(*direction))
    assert not asked.takes(Pair(*direction)._replace(target=TH))
    asked.prepare([Pair(*direction)])
    if direction[0] is DE:
        assert not asked.takes(Pair(TH, EN))


def test_an_opus_model_that_says_no_direction_is_an_error(one_way: Path, tmp_path: Path) -> None:
    shutil.copytree(one_way, tmp_path / "mine")
    (tmp_path / "mine" / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match="does not say which languages it translates"):
        translator(tmp_path / "mine").prepare([Pair(EN, DE)])


def test_the_first_t5_models_are_asked_as_their_config_says(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["madlad"], tmp_path / "t5")
    config = json.loads((tmp_path / "t5" / "config.json").read_text())
    tasks = {"translation_en_to_th": {"prefix": "translate English to Thai: "}}
    (tmp_path / "t5" / "config.json").write_text(json.dumps({**config, "task_specific_params": tasks}))
    asked = translator(tmp_path / "t5")
    asked.prepare([Pair(EN, TH)])
    (ids,) = asked.checkpoint.encode([Request("List three fruits.", EN, TH)])
    assert asked.checkpoint.vocabulary.decode(ids) == "translate English to Thai: List three fruits."
    with pytest.raises(ModelError, match=r"<2en>|<2th>"):
        asked.prepare([Pair(TH, DE)])


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        ({"en": "<2en>", "zh": "<2zh>", "x": "<2zh_Hant>", "y": "<2zh_Latn>"}, "<2zh>"),
        ({"en": "<2en>", "zh": "<2cmn_Hans>", "x": "<2cmn_Hant>", "y": "<2cmn>"}, "<2cmn_Hans>"),
        ({"en": "<2en>", "zh": "<2cmn>"}, "<2cmn>"),
    ],
)
def test_of_several_tokens_for_a_language_it_is_the_one_in_its_script(tokens: dict[str, str], found: str) -> None:
    from polyrefuse_data.translation.kinds import by_language
    from polyrefuse_data.translation.madlad import T5

    assert by_language(tokens.values(), T5.pattern)["zh"] == found


def test_pickled_weights_are_found_at_the_start_and_the_advice_mends_it(
    polyrefuse: Call, folders: dict[str, Path], cache: Path, tmp_path: Path
) -> None:
    """Most of OPUS-MT is published so."""
    import torch
    from safetensors.torch import load_file

    pickled = tmp_path / "pickled"
    shutil.copytree(folders["opus_mt"], pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="pickled weights are never loaded") as raised:
        translator(pickled).prepare([Pair(EN, DE)])
    program, *arguments = shlex.split(str(raised.value).split("`")[1])
    assert program == "polyrefuse"
    assert polyrefuse(*arguments, cwd=tmp_path).returncode == 0
    mended = translator(tmp_path / "pickled-safetensors", max_new_tokens=100)
    mended.prepare([Pair(EN, DE)])
    assert translate_requests(mended, REQUESTS[:2]) == list(map(Translation, TEXTS[:2]))


BROKEN = {
    "madlad": [("spiece.model", "x"), ("config.json", "{")],
    "opus_mt": [("source.spm", "x"), ("target.spm", ""), ("vocab.json", "[]"), ("vocab.json", "{"),
                ("tokenizer_config.json", '{"separate_vocabs": true}')],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "content"), [(kind, *file) for kind, files in BROKEN.items() for file in files]
)
def test_broken_files_are_named_at_the_start(
    folders: dict[str, Path], tmp_path: Path, kind: str, name: str, content: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folders[kind], broken)
    (broken / name).write_text(content)
    with pytest.raises((ModelError, MissingPrerequisite), match="broken"):
        translator(broken).prepare([Pair(EN, DE)])


def test_the_fast_runtime_needs_no_transformers_once_converted(one_way: Path, cache: Path) -> None:
    import subprocess
    import sys

    translate_requests(translator(one_way, runtime="ctranslate2"), [Request(ENGLISH[0], EN, DE)])
    program = (
        "import sys; from polyrefuse_data.languages import language; from tests.translation.tiny import translator; "
        "from polyrefuse_data.translation import Request, translate_requests; from pathlib import Path; "
        f"fast = translator(Path({str(one_way)!r}), runtime='ctranslate2', max_new_tokens=60); "
        f"print(translate_requests(fast, [Request({ENGLISH[0]!r}, language('en'), language('de'))])[0].text); "
        "print({'torch', 'transformers'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [toy_translation(ENGLISH[0], "de"), "set()"]


def test_a_translator_can_be_sent_to_a_worker(folders: dict[str, Path]) -> None:
    import pickle

    for folder in folders.values():
        asked = translator(folder, max_new_tokens=100)
        asked.takes(Pair(EN, DE))
        again: NllbTranslator = pickle.loads(pickle.dumps(asked))
        assert translate_requests(again, REQUESTS[:1]) == [Translation(TEXTS[0])]


def test_a_t5_with_a_tokenizer_json_alone_is_told_the_language_too(tmp_path: Path) -> None:
    from transformers import T5Tokenizer

    words = ["▁", "▁List", "▁fruits", *MADLAD_TOKENS.values(), *"<2zh>"]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((word, -1.0) for word in words)]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0)
    tokenizer.save_pretrained(tmp_path)
    config = {"model_type": "t5", "vocab_size": len(tokenizer) + 3}
    (tmp_path / "config.json").write_text(json.dumps(config))
    asked = translator(tmp_path)
    asked.checkpoint.check([Pair(EN, DE)])
    (ids,) = asked.checkpoint.encode([Request("List <2zh> fruits", EN, DE)])
    tokens = asked.checkpoint.vocabulary.tokens(ids)
    assert tokens[:3] == ["▁", "<2de>", "▁List"]
    assert "<2zh>" not in tokens
    assert tokens[-2:] == ["▁fruits", "</s>"]
    assert asked.checkpoint.kind.never_said[-3:] == [len(tokenizer), len(tokenizer) + 1, len(tokenizer) + 2]


@RUNTIMES
@KINDS
def test_a_trimmed_vocabulary_changes_no_text(
    folders: dict[str, Path], cache: Path, kind: str, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tiny models have no token of another script, so some that no text needs are left out here."""
    asked = translator(folders[kind], runtime=runtime, max_new_tokens=100, vocabulary="language")
    checkpoint = asked.checkpoint
    used = {index for ids in [*checkpoint.encode(REQUESTS), *checkpoint.vocabulary.encode(TEXTS)] for index in ids}
    special = {*range(4), *checkpoint.kind.control_tokens, checkpoint.size - 1}
    kept = Kept("some", sorted(used | special))
    monkeypatch.setattr(Trimming, "kept", lambda self, pair: kept)
    generate, asked_with = asked.runtime.generate, set[Kept | None]()

    def spied(*arguments: Any) -> Any:
        asked_with.add(arguments[5])
        return generate(*arguments)

    monkeypatch.setattr(asked.runtime, "generate", spied)
    assert len(kept.ids) < checkpoint.size
    results = translate_requests(asked, REQUESTS)
    assert [result.text for result in results if isinstance(result, Translation)] == TEXTS
    assert asked_with == {kept}
