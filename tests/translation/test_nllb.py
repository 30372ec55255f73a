"""NLLB through both runtimes, on a tiny random model, against plain transformers."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from polyrefuse_data.config import NllbBackend
from polyrefuse_data.errors import ConfigError, MissingPrerequisite, ModelError
from polyrefuse_data.languages import Language, language
from polyrefuse_data.translation import Failure, Pair, Request, Translation, fingerprint, translate_requests
from polyrefuse_data.translation.nllb import open_nllb
from tests.faults.launcher import Call
from tests.translation.conftest import ENGLISH
from tests.translation.tiny import DE, EN, REQUESTS, translator


def plain_greedy(model: Path, text: str, target: Language, max_new_tokens: int = 24) -> list[int]:
    """Token ids after the language token, one text at a time, as the documentation of transformers does it."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model, src_lang="eng_Latn")
    output = AutoModelForSeq2SeqLM.from_pretrained(model).generate(
        **tokenizer(text, return_tensors="pt"),
        forced_bos_token_id=tokenizer.convert_tokens_to_ids(target.flores),
        max_new_tokens=max_new_tokens + 1,  # the language token is forced as the first new one
        num_beams=1,
    )
    ids: list[int] = output[0].tolist()
    return ids[2:]


@pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
def test_tokens_are_those_of_plain_greedy_search(tiny_nllb: Path, cache: Path, runtime: str) -> None:
    """Mixed languages in one padded batch change no token."""
    batched = translator(tiny_nllb, runtime=runtime)
    sources = batched.checkpoint.encode(REQUESTS)
    targets = [batched.checkpoint.language_token(request.target) for request in REQUESTS]
    found = batched.runtime.generate(sources, targets, 1, 1, 24)
    end = batched.checkpoint.end
    expected = []
    for request in REQUESTS:
        ids = plain_greedy(tiny_nllb, request.text, request.target)
        expected.append([ids[: ids.index(end)] if end in ids else None])
    assert found == expected
    lengths = {len(row[0]) if row[0] is not None else None for row in found}
    assert len(lengths) > 2  # some end, at different lengths: the comparison says something


@pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
def test_text_without_an_end_is_a_failure_not_half_a_translation(tiny_nllb: Path, cache: Path, runtime: str) -> None:
    results = translate_requests(translator(tiny_nllb, runtime=runtime, max_new_tokens=1), REQUESTS)
    assert {result.reason for result in results if isinstance(result, Failure)} == {"truncated"}


@pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
def test_n_best_shares_the_model_and_begins_with_the_best_beam(tiny_nllb: Path, cache: Path, runtime: str) -> None:
    first = translator(tiny_nllb, runtime=runtime, num_beams=4, max_new_tokens=100)
    several = first.with_candidates(4)
    assert several.runtime is first.runtime
    assert fingerprint(several.settings) != fingerprint(first.settings)
    best = translate_requests(first, REQUESTS)
    n_best = translate_requests(several, REQUESTS)
    pairs = [(a, b) for a, b in zip(best, n_best, strict=True) if isinstance(a, Translation)]
    assert pairs
    assert any(isinstance(b, Translation) and b.alternatives for _, b in pairs)
    same = [isinstance(b, Translation) and a.text in (b.text, *b.alternatives) for a, b in pairs]
    assert all(same)


def test_both_runtimes_have_their_own_fingerprint(tiny_nllb: Path, cache: Path) -> None:
    settings = [
        translator(tiny_nllb, **options).settings
        for options in ({}, {"runtime": "ctranslate2"}, {"num_beams": 2}, {"dtype": "bfloat16"}, {"max_new_tokens": 9})
    ]
    assert len({fingerprint(item) for item in settings}) == len(settings)
    assert open_nllb(NllbBackend(model=str(tiny_nllb))).runtime.name == "ctranslate2"  # installed: taken by default
    assert open_nllb(NllbBackend(model=str(tiny_nllb))).runtime.dtype == "int8_float32"


def test_revision_of_a_folder_is_that_of_its_content(tiny_nllb: Path, tmp_path: Path) -> None:
    copy = tmp_path / tiny_nllb.name
    shutil.copytree(tiny_nllb, copy)
    assert translator(copy).name == translator(tiny_nllb).name
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "scale_embedding": False}))
    assert translator(copy).name != translator(tiny_nllb).name


def test_memory_that_runs_out_halves_the_batch_and_loses_no_row(
    tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    small = translator(tiny_nllb, max_new_tokens=100)
    small.plan = lambda requests: [list(range(len(requests)))]  # type: ignore[method-assign]
    expected = translate_requests(small, REQUESTS)
    generate, sizes = small.runtime.generate, []

    def limited(sources: Any, *options: Any) -> Any:
        sizes.append(len(sources))
        if len(sources) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return generate(sources, *options)

    monkeypatch.setattr(small.runtime, "generate", limited)
    assert translate_requests(small, REQUESTS) == expected
    assert sizes[0] == len(REQUESTS)

    monkeypatch.setattr(
        small.runtime, "generate", lambda *_: (_ for _ in ()).throw(RuntimeError("can't allocate memory: 8 bytes"))
    )
    assert [result.reason for result in translate_requests(small, REQUESTS[:2]) if isinstance(result, Failure)] == [
        "out_of_memory"
    ] * 2


def test_model_that_runs_out_of_memory_is_given_smaller_batches(
    tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    small = translator(tiny_nllb, max_new_tokens=100)
    expected = translate_requests(small, REQUESTS)
    model = small.runtime._model  # type: ignore[attr-defined]
    generate, sizes = model.generate, []

    def limited(**options: Any) -> Any:
        sizes.append(len(options["input_ids"]))
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return generate(**options)

    monkeypatch.setattr(model, "generate", limited)
    assert translate_requests(small, REQUESTS) == expected
    assert max(sizes) > 2


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({"amx_bf16": True}, "bfloat16"),
        ({"avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"avx512_bf16": False, "avx2": True}, "float32"),  # emulated bfloat16 is slower than float32
        ({}, "float32"),
    ],
    ids=str,
)
def test_bfloat16_is_taken_where_the_processor_multiplies_it(
    tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert translator(tiny_nllb, dtype="auto").runtime.dtype == dtype
    assert translator(tiny_nllb, dtype="float16").runtime.dtype == "float16"


class Failing:
    """A runtime that raises an error where `fails` says so of the token ids of a source."""

    def __init__(self, runtime: Any, fails: Callable[[Sequence[int]], bool], error: Exception) -> None:
        self._generate, self._fails, self._error = runtime.generate, fails, error
        self.calls = 0

    def __call__(self, sources: Sequence[Sequence[int]], *options: Any) -> Any:
        self.calls += 1
        if any(map(self._fails, sources)):
            raise self._error
        return self._generate(sources, *options)


@pytest.mark.parametrize(
    "error", [RuntimeError("shape mismatch\nat 0x1"), IndexError("index out of range in self")], ids=str
)
@pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
def test_row_at_which_the_model_fails_fails_alone(
    tiny_nllb: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, error: Exception
) -> None:
    some = translator(tiny_nllb, runtime=runtime, max_new_tokens=100)
    expected = translate_requests(some, REQUESTS)
    bad = [4, 11]
    sources = [some.checkpoint.encode(REQUESTS)[index] for index in bad]
    monkeypatch.setattr(some.runtime, "generate", Failing(some.runtime, sources.__contains__, error))
    results = translate_requests(some, REQUESTS)
    alike = [index for index, request in enumerate(REQUESTS) if request.text in {REQUESTS[4].text, REQUESTS[11].text}]
    failure = Failure("model_failed", str(error).split("\n")[0], ask_again=True)
    assert results == [failure if index in alike else result for index, result in enumerate(expected)]
    assert translate_requests(some, REQUESTS[4:5]) == [failure]  # also where it is all there is to ask


@pytest.mark.parametrize("requests", [REQUESTS, REQUESTS[:1]], ids=len)
def test_model_that_fails_at_everything_ends_the_run_at_once(
    tiny_nllb: Path, monkeypatch: pytest.MonkeyPatch, requests: list[Request]
) -> None:
    broken = translator(tiny_nllb)
    failing = Failing(broken.runtime, lambda _: True, RuntimeError("device-side assert triggered\nCUDA kernel"))
    monkeypatch.setattr(broken.runtime, "generate", failing)
    with pytest.raises(
        ModelError, match=r"cannot translate on this machine \(device-side assert triggered\): try device"
    ):
        translate_requests(broken, requests)
    assert failing.calls == 2


def test_text_longer_than_the_model_takes_is_a_failure(tiny_nllb: Path) -> None:
    results = translate_requests(translator(tiny_nllb), [Request("zq " * 400, EN, DE), REQUESTS[0]])
    assert isinstance(results[0], Failure)
    assert results[0].reason == "too_long"


def test_language_without_a_token_is_an_error_at_the_start(tiny_nllb: Path) -> None:
    with pytest.raises(ModelError, match=r"has no token ibo_Latn for Igbo: leave it out"):
        translator(tiny_nllb).prepare([Pair(EN, language("ibo_Latn"))])


def test_folder_with_only_a_sentencepiece_file_is_an_error_at_the_start(tiny_nllb: Path, tmp_path: Path) -> None:
    """There, transformers 5 maps every language code to <unk> and translates into whatever that is."""
    import sentencepiece

    for name in ("config.json", "model.safetensors", "generation_config.json"):
        shutil.copy(tiny_nllb / name, tmp_path)
    with (tmp_path / "sentencepiece.bpe.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(ENGLISH * 4),
            model_writer=file,
            model_type="bpe",
            vocab_size=120,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "NllbTokenizer"}))
    with pytest.raises((ModelError, MissingPrerequisite), match=r"tokenizer\.json|cannot be loaded"):
        translator(tmp_path).prepare([Pair(EN, DE)])


def test_other_models_and_missing_ones_are_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bart"}')
    with pytest.raises(ModelError, match="of type 'bart'"):
        translator(tmp_path).prepare([Pair(EN, DE)])
    with pytest.raises(MissingPrerequisite, match="gone does not exist: give a folder"):
        translator(tmp_path / "gone").prepare([Pair(EN, DE)])


def test_pickled_weights_are_found_at_the_start_and_the_advice_mends_it(
    polyrefuse: Call, tiny_nllb: Path, cache: Path, tmp_path: Path
) -> None:
    """NLLB's own checkpoint is published so."""
    import torch
    from safetensors.torch import load_file

    pickled = tmp_path / "pickled"
    shutil.copytree(tiny_nllb, pickled)
    weights = load_file(pickled / "model.safetensors")
    (pickled / "model.safetensors").unlink()
    torch.save({**weights, "lm_head.weight": weights["model.shared.weight"]}, pickled / "pytorch_model.bin")
    advice = set()
    for runtime in ("transformers", "ctranslate2"):
        with pytest.raises(ModelError, match="pickled weights are never loaded") as raised:
            translator(pickled, runtime=runtime).prepare([Pair(EN, DE)])
        advice.add(str(raised.value).split("`")[1])
    (command,) = advice
    program, *arguments = shlex.split(command)
    assert program == "polyrefuse"
    assert polyrefuse(*arguments, cwd=tmp_path).returncode == 0
    for runtime in ("transformers", "ctranslate2"):
        mended = translator(tmp_path / "pickled-safetensors", runtime=runtime, max_new_tokens=100)
        mended.prepare([Pair(EN, DE)])
        expected = translate_requests(translator(tiny_nllb, runtime=runtime, max_new_tokens=100), REQUESTS)
        assert translate_requests(mended, REQUESTS) == expected
        assert any(isinstance(result, Translation) for result in expected)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[]"),
        ("config.json", "{"),
        ("config.json", '{"model_type": "m2m_100"}'),
        ("config.json", '{"model_type": "m2m_100", "vocab_size": "many"}'),
        ("tokenizer.json", "{}"),
        ("tokenizer.json", ""),
    ],
)
@pytest.mark.parametrize("runtime", ["transformers", "ctranslate2"])
def test_broken_files_of_a_model_are_named_at_the_start(
    tiny_nllb: Path, cache: Path, tmp_path: Path, runtime: str, name: str, content: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_nllb, broken)
    (broken / name).write_text(content)
    with pytest.raises((ModelError, MissingPrerequisite), match="broken"):
        translator(broken, runtime=runtime).prepare([Pair(EN, DE)])


@pytest.fixture
def hub(tiny_nllb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The snapshot of `org/tiny` in a cache of the Hub, which cannot be reached."""
    from huggingface_hub import constants

    repository = tmp_path / "models--org--tiny"
    snapshot = repository / "snapshots" / ("ab" * 20)
    shutil.copytree(tiny_nllb, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(snapshot.name)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return snapshot


def test_model_of_the_hub_is_named_with_its_commit(hub: Path, tiny_nllb: Path) -> None:
    fetched = open_nllb(NllbBackend(model="org/tiny", runtime="transformers", dtype="float32", max_new_tokens=24))
    fetched.prepare([Pair(EN, DE)])
    assert fetched.name == f"nllb:org/tiny@{hub.name}"
    assert fetched.checkpoint.encode(REQUESTS) == translator(tiny_nllb).checkpoint.encode(REQUESTS)


def test_weights_that_cannot_be_fetched_are_an_error_at_the_start(hub: Path) -> None:
    (hub / "model.safetensors").unlink()
    fetched = open_nllb(NllbBackend(model="org/tiny", runtime="transformers"))
    with pytest.raises(MissingPrerequisite, match="fetch it with `polyrefuse fetch-model org/tiny`"):
        fetched.prepare([Pair(EN, DE)])


@pytest.mark.parametrize("text", ["a </s> b", "<s> deu_Latn eng_Latn", "<unk><pad><mask>"])
def test_special_tokens_in_a_text_are_text(tiny_nllb: Path, text: str) -> None:
    from transformers import AutoTokenizer

    from polyrefuse_data.translation.vocabulary import FileVocabulary, TransformersVocabulary

    tokenizer = AutoTokenizer.from_pretrained(tiny_nllb)
    for vocabulary in (FileVocabulary(tiny_nllb / "tokenizer.json"), TransformersVocabulary(tokenizer)):
        ids = vocabulary.encode([text])[0]
        assert not {*ids} & {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
        assert vocabulary.ids(vocabulary.tokens(ids)) == ids


def test_what_cannot_be_computed_here_is_named(tiny_nllb: Path) -> None:
    with pytest.raises(ConfigError, match="needs runtime"):
        translator(tiny_nllb, dtype="int8").prepare([Pair(EN, DE)])
    with pytest.raises(ConfigError, match="device 'cuda:7'"):
        translator(tiny_nllb, device="cuda:7").prepare([Pair(EN, DE)])
    with pytest.raises(ConfigError, match="device 'cuda:7'"):
        translator(tiny_nllb, device="cuda:7", runtime="ctranslate2").prepare([Pair(EN, DE)])
